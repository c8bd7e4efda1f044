"""Typed access to the reference tables of this folder.

The tables are small CSV files that an editor can change. They are read once per process, checked for the columns
named here, and handed to transforms as arguments.
"""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files

import polars as pl


def read_table(name: str, *columns: str) -> pl.DataFrame:
    """Read `name`.csv of this folder; every column is text, and exactly `columns` must be there.

    Raises:
        ValueError: if the header is another one.
    """
    with (files("seeds") / f"{name}.csv").open("rb") as table:
        rows = pl.read_csv(table.read(), infer_schema=False)
    if tuple(rows.columns) != columns:
        raise ValueError(f"seeds/{name}.csv has the columns {rows.columns}, expected {list(columns)}")
    return rows


@cache
def field_aliases() -> Mapping[str, str]:
    """Lower-case name of an input field to the field of a raw record that it means."""
    return dict(read_table("field_aliases", "alias", "field").iter_rows())


@cache
def reason_codes() -> pl.DataFrame:
    """All stable codes: `code`, `kind` (reason, flag or table rule), `meaning`, `remedy`."""
    return read_table("reason_codes", "code", "kind", "meaning", "remedy")


@cache
def boilerplate() -> pl.DataFrame:
    """Return what page furniture says, in patterns and words: `language`, `kind`, `pattern`, `example`."""
    return read_table("boilerplate", "language", "kind", "pattern", "example")


@cache
def word_shares() -> pl.DataFrame:
    """Shares of texts that hold a stem (`word`): in all (`share`), or in the first 400 characters (`first_share`).

    Counted in 9,800 articles of 14 outlets in English, Sinhala and Tamil; stems as `transforms.headlines` makes them.
    Names of persons were left out: Sinhala and Tamil ones by reading the whole list; English ones by reading those that
    are capitalised within sentences in three cases of ten; of the rarer half, all with two cases of ten were left out.
    A number of one or two digits has no language.
    """
    table = read_table("word_shares", "language", "word", "share", "first_share")
    return table.select("word", pl.col("share", "first_share").cast(pl.Float64))


@cache
def block_phrases() -> tuple[str, ...]:
    """What sites say instead of an article, in words; ^ stands for the start of the text and $ for its end."""
    return tuple(read_table("block_pages", "language", "pattern", "example")["pattern"])


@cache
def common_words() -> Mapping[str, tuple[str, ...]]:
    """Return the commonest words of prose by language: those that stand in any text of some length."""
    return {
        language: tuple(words.split("|"))
        for language, words in read_table("common_words", "language", "words").iter_rows()
    }
