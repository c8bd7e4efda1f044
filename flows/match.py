"""Matching: which article each new record belongs to.

Texts are matched first (see `flows.match_texts`). A new text, or one that is gone, may change the article of every text
that it is related to, and of those that these are related to: this component is placed anew as a whole, so that the
order in which its records came does not show. All other records stay where they are, and nothing is read of them.
"""

from collections import Counter
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from string import hexdigits

import polars as pl

from flows.learn import propose
from flows.run import COMPILING, Progress, WritingRun
from flows.validate import accepted_sources
from transforms.articles import choose_fields, describe_articles, likely_ids, name_articles
from transforms.duplicates import (
    COPIES,
    FORMER_COLUMNS,
    MEMBER_COLUMNS,
    count_copies,
    fits_text,
    is_moved,
    place_records,
)
from transforms.ops_schema import FINGERPRINTS, MATCHES
from transforms.schema import ARTICLE_FIELDS, ARTICLE_REDIRECTS, ARTICLES, RECORD_ARTICLES, RECORDS

PLACED = (RECORD_ARTICLES, ARTICLES, ARTICLE_FIELDS, ARTICLE_REDIRECTS, FINGERPRINTS, MATCHES)
"""Tables that matching stages rows of."""

PARTITION_RECORDS = 100_000
"""Most new texts without a relation placed at a time: 160 MB, whatever their number."""

MOST_SAME_HEADLINES = 20
"""Stored records up to which a headline is looked up on other articles; where more have it, it is known already that
it stands on several."""

HEX = hexdigits[:16]

REPLACED = pl.Schema({"record_id": pl.String(), "match_key": pl.String()})
"""What has to be known of a record that is replaced."""

SET_ASIDE = "set_aside"
"""Staged file of the ids of records whose stored rows, if there are any, do not count."""

GONE = "gone_texts"
"""Staged file of the `match_key` of texts that no record has any more, where some were replaced."""

MATCH_COUNTS = "match_counts"
"""Staged file of what matching came to."""

_RELATED = """
    SELECT * FROM ops.matches
    WHERE one_key IN (SELECT match_key FROM read_parquet($keys))
        OR other_key IN (SELECT match_key FROM read_parquet($keys))
"""
_FORMER = """
    SELECT record_id, article_id AS was_article, relation AS was_relation, matched_record_id AS was_match,
        jaccard AS was_jaccard
    FROM record_articles_history SEMI JOIN read_parquet($records) USING (record_id)
    QUALIFY row_number() OVER (PARTITION BY record_id ORDER BY commit_no DESC) = 1
"""
_TAKEN = "SELECT DISTINCT article_id FROM articles_history SEMI JOIN read_parquet($ids) USING (article_id)"
_SAME_HEADLINE = """
    SELECT headline, match_key FROM records SEMI JOIN read_parquet($headlines) USING (headline)
    ANTI JOIN read_parquet($set_aside) USING (record_id)
    WHERE NOT list_contains(flags, 'headline_mismatch')
"""
_FORMER_HEADLINES = "SELECT DISTINCT headline FROM records SEMI JOIN read_parquet($replaced) USING (record_id)"
_SHARING_HEADLINE = f"""
    SELECT match_key FROM ({_SAME_HEADLINE}) QUALIFY count(*) OVER (PARTITION BY headline) <= {MOST_SAME_HEADLINES}
"""
_OF_SEVERAL = """
    SELECT match_key FROM read_parquet($keys)
    WHERE match_key IN (SELECT one_key FROM ops.matches UNION SELECT other_key FROM ops.matches)
        OR match_key IN (
            SELECT match_key FROM records SEMI JOIN read_parquet($keys) USING (match_key)
            GROUP BY match_key HAVING count(*) > 1
        )
"""
_REDIRECTED = """
    SELECT article_id, moved_to FROM (
        SELECT * FROM article_redirects_history
        QUALIFY row_number() OVER (PARTITION BY article_id ORDER BY commit_no DESC) = 1
    ) WHERE moved_to IN (SELECT article_id FROM read_parquet($ids))
"""


def match(run: WritingRun) -> None:
    """Stage what the new records change about texts and articles, and lines that now recur."""
    accepted = accepted_sources(run)
    staged = run.staged("records", sources=accepted)
    run.on_progress(Progress("matching"))
    if not staged:
        return
    place(run, staged)
    propose(run, run.staged("lines", sources=accepted))


def place(run: WritingRun, staged: list[Path], *, replaced: Path | None = None, is_stored: bool = False) -> None:
    """Stage rows of the PLACED tables, as far as the records of `staged` files touch them.

    `replaced` is a file of `record_id` and `match_key`, as they were, of records that the staged ones replace, or that
    go; texts that are left without a record are staged as GONE. Where it `is_stored`, what is staged are the files of
    the lake: all records, and no new one.
    """
    from flows.match_texts import flag_reused, match_texts  # noqa: PLC0415 -- 0.3 s for the compiler, if there is news
    from transforms.compiled import watch_compilation  # noqa: PLC0415 -- the same

    folder = run.folder / "matched"
    folder.mkdir()
    before = pl.DataFrame(schema=REPLACED) if replaced is None else pl.read_parquet(replaced, columns=list(REPLACED))
    gone = None if replaced is None else _find_gone(run, staged, before)
    with watch_compilation(lambda: run.on_progress(COMPILING)):
        matched = match_texts(run, staged, folder, gone=gone, is_stored=is_stored)
    if not is_stored:
        flag_reused(staged, matched.reused)
    set_aside = pl.concat([pl.scan_parquet(staged).select("record_id").collect(), before.select("record_id")])
    set_aside.unique().write_parquet(run.path(SET_ASIDE))
    new = pl.scan_parquet(staged).select("match_key").unique().collect()
    touched = pl.concat([new, before.select("match_key"), _share_headline(run, staged, replaced)]).unique()
    related = _component(run, touched, matched.matches)
    connected = pl.concat([related.select(match_key=side) for side in ("one_key", "other_key")]).unique()
    has_placed = is_stored or replaced is not None
    placing = _Placing(run, staged, folder, new_texts=matched.new, has_placed=has_placed)
    alone = matched.new.clear() if has_placed else matched.new.join(connected, on="match_key", how="anti")
    # Records that were placed before are placed at one time, as an id of theirs may go to one article only.
    placing.place("related", pl.concat([touched, connected]).unique().join(alone, on="match_key", how="anti"), related)
    for digits in _partitions(alone.height):
        placing.place(f"alone{digits}", alone.filter(pl.col("match_key").str.starts_with(digits)), related.clear())
    placing.counts["texts_left_out"] = matched.left_out
    pl.DataFrame([placing.counts]).write_parquet(run.path(MATCH_COUNTS))


def _find_gone(run: WritingRun, staged: list[Path], before: pl.DataFrame) -> pl.DataFrame:
    """Find the texts of replaced records that neither what replaces them nor any other record has; also staged."""
    kept = pl.scan_parquet(staged).select("match_key")
    left = before.lazy().select("match_key").unique().join(kept, on="match_key", how="anti").collect()
    of_texts = pl.col("match_key").is_in(left.get_column("match_key").implode())
    others = run.lake.rows(RECORDS).select(REPLACED.names()).filter(of_texts)
    elsewhere = others.join(before.lazy(), on="record_id", how="anti").collect()
    gone = left.join(elsewhere, on="match_key", how="anti")
    gone.write_parquet(run.path(GONE))
    return gone


def _share_headline(run: WritingRun, staged: list[Path], replaced: Path | None) -> pl.DataFrame:
    """Stored texts that bear the headline of a new record, or a former one, if they have others to choose from."""
    headlines, path = run.path("headlines"), run.path("touched_texts")
    given = [pl.scan_parquet(staged).select("headline").collect()]
    if replaced is not None:
        given.append(run.lake.query(_FORMER_HEADLINES, {"replaced": str(replaced)}))
    pl.concat(given).drop_nulls().unique().write_parquet(headlines)
    same = run.lake.query(
        _SHARING_HEADLINE, {"headlines": str(headlines), "set_aside": str(run.path(SET_ASIDE))}
    ).unique()
    same.write_parquet(path)
    return run.lake.query(_OF_SEVERAL, {"keys": str(path)}) if same.height else same


def _component(run: WritingRun, touched: pl.DataFrame, found: pl.DataFrame) -> pl.DataFrame:
    """All matches of texts that are touched, of those that they are related to, and so on."""
    path = run.path("touched_texts")
    related, known = found, -1
    while related.height != known:
        known = related.height
        keys = [touched, related.select(match_key="one_key"), related.select(match_key="other_key")]
        pl.concat(keys).unique().write_parquet(path)
        stored = run.lake.query(_RELATED, {"keys": str(path)}).select(found.columns)
        related = pl.concat([found, stored]).unique(["one_key", "other_key"])
    return related


def _partitions(records: int) -> Iterator[str]:
    """Yield the first digits of the keys to place at a time; keys are digests, so that parts are of one size."""
    count = 0
    while records > PARTITION_RECORDS * len(HEX) ** count:
        count += 1
    return map("".join, product(HEX, repeat=count))


class _Placing:
    """Places records among each other, stages what that changes, and counts it."""

    def __init__(
        self, run: WritingRun, staged: list[Path], folder: Path, *, new_texts: pl.DataFrame, has_placed: bool
    ) -> None:
        self._run = run
        self._staged = staged
        self._folder = folder
        self._new_texts = new_texts
        self._has_placed = has_placed
        self.counts = Counter(dict.fromkeys((*COPIES, "articles_new", "articles_joined", "articles_split"), 0))

    def place(self, name: str, keys: pl.DataFrame, related: pl.DataFrame) -> None:
        """Place all records of texts that are related to each other, and to no others."""
        if keys.is_empty():
            return
        members = self._members(keys)
        if members.is_empty():
            return
        placed = place_records(members, related, self._run.settings.duplicates)
        named = name_articles(placed, taken=self._taken(members), salt=self._run.run_id)
        has_lost = pl.col("was_article").count().over("was_article") > 1
        is_chosen = (pl.len().over("article_id") > 1) | has_lost
        several = named.placed.filter(is_chosen)
        fields = choose_fields(several.with_columns(is_elsewhere=self._is_elsewhere(several)))
        articles = describe_articles(named.placed, fields)
        gone = named.redirects.select("article_id", record_count=pl.lit(0, pl.Int64))
        frames = {
            RECORD_ARTICLES: named.placed.filter(is_moved()),
            ARTICLES: pl.concat([articles, gone], how="diagonal"),
            ARTICLE_FIELDS: fields,
            ARTICLE_REDIRECTS: self._redirects(named.redirects),
        }
        for table, rows in frames.items():
            columns = [column for column in table.schema.names() if column in rows.columns]
            decided = rows.select(columns).pipe(_decided_by, run=self._run)
            decided.write_parquet(self._folder / f"{table.name}-{name}.parquet")
        self.counts.update(count_copies(named.placed))
        self.counts.update(
            articles_new=int(articles["is_new"].sum()), articles_joined=gone.height, articles_split=named.split
        )

    def _members(self, keys: pl.DataFrame) -> pl.DataFrame:
        """Read the records of texts, new and stored, and where each was placed before."""
        wanted = keys.get_column("match_key").implode()
        new = pl.scan_parquet(self._staged).select(MEMBER_COLUMNS).filter(pl.col("match_key").is_in(wanted)).collect()
        stored = self._stored_members(keys.join(self._new_texts, on="match_key", how="anti"))
        members = pl.concat([new, stored.cast(new.schema)])
        placed = members if self._has_placed else stored
        path = self._run.path("placed_records")
        placed.select("record_id").write_parquet(path)
        former = pl.DataFrame(schema={"record_id": pl.String(), **FORMER_COLUMNS})
        if placed.height:
            former = self._run.lake.query(_FORMER, {"records": str(path)}).cast(former.schema)
        return members.join(former, on="record_id", how="left", maintain_order="left")

    def _stored_members(self, keys: pl.DataFrame) -> pl.DataFrame:
        """Read the records of texts that are stored, and stay as they are."""
        if keys.is_empty():
            return pl.DataFrame(schema={name: RECORDS.schema[name] for name in MEMBER_COLUMNS})
        of_texts = pl.col("match_key").is_in(keys.get_column("match_key").implode())
        stored = self._run.lake.rows(RECORDS).filter(of_texts).select(MEMBER_COLUMNS)
        set_aside = pl.scan_parquet(self._run.path(SET_ASIDE))
        return stored.join(set_aside, on="record_id", how="anti", maintain_order="left").collect()

    def _taken(self, members: pl.DataFrame) -> frozenset[str]:
        """Which of the ids that new articles would get are given away."""
        path = self._run.path("likely_ids")
        pl.DataFrame({"article_id": likely_ids(members.get_column("match_key").unique())}).write_parquet(path)
        return frozenset(self._run.lake.query(_TAKEN, {"ids": str(path)}).get_column("article_id"))

    def _is_elsewhere(self, placed: pl.DataFrame) -> pl.Series:
        """Whether the headline of each record stands on a record of another article too."""
        path = self._run.path("headlines")
        headlines = placed.select("headline").drop_nulls().unique()
        headlines.write_parquet(path)
        stored = self._run.lake.query(
            _SAME_HEADLINE, {"headlines": str(path), "set_aside": str(self._run.path(SET_ASIDE))}
        )
        staged = pl.scan_parquet(self._staged).filter(fits_text()).select("headline", "match_key")
        new = staged.filter(pl.col("headline").is_in(headlines.get_column("headline").implode())).collect()
        texts = pl.concat([stored, new]).group_by("headline").agg(texts=pl.col("match_key").n_unique())
        own = pl.col("match_key").filter(fits_text()).n_unique().over("article_id", "headline")
        counted = placed.join(texts, on="headline", how="left", maintain_order="left")
        return counted.select((pl.col("texts") > own).fill_null(value=False).alias("is_elsewhere")).to_series()

    def _redirects(self, redirects: pl.DataFrame) -> pl.DataFrame:
        """Add the redirects that pointed to what is no more."""
        if redirects.is_empty():
            return redirects
        path = self._run.path("likely_ids")
        redirects.select("article_id").write_parquet(path)
        earlier = self._run.lake.query(_REDIRECTED, {"ids": str(path)})
        further = earlier.join(redirects, left_on="moved_to", right_on="article_id", suffix="_now")
        return pl.concat([redirects, further.select("article_id", moved_to="moved_to_now")])


def _decided_by(rows: pl.DataFrame, *, run: WritingRun) -> pl.DataFrame:
    return rows.with_columns(
        run_id=pl.lit(run.run_id), decided_at=pl.lit(run.started_at), commit_no=pl.lit(run.commit_no, dtype=pl.Int64)
    )
