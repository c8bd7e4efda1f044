"""Search finds words and phrases of what is loaded, at once, and nothing of what is gone."""

import json
import shutil
import subprocess
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest
import tantivy
from hypothesis import given, settings
from hypothesis import strategies as st

from flows import steps
from flows.retract import retract
from flows.run import Request
from flows.search import search
from flows.settings import load_settings
from warehouse import publish as publishing
from warehouse.errors import NotPublishedError
from warehouse.home import Home
from warehouse.search_index import read_state
from warehouse.search_schema import WORDS, analyzer, parted
from warehouse.searching import SNIPPET_CHARS, SearchError, open_search

Query = Callable[..., list[tuple[Any, ...]]]
Ingest = Callable[..., Any]
WriteLines = Callable[..., Path]
Copydesk = Callable[..., tuple[int, str, str]]

PILOTS = "The harbour pilots waited for the tide on Monday, and nobody told the harbour pilots why it did not come."
TRAMS = "On Tuesday the trams stood still, as the pilots of the new line had lost their way in the harbour district."
BRIDGE = "Über die Brücke gehen die Ärzte jeden Morgen zur Arbeit, und am Abend gehen sie wieder nach Hause zurück."
SINHALA = "පළාත් සභා මැතිවරණය පැවැත්වීම පිළිබඳව ආණ්ඩුව තවමත් තීරණයක් ගෙන නැති බව අමාත්‍යවරයා පැවසීය."
CHINESE = "今天早上，北京的图书馆重新开放。读者在门口排起了长队，等待进入阅览室，馆员说他们已经准备了好几个月。"
JAPANESE = "東京タワーは来週から休業する。運営会社によると、エレベーターの点検に三日ほどかかる見通しだという。"
THAI = "ห้องสมุดที่กรุงเทพเปิดให้บริการอีกครั้งเมื่อวานนี้ หลังจากปิดปรับปรุงมานานหลายเดือนเพราะน้ำท่วม"
MARKED = "The editor wrote ** on the margin, ** twice; but the zeppelin ** on the cover was left as it had been drawn"
TAMIL = "மாகாண சபைத் தேர்தல் தொடர்பாக அரசாங்கம் இன்னும் முடிவெடுக்கவில்லை என அமைச்சர் தெரிவித்தார்."


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory, write_lines: WriteLines) -> Home:
    folder = tmp_path_factory.mktemp("library")
    wire = [
        {"headline": "Waiting for water", "body": PILOTS, "published_at": "2026-03-02T06:00:00Z"},
        {"headline": "No trams", "body": TRAMS, "published_at": "2026-03-05T06:00:00Z"},
        {"headline": "Brücken", "body": BRIDGE},
    ]
    drops = (
        write_lines(folder / "wire" / "a.jsonl", wire),
        write_lines(folder / "mirror" / "b.jsonl", [{"body": SINHALA}, {"body": TAMIL, "dek": "A short summary."}]),
        write_lines(
            folder / "east" / "c.jsonl",
            [
                {"headline": "Peking", "body": CHINESE},
                {"headline": "Tokio", "body": JAPANESE},
                {"headline": "Bangkok", "body": THAI},
                {"headline": "Stars", "body": MARKED},
            ],
        ),
    )
    steps.ingest(Request(load_settings(home=folder / "home"), drops))
    return Home(folder / "home")


@pytest.fixture
def loaded(library: Home, home: Path, begin_with: Callable[[Path], None]) -> Path:
    """The home of the test, with the library in it."""
    begin_with(library.root)
    return home


def headlines(home: Path, words: str, **options: Any) -> list[str | None]:
    return search(home, words, **options).articles["headline"].to_list()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("pilots", ["Waiting for water", "No trams"]),
        ("HARBOUR Pilots", ["Waiting for water", "No trams"]),
        ('"harbour pilots"', ["Waiting for water"]),
        ('"pilots harbour"', []),
        ("“harbour pilots”", ["Waiting for water"]),
        ("„pilots harbour“", []),
        ("pilots -«on Monday»", ["No trams"]),
        ("pilots -trams", ["Waiting for water"]),
        ("pilots AND trams", ["No trams"]),
        ("pilots AND NOT trams", ["Waiting for water"]),
        ("pilots NOT trams", ["Waiting for water"]),
        ("pilots AND (NOT trams)", ["Waiting for water"]),
        ("(pilots OR harbour) AND NOT trams", ["Waiting for water"]),
        ('pilots AND NOT "harbour pilots"', ["No trams"]),
        ('"NOT pilots"', []),
        ("Brexit: pilots -trams (and", ["Waiting for water"]),
        ('Brexit: pilots -"harbour pilots" (and', ["No trams"]),
        ("headline:trams", ["No trams"]),
        ("headline:pilots", []),
        ("brucke", ["Brücken"]),
        ("ÄRZTE", ["Brücken"]),
        ("summary", [None]),
        ("මැතිවරණය", [None]),
        ('"පළාත් සභා"', [None]),
        ("தேர்தல்", [None]),
        ("Brexit: pilots (and", ["Waiting for water", "No trams"]),
        ("nothing_of_the_kind", []),
        ("北京", ["Peking"]),
        ("京北", []),
        ("北京 タワー", ["Tokio", "Peking"]),
        ("北京的图书馆 -タワー", ["Peking"]),
        ("body:图书馆", ["Peking"]),
        ("「東京タワー」", ["Tokio"]),
        ("กรุงเทพ", ["Bangkok"]),
        ("เทพกรุง", []),
        ('"ห้องสมุด ที่"', ["Bangkok"]),
    ],
)
def test_words_phrases_and_fields_are_found_in_any_script(words: str, expected: list[str], library: Home) -> None:
    assert headlines(library.root, words) == expected


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("body:* trams", ["No trams"]),
        ("tide in Brexit: *", ["Waiting for water", "No trams"]),
        ("* trams", ["No trams"]),
        ("trams *", ["No trams"]),
        ("headline:* trams", ["No trams"]),
        ("body:[x TO trams]", ["No trams"]),
        ("xyz IN [trams]", ["No trams"]),
        ("/tr.*ms/", []),
        ("+trams", ["No trams"]),
        ("tram~1", []),
        ("trams^100 tide^0.1", ["Waiting for water", "No trams"]),
        ('"harbour tide"~20', []),
        ('"harbour pil"*', []),
        ("article_id:*", []),
        (">trams", ["No trams"]),
        ("trams && nothing", ["No trams"]),
        ('pilots -"!" trams', ["No trams", "Waiting for water"]),
        ("pilots -(trams OR tram)", ["Waiting for water"]),
        ("pilots -headline:trams", ["Waiting for water"]),
        ('headline:"no trams"', ["No trams"]),
        ("headline:(trams tide)", ["No trams"]),
        ("pilots -(trams", ["Waiting for water"]),
        ("AND pilots -trams", ["Waiting for water"]),
        ("trams' line", ["No trams"]),
        ("x\\trams", ["No trams"]),
    ],
)
def test_what_is_no_part_of_the_language_is_looked_for_word_by_word(
    words: str, expected: list[str], library: Home
) -> None:
    found = headlines(library.root, words)
    assert sorted(map(str, found)) == sorted(expected)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [*"()[]{}\"-+*?:^~/<>|&!'\\ ,", "AND ", "OR ", " NOT ", "IN ", " TO ", "headline:", "body:", "북"]
        )
        | st.sampled_from(["pilots", "tide ", " 北京", "ที่", "a", "\x00", "\u0301", "\U0001f600", "½", "1"]),
        max_size=25,
    )
)
def test_no_question_is_too_odd(library: Home, words: list[str]) -> None:
    with suppress(SearchError):
        asked = open_search(library, "".join(words))
        assert len(list(asked.best(10))) <= 9
        assert asked.pieces(PILOTS)


def test_a_word_counts_more_in_a_headline_and_where_it_is_frequent(library: Home) -> None:
    found = search(library.root, "pilots").articles
    assert found["score"][0] > found["score"][1] > 0
    assert headlines(library.root, "trams water") == ["No trams", "Waiting for water"]


def test_filters_leave_the_rest(library: Home) -> None:
    assert headlines(library.root, "pilots", since=date(2026, 3, 3)) == ["No trams"]
    assert headlines(library.root, "pilots", sources=["mirror"]) == []
    assert headlines(library.root, "pilots die", language="de") == ["Brücken"]
    assert headlines(library.root, "pilots die", language="DE") == ["Brücken"]
    assert headlines(library.root, "trams", language="de") == []
    with pytest.raises(SearchError, match="No article is in the language 'xx'; there are de, en"):
        headlines(library.root, "pilots", language="xx")
    assert headlines(library.root, "pilots", since="2026-03-03") == ["No trams"]
    with pytest.raises(SearchError, match="'2026-13-01' is no day"):
        headlines(library.root, "pilots", since="2026-13-01")
    assert headlines(library.root, "pilots trams die", sources="wire", limit=1) == ["No trams"]
    assert headlines(library.root, "pilots", sources="mirror") == []
    with pytest.raises(SearchError, match="There is no source 'nobody'; known are east, mirror, wire"):
        headlines(library.root, "pilots", sources=["wire", "nobody"])
    with pytest.raises(SearchError, match="0 articles cannot be shown; ask for 1 at least"):
        headlines(library.root, "pilots", limit=0)
    assert headlines(library.root, "pilots", limit=1) == ["Waiting for water"]
    assert headlines(library.root, "pilots", limit=1, since=date(2026, 3, 3)) == ["No trams"]


def test_a_snippet_has_the_words_between_marks(library: Home) -> None:
    [snippet] = search(library.root, '"harbour pilots" tide').articles["snippet"].head(1)
    assert "The **harbour** **pilots** waited for the **tide** on Monday" in snippet
    [snippet] = search(library.root, "headline:trams").articles["snippet"]
    assert snippet == TRAMS
    [snippet] = search(library.root, "Ärzte").articles["snippet"]
    assert snippet.startswith("Über die Brücke gehen die **Ärzte** jeden")
    [snippet] = search(library.root, "北京 长队").articles["snippet"]
    assert snippet.startswith("今天早上，**北京**的图书馆重新开放。读者在门口排起了**长队**，")
    [snippet] = search(library.root, "ที่กรุงเทพ").articles["snippet"]
    assert snippet.startswith("ห้องสมุด**ที่กรุงเทพ**เปิดให้บริการอีกครั้งเมื่อวานนี้")
    found = open_search(library, "北京 pilots")
    late = found.pieces("京都的天气，北方的天气。" * 100 + "他们说北京 has pilots" + "京都的天气，北方的天气。" * 100)
    assert (len("".join(late)), late[1], late[3]) == (SNIPPET_CHARS, "北京", "pilots")
    assert found.pieces("京都的天气，北方的天气。")[1:] == ()
    [snippet] = search(library.root, "headline:peking").articles["snippet"]
    assert snippet == CHINESE


def test_words_are_bold_whatever_marks_a_text_has(library: Home) -> None:
    found = search(library.root, "zeppelin")
    assert MARKED.replace("zeppelin", "**zeppelin**") == found.articles["snippet"][0]
    assert found.pieces == (tuple(MARKED.partition("zeppelin")),)


@pytest.mark.usefixtures("loaded")
def test_a_terminal_shows_marks_of_a_text_as_they_are(copydesk: Copydesk) -> None:
    assert MARKED in copydesk("search", "zeppelin")[1]


@pytest.mark.parametrize("words", ["", "   ", '""', "-pilots", "((", "*", "?!", "\\", "\x00"])
def test_what_names_no_word_is_an_error(words: str, library: Home) -> None:
    with pytest.raises(SearchError, match="no word to look for"):
        headlines(library.root, words)


@pytest.mark.parametrize(
    "words", ['"pilots', "pilots)", "pilots:::", "[pilots TO", "pil^ots", "pilots~", "' OR pilots --"]
)
def test_any_text_may_be_asked_for(words: str, library: Home) -> None:
    assert headlines(library.root, words) in ([], ["Waiting for water", "No trams"])


@pytest.mark.parametrize("words", ["NOT pilots", '-"pilots"', "NOT pilots NOT trams"])
def test_what_is_only_to_be_left_out_is_no_question(words: str, library: Home) -> None:
    with pytest.raises(SearchError, match="no word to look for"):
        headlines(library.root, words)


def test_a_question_may_be_decomposed_long_or_hostile(library: Home) -> None:
    assert headlines(library.root, "Bru\u0308cke") == ["Brücken"]
    assert headlines(library.root, "පළාත්: (සභා") == [None]
    assert headlines(library.root, "pilots", limit=10**6) == ["Waiting for water", "No trams"]
    with pytest.raises(SearchError, match="characters"):
        headlines(library.root, "(" * 10_000 + "pilots")


def test_what_a_run_loads_is_found_when_it_ends(
    loaded: Path, tmp_path: Path, ingest: Ingest, query: Query, write_lines: WriteLines
) -> None:
    body = "The lighthouse keeper counted gulls until the evening, and wrote down four hundred and twelve of them."
    ingest(write_lines(tmp_path / "wire" / "later.jsonl", [{"headline": "Gulls", "body": body}]))
    assert headlines(loaded, "lighthouse") == ["Gulls"]
    ingest(write_lines(tmp_path / "post" / "copy.jsonl", [{"headline": "Gulls", "body": body}]))
    found = search(loaded, "lighthouse").articles
    assert found.select("headline", "record_count").rows() == [("Gulls", 2)]
    assert found["sources"].to_list() == [["post", "wire"]]
    state = read_state(Home(loaded))
    assert state is not None
    assert query("SELECT snapshot_id FROM ops.publication") == [(state.commit_no,)]


def test_an_index_that_is_behind_says_so_and_is_made_up_for(
    loaded: Path,
    tmp_path: Path,
    ingest: Ingest,
    write_lines: WriteLines,
    copydesk: Copydesk,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full(_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(publishing, "update_index", full)
        later = write_lines(
            tmp_path / "wire" / "later.jsonl", [{"headline": "Weir", "body": PILOTS.replace("tide", "weir")}]
        )
        assert ingest(later).status == "done"
    assert not search(loaded, "weir").is_current
    code, said, error = copydesk("search", "pilots")
    assert (code, "behind" in error) == (0, True)
    code, said, _ = copydesk("doctor")
    assert (code, "the index is behind the tables" in said) == (3, True)
    assert copydesk("publish")[0] == 0
    assert headlines(loaded, "weir") == ["Weir"]
    assert copydesk("doctor")[0] == 0


def test_search_needs_no_leave_to_write(loaded: Path, disk: Path, copydesk: Copydesk) -> None:
    home = shutil.copytree(loaded, disk / "home")
    assert copydesk("publish", "--home", home)[0] == 0
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)  # root, too, cannot write now
    code, said, error = copydesk("search", "pilots", "--home", home)
    assert (code, "Waiting for water" in said, error) == (0, True, "")


@pytest.mark.long
def test_what_was_withdrawn_is_found_no_more_and_its_index_is_gone(loaded: Path, query: Query) -> None:
    [(target,)] = query("SELECT record_id FROM records WHERE headline = 'No trams'")
    before, [folder] = (
        open_search(Home(loaded), "trams"),
        [path for path in Home(loaded).search.iterdir() if path.is_dir()],
    )
    retract(load_settings(home=loaded), target, reason="asked for")
    assert headlines(loaded, "trams") == []
    assert headlines(loaded, "pilots") == ["Waiting for water"]
    [other] = [path for path in Home(loaded).search.iterdir() if path.is_dir()]
    assert other != folder
    assert len(list(before.best(10))) == 1


@pytest.mark.long
def test_a_line_that_was_taken_out_of_all_articles_is_found_no_more(
    home: Path, tmp_path: Path, ingest: Ingest, write_lines: WriteLines, copydesk: Copydesk, a_record: Any
) -> None:
    line = "Printed on the island since 1911"
    rows = [a_record(number, body=f"{a_record(number)['body']}\n\n{line}") for number in range(12)]
    ingest(write_lines(tmp_path / "wire" / "a.jsonl", rows))
    assert len(headlines(home, '"island since 1911"')) == 10
    assert copydesk("boilerplate", "accept", line, "--source", "wire")[0] == 0
    assert headlines(home, '"island since 1911"') == []
    assert len(headlines(home, "bridge", limit=20)) == 12


STATES: dict[str, dict[str, object]] = {
    "folder is no name": {"folder": 5},
    "folder is elsewhere": {"folder": "../search"},
    "commit is no number": {"commit_no": "x"},
    "no catalog": {"catalog_id": None},
}
DAMAGES = {
    "zeros in terms": ("*.term", 40, 200),
    "zeros in places": ("*.pos", 0, 100),
    "zeros in columns": ("*.fast", 0, 20),
    "zeros in ids": ("*.store", 0, 60),
}
UNSEEN = {"zeros in places", "zeros in columns"}
"""A question need not touch what these damage."""


def _overwrite(folder: Path, names: str, start: int, count: int) -> None:
    for path in folder.rglob(names):
        content = bytearray(path.read_bytes())
        content[start : start + count] = bytes(len(content[start : start + count]))
        path.write_bytes(content)


@pytest.mark.long
@pytest.mark.parametrize(
    "damage",
    ["gone", "no state", "other format", "half a file", "no words", *STATES, *DAMAGES],
)
def test_an_index_that_is_lost_or_damaged_is_made_anew(damage: str, loaded: Path, copydesk: Copydesk) -> None:
    folder = Home(loaded).search
    state = folder / "state.json"
    if damage == "gone":
        for path in sorted(folder.rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()
    elif damage == "no state":
        state.unlink()
    elif damage == "other format":
        state.write_text(json.dumps(json.loads(state.read_text()) | {"format": 0}))
    elif damage in STATES:
        state.write_text(json.dumps(json.loads(state.read_text()) | STATES[damage]))
    elif damage in DAMAGES:
        _overwrite(folder, *DAMAGES[damage])
    elif damage == "no words":
        for path in folder.rglob("*.term"):
            path.unlink()
    else:
        state.write_bytes(state.read_bytes()[:20])
    assert copydesk("doctor")[0] == 3
    if damage not in UNSEEN:
        with pytest.raises(NotPublishedError, match="copydesk publish"):
            search(loaded, "pilots")
        assert copydesk("search", "pilots")[0] == 2
    assert copydesk("publish")[0] == 0
    assert len(headlines(loaded, "pilots")) == 2
    assert copydesk("doctor")[0] == 0


@pytest.mark.long
def test_a_run_makes_a_damaged_index_anew(
    loaded: Path, tmp_path: Path, ingest: Ingest, write_lines: WriteLines, copydesk: Copydesk, a_record: Any
) -> None:
    _overwrite(Home(loaded).search, *DAMAGES["zeros in terms"])
    assert ingest(write_lines(tmp_path / "wire" / "later.jsonl", [a_record(1)])).status == "done"
    assert len(headlines(loaded, "pilots")) == 2
    assert copydesk("doctor")[0] == 0


def test_a_panic_of_tantivy_is_a_damaged_index(library: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is no Exception, and its class has no name to import."""
    panic = type("PanicException", (BaseException,), {})

    def panicking(*_: object) -> None:
        raise panic("range end index out of range")

    asked = open_search(library, "pilots")
    monkeypatch.setitem(asked.__dict__, "_searcher", SimpleNamespace(num_docs=1, search=panicking))
    with pytest.raises(NotPublishedError, match=r"range end index .* copydesk publish"):
        asked.best(1)


@pytest.mark.long
def test_readers_search_while_runs_go_on(
    loaded: Path, tmp_path: Path, ingest: Ingest, write_lines: WriteLines, a_record: Any
) -> None:
    failures: list[BaseException] = []
    is_over = threading.Event()

    def read() -> None:
        while not is_over.is_set():
            try:
                assert "Waiting for water" in headlines(loaded, "pilots", limit=50)
            except BaseException as error:  # noqa: BLE001 -- told below
                failures.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(6):
        ingest(write_lines(tmp_path / "wire" / f"{number}.jsonl", [a_record(number)]))
    is_over.set()
    reader.join()
    assert failures == []


@pytest.mark.usefixtures("loaded")
def test_the_command_prints_for_people_and_programs(copydesk: Copydesk) -> None:
    code, said, _ = copydesk("search", "harbour", "new line")
    assert code == 0
    assert "No trams" in said
    assert "Waiting" not in said.partition("No trams")[0]
    code, said, _ = copydesk(
        "search", '"harbour pilots"', "--format", "json", "--source", "wire", "--since", "2026-01-01"
    )
    [found] = json.loads(said)
    assert (code, found["headline"], found["sources"]) == (0, "Waiting for water", ["wire"])
    assert list(found) == [
        *("score", "article_id", "headline", "snippet", "sources"),
        *("language", "published_at", "word_count", "record_count"),
    ]
    for words in (["pilots", 'NOT "harbour pilots"'], ["pilots", "AND", "(NOT water)"]):
        found = json.loads(copydesk("search", *words, "--format", "json")[1])
        assert [row["headline"] for row in found] == ["No trams"], words
    header, row = copydesk("search", "trams", "--format", "csv")[1].splitlines()
    assert (header.split(",")[4], '"[""wire""]",en,2026-03-05T06:00:00' in row) == ("sources", True)
    assert copydesk("search", "zebra")[1].strip() == "No article was found."
    for wrong in (["search", '""'], ["search", "x", "--since", "yesterday"], ["search", "x", "--source", "nobody"]):
        assert copydesk(*wrong)[0] == 2


def test_a_mistake_in_the_settings_keeps_nobody_from_one_source(loaded: Path, copydesk: Copydesk) -> None:
    Home(loaded).config.write_text("[sources.quiet]\n")
    assert copydesk("search", "pilots", "--source", "quiet")[:2] == (0, "No article was found.\n")
    Home(loaded).config.write_text("[sources.wire]\nnothing_of_the_kind = 1\n")
    assert "No trams" in copydesk("search", "pilots", "--source", "wire")[1]
    code, _, error = copydesk("search", "pilots", "--source", "nobody")
    assert (code, "known are east, mirror, wire" in error) == (2, True)


def test_words_are_parted_alike_when_written_and_when_asked_for() -> None:
    """By polars and by tantivy, each with its own table of letters: a term that differs would never be found."""
    codes = [*range(0x20, 0x3500), *range(0x4E00, 0x5000), *range(0xA640, 0xD7FF), *range(0x1F300, 0x1F400)]
    texts = pl.DataFrame({"text": [f"a{chr(code)}b {chr(code)} 京{chr(code)}ที่{chr(code)}\u0301" for code in codes]})
    asked = analyzer(tantivy.Tokenizer.regex(WORDS))
    written = analyzer(tantivy.Tokenizer.whitespace())
    differ = [
        text
        for text, words in texts.with_columns(words=parted(pl.col("text"))).iter_rows()
        if asked.analyze(text) != written.analyze(words)
    ]
    assert differ == []
