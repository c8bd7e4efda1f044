"""Default bounds refuse nothing on account of what records are like, and a source may declare its own."""

from dataclasses import replace

from expectations.declared import Severity
from expectations.table_rules import TableRuleChange, table_rules


def test_no_default_refuses_a_batch_for_what_its_records_are_like() -> None:
    assert [rule.code for rule in table_rules({}) if rule.severity is Severity.CRITICAL] == ["repeated_record_ids"]


def test_a_source_changes_bound_and_severity_of_one_rule_and_zero_is_a_bound() -> None:
    changed = {rule.code: rule for rule in table_rules({"quarantined_share": TableRuleChange(Severity.CRITICAL, 0)})}
    assert (changed["quarantined_share"].severity, changed["quarantined_share"].bound) == (Severity.CRITICAL, 0)
    assert [rule for rule in changed.values() if rule.code != "quarantined_share"] == [
        rule for rule in table_rules({}) if rule.code != "quarantined_share"
    ]


def test_a_message_shows_figure_and_bound_in_full() -> None:
    rule = next(rule for rule in table_rules({}) if rule.code == "record_count")
    assert replace(rule, bound=1_234_567).message(1 / 3) == "records_in is 0.333333; at least 1234567 is expected."
