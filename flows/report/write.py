"""Making the report of a home folder, and putting it in its place.

The page appears by rename: a reader sees the old one or the new one, never half. A link in its place is replaced, not
followed, so that no file elsewhere can be overwritten.
"""

import secrets
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from flows.options import UsageError
from flows.report.facts import read_facts
from flows.report.findings import read_findings
from flows.report.page import render
from flows.report.sources import read_sources
from flows.report.window import DAYS, window_of
from flows.settings import Settings
from warehouse.errors import HomeNotWritableError
from warehouse.home import Home


def write_report(settings: Settings, *, output: Path | None = None, days: int = DAYS) -> Path:
    """Write the report; return where it lies.

    Raises:
        NotPublishedError: if nothing was ever ingested here.
        UsageError: if `output` is no place for a file.
        HomeNotWritableError: if it cannot be written.
    """
    path = _place(output, settings.home)
    facts = read_facts(settings.home, window_of(datetime.now(UTC), days=days))
    page = render(facts, read_sources(facts, settings), read_findings(facts, settings.home))
    _put(path, page.encode("utf-8", "replace"))
    return path


def _place(output: Path | None, home: Home) -> Path:
    """Return the absolute path of the report."""
    if output is None:
        return home.reports.absolute() / "report.html"
    path = output.absolute()
    if path.exists() and not path.is_file():
        raise UsageError(f"{output} is no regular file; name the file that the report is to be.")
    if not path.parent.is_dir():
        raise UsageError(f"There is no folder {output.parent}; make it first, or name another file with --output.")
    if home.keeps(path) and not path.is_relative_to(home.reports):
        raise UsageError(f"{output} lies where the home folder keeps what is in; name another file with --output.")
    return path


def _put(path: Path, page: bytes) -> None:
    part = path.with_name(f".{path.name}.{secrets.token_hex(8)}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("xb") as file:
            file.write(page)
        part.replace(path)
    except OSError as error:
        with suppress(OSError):
            part.unlink()
        raise HomeNotWritableError(
            f"{path} cannot be written ({error.strerror}); make room or mend its permissions, or name another file "
            "with --output."
        ) from error
