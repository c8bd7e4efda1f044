"""An entry of the journal: what a run did, for whoever has to do it again; as an object and as text."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import orjson

INGEST: Final = "ingest"
NEW_PATHS: Final = "new_paths"
REPLAY: Final = "replay"
RECLEAN: Final = "reclean"
REBUILD: Final = "rebuild"
WATCH: Final = "watch"
DISMISS: Final = "dismiss"
MUTE: Final = "mute"
RETRACT: Final = "retract"


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What a run did.

    Attributes:
        kind: What it was: `ingest`, `new_paths`, `dismiss`, or one of those that `flows` knows.
        run_id: Id of the run.
        started_at: When it started (UTC).
        flow_run_id: Prefect flow run; null without Prefect.
        seconds: Duration up to its commit, as of `ops.runs`; null for a decision that stands in no row there.
        told: What it was told, by name, as far as there is no row for it.
        drops: New drops, and files that could not be read, as columns of `ops.drops`.
        paths: Known drops that came under new paths: `source`, `drop_sha256`, `uris`.
        rows: Rows of the quarantine that were decided on.
    """

    kind: str
    run_id: str
    started_at: datetime
    flow_run_id: str | None = None
    seconds: float | None = None
    told: Mapping[str, Any] = field(default_factory=dict)
    drops: Sequence[Mapping[str, Any]] = ()
    paths: Sequence[Mapping[str, Any]] = ()
    rows: Sequence[str] = ()

    def as_json(self) -> str:
        """Return it as text, for a commit."""
        return orjson.dumps(self).decode()


def parse_entry(content: bytes | str) -> Entry:
    """Read an entry; whatever is wrong with it is an error of Python's own."""
    said = orjson.loads(content)
    drops = [{**drop, "received_at": _moment(drop["received_at"])} for drop in said["drops"]]
    return Entry(**{**said, "started_at": _moment(said["started_at"]), "drops": drops})


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
