"""The landing area: which files lie there, whose they are, and which of them are news.

Scanning looks at names and metadata alone; bytes are read when a file is landed (see `warehouse.raw_store`). A file
whose path, size, time of change and inode are those of a file already taken in is taken for known, which spares
re-hashing it; the cache that remembers this may be deleted at any time.

A link to a file is followed as long as it stays in the folder that is scanned. A link that leads out of it, a device
or a pipe is set aside with the reason. Folders behind links are not entered: what lies in the zone is found anyway.
"""

import os
import re
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from warehouse.home import Home

SETTLE_SECONDS = 10
"""A file changed more recently than this may still be written to; the drop zone leaves it for the next scan."""

IGNORED_SUFFIXES = (".tmp", ".part")
"""Names under which programs write before they rename; ignored in the drop zone, as are dot files."""

FOUND = pl.Schema(
    {
        "uri": pl.String(),
        "source": pl.String(),
        "bytes": pl.Int64(),
        "mtime_ns": pl.Int64(),
        "inode": pl.UInt64(),
        "skip_reason": pl.String(),
        "is_settled": pl.Boolean(),
    }
)
"""One row per file found; `skip_reason` says why its bytes will not be read, null for all others. A file that is not
settled may still be written to, and is left for the next scan."""

IDENTITY = ("uri", "bytes", "mtime_ns", "inode")


@dataclass(frozen=True)
class SourceNames:
    """Whose a file is: `forced` covers every file; else the declared place that holds it most closely; else a folder.

    `places` maps an absolute folder to the name of the source that delivers there.
    """

    landing: Path
    places: Mapping[Path, str]
    forced: str | None = None

    def of_folder(self, folder: Path) -> str:
        """Return the source of the files that lie in `folder`."""
        if self.forced is not None:
            return self.forced
        for place in (folder, *folder.parents):
            if place in self.places:
                return self.places[place]
        if folder.is_relative_to(self.landing) and folder != self.landing:
            return as_text(folder.relative_to(self.landing).parts[0])
        return as_text(folder.name) or "root"


@dataclass(frozen=True)
class ZoneRules:
    """What is no drop in a drop zone, or not yet one; with None, for paths that people named, every file is a drop."""

    settled_before_ns: int | None = None

    def passes_over(self, path: str) -> bool:
        """Whether the name says that the file is no drop."""
        if self.settled_before_ns is None:
            return False
        name = path.rpartition("/")[2]
        return name.startswith(".") or name.endswith(IGNORED_SUFFIXES)

    def is_settled(self, mtime_ns: int) -> bool:
        """Whether the file has rested long enough to be complete."""
        return self.settled_before_ns is None or mtime_ns <= self.settled_before_ns


def scan(paths: Iterable[Path], *, home: Home, names: SourceNames, rules: ZoneRules) -> pl.DataFrame:
    """Find the files at and below `paths`; return FOUND rows, sorted by source and uri, each file once."""
    columns: dict[str, list[object]] = {name: [] for name in FOUND}
    for path in paths:
        _collect(absolute(path), columns, home=home, names=names, rules=rules)
    return pl.DataFrame(columns, schema=FOUND).unique("uri", keep="first", maintain_order=True).sort("source", "uri")


def unknown_files(found: pl.DataFrame, known_files: pl.DataFrame, drops: pl.DataFrame) -> pl.DataFrame:
    """Keep the found files whose bytes may be news: not in the cache, or cached for a drop that `drops` lacks.

    `drops` has `source`, `drop_sha256`, `uri`, `status`, `error`. A file set aside earlier for the same reason is no
    news, nor is one that is still not readable.
    """
    taken = known_files.join(drops.select("source", "drop_sha256").unique(), on="drop_sha256", how="inner")
    fresh = found.join(taken, on=["source", *IDENTITY], how="anti")
    set_aside = drops.filter(pl.col("status") == "skipped").select("source", "uri", skip_reason="error")
    fresh = fresh.join(set_aside, on=["source", "uri", "skip_reason"], how="anti")
    unread = fresh.join(set_aside, on=["source", "uri"], how="semi").filter(pl.col("skip_reason").is_null())
    still_unreadable = [uri for uri in unread["uri"] if not os.access(path_of(uri), os.R_OK)]
    return fresh.filter(~pl.col("uri").is_in(still_unreadable))


def read_known_files(home: Home) -> pl.DataFrame:
    """Read the cache: `uri`, `bytes`, `mtime_ns`, `inode`, `drop_sha256`; empty where it is absent or damaged."""
    schema = pl.Schema({name: FOUND[name] for name in IDENTITY} | {"drop_sha256": pl.String()})
    try:
        known = pl.read_parquet(home.known_files)
    except (OSError, pl.exceptions.PolarsError):
        return pl.DataFrame(schema=schema)
    return known if known.schema == schema else pl.DataFrame(schema=schema)


def write_known_files(home: Home, landed: pl.DataFrame) -> None:
    """Enter landed files (`drop_sha256` beside the FOUND columns) into the cache; the newest row of a path stays."""
    fresh = landed.select(*IDENTITY, "drop_sha256").filter(pl.col("drop_sha256").is_not_null())
    both = pl.concat([fresh, read_known_files(home)]).unique("uri", keep="first", maintain_order=True)
    part = home.known_files.with_name(f".{home.known_files.name}.part")
    both.write_parquet(part)
    part.replace(home.known_files)


def absolute(path: Path) -> Path:
    """Return the path without `.` and `..`, so that one file has one path however it is named; links stay."""
    return Path(os.path.abspath(path))  # noqa: PTH100 -- pathlib would keep `..`, or follow links


def as_text(path: str) -> str:
    r"""Return the path as text that any table can hold, one text per path: bytes that are not UTF-8 as ``\xNN``.

    A name that holds ``\x`` itself has the backslash written so, too.
    """
    return os.fsencode(path).replace(b"\\x", rb"\x5cx").decode("utf-8", "backslashreplace")


def path_of(uri: str) -> Path:
    """Return the path that `as_text` made the uri from."""
    path = re.sub(rb"\\x([0-9a-f]{2})", lambda match: bytes.fromhex(match[1].decode()), os.fsencode(uri))
    return Path(os.fsdecode(path))


def _collect(
    path: Path, columns: Mapping[str, list[object]], *, home: Home, names: SourceNames, rules: ZoneRules
) -> None:
    if not path.is_dir():
        _enter(str(path), path.lstat(), columns, source=names.of_folder(path.parent), zone=None, rules=rules)
        return
    zone = path.resolve()
    for folder, files in _walk(path, home=home):
        source = names.of_folder(folder)
        if isinstance(files, OSError):
            _append(columns, str(folder), source, skip_reason=f"the folder cannot be read: {files.strerror}")
            continue
        for file in files:
            with suppress(FileNotFoundError):  # taken away since the folder was listed
                status = file.stat(follow_symlinks=False)
                _enter(file.path, status, columns, source=source, zone=zone, rules=rules)


def _walk(top: Path, *, home: Home) -> Iterator[tuple[Path, Sequence[os.DirEntry[str]] | OSError]]:
    """Yield each folder with what is no folder in it; what the home folder keeps for itself is left out."""
    folders = [top]
    while folders:
        folder = folders.pop()
        try:
            with os.scandir(folder) as scanned:
                entries = list(scanned)
        except OSError as error:
            yield folder, error
            continue
        below = [Path(entry.path) for entry in entries if entry.is_dir(follow_symlinks=False)]
        folders.extend(path for path in below if path not in home.own_folders)
        if folder != home.root:
            yield folder, [entry for entry in entries if not entry.is_dir(follow_symlinks=False)]


def _enter(
    path: str,
    status: os.stat_result,
    columns: Mapping[str, list[object]],
    *,
    source: str,
    zone: Path | None,
    rules: ZoneRules,
) -> None:
    if rules.passes_over(path):
        return
    skip_reason = None
    if stat.S_ISLNK(status.st_mode):
        target = _inside(Path(path), zone)
        if target is None:
            skip_reason = "the link leads out of the folder, or nowhere"
        elif stat.S_ISDIR(target.st_mode):
            return
        else:
            status = target
    if skip_reason is None and not stat.S_ISREG(status.st_mode):
        skip_reason = "not a regular file"
    _append(
        columns, path, source, status=status, skip_reason=skip_reason, is_settled=rules.is_settled(status.st_mtime_ns)
    )


def _append(
    columns: Mapping[str, list[object]],
    path: str,
    source: str,
    *,
    skip_reason: str | None,
    status: os.stat_result | None = None,
    is_settled: bool = True,
) -> None:
    metadata = (None, None, None) if status is None else (status.st_size, status.st_mtime_ns, status.st_ino)
    row = (as_text(path), source, *metadata, skip_reason, is_settled)
    for column, value in zip(columns.values(), row, strict=True):
        column.append(value)


def _inside(link: Path, zone: Path | None) -> os.stat_result | None:
    """Return the status of what a link points at, or None where that is nothing, or lies out of the zone."""
    try:
        target = link.resolve(strict=True)
        if zone is not None and not target.is_relative_to(zone):
            return None
        return target.stat()
    except (OSError, RuntimeError):
        return None
