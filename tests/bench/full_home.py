"""A home folder with a year of runs behind it, written straight to the lake: what happened is made up by a seed.

Every run takes in from every source, but for those that fell silent, rest at weekends, or are down for a day. Some
sources have had quarantine for weeks, or lost a field.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from expectations.figures import FILLED_FIELDS
from expectations.incidents import fingerprint
from flows.steps import prepare
from transforms.columns import Table
from transforms.schema import STORED
from warehouse.home import Home
from warehouse.lake import Lake, open_lake
from warehouse.publish import publish

RECORDS_A_BATCH = 6
"""Rows of `records` for each batch; the figures say there were hundreds."""

SENTENCE = "The council met on Tuesday and agreed to repair the old bridge before winter sets in."


@dataclass(frozen=True)
class Year:
    """How much there is: a run a day up to `until`, with so many sources."""

    sources: int
    days: int
    until: datetime
    seed: int = 20261121


def fill_home(home: Home, year: Year) -> None:
    """Write all runs, a commit each, and publish the last."""
    prepare(home)
    rng = random.Random(year.seed)  # noqa: S311 -- figures, not secrets
    names = [f"source-{number:02d}" for number in range(year.sources)]
    with open_lake(home) as lake:
        for day in range(year.days):
            started_at = year.until - timedelta(days=year.days - 1 - day)
            rows = _run(day, started_at, names, rng, days=year.days)
            _commit(lake, rows, folder=home.staging, run_id=str(rows["ops.runs"][0]["run_id"]))
        publish(lake)


def _commit(lake: Lake, rows: dict[str, list[dict[str, Any]]], *, folder: Path, run_id: str) -> None:
    (folder / run_id).mkdir()  # of its own: DuckDB remembers files by their path
    with lake.commit(run_id):
        for name, of_table in rows.items():
            if of_table:
                lake.insert(STORED[name], [_staged(STORED[name], of_table, folder / run_id)])


def _staged(table: Table, rows: list[dict[str, Any]], folder: Path) -> Path:
    path = folder / f"{table.name}.parquet"
    empty = dict.fromkeys(table.schema)
    pl.DataFrame([empty | row for row in rows], schema=table.schema).write_parquet(path)
    return path


def _run(
    day: int, started_at: datetime, names: Sequence[str], rng: random.Random, *, days: int
) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of one run by table."""
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in STORED}
    run_id, commit_no = f"run_{started_at:%Y%m%dT%H%M%S}_{day:08x}", day + 2
    stamp = {"run_id": run_id, "noted_at": started_at, "commit_no": commit_no}
    totals = {"records_in": 0, "records_loaded": 0, "records_quarantined": 0}
    for number, name in enumerate(names):
        if not _delivers(number, day, started_at, rng, days=days):
            continue
        figures = _figures(number, day, rng, days=days)
        for count in totals:
            totals[count] += int(figures[count])
        for figure, value in figures.items():
            rows["ops.source_figures"].append({**stamp, "source": name, "figure": figure, "value": float(value)})
        drop = f"{number:04x}{day:04x}"
        rows["ops.drops"].append(
            {**stamp, "drop_sha256": drop, "uri": f"/drops/{name}/{day}.jsonl", "source": name, "status": "loaded"}
            | {"received_at": started_at, **{count: int(figures[count]) for count in totals}}
        )
        for table, row in (
            *_verdicts(name, figures, stamp=stamp, checked_at=started_at, is_last=day == days - 1),
            *_records(name, number, day, drop, rng, stamp=stamp),
        ):
            rows[table].append(row)
    rows["ops.runs"].append(
        {**stamp, "kind": "ingest", "started_at": started_at, "finished_at": started_at, "status": "done", **totals}
        | {"drops": len(rows["ops.drops"]), "exact_copies": 0, "near_copies": 0, "other_copies": 0, "articles_new": 9}
        | {"seconds": 12.5}
    )
    return rows


def _delivers(number: int, day: int, started_at: datetime, rng: random.Random, *, days: int) -> bool:
    is_silent = number % 17 == 3 and day > days - 12
    rests = number % 5 == 4 and started_at.weekday() > 4
    return not (is_silent or rests or rng.random() < 0.01)


def _figures(number: int, day: int, rng: random.Random, *, days: int) -> dict[str, float]:
    """Return the figures of one batch."""
    come = int(40 + 30 * (number % 9) + 25 * rng.random())
    is_troubled = number % 13 == 5 and days - 40 < day < days - 20 + number
    share = 0.3 * rng.random() if is_troubled else 0.02 * rng.random()
    held = int(come * share)
    rates = {
        f"{field}_fill_rate": min(1.0, ((number * 7 + place * 5) % 11) / 10 + 0.05 * rng.random())
        for place, field in enumerate(FILLED_FIELDS)
    }
    if number % 11 == 2 and day > days - 30:
        rates["dek_fill_rate"] = 0.0
    counts = {"records_in": come, "records_loaded": come - held, "records_quarantined": held, "records_flagged": 2}
    return {**counts, "quarantined_share": held / come, "flagged_share": 2 / come, **rates}


def _verdicts(
    name: str, figures: dict[str, float], *, stamp: dict[str, Any], checked_at: datetime, is_last: bool
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Return validations, and the incidents that the last run leaves open."""
    run = {"run_id": stamp["run_id"], "source": name, "checked_at": checked_at}
    failed = figures["quarantined_share"] > 0.1
    yield (
        "ops.validations",
        {**run, "suite": "batches", "expectation": "quarantined_share", "column_name": "quarantined_share"}
        | {"severity": "warning", "success": not failed, "evaluated": 1, "unexpected": int(failed)}
        | {"observed": f"{figures['quarantined_share']:.6f}"},
    )
    codes = {"truncated_body": "warning", "missing_body": "critical", "future_date": "warning"}
    for place, (code, severity) in enumerate(codes.items()):
        fails = figures["records_flagged"] > 0 and (len(name) + int(name[-2:]) * 3 + place) % 7 == 0
        count = int(fails) * (place + 1)
        yield (
            "ops.validations",
            {**run, "suite": "records", "expectation": code, "column_name": "body", "severity": severity}
            | {"success": not fails, "evaluated": int(figures["records_in"]), "unexpected": count},
        )
        if is_last and fails:
            mark = fingerprint(name, code)
            yield (
                "ops.incidents",
                {**stamp, "incident_id": f"i_{mark[:20]}", "fingerprint": mark, "source": name, "rule": code}
                | {"severity": severity, "status": "muted" if name.endswith("5") else "open", "occurrences": 4}
                | {"first_seen_at": checked_at - timedelta(days=3), "last_seen_at": checked_at}
                | {"message": f"{count} of {figures['records_in']:.0f} records failed {code}.", "note": "known"},
            )


def _records(
    name: str, number: int, day: int, drop: str, rng: random.Random, *, stamp: dict[str, Any]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Return a few records, every third of which is also in another source, and one that is held back."""
    moment = stamp["noted_at"]
    for place in range(RECORDS_A_BATCH):
        record_id = f"r_{drop}_{place}"
        is_shared = place % 3 == 0
        article_id = f"a_{day}_{(number + rng.randrange(2)) // 2}_{place}" if is_shared else f"a_{drop}_{place}"
        yield (
            "records",
            {"record_id": record_id, "drop_sha256": drop, "record_no": place, "source": name, "ingested_at": moment}
            | {"run_id": stamp["run_id"], "headline": f"Bridge {day}", "body": f"{SENTENCE} {drop} " * 20}
            | {"authors": [], "flags": ["truncated_body"] if place == 1 else [], "language": "en"},
        )
        yield (
            "record_articles",
            {**stamp, "record_id": record_id, "article_id": article_id, "relation": "canonical", "decided_at": moment},
        )
        if place in {0, 1, 3}:
            yield (
                "articles",
                {**stamp, "article_id": article_id, "canonical_record_id": record_id, "record_count": 1 + is_shared}
                | {"decided_at": moment},
            )
    yield (
        "ops.quarantine",
        {**stamp, "quarantine_id": f"q_{drop}_9", "drop_sha256": drop, "record_no": 9, "source": name}
        | {"reasons": ["missing_body"], "severity": "critical", "detail": "The record has no text.", "raw": "{}"}
        | {"status": "open" if day % 3 else "dismissed", "quarantined_at": moment},
    )
