"""Rules that users add, as files in the folder `expectations` of the home folder: one file, one rule.

Decides how a file becomes a rule, and refuses one that does not say why it is there. What kinds there are:

- `NAME.sql`: a query over the batch that returns the rows that fail; its first lines are comments `-- reason: ...`.
- `NAME.toml`: an expectation of Great Expectations, with its `type` and `kwargs`.
- `NAME.py`: a function `failing(records)`, from a lazy frame to the rows that fail, where the settings allow Python.

The name is the code of the rule. All are rules on batches: a warning opens an incident, a critical one refuses the
batch. Leaves running queries and functions to orchestration.
"""

import difflib
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Literal

from expectations.declared import (
    Severity,
    bound_declarations,
    change_declarations,
    row_declarations,
    watch_declarations,
)
from expectations.verdicts import Verdict

CUSTOM_SUITE = "custom"

Kind = Literal["sql", "toml", "py"]

CODE = re.compile(r"[a-z][a-z0-9_]{2,60}")
_KEYS = ("severity", "reason", "sources")
_SQL_HEADER = re.compile(r"--\s*(\w+)\s*:\s*(.*\S)\s*")
_PY_HEADER = re.compile(r"#\s*(\w+)\s*:\s*(.*\S)\s*")
_EVALUATED = frozenset({"row_condition", "condition_parser"})
"""Arguments that the engine evaluates as Python."""

_HEADERS = {"sql": _SQL_HEADER, "py": _PY_HEADER}


class CustomRuleError(Exception):
    """A file is no rule; the message names it and says what it must hold."""


@dataclass(frozen=True)
class CustomRule:
    """A rule that a user added.

    Attributes:
        code: Name of its file.
        kind: What the file holds.
        path: The file.
        severity: What a failure does.
        reason: Why the rule.
        sources: Names or globs of the sources that it holds for.
        content: The query, or the program.
        expectation: The expectation, of kind `toml`.
    """

    code: str
    kind: Kind
    path: Path
    severity: Severity
    reason: str
    sources: tuple[str, ...] = ("*",)
    content: str = ""
    expectation: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def concerns(self, source: str) -> bool:
        """Whether the rule holds for a source."""
        return any(fnmatchcase(source, pattern) for pattern in self.sources)


@dataclass(frozen=True)
class Finding:
    """What came of asking a rule: rows looked at and failing, words, and the id of a record that fails."""

    evaluated: int
    unexpected: int
    detail: str | None = None
    sample: str | None = None


def read_custom_rules(folder: Path, *, allow_python: bool) -> tuple[CustomRule, ...]:
    """Read the rules of a folder, by code; none where there is no such folder.

    Raises:
        CustomRuleError: if a file is no rule.
    """
    files = sorted(path for path in folder.glob("*") if path.suffix in {".sql", ".toml", ".py"})
    rules = tuple(_read(path, allow_python=allow_python) for path in files)
    codes = [rule.code for rule in rules]
    if repeated := [rule for rule in rules if codes.count(rule.code) > 1]:
        raise CustomRuleError(f"{repeated[1].path}: another file is the rule {repeated[1].code!r} too; rename one.")
    return rules


def _read(path: Path, *, allow_python: bool) -> CustomRule:
    code = path.stem
    declared = (row_declarations(), bound_declarations(), change_declarations(), watch_declarations())
    if not CODE.fullmatch(code) or any(code in rules for rules in declared):
        raise CustomRuleError(
            f"{path}: {code!r} cannot name a rule; use small letters, digits and _, and no code that is in use."
        )
    if path.suffix == ".py" and not allow_python:
        raise CustomRuleError(
            f"{path} is a program; set python = true under [expectations] in copydesk.toml to let it run, or remove it."
        )
    try:
        text = path.read_text("utf-8")
        return _read_toml(path, text) if path.suffix == ".toml" else _read_commented(path, text)
    except (OSError, ValueError, TypeError) as error:
        raise CustomRuleError(f"{path}: {error}; see docs/expectations.md for an example.") from error


def _read_commented(path: Path, text: str) -> CustomRule:
    """Read a query or a program, whose header stands in its first comments."""
    kind: Kind = "sql" if path.suffix == ".sql" else "py"
    header: dict[str, str] = {}
    for line in text.splitlines():
        if found := _HEADERS[kind].fullmatch(line.strip()):
            key = found[1].lower()
            if key not in _KEYS and difflib.get_close_matches(key, _KEYS, n=1):
                raise ValueError(f"{found[1]!r} is no key of a rule; known are {', '.join(_KEYS)}")
            header[key] = found[2]
    sources = tuple(name.strip() for name in header.get("sources", "*").split(","))
    return CustomRule(path.stem, kind, path, _severity(header), _reason(header), sources, content=text)


def _read_toml(path: Path, text: str) -> CustomRule:
    table = tomllib.loads(text)
    unknown = table.keys() - {"severity", "reason", "sources", "type", "kwargs"}
    if unknown:
        raise ValueError(f"{min(unknown)!r} is no key of a rule; known are severity, reason, sources, type and kwargs")
    kind, kwargs = table.get("type"), table.get("kwargs", {})
    if not isinstance(kind, str) or not kind.startswith("expect_") or not isinstance(kwargs, dict):
        raise ValueError("type must name an expectation, such as 'expect_column_values_to_not_be_null', kwargs a table")
    if evaluated := sorted(_EVALUATED & kwargs.keys()):
        raise ValueError(f"{evaluated[0]} is run as a program; write a query instead, with the condition in it")
    if not isinstance(kwargs.get("column_list", []), list):
        raise ValueError("column_list must be a list of columns")  # noqa: TRY004 -- of the file, not of a caller
    sources = tuple(map(str, table.get("sources", ["*"])))
    expectation = {"type": kind, "kwargs": kwargs}
    return CustomRule(path.stem, "toml", path, _severity(table), _reason(table), sources, expectation=expectation)


def _severity(header: Mapping[str, Any]) -> Severity:
    return Severity(header.get("severity", "warning"))


def _reason(header: Mapping[str, Any]) -> str:
    reason = header.get("reason")
    if not isinstance(reason, str) or not reason.strip():
        raise ValueError("it has no reason; say why the rule is there")
    return reason.strip()


def custom_verdict(rule: CustomRule, source: str, finding: Finding) -> Verdict:
    """Return what comes of a rule on one source."""
    failed = f"{finding.unexpected:,} of {finding.evaluated:,} rows failed {rule.code}."
    return Verdict(
        source=source,
        suite=CUSTOM_SUITE,
        expectation=rule.code,
        column_name=", ".join(_columns(rule.expectation.get("kwargs", {}))) or "records",
        severity=rule.severity,
        success=finding.unexpected == 0,
        evaluated=finding.evaluated,
        unexpected=finding.unexpected,
        observed=None,
        detail=finding.detail or (failed if finding.unexpected else None),
        sample=finding.sample,
    )


def _columns(kwargs: Mapping[str, Any]) -> Sequence[str]:
    """Return the columns that an expectation names."""
    named = [kwargs[name] for name in ("column", "column_A", "column_B") if isinstance(kwargs.get(name), str)]
    return [*named, *(str(name) for name in kwargs.get("column_list", ()))]


def narrow_columns(rule: CustomRule, known: Sequence[str]) -> list[str]:
    """Return the columns of a table that an expectation has to see, and the id of the record."""
    named = dict.fromkeys(["record_id", *_columns(rule.expectation["kwargs"])])
    return [name for name in named if name in known]
