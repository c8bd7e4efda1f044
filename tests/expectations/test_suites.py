"""The engine's verdicts are those of the counts; a warning never refuses a batch, and a critical table rule does."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from expectations.changes import Past, change_rules
from expectations.declared import Severity
from expectations.engine import ValidationEngineError, preload
from expectations.figures import add_up, count_batch, count_repeated_records, source_figures
from expectations.record_suite import UNREAD
from expectations.row_rules import CheckedRows, RowRule, RowRuleChange, changed_rules
from expectations.suites import Outcomes, Validated, validate_run
from expectations.table_rules import TableRuleChange, table_rules
from expectations.verdicts import Checks
from transforms.ops_schema import VALIDATIONS

Check = Callable[..., CheckedRows]
Changes = Mapping[str, TableRuleChange]
Validate = Callable[..., Validated]

RUN = {"run_id": "run_1", "checked_at": datetime(2026, 1, 1, tzinfo=UTC)}
CRITICAL = Severity.CRITICAL


@pytest.fixture(scope="session", autouse=True)
def _engine() -> None:
    preload()


@pytest.fixture(scope="session")
def validate(default_rules: tuple[RowRule, ...]) -> Validate:
    """Validate batches by source; `changes` and `severities` are what each source declares."""

    def run(
        batches: Mapping[str, CheckedRows],
        *,
        unreadable: int = 0,
        changes: Mapping[str, Changes] | None = None,
        severities: Mapping[str, Mapping[str, Severity]] | None = None,
        past: Mapping[str, Past] | None = None,
    ) -> Validated:
        counts = [count_batch(batch, source=source, unreadable=unreadable) for source, batch in batches.items()]
        outcomes = pl.concat([batch.outcomes for batch in batches.values()]).lazy()
        unread = [
            {"source": source, "record_id": f"r_{source}_unread_{number}", "reason": "malformed_json"}
            for source in batches
            for number in range(unreadable)
        ]
        checks = {
            source: Checks(
                rows=changed_rules(default_rules, _changes((severities or {}).get(source, {}))),
                tables=table_rules((changes or {}).get(source, {})),
                changes=change_rules((changes or {}).get(source, {})),
            )
            for source in batches
        }
        figures = source_figures(add_up(pl.concat(counts)), [count_repeated_records(outcomes)])
        found = Outcomes(outcomes, pl.LazyFrame(unread, schema=UNREAD), figures)
        return validate_run(found, checks=checks, past=past or {}, **RUN)

    return run


def _changes(severities: Mapping[str, Severity]) -> dict[str, RowRuleChange]:
    return {code: RowRuleChange(severity) for code, severity in severities.items()}


def row(validated: Validated, source: str, expectation: str) -> dict[str, object]:
    is_it = (pl.col("source") == source) & (pl.col("expectation") == expectation)
    return validated.validations.filter(is_it).row(0, named=True)


def test_one_healthy_record_without_headline_url_or_date_fails_nothing(check: Check, validate: Validate) -> None:
    validated = validate({"gazette": check({"headline": None, "authors": None})})
    assert validated.validations["success"].all()
    assert (validated.refused, validated.failures) == (frozenset(), ())
    assert ("gazette", "missing_body") in validated.passed


def test_every_rule_of_every_source_has_one_row(check: Check, validate: Validate) -> None:
    validated = validate({"gazette": check({}), "post": check({}, source="post")})
    assert validated.validations.schema == VALIDATIONS.schema
    assert validated.validations.select("source", "expectation").is_duplicated().sum() == 0
    per_source = validated.validations.group_by("source", maintain_order=True).agg(pl.col("expectation"))
    assert per_source["source"].to_list() == ["gazette", "post"]
    assert per_source["expectation"][0].equals(per_source["expectation"][1])


def test_a_failed_row_rule_is_counted_and_reported_for_its_source_alone(check: Check, validate: Validate) -> None:
    post = check({}, {"body": None}, {"body": " "}, source="post")
    validated = validate({"gazette": check({}), "post": post})
    failed = row(validated, "post", "missing_body")
    assert (failed["suite"], failed["success"], failed["evaluated"], failed["unexpected"]) == ("records", False, 3, 2)
    assert row(validated, "gazette", "missing_body")["success"]
    (failure,) = [one for one in validated.failures if one.rule == "missing_body"]
    assert (failure.source, failure.severity, failure.sample) == ("post", CRITICAL, "q_post_1")
    assert failure.message == "2 of 3 records failed missing_body; up to 1 are usual."


def test_row_rules_never_refuse_a_batch_even_if_no_record_is_left(check: Check, validate: Validate) -> None:
    validated = validate({"gazette": check(*[{"body": None}] * 2, *[{"body": "null"}] * 2)})
    assert validated.refused == frozenset()
    assert {failure.rule for failure in validated.failures} == {"missing_body", "body_too_short", "quarantined_share"}


def test_one_record_of_a_few_is_chance_and_one_alone_is_not(check: Check, validate: Validate) -> None:
    assert "missing_body" not in {one.rule for one in validate({"gazette": check({}, {"body": None})}).failures}
    assert "missing_body" in {one.rule for one in validate({"gazette": check({"body": None})}).failures}


def test_a_failed_table_rule_of_warning_severity_is_reported_and_refuses_nothing(
    check: Check, validate: Validate
) -> None:
    validated = validate({"gazette": check({}, {"body": None})})
    failed = row(validated, "gazette", "quarantined_share")
    assert (failed["suite"], failed["severity"], failed["success"]) == ("batches", "warning", False)
    assert failed["observed"] == "0.5"
    assert "quarantined_share is 0.5; at most 0.2 is expected." in [failure.message for failure in validated.failures]
    assert validated.refused == frozenset()


def test_a_critical_table_rule_refuses_the_batch_of_its_source_alone(check: Check, validate: Validate) -> None:
    batches = {"gazette": check({}, {"body": None}), "post": check({}, {"body": None}, source="post")}
    changes = {"post": {"quarantined_share": TableRuleChange(CRITICAL, 0.4)}}
    assert validate(batches, changes=changes).refused == {"post"}


def test_a_bound_is_met_by_what_equals_it(check: Check, validate: Validate) -> None:
    halves = {"gazette": check({}, {"body": None})}
    for code, bound in (("quarantined_share", 0.5), ("headline_fill_rate", 1.0)):
        changes = {"gazette": {code: TableRuleChange(CRITICAL, bound)}}
        assert validate(halves, changes=changes).refused == frozenset()


def test_a_source_that_must_fill_a_field_is_refused_where_it_does_not(check: Check, validate: Validate) -> None:
    changes = {"gazette": {"headline_fill_rate": TableRuleChange(CRITICAL, 0.9)}}
    assert validate({"gazette": check({}, {"headline": None})}, changes=changes).refused == {"gazette"}


def test_a_record_read_twice_refuses_the_batch(check: Check, validate: Validate) -> None:
    assert validate({"gazette": check({"record_id": "r_1"}, {"record_id": "r_1"})}).refused == {"gazette"}


def test_what_was_not_judged_neither_passes_nor_fails(check: Check, validate: Validate) -> None:
    validated = validate({"gazette": check()}, unreadable=1)
    assert row(validated, "gazette", "missing_body")["evaluated"] == 0
    assert row(validated, "gazette", "headline_fill_rate")["evaluated"] == 0
    assert not {("gazette", "missing_body"), ("gazette", "headline_fill_rate")} & validated.passed
    assert [failure.rule for failure in validated.failures] == ["quarantined_share", "malformed_json"]


def test_a_failed_note_is_recorded_and_is_neither_failure_nor_pass(check: Check, validate: Validate) -> None:
    severities = {"gazette": {"future_date": Severity.INFO}}
    validated = validate({"gazette": check({"observations": ["future_date"]})}, severities=severities)
    failed = row(validated, "gazette", "future_date")
    assert (failed["severity"], failed["success"], failed["unexpected"]) == ("info", False, 1)
    assert validated.failures == ()
    assert ("gazette", "future_date") not in validated.passed


RECORD = st.sampled_from([{}, {"body": None}, {"body": "----------- 12"}, {"observations": ["future_date"]}])
SEVERITIES = st.dictionaries(st.sampled_from(["missing_body", "not_prose", "future_date"]), st.sampled_from(Severity))


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    sources=st.dictionaries(
        st.sampled_from("abc"), st.tuples(st.lists(RECORD, max_size=5), SEVERITIES), min_size=1, max_size=3
    )
)
def test_verdicts_equal_the_counts_however_differently_sources_declare_their_rules(
    check: Check, validate: Validate, sources: dict[str, tuple[list[dict[str, object]], dict[str, Severity]]]
) -> None:
    batches = {name: check(*rows, source=name, severities=declared) for name, (rows, declared) in sources.items()}
    validated = validate(batches, severities={name: declared for name, (_, declared) in sources.items()})
    for name, batch in batches.items():
        for code in ("missing_body", "not_prose", "future_date"):
            verdict = row(validated, name, code)
            failed = batch.outcomes.height - batch.outcomes[code].sum()
            assert (verdict["evaluated"], verdict["unexpected"]) == (batch.outcomes.height, failed)
            allowed = int(batch.outcomes.height > 1 and code != "not_prose")  # one of a few may fail by chance
            assert verdict["success"] == (failed <= allowed)
            assert verdict["severity"] == sources[name][1].get(code, "warning" if code == "future_date" else "critical")


def test_an_outcome_that_is_neither_true_nor_false_is_an_error(
    default_rules: tuple[RowRule, ...], check: Check
) -> None:
    batch = check({}, {})
    undecided = batch.outcomes.with_columns(missing_body=pl.Series([None, True])).lazy()
    figures = source_figures(add_up(count_batch(batch, source="gazette", unreadable=0)))
    outcomes = Outcomes(undecided, pl.LazyFrame(schema=UNREAD), figures)
    with pytest.raises(ValidationEngineError, match=r"missing_body.* 0 failures where 1"):
        validate_run(outcomes, checks={"gazette": Checks(default_rules, table_rules({}))}, past={}, **RUN)
