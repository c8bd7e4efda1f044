"""What commands print for people: summaries, previews, the state of things. Always on standard output."""

import shlex
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TextIO

import polars as pl
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from flows.doctor import Check
from flows.preview import Preview
from flows.repair import Mended
from flows.run import Plan, Summary
from flows.settings import home_root
from flows.sql_values import cell_text
from flows.status import Status
from seeds.tables import reason_codes
from warehouse.home import Home
from warehouse.query import read_published

PIPED_WIDTH = 160
"""Characters in a line of what goes to no terminal."""

NARROWEST_COLUMN = 8
"""Characters that a column needs to be read; where there are not as many, each row is a table of its own."""

_REASONS = """
    SELECT reason, count(*) AS records, any_value(detail ORDER BY quarantine_id) AS example
    FROM (SELECT unnest(reasons) AS reason, detail, quarantine_id FROM ops.quarantine WHERE run_id = '{run_id}')
    GROUP BY reason ORDER BY records DESC, reason
"""


def output_console(output: TextIO | None = None) -> Console:
    """Return a console on `output`, by default standard output, that does not fold what is piped."""
    console = Console(file=output, highlight=False)
    if not console.is_terminal:
        console.width = PIPED_WIDTH
    return console


def print_rebuilt(summary: Summary) -> None:
    """Print what a rebuild came to."""
    console = output_console()
    console.print(f"[bold]{summary.run_id}[/bold] {summary.status} in {summary.seconds:.1f} s")
    print_articles_changed(console, summary)


def print_summary(summary: Summary, home: Home) -> None:
    """Print what a run came to, and where to look next."""
    console = output_console()
    console.print(f"[bold]{summary.run_id}[/bold] {summary.status} in {summary.seconds:.1f} s")
    copies = (
        f"{summary.articles_new:,} new articles, {summary.exact_copies:,} exact copies, "
        f"{summary.near_copies:,} near copies, {summary.other_copies:,} revisions and excerpts"
    )
    console.print(
        f"  drops {summary.drops:,}   records in {summary.records_in:,} = "
        f"loaded {summary.records_loaded:,} ({copies}) + quarantined {summary.records_quarantined:,}"
    )
    print_articles_changed(console, summary)
    if summary.records_quarantined:
        reasons = read_published(home, _REASONS.format(run_id=summary.run_id))
        _print_rows(console, "Held back in this run", reasons)
        look = f"copydesk quarantine list --run {summary.run_id}{home_option(home)}"
        console.print(f"  Look: {look}", soft_wrap=True, markup=False)


def print_articles_changed(console: Console, summary: Summary) -> None:
    """Print what became of earlier articles, and what could not be looked for."""
    if summary.articles_joined or summary.articles_split:
        console.print(
            f"  earlier articles: {summary.articles_joined:,} joined others (see article_redirects), "
            f"{summary.articles_split:,} were split off"
        )
    if summary.texts_left_out:
        console.print(
            f"  {summary.texts_left_out:,} texts are made up of passages that very many others share: only exact "
            "copies of these were looked for"
        )


def home_option(home: Home) -> str:
    """Return what a command needs to find this home folder."""
    return "" if home.root == home_root(None) else f" --home {shlex.quote(str(home.root))}"


def print_nothing_new(home: Home, planned: Plan, *, is_zone: bool) -> None:
    """Print that there is nothing to do, and why that may be."""
    if planned.found > planned.unsettled:
        message = "Nothing new: all that was found is known."
    elif is_zone:
        message = f"The drop zone is empty. Put files into {home.landing}/SOURCE/, or name them: copydesk ingest FILE."
    else:
        message = "Nothing new: there is no file."
    output_console().print(message if not planned.unsettled else "Nothing new yet.", soft_wrap=True, markup=False)


def print_preview(seen: Preview) -> None:
    """Print how a file is read, and what would become of it."""
    console = output_console()
    console.print(f"[bold]{escape(str(seen.path))}[/bold]", soft_wrap=True)
    console.print(f"  source {escape(seen.source)}   format {seen.format}   encoding {seen.encoding or '-'}")
    loaded = seen.records_in - seen.records_held_back
    held_back = f"would be quarantined {seen.records_held_back:,}"
    console.print(f"  records in {seen.records_in:,} = would be loaded {loaded:,} + {held_back}")
    print_pairs(console, "Fields", ("in the file", "becomes"), seen.mapping)
    for row in seen.first_records:
        print_pairs(console, f"Record {row['record_no']}", ("column", "value"), _telling(row))
    _print_codes(console, "Would be quarantined", seen.reasons)
    columns = ("record_no", "byte_start", "byte_end", "reasons", "detail", "raw")
    rows = [tuple(row[name] for name in columns) for row in seen.first_held_back]
    print_table(console, "The first of them", columns, rows)
    _print_codes(console, "Would be flagged", seen.flags)
    console.print("Nothing was written.")


def _print_codes(console: Console, title: str, counts: Counter[str]) -> None:
    """Print codes with their counts, the most frequent first, and what to do about each."""
    remedies = dict(reason_codes().select("code", "remedy").iter_rows())
    rows = [(code, count, remedies.get(code)) for code, count in counts.most_common()]
    print_table(console, title, ("code", "records", "what to do"), rows)


def _telling(row: Mapping[str, object]) -> Mapping[str, object]:
    """Leave out ids, digests, and what is empty."""
    dull = {"record_id", "drop_sha256", "record_no", "source", "body_sha256", "match_key", "cleaning_version"}
    return {name: value for name, value in row.items() if name not in dull and value not in (None, [], "")}


def print_status(status: Status, home: Home) -> None:
    """Print how things stand."""
    console = output_console()
    _print_rows(console, "Tables", status.counts)
    _print_rows(console, "Last runs", status.runs)
    _print_rows(console, "Held back, by reason", status.held_back)
    _print_rows(console, "Open incidents, critical ones first", status.incidents)
    if status.incidents.height:
        console.print(f"All of them: copydesk incidents list{home_option(home)}", soft_wrap=True, markup=False)
    if status.holder is not None:
        console.print(f"{status.holder} is writing.", markup=False)
    if status.is_stale is None:
        console.print(f"The catalog cannot be read; see copydesk doctor{home_option(home)}.", markup=False)
    elif status.is_stale:
        stale = "The published file does not show the newest commit"
        console.print(f"{stale}; run copydesk publish{home_option(home)}.", soft_wrap=True, markup=False)


def print_checks(checks: Iterable[Check]) -> bool:
    """Print checks as they come; return whether all is well."""
    console = output_console()
    all_well = True
    for check in checks:
        mark = "[green]ok[/green]  " if check.remedy is None else "[red]bad[/red] "
        console.print(f"{mark} {check.subject:<15}{escape(check.finding)}", soft_wrap=True)
        if check.remedy is not None:
            console.print(f"     {'':<15}{escape(check.remedy)}", soft_wrap=True)
        all_well = all_well and check.remedy is None
    return all_well


def print_mended(mended: Iterable[Mended]) -> bool:
    """Print what a repair did; return whether nothing is lost."""
    console, is_whole = output_console(), True
    for one in mended:
        mark = "[red]lost[/red]  " if one.is_lost else "[green]mended[/green]"
        console.print(f"{mark} {one.subject}: {escape(cell_text(one.done))}", soft_wrap=True)
        is_whole = is_whole and not one.is_lost
    return is_whole


def print_pairs(console: Console, title: str, headers: Sequence[str], pairs: Mapping[str, object]) -> None:
    """Print names and values as a table; nothing where there are none."""
    print_table(console, title, headers, list(pairs.items()))


def _print_rows(console: Console, title: str, rows: pl.DataFrame) -> None:
    print_table(console, title, rows.columns, rows.rows())


def print_table(console: Console, title: str | None, headers: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table; one with a title is left out where it has no rows."""
    if title is not None and not rows:
        return
    if len(headers) * NARROWEST_COLUMN > console.width:
        _print_records(console, headers, rows)
        return
    table = Table(title=title, title_justify="left", title_style="bold")
    for position, header in enumerate(headers):
        is_figure = all(isinstance(row[position], int | float | None) for row in rows)
        table.add_column(cell_text(header), justify="right" if is_figure else "left", overflow="fold")  # ids are whole
    for row in rows:
        table.add_row(*map(cell_text, row))
    console.print(table)


def _print_records(console: Console, headers: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print each row as a table of names and values."""
    for number, row in enumerate(rows):
        print_pairs(console, f"Row {number}", ("column", "value"), dict(zip(headers, row, strict=True)))
