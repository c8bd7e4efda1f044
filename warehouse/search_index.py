"""The index that articles are searched by: made of the tables, beside them, and never needed to make them anew.

tantivy finds words and phrases in headline, dek and body, and ranks by BM25 (Robertson and Zaragoza 2009, "The
Probabilistic Relevance Framework: BM25 and Beyond"). Words are runs of letters, marks and digits, without regard to
case and to accents on Latin letters, so that they are found in any script that parts them by spaces. In scripts that do
not, each letter with its marks is a word of its own, and what is looked for is letters in a row. Texts are not kept in
the index, only which words stand where.

`search/state.json` says which folder beside it is the index, and of which commit it is. A run adds what it changed;
where it cannot know that, as texts were cleaned anew or withdrawn, the index is made anew in another folder, and the
old one removed: nothing of a withdrawn text stays in it. Readers have the files that they opened.

A damaged index is made anew where adding to it fails, or where nothing is to be added and `check_index` finds it: its
cost grows with the index (0.1 s for 100 MB), so that a run, which adds, does without.
"""

import json
import shutil
import uuid
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import orjson
import polars as pl
import tantivy

from transforms.schema import RECORDS
from warehouse.catalog_file import LakeState, lake_state
from warehouse.files import names_in, write_synced
from warehouse.home import Home
from warehouse.journal_entry import DISMISS, INGEST, MUTE, NEW_PATHS, REPLAY, WATCH
from warehouse.lake import Lake
from warehouse.open_index import DamagedIndexError, OpenIndex, check_index, reading_index
from warehouse.search_schema import FIELDS, analyzer, parted, schema

FORMAT = 2
"""To be raised where an index of before would not be read, or would find other things."""

_ADDING = frozenset({INGEST, NEW_PATHS, REPLAY, DISMISS, MUTE, WATCH})
"""Kinds of commits that change no text which was there."""

_MANY = 2_000
"""Articles from which on it takes several threads, and memory to match."""
_AT_ONCE = 8_192
_FEW_BYTES, _MANY_BYTES, _THREADS = 15_000_000, 256_000_000, 2

_SNAPSHOTS = """
    SELECT min(snapshot_id) AS first, list(commit_extra_info) FILTER (WHERE snapshot_id > $commit_no) AS entries
    FROM ducklake_snapshots('lake')
"""
_CHANGED = "SELECT DISTINCT article_id FROM articles_history WHERE commit_no > $commit_no"
_ARTICLES = """
    SELECT article_id, canonical_record_id AS record_id, headline, dek FROM (
        SELECT article_id, canonical_record_id, headline, dek, record_count FROM articles_history {which}
        QUALIFY row_number() OVER (PARTITION BY article_id ORDER BY commit_no DESC) = 1
    )
    WHERE record_count IS DISTINCT FROM 0
"""


@dataclass(frozen=True)
class IndexState:
    """What an index is of.

    Attributes:
        folder: Name of its folder.
        catalog_id: Catalog of the commit.
        commit_no: Commit up to which it has all articles.
        format: Version of its fields and words.
    """

    folder: str
    catalog_id: str
    commit_no: int
    format: int = FORMAT

    @property
    def lake(self) -> LakeState:
        """State of the lake that the index is of."""
        return LakeState(self.catalog_id, self.commit_no)


def read_state(home: Home) -> IndexState | None:
    """Return what the index is of; null where there is none that this version reads."""
    try:
        state = IndexState(**json.loads((home.search / "state.json").read_bytes()))
    except (OSError, ValueError, TypeError, RecursionError):
        return None
    typed = ((state.folder, str), (state.catalog_id, str), (state.commit_no, int), (state.format, int))
    if not all(isinstance(value, of) for value, of in typed) or state.format != FORMAT:
        return None
    is_name = state.folder.isprintable() and Path(state.folder).name == state.folder
    return state if is_name and (home.search / state.folder / "meta.json").exists() else None


def has_place(home: Home) -> bool:
    """Tell whether the folder of the index is one, or can be made: a file of that name is not ours to remove."""
    return home.search.is_dir() or not (home.search.exists() or home.search.is_symlink())


def update_index(lake: Lake) -> int:
    """Bring the index up to the newest commit; return how many articles were read. The caller has the writer's lock.

    What a killed run left behind is made up for: an article is added again as often as need be.
    """
    now = lake_state(lake.home)
    if now is None:
        return 0
    state = read_state(lake.home)
    if state is not None and _is_added_to(lake, state, now=now):
        with suppress(DamagedIndexError):
            count = _add(lake, state, now=now)
            _remove_others(lake.home, state.folder)
            return count
    return _make_anew(lake, now)


def is_of_before(home: Home) -> bool:
    """Tell whether an index is kept that is not of the newest commit: it may have words of a withdrawn text."""
    state = read_state(home)
    is_current = state is not None and state.lake == lake_state(home)
    kept = {state.folder} if state is not None and is_current else set()
    return any((home.search / name).is_dir() and name not in kept for name in names_in(home.search))


def _add(lake: Lake, state: IndexState, *, now: LakeState) -> int:
    folder = lake.home.search / state.folder
    if state.lake == now:
        check_index(folder)
        return 0
    OpenIndex(folder)
    changed = lake.query(_CHANGED, {"commit_no": state.commit_no})["article_id"]
    if changed.len():
        _write(folder, _texts(lake, changed), gone=changed.to_list(), is_large=changed.len() > _MANY)
    _note(lake.home, replace(state, commit_no=now.snapshot))
    return changed.len()


def _is_added_to(lake: Lake, state: IndexState, *, now: LakeState) -> bool:
    """Tell whether, since the commit of the index, no text changed that was there."""
    if state.catalog_id != now.catalog_id or state.commit_no > now.snapshot:
        return False
    first, entries = lake.query(_SNAPSHOTS, {"commit_no": state.commit_no}).row(0)
    kinds = {orjson.loads(entry)["kind"] for entry in entries or () if entry is not None}
    return first <= state.commit_no and kinds <= _ADDING


def _make_anew(lake: Lake, now: LakeState) -> int:
    folder = lake.home.search / f"{now.snapshot:08}-{uuid.uuid4().hex[:8]}"
    folder.mkdir(parents=True)
    tantivy.Index(schema(), path=str(folder))
    count = _write(folder, _texts(lake), gone=(), is_large=True)
    _note(lake.home, IndexState(folder.name, now.catalog_id, now.snapshot))
    _remove_others(lake.home, folder.name)
    return count


def _remove_others(home: Home, folder: str) -> None:
    for path in home.search.iterdir():
        if path.is_dir() and path.name != folder:
            shutil.rmtree(path, ignore_errors=True)


def _texts(lake: Lake, article_ids: pl.Series | None = None) -> Iterator[pl.DataFrame]:
    """Yield ids and texts of articles, of some, or of all.

    Rows are filtered by the ids of records where these are stored: of a row group without one no body is read.
    """
    which = "" if article_ids is None else "WHERE article_id IN (SELECT unnest($ids))"
    parameters = {} if article_ids is None else {"ids": article_ids.to_list()}
    articles = lake.query(_ARTICLES.format(which=which), parameters)
    records = lake.rows(RECORDS).select("record_id", "body")
    for some in articles.iter_slices(_AT_ONCE):
        ids = some["record_id"]
        bodies = records.filter(pl.col("record_id").is_in(ids.implode())).collect()
        yield some.join(bodies, on="record_id")


def _note(home: Home, state: IndexState) -> None:
    write_synced(home.search / "state.json", json.dumps(asdict(state)).encode())


@reading_index()
def _write(folder: Path, rows: Iterator[pl.DataFrame], *, gone: Sequence[str], is_large: bool) -> int:
    index, count = tantivy.Index.open(str(folder)), 0
    index.register_tokenizer("words", analyzer(tantivy.Tokenizer.whitespace()))
    threads, size = (_THREADS, _MANY_BYTES) if is_large else (1, _FEW_BYTES)
    writer = index.writer(heap_size=size, num_threads=threads)
    for article_id in gone:
        writer.delete_documents_by_term("article_id", article_id)
    for some in rows:
        for article_id, *texts in some.select("article_id", parted(pl.col(FIELDS))).iter_rows():
            given = {field: text for field, text in zip(FIELDS, texts, strict=True) if text is not None}
            writer.add_document(tantivy.Document(article_id=article_id, **given))
        count += some.height
    writer.commit()
    writer.wait_merging_threads()
    return count
