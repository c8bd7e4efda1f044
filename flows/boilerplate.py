"""Deciding on the lines that a source repeats: an accepted line is a rule of its source, a rejected one is none.

A decision holds for all records of the source. Those that are in are cleaned again in the commit that records it
(see `flows.reclean`), those that come later are cleaned by it. Rejecting an accepted line puts the text back.
"""

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from flows import steps
from flows.load import ConservationError
from flows.reclean import Restaged, commit_again, place_again, restage
from flows.run import NOTHING_PLANNED, OnProgress, Request, WritingRun
from flows.settings import Settings
from flows.steps import OnWait
from transforms.schema import BOILERPLATE_CANDIDATES
from transforms.source_lines import ACCEPTED, KEY_DIGITS, MOST_LINE_CHARS, REJECTED, holds_line, line_keys
from warehouse.journal_entry import RECLEAN, Entry
from warehouse.publish import is_stale

NAMED = 3
"""Records that a refusal names at most."""

_KEY = re.compile(rf"[0-9a-f]{{{KEY_DIGITS}}}")

_TEXTS = f"""
    WITH of_source AS (SELECT record_id, body FROM records WHERE source = $source)
    SELECT record_id, body FROM of_source
    UNION ALL
    SELECT record_id, text FROM spans SEMI JOIN of_source USING (record_id)
    WHERE action = 'remove' AND length(text) <= {4 * MOST_LINE_CHARS}
"""
"""Bodies, and pieces that another rule removed: an accepted line may come first."""

_SIGHTED = """
    SELECT DISTINCT record_id FROM ops.line_sightings
    WHERE source = $source AND line_key IN (SELECT unnest($keys))
"""


class UnknownLineError(Exception):
    """A line was named that cannot be decided on; the message says why, and what can."""


class RefusedError(Exception):
    """Records would no longer meet a critical rule; nothing was changed."""


@dataclass(frozen=True)
class Verdict:
    """What to decide: `status`, accepted or rejected, of lines of a source that are named by text or by key."""

    source: str
    named: Sequence[str]
    status: str


@dataclass(frozen=True)
class Change:
    """A change of the accepted lines of a source.

    Attributes:
        source: The source.
        boilerplate: All its accepted lines from now on.
        begun: Keys of the lines that are removed from now on.
        ended: Keys of those that are removed no more.
        decisions: Rows of `boilerplate_candidates` that hold what was decided.
    """

    source: str
    boilerplate: tuple[str, ...]
    begun: Sequence[str]
    ended: Sequence[str]
    decisions: pl.DataFrame


@dataclass(frozen=True)
class Recleaned:
    """Records whose body changed, articles that these belonged to, and one of them with its length before and after."""

    records: int
    articles: int
    example: tuple[str, int, int] | None


@dataclass(frozen=True)
class Decided:
    """What a verdict came to.

    Attributes:
        lines: Lines of which it is news.
        recleaned: What that changes; null where it is no news of any line.
        run_id: Run that recorded it; null in a dry run, and where there was no news.
    """

    lines: Sequence[str]
    recleaned: Recleaned | None = None
    run_id: str | None = None


def decide(
    settings: Settings,
    verdict: Verdict,
    *,
    is_dry_run: bool = False,
    repeated: Entry | None = None,
    on_wait: OnWait = lambda _: None,
    on_progress: OnProgress = lambda _: None,
) -> Decided:
    """Record what was decided, clean the records that it concerns again, and publish both; a dry run only looks.

    Raises:
        UnknownLineError: if a line cannot be decided on.
        RefusedError: if a record would not be accepted any more; nothing has changed then.
        ConservationError: if a record is not found again in its drop; nothing has changed then.
    """
    steps.prepare(settings.home)
    with steps.open_run(
        Request(settings), NOTHING_PLANNED, purpose=RECLEAN, repeated=repeated, on_wait=on_wait, on_progress=on_progress
    ) as run:
        if is_stale(settings.home):
            steps.publish(run.lake)
        known = run.lake.latest(BOILERPLATE_CANDIDATES).filter(pl.col("source") == verdict.source)
        chosen = _choose(verdict, known)
        news = chosen.filter(pl.col("status").ne_missing(pl.lit(verdict.status)))
        if news.is_empty():
            return Decided(())
        change = _change(run, verdict, known, news)
        restaged = restage(run, _find_concerned(run, change), {change.source: change.boilerplate})
        _refuse_losses(restaged, change.source)
        recleaned = _compare(run, restaged.replaced)
        if not is_dry_run:
            place_again(run, restaged, decisions=change.decisions)
            lines = change.decisions["line"].to_list()
            entry = run.entry(RECLEAN, source=change.source, status=verdict.status, lines=lines)
            commit_again(run, kind=RECLEAN, entry=entry)
        return Decided(news["line"].to_list(), recleaned, None if is_dry_run else run.run_id)


def _choose(verdict: Verdict, known: pl.DataFrame) -> pl.DataFrame:
    """Return `line_key`, `line` and present `status` (null where there is none) of the lines that are named."""
    texts = dict(known.select("line_key", "line").iter_rows())
    lines = [texts.get(name) or _as_line(name, verdict.source) for name in verdict.named]
    line = pl.Series("line", lines, dtype=pl.String)
    named = pl.DataFrame([line_keys(line), line]).unique("line_key", keep="first", maintain_order=True)
    chosen = named.join(known.select("line_key", "status"), on="line_key", how="left", maintain_order="left")
    strangers = chosen.filter(pl.col("status").is_null())
    if verdict.status == REJECTED and strangers.height:
        raise UnknownLineError(
            f"{strangers['line'][0]!r} is neither proposed nor accepted for {verdict.source}; "
            f"copydesk boilerplate list --source {shlex.quote(verdict.source)} shows the lines that are."
        )
    return chosen


def _as_line(name: str, source: str) -> str:
    """Read what was named as the text of a line."""
    line = " ".join(name.split())
    if _KEY.fullmatch(line):
        raise UnknownLineError(
            f"{line} is no line of {source}; copydesk boilerplate list shows the ids of each source."
        )
    if len(line) > MOST_LINE_CHARS:
        raise UnknownLineError(f"A line has {MOST_LINE_CHARS} characters at most, and {line[:40]!r}… has {len(line)}.")
    if line_keys(pl.Series([line])).item() is None:
        raise UnknownLineError(f"{line!r} has neither letter nor digit; such a line cannot be told from others.")
    return line


def _change(run: WritingRun, verdict: Verdict, known: pl.DataFrame, news: pl.DataFrame) -> Change:
    lines = ("line_key", "line")
    accepted = known.filter(pl.col("status") == ACCEPTED).select(lines)
    ended = accepted.join(news, on="line_key", how="semi")
    begun = news.select(lines) if verdict.status == ACCEPTED else ended.clear()
    boilerplate = pl.concat([accepted.join(news, on="line_key", how="anti"), begun]).sort("line_key")
    proposed_at = known.select("line_key", "proposed_at")
    decisions = news.join(proposed_at, on="line_key", how="left").with_columns(
        source=pl.lit(verdict.source),
        status=pl.lit(verdict.status),
        decided_at=pl.lit(run.started_at),
        run_id=pl.lit(run.run_id),
        commit_no=pl.lit(run.commit_no, dtype=pl.Int64),
    )
    return Change(
        source=verdict.source,
        boilerplate=tuple(boilerplate["line"]),
        begun=begun["line_key"].to_list(),
        ended=ended["line_key"].to_list(),
        decisions=decisions,
    )


def _find_concerned(run: WritingRun, change: Change) -> pl.DataFrame:
    """Find the records that hold a line, or held it: `record_id`."""
    found = [pl.DataFrame(schema={"record_id": pl.String()})]
    of_source = {"source": change.source}
    if change.begun:
        found += [holds_line(texts, keys=change.begun) for texts in run.lake.scan(_TEXTS, of_source)]
    if change.ended:
        found.append(run.lake.query(_SIGHTED, of_source | {"keys": list(change.ended)}))
    return pl.concat(found).unique()


def _refuse_losses(restaged: Restaged, source: str) -> None:
    """Refuse to take away what was accepted: that is not what a decision on a line is for."""
    if restaged.refused.height:
        first = restaged.refused.head(NAMED).select("record_id", "why")
        named = "; ".join(f"{record_id}: {why}" for record_id, why in first.rows())
        raise RefusedError(
            f"Records of {source} would no longer meet a critical rule ({named}). Nothing was changed; "
            "leave the line as it is, or change the rule for this source in copydesk.toml."
        )
    if restaged.lost.height:
        _, record_id, why = restaged.lost.row(0)
        raise ConservationError(
            f"{restaged.lost.height:,} records of {source} cannot be cleaned again, among them {record_id}. {why} "
            "Nothing was changed."
        )


def _compare(run: WritingRun, replaced: pl.DataFrame) -> Recleaned:
    """Hold what was staged against what is stored."""
    staged = run.staged("records")
    if not staged:
        return Recleaned(0, 0, None)
    now = pl.scan_parquet(staged).select("record_id", now_sha256="body_sha256", now_chars="body_chars").collect()
    both = replaced.join(now, on="record_id").sort("record_id")
    changed = both.filter(pl.col("body_sha256") != pl.col("now_sha256"))
    example = changed.select("record_id", "body_chars", "now_chars").row(0) if changed.height else None
    return Recleaned(changed.height, changed["match_key"].n_unique(), example)
