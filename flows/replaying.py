"""Replaying what is held back: what passes today's settings and rules is loaded, in one commit or not at all.

Drops are parsed again (see `flows.reparse`). What passes comes in as by an ingest: with the id that it would always
have had, its spans, evidence, noted lines, and its place among the articles. It bears run and time of the replay, as it
is in the tables since then; the run that took in its drop stands in `ops.drops`. What fails again stays the row of the
quarantine that it was, and gets a newer version only if what is said of it has changed. A row that stood for bytes of
which now records are made, or which others hold, becomes `replayed` as well.

Records of a refused batch come in only if no critical rule refuses that batch today. It is judged as a whole, with what
came in of it since, whatever was chosen. Other rules on batches are about what a source delivers, and not asked here.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import polars as pl

from expectations.figures import Delivered, take_figures
from expectations.incidents import update_incidents
from expectations.suites import Outcomes, Validated, validate_run
from flows import steps
from flows.custom import ask_custom_rules, custom_rules
from flows.learn import propose
from flows.load import match_counts, run_row
from flows.match import PLACED, place
from flows.redacting import redact_withheld
from flows.reparse import BatchKey, Concerned, Reparsed, drops_of_batch, find_concerned, reparse
from flows.replay_books import Books, balance
from flows.rules import rules_of
from flows.run import (
    NOTHING_PLANNED,
    STAGED_BY_RECORD,
    STAGED_COMPRESSION,
    OnProgress,
    Progress,
    Request,
    Summary,
    WritingRun,
)
from flows.selection import Selection
from flows.settings import Settings
from flows.validate import PAST, past_by_source
from transforms.ops_schema import DROPS, INCIDENTS, QUARANTINE, RUNS, VALIDATIONS
from transforms.schema import BOILERPLATE_CANDIDATES, RECORDS
from warehouse.journal_entry import REPLAY, Entry
from warehouse.publish import is_stale

EXAMPLES, EXAMPLE_CHARS = 3, 100

_WHOLE = (QUARANTINE, DROPS, VALIDATIONS, INCIDENTS, BOILERPLATE_CANDIDATES, RUNS)
"""Tables whose rows are staged as one file."""


@dataclass(frozen=True)
class LeftAlone:
    """A drop of which nothing was changed, and why."""

    source: str
    uri: str
    drop_sha256: str
    why: str
    is_damaged: bool


@dataclass(frozen=True)
class StillRefused:
    """A batch that a critical rule refuses today as well: source, the run that took it in, its rows, and the rule."""

    source: str
    run_id: str
    rows: int
    why: str


@dataclass(frozen=True)
class Replayed:
    """What a replay came to.

    Attributes:
        summary: Figures, as of a run; `records_in` are the records that were looked at again.
        reasons: By `source` and `reason`: `rows` that were looked at again, of these `replayed` and `held_back`. A row
            counts for each of its reasons.
        passed: Some of the rows that are replayed: quarantine_id, and the beginning of what came in.
        failed: Some of those that still are held back: quarantine_id, and why.
        left_alone: Drops of which nothing was changed.
        refused: Batches that are refused again.
        is_dry_run: Whether nothing was written.
    """

    summary: Summary
    reasons: pl.DataFrame
    passed: Sequence[tuple[str, str]] = ()
    failed: Sequence[tuple[str, str]] = ()
    left_alone: Sequence[LeftAlone] = ()
    refused: Sequence[StillRefused] = ()
    is_dry_run: bool = False

    def as_dict(self) -> dict[str, object]:
        """Return it as `copydesk quarantine replay --json` prints it."""
        return self.summary.as_dict() | {
            "dry_run": self.is_dry_run,
            "reasons": self.reasons.to_dicts(),
            "passed": [{"quarantine_id": row, "raw": raw} for row, raw in self.passed],
            "failed": [{"quarantine_id": row, "detail": detail} for row, detail in self.failed],
            "left_alone": [asdict(drop) for drop in self.left_alone],
            "refused": [asdict(batch) for batch in self.refused],
        }


def replay(
    settings: Settings,
    selection: Selection,
    *,
    is_dry_run: bool = False,
    flow_run_id: str | None = None,
    repeated: Entry | None = None,
    on_wait: steps.OnWait = lambda _: None,
    on_progress: OnProgress = lambda _: None,
) -> Replayed:
    """Take in what passes now of the selected rows, and publish it; a dry run only looks.

    Raises:
        ConservationError: if the books of a drop would not balance; nothing has changed then.
    """
    with steps.open_run(
        Request(settings),
        NOTHING_PLANNED,
        purpose=REPLAY,
        flow_run_id=flow_run_id,
        repeated=repeated,
        on_wait=on_wait,
        on_progress=on_progress,
    ) as run:
        if is_stale(settings.home):
            steps.publish(run.lake)
        concerned = find_concerned(run, selection)
        reparsed = reparse(run, concerned)
        refused = _judge_batches(run, concerned, reparsed)
        _take_back(run, concerned, reparsed)
        if not is_dry_run:
            redact_withheld(run, concerned.drops, kind="held")
        books = balance(run, concerned, reparsed)
        summary = Summary(
            None,
            "refused" if refused else "done" if books.has_news else "nothing_new",
            drops=concerned.drops.height - len(reparsed.left_alone),
            records_in=books.accepted + books.failed.height,
            records_loaded=books.accepted,
            records_quarantined=books.failed.height,
        )
        if books.has_news and not is_dry_run:
            summary = _commit(run, books, summary, selection)
        return Replayed(
            summary,
            _by_reason(books.looked_at),
            passed=_passed(books.looked_at),
            failed=books.failed.select("quarantine_id", "detail").head(EXAMPLES).rows(),
            left_alone=_left_alone(concerned, reparsed),
            refused=refused,
            is_dry_run=is_dry_run,
        )


def _judge_batches(run: WritingRun, concerned: Concerned, reparsed: Reparsed) -> list[StillRefused]:
    """Ask the rules on batches again; leave alone those that are refused, and stage the verdicts on the others."""
    refused: list[StillRefused] = []
    verdicts: list[tuple[BatchKey, Validated]] = []
    for key in sorted(reparsed.batches):
        drops = drops_of_batch(concerned.drops, key)
        if any(drop_no in reparsed.left_alone for drop_no in drops):
            continue
        validated = _validate(run, key, concerned, reparsed)
        if not validated.refused:
            verdicts.append((key, validated))
            continue
        why = validated.why_refused(key[0])
        rows = concerned.rows.filter(pl.col("drop_no").is_in(drops), "is_chosen").height
        refused.append(StillRefused(*key, rows, why))
        reparsed.refused |= set(drops)
        reparsed.left_alone |= dict.fromkeys(drops, f"its batch is refused: {why}")
    _stage_verdicts(run, verdicts)
    return refused


def _validate(run: WritingRun, key: BatchKey, concerned: Concerned, reparsed: Reparsed) -> Validated:
    """Ask all rules of a whole batch, as of when it came, beside the past and the tables without it."""
    source, run_id = key
    folder, numbers = run.source_folder(source), reparsed.batches[key]
    drops = concerned.drops.filter(pl.col("source") == source, pl.col("run_id") == run_id)

    def staged(kind: str) -> list[Path]:
        return [folder / f"{kind}-{number:05}.parquet" for number in numbers]

    outcomes, came_at = pl.scan_parquet(staged("outcomes")), drops["judged_at"][0]
    own = (pl.col("source") == source) & pl.col("drop_sha256").is_in(drops["drop_sha256"].implode())
    delivered = Delivered(
        counts=pl.read_parquet([*staged("figures"), reparsed.fields[key]]),
        drops=reparsed.counts.join(drops, on="drop_no", how="semi"),
        records=pl.scan_parquet(staged("delivered_records")),
        lines=pl.scan_parquet(staged("delivered_lines")),
        outcomes=outcomes,
        stored=run.lake.rows(RECORDS).filter(~own).select("match_key"),
    )
    tables = {kind: staged(f"delivered_{kind}") for kind in ("records", "spans")}
    past = run.lake.query(PAST, {"sources": [source], "weekday": came_at.isoweekday()})
    return validate_run(
        Outcomes(outcomes, pl.scan_parquet(staged("unread")), take_figures(delivered, now=came_at)),
        checks={source: rules_of(run.settings.source(source))},
        past=past_by_source(past.filter(pl.col("run_id") != run_id)),
        more=ask_custom_rules(custom_rules(run.settings), {source: tables}),
        run_id=run.run_id,
        checked_at=came_at,
    )


def _stage_verdicts(run: WritingRun, verdicts: Sequence[tuple[BatchKey, Validated]]) -> None:
    """Stage the validations of accepted batches; incidents are resolved that nothing was added to since."""
    if not verdicts:
        return
    incidents = run.lake.latest(INCIDENTS)
    resolved = [
        update_incidents(
            incidents.filter(pl.col("source") == source, pl.col("run_id") == run_id),
            (),
            validated.passed,
            run_id=run.run_id,
            noted_at=run.started_at,
            commit_no=run.commit_no,
        )
        for (source, run_id), validated in verdicts
    ]
    pl.concat(resolved).write_parquet(run.path(INCIDENTS.name))
    validations = pl.concat([validated.validations for _, validated in verdicts])
    validations.with_columns(checked_at=pl.lit(run.started_at)).write_parquet(run.path(VALIDATIONS.name))


def _take_back(run: WritingRun, concerned: Concerned, reparsed: Reparsed) -> None:
    """Remove what was staged of drops that are left alone."""
    alone = concerned.drops.filter(pl.col("drop_no").is_in(list(reparsed.left_alone))).select("source", "drop_sha256")
    for path in run.staged("held") if alone.height else ():
        _rewrite(path, pl.read_parquet(path).join(alone, on=["source", "drop_sha256"], how="anti"))
    for source in alone["source"].unique().sort():
        records = run.staged("records", sources=[source])
        gone = (
            pl.scan_parquet(records).join(alone.lazy(), on=["source", "drop_sha256"], how="semi") if records else None
        )
        ids = pl.DataFrame(schema={"record_id": pl.String()}) if gone is None else gone.select("record_id").collect()
        for kind in STAGED_BY_RECORD.values() if ids.height else ():
            for path in run.staged(kind, sources=[source]):
                _rewrite(path, pl.read_parquet(path).join(ids, on="record_id", how="anti", maintain_order="left"))


def _rewrite(path: Path, rows: pl.DataFrame) -> None:
    rows.write_parquet(path, compression=STAGED_COMPRESSION)


def _commit(run: WritingRun, books: Books, summary: Summary, selection: Selection) -> Summary:
    """Match what passes, commit all of it, publish it, and return the figures of the run."""
    staged = run.staged("records")
    if staged and books.accepted:
        run.on_progress(Progress("matching"))
        place(run, staged)
        propose(run, run.staged("lines"))
    run.on_progress(Progress("loading"))
    books.quarantine.write_parquet(run.path(QUARANTINE.name))
    books.drops.write_parquet(run.path(DROPS.name))
    counts = match_counts(run)
    summary = replace(
        summary,
        run_id=run.run_id,
        exact_copies=counts.get("exact_copy", 0),
        near_copies=counts.get("near_copy", 0),
        other_copies=counts.get("revision", 0) + counts.get("excerpt", 0),
        articles_new=counts.get("articles_new", 0),
        articles_joined=counts.get("articles_joined", 0),
        articles_split=counts.get("articles_split", 0),
        texts_left_out=counts.get("texts_left_out", 0),
        seconds=run.seconds(),
    )
    run_row(run, summary, kind=REPLAY).write_parquet(run.path(RUNS.name))
    by_source = {table.name: run.staged(kind) for table, kind in STAGED_BY_RECORD.items()}
    placed = {table.name: run.staged(table.name) for table in PLACED}
    whole = {table.name: [run.path(table.name)] for table in _WHOLE if run.path(table.name).exists()}
    entry = run.entry(REPLAY, **asdict(selection))
    run.lake.append(by_source | placed | whole, message=f"{REPLAY} {run.run_id}", entry=entry)
    steps.publish(run.lake)
    return summary


def _by_reason(looked_at: pl.DataFrame) -> pl.DataFrame:
    by_reason = looked_at.explode("reasons").group_by("source", reason="reasons")
    return by_reason.agg(
        rows=pl.len(), replayed=pl.col("is_replayed").sum(), held_back=(~pl.col("is_replayed")).sum()
    ).sort("source", "reason")


def _passed(looked_at: pl.DataFrame) -> list[tuple[str, str]]:
    first = looked_at.filter("is_replayed").sort("source", "drop_no", "record_no").head(EXAMPLES)
    return first.select("quarantine_id", pl.col("raw").fill_null("").str.head(EXAMPLE_CHARS)).rows()


def _left_alone(concerned: Concerned, reparsed: Reparsed) -> list[LeftAlone]:
    """Name the drops that nothing was changed of, but for those of a batch that is refused as a whole."""
    of_interest = set(reparsed.left_alone) - reparsed.refused
    named = concerned.drops.filter(pl.col("drop_no").is_in(list(of_interest)))
    return [
        LeftAlone(source, uri, sha256, reparsed.left_alone[drop_no], is_damaged=drop_no in reparsed.damaged)
        for drop_no, source, uri, sha256 in named.select("drop_no", "source", "uri", "drop_sha256").iter_rows()
    ]
