"""The blocks of a body, a row each, and their shape: what every later decision about them looks at.

Takes bodies whose blocks are separated by one blank line. Decides what the end of a sentence is in every script; leaves
what a block is to others.
"""

import polars as pl

# Ends of a sentence in Latin, Greek, Arabic, Indic, Ethiopic and East Asian scripts, with closing quotes behind them.
CLOSING = "(?: ?[\"'”’»)\\]」』›“])*$"  # French puts a space before them
ENDS_STATEMENT = f"[.!…:;,。！：；，、।॥۔؛،።]{CLOSING}"
ENDS_SENTENCE = f"[.!?…:;。！？：；।॥۔؟።]{CLOSING}"
TAIL_CHARS = 4  # an end and three closing quotes

BLOCKS = pl.Schema(
    {
        "id": pl.UInt32(),
        "row": pl.UInt32(),
        "block": pl.String(),
        "block_no": pl.Int64(),
        "chars": pl.Int64(),
        "ends_statement": pl.Boolean(),
        "ends_sentence": pl.Boolean(),
        "block_start": pl.Int64(),
        "block_end": pl.Int64(),
        "blocks_below": pl.Int64(),
    }
)
"""A block: `id` among all, number within its body, whether it ends as a sentence or as part of one does, offsets in the
body, and how many follow it there."""


def split_blocks(bodies: pl.DataFrame) -> pl.DataFrame:
    """One row per block of `bodies` (`row`, `text`), in order: schema `BLOCKS`; null bodies have none."""
    split = bodies.filter(pl.col("text").is_not_null()).select("row", block=pl.col("text").str.split("\n\n"))
    last = pl.col("block").list.len().cast(pl.Int64).cum_sum() - 1
    numbered = split.with_columns(last=last, first=last + 1 - pl.col("block").list.len()).explode("block")
    blocks = numbered.with_row_index("id").with_columns(
        block_no=pl.col("id") - pl.col("first"), blocks_below=pl.col("last") - pl.col("id")
    )
    tail = pl.col("block").str.tail(TAIL_CHARS)
    shaped = blocks.with_columns(
        chars=pl.col("block").str.len_chars().cast(pl.Int64),
        ends_statement=tail.str.contains(ENDS_STATEMENT),
        ends_sentence=tail.str.contains(ENDS_SENTENCE),
    )
    end = (pl.col("chars") + 2).cum_sum().over("row") - 2
    placed = shaped.with_columns(block_start=end - pl.col("chars"), block_end=end)
    return placed.select(BLOCKS.names()).cast(BLOCKS)
