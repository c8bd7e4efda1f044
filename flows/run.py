"""What a run is told, where its files lie, and what it reports.

All state between the steps of a run lies as files in its staging folder, so that steps can be tasks of an orchestrator
that pass nothing but a run. One folder per source holds that source's batches: a batch is refused, or loaded, by
source.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal

import polars as pl

from flows.settings import Settings
from transforms.identity import source_key
from transforms.ops_schema import LINE_SIGHTINGS
from transforms.schema import RECORD_EVIDENCE, RECORDS, SPANS
from warehouse.journal_entry import Entry
from warehouse.lake import Lake
from warehouse.landing import FOUND

STAGED_COMPRESSION: Final = "lz4"
"""Staged files are written once and read once: lz4 costs a fifth of zstd's time."""

Status = Literal["done", "nothing_new", "refused", "failed"]


STAGED_BY_RECORD: Final = {RECORDS: "records", SPANS: "spans", RECORD_EVIDENCE: "evidence", LINE_SIGHTINGS: "lines"}
"""Tables whose rows belong to a record, and the kind under which these are staged, a folder for each source."""


@dataclass(frozen=True)
class Request:
    """What to ingest: `paths`, or the drop zone where there are none, or the place of one source in it (`zone_of`).

    `source` names the source of all files; `rehash` reads files again although the cache knows them.
    """

    settings: Settings
    paths: tuple[Path, ...] = ()
    source: str | None = None
    rehash: bool = False
    zone_of: str | None = None

    @property
    def places(self) -> tuple[Path, ...]:
        """Files and folders to look at; those of the drop zone need not exist."""
        landing, declared = self.settings.home.landing, self.settings.places
        if self.zone_of is not None:
            own = tuple(place for place, name in declared.items() if name == self.zone_of)
            return self.paths or own or (landing / self.zone_of,)
        return self.paths or (landing, *declared)


@dataclass(frozen=True)
class Progress:
    """How far a run is: the stage, what it has done of its files (0 of 0 where it counts none), and records so far."""

    stage: str
    files_done: int = 0
    files_total: int = 0
    records: int = 0


OnProgress = Callable[[Progress], None]

COMPILING = Progress("compiling loops, once on this machine")


@dataclass(frozen=True)
class Plan:
    """Files that may be news: rows of `warehouse.landing.FOUND`.

    `found` counts all files there are, `unsettled` those that are left for later, as they have only just changed.
    """

    files: pl.DataFrame
    found: int
    unsettled: int

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do."""
        return self.files.is_empty()


NOTHING_PLANNED = Plan(pl.DataFrame(schema=FOUND), found=0, unsettled=0)
"""Plan of a run that takes in no file."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """A run with a staging folder of its own; beside it others may be at work, and one of them may write.

    `repeated` is what the journal says of a run that is done again: then id and times are those that it had.
    `began_alone` tells that no other run was at work when it began.
    """

    run_id: str
    folder: Path
    started_at: datetime
    request: Request
    plan: Plan
    flow_run_id: str | None = None
    began_alone: bool = False
    repeated: Entry | None = None
    on_progress: OnProgress = field(default=lambda _: None)

    @property
    def settings(self) -> Settings:
        """Settings of the request."""
        return self.request.settings

    def seconds(self) -> float:
        """Return how long the run has taken so far, or took when it was done first."""
        if self.repeated is not None and self.repeated.seconds is not None:
            return self.repeated.seconds
        return round((datetime.now(UTC) - self.started_at).total_seconds(), 3)

    def entry(self, kind: str, **told: object) -> str:
        """Return what the journal is to say of the run: its kind, and what it was told."""
        entry = Entry(
            kind=kind, run_id=self.run_id, started_at=self.started_at, flow_run_id=self.flow_run_id, told=told
        )
        return entry.as_json()

    def staged(self, kind: str, *, sources: Sequence[str] | None = None) -> list[Path]:
        """Return the staged files of a kind, in order; of some sources only, where they are named."""
        folders = sorted(self.folder.iterdir()) if sources is None else [self.source_folder(name) for name in sources]
        return [path for folder in folders if folder.is_dir() for path in sorted(folder.glob(f"{kind}-*.parquet"))]

    def source_folder(self, source: str) -> Path:
        """Folder of a source's batches; named by its hash, since a source may have any name."""
        return self.folder / f"source-{source_key(source)}"

    def path(self, name: str) -> Path:
        """Staged file of the run as a whole."""
        return self.folder / f"{name}.parquet"


@dataclass(frozen=True, kw_only=True)
class WritingRun(Run):
    """A run that holds the writer's lock and an open lake; `commit_no` is the commit it will make."""

    commit_no: int
    lake: Lake


@dataclass(frozen=True)
class Summary:
    """What a run came to; field names are those of `ops.runs` and of `ingest --json`."""

    run_id: str | None
    status: Status
    drops: int = 0
    records_in: int = 0
    records_loaded: int = 0
    records_quarantined: int = 0
    exact_copies: int = 0
    near_copies: int = 0
    other_copies: int = 0
    articles_new: int = 0
    articles_joined: int = 0
    articles_split: int = 0
    texts_left_out: int = 0
    seconds: float = 0.0

    def as_dict(self) -> dict[str, object]:
        """Return the fields as `ingest --json` prints them."""
        return asdict(self)
