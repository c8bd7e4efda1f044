"""Asking the index: which articles hold words or phrases, how well each fits, and the text around the words.

The language of questions is words, "phrases", -words and NOT, fields (headline:word), AND, OR and brackets. That of
tantivy has more, some of which matches every article or fails once it runs; so what is asked is taken apart here, and
handed on as phrases and the signs between them. Whatever else stands between words parts them, and is not looked for.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import polars as pl
import tantivy

from warehouse.catalog_file import lake_state
from warehouse.errors import CatalogError, NotPublishedError
from warehouse.home import Home
from warehouse.open_index import DamagedIndexError, OpenIndex, reading_index
from warehouse.query import QueryError
from warehouse.search_index import IndexState, has_place, read_state
from warehouse.search_schema import BOOSTS, FIELDS, UNSPACED_RUN, schema

MOST_CHARS = 2_000
"""Characters of a question; a parser that descends into brackets has to end somewhere."""

SNIPPET_CHARS = 200
MARK = "**"
"""Stands before and behind a word that was looked for."""

_STRAIGHT = str.maketrans(dict.fromkeys("“”„‟«»＂", '"'))
"""Quotation marks as they are pasted and as some keyboards type them."""

_SIGNS = r"*\[\]{}^~:\\"
"""Signs that part words, as they would be more than text to tantivy; others within a word make a phrase of it."""

_TOKEN = re.compile(
    rf"""
    "(?P<phrase>[^"]*)"
    | (?P<bracket>[()])
    | (?P<field>(?:{"|".join(FIELDS)}):)(?=[^\s){_SIGNS}-])
    | (?<![^\s(:])(?P<without>-)[{_SIGNS}]*(?=[^\s){_SIGNS}])
    | (?P<word>[^\s"(){_SIGNS}]+)
    """,
    re.VERBOSE,
)
_OPERATORS = frozenset({"AND", "OR"})
_WITHOUT_ALONE = re.compile(r'\( (-(?:\w+:)?"[^"]*") \)')
"""What is left out, alone between brackets: tantivy would look there for an article that is nothing else."""

_TRIES = 3
"""Times that a folder may be replaced between being named and being opened."""


class SearchError(QueryError):
    """There is nothing to look for in what was asked."""


@dataclass(frozen=True)
class Search:
    """A question to the index as it was when it was opened.

    Attributes:
        home: Home folder of the index.
        runs: Letters in a row that are looked for, of scripts that put no space between words.
        is_current: Whether the index is of the newest commit.
    """

    home: Home
    opened: OpenIndex
    query: tantivy.Query
    runs: Sequence[str]
    is_current: bool

    @cached_property
    def _searcher(self) -> tantivy.Searcher:
        return self.opened.index.searcher()

    def best(self, count: int) -> list[tuple[str, float]]:
        """Return the ids of the best articles, with their scores, best first.

        Raises:
            NotPublishedError: if the index is damaged.
        """
        with _explained(self.home):
            count = max(min(count, self._searcher.num_docs), 1)
            hits = self._searcher.search(self.query, count).hits
            return [(str(self._searcher.doc(address)["article_id"][0]), float(score)) for score, address in hits]

    def pieces(self, body: str) -> tuple[str, ...]:
        """Return the part of a text that holds most of the words, else its beginning, in pieces.

        Every second piece, from the second on, is words that were looked for.

        Raises:
            NotPublishedError: if the index is damaged.
        """
        with _explained(self.home):
            generator = tantivy.SnippetGenerator.create(self._searcher, self.query, schema(), "body")
        body = self._around(body)
        generator.set_max_num_chars(SNIPPET_CHARS * len(body.encode()) // max(len(body), 1))  # it counts bytes
        snippet = generator.snippet_from_doc(tantivy.Document(body=body))
        fragment = snippet.fragment().encode()
        places = [(place.start, place.end) for place in snippet.highlighted()]
        pieces = _cut(fragment, list(_words_among(fragment, places, self.runs)))
        return pieces if len(pieces) > 1 else (" ".join(_beginning(body).split()),)

    def _around(self, body: str) -> str:
        """Return what of a text is around the first run, if it has one: tantivy would look for its letters apart."""
        found = [at for run in self.runs if (at := body.find(run)) >= 0]
        if not found:
            return body
        start = max(min(found) - SNIPPET_CHARS // 4, 0)
        return body[start : start + SNIPPET_CHARS]


def _words_among(fragment: bytes, places: Sequence[tuple[int, int]], runs: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Yield places of words; those of letters of a run only where all of it stands, joined. Places count bytes."""
    alike = [run.encode() for run in runs]
    whole = [found.span() for run in alike for found in re.finditer(re.escape(run), fragment)]
    for start, end in places:
        is_of_run = any(fragment[start:end] in run for run in alike)
        if not is_of_run or any(first <= start and end <= last for first, last in whole):
            yield start, end


def _cut(text: bytes, places: Sequence[tuple[int, int]]) -> tuple[str, ...]:
    """Cut a text at places that follow each other; those that touch are one."""
    pieces, at = [b""], 0
    for start, end in places:
        if len(pieces) > 1 and start == at:
            pieces[-2] += text[start:end]
        else:
            pieces[-1] = text[at:start]
            pieces += [text[start:end], b""]
        at = end
    pieces[-1] = text[at:]
    flowing = [re.sub(r"\s+", " ", piece.decode()) for piece in pieces]
    flowing[0] = flowing[0].lstrip()
    flowing[-1] = flowing[-1].rstrip()
    return tuple(flowing)


def _beginning(body: str) -> str:
    beginning = body[:SNIPPET_CHARS]
    whole = beginning.rpartition(" ")[0] if len(body) > SNIPPET_CHARS else beginning
    return whole if len(whole) > SNIPPET_CHARS // 2 else beginning  # not every script has spaces


def open_search(home: Home, words: str) -> Search:
    """Open the index with a question: words, "phrases", -words to leave out, headline:word; AND, OR, NOT, brackets.

    What is no question of that language is looked for word by word.

    Raises:
        SearchError: if there is no word to look for.
        NotPublishedError: if there is no index, or it is damaged.
    """
    why = "there is none"
    for _ in range(_TRIES):
        state = read_state(home)
        if state is None:
            break
        try:
            opened = OpenIndex(home.search / state.folder)
        except DamagedIndexError as error:
            why = str(error)
            continue  # it may have been made anew meanwhile
        asked = _read(words)
        query = _parse(opened.index, asked)
        return Search(home, opened, query, asked.runs, is_current=_is_current(home, state))
    raise _unreadable(home, why)


@contextmanager
def _explained(home: Home) -> Iterator[None]:
    try:
        with reading_index():
            yield
    except DamagedIndexError as error:
        raise _unreadable(home, str(error)) from error


def _unreadable(home: Home, why: str) -> NotPublishedError:
    if not has_place(home):
        return NotPublishedError(
            f"{home.search} is no folder, and the index has no place; move it away, and run copydesk publish."
        )
    return NotPublishedError(
        f"The index in {home.search} cannot be read ({why}); run copydesk publish, which makes it."
    )


def _is_current(home: Home, state: IndexState) -> bool:
    """Tell whether an index is of the newest commit, as far as can be told."""
    try:
        return lake_state(home) in {None, state.lake}
    except CatalogError:
        return True


class _Asked(NamedTuple):
    """A question as tantivy reads it.

    Attributes:
        whole: With brackets, fields and operators.
        words: Its words and phrases alone; those to be left out begin with a minus.
    """

    whole: str
    words: list[str]

    @property
    def runs(self) -> Sequence[str]:
        """Letters in a row that are looked for, of scripts that put no space between words."""
        asked = pl.Series([" ".join(word for word in self.words if not word.startswith("-"))])
        return tuple(asked.str.extract_all(UNSPACED_RUN).item())


def _read(words: str) -> _Asked:
    """Take a question apart.

    Raises:
        SearchError: if it is too long, or there is no word to look for.
    """
    words = unicodedata.normalize("NFC", words).translate(_STRAIGHT)
    if len(words) > MOST_CHARS:
        raise SearchError(f"The question has {len(words):,} characters; ask with {MOST_CHARS:,} at most.")
    asked = _take_apart(words)
    if all(word.startswith("-") for word in asked.words):
        raise SearchError(f"There is no word to look for in {words!r}.")
    return asked


def _take_apart(words: str) -> _Asked:
    parts: list[str] = []
    alone: list[str] = []
    signs, within = "", [""]  # what stands before the next word, and before the brackets that are open
    for found in _TOKEN.finditer(words):
        kind, text = str(found.lastgroup), found[str(found.lastgroup)]
        if kind in {"field", "without"} or (kind, text) == ("word", "NOT"):
            signs += text if kind == "field" else "-"  # AND NOT would ask for an article that is nothing else
            continue
        if text == "(":
            within.append("-" if "-" in signs else within[-1])
        elif text == ")":
            del within[max(len(within) - 1, 1) :]
        elif kind == "word" and text in _OPERATORS:
            pass
        elif any(char.isalnum() for char in text):
            text = '"' + text.replace("\\", " ") + '"'
            alone.append(("-" if "-" in signs else within[-1]) + text)
        else:
            text = signs = ""
        parts.append(f"{signs}{text}")
        signs = ""
    return _Asked(_WITHOUT_ALONE.sub(r"\1", " ".join(filter(None, parts))), alone)


def _parse(index: tantivy.Index, asked: _Asked) -> tantivy.Query:
    try:
        return index.parse_query(asked.whole, list(FIELDS), field_boosts=BOOSTS)
    except ValueError:  # a bracket or an operator too many
        return index.parse_query(" ".join(asked.words), list(FIELDS), field_boosts=BOOSTS)
