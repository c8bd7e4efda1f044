"""The example queries answer what they say, over the sample drops; the answers were read off the files."""

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from warehouse.home import Home

Query = Callable[..., list[tuple[Any, ...]]]
Rows = list[tuple[Any, ...]]

DROPS = Path(__file__).parents[2] / "seeds" / "drops"
LATER_TEXTS = {
    note["title"]: note["body"]
    for note in map(json.loads, (DROPS / "broken" / "dates.jsonl").read_text("utf-8").splitlines())
}
NEW_SENTENCES = {
    "A day too many": " Sand will be swept up in April and used again.",
    "From the year 2199": " The new bridge will open when the old one is paid for.",
    "March or April": " The hives will return by the same road in June.",
}
"""What the later texts, none of which has a date that can be, have and the notes of 20 October have not."""


def week_of(month: int, day: int) -> datetime:
    """The Monday of a week of 2024."""
    return datetime(2024, month, day)  # noqa: DTZ001 -- the query gives a day, which has no zone


EXPECTED: dict[str, Callable[[Rows], bool]] = {
    # The water meters are dated 5 November, 6:30, in the mirror, and 6 November, 6:00, on the wire.
    "who-is-first": lambda rows: rows == [("policy-mirror", 1, 23.5)],
    # The mirror shares the cables with the review, and three articles with the wire; the review one with the wire.
    "only-here": lambda rows: (
        rows
        == [
            ("broken", 10, 10, 100.0),
            ("wire-exports", 15, 11, 73.0),
            ("harbor-review", 4, 2, 50.0),
            ("policy-mirror", 6, 2, 33.0),
        ]
    ),
    "stories-that-one-source-missed": lambda rows: (
        [(row[0], row[1]) for row in rows]
        == [
            ("What the Water Meter Knows", ["policy-mirror", "wire-exports"]),
            ("Note: bestanden, sofern es rollt", ["policy-mirror", "wire-exports"]),
            ("Beans on loan", ["policy-mirror", "wire-exports"]),
        ]
    ),
    # The wire has 24 dated records in 71 days: 6 on 11 Wednesdays, 18 on the other weekdays, 10 days each,
    # so 6/11 + 18/10 a week: 3 weeks, a Monday (1/10) and a Tuesday (3/10) make 7.4; 2 weeks and a Saturday (1/10) 4.8.
    # The broken source has 7 on one of 7 Sundays, and one on one of 7 Mondays, of 7 Tuesdays and of 7 Wednesdays, so
    # 10/7 a week, and 8.6 in 6 weeks. The mirror has 2 in 7 weeks, the review none.
    "silent-days": lambda rows: (
        rows
        == [
            ("broken", date(2024, 10, 24), date(2024, 12, 4), 42, 8.6, True),
            ("wire-exports", date(2024, 10, 14), date(2024, 11, 5), 23, 7.4, False),
            ("wire-exports", date(2024, 11, 16), date(2024, 11, 30), 15, 4.8, False),
        ]
    ),
    # Three of the longest articles are by one or two authors each.
    "most-words": lambda rows: [row[0] for row in rows][:3] == ["Margit Halloran", "Annika Rosdahl", "Tomas Ybarren"],
    "held-back": lambda rows: [(row[1], row[2]) for row in rows][:2] == [("no_records", 3), ("unsupported_format", 3)],
    # The headline of an article is that of the text in a class of length above (75 words to 63, 70 to 60), else of the
    # record with more of authors, date and dek, else of the earlier one.
    "other-headlines": lambda rows: (
        rows
        == [
            ("A tax on mending goes", ["wire-exports: Mending, untaxed"]),
            ("Beans on loan", ["policy-mirror: The Drawer Marked Beans"]),
            ("El libro y el programa", ["wire-exports: Tres siglos de turno"]),
            ("From the year 2199", ["broken: Last toll at Farrow"]),
            ("Lesesaal ohne Aufsicht", ["wire-exports: Sonntags im Lesesaal"]),
            ("March or April", ["broken: Hives by night"]),
            (
                "Pescado a medianoche",
                ["wire-exports: La plaza que no fue aparcamiento", "wire-exports: Ruedas de goma"],
            ),
            ("Platz für den Fluss", ["wire-exports: Der Deich weicht zurück"]),
            ("Sand for salt", ["broken: A day too many"]),
            ("Sold out, with berths", ["harbor-review: The Slow Return of the Night Train"]),
            ('The float says "no"', ["wire-exports: The float and the pulse"]),
            ("Trois jours pour du sable", ["wire-exports: Le sable n’est pas pressé"]),
            ("Two timetables", ["wire-exports: Late, on purpose", "wire-exports: The boat that waits"]),
            ("What the Water Meter Knows", ["wire-exports: One reading a night"]),
            ("À Saint-Aubrac, on fait la queue le soir", ["wire-exports: Le guichet du soir"]),
        ]
    ),
    # Texts without a date of their own came later than all that have one, in one drop, and so at one time.
    "paragraphs-that-changed": lambda rows: (
        [(*row[:3], *row[4:]) for row in rows]
        == [
            ("broken", title, 2, [LATER_TEXTS[title]], [LATER_TEXTS[title].removesuffix(sentence)])
            for title, sentence in NEW_SENTENCES.items()
        ]
        and len({row[3] for row in rows}) == 1
    ),
    # Sums of the dated records of README.md there, each under the Monday before; what comes a second time is not new.
    "per-week": lambda rows: (
        rows
        == [
            (week_of(9, 23), "wire-exports", 2, 2, 169 + 165),
            (week_of(9, 30), "wire-exports", 4, 2, 3 * 173 + 164),
            (week_of(10, 7), "wire-exports", 9, 5, 165 + 2 * 187 + 2 * 155 + 181 + 2 * 192 + 198),
            (week_of(10, 14), "broken", 7, 7, 63 + 60 + 58 + 57 + 60 + 59 + 59),
            (week_of(10, 14), "policy-mirror", 1, 1, 245),
            (week_of(10, 21), "broken", 3, 3, 66 + 62 + 58),
            (week_of(11, 4), "policy-mirror", 1, 1, 193),
            (week_of(11, 4), "wire-exports", 1, 1, 193),
            (week_of(11, 11), "wire-exports", 4, 2, 147 + 2 * 179 + 181),
            (week_of(11, 25), "wire-exports", 2, 1, 203 + 181),
            (week_of(12, 2), "wire-exports", 2, 1, 192 + 164),
        ]
    ),
    "flagged": lambda rows: (
        [row[:3] for row in rows]
        == [
            ("broken", "ambiguous_date", 1),
            ("broken", "future_date", 1),
            ("broken", "unreadable_date", 1),
            ("harbor-review", "headline_mismatch", 1),
            ("wire-exports", "language_mismatch", 1),
            ("wire-exports", "mojibake_repaired", 1),
        ]
    ),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_an_example_query_answers_its_question(name: str, samples: Home, query: Query, repository: Path) -> None:
    sql = (repository / "docs" / "queries" / f"{name}.sql").read_text("utf-8")
    assert sql.startswith("-- ")
    assert "?" in sql.splitlines()[0]
    rows = query(sql, samples.root)
    assert EXPECTED[name](rows), rows


def test_every_example_query_is_tested(repository: Path) -> None:
    assert {path.stem for path in (repository / "docs" / "queries").glob("*.sql")} == EXPECTED.keys()


def test_a_query_is_read_from_standard_input(samples: Home, repository: Path) -> None:
    path = repository / "docs" / "queries" / "only-here.sql"
    command = [Path(sys.executable).with_name("copydesk"), "sql", "-", "--format", "csv", "--home", samples.root]
    with path.open("rb") as file:
        done = subprocess.run(command, stdin=file, capture_output=True, check=True)
    assert done.stdout.decode().splitlines()[:2] == ["source,articles,own_articles,own_percent", "broken,10,10,100.0"]
