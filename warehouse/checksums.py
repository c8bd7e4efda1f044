"""What the bytes of data files were when they were published: Parquet as DuckDB writes it has no checksums.

Half of all single bits that rot in such a file change a text without an error. The SHA-256 of each file is kept in the
catalog, beside DuckLake's own tables, from the first publication that names it. What is written again out of files, as
by a merge, is held against it before: otherwise what rotted would become what was written.
"""

from collections.abc import Iterable
from pathlib import Path

from warehouse.catalog_file import change_catalog, placed, read_catalog
from warehouse.errors import CatalogError
from warehouse.files import sha256_of
from warehouse.home import Home

_MAKE = "CREATE TABLE IF NOT EXISTS copydesk_data_file (data_file_id INTEGER PRIMARY KEY, sha256 TEXT NOT NULL)"
_IS_MADE = "SELECT 1 FROM sqlite_master WHERE name = 'copydesk_data_file'"
_FILES = """
    SELECT data_file_id, {sha256} AS sha256, f.file_size_bytes,
        s.path, s.path_is_relative, t.path, t.path_is_relative, f.path, f.path_is_relative
    FROM ducklake_data_file AS f {noted}
    JOIN ducklake_table AS t USING (table_id)
    JOIN ducklake_schema AS s USING (schema_id)
"""
_NOTED = _FILES.format(sha256="n.sha256", noted="LEFT JOIN copydesk_data_file AS n USING (data_file_id)")
_NOT_NOTED = _FILES.format(sha256="NULL", noted="")
_FORGET = "DELETE FROM copydesk_data_file WHERE data_file_id NOT IN (SELECT data_file_id FROM ducklake_data_file)"


def note_checksums(home: Home) -> None:
    """Note the SHA-256 of data files that have none yet; the caller has the writer's lock."""
    noted = [(number, sha256_of(path)) for number, _, _, path in _files(home, "sha256 IS NULL") if path.exists()]
    if not noted:
        return
    with change_catalog(home) as catalog:
        catalog.execute(_MAKE)
        catalog.executemany("INSERT INTO copydesk_data_file VALUES (?, ?)", noted)
        catalog.execute(_FORGET)


def noted_checksums(home: Home) -> dict[Path, str]:
    """Return the SHA-256 of each data file, in hexadecimal digits, as far as it was noted."""
    return {path: str(sha256) for _, sha256, _, path in _files(home, "sha256 IS NOT NULL")}


def find_damaged(home: Home) -> list[Path]:
    """Return the data files whose bytes are not those that were noted; all are read."""
    return [path for path, sha256 in noted_checksums(home).items() if path.exists() and sha256_of(path) != sha256]


def find_cut(home: Home) -> list[Path]:
    """Return the data files that have not the size that the catalog says; none is read."""
    return [path for _, _, size, path in _files(home, "true") if path.exists() and path.stat().st_size != size]


def check_whole(home: Home, files: Iterable[Path]) -> None:
    """Make sure that what is to be written again is what was written.

    Raises:
        CatalogError: if a file is damaged.
    """
    noted = {path.resolve(): sha256 for path, sha256 in noted_checksums(home).items()}
    for path in files:
        known = noted.get(path.resolve())
        if known is not None and sha256_of(path) != known:
            raise CatalogError(damage_message(path))


def damage_message(path: Path) -> str:
    """Say that a data file is damaged, and what to do."""
    return (
        f"{path} is damaged: its bytes are not those that were written. Restore catalog.sqlite and lake/ from one "
        "backup, or make them anew with copydesk rebuild."
    )


def _files(home: Home, where: str) -> list[tuple[int, str | None, int, Path]]:
    """Return number, noted SHA-256, size and place of the data files that any snapshot names, as far as wanted."""
    with read_catalog(home) as catalog:
        files = _NOTED if catalog.execute(_IS_MADE).fetchone() else _NOT_NOTED
        rows = catalog.execute(f"{files} WHERE {where}").fetchall()
    return [
        (number, sha256, size, placed(placed(placed(home.lake, *place[:2]), *place[2:4]), *place[4:]))
        for number, sha256, size, *place in rows
    ]
