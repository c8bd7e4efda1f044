"""Files that appear whole or not at all, and outlive a power cut."""

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from warehouse.errors import HomeNotWritableError


@contextmanager
def appearing(path: Path, *, place: Callable[[Path, Path], object] = Path.replace) -> Iterator[BinaryIO]:
    """Open a file that takes the name `path` when the block ends well, and vanishes when it does not.

    `place` gives it its name.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            yield file
        place(part, path)
    except OSError as error:
        with suppress(OSError):
            part.unlink()
        raise HomeNotWritableError(
            f"{path} cannot be written ({error.strerror}); make room, or mend the disk."
        ) from error
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def write_synced(path: Path, content: bytes) -> None:
    """Write a file whole or not at all, and to the disk."""
    with appearing(path) as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    sync(path.parent)


def names_in(folder: Path) -> list[str]:
    """Return the names in a folder, in order; none where there is no folder. Paths would take ten times as long."""
    return sorted(os.listdir(folder)) if folder.is_dir() else []  # noqa: PTH208 -- see above


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of the bytes of a file, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sync(path: Path) -> None:
    """Make a file, or the names in a folder, outlive a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
