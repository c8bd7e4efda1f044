"""Parsing drops again of which something is held back: what would become of it if it came today.

The bytes come from the raw store, settings and rules are those of today, and the clock is that of the run that took the
drop in, so that a date lies in the future exactly where it did then. Each drop is parsed whole, but only those of its
records are cleaned and judged that are looked at: the chosen ones, what the parser did not find before, and, where
others lie elsewhere now, these as well.

A record is known by its position. Where one that is loaded, or was dismissed, would lie elsewhere, its drop is left
alone: with its position it would lose its identity. Rows of Parquet and Arrow files have no span; they lie where their
number says.
"""

from dataclasses import dataclass, field, replace
from pathlib import Path

import polars as pl

from expectations.engine import preload
from expectations.record_suite import UNREAD
from flows.drop_reader import BATCH_BYTES, BATCH_RECORDS, DROP_COUNTS, DropReader, SourceBatch
from flows.extraction_pool import ExtractionPool
from flows.parse import clean_withhold_and_check, count_figures, rows_to_load, write_staged
from flows.quarantine import failed_rules, unreadable
from flows.rules import accepted_lines
from flows.run import COMPILING, Progress, WritingRun
from flows.selection import OPEN, Selection
from flows.validate import BATCH_REFUSED
from flows.withdrawals import RETRACTED, withdrawn
from transforms.ops_schema import DROPS, QUARANTINE, RUNS
from warehouse.database import quoted
from warehouse.raw_store import RawStore

FIXED, HELD, CHOSEN = "fixed", "held", "chosen"
"""Of known positions: to be found where they were; may be looked at; to be looked at."""

POSITION = ("drop_no", "record_no")
SPAN = ("byte_start", "byte_end")
POSITIONS = pl.Schema({"drop_no": pl.UInt32(), "record_no": pl.Int64()})

_IN_USE = "loaded or dismissed"

BatchKey = tuple[str, str]
"""Source and run: all that a source delivered at once, which a rule on the whole batch accepts or refuses."""

_LOADED = f"""
    SELECT drop_no, record_no, byte_start, byte_end, '{FIXED}' AS state
    FROM records JOIN read_parquet($drops) USING (source, drop_sha256)
"""


@dataclass(frozen=True)
class Concerned:
    """What a selection concerns.

    Attributes:
        drops: Rows of DROPS, numbered (`drop_no`), with `judged_at`, and `is_batch`: whether rows of its refused batch
            were chosen.
        rows: All rows of the quarantine of these drops, with `drop_no` and `is_chosen`.
    """

    drops: pl.DataFrame
    rows: pl.DataFrame


@dataclass
class Reparsed:
    """What parsing again came to.

    Attributes:
        counts: Rows of DROP_COUNTS with `drop_no`.
        positions: Positions of all that the parser found.
        left_alone: Number of a drop of which nothing is changed, to why.
        damaged: Which of these because of their bytes.
        refused: Which of these because a rule refuses their batch today as well.
        batches: Numbers of the staged files of each refused batch that was chosen from.
        fields: Staged counts of the fields of each batch.
    """

    counts: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema={**DROP_COUNTS, "drop_no": pl.UInt32()}))
    positions: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=POSITIONS))
    left_alone: dict[int, str] = field(default_factory=dict)
    damaged: set[int] = field(default_factory=set)
    refused: set[int] = field(default_factory=set)
    batches: dict[BatchKey, list[int]] = field(default_factory=dict)
    fields: dict[BatchKey, Path] = field(default_factory=dict)


def find_concerned(run: WritingRun, selection: Selection) -> Concerned:
    """Find the drops of the selected rows, and, where these are of a refused batch, all drops of that batch."""
    selected = run.lake.latest(QUARANTINE, where=selection.condition)
    chosen = selected.filter((pl.col("status") == OPEN) & ~pl.col("reasons").list.contains(RETRACTED))
    key, batch_key = ("source", "drop_sha256"), ("source", "run_id")
    drops = run.lake.latest(DROPS, where="drop_sha256 IS NOT NULL")
    in_refused = drops.join(chosen.filter(pl.col("reasons").list.contains(BATCH_REFUSED)), on=key, how="semi")
    batches = in_refused.select(*batch_key, is_batch=pl.lit(value=True)).unique()
    started = run.lake.latest(RUNS).select("run_id", started_at="started_at")
    numbered = (
        drops.join(batches, on=batch_key, how="left")
        .join(chosen.select(*key, is_meant=pl.lit(value=True)).unique(), on=key, how="left")
        .filter(pl.col("is_batch") | pl.col("is_meant"))
        .join(started, on="run_id", how="left")
        .with_columns(pl.col("is_batch").fill_null(value=False), judged_at=pl.coalesce("started_at", "received_at"))
        .drop("is_meant", "started_at")
        .sort("source", "run_id", "uri", "drop_sha256")
        .with_row_index("drop_no")
    )
    path = run.path("concerned")
    numbered.write_parquet(path)
    of_drops = f"(source, drop_sha256) IN (SELECT (source, drop_sha256) FROM read_parquet({quoted(str(path))}))"
    rows = run.lake.latest(QUARANTINE, where=of_drops)
    is_chosen = pl.col("quarantine_id").is_in(chosen["quarantine_id"].implode())
    return Concerned(
        numbered, rows.join(numbered.select("drop_no", *key), on=key, how="left").with_columns(is_chosen=is_chosen)
    )


def reparse(run: WritingRun, concerned: Concerned) -> Reparsed:
    """Parse the drops again, and stage what becomes of the records that are looked at, also of drops left alone."""
    from transforms.compiled import watch_compilation  # noqa: PLC0415 -- 0.3 s for the compiler, if there is news

    judging = _Judging(run, concerned)
    whole = _leave_damaged(run, concerned.drops, judging.reparsed)
    if whole.get_column("is_batch").any():
        preload()
    with watch_compilation(lambda: run.on_progress(COMPILING)), ExtractionPool() as pages:
        reader = DropReader(
            run,
            files_total=whole.height,
            pages=pages,
            boilerplate=accepted_lines(run.lake),
            withhold=judging.withdrawals.withhold,
        )
        for of_batch in whole.partition_by("source", "run_id", maintain_order=True):
            for batch in reader.batches(of_batch):
                judging.look_at(batch, of_batch)
            judging.judge(of_batch)
            judging.reparsed.fields[of_batch["source"][0], of_batch["run_id"][0]] = reader.fields[-1]
    counts = pl.DataFrame(reader.counts, schema=DROP_COUNTS, orient="row")
    numbers = whole.select("drop_no", "source", "drop_sha256")
    judging.finish(counts.join(numbers, on=["source", "drop_sha256"], maintain_order="left"))
    return judging.reparsed


def _leave_damaged(run: WritingRun, drops: pl.DataFrame, reparsed: Reparsed) -> pl.DataFrame:
    """Return the drops whose bytes are those that were delivered."""
    run.on_progress(Progress("checking the raw store"))
    damaged = RawStore(run.settings.home.raw).find_damaged(drops["drop_sha256"].unique(maintain_order=True))
    for drop_no, drop_sha256 in drops.select("drop_no", "drop_sha256").iter_rows():
        if drop_sha256 in damaged:
            reparsed.left_alone[drop_no] = damaged[drop_sha256]
            reparsed.damaged.add(drop_no)
    return drops.filter(~pl.col("drop_no").is_in(list(reparsed.damaged)))


class _Judging:
    """Tells which records are looked at, cleans and judges those, and stages what came of it."""

    def __init__(self, run: WritingRun, concerned: Concerned) -> None:
        self.reparsed = Reparsed()
        self.withdrawals = withdrawn(run.lake)
        self._run = run
        self._drops = concerned.drops
        self._known = _known_positions(run, concerned)
        self._staged = 0
        self._found: list[pl.DataFrame] = []
        self._gathered: list[tuple[SourceBatch, pl.DataFrame]] = []

    def look_at(self, batch: SourceBatch, of_batch: pl.DataFrame) -> None:
        """Take what is looked at of a batch of records; judge what was gathered when that is enough."""
        found = self._place(batch, of_batch)
        self._leave_moved(found)
        self._found.append(found.select(POSITIONS.names()))
        looked_at = found.filter(_is_looked_at()).select("record_id")
        is_batch = bool(of_batch["is_batch"][0])
        if looked_at.is_empty() and not is_batch:
            return
        self._gathered.append((batch if is_batch else _only(batch, looked_at), looked_at))
        frames = [rows for gathered, _ in self._gathered for rows in (gathered.records, gathered.rejects)]
        is_enough = sum(rows.height for rows in frames) >= BATCH_RECORDS
        if is_enough or sum(rows.estimated_size() for rows in frames) >= BATCH_BYTES:
            self.judge(of_batch)

    def judge(self, of_batch: pl.DataFrame) -> None:
        """Stage what becomes of what was gathered: a few records of each of many batches are judged at a time."""
        if not self._gathered:
            return
        batches, looked_at = zip(*self._gathered, strict=True)
        joined = replace(
            batches[0],
            number=self._staged,
            records=pl.concat([batch.records for batch in batches]),
            rejects=pl.concat([batch.rejects for batch in batches]),
        )
        self._stage(joined, pl.concat(looked_at), of_batch)
        self._staged += 1
        self._gathered.clear()

    def finish(self, counts: pl.DataFrame) -> None:
        """Leave drops alone in which something is not found again."""
        reparsed = self.reparsed
        reparsed.counts = counts
        reparsed.positions = pl.concat([reparsed.positions, *self._found])
        fixed = self._known.filter(pl.col("state") == FIXED, ~pl.col("drop_no").is_in(list(reparsed.damaged)))
        for drop_no, record_no in fixed.join(reparsed.positions, on=POSITION, how="anti").select(POSITION).iter_rows():
            why = f"record {record_no:,} of it is {_IN_USE}, and is not found any more"
            reparsed.left_alone.setdefault(drop_no, why)
        for key in reparsed.batches:
            self._leave_batch_unless_whole(key)

    def _place(self, batch: SourceBatch, of_batch: pl.DataFrame) -> pl.DataFrame:
        """Return where records and rejects of a batch lie, with what was known to lie there (`state`, null if new)."""
        columns = ["record_id", "drop_sha256", "record_no", *SPAN]
        entries = pl.concat([batch.records.select(columns), batch.rejects.select(columns)])
        drops = of_batch.select("drop_sha256", "drop_no", before="records_in")
        found = entries.join(drops, on="drop_sha256", how="left")
        first, last = found["record_no"].min(), found["record_no"].max()
        near = self._known.filter(
            pl.col("drop_no").is_in(found["drop_no"].unique().implode()), pl.col("record_no").is_between(first, last)
        )
        return found.join(near, on=POSITION, how="left", suffix="_before")

    def _leave_moved(self, found: pl.DataFrame) -> None:
        moved = found.filter(pl.col("state") == FIXED, ~_is_in_place()).sort(POSITION)
        for row in moved.unique("drop_no", keep="first", maintain_order=True).iter_rows(named=True):
            before, now = ("-".join(str(row[f"{name}{when}"]) for name in SPAN) for when in ("_before", ""))
            why = f"record {row['record_no']:,} of it is {_IN_USE}, and would lie at bytes {now} instead of {before}"
            self.reparsed.left_alone.setdefault(row["drop_no"], why)

    def _stage(self, batch: SourceBatch, looked_at: pl.DataFrame, of_batch: pl.DataFrame) -> None:
        run, is_batch = self._run, of_batch["is_batch"][0]
        batch, cleaned, checked = clean_withhold_and_check(batch, self.withdrawals, now=of_batch["judged_at"][0])
        held_back = pl.concat([failed_rules(checked, batch.records), unreadable(batch.rejects)])
        accepted = checked.accepted.with_columns(run_id=pl.lit(run.run_id), ingested_at=pl.lit(run.started_at))
        frames = {
            **rows_to_load(cleaned, accepted.join(looked_at, on="record_id", how="semi", maintain_order="left")),
            "held": self.withdrawals.without_excerpts(
                held_back.join(looked_at, on="record_id", how="semi", maintain_order="left")
            ),
        }
        if is_batch:
            frames["outcomes"] = checked.outcomes
            frames["unread"] = batch.rejects.select(UNREAD.names())
            frames["figures"] = count_figures(batch, checked)
            frames |= {f"delivered_{kind}": rows for kind, rows in rows_to_load(cleaned, accepted).items()}
            self.reparsed.batches.setdefault((batch.source.name, of_batch["run_id"][0]), []).append(batch.number)
        write_staged(run, batch, frames)

    def _leave_batch_unless_whole(self, key: BatchKey) -> None:
        """Leave a refused batch alone of which a drop is: what is missing might be what it is refused for."""
        of_batch = drops_of_batch(self._drops, key)
        absent = [drop_no for drop_no in of_batch if drop_no in self.reparsed.left_alone]
        for drop_no in of_batch if absent else ():
            why = f"it is of a refused batch, of which {self._drops['uri'][absent[0]]} is left alone"
            self.reparsed.left_alone.setdefault(drop_no, why)


def drops_of_batch(drops: pl.DataFrame, key: BatchKey) -> list[int]:
    """Return the numbers of the drops of a batch."""
    return drops.filter(pl.col("source") == key[0], pl.col("run_id") == key[1])["drop_no"].to_list()


def _known_positions(run: WritingRun, concerned: Concerned) -> pl.DataFrame:
    """Return POSITION, SPAN and `state` of what is in use or held back: 36 bytes of memory each."""
    held = concerned.rows.filter(pl.col("status") != "replayed")
    is_fixed = (pl.col("status") != OPEN) | pl.col("reasons").list.contains(RETRACTED)
    state = pl.when(is_fixed).then(pl.lit(FIXED)).when("is_chosen").then(pl.lit(CHOSEN)).otherwise(pl.lit(HELD))
    spans = {name: QUARANTINE.schema[name] for name in SPAN}
    columns = pl.Schema({**POSITIONS, **spans, "state": pl.Enum([FIXED, HELD, CHOSEN])})
    loaded = run.lake.query(_LOADED, {"drops": str(run.path("concerned"))})
    return pl.concat([held.select(*POSITION, *SPAN, state=state).cast(columns), loaded.cast(columns)])


def _is_in_place() -> pl.Expr:
    return pl.all_horizontal(pl.col(name).eq_missing(pl.col(f"{name}_before")) for name in SPAN)


def _is_looked_at() -> pl.Expr:
    """Tell what is chosen, new, or lies elsewhere; what was counted before and is unknown now was withdrawn."""
    is_new = pl.col("state").is_null() & (pl.col("record_no") >= pl.col("before"))
    has_moved = (pl.col("state") == HELD) & ~_is_in_place()
    return is_new | (pl.col("state") == CHOSEN).fill_null(value=False) | has_moved.fill_null(value=False)


def _only(batch: SourceBatch, looked_at: pl.DataFrame) -> SourceBatch:
    def kept(rows: pl.DataFrame) -> pl.DataFrame:
        return rows.join(looked_at, on="record_id", how="semi", maintain_order="left")

    return replace(batch, records=kept(batch.records), rejects=kept(batch.rejects))
