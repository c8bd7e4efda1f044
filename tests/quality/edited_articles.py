"""Measure whether two versions of an article are found to be one: 901 that editors changed over the years.

Both versions of each lie in a file of their own, those of one time in one source. A pair is found where both are in one
article. A few articles were posted again under another name: two files count as one text where their bodies share
0.7 of their shingles.
"""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path

import polars as pl
from exact_shingles import jaccard, overlapping_pairs, shingle_sets
from figures import Figure, share
from labelled_texts import SHARED_DATA
from placed_records import merged_pairs, place

EDITED = SHARED_DATA / "near_duplicates" / "edited_articles.parquet"
RECALL = {(0.9, 1.01): 0.995, (0.7, 0.9): 0.99, (0.0, 0.7): 0.70}
"""Least recall by exact Jaccard similarity, from and below."""
PRECISION = 0.97
PRECISION_WITH_REPOSTS = 0.995
REPOST_JACCARD = 0.7
CHANGED_MUCH = 0.7


@dataclass(frozen=True)
class EditedQuality:
    """What became of edited articles.

    Attributes:
        recall: A figure for each bin of similarity.
        precision: Of all pairs in one article, those that are; strictly, and with re-posts counted as right.
        reposts: Names of articles whose texts are one, but for the name.
        wrong: Names of articles that were merged, and are not one.
        lost: Names of articles of which a version was not loaded; recall counts them all the same.
        apart: Names of articles of which both were loaded, and are two articles, with the similarity of these bodies.
    """

    recall: Sequence[Figure]
    precision: Sequence[Figure]
    reposts: Sequence[Sequence[str]]
    wrong: Sequence[tuple[str, str]]
    lost: Sequence[str]
    apart: Sequence[tuple[str, float]]


def measure_edited_articles(path: Path = EDITED, *, every: int = 1) -> EditedQuality:
    """Ingest both versions of all articles, and compare the articles they are in.

    With `every`, take all that were changed much, of which there are few, and one in so many of the others, by
    similarity.
    """
    articles = pl.read_parquet(path).sort("article")
    is_changed_much = pl.col("jaccard3") < CHANGED_MUCH
    others = articles.filter(~is_changed_much).sort("jaccard3", "article").gather_every(every)
    articles = pl.concat([articles.filter(is_changed_much), others])
    with tempfile.TemporaryDirectory() as folder:
        runs = [_write_version(Path(folder) / version, articles, version) for version in ("a", "b")]
        placed = place(Path(folder) / "home", *runs)
    reposts = _reposts(placed)
    group_of = {name: number for number, names in enumerate(reposts) for name in names}
    merged = [(one["key"], other["key"]) for one, other in merged_pairs(placed)]
    is_same = [one == other for one, other in merged]
    is_repost = [group_of.get(one, one) == group_of.get(other, other) for one, other in merged]
    precision = (
        share(is_same, "precision: same article", at_least=PRECISION),
        share(is_repost, "precision: same article, or posted again", at_least=PRECISION_WITH_REPOSTS),
    )
    wrong = sorted({pair for pair, is_right in zip(merged, is_repost, strict=True) if not is_right})
    lost, apart = _not_found(articles, placed)
    return EditedQuality(_recall(articles, placed), precision, reposts, wrong, lost, apart)


def _write_version(folder: Path, articles: pl.DataFrame, version: str) -> Sequence[Path]:
    folder.mkdir()
    for name, text in articles.select("article", f"text_{version}").iter_rows():
        (folder / f"{Path(name).stem}.md").write_text(text, "utf-8")
    return [folder]


def _recall(articles: pl.DataFrame, placed: pl.DataFrame) -> list[Figure]:
    article_of: Mapping[tuple[str, str], str] = {
        (source, key): article_id for source, key, article_id in placed.select("source", "key", "article_id").rows()
    }
    figures = []
    for (low, high), target in RECALL.items():
        names = articles.filter(pl.col("jaccard3") >= low, pl.col("jaccard3") < high)["article"]
        stems = [Path(name).stem for name in names]
        is_found = [article_of.get(("a", stem), "lost") == article_of.get(("b", stem)) for stem in stems]
        figures.append(share(is_found, f"recall: similarity {low:g} to {min(high, 1):g}", at_least=target))
    return figures


def _not_found(articles: pl.DataFrame, placed: pl.DataFrame) -> tuple[list[str], list[tuple[str, float]]]:
    """Name articles whose versions are not one article, by the reason."""
    versions = placed.select("source", "key", "article_id", "body").rows()
    placed_of = {(source, key): (article_id, body) for source, key, article_id, body in versions}
    lost, apart = [], []
    for name in articles["article"]:
        one, other = (placed_of.get((version, Path(name).stem)) for version in ("a", "b"))
        if one is None or other is None:
            lost.append(name)
        elif one[0] != other[0]:
            apart.append((name, jaccard(*shingle_sets([one[1], other[1]]))))
    return lost, sorted(apart, key=itemgetter(1, 0), reverse=True)


def _reposts(placed: pl.DataFrame) -> list[list[str]]:
    """Group names of files whose bodies are one text, whatever their names."""
    names = placed["key"].to_list()
    similar = overlapping_pairs(shingle_sets(placed["body"]), least=REPOST_JACCARD)
    groups: dict[str, set[str]] = {}
    for first, second in similar.filter(pl.col("jaccard") >= REPOST_JACCARD).select("first", "second").iter_rows():
        one, other = names[first], names[second]
        if one != other:
            joined = groups.get(one, {one}) | groups.get(other, {other})
            groups |= dict.fromkeys(joined, joined)
    return sorted({tuple(sorted(group)) for group in groups.values()})
