"""What tables are made of: the types of columns, and a table with its name, comments and key."""

from dataclasses import dataclass

import polars as pl

TEXT = pl.String()
TEXTS = pl.List(pl.String())
COUNT = pl.Int64()
SHARE = pl.Float64()
TRUTH = pl.Boolean()
INSTANT = pl.Datetime("us", "UTC")
BYTES = pl.Binary()


@dataclass(frozen=True)
class Column:
    """A column: its polars type, its comment, and the SQL type to show it as where that is not the stored one."""

    name: str
    dtype: pl.DataType
    comment: str
    shown_as: str | None = None


@dataclass(frozen=True)
class Table:
    """A stored table: `name` is `schema.table`, or a bare table of the schema `main`."""

    name: str
    comment: str
    columns: tuple[Column, ...]
    latest_by: tuple[str, ...] = ()

    @property
    def schema(self) -> pl.Schema:
        """Column names and polars types, in order."""
        return pl.Schema({column.name: column.dtype for column in self.columns})
