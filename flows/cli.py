"""The command line: what each command is told, what it prints, and how it ends.

Commands call the modules that do the work. Results go to standard output, everything else to standard error. An error
is one sentence and the next step; `--debug`, anywhere on the line, shows the traceback instead.

Exit codes: 0 all is well; 1 a batch or a decision was refused; 2 the command or the settings are wrong; 3 something
else went wrong; 130 it was interrupted; 141 nobody reads its output any more.
"""

import glob
import json
import os
import signal
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from expectations.custom import CustomRuleError
from flows import (
    alerts_cli,
    boilerplate_cli,
    duplicates_cli,
    expectations_cli,
    export_cli,
    incidents_cli,
    quarantine_cli,
    report_cli,
    retract_cli,
    search_cli,
    sql_cli,
    steps,
    store_cli,
)
from flows.alerts.sending import DeliveryError
from flows.alerts.tell import tell_of_news
from flows.boilerplate import RefusedError, UnknownLineError
from flows.comparison import UnknownRecordError
from flows.console import (
    print_nothing_new,
    print_preview,
    print_status,
    print_summary,
)
from flows.display import show_progress, tell, tell_waiting
from flows.options import ConfigOption, HomeOption, UsageError
from flows.prefect_api import PrefectApiError, configured_api, is_answering
from flows.preview import preview as preview_file
from flows.run import Plan, Request, Summary
from flows.settings import SettingsError, load_settings, named_home
from flows.status import read_status
from warehouse.backup import WrongFolderError
from warehouse.database import first_line, is_disk_full
from warehouse.errors import NotPublishedError, WarehouseError
from warehouse.history import NoSuchSnapshotError
from warehouse.home import Home
from warehouse.landing import SETTLE_SECONDS, absolute
from warehouse.query import QueryError, read_published

DONE, REFUSED, WRONG_USAGE, FAILED, INTERRUPTED, OUTPUT_CLOSED = 0, 1, 2, 3, 130, 141

_ENDS_WITH_OBJECT = ("rebuild", "retract")
"""Commands that print one JSON object, where none is of a run's figures."""

_OF_USAGE = (
    SettingsError,
    CustomRuleError,
    NoSuchSnapshotError,
    NotPublishedError,
    QueryError,
    UsageError,
    WrongFolderError,
    UnknownLineError,
    UnknownRecordError,
)

UNREAD_SHOWN = 5
"""Files that could not be read, to name at most; all stand in `ops.drops`."""

SourceOption = Annotated[str | None, typer.Option(help="Source of the files, instead of what their place says.")]

app = typer.Typer(
    help="From files of articles to tables that can be queried.",
    epilog="With --debug anywhere on the line, an error shows its traceback.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(boilerplate_cli.app, name="boilerplate")
app.add_typer(expectations_cli.app, name="expectations")
app.add_typer(quarantine_cli.app, name="quarantine")
app.add_typer(incidents_cli.app, name="incidents")
app.add_typer(alerts_cli.app, name="alerts")
app.command("why")(duplicates_cli.why)
app.command("duplicates")(duplicates_cli.list_duplicates)
app.command("report")(report_cli.report)
app.command("export")(export_cli.export_articles)
app.command("search")(search_cli.search_articles)
app.command("sql")(sql_cli.sql)
app.command("docs")(sql_cli.docs)
app.command("maintain")(store_cli.maintain)
app.command("history")(store_cli.history)
app.command("backup")(store_cli.backup)
app.command("restore")(store_cli.restore)
app.command("migrate")(store_cli.migrate)
app.command("publish")(store_cli.publish)
app.command("rebuild")(store_cli.rebuild)
app.command("doctor")(store_cli.doctor)
app.command("retract")(retract_cli.retract_text)


def run(arguments: Sequence[str]) -> int:
    """Run a command line, and return its exit code."""
    is_debug = "--debug" in arguments
    arguments = [argument for argument in arguments if argument != "--debug"]
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        code = app(args=arguments, prog_name="copydesk", standalone_mode=False) or DONE
        sys.stdout.flush()
    except (SystemExit, BrokenPipeError):  # the former is what typer makes of the latter
        _give_up_output()
        return OUTPUT_CLOSED
    except KeyboardInterrupt:
        code = INTERRUPTED
    except Exception as error:  # noqa: BLE001 -- whatever it is, it ends in a sentence and an exit code
        if is_debug:
            traceback.print_exc()
        if not isinstance(error.__cause__, KeyboardInterrupt):
            return _end(*_explain(error), arguments)
        code = INTERRUPTED  # while DuckDB answered
    if code == INTERRUPTED:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # once is enough: what is left is tidying up
        return _end("Interrupted; nothing is half done, and the next run goes on from here.", code, arguments)
    return code


def _give_up_output() -> None:
    """Let what could not be written go, or else the interpreter tries again as it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _explain(error: Exception) -> tuple[str, int]:
    """Return what to say of an error, and the exit code."""
    if isinstance(error, typer.TyperException):
        return f"{error.format_message().rstrip('.') or 'Name a command'}. See copydesk --help.", WRONG_USAGE
    if isinstance(error, _OF_USAGE):
        return str(error), WRONG_USAGE
    if isinstance(error, RefusedError):
        return str(error), REFUSED
    if isinstance(error, DeliveryError):
        return f"The alert was not sent: {str(error).rstrip('.')}. See copydesk doctor.", FAILED
    if isinstance(error, WarehouseError | PrefectApiError):
        return str(error), FAILED
    is_full = is_disk_full(error)
    what = f"There is no room ({first_line(error)})" if is_full else f"{type(error).__name__}: {error}"
    remedy = "make room, and run the same command again" if is_full else "--debug shows where it happened"
    return f"{what.strip().rstrip('.:')}. Nothing is half done; {remedy}.", FAILED


def _end(message: str, code: int, arguments: Sequence[str]) -> int:
    """Say why a command ends; a program that asked for JSON gets its object as well."""
    tell(message)
    if "--json" in arguments and (of_failure := _failure_as_json(message, arguments)):
        try:
            sys.stdout.write(of_failure)
            sys.stdout.flush()
        except OSError:
            _give_up_output()
    return code


def _failure_as_json(message: str, arguments: Sequence[str]) -> str | None:
    """Return the object of a command that ends with one: of a run that failed it has the figures of a run."""
    if arguments[:1] == ["ingest"] or arguments[:2] == ["quarantine", "replay"]:
        return _as_json(Summary(run_id=None, status="failed"), error=message)
    if arguments[0] in _ENDS_WITH_OBJECT:
        return json.dumps({"status": "failed", "error": message}, ensure_ascii=False) + "\n"
    return None


@app.command()
def ingest(  # noqa: PLR0917 -- typer reads options from parameters
    paths: Annotated[list[str] | None, typer.Argument(help="Files, folders or globs (default: the drop zone).")] = None,
    source: SourceOption = None,
    home: HomeOption = None,
    config: ConfigOption = None,
    rehash: Annotated[bool, typer.Option("--rehash", help="Read files again that the cache knows.")] = False,  # noqa: FBT002 -- typer's way
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,  # noqa: FBT002 -- typer's way
) -> int:
    """Take in what is new: clean, check and match it, load it in one commit, and publish it."""
    settings = load_settings(home=home, config=config)
    request = Request(settings, _expand(paths or [], home=settings.home), _named(source), rehash)
    planned = steps.plan(request, on_wait=tell_waiting)
    summary = _take_in(request, planned, config=config)
    _tell_unread(settings.home, summary)
    if planned.unsettled:
        tell(f"{planned.unsettled:,} files changed in the last {SETTLE_SECONDS} seconds; a later run takes them in.")
    if not as_json:
        if summary.run_id is None:
            print_nothing_new(request.settings.home, planned, is_zone=not paths)
        else:
            print_summary(summary, request.settings.home)
        sys.stdout.flush()
    tell_of_news(settings)
    if as_json:
        sys.stdout.write(_as_json(summary))  # last, so that nothing is left that could end in a second object
    return REFUSED if summary.status == "refused" else DONE


def _named(source: str | None) -> str | None:
    if source is not None and not source.strip():
        raise UsageError("--source is empty; name the source, or leave the option out.")
    return source


def _expand(patterns: Sequence[str], *, home: Home) -> tuple[Path, ...]:
    """Return the named paths, with the matches of globs, each of which exists and is not kept by us."""
    paths = tuple(Path(path) for pattern in patterns for path in _matches(pattern))
    for path in paths:
        if home.keeps(absolute(path)):
            raise UsageError(f"{path} is where the home folder keeps what is in already; name what came in.")
    return paths


def _matches(pattern: str) -> Sequence[str]:
    if not pattern:
        raise UsageError("A path is empty; name a file, a folder or a glob that matches something.")
    path = Path(pattern)
    try:
        if path.is_file() or path.is_dir():
            return [pattern]
        is_other = path.exists() or path.is_symlink()
    except OSError as error:
        raise UsageError(f"{pattern} cannot be looked at ({error.strerror}); mend its permissions.") from error
    if is_other:
        raise UsageError(f"{pattern} is neither a file nor a folder; name what came in.")
    found = sorted(glob.glob(pattern, recursive=True))  # noqa: PTH207 -- pathlib cannot match absolute patterns
    if not found:
        raise UsageError(f"There is no {pattern}; name a file, a folder or a glob that matches something.")
    return found


def _tell_unread(home: Home, summary: Summary) -> None:
    """Say which files of a run could not be read."""
    if summary.run_id is None:
        return
    query = f"SELECT uri, error FROM ops.drops WHERE status = 'skipped' AND run_id = '{summary.run_id}' ORDER BY uri"
    for uri, error in read_published(home, query).head(UNREAD_SHOWN).iter_rows():
        tell(f"Not read: {uri}: {error}.")


def _take_in(request: Request, planned: Plan, *, config: Path | None) -> Summary:
    """Run on the configured Prefect API if it answers, else in this process, as where there is nothing to take in."""
    if planned.is_empty:
        return steps.watch(request, on_wait=tell_waiting)
    url = configured_api()
    if url is not None and is_answering(url):
        from flows.ingest import ingest_on_prefect  # noqa: PLC0415 -- prefect takes seconds to import

        return ingest_on_prefect(request, config=config)
    if url is not None:
        tell(f"The Prefect API {url} does not answer; running without it. Start it, or unset PREFECT_API_URL.")
    with show_progress() as on_progress:
        return steps.take_in(request, planned, on_wait=tell_waiting, on_progress=on_progress)


def _as_json(summary: Summary, **more: str) -> str:
    return json.dumps(summary.as_dict() | more, ensure_ascii=False) + "\n"


@app.command()
def preview(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="A drop.")],
    source: SourceOption = None,
    home: HomeOption = None,
    config: ConfigOption = None,
) -> None:
    """Show how a file is read, and what of it would be loaded or quarantined; writes nothing."""
    if not file.is_file():
        raise UsageError(f"{file} is no regular file; name a drop.")
    print_preview(preview_file(file, settings=load_settings(home=home, config=config), source=source))


@app.command()
def status(home: HomeOption = None) -> None:
    """Show what is in the warehouse, the last runs, what is held back, and open incidents."""
    folder = named_home(home)
    print_status(read_status(folder), folder)


@app.command()
def serve(home: HomeOption = None, config: ConfigOption = None) -> int:
    """Serve the ingest flow with the schedules of copydesk.toml, until interrupted."""
    settings = load_settings(home=home, config=config)
    from flows.serve import serve as serve_flow  # noqa: PLC0415 -- prefect takes seconds to import

    return serve_flow(settings, config=config)
