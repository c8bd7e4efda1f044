"""Measure how well copies are found, and different articles left apart: five tables, each figure beside its target.

    python tests/quality/duplicates.py [--all]      with --all, all pairs of 20,000 articles instead of 5,000

Files are ingested into a home folder of their own, and what is published is compared with what is known of the texts,
or with exact figures. Ends with exit code 1 where a target is missed.

| table | texts |
|---|---|
| edited articles | two versions each of 901 articles, as editors left them |
| all pairs | real news, of which every two are compared |
| planted copies | real news, and copies of eleven kinds, made on purpose |
| boilerplate stories | written for this: different stories that share a paragraph, and some that were posted again |
| arrival orders | the hard ones of these, in several orders and drops |
"""

import argparse
import logging
import sys
from collections.abc import Iterable, Iterator, Sequence

from all_pairs import ARTICLES, measure_all_pairs
from arrival_orders import measure_arrival_orders
from boilerplate_stories import disputable_pairs, measure_boilerplate_stories, read_stories
from edited_articles import EDITED, measure_edited_articles
from figures import Figure, missed, table
from labelled_texts import NEWS
from planted_copies import measure_planted_copies

MOST_EXAMPLES = 20

Section = tuple[str, Sequence[Figure], Sequence[str]]
"""Title, figures, and what is worth looking at."""


def sections(*, articles: int | None = ARTICLES) -> Iterator[Section]:
    """Measure one table after another; those whose texts are not there are skipped."""
    if EDITED.exists():
        edited = measure_edited_articles()
        reposts = (f"posted again under another name: {', '.join(names)}" for names in edited.reposts)
        wrong = (f"wrongly one article: {one}, {other}" for one, other in edited.wrong)
        lost = (f"a version was not loaded: {name}" for name in edited.lost)
        apart = _some(f"two articles, {similarity:.2f} similar as stored: {name}" for name, similarity in edited.apart)
        yield "edited articles", [*edited.recall, *edited.precision], [*reposts, *wrong, *lost, *apart]
    if NEWS.exists():
        pairs = measure_all_pairs(articles=articles)
        unfound = (f"two articles, {similarity:.2f} similar: {one}, {other}" for one, other, similarity in pairs.apart)
        unlike = (
            f"one article, {similarity:.2f} similar: {one}, {other}" for one, other, similarity in pairs.unexplained
        )
        yield "all pairs of news", [*pairs.recall, pairs.explained, *pairs.stored], [*_some(unfound), *_some(unlike)]
        planted = measure_planted_copies()
        astray = _some(f"not with its original: {key}" for key in planted.lost)
        yield "planted copies", [*planted.recall, *planted.merged], astray
    stories = measure_boilerplate_stories()
    disputable = [f"may be judged either way: {pair}" for pair in disputable_pairs(list(read_stories()))]
    confused = _some(f"wrong: {' and '.join(pair)}" for pair in stories.wrong)
    yield "boilerplate stories", [*stories.apart, *stories.found], [*disputable, *confused]
    if NEWS.exists():
        yield "arrival orders", measure_arrival_orders(), []


def _some(lines: Iterable[str]) -> list[str]:
    """Return the first lines, and how many more there are."""
    found = list(lines)
    more = [f"... and {len(found) - MOST_EXAMPLES:,} more"] if len(found) > MOST_EXAMPLES else []
    return [*found[:MOST_EXAMPLES], *more]


def main(arguments: Sequence[str]) -> int:
    """Print all tables; fail where a target is missed."""
    logging.disable(logging.CRITICAL)
    parser = argparse.ArgumentParser(description="Measure how well copies are found.")
    parser.add_argument("--all", action="store_true", help="compare all pairs of all news")
    options = parser.parse_args(arguments)
    is_missed = False
    for path in (EDITED, NEWS):
        if not path.exists():
            print(f"skipped: {path} is not there")  # noqa: T201 -- the result
    for title, figures, remarks in sections(articles=None if options.all else ARTICLES):
        print(table(title, figures), *(f"    {remark}" for remark in remarks), "", sep="\n", flush=True)  # noqa: T201
        is_missed = is_missed or bool(missed(figures))
    return int(is_missed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
