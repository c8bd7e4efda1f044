"""Restoring a backup: a home folder of what it holds, each file held against the manifest (see `warehouse.backup`)."""

from collections.abc import Set as AbstractSet
from pathlib import Path

from warehouse.backup import (
    MANIFEST,
    Backup,
    BackupError,
    BackupFile,
    WrongFolderError,
    check_apart,
    copied,
    read_backup,
)
from warehouse.catalog_file import forget_beside
from warehouse.errors import HomeNotWritableError
from warehouse.files import sha256_of
from warehouse.home import Home


def restore_backup(folder: Path, home: Home) -> Backup:
    """Copy a backup into a home folder in which nothing was taken in; the caller holds its lock, and publishes.

    The catalog comes last, so that what was broken off has none and can be restored again; one that was broken off
    before it was published is left as it is.

    Raises:
        WrongFolderError: if the home folder has a catalog or other data.
        BackupError: if a file of the backup is missing or damaged.
    """
    backup = read_backup(folder)
    if home.is_initialised:
        if home.published.exists() or not _is_restored(home, backup):
            raise WrongFolderError(f"{home.root} is in use; restore into a new folder with --home.")
        return backup
    _check_target(home, {home.root / file.path for file in backup.files})
    for file in sorted(backup.files, key=lambda file: home.root / file.path == home.catalog):
        target = home.root / file.path
        if not target.resolve().is_relative_to(home.root.resolve()):
            raise BackupError(f"{folder / MANIFEST} names {file.path}, which is no path in a home folder.")
        try:
            _restored(folder / file.stored, target, file)
        except FileNotFoundError as error:
            raise BackupError(f"{folder / file.stored} is missing; take the backup from elsewhere.") from error
        except OSError as error:
            raise HomeNotWritableError(f"{target} cannot be written ({error.strerror}); make room.") from error
    return backup


def check_place(folder: Path, home: Home) -> None:
    """Refuse to restore what is no backup, or where a home folder would lie in it, or among what somebody else keeps.

    Raises:
        WrongFolderError: if so.
        BackupError: if the manifest cannot be read.
    """
    read_backup(folder)
    check_apart(folder, home)
    root = home.root
    if root.exists() and not root.is_dir():
        raise WrongFolderError(f"{root} is no folder; restore into a new one with --home.")
    held = set(root.iterdir()) if root.exists() else set()
    is_ours = not held.isdisjoint({home.config, home.landing, home.catalog, home.writer_lock})
    if not is_ours and held - {*home.own_folders, home.expectations}:  # others, too, have a folder called reports
        raise WrongFolderError(f"{root} holds something else; restore into a new folder with --home.")


def _is_restored(home: Home, backup: Backup) -> bool:
    """Tell whether a home folder holds all that a backup does, as it does."""
    paths = [home.root / file.path for file in backup.files]
    return all(
        path.is_file() and path.stat().st_size == file.bytes and sha256_of(path) == file.sha256
        for path, file in zip(paths, backup.files, strict=True)
    )


def _check_target(home: Home, named: AbstractSet[Path]) -> None:
    """Refuse to restore beside what the backup does not have: a rebuild would make it part of the warehouse again."""
    for folder in (home.raw, home.journal, home.lake):
        for path in folder.rglob("*"):
            is_half_restored = path.name.startswith(".")
            if path.is_file() and path not in named and not is_half_restored:
                raise WrongFolderError(
                    f"{home.root} is in use, as it has {path}; restore into a new folder with --home."
                )
    forget_beside(home.catalog)


def _restored(path: Path, target: Path, file: BackupFile) -> None:
    """Copy a file of a backup to where it belongs, by rename."""
    part = target.with_name(f".{target.name}.part")
    if copied(path, part) != (file.bytes, file.sha256):
        part.unlink()
        raise BackupError(f"{path} is damaged: it is not what was backed up. Take the backup from elsewhere.")
    part.replace(target)
