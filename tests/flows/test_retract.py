"""A text that is withdrawn is gone from everything, and stays gone when it comes again."""

import gzip
import io
import json
import os
import random
import shutil
import sqlite3
import time
import urllib.parse
import zipfile
import zlib
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from pyarrow import feather

from flows import maintaining, steps
from flows import retract as retracting
from flows.alerts.outbox import Outbox, new_message
from flows.options import UsageError
from flows.rebuilding import rebuild_home
from flows.replaying import replay
from flows.report.write import write_report
from flows.retract import Retracted, retract
from flows.retract_commit import commit_retraction
from flows.retract_proof import prove
from flows.run import NOTHING_PLANNED, Request
from flows.selection import Selection
from flows.settings import MaintenanceSettings, load_settings
from transforms.probes import digest_passages, read_probes
from warehouse import publish as publishing
from warehouse.home import Home
from warehouse.proof import search_drops
from warehouse.raw_store import RawStore

Query = Callable[..., list[tuple[Any, ...]]]
Ingest = Callable[..., Any]
WriteLines = Callable[..., Path]
Withdraw = Callable[..., Retracted]

VOWELS, CONSONANTS = "aeiou", "bcdfghklmnprstvz"
UNBALANCED = """
    SELECT uri FROM ops.drops WHERE records_in <> records_loaded + records_quarantined + records_retracted
    UNION ALL
    SELECT 'all' WHERE (SELECT count(*) FROM records) <> (SELECT sum(records_loaded) FROM ops.drops)
    UNION ALL
    SELECT record_id FROM records FULL JOIN record_articles USING (record_id)
    WHERE records.record_id IS NULL OR record_articles.record_id IS NULL
    UNION ALL
    SELECT article_id FROM articles FULL JOIN record_articles USING (article_id)
    WHERE articles.article_id IS NULL OR record_articles.article_id IS NULL
"""


def prose(seed: int, words: int = 160) -> str:
    """Sentences of words that no other seed has."""
    chance = random.Random(seed)  # noqa: S311 -- no secret

    def word() -> str:
        return "".join(chance.choice(CONSONANTS) + chance.choice(VOWELS) for _ in range(chance.randint(2, 4)))

    sentences = (" ".join(word() for _ in range(10)).capitalize() for _ in range(words // 10))
    return ". ".join(sentences) + "."


def an_article(seed: int, **overrides: Any) -> dict[str, Any]:
    return {
        "id": f"id-{seed}",
        "headline": prose(seed + 10_000, 10)[:70],
        "url": f"https://example.org/{seed}",
        "body": prose(seed),
    } | overrides


def in_cyrillic(text: str) -> str:
    """Another letter for each."""
    return text.lower().translate(str.maketrans("abcdefghijklmnopqrstuvwxyz", "абцдефгхижклмнопярстувщхыз"))


SECRET = an_article(1)
GERMAN = (
    "Der Bürgermeister von Grünau hält die Brücke über die Öhre für einsturzgefährdet, obwohl drei Gutachten das "
    "Gegenteil behaupten. Früher fuhren hier täglich zwölf Züge, heute überqueren nur noch Füchse und Wanderer das "
    "rostige Gerüst. Die Behörde möchte für größere Schäden nicht haften und ließ kürzlich Zäune aufstellen.\n\n"
    "Am Sonntag kletterten trotzdem Hunderte hinüber, um gegen die Sperrung zu demonstrieren. Eine Bäuerin trieb Kühe "
    "mit, die ruhig über die Bohlen trotteten. Wir wissen, was sie trägt, sagte sie, und zählte die Tiere laut."
)


@pytest.fixture
def withdraw(home: Path) -> Withdraw:
    def run(target: str, **options: Any) -> Retracted:
        return retract(load_settings(home=home), target, reason="the author asked for it", **options)

    return run


@pytest.fixture(scope="module")
def delivered(tmp_path_factory: pytest.TempPathFactory, write_lines: WriteLines) -> Home:
    """A home with the text, a copy of it under another headline, a record that quotes it, and others."""
    folder = tmp_path_factory.mktemp("delivered")
    near = an_article(4, body=SECRET["body"] + "\n\n" + prose(400, 30), url="https://example.net/copy")
    quoting = an_article(5, body=prose(5) + "\n\nHe said: " + SECRET["body"][:90] + ".\n\n" + prose(50))
    write_lines(folder / "wire" / "a.jsonl", [an_article(0), SECRET, an_article(2)])
    write_lines(folder / "mirror" / "b.jsonl", [an_article(3), near, quoting, {"id": "x", "headline": "No body"}])
    steps.ingest(Request(load_settings(home=folder / "home"), (folder / "wire", folder / "mirror")))
    return Home(folder / "home")


@pytest.fixture
def loaded(delivered: Home, home: Path, begin_with: Callable[[Path], None]) -> Path:
    """The home of the test, with what was delivered."""
    begin_with(delivered.root)
    return home


def stands_in(home: Path, text: str) -> list[str]:
    """Files of a home in which a piece of text stands, whatever the program itself would find."""
    needle, found = text.encode(), []
    for path in sorted(home.rglob("*")):
        if not path.is_file():
            continue
        content = path.read_bytes()
        if path.suffix == ".zst":
            content = zstandard.ZstdDecompressor().decompressobj().decompress(content)
        if path.suffix == ".parquet":
            content += str(pl.read_parquet(path).to_dicts()).encode()
        if needle in content:
            found.append(str(path.relative_to(home)))
    return found


OWN = SECRET["body"].split(". ")[9]
"""A sentence that nobody quotes."""


def test_a_text_goes_from_everything_and_all_else_stays(loaded: Path, withdraw: Withdraw, query: Query) -> None:
    before = query("SELECT record_id, body, headline FROM records ORDER BY ALL")
    assert stands_in(loaded, OWN)
    done = withdraw(SECRET["url"], is_at_once=True)
    gone = {record_id for record_id, _ in done.records}
    assert len(gone) == 2
    after = query("SELECT record_id, body, headline FROM records ORDER BY ALL")
    assert after == [row for row in before if row[0] not in gone]
    assert stands_in(loaded, OWN) == []
    assert stands_in(loaded, SECRET["headline"]) == []
    assert done.proof is not None
    assert (done.proof.remains, done.proof.pending) == ([], [])
    assert done.proof.passages > 10
    assert query(UNBALANCED) == []
    assert query("SELECT sum(records_retracted) FROM ops.drops") == [(2,)]
    assert query("SELECT kind, status FROM ops.runs ORDER BY started_at DESC LIMIT 1") == [("retract", "done")]
    assert query("SELECT reason, records, held_back FROM ops.retractions") == [("the author asked for it", 2, 0)]


@pytest.mark.usefixtures("loaded")
def test_a_record_that_quotes_the_text_stays_and_is_named(withdraw: Withdraw, query: Query) -> None:
    done = withdraw(SECRET["url"])
    [(quoting,)] = query("SELECT record_id FROM records WHERE external_id = 'id-5'")
    assert done.quoting == [quoting]
    assert query("SELECT count(*) FROM records WHERE body LIKE '%He said%'") == [(1,)]


def test_a_dry_run_shows_the_same_and_changes_nothing(loaded: Path, withdraw: Withdraw) -> None:
    def files() -> list[tuple[Path, bytes]]:
        return sorted((path, path.read_bytes()) for path in loaded.rglob("*") if path.is_file())

    before = files()
    planned = withdraw(SECRET["url"], is_dry_run=True)
    assert files() == before
    done = withdraw(SECRET["url"])
    assert (planned.records, planned.quoting, planned.drops) == (done.records, done.quoting, done.drops)


@pytest.mark.usefixtures("loaded")
@pytest.mark.parametrize(
    "column", ["article_id", *(pytest.param(name, marks=pytest.mark.long) for name in ("record_id", "canonical_url"))]
)
def test_it_is_found_by_record_article_and_address(column: str, withdraw: Withdraw, query: Query) -> None:
    sql = f"SELECT {column} FROM records JOIN record_articles USING (record_id) WHERE external_id = 'id-1'"
    [(target,)] = query(sql)
    assert len(withdraw(f"{target}?utm_source=x" if column == "canonical_url" else target).records) == 2


@pytest.mark.long
def test_older_snapshots_hold_it_until_they_are_given_up(
    loaded: Path, withdraw: Withdraw, monkeypatch: pytest.MonkeyPatch
) -> None:
    with duckdb.connect(str(loaded / "warehouse.duckdb"), read_only=True) as reader:
        done = withdraw(SECRET["url"])
        assert reader.execute("SELECT count(*) FROM records WHERE external_id = 'id-1'").fetchall() == [(1,)]
    assert done.proof is not None
    assert done.proof.holds
    assert done.proof.pending
    settings = load_settings(home=loaded)
    assert done.gone_at == pytest.approx(datetime.now(UTC) + settings.maintenance.kept_for, abs=timedelta(minutes=5))
    monkeypatch.setattr(MaintenanceSettings, "kept_for", timedelta(0))
    maintaining.maintain(settings)
    assert stands_in(loaded, OWN) == []
    proof = prove(settings)
    assert (proof.remains, proof.pending) == ([], [])


def test_what_others_deliver_is_theirs_in_every_folder(
    home: Path, withdraw: Withdraw, ingest: Ingest, write_lines: WriteLines
) -> None:
    home.mkdir()
    (home / "copydesk.toml").write_text('[sources.wire]\nplace = "inbox/wire"\n')
    (home / "current").symlink_to(home)
    ingest(write_lines(home / "inbox" / "wire" / "a.jsonl", [SECRET, an_article(2)]))
    done = withdraw(SECRET["url"], is_at_once=True)
    assert done.proof is not None
    assert (done.proof.remains, done.drops) == ([], [str(home / "inbox" / "wire" / "a.jsonl")])
    (home / "notes.txt").write_text(SECRET["body"])
    assert prove(load_settings(home=home)).remains == ["notes.txt"]


def test_when_it_comes_again_it_is_held_back_without_a_word_of_it(
    loaded: Path, tmp_path: Path, withdraw: Withdraw, ingest: Ingest, query: Query, write_lines: WriteLines
) -> None:
    withdraw(SECRET["url"], is_at_once=True)
    again = an_article(7, body=f"{prose(70, 20)}\n\n{SECRET['body']}")
    drop = write_lines(tmp_path / "later" / "c.jsonl", [an_article(8), again, an_article(9)])
    (tmp_path / "later" / "d.txt").write_text(f"Some Headline\n\n{SECRET['body']}\n")
    summary = ingest(drop.parent)
    assert (summary.records_in, summary.records_loaded, summary.records_quarantined) == (4, 2, 2)
    rows = query("SELECT reasons, raw, severity, status FROM ops.quarantine WHERE source = 'later'")
    assert rows == [(["retracted"], None, "critical", "open")] * 2
    assert stands_in(loaded, OWN) == []
    assert prove(load_settings(home=loaded)).holds
    assert query(UNBALANCED) == []
    assert ingest(drop.parent, rehash=True).status == "nothing_new"
    assert ingest(drop.parent, source="elsewhere", rehash=True).records_quarantined == 2
    assert stands_in(loaded, OWN) == []


DISGUISES: dict[str, Callable[[str], str]] = {
    "no-break spaces": lambda text: text.replace(" ", "\xa0"),
    "thin spaces": lambda text: text.replace(" ", "\u2009"),
    "dashes": lambda text: text.replace(" ", " — "),
    "soft hyphens": "\xad".join,
    "zero-width spaces": lambda text: text.replace(" ", " \u200b"),
    "full-width letters": lambda text: "".join(chr(ord(char) + 0xFEE0) if char.isalpha() else char for char in text),
    "references": lambda text: "<p>" + "".join(f"&#{ord(char)};" for char in text) + "</p>",
    "links": lambda text: " ".join(f'<a href="https://example.org/">{word}</a>' for word in text.split(" ")),
    "tags within words": lambda text: "<p>" + text.replace("a", "<b>a</b>") + "</p>",
    "misread": lambda text: text.replace(" ", "\xa0").encode().decode("cp1252"),
}


@pytest.mark.parametrize(
    "disguise",
    [pytest.param(name, marks=() if name == "links" else pytest.mark.long) for name in DISGUISES],
)
def test_in_no_disguise_it_comes_again_or_stays_behind(
    disguise: str,
    loaded: Path,
    tmp_path: Path,
    withdraw: Withdraw,
    ingest: Ingest,
    query: Query,
    write_lines: WriteLines,
) -> None:
    body = DISGUISES[disguise](SECRET["body"])
    broken = json.dumps(SECRET | {"body": body}, ensure_ascii=False)[:-1]
    escaped = json.dumps(SECRET | {"body": body})[:-1]
    write_lines(tmp_path / "bad" / "e.jsonl", [an_article(11), broken, escaped])
    ingest(tmp_path / "bad")
    assert withdraw(SECRET["url"], is_at_once=True).held_back == 2
    write_lines(tmp_path / "later" / "c.jsonl", [an_article(8), {"headline": "Other words", "body": body}])
    (tmp_path / "later" / "d.txt").write_text(f"Some Headline\n\n{body}\n")
    (tmp_path / "later" / "f.json").write_text(broken)
    pl.DataFrame([an_article(9), {"id": "again", "headline": "Else", "url": None, "body": body}]).write_parquet(
        tmp_path / "later" / "g.parquet"
    )
    ingest(tmp_path / "later")
    held = query("SELECT reasons, raw FROM ops.quarantine WHERE source = 'later'")
    assert held.count((["retracted"], None)) == 4
    assert query("SELECT count(*) FROM records WHERE source = 'later'") == [(2,)]
    own = [DISGUISES[disguise](OWN[at:]) for at in range(0, 60, 20)]
    assert not any(stands_in(loaded, shape) for text in own for shape in (text, json.dumps(text)[1:-1]))
    assert prove(load_settings(home=loaded)).holds
    assert query(UNBALANCED) == []


def test_what_only_cleaning_makes_legible_is_held_back(
    loaded: Path, tmp_path: Path, withdraw: Withdraw, ingest: Ingest, query: Query, write_lines: WriteLines
) -> None:
    withdraw(SECRET["url"], is_at_once=True)
    body = SECRET["body"].replace(" ", "\xa0").encode().decode("cp437")
    write_lines(tmp_path / "later" / "c.jsonl", [an_article(8), {"headline": "Other words", "body": body}])
    ingest(tmp_path / "later")
    assert query("SELECT reasons, raw FROM ops.quarantine WHERE source = 'later'") == [(["retracted"], None)]
    assert stands_in(loaded, body[:60]) == []
    assert query(UNBALANCED) == []


@pytest.mark.parametrize("encoding", ["koi8_r", pytest.param("cp1252", marks=pytest.mark.long)])
def test_what_no_parser_could_read_is_judged_in_the_encoding_of_its_drop(
    encoding: str, home: Path, tmp_path: Path, withdraw: Withdraw, ingest: Ingest, query: Query, write_lines: WriteLines
) -> None:
    text = in_cyrillic(SECRET["body"]) if encoding == "koi8_r" else GERMAN
    others = [{"headline": "Other", "body": text.translate(str.maketrans("еиу", "уеи"))[::-1]}]
    ingest(write_lines(tmp_path / "wire" / "a.jsonl", [SECRET | {"body": text}, an_article(2)]))

    def deliver(folder: str) -> None:
        cut = json.dumps({"headline": "Cut", "body": text}, ensure_ascii=False)[:-2]
        lines = [json.dumps(one, ensure_ascii=False) for one in others] * 3
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "b.jsonl").write_bytes("\n".join([*lines, cut, lines[0]]).encode(encoding))
        ingest(tmp_path / folder)

    deliver("before")
    assert withdraw(SECRET["url"], is_at_once=True).held_back == 1
    deliver("after")
    assert query("SELECT reasons, raw FROM ops.quarantine") == [(["retracted"], None)] * 2
    assert prove(load_settings(home=home)).holds
    assert query("SELECT encoding FROM ops.drops WHERE source = 'before'") != [("utf-8",)]


@pytest.mark.long
@pytest.mark.parametrize("field", ["authors", "keywords", "url", "id", "language"])
def test_in_no_other_field_it_comes_again(
    field: str, loaded: Path, tmp_path: Path, withdraw: Withdraw, ingest: Ingest, query: Query, write_lines: WriteLines
) -> None:
    withdraw(SECRET["url"], is_at_once=True)
    text = SECRET["body"]
    spelt = {"url": f"https://example.org/?text={urllib.parse.quote(text)}", "id": text, "language": text}
    value = spelt.get(field, [text])
    write_lines(tmp_path / "later" / "c.jsonl", [an_article(8, **{field: value})])
    ingest(tmp_path / "later")
    assert query("SELECT reasons FROM ops.quarantine WHERE source = 'later'") == [(["retracted"],)]
    assert stands_in(loaded, urllib.parse.quote(OWN) if field == "url" else OWN) == []


@pytest.mark.long
def test_a_run_that_began_before_sets_it_aside_too(
    loaded: Path, tmp_path: Path, withdraw: Withdraw, query: Query, write_lines: WriteLines
) -> None:
    drop = write_lines(tmp_path / "beside" / "c.jsonl", [an_article(8), SECRET | {"id": "again"}])
    request = Request(load_settings(home=loaded), (drop,))
    with steps.open_staging(request, steps.plan(request)) as run:
        steps.land(run)
        steps.parse(run)
        withdraw(SECRET["url"])
        with steps.write(run, purpose="ingest") as writing:
            for step in (steps.claim, steps.parse_again_if_outdated, steps.validate, steps.match):
                step(writing)
            summary = steps.load(writing)
    assert (summary.records_loaded, summary.records_quarantined) == (1, 1)
    assert query("SELECT count(*) FROM records WHERE external_id = 'again'") == [(0,)]


@pytest.mark.long
def test_what_is_held_back_is_withdrawn_too(
    loaded: Path, tmp_path: Path, withdraw: Withdraw, ingest: Ingest, query: Query, write_lines: WriteLines
) -> None:
    write_lines(tmp_path / "bad" / "e.jsonl", [an_article(11), json.dumps(SECRET)[:-1], an_article(12)])
    ingest(tmp_path / "bad")
    [(held,)] = query("SELECT quarantine_id FROM ops.quarantine WHERE source = 'bad'")
    done = withdraw(SECRET["url"], is_at_once=True)
    assert done.held_back == 1
    rows = query(f"SELECT reasons, raw, detail FROM ops.quarantine WHERE quarantine_id = '{held}'")
    assert rows == [(["retracted"], None, None)]
    assert stands_in(loaded, OWN) == []
    assert query("SELECT count(*) FROM records WHERE source = 'bad'") == [(2,)]


@pytest.mark.long
def test_what_is_only_held_back_can_be_named(
    tmp_path: Path, home: Path, withdraw: Withdraw, ingest: Ingest, query: Query, write_lines: WriteLines
) -> None:
    write_lines(tmp_path / "bad" / "e.jsonl", [an_article(11), json.dumps(SECRET)[:-1]])
    ingest(tmp_path / "bad")
    [(held,)] = query("SELECT quarantine_id FROM ops.quarantine")
    done = withdraw(held, is_at_once=True)
    assert (len(done.records), done.held_back) == (0, 1)
    assert stands_in(home, OWN) == []
    assert query(UNBALANCED) == []


@pytest.mark.long
def test_a_short_one_that_is_held_back_is_withdrawn_by_its_id(
    tmp_path: Path, home: Path, withdraw: Withdraw, ingest: Ingest, query: Query, write_lines: WriteLines
) -> None:
    brief = {"id": "brief", "headline": "Ann Orr", "body": "- - - -"}
    write_lines(tmp_path / "bad" / "e.jsonl", [an_article(11), brief])
    ingest(tmp_path / "bad")
    [(held,)] = query("SELECT quarantine_id FROM ops.quarantine")
    assert withdraw(held, is_at_once=True).held_back == 1
    assert stands_in(home, "Ann Orr") == []
    assert query("SELECT reasons, raw FROM ops.quarantine") == [(["retracted"], None)]
    assert query(UNBALANCED) == []


@pytest.mark.long
@pytest.mark.usefixtures("loaded")
def test_a_damaged_drop_in_which_it_comes_again_stops_no_run(
    tmp_path: Path, withdraw: Withdraw, ingest: Ingest, query: Query
) -> None:
    withdraw(SECRET["url"])
    lines = "".join(f"{json.dumps(record)}\n" for record in (SECRET, *map(an_article, range(20, 60))))
    damaged = tmp_path / "again" / "a.jsonl.gz"
    damaged.parent.mkdir()
    damaged.write_bytes(gzip.compress(lines.encode())[:-8])
    run = ingest(damaged)
    assert (run.status, run.records_loaded) == ("done", 40)
    held = query("SELECT reasons[1] FROM ops.quarantine WHERE source = 'again' ORDER BY ALL")
    assert held == [("retracted",), ("truncated",)]


@pytest.mark.long
def test_killed_between_the_raw_store_and_the_tables_the_same_command_finishes(
    loaded: Path, withdraw: Withdraw, query: Query, monkeypatch: pytest.MonkeyPatch
) -> None:
    class KilledError(Exception):
        pass

    def die(*_: object) -> None:
        raise KilledError

    with monkeypatch.context() as patched:
        patched.setattr(retracting, "commit_retraction", die)
        with pytest.raises(KilledError):
            withdraw(SECRET["url"])
    assert query("SELECT count(*) FROM records WHERE external_id = 'id-1'") == [(1,)]
    done = withdraw(SECRET["url"], is_at_once=True)
    assert len(done.records) == 2
    assert stands_in(loaded, OWN) == []
    assert query(UNBALANCED) == []
    again = withdraw(SECRET["url"])
    assert again.retraction_id == done.retraction_id
    assert query("SELECT count(*) FROM ops.retractions") == [(1,)]


def test_retraction_that_was_killed_after_its_commit_is_no_second_one(
    loaded: Path, withdraw: Withdraw, query: Query, monkeypatch: pytest.MonkeyPatch
) -> None:
    class KilledError(Exception):
        pass

    def commit_and_die(*arguments: Any) -> None:
        commit_retraction(*arguments)
        raise KilledError

    with monkeypatch.context() as patched:
        patched.setattr(retracting, "commit_retraction", commit_and_die)
        with pytest.raises(KilledError):
            withdraw(SECRET["url"])
    assert Home(loaded).withdrawing.exists()
    [(retraction_id,)] = query("SELECT retraction_id FROM ops.retractions")
    assert withdraw(SECRET["url"]).retraction_id == retraction_id
    assert not Home(loaded).withdrawing.exists()
    assert query("SELECT count(*) FROM ops.runs WHERE kind = 'retract'") == [(1,)]


def test_killed_retraction_of_what_a_rebuild_held_back_since_is_finished(
    loaded: Path, withdraw: Withdraw, query: Query, monkeypatch: pytest.MonkeyPatch
) -> None:
    class KilledError(Exception):
        pass

    def die(*_: object) -> None:
        raise KilledError

    with monkeypatch.context() as patched:
        patched.setattr(retracting, "commit_retraction", die)
        with pytest.raises(KilledError):
            withdraw(SECRET["url"])
    rebuild_home(load_settings(home=loaded))
    assert query("SELECT count(*) FROM records WHERE external_id = 'id-1'") == [(0,)]
    assert withdraw(SECRET["url"], is_at_once=True).retraction_id is not None
    assert not Home(loaded).withdrawing.exists()
    assert stands_in(loaded, OWN) == []
    assert query(UNBALANCED) == []
    assert query("SELECT count(*) > 0 FROM ops.retracted_texts") == [(True,)]


@pytest.mark.long
@pytest.mark.parametrize("is_target_held", [False, True])
def test_killed_before_the_tables_changed_copies_that_are_held_back_go_as_well(
    tmp_path: Path,
    loaded: Path,
    withdraw: Withdraw,
    ingest: Ingest,
    query: Query,
    monkeypatch: pytest.MonkeyPatch,
    is_target_held: bool,
) -> None:
    for name in ("e", "f"):
        bad = tmp_path / "bad" / f"{name}.jsonl"
        bad.parent.mkdir(exist_ok=True)
        bad.write_text(f"{json.dumps(an_article(ord(name)))}\n{json.dumps(SECRET)[:-1]}\n")
        ingest(bad)
    held = [name for (name,) in query("SELECT quarantine_id FROM ops.quarantine WHERE source = 'bad' ORDER BY ALL")]
    target = held[0] if is_target_held else SECRET["url"]
    calls = iter([None])
    original = RawStore.redact

    def die_at_the_second(*arguments: Any) -> None:
        next(calls)
        original(*arguments)

    with monkeypatch.context() as patched:
        patched.setattr(RawStore, "redact", die_at_the_second)
        with pytest.raises(StopIteration):
            withdraw(target)
    assert len(withdraw(target, is_at_once=True).records) == 2
    assert stands_in(loaded, OWN) == []
    assert query("SELECT DISTINCT reasons[1], raw FROM ops.quarantine WHERE source = 'bad'") == [("retracted", None)]
    assert query(UNBALANCED) == []


def test_killed_retraction_after_which_held_back_copies_were_replayed_is_finished(
    tmp_path: Path,
    loaded: Path,
    withdraw: Withdraw,
    ingest: Ingest,
    query: Query,
    monkeypatch: pytest.MonkeyPatch,
    write_lines: WriteLines,
) -> None:
    ingest(write_lines(tmp_path / "bad" / "e.jsonl", [an_article(11), json.dumps(SECRET)[:-1]]))
    with monkeypatch.context() as patched:
        patched.setattr(retracting, "commit_retraction", None)
        with pytest.raises(TypeError):
            withdraw(SECRET["url"])
    replay(load_settings(home=loaded), Selection(source="bad"))
    assert withdraw(SECRET["url"], is_at_once=True).proof == prove(load_settings(home=loaded))
    assert stands_in(loaded, OWN) == []
    assert prove(load_settings(home=loaded)).holds
    assert query(UNBALANCED) == []


@pytest.mark.long
def test_another_text_at_the_same_address_can_be_withdrawn_later(
    loaded: Path, tmp_path: Path, withdraw: Withdraw, ingest: Ingest, query: Query, write_lines: WriteLines
) -> None:
    first = withdraw(SECRET["url"])
    other = an_article(77, url=SECRET["url"])
    ingest(write_lines(tmp_path / "wire" / "later.jsonl", [other, an_article(78)]))
    second = withdraw(SECRET["url"], is_at_once=True)
    assert second.retraction_id != first.retraction_id
    assert [headline for _, headline in second.records] == [other["headline"]]
    assert stands_in(loaded, other["body"].split(". ")[9]) == []
    assert query("SELECT count(*) FROM records WHERE external_id = 'id-78'") == [(1,)]
    assert withdraw(SECRET["url"]).retraction_id == second.retraction_id


def test_a_long_drop_is_searched_to_its_end(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = RawStore(steps.prepare(Home(home)).raw)
    content = f"{prose(3)} {SECRET['body']} {prose(4)}"
    (tmp_path / "long.txt").write_text(content, "utf-16")
    sha256, _ = store.put(tmp_path / "long.txt", known=lambda _: False)
    monkeypatch.setattr("warehouse.proof.PIECE_BYTES", 256)
    probes = read_probes([digest_passages(SECRET["body"])])
    [place] = search_drops(Home(home), probes, {sha256: "utf-16"})
    assert len(place.passages) == probes.count


MISTAKEN = [("utf-8", "utf-16-le"), ("utf-16-be", None), ("koi8_r", "cp1251"), ("euc_jp", "gb18030")]


@pytest.mark.parametrize(("encoding", "taken_for"), MISTAKEN)
def test_a_drop_whose_encoding_was_mistaken_is_searched_as_its_bytes_are(
    encoding: str, taken_for: str | None, home: Path, tmp_path: Path
) -> None:
    text = SECRET["body"].replace(" ", "\u3000") if encoding.startswith("utf") else in_cyrillic(SECRET["body"])
    (tmp_path / "mistaken.txt").write_text(text, encoding)
    sha256, _ = RawStore(steps.prepare(Home(home)).raw).put(tmp_path / "mistaken.txt", known=lambda _: False)
    probes = read_probes([digest_passages(text)])
    [place] = search_drops(Home(home), probes, {sha256: taken_for})
    assert len(place.passages) == probes.count


@pytest.mark.long
def test_made_anew_the_warehouse_is_what_it_was(
    loaded: Path, tmp_path: Path, withdraw: Withdraw, ingest: Ingest, query: Query, write_lines: WriteLines
) -> None:
    write_lines(tmp_path / "bad" / "e.jsonl", [an_article(11), json.dumps(SECRET)[:-1]])
    ingest(tmp_path / "bad")
    withdraw(SECRET["url"], is_at_once=True)
    ingest(write_lines(tmp_path / "later" / "c.jsonl", [an_article(8), SECRET | {"id": "again"}]))
    tables = {
        "records": "* EXCLUDE (ingested_at)",
        "record_articles": "*",
        "ops.drops": "*",
        "ops.quarantine": "* EXCLUDE (detail)",
        "ops.retractions": "*",
        "ops.retracted_texts": "*",
        "ops.runs": "run_id, kind, started_at, status",
    }
    before = {name: query(f"SELECT {columns} FROM {name} ORDER BY ALL") for name, columns in tables.items()}
    rebuild_home(load_settings(home=loaded))
    for name, columns in tables.items():
        assert query(f"SELECT {columns} FROM {name} ORDER BY ALL") == before[name], name
    assert stands_in(loaded, OWN) == []
    assert query(UNBALANCED) == []


@pytest.mark.long
def test_reports_and_alerts_that_wait_lose_it(loaded: Path, withdraw: Withdraw) -> None:
    settings = load_settings(home=loaded)
    page = write_report(settings)
    page.write_text(page.read_text("utf-8") + f"<p>{SECRET['body']}</p>", "utf-8")
    outbox = Outbox(Home(loaded).outbox)
    digest = {"digest_id": "d_1", "route": "desk", "incidents": [{"message": SECRET["body"]}]}
    message = new_message(digest, commit_no=1, now=datetime.now(UTC))
    outbox.folder.mkdir(exist_ok=True)
    outbox.save(message)
    done = withdraw(SECRET["url"])
    assert done.proof is not None
    assert done.proof.holds
    assert "copydesk" in page.read_text("utf-8")
    assert [entry["message"] for entry in outbox.pending()[0].digest["incidents"]] == ["(withdrawn)"]


def plant_in_parquet(home: Path) -> None:
    pl.DataFrame({"a": [None, "x"], "deep": [[SECRET["body"]], []]}).write_parquet(home / "lake" / "planted.parquet")


def plant_in_raw(home: Path) -> None:
    (home / "planted.txt").write_text(SECRET["body"].upper(), "utf-16")
    RawStore(Home(home).raw).put(home / "planted.txt", known=lambda _: False)
    (home / "planted.txt").unlink()


def plant_in_packed_raw(home: Path) -> None:
    (home / "planted.parquet").write_bytes(b"")
    pl.DataFrame({"body": [json.dumps(SECRET["body"])]}).write_parquet(home / "planted.parquet", compression="gzip")
    RawStore(Home(home).raw).put(home / "planted.parquet", known=lambda _: False)
    (home / "planted.parquet").unlink()


def plant_in_free_pages(home: Path) -> None:
    with closing(sqlite3.connect(home / "catalog.sqlite", isolation_level=None)) as catalog:
        catalog.execute("PRAGMA secure_delete = OFF")  # some builds overwrite by default what is deleted
        catalog.execute("CREATE TABLE planted (text)")
        catalog.execute("INSERT INTO planted VALUES (?)", [SECRET["body"] * 4])
        catalog.execute("DROP TABLE planted")


def plant_in_statistics(home: Path) -> None:
    with closing(sqlite3.connect(home / "catalog.sqlite")) as catalog, catalog:
        catalog.execute("UPDATE ducklake_table_column_stats SET max_value = ? WHERE column_id = 3", [SECRET["body"]])


def plant_in(name: str) -> Callable[[Path], None]:
    def plant(home: Path) -> None:
        (home / name).parent.mkdir(exist_ok=True)
        with (home / name).open("ab") as file:
            file.write(json.dumps(SECRET["body"]).encode())

    return plant


@pytest.mark.long
def test_what_a_killed_run_landed_goes_once_no_run_is_at_work(loaded: Path, tmp_path: Path, withdraw: Withdraw) -> None:
    store = RawStore(Home(loaded).raw)
    for name in ("old", "new"):
        (tmp_path / name).write_text(f"{SECRET['body']} {name}")
    old, _ = store.put(tmp_path / "old", known=lambda _: False)
    os.utime(store.root / old[:2] / f"{old}.zst", (time.time() - 60, time.time() - 60))
    with steps.open_staging(Request(load_settings(home=loaded)), NOTHING_PLANNED):
        new, _ = store.put(tmp_path / "new", known=lambda _: False)
        withdraw(SECRET["url"])
        assert store.holds(old)
        assert store.holds(new)
    withdraw(SECRET["url"])
    assert not store.holds(old)
    assert not store.holds(new)


def test_data_files_that_a_killed_run_did_not_commit_go_as_well(loaded: Path, withdraw: Withdraw) -> None:
    plant_in_parquet(loaded)
    cut = loaded / "lake" / "main" / "records" / "cut.parquet"
    cut.write_bytes((loaded / "lake" / "planted.parquet").read_bytes()[:-9])
    done = withdraw(SECRET["url"])
    assert done.proof is not None
    assert (done.proof.remains, done.proof.not_searched) == ([], [])
    assert not cut.exists()


PLACES = {
    "a column of a data file": plant_in_parquet,
    "a drop in UTF-16": plant_in_raw,
    "a drop of columns": plant_in_packed_raw,
    "free pages of the catalog": plant_in_free_pages,
    "statistics of the catalog": plant_in_statistics,
    "the published file": plant_in("warehouse.duckdb"),
    "a report": plant_in("reports/old.html"),
    "an alert": plant_in("outbox/1-a.json"),
    "staged files": plant_in("staging/x/records-0.parquet.tmp"),
    "a server's database": plant_in("prefect/prefect.db"),
}
SHOWN = ("a column of a data file",)
"""Places of each kind; the others are read as one of these is."""


@pytest.mark.parametrize(
    "place", [place if place in SHOWN else pytest.param(place, marks=pytest.mark.long) for place in PLACES]
)
def test_the_proof_fails_wherever_the_text_is_left(place: str, loaded: Path, withdraw: Withdraw) -> None:
    assert withdraw(SECRET["url"], is_at_once=True).proof == prove(load_settings(home=loaded))
    PLACES[place](loaded)
    proof = prove(load_settings(home=loaded))
    assert not proof.holds
    assert len(proof.remains) == 1


@pytest.mark.long
def test_a_text_that_longer_articles_reprint_is_named_where_it_is_left(
    tmp_path: Path, home: Path, withdraw: Withdraw, ingest: Ingest, query: Query, write_lines: WriteLines
) -> None:
    longer = [an_article(n, body=f"{prose(700 + n, 500)}\n\n{SECRET['body']}\n\n{prose(n, 60)}") for n in range(11, 15)]
    ingest(write_lines(tmp_path / "wire" / "a.jsonl", [SECRET, *longer, an_article(2)]))
    done = withdraw(SECRET["url"], is_at_once=True)
    reprints = [name for (name,) in query("SELECT record_id FROM records WHERE external_id LIKE 'id-1_' ORDER BY ALL")]
    assert (len(done.records), len(reprints)) == (1, 4)
    assert done.proof is not None
    assert done.proof.remains == [f"record {name}, which is loaded" for name in reprints]
    for name in reprints:
        done = withdraw(name, is_at_once=True)
    assert done.proof is not None
    assert done.proof.holds
    assert stands_in(home, OWN) == []
    again = write_lines(tmp_path / "wire" / "b.jsonl", [SECRET | {"id": "again"}, an_article(3)])
    assert ingest(again).records_quarantined == 1
    assert query("SELECT count(*) FROM records") == [(2,)]


@pytest.mark.long
def test_what_else_stands_in_a_longer_article_that_goes_is_no_sign(
    tmp_path: Path, withdraw: Withdraw, ingest: Ingest, query: Query, write_lines: WriteLines
) -> None:
    other = an_article(41, body=prose(41, 400))
    briefing = an_article(42, body=f"{other['body']}\n\n{SECRET['body']}")
    ingest(write_lines(tmp_path / "wire" / "a.jsonl", [SECRET]))
    ingest(write_lines(tmp_path / "agency" / "b.jsonl", [other]))
    ingest(write_lines(tmp_path / "mirror" / "c.jsonl", [briefing]))
    assert len(withdraw("https://example.org/1").records) == 2
    assert query("SELECT external_id FROM records") == [("id-41",)]
    again = ingest(write_lines(tmp_path / "later" / "d.jsonl", [other | {"id": "again"}]))
    assert (again.records_loaded, again.records_quarantined) == (1, 0)


@pytest.mark.long
def test_a_report_of_a_form_takes_no_other_with_it(
    tmp_path: Path, withdraw: Withdraw, ingest: Ingest, write_lines: WriteLines
) -> None:
    """Most passages of a report are those of the form; half a dozen are its own."""
    form = prose(99, 60)
    reports = [an_article(n, body=f"{form}\n\n{prose(600 + n, 40)}") for n in range(5)]
    ingest(write_lines(tmp_path / "weather" / "a.jsonl", reports))
    done = withdraw("https://example.org/3")
    assert len(done.records) == 1
    assert done.proof is not None
    assert done.proof.holds
    later = an_article(50, body=f"{form}\n\n{prose(650, 40)}")
    assert ingest(write_lines(tmp_path / "weather" / "b.jsonl", [later])).records_loaded == 1
    assert ingest(write_lines(tmp_path / "weather" / "c.jsonl", [reports[3] | {"id": "x"}])).records_loaded == 0


@pytest.mark.long
@pytest.mark.usefixtures("loaded")
def test_a_drop_that_cannot_be_overwritten_stops_no_other_retraction(
    tmp_path: Path, withdraw: Withdraw, ingest: Ingest, copydesk: Callable[..., tuple[int, str, str]]
) -> None:
    withdraw(SECRET["url"], is_at_once=True)
    sink = io.BytesIO()
    columns = {name: [str(SECRET[name])] for name in ("id", "headline", "body")}
    with pa.ipc.new_stream(sink, pa.table(columns).schema) as writer:
        for _ in range(4):
            writer.write_table(pa.table(columns))
    (tmp_path / "cut").mkdir()
    (tmp_path / "cut" / "a.arrows").write_bytes(sink.getvalue()[:-300])
    assert ingest(tmp_path / "cut").records_loaded == 0
    done = withdraw("https://example.org/2", is_at_once=True)
    assert len(done.records) == 1
    assert done.proof is not None
    assert [name.partition("/")[0] for name in done.proof.remains] == ["raw"]
    assert copydesk("doctor")[0] == 3


@pytest.mark.long
def test_columns_of_any_kind_are_searched_and_overwritten(
    loaded: Path, tmp_path: Path, withdraw: Withdraw, ingest: Ingest, query: Query
) -> None:
    (tmp_path / "frames").mkdir()
    frame = pl.DataFrame({"id": ["x", "y"], "headline": ["One", "Two"], "body": [SECRET["body"], prose(71)]})
    frame.write_ipc(tmp_path / "frames" / "a.arrow", compression="zstd")
    frame.with_columns(id=pl.lit("z")).write_ipc_stream(tmp_path / "frames" / "b.arrows", compression="zstd")
    assert ingest(tmp_path / "frames").records_loaded == 4
    assert len(withdraw(SECRET["url"], is_at_once=True).records) == 4
    assert query("SELECT count(*) FROM records WHERE source = 'frames'") == [(2,)]
    assert stands_in(loaded, OWN) == []
    for path in (loaded / "raw").rglob("*.zst"):
        content = zstandard.ZstdDecompressor().decompressobj().decompress(path.read_bytes())
        if content.startswith(b"ARROW1"):
            assert OWN not in str(pl.read_ipc(content).to_dicts())


UNSEARCHABLE: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "frame.gz": (lambda text: gzip.compress(b"nothing")[:-4] + gzip.compress(text), "nobody knows what is behind"),
    "text.z": (zlib.compress, "of no format that is known"),
    "text.rtf": (lambda text: b"{\\rtf1 " + text.hex().encode() + b"}", "of the kind"),
}


@pytest.mark.long
@pytest.mark.usefixtures("loaded")
@pytest.mark.parametrize("name", UNSEARCHABLE)
def test_what_cannot_be_looked_into_is_named(name: str, tmp_path: Path, withdraw: Withdraw, ingest: Ingest) -> None:
    write, why = UNSEARCHABLE[name]
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd" / name).write_bytes(write(SECRET["body"].encode()))
    ingest(tmp_path / "odd")
    done = withdraw(SECRET["url"], is_at_once=True)
    assert done.proof is not None
    assert [why in named for named in done.proof.not_searched] == [True]


@pytest.mark.usefixtures("loaded")
def test_values_that_no_row_has_any_more_are_found_in_dictionaries(
    tmp_path: Path, withdraw: Withdraw, ingest: Ingest
) -> None:
    texts = pa.array([SECRET["body"], prose(90)]).dictionary_encode()
    left = pa.table({"headline": ["One", "Two"], "body": texts}).filter(pa.array([False, True]))
    (tmp_path / "odd").mkdir()
    pq.write_table(left, tmp_path / "odd" / "a.parquet")
    feather.write_feather(left, tmp_path / "odd" / "b.arrow")
    ingest(tmp_path / "odd")
    done = withdraw(SECRET["url"], is_at_once=True)
    assert done.proof is not None
    assert len(done.proof.remains) == 2


@pytest.mark.long
@pytest.mark.usefixtures("loaded")
def test_a_cut_drop_loses_the_record_and_nothing_else(
    tmp_path: Path, withdraw: Withdraw, ingest: Ingest, query: Query
) -> None:
    rows = json.dumps([an_article(80), SECRET, an_article(81), an_article(82)]).encode()
    (tmp_path / "cut").mkdir()
    (tmp_path / "cut" / "a.json.gz").write_bytes(gzip.compress(rows)[:-6])
    ingest(tmp_path / "cut")
    before = query("SELECT record_id, body FROM records WHERE source = 'cut' AND external_id <> 'id-1' ORDER BY ALL")
    assert len(before) == 3
    withdraw(SECRET["url"], is_at_once=True)
    assert query("SELECT record_id, body FROM records WHERE source = 'cut' ORDER BY ALL") == before


@pytest.mark.long
@pytest.mark.usefixtures("loaded")
def test_a_damaged_archive_is_named(tmp_path: Path, withdraw: Withdraw, ingest: Ingest) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("a.txt", prose(33))
    content = bytearray(archive.getvalue())
    content[60] ^= 0xFF
    (tmp_path / "attic").mkdir()
    (tmp_path / "attic" / "a.zip").write_bytes(content)
    ingest(tmp_path / "attic")
    done = withdraw(SECRET["url"])
    assert done.proof is not None
    assert len(done.proof.not_searched) == 1


@pytest.mark.long
@pytest.mark.usefixtures("loaded")
def test_another_retraction_is_finished_first(withdraw: Withdraw) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(retracting, "commit_retraction", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            withdraw(SECRET["url"])
    with pytest.raises(UsageError, match=f"The retraction of {SECRET['url']} was broken off"):
        withdraw("https://example.org/2")
    assert len(withdraw(SECRET["url"]).records) == 2
    assert len(withdraw("https://example.org/2").records) == 1


@pytest.mark.long
def test_an_index_of_before_is_made_anew_by_the_same_command(loaded: Path, withdraw: Withdraw) -> None:
    old = loaded / "search" / "00000001-old"
    shutil.copytree(next(path for path in (loaded / "search").iterdir() if path.is_dir()), old)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(publishing, "update_index", lambda _: None)
        patched.setattr(retracting, "update_index", lambda _: None)
        done = withdraw(SECRET["url"])
        assert done.proof is not None
        assert done.proof.remains == ["search (an index of before)"]
    done = withdraw(SECRET["url"])
    assert done.proof is not None
    assert done.proof.holds
    assert not old.exists()


@pytest.mark.long
@pytest.mark.parametrize("field", ["dek", "headline", "teaser"])
def test_a_text_in_another_field_goes_as_well(
    field: str, tmp_path: Path, home: Path, withdraw: Withdraw, ingest: Ingest, query: Query, write_lines: WriteLines
) -> None:
    ingest(write_lines(tmp_path / "wire" / "a.jsonl", [SECRET, an_article(2)]))
    ingest(write_lines(tmp_path / "other" / "b.jsonl", [an_article(3) | {field: SECRET["body"]}, an_article(4)]))
    assert len(withdraw(SECRET["url"], is_at_once=True).records) == 2
    assert stands_in(home, OWN) == []
    later = ingest(write_lines(tmp_path / "other" / "c.jsonl", [an_article(5) | {field: SECRET["body"]}]))
    assert (later.records_loaded, later.records_quarantined) == (0, 1)
    assert query("SELECT count(*) FROM records") == [(2,)]


@pytest.mark.long
@pytest.mark.usefixtures("loaded")
def test_what_cannot_be_read_and_only_quotes_it_stays_without_its_excerpt(
    tmp_path: Path, home: Path, withdraw: Withdraw, ingest: Ingest, query: Query
) -> None:
    quoting = json.dumps(an_article(60, body=f"He said: {SECRET['body'][:200]} {prose(61, 400)}"))[:-1]
    for name in ("before", "after"):
        drop = tmp_path / "bad" / f"{name}.jsonl"
        drop.parent.mkdir(exist_ok=True)
        drop.write_text(f"{json.dumps(an_article(len(name) + 70))}\n{quoting}{' ' * len(name)}\n")
        if name == "after":
            withdraw(SECRET["url"], is_at_once=True)
        ingest(drop)
    assert query("SELECT reasons[1], raw FROM ops.quarantine WHERE source = 'bad'") == [("malformed_json", None)] * 2
    assert prove(load_settings(home=home)).remains == []
    assert len(stands_in(home, SECRET["body"][60:140])) == 2


@pytest.mark.long
def test_what_an_older_raw_store_brings_back_is_overwritten_again(
    loaded: Path, tmp_path: Path, withdraw: Withdraw, copydesk: Callable[..., tuple[int, str, str]]
) -> None:
    shutil.copytree(loaded / "raw", tmp_path / "raw")
    withdraw(SECRET["url"], is_at_once=True)
    for with_notes in (True, False):
        shutil.copytree(tmp_path / "raw", loaded / "raw", dirs_exist_ok=True)
        if not with_notes:
            for note in (loaded / "raw").rglob("*.redacted"):
                note.unlink()
        assert stands_in(loaded, OWN)
        code, said, _ = copydesk("doctor")
        assert (code, "copydesk retract" in said) == (3, True), said
        code, said, _ = copydesk("retract", SECRET["url"], "--dry-run")
        assert "2 withdrawn records stood in the raw store again, and would be overwritten" in said
        assert stands_in(loaded, OWN)
        done = withdraw(SECRET["url"])
        assert (done.came_back, len(done.records)) == (2, 0)
        assert stands_in(loaded, OWN) == []
        assert copydesk("doctor")[0] == 0


def test_a_drop_that_was_being_stored_does_not_bring_back_what_was_withdrawn(home: Path, tmp_path: Path) -> None:
    store = RawStore(steps.prepare(Home(home)).raw)
    drop = tmp_path / "a.jsonl"
    drop.write_text(json.dumps(SECRET))
    sha256, _ = store.put(drop, known=lambda _: False)
    (tmp_path / "overwritten").write_text("x")

    original = RawStore._put_bytes

    def put_late(self: RawStore, *arguments: Any) -> None:
        store.redact(sha256, [0], tmp_path / "overwritten")
        original(self, *arguments)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(RawStore, "_put_bytes", put_late)
        store.put(drop, known=lambda _: False)
    with store.open(sha256) as stream:
        assert stream.read() == b"x"


@pytest.mark.long
@pytest.mark.usefixtures("loaded")
def test_what_is_archived_is_searched_and_what_cannot_be_is_named(
    tmp_path: Path, withdraw: Withdraw, ingest: Ingest, query: Query
) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("word/document.xml", f"<p>{SECRET['body']}</p>")
    folder = tmp_path / "attic"
    folder.mkdir()
    (folder / "a.zip").write_bytes(archive.getvalue())
    (folder / "b.jsonl.gz").write_bytes(gzip.compress(gzip.compress(json.dumps(SECRET).encode())))
    (folder / "c.pdf").write_bytes(b"%PDF-1.7\n" + zstandard.compress(SECRET["body"].encode()))
    (folder / "d.zip").write_bytes(archive.getvalue()[:400])
    ingest(folder)
    done = withdraw(SECRET["url"], is_at_once=True)
    assert done.proof is not None
    assert len(done.proof.remains) == 2
    assert sorted(name.partition(" (")[2] for name in done.proof.not_searched) == [
        "a file of the kind pdf)",
        "an archive that cannot be opened (File is not a zip file))",
    ]
    held = query("SELECT quarantine_id FROM ops.quarantine WHERE source = 'attic' AND reasons[1] <> 'retracted'")
    assert len(held) == 4
    for (name,) in held:
        done = withdraw(name, is_at_once=True)
    assert done.proof is not None
    assert (done.proof.remains, done.proof.not_searched) == ([], [])


@pytest.mark.long
def test_a_headline_that_a_path_spells_is_no_sign(
    tmp_path: Path, home: Path, withdraw: Withdraw, ingest: Ingest, write_lines: WriteLines
) -> None:
    slug = SECRET["headline"].lower().replace(" ", "-")
    ingest(write_lines(tmp_path / "wire" / f"{slug}.jsonl", [SECRET, an_article(2)]))
    done = withdraw(SECRET["url"], is_at_once=True)
    assert done.proof is not None
    assert (done.proof.remains, done.proof.quoted > 0) == ([], True)
    assert stands_in(home, OWN) == []


@pytest.mark.long
@pytest.mark.usefixtures("loaded")
def test_bytes_that_are_damaged_stop_neither_plan_nor_proof(
    home: Path, tmp_path: Path, withdraw: Withdraw, ingest: Ingest, write_lines: WriteLines
) -> None:
    ingest(write_lines(tmp_path / "other" / "b.jsonl", [an_article(30)]))
    [damaged] = {path.stem for path in (home / "raw").rglob("*.json") if '"other"' in path.read_text()}
    path = next((home / "raw").rglob(f"{damaged}.zst"))
    path.write_bytes(path.read_bytes()[:60])
    done = withdraw(SECRET["url"])
    assert len(done.records) == 2
    assert done.proof is not None
    assert [name.partition(" (")[2] for name in done.proof.not_searched] == ["damaged, or not readable)"]


@pytest.mark.long
@pytest.mark.usefixtures("loaded")
def test_a_retraction_that_was_killed_while_it_overwrote_still_knows_the_text(
    tmp_path: Path, withdraw: Withdraw, ingest: Ingest, query: Query, write_lines: WriteLines, home: Path
) -> None:
    other = an_article(90)
    ingest(write_lines(tmp_path / "bad" / "e.jsonl", [an_article(11), json.dumps(other)[:-1]]))
    [(held,)] = query("SELECT quarantine_id FROM ops.quarantine WHERE source = 'bad'")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(retracting, "commit_retraction", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            withdraw(held)
    assert withdraw(held).held_back == 1
    assert not Home(home).withdrawing.exists()
    later = ingest(write_lines(tmp_path / "wire" / "later.jsonl", [other, an_article(91)]))
    assert (later.records_loaded, later.records_quarantined) == (1, 1)


@pytest.mark.long
def test_an_article_that_became_part_of_another_is_found_by_its_old_id(
    tmp_path: Path, withdraw: Withdraw, ingest: Ingest, query: Query, write_lines: WriteLines
) -> None:
    parts = [prose(800 + number, 60) for number in range(8)]
    for name, first, last in (("left", 0, 5), ("right", 3, 8), ("whole", 0, 8)):
        ingest(write_lines(tmp_path / name / "a.jsonl", [{"id": name, "body": "\n\n".join(parts[first:last])}]))
    [(gone, kept)] = query("SELECT article_id, moved_to FROM article_redirects")
    assert query("SELECT DISTINCT article_id FROM record_articles") == [(kept,)]
    assert len(withdraw(gone).records) == 3


@pytest.mark.long
def test_a_text_that_many_articles_share_takes_none_of_them_with_it(
    tmp_path: Path, withdraw: Withdraw, ingest: Ingest, query: Query, write_lines: WriteLines
) -> None:
    form = prose(99)
    reports = [an_article(n, body=f"{form}\n\n{prose(500 + n, 130)}") for n in range(6)]
    ingest(write_lines(tmp_path / "weather" / "a.jsonl", reports))
    articles = query("SELECT count(*) FROM articles")
    done = withdraw("https://example.org/3")
    assert len(done.records) == 1
    assert articles == [(6,)]
    assert query("SELECT count(*) FROM articles") == [(5,)]


@pytest.mark.long
@pytest.mark.usefixtures("loaded")
def test_backups_doctor_and_replays_know_of_it(
    tmp_path: Path, withdraw: Withdraw, copydesk: Callable[..., tuple[int, str, str]], query: Query
) -> None:
    assert copydesk("backup", tmp_path / "backup")[0] == 0
    assert stands_in(tmp_path / "backup", OWN)
    withdraw(SECRET["url"], is_at_once=True)
    assert copydesk("backup", tmp_path / "backup")[0] == 0
    assert stands_in(tmp_path / "backup", OWN) == []
    assert copydesk("restore", tmp_path / "backup", "--home", tmp_path / "other")[0] == 0
    assert stands_in(tmp_path / "other", OWN) == []
    code, said, _ = copydesk("doctor", "--repair")
    assert code == 0, said
    code, said, _ = copydesk("quarantine", "replay", "--source", "mirror", "--json")
    assert code == 0
    assert json.loads(said)["left_alone"] == []
    assert query(UNBALANCED) == []
    assert query("SELECT count(*) FROM records") == [(4,)]


@pytest.mark.long
def test_the_command_names_what_went_and_says_what_to_look_at(
    loaded: Path, delivered: Home, copydesk: Callable[..., tuple[int, str, str]]
) -> None:
    folder = delivered.root.parent
    code, said, _ = copydesk("retract", SECRET["url"], "--reason", "asked for", "--json")
    printed = json.loads(said)
    assert code == 0
    assert len(printed["records"]) == 2
    assert printed["proof"]["holds"]
    assert printed["drops"] == [str(folder / "mirror" / "b.jsonl"), str(folder / "wire" / "a.jsonl")]
    code, said, _ = copydesk("retract", SECRET["url"], "--reason", "asked for", "--now")
    assert code == 0
    assert "Nothing of it is left." in said
    assert copydesk("retract", "--prove")[0] == 0
    with closing(sqlite3.connect(loaded / "catalog.sqlite")) as catalog:
        assert catalog.execute("PRAGMA freelist_count").fetchone() == (0,)
    plant_in_parquet(loaded)
    code, said, _ = copydesk("retract", "--prove")
    assert code == 1
    assert "LEFT in lake/planted.parquet (deep)" in said
    for wrong in (["retract"], ["retract", "x"], ["retract", "nothing", "--reason", "y"], ["retract", "x", "--prove"]):
        assert copydesk(*wrong)[0] == 2
