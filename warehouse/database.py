"""DuckDB with the extensions that read and write the lake.

They come as wheels, with DuckDB's own signed binaries, and are loaded by path; without the wheels, DuckDB's own way of
installing them is taken. Loading takes 0.2 s, so a database that is done with serves whoever opens one next.
"""

import errno
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from importlib.resources import files
from pathlib import Path

import duckdb

from warehouse.errors import WarehouseError

EXTENSIONS = ("sqlite_scanner", "ducklake")
"""In the order in which they must be loaded."""

MEMORY_LIMIT = "1GB"
"""DuckDB spills to the home folder beyond it; without a limit it takes 80 % of the machine."""

_OF_LOST_FILE = ("No such file", "No files found")
_OF_DAMAGED_FILE = (
    *("No magic bytes found", "Decompression failure", "Invalid string encoding found in Parquet file"),
    *("Could not read enough bytes", "TProtocolException", "invalid TType", "don't know what type", "Out of buffer"),
    *("Payload value bigger than allowed", "Decode bit width too large", "parquet: File out of specification"),
)
"""What DuckDB, and polars at last, say of a Parquet file that is not what was written."""

_OF_FULL_DISK = (
    *map(os.strerror, (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)),
    *("database or disk is full", "cannot rollback - no transaction is active"),
)
"""What polars, DuckDB and SQLite say where there is no room; the last is DuckLake's, once SQLite has rolled back."""

SAID_CHARS = 300
"""What is quoted of an error at most; some quote a text."""

_idle: list[duckdb.DuckDBPyConnection] = []
"""Databases that nothing is attached to any more: loading the extensions takes 0.2 s, and is done once a process."""


def extension_path(name: str) -> Path | None:
    """Return DuckDB's signed binary of an extension from its wheel, or None where the wheel is not installed."""
    try:
        folder = files(f"duckdb_extension_{name}")
    except ModuleNotFoundError:
        return None
    path = Path(str(folder)) / "extensions" / f"v{duckdb.__version__}" / f"{name}.duckdb_extension"
    return path if path.exists() else None


def extension_versions() -> Mapping[str, str]:
    """Load the extensions into a database of their own, and return their versions.

    Raises:
        WarehouseError: if one cannot be loaded.
    """
    try:
        with duckdb.connect() as connection:
            _load_extensions(connection)
            known = "SELECT extension_name, extension_version FROM duckdb_extensions() WHERE extension_name IN ?"
            found = connection.execute(known, [list(EXTENSIONS)]).fetchall()
    except duckdb.Error as error:
        raise WarehouseError(f"An extension of DuckDB cannot be loaded: {first_line(error)}") from error
    return dict(found)


def open_database(spill: Path) -> duckdb.DuckDBPyConnection:
    """Return a database in memory with the extensions in it, which spills to a folder; close it, or `give_back`."""
    with suppress(IndexError, duckdb.Error):  # the latter where it has spilled: it cannot do so elsewhere any more
        connection = _idle.pop()
        connection.execute(f"SET temp_directory = {quoted(str(spill))}")
        return connection
    connection = duckdb.connect(
        config={
            "memory_limit": MEMORY_LIMIT,
            "temp_directory": str(spill),
            "preserve_insertion_order": False,
            "enable_external_file_cache": False,  # it serves old blocks of a staged file that is written again
            "autoinstall_known_extensions": False,
        }
    )
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("SET enable_progress_bar = false")  # drawn on standard output, where results go
    _load_extensions(connection)
    return connection


def give_back(connection: duckdb.DuckDBPyConnection) -> None:
    """Let others have a database to which nothing is attached any more."""
    _idle.append(connection)


def _load_extensions(connection: duckdb.DuckDBPyConnection) -> None:
    for name in EXTENSIONS:
        path = extension_path(name)
        if path is None:
            connection.install_extension(name)
        connection.load_extension(name if path is None else str(path))


def quoted(text: str) -> str:
    """Write a text as a literal of SQL, for statements that take no parameters."""
    return "'" + text.replace("'", "''") + "'"


def named_files(paths: Iterable[Path]) -> str:
    """Write Parquet files as what a query selects from, for statements that take no parameters."""
    return f"read_parquet([{', '.join(quoted(str(path)) for path in paths)}])"


def unreadable_file(error: BaseException) -> str | None:
    """Return what to say, and to do, where an error is of a data file that is gone or damaged; null for another."""
    said = first_line(error)[:SAID_CHARS]
    if is_disk_full(error):
        return None  # polars calls the file that it could not write out of specification
    if any(words in said for words in _OF_DAMAGED_FILE):
        return (
            f"A data file is damaged: {said}. Run copydesk doctor --repair, which names it; restore catalog.sqlite and "
            "lake/ from one backup, or make them anew with copydesk rebuild."
        )
    if not any(words in said for words in _OF_LOST_FILE) or ".parquet" not in said:
        return None
    return (
        f"A data file is gone: {said.removeprefix('IO Error: ')}. Restore catalog.sqlite and lake/ from one backup, or "
        "make them anew with copydesk rebuild."
    )


def is_disk_full(error: BaseException) -> bool:
    """Tell whether an error says that there is no room to write."""
    said = str(error)
    return any(words in said for words in _OF_FULL_DISK)


def first_line(error: BaseException) -> str:
    """Return what an error of DuckDB says, without the place in the query."""
    return str(error).strip().partition("\n")[0]
