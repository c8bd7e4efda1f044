"""Proof that what was withdrawn is gone: everything that the home folder holds is looked through.

A record that is loaded must hold less than half of a text; passages of it that it has are no sign elsewhere, as it
quotes them, and neither are those that paths and addresses spell. Data files that only older snapshots name are left
until these are given up; they are told apart from all else, and so is the catalog, which keeps the least and the
greatest value of each column of these files. In a drop, less than half of a text is a quotation.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

import numpy as np
import orjson
import polars as pl
from numpy.typing import NDArray

from flows.alerts.outbox import Outbox
from flows.report.write import write_report
from flows.run import OnProgress, Progress
from flows.settings import Settings
from flows.withdrawals import CARRIED_SHARE, LOADED_TEXT, SHARED, holding_rows, withdrawn
from transforms.ops_schema import DROPS, RETRACTED_TEXTS, RETRACTIONS
from transforms.probes import Probes, find_in_bytes, find_in_texts, read_probes
from transforms.schema import STORED
from warehouse.home import Home
from warehouse.lake import Lake, read_lake
from warehouse.maintenance import named_in_catalog
from warehouse.proof import Place, search_drops, search_files
from warehouse.search_index import is_of_before
from warehouse.superseded import superseded_files

WITHDRAWN = "(withdrawn)"

_LOADED = f"""
    SELECT record_id, {LOADED_TEXT} AS text FROM records
    UNION ALL SELECT record_id, text FROM spans
"""
_ADDRESSES = """
    SELECT concat_ws(chr(10), url, canonical_url) AS text FROM records
    UNION ALL SELECT array_to_string(uris, chr(10)) FROM ops.drops_history
"""


@dataclass(frozen=True)
class Proof:
    """What was looked for and found.

    Attributes:
        texts: Texts that were looked for: bodies, headlines and deks.
        passages: Passages of these, without those that loaded records quote, or addresses spell.
        quoted: Passages that loaded records quote, or addresses spell.
        remains: Where something of a text is left that should not be: files, and records that are loaded.
        not_searched: Drops that cannot be looked into, and why.
        pending: Where it is left until older snapshots are given up.
        gone_at: From when on maintenance gives up the last of these; null where there is none.
    """

    texts: int
    passages: int
    quoted: int
    remains: Sequence[str]
    not_searched: Sequence[str]
    pending: Sequence[str]
    gone_at: datetime | None

    def as_dict(self) -> dict[str, Any]:
        """Return it as `copydesk retract --json` prints it."""
        return {**vars(self), "holds": self.holds}

    @property
    def holds(self) -> bool:
        """Whether nothing is left but what older snapshots hold."""
        return not self.remains


_NOTHING_WITHDRAWN = Proof(texts=0, passages=0, quoted=0, remains=(), not_searched=(), pending=(), gone_at=None)


def prove(settings: Settings, *, on_progress: OnProgress = lambda _: None) -> Proof:
    """Look for everything that was ever withdrawn, everywhere.

    Raises:
        RawDropError: if the bytes of a drop are gone.
    """
    home = settings.home
    on_progress(Progress("proving"))
    with read_lake(home) as lake:
        if not lake.holds(RETRACTED_TEXTS):
            return _NOTHING_WITHDRAWN
        texts = lake.latest(RETRACTED_TEXTS).filter(pl.col("field") != SHARED)
        probes = read_probes(texts["passages"].to_list())
        bodies = texts["field"].eq("body").to_numpy()
        is_quoted, holding = _quoted(lake, probes), _holding(lake)
        gone_at = cast("datetime | None", lake.latest(RETRACTIONS)["gone_at"].max())
        encodings = dict(lake.latest(DROPS).select("drop_sha256", "encoding").iter_rows())
        current = {path.resolve() for table in STORED.values() for path in lake.data_files(table)}
    own = probes.only(~is_quoted)
    older = (*named_in_catalog(home), *superseded_files(home, now=datetime.now(UTC)))
    old = {path.resolve() for path in older} - current
    delivered = [place for place in settings.places if not home.keeps(place)]
    places = list(search_files(home, own, delivered=delivered))
    is_pending = [place.path.resolve() in old or (place.path == home.catalog and bool(old)) for place in places]
    drops = list(search_drops(home, own, encodings))
    left = [place for place, waits in zip(places, is_pending, strict=True) if not waits]
    left += [place for place in drops if _carries(place, own, is_quoted, bodies)]
    pending = _named((place for place, waits in zip(places, is_pending, strict=True) if waits), home)
    return Proof(
        texts=len(bodies),
        passages=int((~is_quoted).sum()),
        quoted=int(is_quoted.sum()),
        remains=[
            *(f"record {record_id}, which is loaded" for record_id in holding),
            *(["search (an index of before)"] if is_of_before(home) else []),
            *_named(left, home),
        ],
        not_searched=_named((place for place in drops if not place.is_searched), home),
        pending=pending,
        gone_at=gone_at if pending else None,
    )


def _quoted(lake: Lake, probes: Probes) -> NDArray[np.bool_]:
    """Tell which passages stand in records that are loaded, or in addresses."""
    is_quoted = np.zeros(probes.count, np.bool_)
    for sql in (_LOADED, _ADDRESSES):
        for rows in lake.scan(sql, {}):
            is_quoted[find_in_texts(probes, rows["text"])["passage"].to_numpy()] = True
    return is_quoted


def _holding(lake: Lake) -> list[str]:
    """Return the records that are loaded, and hold half of a text."""
    withdrawals, holding = withdrawn(lake), set[str]()
    for rows in lake.scan(_LOADED, {}):
        found = find_in_texts(withdrawals.probes, rows["text"])
        chars = rows["text"].str.len_chars().cast(pl.Int64).gather(found["row"])
        holding.update(rows["record_id"].gather(holding_rows(withdrawals, found.with_columns(chars=chars))))
    return sorted(holding)


def _carries(place: Place, probes: Probes, is_quoted: NDArray[np.bool_], bodies: NDArray[np.bool_]) -> bool:
    """Tell whether a drop holds half of a body, of what no loaded record quotes of it."""
    own = np.bincount(probes.texts[~is_quoted], minlength=len(bodies))
    found = np.bincount(probes.texts[place.passages], minlength=len(bodies))
    return bool(np.any(bodies & (own > 0) & (found >= np.maximum(own * CARRIED_SHARE, 1))))


def _named(places: "Sequence[Place] | Iterator[Place]", home: Home) -> list[str]:
    names = (str(place.path.relative_to(home.root)) + (f" ({place.part})" if place.part else "") for place in places)
    return sorted(dict.fromkeys(names))


def clear_away(settings: Settings, lake: Lake) -> None:
    """Make the report anew where it shows what was withdrawn, and leave it out of alerts that wait."""
    home = settings.home
    texts = lake.latest(RETRACTED_TEXTS).filter(pl.col("field") != SHARED)
    probes = read_probes(texts["passages"].to_list())
    probes = probes.only(~_quoted(lake, probes))
    for page in sorted(home.reports.glob("*")):
        if page.is_file() and len(find_in_bytes(probes, page.read_bytes())):
            page.unlink()
            write_report(settings, output=page)
    outbox = Outbox(home.outbox)
    for messages, put in ((outbox.pending(), outbox.save), (outbox.failed(), outbox.give_up)):
        for message in messages:
            if len(find_in_bytes(probes, orjson.dumps(message.digest))):
                for entry in message.digest["incidents"]:
                    entry["message"] = WITHDRAWN
                put(message)
