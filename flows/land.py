"""Landing: from files that may be news to drops in the raw store.

Each file is hashed and stored beside whoever writes to the warehouse (`land`). Under the writer's lock, what was taken
in from the same source meanwhile is set aside, and the rest is entered into the ledgers of its drops (`claim`). What is
known is no new drop: a new path of it is added to `uris`, and nothing else happens. What cannot be read has a row of
its own with no hash, and says why.
"""

from datetime import UTC, datetime

import polars as pl

from flows.run import Progress, Run, WritingRun
from transforms.ops_schema import DROPS
from warehouse.landing import path_of
from warehouse.query import read_published
from warehouse.raw_store import ChangedWhileReadError, Delivery, RawStore

LANDED = pl.Schema(
    {name: DROPS.schema[name] for name in ("drop_sha256", "uri", "source", "bytes", "received_at", "error")}
    | {"mtime_ns": pl.Int64(), "inode": pl.UInt64()}
)
"""One row per file that was read, or could not be; `error` says why not."""

PROGRESS_EVERY = 256
"""Files between two reports of progress."""

DROP_KEY = ("source", "drop_sha256")


_PUBLISHED = f"SELECT {', '.join(DROP_KEY)} FROM {DROPS.name}"


def land(run: Run) -> None:
    """Read the run's files into the raw store; stage `landed`, and `new_drops` with a row for each drop to parse."""
    home = run.settings.home
    known = read_published(home, _PUBLISHED) if home.published.exists() else pl.DataFrame(schema=DROPS.schema)
    rows = _read_files(run, known=set(known.select(DROP_KEY).iter_rows()))
    landed = pl.DataFrame(rows, schema=LANDED, orient="row")
    landed.write_parquet(run.path("landed"))
    _new_drops(landed, known).write_parquet(run.path("new_drops"))


def claim(run: WritingRun) -> None:
    """Enter the drops that are still new into their ledgers.

    Stages `new_drops` again, with a row for each file that could not be read as well, and `known_drops`: the current
    rows of drops whose bytes came again under a new path, with that path added to `uris`.
    """
    stored = run.lake.latest(DROPS)
    landed = pl.read_parquet(run.path("landed"))
    read = landed.filter(pl.col("drop_sha256").is_not_null())
    new = _new_drops(landed, stored)
    skipped = _one_row_a_drop(landed.filter(pl.col("drop_sha256").is_null()))
    again = add_paths(stored, read)
    _write_ledgers(run, pl.concat([new, again.select(new.columns)]), first_order=stored.height)
    pl.concat([new, skipped]).write_parquet(run.path("new_drops"))
    again.write_parquet(run.path("known_drops"))


def has_news(run: Run) -> bool:
    """Tell whether there is anything to enter: drops, or files that cannot be read."""
    return pl.read_parquet(run.path("new_drops")).height > 0


def _new_drops(landed: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    read = landed.filter(pl.col("drop_sha256").is_not_null())
    return _one_row_a_drop(read.join(known, on=DROP_KEY, how="anti"))


def _read_files(run: Run, *, known: set[tuple[str, str]]) -> list[tuple[object, ...]]:
    """Store what is news; return LANDED rows in the order of the plan."""
    store = RawStore(run.settings.home.raw)
    files = run.plan.files
    rows: list[tuple[object, ...]] = []
    for done, file in enumerate(files.iter_rows(named=True)):
        if done % PROGRESS_EVERY == 0:
            run.on_progress(Progress("landing", done, files.height))
        try:
            sha256, size, error = _read_file(file, store, known=known)
        except FileNotFoundError:
            continue  # taken away since the folder was listed
        received_at = datetime.now(UTC)
        rows.append((sha256, file["uri"], file["source"], size, received_at, error, file["mtime_ns"], file["inode"]))
    return rows


def _read_file(
    file: dict[str, object], store: RawStore, *, known: set[tuple[str, str]]
) -> tuple[str | None, int | None, str | None]:
    """Return hash, size and None; or None, None and why the file could not be read."""
    source, uri = str(file["source"]), str(file["uri"])
    if file["skip_reason"] is not None:
        return None, None, str(file["skip_reason"])
    try:
        sha256, size = store.put(path_of(uri), known=lambda sha256: (source, sha256) in known)
    except FileNotFoundError:
        raise
    except ChangedWhileReadError:
        return None, None, "changed while it was being read; it is taken in when it rests"
    except OSError as error:
        return None, None, f"cannot be read: {error.strerror or error}"
    return sha256, size, None


def _one_row_a_drop(landed: pl.DataFrame) -> pl.DataFrame:
    """Join the paths of one drop: the first in order of path is its `uri`, all are its `uris`."""
    key = (pl.col("source"), pl.col("drop_sha256").fill_null(pl.col("uri")).alias("key"))
    return (
        landed.sort("source", "uri")
        .group_by(*key, maintain_order=True)
        .agg(
            *(pl.col(name).first() for name in ("drop_sha256", "uri", "bytes", "received_at", "error")),
            uris=pl.col("uri"),
        )
        .drop("key")
        .sort("source", "uri")
    )


def add_paths(stored: pl.DataFrame, read: pl.DataFrame) -> pl.DataFrame:
    """Return the stored drops that came under paths not yet in their `uris`, with these added."""
    seen_now = read.group_by(DROP_KEY).agg(seen_now=pl.col("uri"))
    again = stored.join(seen_now, on=DROP_KEY, how="inner")
    both = again.with_columns(uris_now=pl.col("uris").list.set_union("seen_now").list.sort())
    added = both.filter(pl.col("uris_now").list.len() > pl.col("uris").list.len())
    return added.with_columns(uris="uris_now").select(DROPS.schema.names())


def _write_ledgers(run: WritingRun, drops: pl.DataFrame, *, first_order: int) -> None:
    """Enter each drop into its ledger; `order` goes on from the drops that were there before."""
    store = RawStore(run.settings.home.raw)
    for order, drop in enumerate(drops.iter_rows(named=True), start=first_order):
        received_at = drop["received_at"].isoformat()
        store.record_delivery(drop["drop_sha256"], Delivery(drop["source"], tuple(drop["uris"]), received_at, order))
    store.sync(drops["drop_sha256"].unique().to_list())
