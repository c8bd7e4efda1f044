"""What the documents say is what the program does."""

import dataclasses
import re
import shlex
from collections.abc import Sequence
from pathlib import Path

import pytest
import typer

from expectations.declared import (
    bound_declarations,
    change_declarations,
    row_declarations,
    thresholds,
    watch_declarations,
)
from expectations.table_rules import table_rules
from flows import cli
from flows.alerts.routes import KINDS, keys_of
from flows.settings import load_settings
from flows.source_settings import FIELDS, SourceSettings
from seeds.tables import reason_codes
from transforms.relations import Thresholds
from transforms.schema import STORED
from warehouse.home import Home

REPOSITORY = Path(__file__).parents[1]
README = (REPOSITORY / "README.md").read_text("utf-8")
SETTINGS = (REPOSITORY / "docs" / "settings.md").read_text("utf-8")
DOCUMENTS = sorted(
    [*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").glob("*.md"), REPOSITORY / "seeds" / "drops" / "README.md"]
)

COMMANDS: set[str] = set(typer.main.get_command(cli.app).commands)  # type: ignore[attr-defined]


def blocks(document: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", document, re.DOTALL | re.MULTILINE)


def rows(section: str) -> list[Sequence[str]]:
    """Give the cells of the tables in a section of the settings."""
    text = SETTINGS.partition(f"## {section}\n")[2].partition("\n## ")[0]
    lines = [line for line in text.splitlines() if re.match(r"\| `", line)]
    return [[cell.strip(" `") for cell in line.strip("|").split("|")] for line in lines]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_links_lead_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", document.read_text("utf-8")):
        assert (document.parent / target).exists(), target


def test_readme_names_every_command_and_no_other() -> None:
    assert set(re.findall(r"^    copydesk (\w+)", README, re.MULTILINE)) == COMMANDS
    assert set(re.findall(r"`copydesk ([a-z]+)", README)) <= COMMANDS


def test_readme_names_every_table_and_exit_code() -> None:
    assert all(f"`{name}`" in README for name in STORED)
    listed = {int(code) for code in re.findall(r"^\| (\d+) \|", README, re.MULTILINE)}
    assert listed == {cli.DONE, cli.REFUSED, cli.WRONG_USAGE, cli.FAILED, cli.INTERRUPTED, cli.OUTPUT_CLOSED}


@pytest.mark.parametrize("line", [line for block in blocks(README, "console") for line in block.splitlines()])
def test_commands_of_the_readme_run(
    line: str, samples: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = shlex.split(line.removeprefix("$ "), comments=True)
    if words[0] == "make":
        assert re.search(rf"^{words[1]}:", (REPOSITORY / "Makefile").read_text(), re.MULTILINE)
        return
    monkeypatch.chdir(REPOSITORY)
    monkeypatch.setenv("COPYDESK_HOME", str(samples.root))
    assert cli.run(words[1:]) == cli.DONE
    assert len(capsys.readouterr().out.splitlines()) > 1


def test_python_of_the_readme_runs(samples: Home, capfd: pytest.CaptureFixture[str]) -> None:
    [program] = blocks(README, "python")
    exec(program.replace("data/warehouse.duckdb", str(samples.published)), {})  # noqa: S102 -- our own document
    assert "harbor-review" in capfd.readouterr().out


@pytest.mark.parametrize("toml", blocks(README, "toml") + blocks(SETTINGS, "toml"))
def test_settings_of_the_documents_are_read(toml: str, tmp_path: Path) -> None:
    (tmp_path / "copydesk.toml").write_text(toml, "utf-8")
    assert load_settings(home=tmp_path).sources


def test_every_key_of_a_source_is_listed() -> None:
    assert {row[0] for row in rows("Keys of `[sources.NAME]`")} == set(SourceSettings.model_fields) - {"name"}
    assert all(f"`{field}`" in SETTINGS for field in FIELDS)


def test_thresholds_are_listed_with_their_defaults() -> None:
    listed = {row[0]: float(row[1]) for row in rows("Thresholds")}
    assert listed == {name: threshold.value for name, threshold in thresholds().items()}


def test_thresholds_of_copies_are_listed_with_their_defaults() -> None:
    listed = {row[0]: float(row[1]) for row in rows("Keys of `[duplicates]`")}
    assert listed == {field.name: field.default for field in dataclasses.fields(Thresholds)}


def test_keys_of_routes_are_listed_with_their_kinds() -> None:
    listed = {row[0]: row[1] for row in rows("Keys of `[alerts.NAME]`")}
    kinds_of = {key: [kind for kind in KINDS if key in keys_of(kind)] for kind in KINDS for key in keys_of(kind)}
    assert listed == {key: "all" if len(kinds) == len(KINDS) else ", ".join(kinds) for key, kinds in kinds_of.items()}


def test_rules_are_listed_with_their_severity_and_bound() -> None:
    listed = {tuple(row) for row in rows("Rules")}
    of_rows = {
        (code, str(rule.severity), f"{rule.tolerated_share:g}")
        for code, rule in row_declarations().items()
        if rule.decided_by is None
    }
    of_tables = {(rule.code, str(rule.severity), f"{rule.side} {rule.bound:g}") for rule in table_rules({})}
    changes = {
        (code, rule.figure, str(rule.severity), f"{rule.least_change:g}")
        for code, rule in change_declarations().items()
    }
    assert listed == of_rows | of_tables | changes


def test_every_rule_has_a_code_with_meaning_and_remedy() -> None:
    codes = set(reason_codes()["code"])
    declared = (row_declarations(), bound_declarations(), change_declarations(), watch_declarations())
    assert {code for rules in declared for code in rules} <= codes
