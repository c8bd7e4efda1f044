"""The sample drops are what their README says; what a run makes of them is tested with the whole path."""

import bz2
import csv
import gzip
import io
import json
import lzma
import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import ftfy
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest
import zstandard

from seeds.tables import reason_codes

DROPS = Path(__file__).parents[2] / "seeds" / "drops"
LONG_ARTICLES = {
    "harbor-review/who-mends-the-cables.txt",
    "harbor-review/grain-in-the-cellar.txt",
    "harbor-review/the-harbour-that-runs-itself.txt",
    "policy-mirror/article-20931.txt",
    "policy-mirror/article-20977.txt",
}


@dataclass(frozen=True)
class Expected:
    """A row of the README's table: figures, and how many records bear each code."""

    records_in: int
    loaded: int
    quarantined: int
    reasons: dict[str, int]
    flags: dict[str, int]


def codes_in(cell: str) -> dict[str, int]:
    return {code: int(count) for code, count in re.findall(r"`(\w+)` (\d+)", cell)}


def expected_rows() -> dict[str, Expected]:
    readme = (DROPS / "README.md").read_text("utf-8")
    table = readme.split("## What should become of each")[1].split("## Duplicates")[0]
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines() if line.startswith("|")
    ]
    return {
        name.strip("`*"): Expected(int(records_in), int(loaded), int(quarantined), codes_in(reasons), codes_in(flags))
        for name, _, records_in, loaded, quarantined, reasons, flags, _ in rows[2:]
    }


def drop(name: str) -> bytes:
    return (DROPS / name).read_bytes()


def text(name: str) -> str:
    return drop(name).decode("utf-8")


def test_readme_lists_every_file_and_no_other() -> None:
    files = {path.relative_to(DROPS).as_posix() for path in DROPS.glob("*/*")}
    assert set(expected_rows()) - {"all"} == files


def test_readme_figures_balance_and_add_up() -> None:
    rows = expected_rows()
    total = rows.pop("all")
    for row in (*rows.values(), total):
        assert row.records_in == row.loaded + row.quarantined
    assert total.records_in == sum(row.records_in for row in rows.values())
    assert total.loaded == sum(row.loaded for row in rows.values())


def test_every_quarantined_record_has_one_reason_that_is_a_known_code() -> None:
    known = set(reason_codes()["code"])
    for name, row in expected_rows().items():
        assert name == "all" or sum(row.reasons.values()) == row.quarantined
        assert {*row.reasons, *row.flags} <= known


def test_drops_together_stay_under_a_megabyte() -> None:
    assert sum(path.stat().st_size for path in DROPS.rglob("*") if path.is_file()) < 1_000_000


@pytest.mark.parametrize("name", sorted(LONG_ARTICLES))
def test_main_articles_are_long(name: str) -> None:
    assert 1_000 <= len(text(name).split()) <= 1_800


def test_the_two_scrapes_share_every_paragraph() -> None:
    glued = text("harbor-review/who-mends-the-cables.txt").splitlines()
    paywalled = text("policy-mirror/article-20931.txt").split("\n\n")
    assert len(glued[2:]) > 10
    assert set(glued[2:]) <= set(paywalled)


def test_first_scrape_wears_the_headline_and_dek_of_another_article() -> None:
    glued = text("harbor-review/who-mends-the-cables.txt")
    headline, dek = text("harbor-review/grain-in-the-cellar.txt").split("\n\n")[:2]
    assert glued.startswith(f"{headline}\n{dek.rstrip('.')}\n")
    assert "\n\n" not in glued


def test_second_scrape_has_capital_headings_and_a_bulleted_offer_and_bio() -> None:
    blocks = text("policy-mirror/article-20931.txt").split("\n\n")
    assert [block for block in blocks if block.isupper()] == [
        "A THIN FLEET  ",
        "WHO PAYS FOR PATIENCE  ",
        "RULES FOR THE SEABED  ",
    ]
    assert blocks[-5] == "You are reading a free article."
    assert blocks[-4].count("\n• ") == 3
    assert blocks[-3] == "Subscribe Now"
    assert blocks[-2].startswith("• MARGIT HALLORAN is a Senior Fellow")
    assert blocks[-1] == "• More By Margit Halloran\n"


def test_comments_tails_are_a_bare_word_and_a_thread() -> None:
    assert text("harbor-review/grain-in-the-cellar.txt").endswith("\n\nComments\n")
    assert text("harbor-review/night-trains.txt").count("Reply  Like") == 3


def test_river_article_opens_with_a_dek_and_ends_with_two_bios_in_a_line() -> None:
    lines = text("policy-mirror/article-20977.txt").splitlines()
    assert lines[0].endswith("better.")
    assert "A Table Nobody Reads" in lines
    assert "" not in lines
    assert re.search(r"Annika Rosdahl is .*\.Tomas Ybarren is ", lines[-1])


@pytest.mark.parametrize(
    "feature",
    ["\n\nharbour-crane_2048x1365.jpg\n\n", "“", "’", "\u00a0", "\n\n\n\n", "on Twitter: @", "\n\nImage: "],
)
def test_harbor_article_holds(feature: str) -> None:
    assert feature in text("harbor-review/the-harbour-that-runs-itself.txt")


def test_one_text_lies_twice_in_a_source() -> None:
    assert drop("harbor-review/night-trains (1).txt") == drop("harbor-review/night-trains.txt")


@pytest.mark.parametrize(
    ("name", "decompress"),
    [
        ("wire-exports/morning.json.gz", gzip.decompress),
        ("wire-exports/evening.jsonl.zst", lambda packed: zstandard.ZstdDecompressor().decompress(packed)),
        ("wire-exports/monthly.csv.bz2", bz2.decompress),
        ("wire-exports/column.txt.xz", lzma.decompress),
    ],
)
def test_compressed_drops_hold_utf8_text(name: str, decompress: Callable[[bytes], bytes]) -> None:
    assert len(decompress(drop(name)).decode("utf-8").split()) > 100


@pytest.mark.parametrize(
    ("name", "encoding", "delimiter"),
    [
        ("wire-exports/desk.csv", "utf-8-sig", ","),
        ("wire-exports/agence.csv", "cp1252", ";"),
        ("wire-exports/notes.tsv", "utf-8", "\t"),
    ],
)
def test_delimited_drops_have_rows_of_one_width_and_multi_line_cells(name: str, encoding: str, delimiter: str) -> None:
    rows = list(csv.reader(io.StringIO(drop(name).decode(encoding), newline=""), delimiter=delimiter))
    assert len(rows) == 1 + expected_rows()[name].records_in
    assert {len(row) for row in rows} == {len(rows[0])}
    assert all("\n" in row[-1] for row in rows[1:])


def test_columnar_drops_hold_the_rows_of_the_table() -> None:
    assert pq.read_table(DROPS / "wire-exports/archive.parquet").num_rows == 3
    assert pyarrow.feather.read_table(DROPS / "wire-exports/batch.feather").num_rows == 2


@pytest.mark.parametrize(
    ("name", "encoding", "words"),
    [
        ("wire-exports/agence.csv", "cp1252", "une fois qu’elle circule"),
        ("policy-mirror/werkstatt.txt", "utf-16", "nie jemandem erzählt hatte"),
    ],
)
def test_some_drops_are_in_other_encodings_than_utf8(name: str, encoding: str, words: str) -> None:
    with pytest.raises(UnicodeDecodeError):
        drop(name).decode("utf-8")
    assert words in drop(name).decode(encoding)


def test_repaired_mojibake_equals_the_same_text_from_another_drop() -> None:
    wrongly_decoded = json.loads(text("wire-exports/feed.jsonl").splitlines()[1])["text"]
    clean = json.loads(text("wire-exports/bulletin.json"))["articles"][1]["content"]
    assert wrongly_decoded != clean
    assert ftfy.fix_encoding(wrongly_decoded) == clean


def test_cut_gzip_stream_gives_two_whole_lines_and_a_piece() -> None:
    stream = zlib.decompressobj(wbits=31)
    lines = stream.decompress(drop("broken/cut-stream.jsonl.gz")).split(b"\n")
    assert not stream.eof
    assert [json.loads(line)["id"] for line in lines[:2]] == ["x-9", "x-10"]
    with pytest.raises(json.JSONDecodeError):
        json.loads(lines[2])


def test_broken_json_is_broken_where_the_readme_says() -> None:
    with pytest.raises(json.JSONDecodeError):
        json.loads(text("broken/cut-array.json"))
    bad_lines = []
    for number, line in enumerate(text("broken/bad-lines.jsonl").splitlines(), 1):
        try:
            json.loads(line)
        except json.JSONDecodeError:
            bad_lines.append(number)
    assert bad_lines == [2, 4]


def test_broken_csv_has_a_row_too_wide_and_a_quote_that_never_closes() -> None:
    rows = text("broken/bad-rows.csv").splitlines()[1:]
    assert [len(row.split(",")) for row in rows] == [4, 5, 4, 4, 4]
    assert [row.count('"') for row in rows] == [0, 0, 0, 1, 0]


def test_cut_parquet_is_refused() -> None:
    with pytest.raises(pa.ArrowInvalid):
        pq.read_table(DROPS / "broken/cut-file.parquet")
