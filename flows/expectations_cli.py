"""The commands of `copydesk expectations`: which rules hold, what each asks and why, and what they say of a file."""

import json
import sys
from pathlib import Path
from typing import Annotated

import polars as pl
import typer

from expectations.changes import ChangeRule
from expectations.custom import CUSTOM_SUITE, CustomRule
from expectations.declared import Severity, watch_declarations
from expectations.suites import Validated
from expectations.verdicts import BATCHES_SUITE, RECORDS_SUITE
from flows.check import check_file
from flows.console import output_console, print_table
from flows.custom import custom_rules
from flows.display import tell
from flows.options import ConfigOption, HomeOption, UsageError
from flows.rules import rules_of
from flows.settings import Settings, load_settings
from seeds.tables import reason_codes
from warehouse.errors import NotPublishedError
from warehouse.home import Home
from warehouse.query import QueryError, read_published

PASSED, REFUSED = 0, 1

SourceOption = Annotated[str | None, typer.Option(help="Source whose settings hold (default: those of no source).")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print an array of objects.")]

WATCH_SUITE = "watch"
_NO_SOURCE = "(any)"

_LATEST = """
    SELECT source, success, evaluated, unexpected, observed, detail, checked_at FROM ops.validations
    WHERE expectation = $code QUALIFY row_number() OVER (PARTITION BY source ORDER BY checked_at DESC, run_id DESC) = 1
    ORDER BY source
"""

app = typer.Typer(help="What must be true of the data: list the rules, explain one, ask them of a file.")


@app.command("list")
def list_rules(
    source: SourceOption = None,
    as_json: JsonOption = False,  # noqa: FBT002 -- typer's way
    home: HomeOption = None,
    config: ConfigOption = None,
) -> None:
    """List the rules with their bounds, those in the folder expectations of the home folder included."""
    rules = _rules(load_settings(home=home, config=config), source)
    if as_json:
        json.dump(rules.to_dicts(), sys.stdout, ensure_ascii=False, indent=1)
        sys.stdout.write("\n")
        return
    print_table(output_console(), None, rules.columns[:-1], rules.drop("reason").rows())
    tell("copydesk expectations show CODE says why a rule is there.")


@app.command()
def show(
    code: Annotated[str, typer.Argument(help="Code of a rule.")],
    source: SourceOption = None,
    home: HomeOption = None,
    config: ConfigOption = None,
) -> None:
    """Say what a rule asks, why, what to do where it fails, and what it last said of each source."""
    settings = load_settings(home=home, config=config)
    rules = _rules(settings, source)
    found = rules.filter(pl.col("code") == code)
    if found.is_empty():
        raise UsageError(f"There is no rule {code!r}; copydesk expectations list shows all.")
    console = output_console()
    known = reason_codes().filter(pl.col("code") == code).select("meaning", "remedy")
    row = found.row(0, named=True) | (known.row(0, named=True) if known.height else {})
    print_table(console, code, ("", ""), [(name, value) for name, value in row.items() if name != "code"])
    latest = _latest(settings.home, code)
    if latest.height:
        print_table(console, "What it last said", latest.columns, latest.rows())


@app.command()
def check(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="A drop.")],
    source: SourceOption = None,
    as_json: JsonOption = False,  # noqa: FBT002 -- typer's way
    home: HomeOption = None,
    config: ConfigOption = None,
) -> int:
    """Ask all rules of a file, as if it were all that its source delivers; writes nothing."""
    if not file.is_file():
        raise UsageError(f"{file} is no regular file; name a drop.")
    validated = check_file(file, settings=load_settings(home=home, config=config), source=source)
    verdicts = validated.validations.drop("run_id", "checked_at")
    if as_json:
        json.dump(verdicts.to_dicts(), sys.stdout, ensure_ascii=False, indent=1)
        sys.stdout.write("\n")
    else:
        _print_verdicts(verdicts, validated)
    return REFUSED if validated.refused else PASSED


def _print_verdicts(verdicts: pl.DataFrame, validated: Validated) -> None:
    """Print the rules that fail, and how many do not."""
    failed = verdicts.filter(~pl.col("success")).select("expectation", "severity", "detail")
    silent = verdicts.filter((pl.col("evaluated") == 0) & pl.col("success")).height
    if failed.height:
        samples = {failure.rule: failure.sample or "" for failure in validated.failures}
        rows = [(*row, samples.get(row[0], "")) for row in failed.rows()]
        print_table(output_console(), "Rules that fail", (*failed.columns, "example"), rows)
    held = verdicts.height - failed.height - silent
    typer.echo(f"{held} rules hold, {failed.height} fail, {silent} have nothing to judge or too little history.")
    for name in sorted(validated.refused):
        typer.echo(f"The batch of {name} would be refused: all of it would be held back.")


def _rules(settings: Settings, source: str | None) -> pl.DataFrame:
    """Return the rules that hold for a source: `code`, `suite`, `severity`, `looks_at`, `bound`, `reason`."""
    checks = rules_of(settings.source(source or _NO_SOURCE))
    rows = [
        *(
            (rule.code, RECORDS_SUITE, rule.severity, rule.column, _tolerated(rule.tolerated_share), rule.reason)
            for rule in checks.rows
        ),
        *(
            (rule.code, BATCHES_SUITE, rule.severity, rule.figure, f"{rule.side} {rule.bound:g}", rule.reason)
            for rule in checks.tables
        ),
        *(
            (rule.code, BATCHES_SUITE, rule.severity, rule.declared.figure, _change(rule), rule.declared.reason)
            for rule in checks.changes
        ),
        *(
            (code, WATCH_SUITE, rule.severity, rule.figure, "as usual, or as declared", rule.reason)
            for code, rule in watch_declarations().items()
        ),
        *(_custom(rule) for rule in custom_rules(settings) if source is None or rule.concerns(source)),
    ]
    columns = ("code", "suite", "severity", "looks_at", "bound", "reason")
    return pl.DataFrame([tuple(map(str, row)) for row in rows], schema=columns, orient="row")


def _tolerated(share: float) -> str:
    return f"up to {share:.2%} may fail" if share else "none may fail"


def _change(rule: ChangeRule) -> str:
    least = rule.least_change
    size = f"{least:.0%} of the records" if rule.declared.unit == "share" else f"a factor of {least:g}"
    return f"as usual; told from {size} ({rule.declared.direction})"


def _custom(rule: CustomRule) -> tuple[str, str, Severity, str, str, str]:
    return rule.code, CUSTOM_SUITE, rule.severity, rule.path.name, f"of {', '.join(rule.sources)}", rule.reason


def _latest(home: Home, code: str) -> pl.DataFrame:
    try:
        return read_published(home, _LATEST, {"code": code})
    except (NotPublishedError, QueryError):
        return pl.DataFrame()
