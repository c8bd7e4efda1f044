"""What the records of a source are held to: the rules of `expectations`, as the source declares them."""

from expectations.row_rules import RowThresholds, row_rules, with_severities
from expectations.suites import Checks
from expectations.table_rules import TableRuleChange, table_rules
from flows.settings import SourceSettings
from seeds.tables import block_phrases


def rules_of(source: SourceSettings) -> Checks:
    """Return the rules with the thresholds, bounds and severities of the source."""
    rules = row_rules(RowThresholds(**source.thresholds), block_phrases=block_phrases())
    severities = {code: change.severity for code, change in source.rules.items() if change.severity is not None}
    changes = {code: TableRuleChange(change.severity, change.bound) for code, change in source.rules.items()}
    return Checks(rows=with_severities(rules, severities), tables=table_rules(changes))
