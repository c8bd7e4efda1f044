"""Deciding on the lines that a source repeats: an accepted line is a rule of its source, a rejected one is none.

A decision holds for all records of the source. Those that are in are cleaned again in the commit that records it
(see `flows.reclean`), those that come later are cleaned by it. Rejecting an accepted line puts the text back.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from flows import steps
from flows.reclean import Change, Recleaned, reclean
from flows.run import NOTHING_PLANNED, OnProgress, Request, WritingRun
from flows.settings import Settings
from flows.steps import OnWait
from transforms.schema import BOILERPLATE_CANDIDATES
from transforms.source_lines import ACCEPTED, KEY_DIGITS, MOST_LINE_CHARS, REJECTED, line_keys
from warehouse.journal_entry import RECLEAN, Entry
from warehouse.publish import is_stale

_KEY = re.compile(rf"[0-9a-f]{{{KEY_DIGITS}}}")


class UnknownLineError(Exception):
    """A line was named that cannot be decided on; the message says why, and what can."""


@dataclass(frozen=True)
class Verdict:
    """What to decide: `status`, accepted or rejected, of lines of a source that are named by text or by key."""

    source: str
    named: Sequence[str]
    status: str


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
        recleaned = reclean(run, _change(run, verdict, known, news), is_dry_run=is_dry_run)
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
            f"copydesk boilerplate list --source {verdict.source} shows the lines that are."
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
        boilerplate=boilerplate["line"].to_list(),
        begun=begun["line_key"].to_list(),
        ended=ended["line_key"].to_list(),
        decisions=decisions,
    )
