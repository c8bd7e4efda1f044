"""The process of Great Expectations: answers one question after the other, until there are no more.

No network, no files, no output but the answers. A question is a pickled tuple, `validate` or `validate_one` and its
arguments; an answer is what it returns, or the text of what went wrong.
"""

import os
import pickle
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, BinaryIO

import polars as pl

if TYPE_CHECKING:
    from great_expectations.data_context.data_context.ephemeral_data_context import EphemeralDataContext


def main() -> None:
    """Answer the questions on standard input, on standard output; what the engine prints goes to standard error."""
    with os.fdopen(os.dup(1), "wb") as answers:
        os.dup2(2, 1)
        with suppress(Exception):  # an import that fails, fails again when it is needed, and is told then
            import_engine()
        for question in _questions(sys.stdin.buffer):
            pickle.dump(_answer(question), answers)
            answers.flush()


def _questions(stream: BinaryIO) -> Iterator[tuple[Any, ...]]:
    with suppress(EOFError):
        while True:
            yield pickle.load(stream)  # noqa: S301 -- from the process that started this one


def _answer(question: tuple[Any, ...]) -> dict[str, Any] | str:
    kind, *arguments = question
    try:
        return validate_one(*arguments) if kind == "validate_one" else validate(*arguments)
    except Exception as error:  # noqa: BLE001 -- the asking process must learn of anything
        return f"{type(error).__name__}: {error}"


def validate(
    name: str, rows: pl.DataFrame, expectations: Sequence[Mapping[str, Any]], result_format: Mapping[str, Any]
) -> dict[str, dict[str, Any]]:
    """Validate `rows`, and return the engine's result for each expectation that has one, by the name of its column."""
    import_engine()
    import great_expectations as gx  # noqa: PLC0415 -- slow

    asset = _context().data_sources.add_pandas(name).add_dataframe_asset(name)
    batch = asset.add_batch_definition_whole_dataframe(name).get_batch({"dataframe": rows.to_pandas()})
    suite = gx.ExpectationSuite(name, expectations=[dict(declared) for declared in expectations])
    validated = batch.validate(suite, result_format=dict(result_format))
    return {
        one.expectation_config.kwargs["column"]: dict(one.result)
        for one in validated.results
        if one.expectation_config is not None and one.result
    }


def validate_one(name: str, rows: pl.DataFrame, expectation: Mapping[str, Any]) -> dict[str, Any]:
    """Validate `rows` by one expectation, and return its result, with `success`, and ids of rows that fail."""
    import_engine()
    import great_expectations as gx  # noqa: PLC0415 -- slow

    asset = _context().data_sources.add_pandas(name).add_dataframe_asset(name)
    batch = asset.add_batch_definition_whole_dataframe(name).get_batch({"dataframe": rows.to_pandas()})
    suite = gx.ExpectationSuite(name, expectations=[dict(expectation)])
    wanted = {"result_format": "COMPLETE", "unexpected_index_column_names": ["record_id"]}
    [asked] = batch.validate(suite, result_format=wanted).results
    if asked.exception_info.get("raised_exception") or (not asked.result and not asked.success):
        raise ValueError(_reason_of(asked.exception_info))
    return {"success": bool(asked.success), **asked.result}


def _reason_of(exception_info: Mapping[str, Any]) -> str:
    """Return the last line of what the engine says it ran into."""
    told = [exception_info, *(one for one in exception_info.values() if isinstance(one, dict))]
    messages = [str(one["exception_message"]) for one in told if one.get("exception_message")]
    return messages[0].strip().splitlines()[-1] if messages else "it gave no result"


def import_engine() -> None:
    """Import Great Expectations with its analytics off."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"  # read at import; no run talks to anybody
    import great_expectations.expectations  # noqa: F401, PLC0415 -- slow


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


if __name__ == "__main__":
    main()
