"""Learning from repetition: which lines recur across distinct articles of a source, and are proposed for removal.

Only proposes. No ingest removes a line because it recurs, as a record would then depend on what came before it; what
was accepted is a rule, and is applied in cleaning.

Lines are counted over all records of the source, stored and new, copies once, so that the figures are the same in
whatever order they came. So is the text that is shown: of the forms in the first article, by match key, the smallest.
Stored sightings have no text; where it is not known from an earlier row, it is read from a body.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from flows.run import WritingRun
from transforms.schema import BOILERPLATE_CANDIDATES, RECORDS
from transforms.source_lines import LEAST_ARTICLES, MOST_PROPOSED, PROPOSED, REMOVED_LINES, sight_lines

EXAMPLES = 3

_LINE = ("source", "line_key")

_KNOWN = """
    SELECT source, line_key, line AS known_line, status, proposed_at, decided_at
    FROM (SELECT * FROM boilerplate_candidates_history {decisions}) WHERE {of_source}
    QUALIFY row_number() OVER (PARTITION BY source, line_key ORDER BY commit_no DESC) = 1
"""

_COUNTED = """
    WITH known AS ({known}),
    fresh AS (SELECT source, line_key, match_key, record_id, line FROM read_parquet($lines)),
    sighted AS (
        SELECT *, false AS is_stored FROM fresh
        UNION ALL
        SELECT source, line_key, match_key, record_id, NULL, true FROM ops.line_sightings {stored}
    ),
    frequent AS (
        SELECT source, line_key FROM sighted GROUP BY ALL HAVING count(*) >= {least}
        UNION SELECT source, line_key FROM known
    ),
    by_article AS (
        SELECT source, line_key, match_key,
            min(record_id) AS record_id, min(line) AS line, bool_or(is_stored) AS is_stored
        FROM sighted SEMI JOIN frequent USING (source, line_key) GROUP BY ALL
    ),
    counted AS (
        SELECT source, line_key, count(*) AS articles, min_by(record_id, match_key, {examples}) AS examples,
            min(match_key) AS match_key, arg_min_null(line, match_key) AS fresh_line,
            arg_min_null(is_stored, match_key) AS is_first_stored
        FROM by_article GROUP BY ALL
    )
    SELECT * FROM (
        SELECT source, line_key, articles, examples, match_key, fresh_line, is_first_stored,
            known_line, coalesce(status, '{proposed}') AS status, proposed_at, decided_at
        FROM counted {join} JOIN known USING (source, line_key)
    )
    QUALIFY known_line IS NOT NULL OR articles >= {least}
        AND row_number() OVER (PARTITION BY source, status ORDER BY articles DESC, line_key) <= {most}
    ORDER BY source, line_key
"""

_FIRST_RECORDS = """
    SELECT DISTINCT record_id FROM ops.line_sightings SEMI JOIN read_parquet($lines) USING (source, line_key, match_key)
"""


@dataclass(frozen=True)
class Recount:
    """What a count of all lines of some sources has to know: files of decisions, and of records that are replaced.

    `decisions` has rows of `boilerplate_candidates`, `replaced` has `record_id`.
    """

    sources: Sequence[str]
    decisions: Path
    replaced: Path


def propose(run: WritingRun, lines: Sequence[Path], *, recount: Recount | None = None) -> None:
    """Stage `boilerplate_candidates`: what the `lines` of new records make of them; of whole sources in a `recount`.

    A line that was ever proposed keeps its row up to date, so that only a line without one has to be looked up.
    """
    counted = _count(run, lines, recount)
    if counted.is_empty():
        return
    is_decided = pl.col("status") != PROPOSED
    is_first_fresh = ~pl.col("is_first_stored")
    has_known_form = pl.col("known_line").is_not_null() & pl.lit(recount is None)
    form = (
        pl.when(is_decided | pl.col("match_key").is_null())
        .then("known_line")
        .when(is_first_fresh)
        .then("fresh_line")
        .when(has_known_form)
        .then(pl.min_horizontal("known_line", "fresh_line"))
    )
    worded = counted.with_columns(line=form).pipe(_look_up, run=run)
    stamped = worded.with_columns(
        proposed_at=pl.coalesce("proposed_at", pl.when(~is_decided).then(pl.lit(run.started_at))),
        run_id=pl.lit(run.run_id),
        commit_no=pl.lit(run.commit_no, dtype=pl.Int64),
    )
    stamped.select(BOILERPLATE_CANDIDATES.schema.names()).write_parquet(run.path(BOILERPLATE_CANDIDATES.name))


def _count(run: WritingRun, lines: Sequence[Path], recount: Recount | None) -> pl.DataFrame:
    """Count the articles of each line; where sources are counted anew, lines that none holds any more have 0."""
    figures = {"least": LEAST_ARTICLES, "most": MOST_PROPOSED, "proposed": PROPOSED, "examples": EXAMPLES}
    parameters: dict[str, object] = {"lines": [str(path) for path in lines]}
    if recount is None:
        known = _KNOWN.format(decisions="", of_source="true")
        stored, join = "SEMI JOIN fresh USING (source, line_key)", "LEFT"
    else:
        decisions = "UNION ALL BY NAME SELECT * FROM read_parquet($decisions)"
        known = _KNOWN.format(decisions=decisions, of_source="source IN (SELECT unnest($sources))")
        stored = "ANTI JOIN read_parquet($replaced) USING (record_id) WHERE source IN (SELECT unnest($sources))"
        join = "FULL"
        parameters |= {
            "sources": list(recount.sources),
            "decisions": str(recount.decisions),
            "replaced": str(recount.replaced),
        }
    counted = run.lake.query(_COUNTED.format(known=known, stored=stored, join=join, **figures), parameters)
    return counted.with_columns(pl.col("articles").fill_null(0), pl.col("examples").fill_null([]))


def _look_up(worded: pl.DataFrame, *, run: WritingRun) -> pl.DataFrame:
    """Find the form of lines that have none yet in the bodies of the stored records of their first article."""
    unknown = worded.filter(pl.col("line").is_null()).select(*_LINE, "match_key")
    if unknown.is_empty():
        return worded
    path = run.path("unknown_lines")
    unknown.write_parquet(path)
    first = run.lake.query(_FIRST_RECORDS, {"lines": str(path)}).get_column("record_id")
    is_first = pl.col("record_id").is_in(first.implode())
    first_bodies = run.lake.rows(RECORDS).filter(is_first).select("source", "match_key", "record_id", "body").collect()
    sighted = sight_lines(first_bodies, removed=pl.DataFrame(schema=REMOVED_LINES)).rename({"line": "found"})
    forms = sighted.join(first_bodies.drop("body"), on="record_id").join(unknown, on=[*_LINE, "match_key"], how="semi")
    found = worded.join(forms.group_by(_LINE).agg(pl.col("found").min()), on=_LINE, how="left", maintain_order="left")
    return found.with_columns(line=pl.coalesce("line", pl.min_horizontal("found", "fresh_line")))
