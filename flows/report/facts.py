"""What the report is made of: frames from the published file, all of one state of it.

The queries are the files of `sql/`; each says what its rows are. What is counted is counted there, so that nothing is
read record by record but the few examples that are shown.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files

import polars as pl

from flows.dictionary import TableEntry, read_dictionary
from flows.report.window import Window
from transforms.ops_schema import SOURCE_FIGURES
from warehouse.errors import NotPublishedError
from warehouse.home import Home
from warehouse.query import Reader, open_reader

_PUBLISHED = (
    f"SELECT 1 FROM duckdb_views() WHERE schema_name || '.' || view_name = '{SOURCE_FIGURES.name}'"  # the newest one
)


@dataclass(frozen=True)
class Facts:
    """What was read, each frame as the file of that name in `sql/` describes it, and the data dictionary."""

    window: Window
    totals: Mapping[str, object]
    batches: pl.DataFrame
    drops: pl.DataFrame
    incidents: pl.DataFrame
    failing: pl.DataFrame
    examples: pl.DataFrame
    excerpts: pl.DataFrame
    held_back: pl.DataFrame
    runs: pl.DataFrame
    shared: pl.DataFrame
    tables: Sequence[TableEntry]


def read_facts(home: Home, window: Window) -> Facts:
    """Read what the report says of a window.

    Raises:
        NotPublishedError: if nothing was ever published here, or by a version that kept no figures.
    """
    with open_reader(home) as reader:
        if reader.read(_PUBLISHED).is_empty():
            raise NotPublishedError(f"{home.published} is of a version without figures; run copydesk publish.")
        failing = _read(reader, "failing")
        incidents = _read(reader, "incidents")
        examples = _read(reader, "examples", runs=failing["run_id"].unique().to_list()).join(
            failing, left_on=["source", "run_id", "code"], right_on=["source", "run_id", "expectation"], how="semi"
        )
        wanted = [*incidents["sample"].drop_nulls(), *examples["example"]]
        return Facts(
            window=window,
            totals=_read(reader, "totals").row(0, named=True),
            batches=_read(reader, "batches", since=window.since, bin=window.bin),
            drops=_read(reader, "drops"),
            incidents=incidents,
            failing=failing,
            examples=examples,
            excerpts=_read(reader, "excerpts", examples=sorted(_ids(wanted))),
            held_back=_read(reader, "held_back"),
            runs=_read(reader, "runs"),
            shared=_read(reader, "shared", since=window.since, starts=list(window.starts)),
            tables=read_dictionary(reader),
        )


def quarantine_id(record_id: str) -> str:
    """Return the id of a record as it stands in quarantine."""
    return record_id.replace("r_", "q_", 1)


def _ids(examples: Iterable[str]) -> set[str]:
    """Add the ids that records have in quarantine: a sample names the record, wherever it is."""
    return {one for example in examples for one in (example, quarantine_id(example))}


def _read(reader: Reader, name: str, **parameters: object) -> pl.DataFrame:
    query = (files("flows.report") / "sql" / f"{name}.sql").read_text("utf-8")
    return reader.read(query, parameters)
