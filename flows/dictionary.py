"""The data dictionary: every published table and view with its columns, as Markdown, read from the published file."""

from collections.abc import Iterator

from warehouse.home import Home
from warehouse.query import open_reader

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


def write_dictionary(home: Home) -> Iterator[str]:
    """Yield the lines of the dictionary: a heading for each table, what a row is, and a table of its columns.

    Raises:
        NotPublishedError: if nothing has been published.
    """
    with open_reader(home) as reader:
        tables, columns = reader.read(_TABLES), reader.read(_COLUMNS).partition_by("name", as_dict=True)
    yield from ("# Data dictionary", "", "Times are in UTC. Written by `copydesk docs` from the published file.")
    for name, comment in tables.iter_rows():
        yield from ("", f"## {name}", "", _cell(comment), "", "| column | type | meaning |", "|---|---|---|")
        for _, column, dtype, meaning in columns[name,].iter_rows():
            yield f"| `{column}` | {dtype} | {_cell(meaning)} |"


def _cell(text: str | None) -> str:
    return (text or "").replace("|", "\\|")
