"""The index that articles are searched by: made of the tables, beside them, and never needed to make them anew.

tantivy finds words and phrases in headline, dek and body, and ranks by BM25 (Robertson and Zaragoza 2009, "The
Probabilistic Relevance Framework: BM25 and Beyond"). Words are runs of letters, marks and digits, without regard to
case and to accents on Latin letters, so that they are found in any script that parts them by spaces. Texts are not kept
in the index, only which words stand where.

`search/state.json` says which folder beside it is the index, and of which commit it is. A run adds what it changed;
where it cannot know that, as texts were cleaned anew or withdrawn, the index is made anew in another folder, and the
old one removed: nothing of a withdrawn text stays in it. Readers have the files that they opened.
"""

import json
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson
import polars as pl
import tantivy

from warehouse.files import write_synced
from warehouse.home import Home
from warehouse.journal_entry import DISMISS, INGEST, MUTE, NEW_PATHS, REPLAY, WATCH
from warehouse.lake import Lake, LakeState, lake_state

FORMAT = 1
"""To be raised where an index of before would not be read, or would find other things."""

FIELDS = ("headline", "dek", "body")
BOOSTS = {"headline": 2.0, "dek": 1.5}
"""What a word counts for in a field, where one in the body counts for 1."""

_ADDING = frozenset({INGEST, NEW_PATHS, REPLAY, DISMISS, MUTE, WATCH})
"""Kinds of commits that change no text which was there."""

_MANY = 2_000
"""Articles from which on it takes several threads, and memory to match."""
_FEW_BYTES, _MANY_BYTES, _THREADS = 15_000_000, 256_000_000, 2

_SNAPSHOTS = """
    SELECT min(snapshot_id) AS first, list(commit_extra_info) FILTER (WHERE snapshot_id > $commit_no) AS entries
    FROM ducklake_snapshots('lake')
"""
_CHANGED = "SELECT DISTINCT article_id FROM articles_history WHERE commit_no > $commit_no"
_ARTICLES = """
    SELECT a.article_id, a.headline, a.dek, r.body
    FROM (
        SELECT article_id, canonical_record_id, headline, dek, record_count FROM articles_history {which}
        QUALIFY row_number() OVER (PARTITION BY article_id ORDER BY commit_no DESC) = 1
    ) AS a
    INNER JOIN records AS r ON r.record_id = a.canonical_record_id
    WHERE a.record_count IS DISTINCT FROM 0
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
    except (OSError, ValueError, TypeError):
        return None
    is_there = state.format == FORMAT and (home.search / state.folder / "meta.json").exists()
    return state if is_there else None


def update_index(lake: Lake) -> int:
    """Bring the index up to the newest commit; return how many articles were read. The caller has the writer's lock.

    What a killed run left behind is made up for: an article is added again as often as need be.
    """
    now = lake_state(lake.home)
    if now is None:
        return 0
    state = read_state(lake.home)
    if state is None or not _is_added_to(lake, state, catalog_id=now.catalog_id):
        return _make_anew(lake, IndexState(f"{now.snapshot:08}-{now.catalog_id[:8]}", now.catalog_id, now.snapshot))
    if state.lake == now:
        return 0
    changed = lake.query(_CHANGED, {"commit_no": state.commit_no})["article_id"]
    if changed.len():
        ids = changed.to_list()
        rows = lake.scan(_ARTICLES.format(which="WHERE article_id IN (SELECT unnest($ids))"), {"ids": ids})
        _write(lake.home.search / state.folder, rows, gone=ids, is_large=len(ids) > _MANY)
    _note(lake.home, IndexState(state.folder, state.catalog_id, now.snapshot))
    return changed.len()


def _is_added_to(lake: Lake, state: IndexState, *, catalog_id: str) -> bool:
    """Tell whether, since the commit of the index, no text changed that was there."""
    if state.catalog_id != catalog_id:
        return False
    first, entries = lake.query(_SNAPSHOTS, {"commit_no": state.commit_no}).row(0)
    kinds = {orjson.loads(entry)["kind"] for entry in entries or () if entry is not None}
    return first <= state.commit_no and kinds <= _ADDING


def _make_anew(lake: Lake, state: IndexState) -> int:
    folder = lake.home.search / state.folder
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    count = _write(folder, lake.scan(_ARTICLES.format(which=""), {}), gone=(), is_large=True)
    _note(lake.home, state)
    for path in lake.home.search.iterdir():
        if path.is_dir() and path != folder:
            shutil.rmtree(path, ignore_errors=True)
    return count


def _note(home: Home, state: IndexState) -> None:
    write_synced(home.search / "state.json", json.dumps(asdict(state)).encode())


def _write(folder: Path, rows: Iterator[pl.DataFrame], *, gone: "list[str] | tuple[str, ...]", is_large: bool) -> int:
    index, count = open_index(folder), 0
    threads, size = (_THREADS, _MANY_BYTES) if is_large else (1, _FEW_BYTES)
    writer = index.writer(heap_size=size, num_threads=threads)
    for article_id in gone:
        writer.delete_documents_by_term("article_id", article_id)
    for some in rows:
        for article_id, *texts in some.select("article_id", *FIELDS).iter_rows():
            given = {field: text for field, text in zip(FIELDS, texts, strict=True) if text is not None}
            writer.add_document(tantivy.Document(article_id=article_id, **given))
        count += some.height
    writer.commit()
    writer.wait_merging_threads()
    return count


def open_index(folder: Path) -> tantivy.Index:
    """Open the index in a folder, or begin one in an empty folder."""
    index = tantivy.Index(schema(), path=str(folder))
    words = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.regex(r"[\p{L}\p{M}\p{N}]+"))
    lower = words.filter(tantivy.Filter.lowercase()).filter(tantivy.Filter.ascii_fold())
    index.register_tokenizer("words", lower.build())
    return index


def schema() -> tantivy.Schema:
    """Return the fields of the index: the id, and texts of which only words and their places are kept."""
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("article_id", stored=True, tokenizer_name="raw", index_option="basic")
    for field in FIELDS:
        builder.add_text_field(field, stored=False, tokenizer_name="words", index_option="position")
    return builder.build()
