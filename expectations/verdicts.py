"""What comes of one rule on one source, and what a source is held to."""

from dataclasses import dataclass

from expectations.changes import ChangeRule
from expectations.declared import Severity
from expectations.row_rules import RowRule
from expectations.table_rules import TableRule

RECORDS_SUITE = "records"
BATCHES_SUITE = "batches"


@dataclass(frozen=True)
class Checks:
    """What one source is held to, as it declares it."""

    rows: tuple[RowRule, ...]
    tables: tuple[TableRule, ...]
    changes: tuple[ChangeRule, ...] = ()


@dataclass(frozen=True)
class Verdict:
    """One rule on one source; the fields but the last are columns of VALIDATIONS.

    Attributes:
        detail: What was found, or why nothing can be said; null where all is well.
        sample: Id of a record that failed, or of its row in the quarantine.
    """

    source: str
    suite: str
    expectation: str
    column_name: str
    severity: Severity
    success: bool
    evaluated: int
    unexpected: int
    observed: str | None
    detail: str | None
    sample: str | None = None
