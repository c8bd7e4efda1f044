"""Data files of a catalog that another one has taken the place of: readers may have them open for the retention time.

A snapshot keeps its files until it is given up. Where the catalog itself is replaced, nothing names them any more, so a
list of them is kept beside it, with the time until which they stay.
"""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from warehouse.errors import CatalogError
from warehouse.files import write_synced
from warehouse.home import Home


def keep_superseded(home: Home, *, until: datetime) -> None:
    """Have all data files that there are now stay until a time, whatever the catalog says."""
    files = [str(path.relative_to(home.lake)) for path in sorted(home.lake.rglob("*.parquet"))]
    lists = [*_read(home), {"until": until.isoformat(), "files": files}]
    write_synced(home.superseded, orjson.dumps(lists))


def superseded_files(home: Home, *, now: datetime) -> Iterator[Path]:
    """Yield the data files that are to stay.

    Raises:
        CatalogError: if the list cannot be read: then nobody knows.
    """
    for kept in _read(home):
        if datetime.fromisoformat(kept["until"]) > now:
            yield from (home.lake / name for name in kept["files"])


def forget_superseded(home: Home, *, now: datetime | None) -> None:
    """Remove the lists of files that need not stay any more; all of them, where no time is given."""
    lists = _read(home)
    in_force = [kept for kept in lists if now is not None and datetime.fromisoformat(kept["until"]) > now]
    if in_force:
        write_synced(home.superseded, orjson.dumps(in_force))
    elif lists:
        home.superseded.unlink()


def _read(home: Home) -> list[dict[str, Any]]:
    if not home.superseded.exists():
        return []
    try:
        return list(orjson.loads(home.superseded.read_bytes()))
    except (OSError, ValueError) as error:
        raise CatalogError(
            f"{home.superseded} cannot be read ({error}); remove it when nobody has an old published file open. No "
            "file was removed."
        ) from error
