"""Measure whether articles come out the same whatever order texts arrive in, and however drops divide them.

The texts are the hard ones: copies of every kind beside their originals, chains in which each link is like the next one
and not like the one after that, excerpts of both ends of a chain, and stories that share boilerplate.
"""

import random
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, starmap
from pathlib import Path
from typing import Any

import polars as pl
from boilerplate_stories import read_stories
from boilerplate_stories import record_of as story_record
from copy_kinds import Article
from figures import Figure
from labelled_texts import NEWS, SEED
from placed_records import place, write_json_lines
from planted_copies import Copy, plant
from planted_copies import record_of as article_record

ORIGINALS = 9
STORIES = 24
ORDERS = 3
MOST_DROPS = 5

CHAINS = 4
LINKS = 6
WINDOW = 0.5
"""A link is so much of the text that a chain moves along; each link starts a tenth of the text after the one before."""

Record = Mapping[str, Any]


@dataclass(frozen=True)
class Arrival:
    """The drops that texts came in, one run each, and for each text what its article is then."""

    drops: Sequence[Sequence[Record]]
    seen: Mapping[str, tuple[Any, ...]]


def measure_arrival_orders(
    path: Path = NEWS, *, originals: int = ORIGINALS, orders: int = ORDERS, most_drops: int = MOST_DROPS
) -> list[Figure]:
    """Ingest the same texts in random orders, divided at random, and count the texts that come out otherwise."""
    rng = random.Random(SEED)  # noqa: S311 -- draws orders
    records = list(hard_records(path, originals=originals))
    counts = [1 + (number + most_drops - 1) % most_drops for number in range(orders)]
    arrivals = [arrive(divide(records, drops, rng=rng)) for drops in counts]
    return compare(records, arrivals)


def hard_records(path: Path = NEWS, *, originals: int = ORIGINALS) -> Iterator[Record]:
    """Yield originals, their copies, chains and stories; every third copy has a headline or a date of its own."""
    articles, copies = plant(path, originals=originals)
    yield from map(article_record, articles)
    yield from starmap(_dated, enumerate(copies))
    for article in sorted(articles, key=lambda article: -len(article.body))[:CHAINS]:
        yield from chain_of(article)
    yield from map(story_record, list(read_stories())[:STORIES])


def _dated(number: int, copy: Copy) -> Record:
    own = ({}, {"headline": f"Told again, no. {number}"}, {"date": 1_700_000_000 + 3_600 * number})
    return {"id": copy.key, "body": copy.text, **own[number % len(own)]}


def chain_of(article: Article) -> Iterator[Record]:
    """Yield the links of a chain, and excerpts of the first and the last of them."""
    words = article.body.split(" ")
    length, step = round(WINDOW * len(words)), len(words) // 10
    links = [words[step * number : step * number + length] for number in range(LINKS)]
    texts = [*links, links[0][: length // 3], links[-1][-length // 3 :]]
    for number, text in enumerate(texts):
        yield {"id": f"chain-{article.key}-{number}", "body": " ".join(text)}


def divide(records: Sequence[Record], drops: int, *, rng: random.Random) -> list[list[Record]]:
    """Shuffle records, and divide them at random into so many drops, none of them empty."""
    shuffled = rng.sample(records, len(records))
    cuts = [0, *sorted(rng.sample(range(1, len(shuffled)), drops - 1)), len(shuffled)]
    return [shuffled[start:end] for start, end in pairwise(cuts)]


def arrive(drops: Sequence[Sequence[Record]]) -> Arrival:
    """Ingest drops of one source, one run after another."""
    with tempfile.TemporaryDirectory() as folder:
        runs = [
            [write_json_lines(Path(folder) / "wire" / f"{number}.jsonl", rows)] for number, rows in enumerate(drops)
        ]
        placed = place(Path(folder) / "home", *runs)
    return Arrival(drops, articles_seen(placed))


def articles_seen(placed: pl.DataFrame) -> dict[str, tuple[Any, ...]]:
    """Return, for each text, which texts are in its article, and headline and body that the article shows."""
    mates = placed.with_columns(mates=pl.col("key").sort().implode().over("article_id"))
    rows = mates.select("key", "mates", "article_headline", "article_body").rows()
    return {key: (tuple(mates), headline, body) for key, mates, headline, body in rows}


def compare(records: Sequence[Record], arrivals: Sequence[Arrival]) -> list[Figure]:
    """Count the texts whose article is not what it is in the first arrival, over all the others."""
    first, *others = (arrival.seen for arrival in arrivals)
    figures = [Figure("texts not loaded", len(records), len(records) - len(first), at_most=0)]
    for place_no, name in enumerate(("article", "headline of its article", "body of its article")):
        differing = sum(
            other.get(key, (None,) * 3)[place_no] != seen[place_no] for other in others for key, seen in first.items()
        )
        figures.append(Figure(f"texts that differ in {name}", len(first) * len(others), differing, at_most=0))
    together = sum(len(mates) > 1 for mates, *_ in first.values())
    runs = " + ".join(str(len(arrival.drops)) for arrival in arrivals)
    return [*figures, Figure(f"texts with others in one article, of {runs} runs", len(first), together)]
