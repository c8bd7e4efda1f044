"""Queries that show what failed an expectation, as commands that can be pasted into a shell.

Names of sources are whatever a folder was called: in a query, characters that a terminal would obey are written as
numbers; in a command, all of it is quoted.
"""

import shlex
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby

from expectations.custom import CUSTOM_SUITE
from expectations.figures import RIDDLED
from expectations.verdicts import RECORDS_SUITE
from flows.console import home_option
from warehouse.database import quoted
from warehouse.home import Home

_UNSAFE_IN_DOUBLE_QUOTES = frozenset('"$`\\!')


@dataclass(frozen=True)
class Failed:
    """An expectation that failed for a source in a run: columns of `ops.validations`."""

    source: str
    run_id: str
    suite: str
    rule: str
    column_name: str
    severity: str
    is_refused: bool


_HELD_BACK = "SELECT quarantine_id, reasons, detail, raw FROM ops.quarantine WHERE {batch}"
_FLAGGED = "SELECT record_id, headline, url, flags, body FROM records WHERE {batch}"

_OF_RECORDS: Mapping[str, str] = {
    "critical": f"{_HELD_BACK} AND list_contains(reasons, {{rule}})",
    "warning": f"{_FLAGGED} AND list_contains(flags, {{rule}})",
}
"""What shows the failure of a row rule, by its severity; one that is only recorded is counted and no more."""

_COUNTED = (
    "SELECT checked_at, evaluated, unexpected FROM ops.validations WHERE {source} AND expectation = {rule} "
    "ORDER BY checked_at DESC"
)

_ALIKE = (
    "SELECT {column} AS alike, count(*) AS records, min(record_id) AS one_of_them FROM records WHERE {batch} "
    "AND {column} IS NOT NULL GROUP BY ALL HAVING count(*) > 1 ORDER BY records DESC"
)
_BY = "SELECT {column}, count(*) AS records FROM {table} WHERE {batch} GROUP BY ALL ORDER BY records DESC"
_IN_ORDER = "SELECT record_id, headline, {column} FROM records WHERE {batch} ORDER BY {column}"

_OF_BATCHES: Mapping[str, str] = {
    "repeated_body": _ALIKE.replace("{column}", "match_key"),
    "duplicated_share": _ALIKE.replace("{column}", "match_key"),
    "repeated_headline": _ALIKE.replace("{column}", "headline"),
    "repeated_url": _ALIKE.replace("{column}", "canonical_url"),
    "repeated_id_share": _ALIKE.replace("{column}", "coalesce(external_id, canonical_url)"),
    "repeated_author": _ALIKE.replace("{column}", "nullif(array_to_string(authors, '; '), '')"),
    "same_date": _ALIKE.replace("{column}", "published_at"),
    "language_mix": _BY.replace("{column}", "language").replace("{table}", "records"),
    "encoding": _BY.replace("{column}", "encoding").replace("{table}", "ops.drops"),
    "format": _BY.replace("{column}", "format").replace("{table}", "ops.drops"),
    "freshness": _IN_ORDER.replace("{column}", "published_at"),
    "body_length": _IN_ORDER.replace("{column}", "body_chars"),
    "longest_body": _IN_ORDER.replace("{column}", "body_chars") + " DESC",
    "unfinished_share": "SELECT record_id, right(body, 80) AS ends_with FROM records WHERE {batch}",
    "repair_share": f"{_FLAGGED} AND repairs > 0",
    "riddled_share": f"{_FLAGGED} AND repairs > {RIDDLED} * body_chars",
    "quarantined_share": _HELD_BACK,
    "record_count": (
        "SELECT uri, status, records_in, received_at FROM ops.drops WHERE {source} ORDER BY received_at DESC"
    ),
    "flagged_share": f"{_FLAGGED} AND len(flags) > 0",
    "repeated_record_ids": (
        "SELECT drop_sha256, record_no, count(*) AS times FROM ops.quarantine WHERE {batch} "
        "GROUP BY ALL HAVING count(*) > 1"
    ),
    "authors_fill_rate": f"{_FLAGGED} AND len(authors) = 0",
    **{
        f"{field}_fill_rate": f"{_FLAGGED} AND {field} IS NULL"
        for field in ("headline", "dek", "published_at", "language", "url")
    },
}
"""What shows the failure of a table rule, or of a change of what it looks at; for the others, the figure over time."""

_CHANGE = "_change"

_OVER_TIME = (
    "SELECT noted_at, item, value FROM ops.source_figures WHERE {source} AND figure = {figure} "
    "ORDER BY noted_at DESC, item"
)


def query_of(failed: Failed) -> str:
    """Return a query on the published file that shows all that failed, as far as single records did."""
    query = (
        _OF_RECORDS.get(failed.severity, _COUNTED)
        if failed.suite == RECORDS_SUITE
        else _COUNTED
        if failed.suite == CUSTOM_SUITE
        else _OF_BATCHES.get(failed.rule.removesuffix(_CHANGE), _OVER_TIME)
    )
    if failed.is_refused and " FROM records " in query:  # nothing of the batch was loaded
        query = _HELD_BACK
    source = f"source = {literal(failed.source)}"
    return query.format(
        source=source,
        batch=f"{source} AND run_id = {literal(failed.run_id)}",
        rule=literal(failed.rule),
        figure=literal(failed.column_name),
    )


def query_of_incident(incident_id: str) -> str:
    """Return a query for an incident of which no failed expectation is known."""
    return f"SELECT * FROM ops.incidents WHERE incident_id = {literal(incident_id)}"


def sql_command(query: str, home: Home) -> str:
    """Return the command that runs a query."""
    return f"copydesk sql {_shell_quoted(query)}{home_option(home)}"


def literal(text: str) -> str:
    """Write a text as a literal of SQL in which nothing is invisible."""
    parts = [
        quoted("".join(chars)) if is_visible else " || ".join(f"chr({ord(char)})" for char in chars)
        for is_visible, chars in groupby(text, key=_is_visible)
    ]
    return parts[0] if len(parts) == 1 and parts[0].startswith("'") else f"({' || '.join(parts) or quoted('')})"


def _is_visible(char: str) -> bool:
    return char == " " or unicodedata.category(char)[0] not in "CZ"


def _shell_quoted(text: str) -> str:
    """Quote for a shell: with double quotes where nothing in them has a meaning, as queries hold single ones."""
    return shlex.quote(text) if _UNSAFE_IN_DOUBLE_QUOTES & set(text) else f'"{text}"'
