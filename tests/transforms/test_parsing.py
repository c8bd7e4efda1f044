"""The one way in: any bytes, any name, and what comes of them."""

import bz2
import gzip
import hashlib
import io
import json
import lzma
import random
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from seeds.tables import field_aliases
from transforms.conform import FieldNames
from transforms.detection import HEAD_BYTES
from transforms.formats import Format
from transforms.parsing import ParsedDrop, parse_drop
from transforms.raw_batches import ParseOptions
from transforms.raw_schema import RAW_RECORDS, REJECTS

NAMES = FieldNames(field_aliases())
COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    ".gz": gzip.compress,
    ".zst": zstandard.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
}
BAD_JSON = {"malformed_json", "undecodable", "truncated"}
PROSE = "The minister announced the reform on Monday; the opposition “did not agree”.\n" * 10


class ForwardOnly(io.RawIOBase):
    """A stream that cannot be rewound and gives less than it is asked for, as decompressors do."""

    def __init__(self, drop: bytes) -> None:
        self._rest = io.BytesIO(drop)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview, /) -> int:  # type: ignore[override]
        return self._rest.readinto(memoryview(buffer)[:5000])


def parsed(drop: bytes, name: str, *, is_seekable: bool = True, **options: object) -> tuple[ParsedDrop, pl.DataFrame]:
    """Parse a drop; give its rows in the order of the file, `told` being the reason of a reject, else the body."""
    stream = io.BytesIO(drop) if is_seekable else ForwardOnly(drop)
    result = parse_drop(stream, name=name, options=ParseOptions(NAMES, **options))  # type: ignore[arg-type]
    rows = []
    for batch in result.batches:
        assert batch.records.schema == RAW_RECORDS
        assert batch.rejects.schema == REJECTS
        rows.append(batch.records.select("record_no", "byte_start", "byte_end", told="body", is_reject=False))
        rows.append(batch.rejects.select("record_no", "byte_start", "byte_end", told="reason", is_reject=True))
    table = pl.concat(rows).sort("record_no")
    assert table["record_no"].to_list() == list(range(table.height)) != []
    return result, table


def told(drop: bytes, name: str, **options: object) -> list[object]:
    return parsed(drop, name, **options)[1]["told"].to_list()  # type: ignore[arg-type]


def a_parquet(bodies: list[str]) -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.table({"body": bodies}), file)
    return file.getvalue()


def an_arrow(bodies: list[str]) -> bytes:
    file = io.BytesIO()
    table = pa.table({"body": bodies})
    with pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table)
    return file.getvalue()


def drops_of(bodies: list[str]) -> dict[str, bytes]:
    """Write the same bodies in every format that holds several."""
    objects = [{"body": body} for body in bodies]
    return {
        "a.json": json.dumps(objects).encode(),
        "a.jsonl": "\n".join(map(json.dumps, objects)).encode() + b"\n",
        "a.csv": ("id,body\n" + "".join(f'{n},"{body}"\n' for n, body in enumerate(bodies))).encode(),
        "a.tsv": ("id\tbody\n" + "".join(f'{n}\t"{body}"\n' for n, body in enumerate(bodies))).encode(),
        "a.parquet": a_parquet(bodies),
        "a.arrow": an_arrow(bodies),
    }


BODIES = ["First body.", "Second body, with a comma.", "Third body."]


@pytest.mark.parametrize("is_seekable", [True, False])
@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.txt", PROSE),
        ("a", PROSE),
        ("a.csv", f'headline,body\nOne,"{PROSE}"\n'),
        ("a.jsonl", json.dumps({"body": PROSE}) + "\n"),
        ("a.html", "<html><body><article>" + f"<p>{PROSE}</p>" * 3 + "</article></body></html>"),
    ],
)
def test_drop_that_begins_with_blanks_is_read(name: str, content: str, *, is_seekable: bool) -> None:
    _, rows = parsed(b"\n" * HEAD_BYTES + content.encode(), name, is_seekable=is_seekable)
    assert rows.height == 1
    assert "“did not agree”" in rows["told"][0]


def test_long_blank_drop_is_told_as_blank() -> None:
    _, rows = parsed(b" \n" * HEAD_BYTES, "a.txt")
    assert rows["told"].to_list() == ["no_records"]


@pytest.mark.parametrize("suffix", COMPRESS)
@pytest.mark.parametrize("name", drops_of(BODIES))
@pytest.mark.parametrize("is_seekable", [True, False])
def test_the_same_records_in_every_format_and_compression(name: str, suffix: str, is_seekable: bool) -> None:
    drop = COMPRESS[suffix](drops_of(BODIES)[name])
    result, table = parsed(drop, name + suffix, is_seekable=is_seekable)
    assert table["told"].to_list() == BODIES
    assert result.format == {"json": "json", "jsonl": "jsonl"}.get(name[2:], name[2:])


@pytest.mark.parametrize("suffix", COMPRESS)
@pytest.mark.parametrize("is_seekable", [True, False])
def test_drops_larger_than_the_head_are_read_whole(suffix: str, is_seekable: bool) -> None:
    bodies = [f"Body {number} {PROSE.splitlines()[0]}" for number in range(4 * HEAD_BYTES // 100)]
    for name, drop in drops_of(bodies).items():
        assert len(drop) > HEAD_BYTES or name in {"a.parquet", "a.arrow"}
        assert parsed(COMPRESS[suffix](drop), name, is_seekable=is_seekable)[1]["told"].to_list() == bodies


def test_a_file_compressed_twice_is_not_read() -> None:
    result, table = parsed(gzip.compress(gzip.compress(PROSE.encode())), "a.txt.gz.gz")
    assert result.format == Format.COMPRESSED
    assert table["told"].to_list() == ["unsupported_format"]


def test_of_truncated_lines_all_but_the_last_are_kept() -> None:
    bodies = [f"{number} {random.Random(number).random()}" for number in range(3000)]  # noqa: S311 - no secret
    for name in ("a.jsonl", "a.csv"):
        drop = gzip.compress(drops_of(bodies)[name])
        rows = told(drop[: len(drop) // 2], name)
        assert rows[-1] == "truncated"
        assert rows[:-1] == bodies[: len(rows) - 1]
        assert len(rows) > 1000


def test_of_a_truncated_array_the_elements_before_the_break_are_kept() -> None:
    bodies = [f"{number} {random.Random(number).random()}" for number in range(3000)]  # noqa: S311 - no secret
    drop = gzip.compress(drops_of(bodies)["a.json"])
    rows = told(drop[: len(drop) // 2], "a.json")
    assert rows[-1] == "truncated"
    assert rows[:-1] == bodies[: len(rows) - 1]
    assert len(rows) > 1000


def test_of_a_truncated_text_nothing_is_kept() -> None:
    drop = gzip.compress(PROSE.encode())
    assert told(drop[:-9], "a.txt") == ["truncated"]
    assert told(drop[:12], "a.txt") == ["truncated"]


def test_garbage_after_a_compressed_document_is_told() -> None:
    assert told(gzip.compress(b'[{"body": "a"}]') + b"garbage", "a.json") == ["a", "undecodable"]


@pytest.mark.parametrize(
    ("drop", "name", "expected"),
    [
        (b"", "a.txt", "no_records"),
        (b"\xef\xbb\xbf", "a.txt", "no_records"),
        (b" \n\t", "a.csv", "no_records"),
        (b"", "a.json", "malformed_json"),
        (b"\xef\xbb\xbf \n", "a.json", "malformed_json"),
        (b"\n\n", "a.jsonl", "no_records"),
        (b"", "a.parquet", "no_records"),
        (b"PAR1", "a.parquet", "malformed_parquet"),
        (bytes(range(256)) * 4, "a.txt", "undecodable"),
        (bytes(range(256)) * 4, "a.json", "undecodable"),
        (b"%PDF-1.4", "a.txt", "unsupported_format"),
        (b"no feed", "a.rss", "unsupported_format"),
    ],
)
def test_a_drop_without_records_says_why(drop: bytes, name: str, expected: str) -> None:
    assert told(drop, name) == [expected]


def test_a_text_too_large_is_not_read() -> None:
    assert told(PROSE.encode(), "a.txt", max_record_bytes=100) == ["oversize_record"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "utf-32", "cp1252"])
def test_json_is_read_in_any_encoding(encoding: str) -> None:
    body = "Déjà vu à l’été, où “tout” recommence."
    drop = json.dumps([{"body": body}], ensure_ascii=False).encode(encoding)
    assert told(drop, "a.json") == [body]


def test_a_declared_encoding_is_used_and_named() -> None:
    drop = json.dumps({"body": "Reform für Österreich"}, ensure_ascii=False).encode("cp850")
    result, table = parsed(drop, "a.json", encoding_hint="cp850")
    assert result.encoding == "cp850"
    assert table["told"].to_list() == ["Reform für Österreich"]


def test_a_position_counts_from_the_byte_order_mark_on() -> None:
    drop = b'\xef\xbb\xbf{"body": "a"}\n{"body": "b"}'
    rows = parsed(drop, "a.jsonl")[1]
    spans = [drop[start:end] for start, end in rows.select("byte_start", "byte_end").rows()]
    assert spans == [b'{"body": "a"}', b'{"body": "b"}']


@given(st.binary(max_size=400), st.sampled_from(["a", "a.txt", "a.json", "a.jsonl", "a.csv", "a.md", "a.parquet"]))
def test_no_bytes_raise(noise: bytes, name: str) -> None:
    parsed(noise, name)


@settings(max_examples=300)
@given(st.sampled_from(sorted(drops_of(BODIES))), st.sampled_from(sorted(COMPRESS)), st.data())
def test_no_damage_raises(name: str, suffix: str, data: st.DataObject) -> None:
    drop = bytearray(COMPRESS[suffix](drops_of(BODIES)[name]))
    for _ in range(data.draw(st.integers(0, 3))):
        drop[data.draw(st.integers(0, len(drop) - 1))] = data.draw(st.integers(0, 255))
    parsed(bytes(drop[: data.draw(st.integers(0, len(drop)))]), name + suffix)


def test_json_of_the_corpus_is_read_strictly(shared_data: Path) -> None:
    for path in sorted((shared_data / "malformed" / "json").glob("*.json")):
        result, table = parsed(path.read_bytes(), path.name)
        assert result.format == "json", path.name
        reasons = set(table.filter("is_reject")["told"])
        if path.name.startswith("y_"):
            assert not reasons & BAD_JSON, path.name
        if path.name.startswith("n_"):
            assert reasons & BAD_JSON, path.name
            assert table.filter(~pl.col("is_reject"))["told"].null_count() == table.height - len(
                table.filter("is_reject")
            )


@pytest.mark.parametrize("folder", ["warc", "feeds/encoding", "feeds/illformed"])
def test_recognised_formats_of_the_corpus_are_never_read_as_text(folder: str, shared_data: Path) -> None:
    for path in sorted((shared_data / "malformed" / folder).iterdir()):
        if path.is_file() and path.name != "LICENSE":
            assert told(path.read_bytes(), path.name) == ["unsupported_format"], path.name


def test_naughty_strings_come_through_unharmed(shared_data: Path) -> None:
    drop = (shared_data / "malformed" / "strings" / "blns.txt").read_bytes()
    assert told(drop, "blns.txt") == [drop.decode()]
    lines = drop.decode().split("\n")
    as_lines = "\n".join(json.dumps({"body": line}) for line in lines).encode()
    assert told(as_lines, "blns.jsonl") == lines


@pytest.mark.parametrize(("name", "damage"), [("a.jsonl", -5), ("a.jsonl", -1), ("a.json", -5), ("a.csv", -5)])
def test_of_a_drop_whose_checksum_is_wrong_all_records_are_kept_and_it_is_told(name: str, damage: int) -> None:
    drop = bytearray(gzip.compress(drops_of(BODIES)[name]))
    drop[damage] ^= 0xFF
    result, table = parsed(bytes(drop), f"{name}.gz")
    assert table["told"].to_list() == [*BODIES, "undecodable"]
    assert result.format == name[2:]


@pytest.mark.parametrize("size", range(2_500, 2_800, 7))
def test_a_wrong_checksum_costs_nothing_wherever_it_lies(size: int) -> None:
    noise = hashlib.shake_128(b"noise").hexdigest(size)
    drop = bytearray(gzip.compress(json.dumps({"body": noise}).encode() + b"\n"))
    drop[-6] ^= 0xFF
    for behind in (b"", b"\0" * 100, gzip.compress(b"more")):
        assert parsed(bytes(drop) + behind, "a.jsonl.gz")[1]["told"].to_list() == [noise, "undecodable"]
