"""Lineage: from each record to its bytes, from each decision to its rule."""

import bz2
import lzma
import re
import zlib
from collections.abc import Callable
from typing import Any

import pytest
import zstandard

from seeds.tables import reason_codes
from warehouse.home import Home
from warehouse.raw_store import RawStore

Query = Callable[..., list[tuple[Any, ...]]]

DECOMPRESS: dict[bytes, Callable[[bytes], bytes]] = {
    b"\x1f\x8b": lambda content: zlib.decompressobj(wbits=31).decompress(content),
    b"\x28\xb5\x2f\xfd": lambda content: zstandard.ZstdDecompressor().stream_reader(content).read(),
    b"BZh": bz2.decompress,
    b"\xfd7zXZ": lzma.decompress,
}


def decompressed(content: bytes) -> bytes:
    for magic, decompress in DECOMPRESS.items():
        if content.startswith(magic):
            return decompress(content)
    return content


def words(text: str) -> list[str]:
    return re.findall(r"[^\W\d_]{3,}", text)


@pytest.fixture
def drop_bytes(samples: Home) -> Callable[[str], bytes]:
    def read(drop_sha256: str) -> bytes:
        with RawStore(samples.raw).open(drop_sha256) as stream:
            return decompressed(stream.read())

    return read


def test_each_record_lies_at_its_span_in_the_raw_store(
    samples: Home, query: Query, drop_bytes: Callable[[str], bytes]
) -> None:
    rows = query(
        "SELECT drop_sha256, byte_start, byte_end, encoding, format, r.body "
        "FROM records r JOIN ops.drops USING (source, drop_sha256)",
        samples.root,
    )
    spanned = [row for row in rows if row[1] is not None]
    assert {row[4] for row in rows if row[1] is None} <= {"parquet", "arrow"}, "formats of which no bytes are a record"
    for drop_sha256, start, end, encoding, format_, body in spanned:
        piece = drop_bytes(drop_sha256)[start:end].decode(encoding)
        known = set(words(piece.replace("\\n", "\n")))
        missing = [word for word in words(body) if word.isascii() and word not in known]
        assert not missing, (format_, missing[:5], piece[:200])


def test_what_is_held_back_lies_at_its_span(samples: Home, query: Query, drop_bytes: Callable[[str], bytes]) -> None:
    rows = query(
        "SELECT drop_sha256, byte_start, byte_end, raw FROM ops.quarantine WHERE byte_end > byte_start "
        "AND NOT list_has_any(reasons, ['unsupported_format', 'undecodable', 'missing_body'])",
        samples.root,
    )
    assert rows
    for drop_sha256, start, end, raw in rows:
        piece = drop_bytes(drop_sha256)[start:end].decode("utf-8", "replace")
        assert words(raw)[:5] == words(piece)[: min(5, len(words(raw)))]


def test_each_row_names_a_run_and_a_drop_that_exist(samples: Home, query: Query) -> None:
    for table in ("records", "ops.quarantine"):
        for lineage in ("ops.drops USING (source, drop_sha256, run_id)", "ops.runs USING (run_id)"):
            assert query(f"SELECT * FROM {table} ANTI JOIN {lineage}", samples.root) == []
    assert query("SELECT run_id FROM ops.drops ANTI JOIN ops.runs USING (run_id)", samples.root) == []


def test_each_code_has_a_meaning_and_a_remedy(samples: Home, query: Query) -> None:
    used = query(
        "SELECT unnest(flags), 'flag' FROM records UNION SELECT unnest(reasons), 'reason' FROM ops.quarantine UNION "
        "SELECT expectation, NULL FROM ops.validations UNION SELECT rule, NULL FROM ops.incidents",
        samples.root,
    )
    known = dict(reason_codes().select("code", "kind").iter_rows())
    assert {code for code, _ in used} <= known.keys()
    assert all(known[code] == kind for code, kind in used if kind is not None)
    assert reason_codes().null_count().row(0) == (0, 0, 0, 0)


def test_each_copy_names_its_match_and_how_it_was_made(samples: Home, query: Query) -> None:
    copies = query(
        "SELECT x.matched_record_id = a.canonical_record_id, x.jaccard, x.containment, x.method, "
        "r.match_key = c.match_key "
        "FROM record_articles x JOIN articles a USING (article_id) JOIN records r USING (record_id) "
        "JOIN records c ON c.record_id = x.matched_record_id WHERE relation = 'exact_copy'",
        samples.root,
    )
    assert copies
    assert set(copies) == {(True, 1.0, 1.0, "exact_body", True)}
    canonical = "SELECT DISTINCT matched_record_id, method FROM record_articles WHERE relation = 'canonical'"
    assert query(canonical, samples.root) == [(None, None)]


def test_each_piece_taken_from_a_text_names_its_rule(samples: Home, query: Query) -> None:
    pieces = query("SELECT rule, action, char_start, char_end, text, replacement FROM spans", samples.root)
    assert pieces
    for rule, action, start, end, text, replacement in pieces:
        assert rule
        assert end - start == len(text)
        assert (replacement is not None) == (action == "replace")
