"""What the records of a source are held to, as the source declares it, and what is asked about the lines of a text."""

from functools import cache

from expectations.row_rules import RowThresholds, row_rules, with_severities
from expectations.suites import Checks
from expectations.table_rules import TableRuleChange, table_rules
from flows.settings import SourceSettings
from seeds.tables import block_phrases, boilerplate
from transforms.boilerplate import TextRules, text_rules


def rules_of(source: SourceSettings) -> Checks:
    """Return the rules with the thresholds, bounds and severities of the source."""
    rules = row_rules(RowThresholds(**source.thresholds), block_phrases=block_phrases())
    severities = {code: change.severity for code, change in source.rules.items() if change.severity is not None}
    changes = {code: TableRuleChange(change.severity, change.bound) for code, change in source.rules.items()}
    return Checks(rows=with_severities(rules, severities), tables=table_rules(changes))


@cache
def line_rules() -> TextRules:
    """Return the rules for the lines of a text, read once a process."""
    return text_rules(boilerplate())
