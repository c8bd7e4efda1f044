"""Finding duplicates among texts in memory: from texts to verified clusters, with nothing stored.

What a run does with what it has stored (see `flows.match`), for a single lot of texts.
"""

import time
from collections.abc import Callable

import polars as pl

from transforms.candidates import find_candidates
from transforms.fingerprints import fingerprint
from transforms.relations import Thresholds, gather_stars, relate
from transforms.similarity import compare

OnStage = Callable[[str, float], None]

_DEFAULTS = Thresholds()


def find_duplicates(
    texts: pl.Series, *, thresholds: Thresholds = _DEFAULTS, on_stage: OnStage = lambda _name, _seconds: None
) -> pl.DataFrame:
    """Find the copies among texts, none of which is null.

    Gives, row for row, `canonical` (the row of the text that stands for the cluster: the longest, then the first),
    and the `jaccard` similarity and `containment` of the two; both are null where a text stands for itself.
    `on_stage` is told each stage and its seconds.
    """
    begun = time.perf_counter()

    def tell(stage: str) -> None:
        nonlocal begun
        on_stage(stage, time.perf_counter() - begun)
        begun = time.perf_counter()

    fingerprints = fingerprint(texts)
    tell("fingerprints")
    pairs = find_candidates(fingerprints, fingerprints.clear()).pairs.rename({"new": "one"})
    tell("candidates")
    compared = compare(texts, pairs).with_columns(shares_id=pl.lit(value=False))
    tell("verification")
    related = relate(compared, thresholds)
    order = fingerprints.with_row_index("row").sort("shingles", "row", descending=[True, False]).get_column("row")
    rank = pl.Series("rank", order.arg_sort(), dtype=pl.UInt32())
    ranked = related.with_columns(rank.gather(related.get_column(side)).alias(side) for side in ("one", "other"))
    centre = gather_stars(len(texts), ranked)
    canonical = order.gather(centre.gather(rank)).alias("canonical")
    rows = pl.DataFrame([canonical]).with_row_index("row")
    either_way = pl.concat(
        [
            related.select(row="one", canonical="other", jaccard="jaccard", containment="containment"),
            related.select(row="other", canonical="one", jaccard="jaccard", containment="containment"),
        ]
    )
    found = rows.join(either_way, on=["row", "canonical"], how="left", maintain_order="left").drop("row")
    tell("clusters")
    return found
