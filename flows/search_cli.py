"""`copydesk search`: articles that hold words or phrases, best first."""

import sys
from collections.abc import Sequence
from typing import Annotated

import typer
from rich.text import Text

from flows.console import output_console
from flows.display import tell
from flows.options import HomeOption
from flows.search import LIMIT, search
from flows.settings import named_home
from flows.sql_output import OutputFormat, write_result
from warehouse.query import Result
from warehouse.stored_tables import SQL_TYPES


def search_articles(  # noqa: PLR0917 -- typer's way
    words: Annotated[list[str], typer.Argument(help="""Words, "phrases", headline:word; 'tide -pilots' leaves out.""")],
    source: Annotated[list[str] | None, typer.Option(help="Only articles of this source; may be repeated.")] = None,
    since: Annotated[
        str | None, typer.Option(help="Only articles of this day (UTC) or later; without a date, of when it came.")
    ] = None,
    language: Annotated[str | None, typer.Option(help="Only articles in this language (ISO 639-1).")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="Most articles that are shown.")] = LIMIT,
    output_format: Annotated[OutputFormat, typer.Option("--format", help="How to print them.")] = OutputFormat.TABLE,
    home: HomeOption = None,
) -> None:
    """Find articles by words in headline, dek and body, the best first."""
    folder = named_home(home)
    found = search(
        folder.root,
        " ".join(words) if len(words) == 1 else " ".join(f'"{word}"' if _is_phrase(word) else word for word in words),
        sources=source or (),
        since=since,
        language=language,
        limit=limit,
    )
    if not found.is_current:
        tell("The index is behind the tables; run copydesk publish to bring it up to date.")
    articles = found.articles
    if output_format is not OutputFormat.TABLE:
        types = [SQL_TYPES[dtype] for dtype in articles.dtypes]
        write_result(Result(articles.columns, types, articles.iter_rows()), output_format, sys.stdout)
        return
    console = output_console()
    for row, pieces in zip(articles.iter_rows(named=True), found.pieces, strict=True):
        published = "no date" if row["published_at"] is None else f"{row['published_at']:%Y-%m-%d}"
        told = f"{published}  {', '.join(row['sources'])}  {row['article_id']}  {row['score']:.2f}"
        console.print(Text(row["headline"] or "(no headline)", style="bold"))
        console.print(Text(f"  {told}", style="dim"), soft_wrap=True)
        console.print(_highlighted(pieces), soft_wrap=True)
    if articles.is_empty():
        console.print("No article was found.")


def _is_phrase(word: str) -> bool:
    """Tell whether an argument is words that stood between quotation marks for the shell alone."""
    is_question = word.startswith(("-", "AND ", "OR ", "NOT ")) or not set(word).isdisjoint('"()')
    return " " in word and not is_question


def _highlighted(pieces: Sequence[str]) -> Text:
    return Text.assemble("  ", *((piece, "bold" if number % 2 else "") for number, piece in enumerate(pieces)))
