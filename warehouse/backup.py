"""Backups: everything that a home folder cannot be made anew from, as a folder of plain files with a manifest.

`write_backup` copies the raw store with its ledgers, the journal, the data files that the catalog names, the catalog as
of the last commit, settings, rules of users, and alerts that wait. What is in the backup already, from an earlier time,
is not copied again: bytes of drops, data files and entries of the journal never change. What is copied for the first
time and is damaged in the home folder is named, and copied as it is. Whatever may change lies in the
folder `changing` under its SHA-256, so that nothing of an earlier backup is written over. The manifest comes last, by
rename, with the SHA-256 of each file, and what it does not name goes after it: a backup that was broken off is the one
before, or none. What the home folder has lost or damaged since is not forgotten here: then nothing is written.
"""

import hashlib
import json
import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePath

from warehouse.catalog_file import latest_snapshot, roll_back
from warehouse.checksums import damage_message, noted_checksums
from warehouse.errors import JournalError, RawDropError, WarehouseError
from warehouse.files import sha256_of
from warehouse.home import Home
from warehouse.journal import read_entry
from warehouse.maintenance import named_in_catalog
from warehouse.raw_store import RawStore

MANIFEST = "manifest.json"
FORMAT = 2
"""Version of the manifest."""

BEGUN, COPIED, COPY_OF_CATALOG = ".copydesk-backup", ".copied.part", ".catalog.sqlite.copy"
"""What lies in a backup only while it is written; the first says that it is one."""

COPY_BYTES = 1 << 20
CHANGING = "changing"
_OF_A_BACKUP = frozenset({"raw", "journal", "lake", CHANGING})


class BackupError(WarehouseError):
    """The backup cannot be written, or cannot be restored; the message names the file."""


class WrongFolderError(BackupError):
    """The folder that was named is no backup, or not one to write to."""


@dataclass(frozen=True)
class BackupFile:
    """A file of a backup: its path in the home folder and in the backup, its size, and the SHA-256 of its bytes."""

    path: str
    stored: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Backup:
    """What a manifest says; `copied` files are new or other than in the backup before.

    `damaged` are those of them which are not what they were when they were written, each with what to do.
    """

    created_at: str
    snapshot: int
    files: tuple[BackupFile, ...]
    copied: int = 0
    damaged: tuple[str, ...] = ()

    @property
    def bytes(self) -> int:
        """Size of all files."""
        return sum(file.bytes for file in self.files)


def write_backup(home: Home, folder: Path) -> Backup:
    """Bring the backup in `folder` up to date, or begin it; the caller holds the writer's lock.

    Raises:
        WrongFolderError: if the folder is part of the home folder, holds something else, or is a backup of another
            home folder.
        BackupError: if it cannot be written, or holds what the home folder has lost.
        RawDropError: if a drop is damaged that is sound in the backup.
        CatalogError: if the catalog is damaged.
    """
    roll_back(home)
    snapshot = latest_snapshot(home)
    if snapshot is None:
        raise BackupError(f"There is nothing to back up in {home.root}: run copydesk ingest first.")
    _check_folder(home, folder)
    before = {file.path: file for file in _known(folder)}
    paths = list(_to_back_up(home))
    files, number, damaged, checksums = [], 0, list[str](), noted_checksums(home)
    try:
        _check_nothing_lost(home, folder, before, paths)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / BEGUN).touch()
        for path in paths:
            name = str(path.relative_to(home.root))
            known = before.get(name)
            if known is not None and path != home.catalog and _is_there(home, path, folder / known.stored, known):
                files.append(known)
                continue
            source = _copy_of_catalog(home, folder) if path == home.catalog else path
            has_own_name = _is_unchanging(home, path) and known is None
            files.append(_backed_up(source, folder, name, stored=name if has_own_name else None))
            number += files[-1] != known
            damaged.extend(_damage(home, path))
            if checksums.get(path, files[-1].sha256) != files[-1].sha256:
                damaged.append(damage_message(path))
        created_at = datetime.now(UTC).isoformat(timespec="seconds")
        backup = Backup(created_at, snapshot, tuple(files), number, tuple(damaged))
        os.sync()
        _write_manifest(folder, backup)
        _prune(folder, keep={file.stored for file in files})
    except (OSError, sqlite3.Error) as error:
        where, why = getattr(error, "filename", None) or folder, getattr(error, "strerror", None) or error
        is_ours = Path(where).is_relative_to(home.root)
        raise BackupError(
            f"{where} cannot be {'read' if is_ours else 'written'} ({why}); "
            f"{'run copydesk doctor' if is_ours else 'make room, or name another folder'}. "
            "The backup is what it was before."
        ) from error
    return backup


def _check_nothing_lost(home: Home, folder: Path, before: Mapping[str, BackupFile], paths: Sequence[Path]) -> None:
    """Refuse to forget what a home folder never gives up: entries of its journal, and drops that somebody delivered.

    Raises:
        WrongFolderError: if the backup has entries that the home folder has not.
        BackupError: if it has drops that the home folder has not, or a file that never changes has.
        RawDropError: if a drop is damaged.
    """
    names = {str(path.relative_to(home.root)) for path in paths}
    entries = [name for name in before if name.startswith(f"{home.journal.name}/")]
    if gone := sorted(name for name in entries if name not in names):
        raise WrongFolderError(
            f"{folder} has {gone[0]}, and {home.root} has not: it is a backup of another home folder, or this one has "
            "lost it. Name a new folder, or restore it from there."
        )
    ledgers = {
        PurePath(name).stem for name in before if name.startswith(f"{home.raw.name}/") and name.endswith(".json")
    }
    drops = (name for name in before if name.startswith(f"{home.raw.name}/") and PurePath(name).stem in ledgers)
    if lost := sorted(name for name in drops if name not in names):
        raise BackupError(
            f"{home.root / lost[0]} is gone, and {folder} still has it ({len(lost):,} files in all); copy it back from "
            "there, or back up into a new folder."
        )
    for path in paths:
        known = before.get(str(path.relative_to(home.root)))
        if known is None or not _is_unchanging(home, path) or path.stat().st_size == known.bytes:
            continue
        if path.is_relative_to(home.raw):
            RawStore(home.raw).check(path.stem)
        else:
            raise BackupError(
                f"{path} has {path.stat().st_size:,} bytes, and had {known.bytes:,} when it was backed up in {folder}; "
                "copy it back from there, or back up into a new folder."
            )


def read_backup(folder: Path) -> Backup:
    """Read the manifest of a backup.

    Raises:
        WrongFolderError: if there is none.
        BackupError: if it is of a later version, or damaged.
    """
    try:
        content = json.loads((folder / MANIFEST).read_bytes())
        if content["format"] != FORMAT:
            raise BackupError(f"{folder} was written by another version of copydesk (format {content['format']}).")
        files = tuple(BackupFile(**file) for file in content["files"])
        damaged = tuple(content.get("damaged", ()))
        return Backup(content["created_at"], content["snapshot"], files, content["copied"], damaged)
    except FileNotFoundError as error:
        raise WrongFolderError(f"{folder} is no backup: it has no {MANIFEST}.") from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BackupError(f"{folder / MANIFEST} cannot be read ({error}); back up into a new folder.") from error


def check_apart(folder: Path, home: Home) -> None:
    """Refuse a backup that lies in its home folder, or the other way round.

    Raises:
        WrongFolderError: if it does.
    """
    if folder.resolve().is_relative_to(home.root.resolve()) or home.root.resolve().is_relative_to(folder.resolve()):
        raise WrongFolderError(f"{folder} and the home folder {home.root} lie in one another; name a folder beside it.")


def _check_folder(home: Home, folder: Path) -> None:
    check_apart(folder, home)
    if folder.exists() and (not folder.is_dir() or (any(folder.iterdir()) and not _is_backup(folder))):
        raise WrongFolderError(f"{folder} holds something else; name a new folder.")


def _is_backup(folder: Path) -> bool:
    """Tell whether a folder is a backup, or one that was broken off before its first manifest."""
    return any((folder / name).exists() for name in (MANIFEST, BEGUN))


def _known(folder: Path) -> tuple[BackupFile, ...]:
    return read_backup(folder).files if (folder / MANIFEST).exists() else ()


def _to_back_up(home: Home) -> Iterator[Path]:
    """Yield all files, those that never change first, the catalog last."""
    yield from sorted(path for path in home.raw.glob("??/*") if not path.name.startswith("."))
    yield from sorted(set(named_in_catalog(home)))
    yield from sorted(home.journal.glob("[0-9]*.json"))
    for path in (home.config, home.withdrawing, *sorted(home.expectations.rglob("*")), *sorted(home.outbox.rglob("*"))):
        if path.is_file() and not path.name.startswith("."):
            yield path
    yield home.catalog


def _is_unchanging(home: Home, path: Path) -> bool:
    """Tell whether a file has its content for good; of a drop, records may have been overwritten."""
    if path.parent == home.journal or path.is_relative_to(home.lake):
        return True
    return path.is_relative_to(home.raw) and path.suffix == ".zst" and not path.with_suffix(".redacted").exists()


def _is_there(home: Home, path: Path, copy: Path, known: BackupFile) -> bool:
    """Tell whether a file was copied before as it is; one that never changes is told by its size."""
    if not copy.exists() or not copy.stat().st_size == known.bytes == path.stat().st_size:
        return False
    return _is_unchanging(home, path) or sha256_of(path) == known.sha256 == sha256_of(copy)


def _damage(home: Home, path: Path) -> Iterator[str]:
    """Yield what is wrong with an entry of the journal, or the bytes of a drop, which are missing beside its ledger."""
    store = RawStore(home.raw)
    try:
        if path.parent.parent == home.raw and (path.suffix == ".zst" or not store.holds(path.stem)):
            store.check(path.stem)
        elif path.parent == home.journal:
            read_entry(path)
    except (RawDropError, JournalError) as error:
        yield str(error)


def _copy_of_catalog(home: Home, folder: Path) -> Path:
    """Copy the catalog as SQLite does, whatever half-written commit lies in its journal."""
    copy = folder / COPY_OF_CATALOG
    copy.unlink(missing_ok=True)
    with closing(sqlite3.connect(home.catalog)) as catalog, closing(sqlite3.connect(copy)) as target:
        catalog.backup(target)
    return copy


def _backed_up(path: Path, folder: Path, name: str, *, stored: str | None) -> BackupFile:
    """Copy a file into the backup, by rename; what has no path of its own there gets one by its content."""
    part = folder / COPIED
    size, sha256 = copied(path, part)
    file = BackupFile(name, stored or f"{CHANGING}/{sha256}", size, sha256)
    (folder / file.stored).parent.mkdir(parents=True, exist_ok=True)
    part.replace(folder / file.stored)
    return file


def copied(path: Path, target: Path) -> tuple[int, str]:
    """Copy a file, and return size and SHA-256 of what it holds."""
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as source:
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("wb") as sink:
            while chunk := source.read(COPY_BYTES):
                digest.update(chunk)
                size += len(chunk)
                sink.write(chunk)
    return size, digest.hexdigest()


def _write_manifest(folder: Path, backup: Backup) -> None:
    content: Mapping[str, object] = {"format": FORMAT, **asdict(backup)}
    part = folder / f".{MANIFEST}.part"
    part.write_text(json.dumps(content, indent=1), "utf-8")
    part.replace(folder / MANIFEST)


def _prune(folder: Path, *, keep: set[str]) -> None:
    """Remove what the manifest does not name any more, and what was half done; whatever else lies there stays."""
    for path in sorted(path for own in _OF_A_BACKUP for path in (folder / own).rglob("*")):
        if path.is_file() and str(path.relative_to(folder)) not in keep:
            path.unlink()
    for name in (BEGUN, COPIED, COPY_OF_CATALOG):
        (folder / name).unlink(missing_ok=True)
