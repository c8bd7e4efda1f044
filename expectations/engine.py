"""Great Expectations, and nothing of ours but how it is called: no network, no files, no output.

The engine takes 2 to 7 s to import. It is imported when something is to be asserted, or ahead of that by `preload`.
"""

import os
import threading
import warnings
from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import polars as pl

from expectations.row_rules import Severity

if TYPE_CHECKING:
    from great_expectations.data_context.data_context.ephemeral_data_context import EphemeralDataContext
    from great_expectations.expectations.expectation import Expectation

REMEDY = "run `copydesk doctor`, and compare the versions it shows with uv.lock."


class ValidationEngineError(Exception):
    """The engine did not give the verdicts it was asked for; nothing may be concluded from them."""


def preload() -> threading.Thread:
    """Import the engine in the background, and return the thread that does."""
    thread = threading.Thread(target=_import_engine, name="import of great_expectations", daemon=True)
    thread.start()
    return thread


def expect_true(column: str, *, severity: Severity, reason: str) -> "Expectation":
    """Expect a Boolean column to be true in all rows."""
    _import_engine()
    from great_expectations.expectations.core.expect_column_values_to_be_in_set import (  # noqa: PLC0415 -- slow
        ExpectColumnValuesToBeInSet,
    )
    from great_expectations.expectations.metadata_types import FailureSeverity  # noqa: PLC0415 -- slow

    return ExpectColumnValuesToBeInSet(
        column=column, value_set=[True], severity=FailureSeverity(severity), meta={"reason": reason}
    )


def expect_between(
    column: str, *, at_least: float | None, at_most: float | None, severity: Severity, reason: str
) -> "Expectation":
    """Expect a column of numbers to stay within bounds in all rows that are not null."""
    _import_engine()
    from great_expectations.expectations.core.expect_column_values_to_be_between import (  # noqa: PLC0415 -- slow
        ExpectColumnValuesToBeBetween,
    )
    from great_expectations.expectations.metadata_types import FailureSeverity  # noqa: PLC0415 -- slow

    return ExpectColumnValuesToBeBetween(
        column=column,
        min_value=at_least,
        max_value=at_most,
        severity=FailureSeverity(severity),
        meta={"reason": reason},
    )


def run_suite(
    name: str, rows: pl.DataFrame, expectations: Sequence["Expectation"], *, result_format: Mapping[str, Any]
) -> dict[str, dict[str, Any]]:
    """Validate `rows`, and return the engine's result for each expectation by the name of its column.

    Raises:
        ValidationEngineError: if an expectation has no result.
    """
    _import_engine()
    import great_expectations as gx  # noqa: PLC0415 -- slow

    asset = _context().data_sources.add_pandas(name).add_dataframe_asset(name)
    batch = asset.add_batch_definition_whole_dataframe(name).get_batch({"dataframe": rows.to_pandas()})
    suite = gx.ExpectationSuite(name, expectations=list(expectations))
    validated = batch.validate(suite, result_format=dict(result_format))
    results = {
        one.expectation_config.kwargs["column"]: one.result
        for one in validated.results
        if one.expectation_config is not None and one.result
    }
    if len(results) < len(expectations):
        raise ValidationEngineError(
            f"Great Expectations gave {len(results)} of {len(expectations)} results for {name}; {REMEDY}"
        )
    return results


def _context() -> "EphemeralDataContext":
    """Return a context that lives in memory alone: the default one makes temporary folders for its reports."""
    import great_expectations as gx  # noqa: PLC0415 -- slow
    from great_expectations.data_context.types.base import (  # noqa: PLC0415 -- slow
        DataContextConfig,
        InMemoryStoreBackendDefaults,
        ProgressBarsConfig,
    )

    config = DataContextConfig(
        store_backend_defaults=InMemoryStoreBackendDefaults(init_temp_docs_sites=False),
        progress_bars=ProgressBarsConfig(globally=False),
        analytics_enabled=False,
    )
    return gx.get_context(mode="ephemeral", project_config=config)


@cache
def _import_engine() -> None:
    os.environ["GX_ANALYTICS_ENABLED"] = "false"  # read at import; no run talks to anybody
    # It imports a module that the standard library has deprecated (sre_constants), which is not our business.
    warnings.filterwarnings("ignore", category=DeprecationWarning, module=r"great_expectations\.")
    import great_expectations.expectations  # noqa: F401, PLC0415 -- slow
