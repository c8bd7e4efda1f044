"""Relations: which of the pairs of texts that were compared are copies of one article, and which text stands for it.

Decides from the figures of `transforms.similarity` what a pair is, and gathers texts into stars: every text of an
article is related to the one that stands for it, itself and not by way of others. Chains do not join: where A is
related to B and B to C, but not A to C, there are two articles (B is with the one it is more alike).

Source: star covers by degree, Aslam, Pelekhov and Rus 2004, "The star clustering algorithm". Ties, and who stands for
a star, are decided by a given rank, so that all depends on what the texts are, and on nothing else.
"""

from dataclasses import dataclass

import polars as pl


@dataclass(frozen=True)
class Thresholds:
    """From which figures on two texts are copies. Each is a setting of `[duplicates]` in copydesk.toml.

    Attributes:
        near_jaccard: Least Jaccard similarity of near copies. At 0.5 two thirds of either text are shared; different
            articles of one outlet share less than 0.3, but for texts made from one template.
        short_jaccard: The same for a text of fewer than `short_words` words, where a template (an election result,
            a weather report) may be most of what there is.
        short_words: Where that rule ends.
        excerpt_containment: Least share of an excerpt that stands in its whole.
        excerpt_opening: Least share of the opening of an excerpt that stands in the opening of its whole: truncated
            feeds and previews of paid articles begin as the article does; background passages and lists of results
            that two reports share do not.
        excerpt_length: Most words of an excerpt, as a share of its whole.
        excerpt_words: Fewest words of an excerpt.
        revision_containment: Least share of the shorter text that a revision shares with another text of the same
            source and id or address. Below, the id is used again for something else.
    """

    near_jaccard: float = 0.5
    short_jaccard: float = 0.8
    short_words: int = 30
    excerpt_containment: float = 0.85
    excerpt_opening: float = 0.75
    excerpt_length: float = 0.75
    excerpt_words: int = 20
    revision_containment: float = 0.3


def relate(similarities: pl.DataFrame, thresholds: Thresholds) -> pl.DataFrame:
    """Keep the pairs that are related; adds `is_near`, `is_excerpt`, and asks for `shares_id`.

    `shares_id`, where the frame has it, tells whether a record of either text has the source, and the id or address, of
    one of the other.
    """
    shorter = pl.min_horizontal("one_shingles", "other_shingles")
    longer = pl.max_horizontal("one_shingles", "other_shingles")
    is_short = shorter < thresholds.short_words
    is_near = pl.col("jaccard") >= pl.when(is_short).then(thresholds.short_jaccard).otherwise(thresholds.near_jaccard)
    is_excerpt = (
        (shorter >= thresholds.excerpt_words)
        & (shorter <= longer * thresholds.excerpt_length)
        & (pl.col("containment") >= thresholds.excerpt_containment)
        & (pl.col("opening") >= thresholds.excerpt_opening)
    )
    is_revision = pl.col("shares_id") & (pl.col("containment") >= thresholds.revision_containment)
    related = similarities.with_columns(is_near=is_near, is_excerpt=is_excerpt)
    return related.filter(pl.col("is_near") | pl.col("is_excerpt") | is_revision)


def gather_stars(texts: int, pairs: pl.DataFrame) -> pl.Series:
    """Give each text the number of the text that stands for it, its own where it stands for itself.

    Either text of a pair may stand for the other, but an excerpt that is no near copy never for its whole: two
    stories that begin alike are not one. A text is a centre unless one stands for it that comes before: wholes come
    before excerpts, then texts that stand for more before those that stand for fewer. Any other text goes to the
    centre that it shares most with: by Jaccard similarity, containment, rank. The best text that can stand for all
    others of its star is the one that does.

    Args:
        texts: How many texts there are; they are numbered by rank, the best first.
        pairs: Related pairs, each once: `one` and `other` are texts, with `one_shingles`, `other_shingles`, `jaccard`,
            `containment`, `is_near` and `is_excerpt`.
    """
    covers = _covers(pairs)
    covered = {text: frozenset(others) for text, others in covers.group_by("to").agg("text").iter_rows()}
    excerpts = set(covers.filter("is_excerpt").get_column("text"))
    coverers = dict(covers.group_by("text").agg("to").iter_rows())
    centres: set[int] = set()
    for text in sorted({*covered, *coverers}, key=lambda text: (text in excerpts, -len(covered.get(text, ())), text)):
        if centres.isdisjoint(coverers.get(text, ())):
            centres.add(text)
    chosen = list(centres)
    nearest = (
        covers.filter(pl.col("to").is_in(chosen), ~pl.col("text").is_in(chosen))
        .sort("text", -pl.col("jaccard"), -pl.col("containment"), "to")
        .unique("text", keep="first")
    )
    found = list(range(texts))
    for centre, others in nearest.group_by("to").agg("text").iter_rows():
        star = frozenset([centre, *others])
        best = min(text for text in star if star <= covered.get(text, frozenset()) | {text})
        for text in star:
            found[text] = best
    return pl.Series("centre", found, dtype=pl.UInt32())


def _covers(pairs: pl.DataFrame) -> pl.DataFrame:
    """Give each `text` of a pair with the one that it can go `to`, once or twice a pair."""
    sides = ("one", "other")
    directed = pairs.with_columns(is_excerpt=pl.col("is_excerpt") & ~pl.col("is_near"))
    return pl.concat(
        directed.filter(~pl.col("is_excerpt") | (pl.col(f"{mine}_shingles") < pl.col(f"{theirs}_shingles"))).select(
            "jaccard", "containment", "is_excerpt", text=mine, to=theirs
        )
        for mine, theirs in (sides, sides[::-1])
    )
