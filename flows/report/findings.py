"""What is wrong: open and muted incidents, and expectations that failed last, each with examples and what to do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flows.evidence import Failed, query_of, query_of_incident, sql_command
from flows.report.facts import Facts, quarantine_id
from seeds.tables import reason_codes
from warehouse.home import Home

Row = Mapping[str, Any]
"""A row of a frame."""


@dataclass(frozen=True)
class Finding:
    """One of them.

    Attributes:
        row: As the file in `sql/` describes it.
        rule: Code of the rule.
        meaning: What the code means; null for a code that the reference table does not have.
        remedy: What to do about it; null likewise.
        examples: Rows of `sql/excerpts.sql`.
        command: Shows all that failed.
    """

    row: Row
    rule: str
    meaning: str | None
    remedy: str | None
    examples: Sequence[Row]
    command: str


@dataclass(frozen=True)
class Findings:
    """All of them."""

    incidents: list[Finding]
    muted: list[Finding]
    failing: list[Finding]


def read_findings(facts: Facts, home: Home) -> Findings:
    """Put together what is wrong."""
    codes = {code: (meaning, remedy) for code, _, meaning, remedy in reason_codes().iter_rows()}
    excerpts = {row["example"]: row for row in facts.excerpts.iter_rows(named=True)}
    refused = set(facts.batches.filter("is_refused").select("source", "run_id").iter_rows())
    examples: dict[tuple[str, str], list[str]] = {}
    for source, _, code, example in facts.examples.iter_rows():
        examples.setdefault((source, code), []).append(example)

    def finding(row: Row, rule: str, shown: Sequence[str], query: str) -> Finding:
        found = [excerpts.get(one) or excerpts.get(quarantine_id(one)) for one in shown]
        known = [one for one in found if one is not None]
        return Finding(row, rule, *codes.get(rule, (None, None)), examples=known, command=sql_command(query, home))

    incidents = [
        finding(row, row["rule"], [row["sample"]] if row["sample"] else [], _query_of_incident(row, refused))
        for row in facts.incidents.iter_rows(named=True)
    ]
    failing = [
        finding(
            row,
            row["expectation"],
            examples.get((row["source"], row["expectation"]), []),
            query_of(_failed(row, row["expectation"], row["run_id"], refused)),
        )
        for row in facts.failing.iter_rows(named=True)
    ]
    return Findings(
        [one for one in incidents if one.row["status"] == "open"],
        [one for one in incidents if one.row["status"] == "muted"],
        failing,
    )


def _query_of_incident(row: Row, refused: set[tuple[str, str]]) -> str:
    if row["failed_in"] is None:
        return query_of_incident(row["incident_id"])
    return query_of(_failed(row, row["rule"], row["failed_in"], refused))


def _failed(row: Row, rule: str, run_id: str, refused: set[tuple[str, str]]) -> Failed:
    return Failed(
        source=row["source"],
        run_id=run_id,
        suite=row["suite"],
        rule=rule,
        column_name=row["column_name"],
        severity=row["severity"],
        is_refused=(row["source"], run_id) in refused,
    )
