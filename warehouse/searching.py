"""Asking the index: which articles hold words or phrases, how well each fits, and the text around the words."""

import re
import unicodedata
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property

import tantivy

from warehouse.catalog_file import lake_state
from warehouse.errors import CatalogError, NotPublishedError
from warehouse.home import Home
from warehouse.query import QueryError
from warehouse.search_index import BOOSTS, FIELDS, IndexState, open_index, read_state, schema

MOST_CHARS = 2_000
"""Characters of a question; a parser that descends into brackets has to end somewhere."""

SNIPPET_CHARS = 200
MARK = "**"
"""Stands before and behind a word that was looked for."""

_LEFT_OUT = re.compile(r"(?:^|(?<=\s))(?:-|NOT\s+)(?:\"[^\"]*\"?|\S+)")
"""A word or phrase that is to be in none of the articles."""

_NOT = re.compile(r'"[^"]*"|\bNOT\s+')
_ALONE = re.compile(r'\(\s*(-(?:"[^"]*"|[^\s()]+))\s*\)')
"""What is left out, alone between brackets."""

_PARTS = re.compile(r"[^\s\"()\[\]{}:^~*?!+\\/<>&|]+")
_STRAIGHT = str.maketrans(dict.fromkeys("“”„‟«»＂", '"'))
"""Quotation marks as they are pasted and as some keyboards type them."""

_OPERATORS = frozenset({"AND", "OR", "NOT", "IN", "TO"})
_TRIES = 3
"""Times that a folder may be replaced between being named and being opened."""


class SearchError(QueryError):
    """There is nothing to look for in what was asked."""


@dataclass(frozen=True)
class Search:
    """A question to the index as it was when it was opened.

    Attributes:
        is_current: Whether the index is of the newest commit.
    """

    index: tantivy.Index
    query: tantivy.Query
    is_current: bool

    @cached_property
    def _searcher(self) -> tantivy.Searcher:
        return self.index.searcher()

    def best(self, count: int) -> Iterator[tuple[str, float]]:
        """Yield the ids of the best articles, with their scores, best first."""
        count = max(min(count, self._searcher.num_docs), 1)
        for score, address in self._searcher.search(self.query, count).hits:
            yield str(self._searcher.doc(address)["article_id"][0]), float(score)

    def snippet(self, body: str) -> str:
        """Return the piece of a text that holds most of the words, each between marks; else its beginning."""
        generator = tantivy.SnippetGenerator.create(self._searcher, self.query, schema(), "body")
        generator.set_max_num_chars(SNIPPET_CHARS)
        snippet = generator.snippet_from_doc(tantivy.Document(body=body))
        fragment = snippet.fragment().encode()
        if not fragment:
            beginning = body[:SNIPPET_CHARS]
            return " ".join((beginning.rpartition(" ")[0] if len(body) > SNIPPET_CHARS else beginning).split())
        parts, at = [], 0
        for place in snippet.highlighted():  # places are counted in bytes
            parts += [fragment[at : place.start], MARK.encode(), fragment[place.start : place.end], MARK.encode()]
            at = place.end
        return " ".join(b"".join([*parts, fragment[at:]]).decode().split())


def open_search(home: Home, words: str) -> Search:
    """Open the index with a question: words, "phrases", -words to leave out, headline:word; AND, OR, NOT, brackets.

    What is no question of that language is looked for word by word.

    Raises:
        SearchError: if there is no word to look for.
        NotPublishedError: if there is no index.
    """
    why = "there is none"
    for _ in range(_TRIES):
        state = read_state(home)
        if state is None:
            break
        try:
            index = open_index(home.search / state.folder)
        except ValueError as error:
            why = str(error)
            continue  # it may have been made anew meanwhile
        return Search(index, _parse(index, words), is_current=_is_current(home, state))
    raise NotPublishedError(
        f"The index in {home.search} cannot be opened ({why}); run copydesk publish, which makes it."
    )


def _is_current(home: Home, state: IndexState) -> bool:
    """Tell whether an index is of the newest commit, as far as can be told."""
    try:
        return lake_state(home) in {None, state.lake}
    except CatalogError:
        return True


def _parse(index: tantivy.Index, words: str) -> tantivy.Query:
    words = unicodedata.normalize("NFC", words).translate(_STRAIGHT)
    if len(words) > MOST_CHARS:
        raise SearchError(f"The question has {len(words):,} characters; ask with {MOST_CHARS:,} at most.")
    plain = [part for part in _PARTS.findall(_LEFT_OUT.sub(" ", words)) if part not in _OPERATORS and _has_letter(part)]
    if not plain:
        raise SearchError(f"There is no word to look for in {words!r}.")
    with suppress(ValueError):  # its language is one of programs: a colon in a headline is no field
        return index.parse_query(_ALONE.sub(r"\1", _NOT.sub(_without, words)), list(FIELDS), field_boosts=BOOSTS)
    without = (_PARTS.findall(left_out.removeprefix("NOT")) for left_out in _LEFT_OUT.findall(words))
    asked = [f'"{part}"' for part in plain] + [f'-"{" ".join(parts).removeprefix("-")}"' for parts in without if parts]
    return index.parse_query(" ".join(asked), list(FIELDS), field_boosts=BOOSTS)


def _without(found: re.Match[str]) -> str:
    """Write NOT as the sign before what is left out: `AND NOT` would ask for an article that is nothing else."""
    return found[0] if found[0].startswith('"') else "-"


def _has_letter(part: str) -> bool:
    return any(char.isalnum() for char in part)
