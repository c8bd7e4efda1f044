"""All rules on all sources of a run, asserted, and what the verdicts mean for the run.

Decides which batches are refused, and which failures are told of. What the engine is given, and how its answers are
read, is decided suite by suite: `record_suite` and `batch_suite`.

One expectation costs the engine about 15 ms however few rows it is asked of, so all sources share one suite: a rule
that sources declare differently becomes one column for each way it is declared.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

import polars as pl

from expectations.batch_suite import check_batches
from expectations.changes import Past
from expectations.declared import Severity
from expectations.incidents import Failure, SourceRule
from expectations.record_suite import check_records
from expectations.verdicts import RECORDS_SUITE, Checks, Verdict
from transforms.ops_schema import VALIDATIONS


@dataclass(frozen=True)
class Outcomes:
    """What came of the records of a run.

    Attributes:
        read: Outcomes of the row rules for all records; read as a stream, 1 byte per record and rule is held.
        unread: What parsers could not turn into records (`record_suite.UNREAD`).
        figures: Figures of each source (`figures.FIGURES`).
    """

    read: pl.LazyFrame
    unread: pl.LazyFrame
    figures: pl.DataFrame


@dataclass(frozen=True)
class Validated:
    """What came of validating a run.

    Attributes:
        validations: Rows of VALIDATIONS, by source, suite and rule.
        refused: Sources whose batch a critical table rule refuses; row rules never refuse a batch.
        failures: Failed rules of warning or critical severity, of which incidents are made.
        passed: Rules that held and had something to judge.
    """

    validations: pl.DataFrame
    refused: frozenset[str]
    failures: tuple[Failure, ...]
    passed: frozenset[SourceRule]

    def why_refused(self, source: str) -> str:
        """Say what the batch of a source is refused for; what refuses only some of its records is no such thing."""
        is_on_batches = (pl.col("suite") != RECORDS_SUITE) & (pl.col("severity") == str(Severity.CRITICAL))
        refusing = self.validations.filter((pl.col("source") == source) & is_on_batches & ~pl.col("success"))
        return " ".join(refusing["detail"].drop_nulls())


def validate_run(
    outcomes: Outcomes,
    *,
    checks: Mapping[str, Checks],
    past: Mapping[str, Past],
    more: Sequence[Verdict] = (),
    run_id: str,
    checked_at: datetime,
) -> Validated:
    """Assert every rule of every source.

    Args:
        outcomes: What came of the records.
        checks: What each source of the run is held to; all have the same rules, each with its own
            severities and bounds.
        past: Past runs of the sources that have any.
        more: What came of rules that users added.
        run_id: Run to note in the validations.
        checked_at: Moment to note in the validations.

    Raises:
        ValidationEngineError: if the engine failed, or disagrees with the counts taken without it.
    """
    verdicts = sorted(
        [
            *check_records(outcomes.read, outcomes.unread, checks),
            *check_batches(outcomes.figures, checks, past, now=checked_at),
            *more,
        ],
        key=lambda verdict: (verdict.source, verdict.suite, verdict.expectation),
    )
    return Validated(
        validations=_as_validations(verdicts, run_id=run_id, checked_at=checked_at),
        refused=frozenset(verdict.source for verdict in verdicts if _refuses(verdict)),
        failures=tuple(
            Failure(verdict.source, verdict.expectation, verdict.severity, verdict.detail or "", verdict.sample)
            for verdict in verdicts
            if not verdict.success and verdict.severity is not Severity.INFO
        ),
        passed=frozenset(
            (verdict.source, verdict.expectation) for verdict in verdicts if verdict.success and verdict.evaluated
        ),
    )


def _refuses(verdict: Verdict) -> bool:
    # By rule, since the engine's own `success` of a suite is false for a mere warning as well.
    return verdict.suite != RECORDS_SUITE and not verdict.success and verdict.severity is Severity.CRITICAL


def _as_validations(verdicts: Sequence[Verdict], *, run_id: str, checked_at: datetime) -> pl.DataFrame:
    stamp = {"run_id": run_id, "checked_at": checked_at}
    rows = [{**asdict(verdict), **stamp, "severity": str(verdict.severity)} for verdict in verdicts]
    return pl.DataFrame(rows, schema=VALIDATIONS.schema)
