"""The raw store: the bytes of every drop, once, by content hash.

`raw/ab/abcd….zst` holds the bytes of one drop, zstd-compressed; beside it `abcd….json`, its ledger, lists which source
delivered it, under which addresses, when, and in which order. Both appear by rename, so that a reader never meets half
a file, and neither is ever changed in place. With the ledgers the warehouse can be made anew from this folder.

Where a record is withdrawn its bytes are overwritten, and the drop keeps its hash as a name. `abcd….redacted` says then
which records that were, and which hash the bytes have since.
"""

import fcntl
import hashlib
import io
import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

import zstandard

from warehouse.errors import RawDropError
from warehouse.files import appearing, sha256_of, sync

CHUNK_BYTES = 1 << 20
"""Read size: large enough that system calls do not count, small beside the memory of a batch."""

SMALL_BYTES = 4 << 20
"""Files up to this size are read once, into memory; larger ones are read twice, as streams."""

ZSTD_LEVEL = 3
"""zstd's own default: 2-3 times smaller on articles, about 300 MB/s on one core."""

SYNC_EACH_UP_TO = 64
"""Up to so many new files are synced one by one; beyond that one `sync` of the whole system is quicker."""


class ChangedWhileReadError(Exception):
    """The file was written to while it was being read."""


@dataclass(frozen=True)
class Delivery:
    """One line of a drop's ledger: a source, the addresses it used, when (ISO 8601) and the how-manieth drop it was."""

    source: str
    uris: tuple[str, ...]
    received_at: str
    order: int


@dataclass(frozen=True)
class Redaction:
    """What was overwritten in a drop: numbers of records, and the SHA-256 that its bytes have since."""

    sha256: str
    records: tuple[int, ...]


@dataclass(frozen=True)
class RawStore:
    """The raw store at `root`. Any run at work may put bytes into it; ledgers are written under the writer's lock."""

    root: Path

    def put(self, path: Path, *, known: Callable[[str], bool]) -> tuple[str, int]:
        """Store the bytes of the file at `path` unless `known` says so of their hash; return SHA-256 and size.

        Raises:
            ChangedWhileReadError: if size, time of change or content moved under the reading.
            OSError: if the file cannot be read.
            HomeNotWritableError: if its bytes cannot be stored.
            RawDropError: if it cannot be told whether some of it was withdrawn.
        """
        with path.open("rb", buffering=0) as file:
            before = os.fstat(file.fileno())
            if before.st_size > SMALL_BYTES:
                content = None
                drop_sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            else:
                content = file.read(SMALL_BYTES + 1)
                drop_sha256 = hashlib.sha256(content).hexdigest()
            is_part = content is not None and len(content) != before.st_size  # as network file systems may give
            if is_part or _identity(before) != _identity(path.stat()):
                raise ChangedWhileReadError(path)
            # What a power cut left under its name is replaced, and what was withdrawn stays so.
            if not known(drop_sha256) and self.redaction(drop_sha256) is None:
                self._put_stream(drop_sha256, file) if content is None else self._put_bytes(drop_sha256, content)
        return drop_sha256, before.st_size

    def open(self, drop_sha256: str) -> BinaryIO:
        """Open the bytes of a drop, as they lay when they were delivered.

        Raises:
            RawDropError: if they are not there.
        """
        path = self._bytes_path(drop_sha256)
        try:
            stored = path.open("rb")
        except FileNotFoundError as error:
            raise RawDropError(f"The raw store has no {path}; restore it from a backup.") from error
        if os.fstat(stored.fileno()).st_size > SMALL_BYTES:
            return zstandard.ZstdDecompressor().stream_reader(stored, read_size=CHUNK_BYTES, closefd=True)
        with stored:
            return _small_or_stream(stored.read())

    def holds(self, drop_sha256: str) -> bool:
        """Tell whether there is something under this hash; `check` tells whether it is what was delivered."""
        return self._bytes_path(drop_sha256).exists()

    def check(self, drop_sha256: str) -> int:
        """Read the bytes of a drop, make sure that they are those that were delivered, and return their number.

        Of a drop in which records were overwritten they are those that this left.

        Raises:
            RawDropError: if they are not there, or are others.
        """
        redaction = self.redaction(drop_sha256)
        found, size = self._digest(drop_sha256)
        if redaction is not None and found == drop_sha256:
            raise RawDropError(
                f"{self._bytes_path(drop_sha256)} still holds what was to be withdrawn; run the retraction again."
            )
        if found != (drop_sha256 if redaction is None else redaction.sha256):
            raise self._damaged(drop_sha256)
        return size

    def _digest(self, drop_sha256: str) -> tuple[str, int]:
        digest, size = hashlib.sha256(), 0
        try:
            with self.open(drop_sha256) as content:
                while chunk := content.read(CHUNK_BYTES):
                    digest.update(chunk)
                    size += len(chunk)
        except (zstandard.ZstdError, OSError) as error:
            raise self._damaged(drop_sha256) from error
        return digest.hexdigest(), size

    def came_back(self, drop_sha256: str, records: Iterable[int]) -> set[int]:
        """Return which records of a drop, once withdrawn, stand in it: an older file was put in the place of this one.

        Raises:
            RawDropError: if the bytes are not there, or are damaged.
        """
        redaction = self.redaction(drop_sha256)
        overwritten = set(redaction.records if redaction else ())
        if overwritten and self._digest(drop_sha256)[0] == drop_sha256:
            return overwritten.union(records)
        return set(records) - overwritten

    def is_redacted(self, drop_sha256: str) -> bool:
        """Tell whether anything was overwritten in a drop, also where nobody can read what."""
        return self._redaction_path(drop_sha256).exists()

    def redaction(self, drop_sha256: str) -> Redaction | None:
        """Return what was overwritten in a drop; null where nothing was.

        Raises:
            RawDropError: if the note of it cannot be read.
        """
        note = self._redaction_path(drop_sha256)
        try:
            found = json.loads(note.read_bytes())
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, ValueError) as error:
            raise RawDropError(f"{note} cannot be read ({error}); restore it from a backup.") from error
        return Redaction(found["sha256"], tuple(found["records"]))

    def redacted(self) -> list[str]:
        """Return the hashes of the drops in which something was overwritten."""
        return sorted(path.stem for path in self.root.glob("??/*.redacted"))

    def redact(self, drop_sha256: str, records: Iterable[int], content: Path) -> None:
        """Put the bytes of the file `content` in place of a drop, in which these records are overwritten.

        What is to be done is noted before it is done, so that `check` knows of what was broken off.
        """
        before = self.redaction(drop_sha256)
        numbers = sorted({*(before.records if before else ()), *records})
        redaction = Redaction(sha256_of(content), tuple(numbers))
        with self._alone(), appearing(self._redaction_path(drop_sha256)) as note:
            note.write(json.dumps(asdict(redaction)).encode())
        sync(self._redaction_path(drop_sha256))
        with (
            content.open("rb") as file,
            appearing(self._bytes_path(drop_sha256)) as stored,
            zstandard.ZstdCompressor(level=ZSTD_LEVEL).stream_writer(stored, closefd=False) as sink,
        ):
            shutil.copyfileobj(file, sink, CHUNK_BYTES)
        sync(self._bytes_path(drop_sha256))
        sync(self._folder(drop_sha256))

    def find_damaged(self, drops: Iterable[str]) -> dict[str, str]:
        """Check drops; return those whose bytes are not there, or are others, and why."""
        damaged = {}
        for drop_sha256 in drops:
            try:
                self.check(drop_sha256)
            except RawDropError as error:
                damaged[drop_sha256] = str(error)
        return damaged

    def _damaged(self, drop_sha256: str) -> RawDropError:
        return RawDropError(f"{self._bytes_path(drop_sha256)} is damaged; restore it from a backup.")

    def deliveries(self, drop_sha256: str) -> list[Delivery]:
        """Return the ledger of a drop, empty if it was never stored, or a power cut left half of it."""
        try:
            lines = json.loads(self._ledger_path(drop_sha256).read_bytes())
        except (FileNotFoundError, ValueError):
            return []
        return [Delivery(**{**line, "uris": tuple(line["uris"])}) for line in lines]

    def delivered(self) -> Iterator[tuple[str, Delivery]]:
        """Yield every delivery of every drop with its hash, in the order in which they came."""
        found = [
            (path.stem, delivery) for path in self.root.glob("??/*.json") for delivery in self.deliveries(path.stem)
        ]
        yield from sorted(found, key=lambda drop: (drop[1].order, drop[0], drop[1].source))

    def record_delivery(self, drop_sha256: str, delivery: Delivery) -> None:
        """Enter a delivery into the drop's ledger; what a source delivers again adds to its addresses only."""
        lines = self.deliveries(drop_sha256)
        others = [line for line in lines if line.source != delivery.source]
        for earlier in lines:
            if earlier.source == delivery.source:
                uris = tuple(sorted({*earlier.uris, *delivery.uris}))
                delivery = replace(earlier, uris=uris)
        ledger = json.dumps([asdict(line) for line in (*others, delivery)], ensure_ascii=False, indent=1)
        with appearing(self._ledger_path(drop_sha256)) as file:
            file.write(ledger.encode())

    def sync(self, drops: list[str]) -> None:
        """Make the files of these drops outlive a power cut."""
        if len(drops) > SYNC_EACH_UP_TO:
            os.sync()
            return
        for drop_sha256 in drops:
            for path in (self._bytes_path(drop_sha256), self._ledger_path(drop_sha256), self._folder(drop_sha256)):
                sync(path)

    def remove_leftovers(self) -> list[Path]:
        """Remove files that a killed run left half-written; no run may be at work."""
        leftovers = list(self.root.glob("*/.*.part"))
        for path in leftovers:
            path.unlink()
        return leftovers

    def landed_at(self, drop_sha256: str) -> datetime:
        """Return when the bytes of a drop were stored."""
        return datetime.fromtimestamp(self._bytes_path(drop_sha256).stat().st_mtime, UTC)

    def remove(self, drop_sha256: str) -> None:
        """Remove the bytes of a drop that no run has taken in."""
        self._bytes_path(drop_sha256).unlink(missing_ok=True)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Hold off others who give a drop its name, or note that some of it was withdrawn."""
        folder = os.open(self.root, os.O_RDONLY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            yield
        finally:
            os.close(folder)

    def _place(self, part: Path, path: Path) -> None:
        """Give a drop its name, unless some of it was withdrawn while it was read."""
        with self._alone():
            part.unlink() if self.is_redacted(path.stem) else part.replace(path)

    def _put_bytes(self, drop_sha256: str, content: bytes) -> None:
        with appearing(self._bytes_path(drop_sha256), place=self._place) as stored:
            stored.write(zstandard.ZstdCompressor(level=ZSTD_LEVEL).compress(content))

    def _put_stream(self, drop_sha256: str, file: io.FileIO) -> None:
        """Copy `file` from its start; what arrives must have the hash that was seen on the first reading."""
        file.seek(0)
        digest = hashlib.sha256()
        compressor = zstandard.ZstdCompressor(level=ZSTD_LEVEL, threads=-1)
        with appearing(self._bytes_path(drop_sha256), place=self._place) as stored:
            with compressor.stream_writer(stored, closefd=False) as sink:
                while chunk := file.read(CHUNK_BYTES):
                    digest.update(chunk)
                    sink.write(chunk)
            if digest.hexdigest() != drop_sha256:
                raise ChangedWhileReadError(stored.name)

    def _folder(self, drop_sha256: str) -> Path:
        return self.root / drop_sha256[:2]

    def _bytes_path(self, drop_sha256: str) -> Path:
        return self._folder(drop_sha256) / f"{drop_sha256}.zst"

    def _ledger_path(self, drop_sha256: str) -> Path:
        return self._folder(drop_sha256) / f"{drop_sha256}.json"

    def _redaction_path(self, drop_sha256: str) -> Path:
        return self._folder(drop_sha256) / f"{drop_sha256}.redacted"


def _small_or_stream(compressed: bytes) -> BinaryIO:
    """Decompress at once what is known to be small: a stream's buffer costs more than a small drop."""
    size = zstandard.frame_content_size(compressed)
    if 0 <= size <= SMALL_BYTES:
        return io.BytesIO(zstandard.ZstdDecompressor().decompress(compressed))
    return zstandard.ZstdDecompressor().stream_reader(compressed, read_size=CHUNK_BYTES)


def _identity(stat: os.stat_result) -> tuple[int, int]:
    return stat.st_size, stat.st_mtime_ns
