"""Mending a home folder: what can be made good from what is there, and what cannot, by name.

Leftovers of killed runs go, a published file that is behind or damaged is made anew, data files that belong to nothing
are removed. Bytes of drops are held against their hashes; those that are gone or damaged are stored again from where
they were delivered, as long as the same bytes still lie there. Data files are held against theirs, and damaged ones
named. No table is changed.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from flows import steps
from flows.settings import Settings
from transforms.ops_schema import DROPS
from warehouse.checksums import damage_message, find_damaged
from warehouse.errors import CatalogError, RawDropError
from warehouse.files import sha256_of
from warehouse.home import Home
from warehouse.lake import Lake, open_lake
from warehouse.landing import path_of, read_known_files
from warehouse.maintenance import remove_orphans
from warehouse.publish import is_stale, remove_leftovers
from warehouse.raw_store import Delivery, RawStore
from warehouse.writer_lock import hold_writer_lock


@dataclass(frozen=True)
class Mended:
    """What was found, and what was done about it; `is_lost` where nothing could be."""

    subject: str
    done: str
    is_lost: bool = False


def repair(settings: Settings, *, on_wait: steps.OnWait = lambda _: None) -> list[Mended]:
    """Mend what can be mended; return what was, and what could not be.

    Raises:
        CatalogError: if the catalog cannot be read: nothing can be judged without it.
    """
    home = steps.prepare(settings.home)
    with hold_writer_lock(home.writer_lock, purpose="repair", on_wait=on_wait):
        return list(_mend(home))


def _mend(home: Home) -> Iterator[Mended]:
    left: list[Path] = []
    with steps.be_at_work(home, on_leftovers=left.extend):
        if left:
            yield Mended("leftovers", f"{len(left):,} files and folders of killed runs were removed")
        if halves := remove_leftovers(home):
            yield Mended("leftovers", f"{halves:,} half-made published files were removed")
        if home.known_files.exists() and read_known_files(home).is_empty():
            home.known_files.unlink()
            yield Mended("cache of known files", "it was damaged or empty, and was removed; the next run makes it anew")
        if not home.is_initialised:
            return
        damaged: list[Path] = []
        try:
            with open_lake(home) as lake:
                damaged += find_damaged(home)
                yield from (Mended("data files", damage_message(path), is_lost=True) for path in damaged)
                yield from _mend_drops(lake)
                if is_stale(home):
                    steps.publish(lake)
                    yield Mended("published file", f"{home.published} was made anew")
        except CatalogError as error:
            if not damaged:
                raise
            yield Mended("raw store", f"drops were not looked at: {error}", is_lost=True)
        if removed := remove_orphans(home, now=datetime.now(UTC)):
            yield Mended("data files", f"{removed:,} that belong to nothing were removed")


def _mend_drops(lake: Lake) -> Iterator[Mended]:
    """Hold the bytes of every drop against their hash, and its ledger against the table."""
    store = RawStore(lake.home.raw)
    drops = lake.latest(DROPS, where="drop_sha256 IS NOT NULL").sort("received_at", "source", "drop_sha256")
    for order, drop in enumerate(drops.select("source", "drop_sha256", "uris", "received_at").iter_rows(named=True)):
        sha256, source, uris = drop["drop_sha256"], drop["source"], drop["uris"]
        try:
            store.check(sha256)
        except RawDropError as error:
            is_redacted = store.is_redacted(sha256)
            found = None if is_redacted else _lies_at(sha256, uris)
            if is_redacted:
                yield Mended(
                    "raw store", f"{error} Records of it were withdrawn: it is not stored again.", is_lost=True
                )
            elif found is None:
                yield Mended("raw store", f"{error} It came from {uris[0]}, where it is no more.", is_lost=True)
            else:
                store.put(found, known=lambda _: False)
                yield Mended("raw store", f"the bytes of {sha256[:12]} were stored again from {found}")
        if source not in {delivery.source for delivery in store.deliveries(sha256)}:
            store.record_delivery(sha256, Delivery(source, tuple(uris), drop["received_at"].isoformat(), order))
            yield Mended("raw store", f"the ledger of {sha256[:12]} has {source} again")


def _lies_at(sha256: str, uris: Sequence[str]) -> Path | None:
    """Return the path at which the same bytes still lie."""
    for path in map(path_of, uris):
        try:
            if path.is_file() and sha256_of(path) == sha256:  # a pipe would be waited for
                return path
        except OSError:
            continue
    return None
