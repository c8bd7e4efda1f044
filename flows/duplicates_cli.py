"""The commands on duplicates: `copydesk why` explains one decision, `copydesk duplicates` lists them."""

import json
import sys
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from flows.comparison import Compared, align_paragraphs, compare_records, read_members, read_record
from flows.console import output_console, print_table
from flows.options import ConfigOption, HomeOption, UsageError, check_source
from flows.settings import Settings, load_settings, named_home
from flows.sql_output import OutputFormat, write_result
from flows.sql_values import json_value
from transforms.duplicates import COPIES
from warehouse.database import quoted
from warehouse.query import run_query

PARAGRAPH_CHARS = 2_000
SAME_CHARS = 60
"""What is shown of a paragraph that differs, and of one that does not."""

MEMBERS_SHOWN, PARAGRAPHS_SHOWN = 50, 200

_LIST = """
    SELECT r.source, x.record_id, x.relation, round(x.jaccard, 3) AS jaccard, round(x.containment, 3) AS containment,
        x.method, x.matched_record_id, c.source AS matched_source, coalesce(r.headline, left(r.body, 60)) AS headline
    FROM record_articles AS x JOIN records AS r USING (record_id) JOIN records AS c ON c.record_id = x.matched_record_id
    {where} ORDER BY r.source, x.article_id, x.record_id
"""


def why(
    records: Annotated[list[str], typer.Argument(help="A record_id, or two.", metavar="RECORD [RECORD]")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,  # noqa: FBT002 -- typer's way
    home: HomeOption = None,
    config: ConfigOption = None,
) -> None:
    """Say why a record belongs to its article, or why two records are, or are not, one article."""
    if len(records) > 2:  # noqa: PLR2004 -- a pair
        raise UsageError(f"{len(records)} records are too many; name one, or two to be compared.")
    settings = load_settings(home=home, config=config)
    one = read_record(settings.home, records[0])
    matched = records[1] if len(records) > 1 else one["matched_record_id"]
    if matched is None:
        _print_members(settings, one, as_json=as_json)
        return
    compared = compare_records(one, read_record(settings.home, matched), settings.duplicates)
    if as_json:
        _print_json(_as_object(compared))
    else:
        _print_compared(compared)


def list_duplicates(
    source: Annotated[str | None, typer.Option(help="Only records of this source.")] = None,
    relation: Annotated[str | None, typer.Option(help=f"Only {', '.join(COPIES)}.")] = None,
    output_format: Annotated[OutputFormat, typer.Option("--format", help="How to print rows.")] = OutputFormat.TABLE,
    home: HomeOption = None,
) -> None:
    """List records that are copies, with what they were matched with and the figures."""
    if relation not in {None, *COPIES}:
        raise UsageError(f"{relation!r} is no relation of a copy; {', '.join(COPIES)} are.")
    if source is not None:
        check_source(source, load_settings(home=home))
    wanted = {"r.source": source, "x.relation": relation}
    conditions = [f"{name} = {quoted(value)}" for name, value in wanted.items() if value is not None]
    where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
    with run_query(named_home(home), _LIST.format(where=where)) as result:
        write_result(result, output_format, sys.stdout)


def _print_members(settings: Settings, record: dict[str, object], *, as_json: bool) -> None:
    """Print the article of a canonical record."""
    members = read_members(settings.home, str(record["article_id"]))
    if as_json:
        _print_json({"article_id": record["article_id"], "records": members.to_dicts()})
        return
    console = output_console()
    others = members.height - 1
    console.print(f"{record['record_id']} stands for article {record['article_id']}; {others:,} others belong to it.")
    if others:
        print_table(console, None, members.columns, members.head(MEMBERS_SHOWN).rows())
        console.print("copydesk why RECORD, with one of the others, shows what it shares with this one.")


def _print_compared(compared: Compared) -> None:
    console = output_console()
    one, other, figures = compared.one, compared.other, compared.figures
    for side in (one, other):
        placed = f"{side['relation']} of article {side['article_id']}"
        console.print(Text(f"{side['record_id']}  {side['source']}  {placed}\n  {side['headline'] or '(no headline)'}"))
    console.print(Text(f"Verdict: {compared.verdict}."), style="bold")
    console.print(
        f"Shingles of three words: {figures['one_shingles']:,} and {figures['other_shingles']:,}, "
        f"{figures['shared']:,} in both."
    )
    console.print(_place(one, other))
    table = Table("", one["record_id"], other["record_id"], show_lines=True)
    paragraphs = list(align_paragraphs(one["body"], other["body"]))
    for mark, mine, theirs in paragraphs[:PARAGRAPHS_SHOWN]:
        chars = SAME_CHARS if mark == "=" else PARAGRAPH_CHARS
        table.add_row(mark, Text(_cut(mine, chars)), Text(_cut(theirs, chars)), style="dim" if mark == "=" else None)
    console.print(table)
    if left := len(paragraphs[PARAGRAPHS_SHOWN:]):
        console.print(f"{left:,} more paragraphs are not shown; --json prints all.")


def _place(one: dict[str, object], other: dict[str, object]) -> str:
    """Say how the place of two records among the articles follows from what they are to each other."""
    if one["article_id"] != other["article_id"]:
        return "They are in two articles."
    for side, rest in ((one, other), (other, one)):
        if side["matched_record_id"] == rest["record_id"]:
            return f"They are one article: {side['record_id']} was matched with the other by {side['method']}."
    return f"They are one article, as each was matched with {one['matched_record_id']}, which stands for it."


def _cut(paragraph: str, chars: int) -> str:
    return paragraph if len(paragraph) <= chars else f"{paragraph[:chars]}…"


def _as_object(compared: Compared) -> dict[str, object]:
    shown = ("record_id", "source", "headline", "article_id", "relation", "matched_record_id", "method")
    paragraphs = align_paragraphs(compared.one["body"], compared.other["body"])
    return {
        "verdict": compared.verdict,
        **compared.figures,
        "one": {name: compared.one[name] for name in shown},
        "other": {name: compared.other[name] for name in shown},
        "paragraphs": [{"mark": mark, "one": mine, "other": theirs} for mark, mine, theirs in paragraphs],
    }


def _print_json(value: object) -> None:
    sys.stdout.write(json.dumps(value, ensure_ascii=False, default=json_value) + "\n")
