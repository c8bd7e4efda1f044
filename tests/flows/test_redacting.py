"""Redaction: a record is overwritten, and the others of its drop are read as they were, in every format."""

import bz2
import gzip
import io
import json
import lzma
from collections.abc import Callable, Mapping
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from flows import steps
from flows.redacting import Reading, RedactionError, rewrite_drop
from flows.run import NOTHING_PLANNED, Request
from flows.settings import load_settings
from transforms.formats import Format
from transforms.parsing import find_break, read_content
from transforms.redaction import filler, redact_whole
from warehouse.errors import RawDropError
from warehouse.home import Home
from warehouse.raw_store import RawStore

RECORDS = [
    {"id": "a", "headline": "First", "body": "Alpha keeps the harbour light burning; “always”, he says.\nEach night."},
    {"id": "b", "headline": "Second", "body": 'Bravo secret: the mayor\'s letter, "unopened", lay in the drawer.'},
    {"id": "c", "headline": "Third", "body": "Charlie counts the trams that do not come, and writes them down."},
]
SECRETS = (b"Bravo", b"secret", b"unopened", b"drawer")


def as_csv(delimiter: str, encoding: str = "utf-8") -> bytes:
    frame = pl.DataFrame(RECORDS)
    return frame.write_csv(separator=delimiter).encode(encoding)


def as_parquet(**options: object) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(RECORDS), sink, **options)
    return sink.getvalue()


def as_arrow(*, is_file: bool) -> bytes:
    table = pa.Table.from_pylist(RECORDS)
    table = table.set_column(1, "headline", table["headline"].dictionary_encode())
    sink = io.BytesIO()
    with (pa.ipc.new_file if is_file else pa.ipc.new_stream)(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


LINES = "".join(f"{json.dumps(record)}\n" for record in RECORDS)
DROPS: Mapping[str, bytes] = {
    "a.json": json.dumps(RECORDS, indent=1).encode(),
    "envelope.json": json.dumps({"articles": RECORDS, "page": 1}).encode(),
    "a.jsonl": LINES.encode(),
    "marked.jsonl": LINES.encode("utf-8-sig"),
    "wide.jsonl": LINES.encode("utf-16"),
    "broken.jsonl": LINES.encode().replace(b'"id": "b"', b'"id": "b'),
    "a.csv": as_csv(","),
    "semicolons.csv": as_csv(";", "cp1252"),
    "a.tsv": as_csv("\t"),
    "a.parquet": as_parquet(),
    "groups.parquet": as_parquet(row_group_size=1, compression="none", use_dictionary=True),
    "a.arrow": as_arrow(is_file=True),
    "a.arrows": as_arrow(is_file=False),
}
COMPRESS: Mapping[str, Callable[[bytes], bytes]] = {
    "": bytes,
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zst": zstandard.compress,
}


def stored(home: Path, tmp_path: Path, name: str, content: bytes) -> tuple[RawStore, dict[str, str]]:
    path = tmp_path / name
    path.write_bytes(content)
    store = RawStore(steps.prepare(Home(home)).raw)
    sha256, _ = store.put(path, known=lambda _: False)
    return store, {"source": "wire", "drop_sha256": sha256, "uri": str(path)}


def redact(home: Path, drop: dict[str, str], *numbers: int) -> None:
    with steps.open_staging(Request(load_settings(home=home)), NOTHING_PLANNED) as run:
        reading = Reading(drop["source"], drop["uri"], frozenset(numbers))
        rewrite_drop(run, drop["drop_sha256"], [reading]).put(RawStore(run.settings.home.raw))


@pytest.mark.parametrize("compression", ["", ".gz"])
@pytest.mark.parametrize("name", DROPS)
def test_a_record_is_overwritten_and_the_others_are_read_as_before(
    name: str, compression: str, home: Path, tmp_path: Path
) -> None:
    store, drop = stored(home, tmp_path, f"{name}{compression}", COMPRESS[compression](DROPS[name]))
    redact(home, drop, 1)
    with store.open(drop["drop_sha256"]) as stream:
        content = stream.read()
    content = gzip.decompress(content) if compression else content
    if name.endswith(".parquet"):
        content = str(pl.read_parquet(content).to_dicts()).encode()
    assert not [secret for secret in SECRETS if secret in content.replace(b"\0", b"")]
    is_text = not name.endswith((".parquet", ".arrow", ".arrows"))
    assert not is_text or len(content) == len(DROPS[name])
    assert not is_text or b"Alpha" in content.replace(b"\0", b"")
    store.check(drop["drop_sha256"])


@pytest.mark.parametrize("compression", COMPRESS)
def test_a_compressed_drop_stays_compressed(compression: str, home: Path, tmp_path: Path) -> None:
    content = COMPRESS[compression](DROPS["a.jsonl"])
    store, drop = stored(home, tmp_path, f"a.jsonl{compression}", content)
    redact(home, drop, 0, 2)
    with store.open(drop["drop_sha256"]) as stream:
        assert stream.read(3) == content[:3] if compression else stream.read(6) == b'{"":"x'
    redaction = store.redaction(drop["drop_sha256"])
    assert redaction is not None
    assert redaction.records == (0, 2)
    redact(home, drop, 1)
    redaction = store.redaction(drop["drop_sha256"])
    assert redaction is not None
    assert redaction.records == (0, 1, 2)
    store.check(drop["drop_sha256"])


@pytest.mark.parametrize("name", ["a.txt", "a.md", "a.html", "a.pdf"])
def test_a_file_of_one_record_is_overwritten_whole(name: str, home: Path, tmp_path: Path) -> None:
    content = b"<html><body><p>%PDF Bravo secret, unopened in the drawer.</p></body></html>\n"
    store, drop = stored(home, tmp_path, name, content)
    redact(home, drop, 0)
    with store.open(drop["drop_sha256"]) as stream:
        assert stream.read() == b"x" * len(content)


def test_what_the_parser_would_read_otherwise_is_left_as_it_is(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, drop = stored(home, tmp_path, "a.jsonl", DROPS["a.jsonl"])
    monkeypatch.setattr("transforms.redaction.filler", lambda length, **_: b"\n" * length)
    with pytest.raises(RedactionError, match="changing how the others are read"):
        redact(home, drop, 0)
    assert store.redaction(drop["drop_sha256"]) is None
    store.check(drop["drop_sha256"])


LONG = b"".join(DROPS["a.jsonl"].replace(b'"Third"', b'"No %d"' % number) for number in range(50))


def read_broken(store: RawStore, drop: dict[str, str]) -> tuple[bytes, str | None]:
    with store.open(drop["drop_sha256"]) as stream:
        content = read_content(stream).read()
    with store.open(drop["drop_sha256"]) as stream:
        broken = find_break(stream)
    return content, broken and broken.reason


@pytest.mark.parametrize(
    ("compression", "is_cut"),  # of bzip2 and zstd nothing can be read of a block that is cut
    [(".gz", True), (".xz", True), (".gz", False), (".xz", False), (".bz2", False), (".zst", False)],
)
def test_a_drop_that_breaks_off_is_overwritten_and_still_does(
    compression: str, is_cut: bool, home: Path, tmp_path: Path
) -> None:
    packed = COMPRESS[compression](LONG)
    damaged = packed[: len(packed) * 4 // 5] if is_cut else packed + b"\xff" * 400
    store, drop = stored(home, tmp_path, f"a.jsonl{compression}", damaged)
    before, why = read_broken(store, drop)
    assert why == ("truncated" if is_cut else "undecodable")
    redact(home, drop, 1)
    after, why_now = read_broken(store, drop)
    assert (why_now, len(after)) == (why, len(before))
    lines = before.splitlines(keepends=True)
    assert after.splitlines(keepends=True)[0] == lines[0]
    assert after.splitlines(keepends=True)[2:] == lines[2:]
    assert SECRETS[0] not in after.splitlines()[1]
    store.check(drop["drop_sha256"])


def test_columns_that_cannot_be_read_at_all_are_overwritten_whole(home: Path, tmp_path: Path) -> None:
    content = DROPS["a.parquet"][: len(DROPS["a.parquet"]) * 2 // 3]
    store, drop = stored(home, tmp_path, "a.parquet", content)
    with pytest.raises(RedactionError, match="Nothing was changed"):
        redact(home, drop, 1)
    assert store.redaction(drop["drop_sha256"]) is None
    redact(home, drop, 0)
    with store.open(drop["drop_sha256"]) as stream:
        assert stream.read() == b"x" * len(content)


def test_columns_that_break_off_are_left_as_they_are(home: Path, tmp_path: Path) -> None:
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, pa.Table.from_pylist(RECORDS).schema) as writer:
        for _ in range(4):
            writer.write_table(pa.Table.from_pylist(RECORDS))
    store, drop = stored(home, tmp_path, "a.arrows", sink.getvalue()[:-200])
    with pytest.raises(RedactionError, match="Nothing was changed"):
        redact(home, drop, 1)
    assert store.redaction(drop["drop_sha256"]) is None
    store.check(drop["drop_sha256"])


def test_a_drop_that_two_sources_read_otherwise_is_left_as_it_is(home: Path, tmp_path: Path) -> None:
    store, drop = stored(home, tmp_path, "a.csv", DROPS["a.csv"])
    as_text = Reading("notes", "/elsewhere/a.txt", frozenset([0]))
    with (
        steps.open_staging(Request(load_settings(home=home)), NOTHING_PLANNED) as run,
        pytest.raises(RedactionError, match="changing how the others are read"),
    ):
        rewrite_drop(run, drop["drop_sha256"], [as_text, Reading("wire", "a.csv", frozenset())])
    assert store.redaction(drop["drop_sha256"]) is None
    store.check(drop["drop_sha256"])


def test_a_redaction_that_was_broken_off_is_noticed_and_damage_behind_one_too(home: Path, tmp_path: Path) -> None:
    store, drop = stored(home, tmp_path, "a.jsonl", DROPS["a.jsonl"])
    bytes_path = store.root / drop["drop_sha256"][:2] / f"{drop['drop_sha256']}.zst"
    before = bytes_path.read_bytes()
    redact(home, drop, 1)
    after = bytes_path.read_bytes()
    bytes_path.write_bytes(before)
    with pytest.raises(RawDropError, match="run the retraction again"):
        store.check(drop["drop_sha256"])
    bytes_path.write_bytes(zstandard.compress(b"something else"))
    with pytest.raises(RawDropError, match="damaged"):
        store.check(drop["drop_sha256"])
    bytes_path.write_bytes(after)
    store.check(drop["drop_sha256"])


def test_bytes_that_were_overwritten_do_not_come_back_with_the_same_drop(home: Path, tmp_path: Path) -> None:
    store, drop = stored(home, tmp_path, "a.jsonl", DROPS["a.jsonl"])
    redact(home, drop, 1)
    store.put(tmp_path / "a.jsonl", known=lambda _: False)
    with store.open(drop["drop_sha256"]) as stream:
        assert b"Bravo" not in stream.read()


@pytest.mark.parametrize("length", [0, 1, 2, 3, 40, 41])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-32-be"])
def test_a_filler_has_the_length_that_is_asked_for(length: int, encoding: str) -> None:
    assert len(filler(length, format_=Format.JSONL, encoding=encoding)) == length
    assert b"".join(redact_whole(io.BytesIO(b"y" * length))) == b"x" * length
