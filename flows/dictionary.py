"""The data dictionary: every published table and view with its columns, read from the published file."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from warehouse.home import Home
from warehouse.query import Reader, open_reader

_TABLES = """
    SELECT if(schema_name = 'main', '', schema_name || '.') || name AS name, comment FROM (
        SELECT schema_name, view_name AS name, comment FROM duckdb_views() WHERE NOT internal
        UNION ALL
        SELECT schema_name, table_name, comment FROM duckdb_tables() WHERE NOT internal
    )
    ORDER BY schema_name <> 'main', name
"""
_COLUMNS = """
    SELECT if(schema_name = 'main', '', schema_name || '.') || table_name AS name, column_name, data_type, comment
    FROM duckdb_columns() WHERE NOT internal ORDER BY schema_name, table_name, column_index
"""


@dataclass(frozen=True)
class TableEntry:
    """A table or view: what a row of it is, and its columns, each with name, type and meaning."""

    name: str
    comment: str | None
    columns: Sequence[tuple[str, str, str | None]]


def read_dictionary(reader: Reader) -> list[TableEntry]:
    """Read what the published file says of its tables, those of analysts first."""
    columns = reader.read(_COLUMNS).partition_by("name", as_dict=True, include_key=False)
    return [
        TableEntry(name, comment, list(columns[name,].iter_rows()))
        for name, comment in reader.read(_TABLES).iter_rows()
    ]


def write_dictionary(home: Home) -> Iterator[str]:
    """Yield the lines of the dictionary as Markdown: a heading for each table, what a row is, and its columns.

    Raises:
        NotPublishedError: if nothing has been published.
    """
    with open_reader(home) as reader:
        tables = read_dictionary(reader)
    yield from ("# Data dictionary", "", "Times are in UTC. Written by `copydesk docs` from the published file.")
    for table in tables:
        yield from (
            "",
            f"## {table.name}",
            "",
            _cell(table.comment),
            "",
            "| column | type | meaning |",
            "|---|---|---|",
        )
        for column, dtype, meaning in table.columns:
            yield f"| `{column}` | {dtype} | {_cell(meaning)} |"


def _cell(text: str | None) -> str:
    return (text or "").replace("|", "\\|")
