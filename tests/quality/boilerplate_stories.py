"""Measure whether stories that share boilerplate stay apart, and whether a story that was posted again does not.

Each row of `data/boilerplate_pairs.jsonl` is a text that several stories have at their end, or at their start, and
these stories. They were written for this, as were the companies, the people and the places. What is shared makes 30 to
50 % of the words. `repost` are changes, an old and a new text each, with which a story was posted again elsewhere.
"""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

from exact_shingles import overlapping_pairs, shingle_sets
from figures import Figure, share
from labelled_texts import read_rows
from placed_records import place, write_json_lines

MOST_SHARED = 0.5
LEAST_JACCARD_OF_REPOST = 0.6


@dataclass(frozen=True)
class Story:
    """A story with its boilerplate; `story` is the same for all that tell it, `group` for all that share a text."""

    key: str
    group: int
    story: str
    headline: str
    body: str


@dataclass(frozen=True)
class BoilerplateQuality:
    """What became of stories.

    Attributes:
        apart: How many were merged that are different.
        found: Of those posted again, the share that is found.
        wrong: Keys of the pairs that were merged, or left apart, and should not be.
    """

    apart: Sequence[Figure]
    found: Sequence[Figure]
    wrong: Sequence[tuple[str, str]]


def measure_boilerplate_stories() -> BoilerplateQuality:
    """Ingest all stories, and what was posted again as a second source."""
    stories = list(read_stories())
    with tempfile.TemporaryDirectory() as folder:
        drops = [
            write_json_lines(
                Path(folder) / source / "stories.jsonl",
                (record_of(story) for story in stories if (story.key != story.story) == (source == "reposts")),
            )
            for source in ("stories", "reposts")
        ]
        placed = place(Path(folder) / "home", drops)
    article_of = dict(placed.select("key", "article_id").iter_rows())
    merged = {
        (one, other): article_of.get(one.key, one.key) == article_of.get(other.key, other.key)
        for one, other in combinations(stories, 2)
    }
    told_again = [together for (one, other), together in merged.items() if one.story == other.story]
    apart = {pair: together for pair, together in merged.items() if pair[0].story != pair[1].story}
    of_group = [together for (one, other), together in apart.items() if one.group == other.group]
    figures = [
        Figure("stories not loaded", len(stories), len(stories) - len(article_of), at_most=0),
        Figure("pairs that share boilerplate, merged", len(of_group), sum(of_group), at_most=0),
        Figure("other pairs of different stories, merged", len(apart), sum(apart.values()), at_most=0),
    ]
    found = [share(told_again, "recall: posted again with small edits", at_least=1)]
    wrong = [
        (one.key, other.key) for (one, other), together in merged.items() if together != (one.story == other.story)
    ]
    return BoilerplateQuality(figures, found, wrong)


def read_stories() -> Iterator[Story]:
    """Yield all stories, each followed by what was posted again.

    Raises:
        ValueError: if a change of a re-post is not in its story once.
    """
    for group, row in enumerate(read_rows("boilerplate_pairs")):
        for number, told in enumerate(row["stories"]):
            key = f"story-{group}-{number}"
            yield Story(key, group, key, told["headline"], _with_boilerplate(row, told["text"]))
            if "repost" in told:
                again = _changed(told["text"], told["repost"])
                yield Story(f"{key}-again", group, key, told["headline"], _with_boilerplate(row, again))


def _changed(text: str, changes: Sequence[tuple[str, str]]) -> str:
    for old, new in changes:
        if text.count(old) != 1:
            raise ValueError(f"{old!r} has to be in the story once: {text!r}")
        text = text.replace(old, new)
    return text


def _with_boilerplate(row: Mapping[str, Any], text: str) -> str:
    parts = (row["shared"], text) if row["place"] == "start" else (text, row["shared"])
    return "\n\n".join(parts)


def record_of(story: Story) -> Mapping[str, str]:
    """Return a story as its source delivers it."""
    return {"id": story.key, "headline": story.headline, "body": story.body}


def disputable_pairs(stories: Sequence[Story]) -> list[tuple[str, str]]:
    """Return pairs that might be judged either way: stories that share more than half, re-posts that share too little.

    There must be none, else the figures say nothing.
    """
    sets = shingle_sets(story.body for story in stories)
    pairs = overlapping_pairs(sets, least=0).rows()
    is_disputable = {
        (stories[first].key, stories[second].key): similarity < LEAST_JACCARD_OF_REPOST
        if stories[first].story == stories[second].story
        else shared > MOST_SHARED
        for first, second, similarity, shared in pairs
    }
    return [pair for pair, is_so in is_disputable.items() if is_so]
