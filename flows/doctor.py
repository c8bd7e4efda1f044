"""Is this installation able to work: each check says what it found, and what to do where that is not right."""

import os
import platform
from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from packaging.requirements import Requirement

from expectations.custom import CustomRuleError
from flows.alerts.outbox import Outbox
from flows.alerts.senders import build_sender
from flows.alerts.sending import DeliveryError
from flows.custom import custom_rules
from flows.prefect_api import ANSWER_SECONDS, configured_api, is_answering
from flows.retract_places import find_again
from flows.settings import Settings, SettingsError, home_root, load_settings
from transforms.ops_schema import DROPS, RETRACTIONS
from warehouse.catalog_file import check_not_lost, lake_state
from warehouse.checksums import find_cut
from warehouse.database import extension_versions
from warehouse.errors import CatalogWholeError, HomeNotWritableError, JournalError, WarehouseError
from warehouse.home import Home
from warehouse.journal import read_journal, unnoted
from warehouse.lake import read_lake
from warehouse.open_index import DamagedIndexError, check_index
from warehouse.publish import is_stale
from warehouse.query import read_published
from warehouse.raw_store import RawStore
from warehouse.search_index import has_place, read_state
from warehouse.writer_lock import read_holder


@dataclass(frozen=True)
class Check:
    """What a check found, and what to do about it; no remedy means that all is well."""

    subject: str
    finding: str
    remedy: str | None = None


def examine(*, home: Path | None, config: Path | None) -> Iterator[Check]:
    """Check packages, settings, home folder, catalog, journal, drops, what was withdrawn, published file, and so on."""
    yield _check_versions()
    yield _check_extensions()
    try:
        settings = load_settings(home=home, config=config)
    except SettingsError as error:
        yield Check("settings", str(error), "Correct the file; docs/settings.md lists every key.")
        settings = Settings(home_root=home_root(home))
    else:
        yield Check("settings", f"{len(settings.sources)} declared sources")
    checks: tuple[Callable[[Home], Check], ...] = (
        *(_check_home, _check_catalog, _check_journal, _check_drops),
        *(_check_withdrawn, _check_published, _check_search, _check_writer),
    )
    yield from (check(settings.home) for check in checks)
    yield _check_rules(settings)
    yield _check_prefect()
    yield _check_routes(settings)
    yield _check_outbox(settings.home)


def _check_rules(settings: Settings) -> Check:
    try:
        added = custom_rules(settings)
    except CustomRuleError as error:
        return Check("rules", str(error), "Correct the file, or remove it; no ingest begins before.")
    return Check("rules", f"{len(added)} added in {settings.home.expectations}")


def _check_versions() -> Check:
    wrong = [finding for requirement in requires("copydesk") or () if (finding := _mismatch(Requirement(requirement)))]
    if wrong:
        return Check("versions", "; ".join(wrong), "Install from the lock file: make install, or uv sync.")
    return Check("versions", f"copydesk {version('copydesk')}, Python {platform.python_version()}, all packages fit")


def _mismatch(requirement: Requirement) -> str | None:
    if requirement.marker is not None and not requirement.marker.evaluate():
        return None
    try:
        installed = version(requirement.name)
    except PackageNotFoundError:
        return f"{requirement.name} is missing"
    return (
        None if installed in requirement.specifier else f"{requirement.name} {installed} is not {requirement.specifier}"
    )


def _check_extensions() -> Check:
    try:
        versions = extension_versions()
    except WarehouseError as error:
        return Check("extensions", str(error), "Install from the lock file: the extensions come as wheels.")
    return Check("extensions", ", ".join(f"{name} {number}" for name, number in sorted(versions.items())))


def _check_home(home: Home) -> Check:
    folder = home.root if home.root.exists() else home.root.parent
    if not os.access(folder, os.W_OK | os.X_OK):
        return Check("home folder", f"{folder} cannot be written", "Name another one with --home or COPYDESK_HOME.")
    return Check("home folder", str(home.root) if home.root.exists() else f"{home.root} (made by the first ingest)")


def _check_catalog(home: Home) -> Check:
    remedy = "Restore catalog.sqlite and lake/ from one backup, or run copydesk rebuild."
    try:
        check_not_lost(home)
        if not home.is_initialised:
            return Check("catalog", "none yet; the first ingest makes it")
        with read_lake(home) as lake:
            missing = lake.missing_files()
        cut = find_cut(home)
    except CatalogWholeError as error:
        return Check("catalog", str(error), "It is whole; do as this says.")
    except WarehouseError as error:
        return Check("catalog", str(error), remedy)
    if missing:
        return Check("catalog", f"{len(missing)} data files are missing, the first is {missing[0]}", remedy)
    if cut:
        finding = f"{len(cut):,} data files have not the size that they had, the first is {cut[0]}"
        return Check("catalog", finding, remedy)
    return Check("catalog", f"{home.catalog}, all data files are there")


def _check_journal(home: Home) -> Check:
    try:
        entries, named = 0, set()
        for entry in read_journal(home):
            entries += 1
            named |= {drop["drop_sha256"] for drop in entry.drops}
    except JournalError as error:
        return Check("journal", str(error), "Restore journal/ from a backup.")
    try:
        commits, drops = _not_in_journal(home, named)
    except WarehouseError:
        finding = f"{entries:,} entries; whether any is missing cannot be told, as the catalog cannot be read"
        return Check("journal", finding, "Mend the catalog first.")
    if commits:
        return Check("journal", f"{commits:,} commits have no entry", "Run copydesk publish.")
    if drops:
        finding = f"{drops:,} drops stand in no entry; a rebuild would take them in as one new run"
        return Check("journal", finding, "Restore journal/ from a backup.")
    store = RawStore(home.raw)
    if gone := sorted(sha256 for sha256 in named - {None} if not store.holds(sha256)):
        finding = f"the bytes of {len(gone):,} drops that it names are gone, the first is {gone[0]}"
        return Check("journal", finding, "Run copydesk doctor --repair, or restore raw/ from a backup.")
    return Check("journal", f"{entries:,} entries; every drop of the tables stands in one, and its bytes are there")


def _not_in_journal(home: Home, named: AbstractSet[str | None]) -> tuple[int, int]:
    """Count commits without an entry, and drops that no entry names."""
    if not home.is_initialised and not named:
        return 0, 0
    check_not_lost(home)
    with read_lake(home) as lake:
        drops = lake.latest(DROPS, where="drop_sha256 IS NOT NULL")["drop_sha256"]
        return len(unnoted(home)), len(set(drops) - named)


def _check_drops(home: Home) -> Check:
    if not home.published.exists():
        return Check("drops", "none yet; the first ingest stores some")
    try:
        drops = read_published(home, "SELECT DISTINCT drop_sha256 FROM ops.drops WHERE drop_sha256 IS NOT NULL")
    except WarehouseError:
        return Check("drops", "cannot be looked up, as the published file cannot be read", "Run copydesk publish.")
    store = RawStore(home.raw)
    missing = [sha256 for sha256 in drops["drop_sha256"] if not store.holds(sha256)]
    if missing:
        finding = f"the bytes of {len(missing):,} drops are gone, the first is {missing[0]}"
        return Check("drops", finding, "Run copydesk doctor --repair, which also finds what is damaged.")
    return Check("drops", f"the bytes of {drops.height:,} drops are there")


def _check_withdrawn(home: Home) -> Check:
    remedy = "Run copydesk retract again for any of it; whatever it is called for, it overwrites what came back."
    if home.withdrawing.exists():
        return Check("withdrawn", "a retraction was broken off", "Run the same copydesk retract again.")
    try:
        if not home.is_initialised:
            return Check("withdrawn", "none yet")
        with read_lake(home) as lake:
            if not lake.holds(RETRACTIONS):
                return Check("withdrawn", "none yet")
            again = find_again(lake).height
    except WarehouseError:
        return Check("withdrawn", "cannot be looked up, as the catalog cannot be read")
    if again:
        return Check("withdrawn", f"{again:,} records stand in the raw store again", remedy)
    return Check("withdrawn", "none stands in the raw store again")


def _check_published(home: Home) -> Check:
    if not home.is_initialised:
        return Check("published file", "none yet; the first ingest makes it")
    try:
        is_behind = is_stale(home)
    except WarehouseError:
        finding = f"{home.published}; whether it shows the newest commit cannot be told"
        return Check("published file", finding, "Mend the catalog first.")
    if is_behind:
        return Check("published file", f"{home.published} does not show the newest commit", "Run copydesk publish.")
    return Check("published file", str(home.published))


def _check_search(home: Home) -> Check:
    if not home.is_initialised:
        return Check("search", "none yet; the first ingest makes the index")
    if not has_place(home):
        found = f"{home.search} is no folder, and the index has no place"
        return Check("search", found, "Move it away; then run copydesk publish.")
    state = read_state(home)
    try:
        is_current = state is not None and state.lake == lake_state(home)
    except WarehouseError:
        return Check("search", "whether the index is current cannot be told", "Mend the catalog first.")
    if state is None or not is_current:
        found = "there is no index" if state is None else "the index is behind the tables"
        return Check("search", found, "Run copydesk publish.")
    try:
        check_index(home.search / state.folder)
    except DamagedIndexError as error:
        return Check("search", f"the index is damaged ({error})", "Run copydesk publish.")
    return Check("search", "the index has the newest commit")


def _check_writer(home: Home) -> Check:
    try:
        read_holder(home.staging_lock)
        holder = read_holder(home.writer_lock)
    except HomeNotWritableError as error:
        return Check("writer", str(error), "Nobody can write before.")
    return Check("writer", "nobody is writing" if holder is None else f"{holder} is writing")


def _check_prefect() -> Check:
    url = configured_api()
    if url is None:
        return Check("Prefect API", "none configured; ingest runs without, serve starts a server of its own")
    if not is_answering(url):
        return Check("Prefect API", f"{url} does not answer", "Start it, or unset PREFECT_API_URL.")
    return Check("Prefect API", f"{url} answers")


def _check_routes(settings: Settings) -> Check:
    wrong = []
    for name, route in sorted(settings.routes.items()):
        try:
            build_sender(route, home=settings.home, say=lambda _: None, seconds=ANSWER_SECONDS)
        except DeliveryError as error:
            wrong.append(f"{name}: {error}")
    if wrong:
        remedy = "Set the variables, or make the blocks, that [alerts.NAME] names; then run copydesk alerts test ROUTE."
        return Check("alert routes", "; ".join(wrong), remedy)
    kinds = ", ".join(f"{name} ({route.kind})" for name, route in sorted(settings.routes.items()))
    return Check("alert routes", kinds if settings.alerts else f"none declared; {kinds}")


def _check_outbox(home: Home) -> Check:
    outbox = Outbox(home.outbox)
    waiting, given_up, damaged = len(outbox.pending()), len(outbox.failed()), outbox.damaged()
    found = f"{waiting:,} alerts wait to be sent, {given_up:,} were given up"
    if damaged:
        return Check("alerts", f"{found}; {damaged[0]} is no alert", "Remove the file.")
    if given_up:
        remedy = "See copydesk alerts list for the reason; then run copydesk alerts flush --given-up."
        return Check("alerts", found, remedy)
    return Check("alerts", found if waiting else "nothing waits to be sent")
