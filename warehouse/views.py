"""Views over the published tables, one file each in `sql/`: a comment, a comment for each column, and the query.

The first paragraph of comments of a file describes the view; in the second, each line is `column: what it holds`. A
view that takes the place of a stored table says so of the columns only that the table has not.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from transforms.columns import Table
from transforms.schema import STORED
from warehouse.database import quoted


@dataclass(frozen=True)
class View:
    """A view: its name, what it shows, what its columns hold, and its query."""

    name: str
    comment: str
    columns: Mapping[str, str]
    query: str

    def statements(self) -> Iterator[str]:
        """Yield the statements that make it, with its comments."""
        yield f"CREATE VIEW {self.name} AS {self.query}"
        yield f"COMMENT ON VIEW {self.name} IS {quoted(self.comment)}"
        for column, comment in self.columns.items():
            yield f"COMMENT ON COLUMN {self.name}.{column} IS {quoted(comment)}"


@cache
def read_views() -> tuple[View, ...]:
    """Return all views, in order of name."""
    found = (path for path in files("warehouse").joinpath("sql").iterdir() if path.name.endswith(".sql"))
    return tuple(_read(path.name.removesuffix(".sql"), path.read_text("utf-8")) for path in sorted(found, key=str))


def comments_of(table: Table) -> dict[str, str]:
    """Return the comment of each column of a stored table that views show."""
    return {column.name: column.comment for column in table.columns if column.name != "commit_no"}


def _read(name: str, text: str) -> View:
    lines = text.splitlines()
    notes = [line.removeprefix("--").strip() for line in lines if line.startswith("--")]
    blank = notes.index("")
    columns = dict(note.split(": ", 1) for note in notes[blank + 1 :])
    if name in STORED:
        columns = comments_of(STORED[name]) | columns
    return View(name, " ".join(notes[:blank]), columns, "\n".join(line for line in lines if not line.startswith("--")))
