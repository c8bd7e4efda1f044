"""Lines that a source repeats: which lines of a body are noted, when two are the same, and taking out those accepted.

Decides what a line is: a block of at most 250 characters. Two are the same where their letters and digits are,
regardless of case and form (`comparison_key`); a digest of these stands for the line wherever its text need not be
kept. Leaves counting, and what becomes of a line that recurs, to whoever sees more than one record: nothing here does.

Takes bodies whose blocks are separated by one blank line.
"""

import hashlib
from collections.abc import Sequence

import polars as pl

from transforms.blocks import ENDS_SENTENCE, TAIL_CHARS
from transforms.structure import comparison_key
from transforms.text_repair import change_where

MOST_LINE_CHARS = 250
"""Longer blocks are prose: notes on rights, calls to subscribe and lines about a source end below this."""

FIRST_BLOCKS, LAST_BLOCKS = 2, 4
"""Where what a source puts around its articles stands; a line of any shape is noted there."""

MOST_SHORT_CHARS = 120
"""Between these blocks, only lines are noted that have no more characters and do not end as a sentence does."""

MOST_LINES = 10
"""Lines noted of one record, those at its ends first: a table or a list would have hundreds."""

LEAST_ARTICLES = 5
"""Distinct articles that hold a line before it is proposed: fewer share a quotation, or a paragraph of an agency."""

MOST_PROPOSED = 200
"""Lines proposed at a time for a source, the most frequent: more than anyone reads through."""

RULE = "accepted_line"
"""Rule of the spans of accepted lines."""

PROPOSED, ACCEPTED, REJECTED = "proposed", "accepted", "rejected"
"""Status of a line."""

LINES = pl.Schema({"record_id": pl.String(), "line_key": pl.String(), "line": pl.String()})
REMOVED_LINES = pl.Schema({"record_id": pl.String(), "line": pl.String()})

KEY_DIGITS = 16  # 64 bits: among a billion lines, two have the same key with a chance of 1 in 40
_CAPITALS = bytes(range(65, 91))
_SMALL = bytes.maketrans(_CAPITALS, _CAPITALS.lower())
_NOT_IN_KEY = bytes(code for code in range(128) if not chr(code).isalnum())


def sight_lines(bodies: pl.DataFrame, *, removed: pl.DataFrame) -> pl.DataFrame:
    """Return the lines to note of `bodies` (`record_id`, `body`), each once a record, in a frame of schema `LINES`.

    `removed` are the accepted lines that were taken out of them (`REMOVED_LINES`): all of these are noted too, so that
    a line is counted on when its removal has become a rule. Of two forms in one record the smaller one stays.
    """
    texts = bodies.select("body").with_row_index("row")
    noted = _split(texts).filter(_is_line()).filter(_is_noted()).pipe(_keep_first)
    record_ids = bodies.get_column("record_id").gather(noted.get_column("row"))
    lines = pl.concat([noted.select(record_ids, "line"), removed.select(REMOVED_LINES.names())])
    keyed = lines.with_columns(line_keys(lines.get_column("line"))).filter(pl.col("line_key").is_not_null())
    return keyed.group_by("record_id", "line_key", maintain_order=True).agg(pl.col("line").min()).select(LINES.names())


def line_keys(lines: pl.Series) -> pl.Series:
    """Digest what counts of each line; null where it has neither letter nor digit. The digest is stored.

    Python per line, as no column function hashes: 0.5 us.
    """
    is_beyond_ascii = (lines.str.len_bytes() != lines.str.len_chars()).fill_null(value=False)
    folded = change_where(lines, is_beyond_ascii, lambda some: some.to_frame("line").select(_key()).to_series())
    digests = [None if text is None else _digest(text) for text in folded.cast(pl.Binary).to_list()]
    return pl.Series("line_key", digests, dtype=pl.String)


def _key() -> pl.Expr:
    return comparison_key(pl.col("line"))


def _digest(text: bytes) -> str | None:
    """Digest a line that is ASCII, or was reduced to its comparison key already, which this leaves as it is."""
    key = text.translate(_SMALL, _NOT_IN_KEY)
    return hashlib.sha256(key).hexdigest()[:KEY_DIGITS] if key else None


def find_accepted_lines(blocks: pl.DataFrame, *, boilerplate: Sequence[str]) -> pl.DataFrame:
    """Label those of `blocks` (schema `BLOCKS`) that say what an accepted line says: `id`, `kind`, `rule`."""
    accepted = line_keys(pl.Series(boilerplate, dtype=pl.String)).drop_nulls()
    lines = blocks.select("id", line="block").filter(_is_line() & pl.lit(len(accepted) > 0))
    found = lines.filter(line_keys(lines.get_column("line")).is_in(accepted.implode()))
    return found.select("id", kind=pl.lit("other_boilerplate"), rule=pl.lit(RULE))


def holds_line(bodies: pl.DataFrame, *, keys: Sequence[str]) -> pl.DataFrame:
    """Return the `record_id` of those of `bodies` (`record_id`, `body`) in which a line has one of the keys."""
    lines = _split(bodies.select("body").with_row_index("row")).filter(_is_line())
    rows = lines.filter(line_keys(lines.get_column("line")).is_in(pl.Series(keys).implode())).get_column("row")
    return bodies.select("record_id")[rows.unique()]


def _split(texts: pl.DataFrame) -> pl.DataFrame:
    """Return a row for each block of `texts` (`row` and a text): `row`, `line`, `block_no`, `blocks` of its text."""
    lists = texts.drop_nulls().select("row", line=pl.last().str.split("\n\n"))
    counted = lists.with_columns(blocks=pl.col("line").list.len().cast(pl.Int64))
    return counted.with_columns(block_no=pl.int_ranges(pl.col("blocks"))).explode("line", "block_no")


def _is_line() -> pl.Expr:
    """Bytes are counted faster than characters, of which none has more than four."""
    line = pl.col("line")
    return (line != "") & (line.str.len_bytes() <= 4 * MOST_LINE_CHARS) & (line.str.len_chars() <= MOST_LINE_CHARS)


def _is_noted() -> pl.Expr:
    is_short = pl.col("line").str.len_chars() <= MOST_SHORT_CHARS
    return _is_at_an_end() | (is_short & ~pl.col("line").str.tail(TAIL_CHARS).str.contains(ENDS_SENTENCE))


def _is_at_an_end() -> pl.Expr:
    return (pl.col("block_no") < FIRST_BLOCKS) | (pl.col("block_no") >= pl.col("blocks") - LAST_BLOCKS)


def _keep_first(noted: pl.DataFrame) -> pl.DataFrame:
    """Keep so many lines of a record as are noted, those at its ends first."""
    rank = pl.int_range(pl.len()).over("row")
    return noted.sort("row", ~_is_at_an_end(), "block_no").filter(rank < MOST_LINES)
