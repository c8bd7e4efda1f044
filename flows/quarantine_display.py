"""What `copydesk quarantine` prints for people; safe on a terminal, whatever came in."""

import polars as pl
from rich.markup import escape

from flows.console import home_option, output_console, print_table
from flows.held_back import HeldBack, age_text
from flows.replaying import Replayed
from flows.sql_values import cell_text, printable
from transforms.raw_batches import EXCERPT_CHARS
from warehouse.home import Home

LIST_CHARS = 80
"""What a list shows of what came in."""

COUNTS_SHOWN = 30
"""Pairs of source and reason that are counted on a screen."""


def print_counts(counts: pl.DataFrame, *, total: int, status: str) -> None:
    """Print how many rows there are by source and reason."""
    console = output_console()
    what = "held back" if status == "all" else f"held back, status {status}"
    console.print(f"{total:,} {'row' if total == 1 else 'rows'} {what}.", markup=False)
    shown = counts.select("source", "reason", "records", oldest=_ages("oldest"), newest=_ages("newest"))
    print_table(console, "By source and reason", shown.columns, shown.head(COUNTS_SHOWN).rows())
    if (more := shown.height - COUNTS_SHOWN) > 0:
        console.print(f"{more:,} more pairs; --summary --json gives all.")


def print_rows(rows: pl.DataFrame, *, total: int, home: Home) -> None:
    """Print rows of the quarantine, and how to see more."""
    console = output_console()
    cells = [
        (
            row["quarantine_id"],
            row["source"],
            ", ".join(row["reasons"]),
            f"{(row['uri'] or row['drop_sha256']).rpartition('/')[2]} #{row['record_no']}",
            _span(row["byte_start"], row["byte_end"]),
            age_text(row["quarantined_at"]),
            _one_line(row["raw"]),
        )
        for row in rows.iter_rows(named=True)
    ]
    print_table(console, "The latest", ("id", "source", "reasons", "drop and record", "bytes", "age", "excerpt"), cells)
    if total > rows.height:
        console.print(f"{total - rows.height:,} more; --limit {total} shows all, --json gives all with every column.")
    if rows.height:
        look = f"copydesk quarantine show {rows['quarantine_id'][0]}{home_option(home)}"
        console.print(f"Look at one: {look}", soft_wrap=True, markup=False)


def print_one(held_back: HeldBack, *, home: Home) -> None:
    """Print all that is known of a row."""
    console = output_console()
    row, drop = held_back.row, held_back.drop
    console.print(f"[bold]{cell_text(row['quarantine_id'])}[/bold] is {cell_text(row['status'])}.")
    print_table(console, "Why", ("reason", "meaning", "what to do"), held_back.reasons)
    known = {
        "severity": row["severity"],
        "detail": row["detail"],
        "source": row["source"],
        "drop": row["drop_sha256"],
        "paths": "\n".join(drop.get("uris") or ()),
        "format": drop.get("format"),
        "encoding": drop.get("encoding"),
        "record_no": row["record_no"],
        "bytes": _span(row["byte_start"], row["byte_end"]),
        "run": row["run_id"],
        "held back": f"{row['quarantined_at']:%Y-%m-%d %H:%M:%S} UTC, {age_text(row['quarantined_at'])} ago",
        "status since": f"{row['noted_at']:%Y-%m-%d %H:%M:%S} UTC",
        "note": row["note"],
    }
    print_table(console, "What is known", ("what", "value"), list(known.items()))
    console.print("[bold]What came in, its beginning[/bold]")
    console.print(escape(printable((row["raw"] or "")[:EXCERPT_CHARS])), soft_wrap=True)
    look = f"copydesk quarantine show {row['quarantine_id']} --raw{home_option(home)}"
    console.print(f"All of it: {look}", soft_wrap=True, markup=False)


def print_replayed(replayed: Replayed) -> None:
    """Print what a replay came to."""
    console = output_console()
    summary = replayed.summary
    would = "would be " if replayed.is_dry_run else ""
    if summary.run_id is not None:
        console.print(f"[bold]{summary.run_id}[/bold] {summary.status} in {summary.seconds:.1f} s")
    elif not replayed.is_dry_run:
        console.print("Nothing new: nothing passes that did not pass before.")
    console.print(
        f"  drops {summary.drops:,}   records looked at again {summary.records_in:,} = "
        f"{would}loaded {summary.records_loaded:,} + still held back {summary.records_quarantined:,}"
    )
    if summary.run_id is not None:
        console.print(
            f"  {summary.articles_new:,} new articles, {summary.exact_copies:,} exact copies, "
            f"{summary.near_copies:,} near copies, {summary.other_copies:,} revisions and excerpts"
        )
    print_table(console, "Rows of the quarantine", replayed.reasons.columns, replayed.reasons.rows())
    passed = [(row, _one_line(raw)) for row, raw in replayed.passed]
    print_table(console, f"Some that {'pass' if replayed.is_dry_run else 'passed'}", ("id", "excerpt"), passed)
    print_table(console, "Some that are still held back", ("id", "why"), replayed.failed)
    if replayed.is_dry_run:
        console.print("Nothing was written.")


def _ages(name: str) -> pl.Expr:
    return pl.col(name).map_elements(age_text, return_dtype=pl.String())


def _span(start: int | None, end: int | None) -> str:
    return "-" if start is None else f"{start}-{'' if end is None else end}"


def _one_line(text: str | None) -> str:
    flat = " ".join((text or "").split())
    return flat if len(flat) <= LIST_CHARS else f"{flat[:LIST_CHARS]}…"
