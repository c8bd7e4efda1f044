"""The views for analysts: each is asked over drops whose answer was worked out by hand."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from flows import steps
from flows.run import Request
from flows.settings import load_settings
from transforms.digests import digest_bodies
from warehouse.home import Home
from warehouse.views import read_views

Query = Callable[..., list[tuple[Any, ...]]]
WriteLines = Callable[..., Path]

HOUR, DAY = 3_600, 86_400
WORDS = 54
"""Words of each body here: 16 + 33 + 5."""

SECTIONS = (
    "The harbour waits for its pilots, and the pilots wait for the tide, which does not wait for anybody at all.\n\n"
    "What the pilots want\n\nThey want two boats and a lamp on the outer wall, and nobody has asked them "
    "why they want them so badly.\n\n"
    "What the port says\n\nIt says that there is one boat. It is being painted, and has been since the spring.\n\n"
    "The paint is green."
)


@pytest.fixture(scope="module")
def wires(tmp_path_factory: pytest.TempPathFactory, write_lines: WriteLines, a_record: Any) -> Home:
    """A wire is first, a gazette copies it a day later, and a mirror gives no dates, or an earlier one."""
    names = {1: "bridge", 2: "tram", 3: "clock", 4: "ferry", 5: "weir"}
    by = {1: "Ann Orr", 2: "ANN  ORR", 3: "Ánn Orr.", 4: "B. O’Lund", 5: "B O'Lund"}

    def record(number: int, published_at: str | None = None) -> dict[str, Any]:
        dated = {} if published_at is None else {"published_at": published_at}
        return a_record(number, headline=f"The {names[number]} waits", author=by[number], **dated)

    folder = tmp_path_factory.mktemp("drops")
    drops = {
        "wire": [
            record(1, "2026-03-02T06:00:00Z"),
            record(2, "2026-03-02T20:00:00Z"),
            record(3, "2026-03-09T06:00:00Z"),
            record(3, "2026-03-10T06:00:00Z") | {"id": "again"},
        ],
        "gazette": [record(1, "2026-03-03T07:00:00Z"), record(4, "2026-03-05T12:00:00Z"), record(5)],
        "mirror": [record(1), record(4, "2026-03-05T11:00:00Z"), record(5), {"id": "x", "headline": "Nothing"}],
    }
    paths = [write_lines(folder / source / "a.jsonl", rows) for source, rows in drops.items()]
    paths.append(write_lines(folder / "harbour" / "a.jsonl", [{"headline": "Two boats", "body": SECTIONS}]))
    home = tmp_path_factory.mktemp("wires")
    steps.ingest(Request(load_settings(home=home), tuple(paths)))
    return Home(home)


@pytest.fixture
def ask(wires: Home, query: Query) -> Callable[[str], list[tuple[Any, ...]]]:
    return lambda sql: query(sql, wires.root)


def at(day: int, hour: int) -> datetime:
    return datetime(2026, 3, day, hour, tzinfo=UTC)


def over(name: str, columns: str, **tables: pl.DataFrame) -> list[tuple[Any, ...]]:
    """Ask for columns of a view, over tables made for it."""
    [view] = [view for view in read_views() if view.name == name]
    with duckdb.connect() as made:
        for table, rows in tables.items():
            made.register(table, rows.to_arrow())
        return made.execute(f"SELECT {columns} FROM ({view.query})").fetchall()


def test_views_ask_no_function_of_the_extension_icu(query: Query, samples: Home) -> None:
    """Clients without it take no days of times with a zone, and no differences."""
    of_icu = (
        r"\b(timezone|date_trunc|date_diff|date_part|date_sub|date_add|datediff|epoch|strftime|age|year|month|hour|extract"
        r"|time_bucket)\s*\(|AT TIME ZONE|CAST\(\w*_at AS DATE\)|_at::DATE"
    )
    views = query("SELECT view_name, sql FROM duckdb_views() WHERE NOT internal", samples.root)
    assert len(views) > 25
    assert [name for name, sql in views if re.search(of_icu, sql, re.IGNORECASE)] == []


@pytest.mark.parametrize(
    ("moment", "is_credible"),
    [
        ("2026-03-02T06:00:00Z", True),
        ("1805-10-21T12:00:00Z", True),
        ("1970-01-01T00:00:01Z", True),
        ("1753-01-01T00:00:00Z", False),
        ("1899-12-30T00:00:00Z", False),
        ("1970-01-01T00:00:00Z", False),
        ("2026-03-03T06:00:01Z", False),
    ],
)
def test_date_counts_where_it_can_be_whatever_others_the_record_has(ask: Query, moment: str, is_credible: bool) -> None:
    taken_in = "TIMESTAMPTZ '2026-03-02T06:00:00Z'"
    assert ask(f"SELECT ops.credible_date(TIMESTAMPTZ '{moment}', {taken_in}) IS NOT NULL") == [(is_credible,)]


def test_syndication_says_who_was_first_and_how_late_each_copy_is(ask: Query) -> None:
    found = ask(
        "SELECT headline, source, seen_at, position, lag_seconds, first_source FROM syndication "
        "WHERE clock = 'published_at' ORDER BY headline, position, source"
    )
    assert found == [
        ("The bridge waits", "wire", at(2, 6), 1, 0, "wire"),
        ("The bridge waits", "gazette", at(3, 7), 2, DAY + HOUR, "wire"),
        ("The bridge waits", "mirror", None, None, None, "wire"),
        ("The clock waits", "wire", at(9, 6), 1, 0, "wire"),
        ("The clock waits", "wire", at(10, 6), 2, DAY, "wire"),
        ("The ferry waits", "mirror", at(5, 11), 1, 0, "mirror"),
        ("The ferry waits", "gazette", at(5, 12), 2, HOUR, "mirror"),
    ]
    undated = ask(
        "SELECT headline, source, position, lag_seconds, first_source FROM syndication WHERE clock <> "
        "'published_at' ORDER BY source"
    )
    assert undated == [("The weir waits", name, 1, 0, "gazette") for name in ("gazette", "mirror")]
    firsts = ask("SELECT count(*) FROM syndication WHERE record_id = first_record_id")
    assert firsts == [(4,)]


def test_source_overlap_counts_shared_articles_in_both_directions(ask: Query) -> None:
    found = ask("SELECT * REPLACE (round(shared_share, 3) AS shared_share) FROM source_overlap ORDER BY ALL")
    assert found == [
        ("gazette", "mirror", 3, 3, 3, 1.0, 0, 1, HOUR),
        ("gazette", "wire", 3, 3, 1, 0.333, 0, 1, DAY + HOUR),
        ("mirror", "gazette", 3, 3, 3, 1.0, 1, 0, -HOUR),
        ("mirror", "wire", 3, 3, 1, 0.333, 0, 0, None),
        ("wire", "gazette", 3, 3, 1, 0.333, 1, 0, -DAY - HOUR),
        ("wire", "mirror", 3, 3, 1, 0.333, 0, 0, None),
    ]


def test_daily_volume_counts_what_has_no_date_apart(ask: Query) -> None:
    found = ask("SELECT * EXCLUDE clock FROM daily_volume WHERE clock = 'published_at' ORDER BY day, source")
    assert found == [
        (date(2026, 3, 2), "wire", 2, 2, 2, 2 * WORDS),
        (date(2026, 3, 3), "gazette", 1, 1, 1, WORDS),
        (date(2026, 3, 5), "gazette", 1, 1, 1, WORDS),
        (date(2026, 3, 5), "mirror", 1, 1, 1, WORDS),
        (date(2026, 3, 9), "wire", 1, 1, 1, WORDS),
        (date(2026, 3, 10), "wire", 1, 1, 0, WORDS),
    ]
    undated = ask("SELECT source, records FROM daily_volume WHERE clock = 'ingested_at' ORDER BY source")
    assert undated == [("gazette", 1), ("harbour", 1), ("mirror", 2)]


def test_coverage_gaps_are_days_without_a_record(ask: Query) -> None:
    """The wire has Mondays 2 (two records) and 9, and Tuesday 10; the last day of all is the 10th."""
    found = ask("SELECT * FROM coverage_gaps ORDER BY source, first_day")
    assert found == [
        ("gazette", date(2026, 3, 4), date(2026, 3, 4), 1, False, 0.0, 0),
        ("gazette", date(2026, 3, 6), date(2026, 3, 10), 5, True, 0.5, 1),
        ("mirror", date(2026, 3, 6), date(2026, 3, 10), 5, True, 0.0, 1),
        ("wire", date(2026, 3, 3), date(2026, 3, 8), 6, False, 0.5, 2),
    ]


def test_authors_are_one_however_they_are_spelt(ask: Query) -> None:
    found = ask(
        "SELECT author, author_key, spellings, articles, words, sources, languages, first_published_at, "
        "last_published_at FROM authors ORDER BY author"
    )
    assert found == [
        (
            *("Ann Orr", "ann orr", ["Ann Orr", "Ánn Orr"], 3, 3 * WORDS),
            *(["gazette", "mirror", "wire"], ["en"], at(2, 6), at(9, 6)),
        ),
        (
            *("B O'Lund", "b o'lund", ["B O'Lund", "B. O’Lund"], 2, 2 * WORDS),
            *(["gazette", "mirror"], ["en"], at(5, 11), at(5, 11)),
        ),
    ]


def test_names_are_one_whatever_their_apostrophes_dashes_accents_and_strokes() -> None:
    """Each list is one author; names that differ in more are apart."""
    authors = [
        ["Ánn O'Hara", "ANN O´HARA", *(f"Ann O{mark}Hara" for mark in "`′ʹ’‘ʼʻ‛")],
        ["Jean-Luc Orr", *(f"Jean{dash}Luc Orr" for dash in "\u2010\u2011\u2012\u2013\u2014\u2212")],
        *(["Łukasz Dąb", "Lukasz Dab", "ŁUKASZ DĄB"], ["Søren Ægir", "Soren Aegir", "SǾREN ǼGIR"]),
        *(["Đorđe Weiß", "Dorde Weiss", "ĐORĐE WEIẞ"], ["Þóra Guðrún", "Thora Gudrun", "ÞÓRA GUÐRÚN"]),
        *(["Işıl Cœur", "Isil Coeur", "IŞIL CŒUR"], ["Ġorġ Ħal", "Gorg Hal"], ["Άννα Ορς", "ΑΝΝΑ ΟΡΣ"]),
        *([name] for name in ("Ann Ohara", "Jean Luc Orr", "Jan Müller", "Jan Mueller", "Йосиф", "Иосиф")),
    ]
    articles = pl.DataFrame({"authors": [[name] for names in authors for name in names]}).with_row_index("article_id")
    same = articles.with_columns(word_count=1, sources=["x"], language=pl.lit("en"), published_at=None)
    found = over("authors", "spellings", articles=same)
    assert sorted(spellings for (spellings,) in found) == sorted(map(sorted, authors))


def test_headings_come_with_their_sections(ask: Query) -> None:
    found = ask("SELECT headline, position, heading, section, section_words, sources FROM headings ORDER BY position")
    one, other = (
        "They want two boats and a lamp on the outer wall, and nobody has asked them why they want them so badly.",
        ("It says that there is one boat. It is being painted, and has been since the spring.\n\nThe paint is green."),
    )
    assert found == [
        ("Two boats", 1, "What the pilots want", one, 22, ["harbour"]),
        ("Two boats", 2, "What the port says", other, 21, ["harbour"]),
    ]


def test_sections_are_counted_as_bodies_are() -> None:
    """A bullet is no word; in scripts without spaces each letter is one, and a mark or a digit is none."""
    words = {
        "They want two boats and a lamp.": 7,
        "- two boats – and a lamp\n\n* C++, 10⁵ … « oui »": 8,
        "東京は、今日も雨です。\n\nปีที่ ๑๒": 9 + 2,
        "boat漢字2 x々 〇": 6,
        "a\xa0b\u3000c\u2028d\x85e\x0bf": 6,
        "…\n\n—": 0,
    }
    sections = pl.Series("section", list(words))
    counted = digest_bodies(sections, is_beyond_plain=pl.repeat(value=True, n=len(words), eager=True))
    assert counted["word_count"].to_list() == list(words.values())
    records = pl.DataFrame({"body": "Lamps\n\n" + sections, "headings": [["Lamps"]] * len(words)})
    records = records.with_row_index("record_id")
    article = {"article_id": "record_id", "canonical_record_id": "record_id", "headline": "body"}
    articles = records.select(**article, sources=None, language=None, published_at=None)
    fields = articles.select("article_id", field=pl.lit("headings"), record_id="article_id")
    found = over("headings", "section, section_words", records=records, articles=articles, article_fields=fields)
    assert dict(found) == words


def test_list_of_contents_is_no_section(write_lines: WriteLines, tmp_path: Path, query: Query) -> None:
    opening, rest = SECTIONS.split("\n\n", 1)
    body = f"{opening}\n\nWhat the pilots want\n\nWhat the port says\n\n{opening}\n\n{rest}"
    drop = write_lines(tmp_path / "harbour" / "a.jsonl", [{"headline": "Two boats", "body": body}])
    steps.ingest(Request(load_settings(home=tmp_path / "home"), (drop,)))
    found = query("SELECT heading, section_words FROM headings ORDER BY position", tmp_path / "home")
    assert found == [("What the pilots want", 22), ("What the port says", 21)]


def test_headings_are_those_of_the_record_that_has_them(samples: Home, query: Query) -> None:
    """The scrape without headings is the canonical one of the article whose headings stand in capitals."""
    found = query(
        "SELECT position, heading, section <> '' FROM headings SEMI JOIN articles USING (article_id) "
        "WHERE list_contains(sources, 'harbor-review') AND len(sources) = 2 AND heading = upper(heading) ORDER BY 1",
        samples.root,
    )
    assert found == [(1, "A THIN FLEET", True), (2, "WHO PAYS FOR PATIENCE", True), (3, "RULES FOR THE SEABED", True)]
    assert query("SELECT count(*), (SELECT sum(len(headings)) FROM articles) FROM headings", samples.root) == [(16, 16)]


def test_source_health_sums_up_each_source(ask: Query, samples: Home, query: Query) -> None:
    columns = (
        "source, status, open_incidents, drops, records_in, records_loaded, records_quarantined, articles, own_articles"
    )
    assert query(f"SELECT {columns} FROM source_health ORDER BY source", samples.root) == [
        ("broken", "critical", 9, 15, 29, 13, 16, 10, 10),
        ("harbor-review", "ok", 0, 4, 4, 4, 0, 4, 2),
        ("policy-mirror", "ok", 0, 6, 6, 6, 0, 6, 2),
        ("wire-exports", "ok", 0, 12, 26, 26, 0, 15, 11),
    ]
    shares = "source, quarantined_share, headline_share, authors_share, published_share, last_published_at"
    assert ask(f"SELECT {shares} FROM source_health ORDER BY source") == [
        ("gazette", 0.0, 1.0, 1.0, pytest.approx(2 / 3), at(5, 12)),
        ("harbour", 0.0, 1.0, 0.0, 0.0, None),
        ("mirror", 0.25, 1.0, 1.0, pytest.approx(1 / 3), at(5, 11)),
        ("wire", 0.0, 1.0, 1.0, 1.0, at(10, 6)),
    ]


def test_quarantine_reasons_say_what_to_do(samples: Home, query: Query) -> None:
    """The figures are those of the table in seeds/drops/README.md."""
    found = query("SELECT source, reason, open_records FROM quarantine_reasons ORDER BY reason", samples.root)
    assert found == [
        ("broken", reason, records)
        for reason, records in (
            ("block_page", 1),
            ("malformed_csv", 2),
            ("malformed_json", 2),
            ("malformed_parquet", 1),
            ("missing_body", 1),
            ("no_records", 3),
            ("truncated", 2),
            ("undecodable", 1),
            ("unsupported_format", 3),
        )
    ]
    untold = "SELECT count(*) FROM quarantine_reasons WHERE meaning IS NULL OR remedy IS NULL"
    assert query(untold, samples.root) == [(0,)]
    example = "SELECT q.reasons FROM quarantine_reasons JOIN ops.quarantine AS q ON quarantine_id = example"
    assert query(f"{example} WHERE reason = 'truncated'", samples.root) == [(["truncated"],)]


def test_runs_have_their_sources_and_books(ask: Query) -> None:
    [run] = ask("SELECT * EXCLUDE (run_id, started_at, seconds) FROM runs")
    sources = ["gazette", "harbour", "mirror", "wire"]
    assert run[:7] == ("ingest", "done", sources, 4, 12, 11, 1)
    assert run[7:10] == (pytest.approx(1 / 12), 5, 6)
    failed, opened = run[10:]
    assert failed == len(ask("SELECT DISTINCT source, rule FROM ops.incidents")) == opened
