"""`copydesk rebuild --only text`: what it is told, and what it prints; safe on a terminal, whatever came in."""

import json
import sys

from rich.console import Console

from flows.console import output_console, print_articles_changed, print_table
from flows.display import show_progress, tell, tell_waiting
from flows.options import check_source
from flows.rebuild_text import RebuiltText, rebuild_text
from flows.settings import Settings
from flows.sql_values import cell_text
from transforms.cleaning import CLEANING_VERSION

DONE, REFUSED = 0, 1

RECORDS_SHOWN = 20
"""Records whose change is shown on a screen, and that are named as left alone."""

STYLES = {"-": "red", "+": "green"}


def rebuild_text_of(settings: Settings, *, source: str | None, is_dry_run: bool, as_json: bool) -> int:
    """Clean again what older rules cleaned, or only say what that would change; return the exit code."""
    if source is not None:
        check_source(source, settings)
    with show_progress() as on_progress:
        rebuilt = rebuild_text(
            settings, source=source, is_dry_run=is_dry_run, on_wait=tell_waiting, on_progress=on_progress
        )
    if as_json:
        sys.stdout.write(json.dumps(rebuilt.as_dict(), ensure_ascii=False) + "\n")
    else:
        print_rebuilt_text(rebuilt)
    sys.stdout.flush()
    tell_left_alone(rebuilt)
    return REFUSED if rebuilt.left_alone.height else DONE


def print_rebuilt_text(rebuilt: RebuiltText) -> None:
    """Print what a rebuild came to, or would come to."""
    console, summary = output_console(), rebuilt.summary
    if rebuilt.records == 0 and rebuilt.left_alone.is_empty():
        console.print(f"Nothing is older than version {CLEANING_VERSION} of the cleaning rules.")
        return
    if summary.run_id is not None:
        console.print(f"[bold]{summary.run_id}[/bold] {summary.status} in {summary.seconds:.1f} s")
    would = "would be " if rebuilt.is_dry_run else ""
    same = rebuilt.records - rebuilt.changes.height
    console.print(
        f"  records {would}cleaned again {rebuilt.records:,} = changed {rebuilt.changes.height:,} + the same {same:,}"
    )
    print_articles_changed(console, summary)
    counts = rebuilt.counts
    print_table(console, "Changed, by source and field", counts.columns, counts.rows())
    if rebuilt.is_dry_run:
        _print_changes(console, rebuilt)
        console.print("Nothing was written.")


def _print_changes(console: Console, rebuilt: RebuiltText) -> None:
    for row in rebuilt.changes.head(RECORDS_SHOWN).iter_rows(named=True):
        chars = f"{row['body_chars_before']:,} → {row['body_chars_after']:,} characters"
        named = "  ".join(map(cell_text, (row["source"], ", ".join(row["changed"]), chars)))
        console.print(f"[bold]{cell_text(row['record_id'])}[/bold]  {named}", soft_wrap=True)
        for value in row["values"]:
            change = f"{cell_text(value['before'])} → {cell_text(value['after'])}"
            console.print(f"  {value['field']}: {change}", soft_wrap=True)
        for line in row["paragraphs"]:
            console.print(f"  {cell_text(line)}", style=STYLES.get(line[0]), soft_wrap=True)
    if (more := rebuilt.changes.height - RECORDS_SHOWN) > 0:
        console.print(f"{more:,} more records; --json gives all.")


def tell_left_alone(rebuilt: RebuiltText) -> None:
    """Name records that were left as they are, and say what can be done about them."""
    if rebuilt.left_alone.is_empty():
        return
    for row in rebuilt.left_alone.head(RECORDS_SHOWN).iter_rows(named=True):
        tell(f"Left as it is: {row['record_id']} of {row['source']}: {row['why']}")
    if (more := rebuilt.left_alone.height - RECORDS_SHOWN) > 0:
        tell(f"{more:,} more records were left as they are; --json names all.")
    tell(
        "They keep their text and its older version. Change the rule or the threshold for their source in "
        "copydesk.toml, and run this again, or leave them."
    )
