"""Bytes of a drop come out as they went in, or not at all."""

import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from io import FileIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warehouse.errors import RawDropError
from warehouse.raw_store import SMALL_BYTES, ChangedWhileReadError, Delivery, RawStore

# Appends to a file as fast as it can.
APPENDER = """
import sys
with open(sys.argv[1], "ab", buffering=0) as file:
    print("appending", flush=True)
    while True:
        file.write(b"x")
"""

DEADLINE_SECONDS = 20

Drop = Callable[[bytes], Path]


def is_new(_: str) -> bool:
    return False


def files_below(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def content_of(store: RawStore, drop_sha256: str) -> bytes:
    with store.open(drop_sha256) as stream:
        return stream.read()


@pytest.fixture
def store(tmp_path: Path) -> RawStore:
    return RawStore(tmp_path / "raw")


@pytest.fixture
def drop(tmp_path: Path) -> Drop:
    def write(content: bytes) -> Path:
        path = tmp_path / "drop"
        path.write_bytes(content)
        return path

    return write


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("round_trips")


@given(content=st.binary(max_size=4_000))
def test_bytes_come_out_as_they_went_in(shared_folder: Path, content: bytes) -> None:
    path, store = shared_folder / "drop", RawStore(shared_folder / "raw")
    path.write_bytes(content)
    drop_sha256, size = store.put(path, known=is_new)
    assert (drop_sha256, size) == (hashlib.sha256(content).hexdigest(), len(content))
    assert content_of(store, drop_sha256) == content


@pytest.mark.parametrize("size", [SMALL_BYTES - 1, SMALL_BYTES, SMALL_BYTES + 1, 3 * SMALL_BYTES + 17])
@pytest.mark.parametrize("make", [os.urandom, bytes], ids=["random", "zeros"])
def test_large_files_come_out_as_they_went_in(
    size: int, make: Callable[[int], bytes], drop: Drop, store: RawStore
) -> None:
    content = make(size)
    drop_sha256, stored = store.put(drop(content), known=is_new)
    assert (drop_sha256, stored) == (hashlib.sha256(content).hexdigest(), size)
    assert files_below(store.root) == [f"{drop_sha256}.zst"]
    with store.open(drop_sha256) as stream:
        pieces = list(iter(lambda: stream.read(1 << 20), b""))
    assert max(map(len, pieces)) <= 1 << 20
    assert b"".join(pieces) == content


def test_file_stays_where_it_lies(drop: Drop, store: RawStore) -> None:
    path = drop(b"copy")
    before = path.stat()
    store.put(path, known=is_new)
    assert path.read_bytes() == b"copy"
    assert path.stat().st_mtime_ns == before.st_mtime_ns


def test_a_part_is_not_taken_for_the_whole(drop: Drop, store: RawStore, monkeypatch: pytest.MonkeyPatch) -> None:
    class Slow(FileIO):
        """A file as network file systems give it: less at a time than it is asked for."""

        def read(self, size: int | None = -1, /) -> bytes:
            return super().read(min(size or 0, 4))

    path = drop(b"more than four bytes")
    monkeypatch.setattr(Path, "open", lambda self, *_, **__: Slow(self))
    with pytest.raises(ChangedWhileReadError):
        store.put(path, known=is_new)


def test_known_bytes_are_hashed_and_not_stored(drop: Drop, store: RawStore) -> None:
    asked: list[str] = []
    result = store.put(drop(b"copy"), known=lambda sha256: asked.append(sha256) is None)
    assert result == (hashlib.sha256(b"copy").hexdigest(), 4)
    assert asked == [result[0]]
    assert files_below(store.root) == []


def test_bytes_that_a_power_cut_left_half_written_are_written_again(drop: Drop, store: RawStore) -> None:
    path = drop(os.urandom(5_000))
    drop_sha256, _ = store.put(path, known=is_new)
    (stored,) = store.root.rglob("*.zst")
    os.truncate(stored, 100)
    store.put(path, known=is_new)
    assert content_of(store, drop_sha256) == path.read_bytes()


@pytest.fixture
def growing(drop: Drop) -> Iterator[Path]:
    """A file of a size that takes a moment to read, and that another process keeps writing to."""
    path = drop(bytes(SMALL_BYTES // 2))
    with subprocess.Popen([sys.executable, "-c", APPENDER, str(path)], stdout=subprocess.PIPE) as appender:
        assert appender.stdout is not None
        appender.stdout.readline()
        yield path
        appender.kill()


def test_file_that_is_written_to_while_it_is_read_is_refused(growing: Path, store: RawStore) -> None:
    """A reading may by chance fall between two writes; then what is stored is what was hashed."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while time.monotonic() < deadline:
        try:
            drop_sha256, size = store.put(growing, known=is_new)
        except ChangedWhileReadError:
            break
        content = content_of(store, drop_sha256)
        assert (hashlib.sha256(content).hexdigest(), len(content)) == (drop_sha256, size)
    else:
        pytest.fail("no reading met a change")
    assert not list(store.root.rglob(".*"))


def append(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"more")


def overwrite_unseen(path: Path) -> None:
    status = path.stat()
    with path.open("r+b") as file:
        file.write(b"other")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


@pytest.mark.parametrize("change", [append, overwrite_unseen])
def test_large_file_that_changes_between_its_two_readings_leaves_nothing(
    change: Callable[[Path], None], drop: Drop, store: RawStore
) -> None:
    path = drop(bytes(SMALL_BYTES + 1))

    def is_known_after_change(_: str) -> bool:
        change(path)
        return False

    with pytest.raises(ChangedWhileReadError):
        store.put(path, known=is_known_after_change)
    assert files_below(store.root) == []


def test_file_that_cannot_be_read_leaves_nothing(tmp_path: Path, store: RawStore) -> None:
    for path in (tmp_path / "absent", tmp_path):
        with pytest.raises(OSError, match=path.name):
            store.put(path, known=is_new)
    assert files_below(store.root) == []


@pytest.mark.parametrize("left", [b"", b'{"sha256": "a'])
def test_bytes_of_which_nobody_can_tell_what_was_withdrawn_are_not_stored(
    drop: Drop, store: RawStore, left: bytes
) -> None:
    sha256 = hashlib.sha256(b"some bytes").hexdigest()
    note = store.root / sha256[:2] / f"{sha256}.redacted"
    note.parent.mkdir(parents=True)
    note.write_bytes(left)
    with pytest.raises(RawDropError, match=r"\.redacted cannot be read .* restore it"):
        store.put(drop(b"some bytes"), known=is_new)
    assert files_below(store.root) == [note.name]


def test_missing_bytes_are_named_with_what_to_do(store: RawStore) -> None:
    with pytest.raises(RawDropError, match=r"raw/ab/abc\.zst; restore it from a backup"):
        store.open("abc")


FIRST = Delivery("gazette", ("/a",), "2026-01-01T00:00:00+00:00", 0)


def test_drop_that_was_never_delivered_has_no_ledger(store: RawStore) -> None:
    assert store.deliveries("abc") == []


@pytest.mark.parametrize("left", [b"", b'[{"source": "gaz', b"\0" * 100])
def test_ledger_of_which_a_power_cut_left_half_is_begun_anew(left: bytes, store: RawStore) -> None:
    store.record_delivery("abc", FIRST)
    (store.root / "ab" / "abc.json").write_bytes(left)
    assert store.deliveries("abc") == []
    store.record_delivery("abc", FIRST)
    assert store.deliveries("abc") == [FIRST]


def test_ledger_lists_each_source_in_the_order_of_its_first_delivery(store: RawStore) -> None:
    second = Delivery("wire", ("/ä/\\xff", "/é"), "2026-01-02T00:00:00+00:00", 1)
    store.record_delivery("abc", FIRST)
    store.record_delivery("abc", second)
    assert store.deliveries("abc") == [FIRST, second]
    assert files_below(store.root) == ["abc.json"]


def test_source_that_delivers_again_keeps_its_first_time_and_order_and_all_its_addresses(store: RawStore) -> None:
    store.record_delivery("abc", FIRST)
    store.record_delivery("abc", Delivery("wire", ("/w",), "2026-01-02T00:00:00+00:00", 1))
    store.record_delivery("abc", Delivery("gazette", ("/b",), "2026-01-03T00:00:00+00:00", 2))
    gazette = Delivery("gazette", ("/a", "/b"), FIRST.received_at, FIRST.order)
    assert [line for line in store.deliveries("abc") if line.source == "gazette"] == [gazette]
    assert len(store.deliveries("abc")) == 2


def test_leftovers_of_a_killed_writer_go_and_nothing_else(drop: Drop, store: RawStore) -> None:
    drop_sha256, _ = store.put(drop(b"copy"), known=is_new)
    store.record_delivery(drop_sha256, FIRST)
    whole = files_below(store.root)
    folder = store.root / drop_sha256[:2]
    for name in whole:
        (folder / f".{name}.part").write_bytes(b"half")
    assert len(store.remove_leftovers()) == 2
    assert files_below(store.root) == whole
    assert store.remove_leftovers() == []


def test_sync_takes_bytes_and_ledger_of_each_drop(drop: Drop, store: RawStore) -> None:
    drop_sha256, _ = store.put(drop(b"copy"), known=is_new)
    with pytest.raises(FileNotFoundError, match="json"):
        store.sync([drop_sha256])
    store.record_delivery(drop_sha256, FIRST)
    store.sync([drop_sha256])
