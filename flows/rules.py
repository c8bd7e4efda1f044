"""What the records of a source are held to: the rules of `expectations`, and what is asked about the lines of a text.

The former stand in the settings of the source, phrases in a reference table; the lines accepted as boilerplate of a
source stand in the lake, as they are decided on while it is in use.
"""

from collections.abc import Mapping
from functools import cache

import polars as pl

from expectations.changes import change_rules
from expectations.row_conditions import Phrases
from expectations.row_rules import RowRuleChange, changed_rules, row_rules
from expectations.table_rules import TableRuleChange, table_rules
from expectations.verdicts import Checks
from flows.source_settings import SourceSettings
from seeds.tables import block_phrases, boilerplate, common_words, word_shares
from transforms.boilerplate import TextRules, text_rules
from transforms.schema import BOILERPLATE_CANDIDATES
from transforms.source_lines import ACCEPTED
from warehouse.errors import NotPublishedError
from warehouse.home import Home
from warehouse.lake import Lake
from warehouse.query import QueryError, read_published


def rules_of(source: SourceSettings) -> Checks:
    """Return the rules with the thresholds, bounds and severities of the source."""
    rows = {code: RowRuleChange(rule.severity, rule.tolerated_share) for code, rule in source.rules.items()}
    batches = {code: TableRuleChange(rule.severity, rule.bound) for code, rule in source.rules.items()}
    rules = row_rules(source.thresholds, phrases=Phrases(block_phrases(), common_words()))
    return Checks(rows=changed_rules(rules, rows), tables=table_rules(batches), changes=change_rules(batches))


@cache
def line_rules() -> TextRules:
    """Return the rules for the lines of a text, read once a process."""
    return text_rules(boilerplate(), word_shares())


def accepted_lines(lake: Lake) -> Mapping[str, tuple[str, ...]]:
    """Return the accepted lines by source, as they stand in the lake."""
    return _by_source(lake.latest(BOILERPLATE_CANDIDATES))


def published_lines(home: Home) -> Mapping[str, tuple[str, ...]]:
    """Return the accepted lines by source, as published; none where nothing was, or by a version without them."""
    try:
        return _by_source(read_published(home, f"SELECT * FROM {BOILERPLATE_CANDIDATES.name}"))
    except (NotPublishedError, QueryError):
        return {}


def _by_source(candidates: pl.DataFrame) -> Mapping[str, tuple[str, ...]]:
    accepted = candidates.filter(pl.col("status") == ACCEPTED).sort("source", "line_key")
    by_source = accepted.group_by("source", maintain_order=True).agg("line")
    return {source: tuple(lines) for source, lines in by_source.iter_rows()}
