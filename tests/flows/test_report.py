"""The report as a file: what it says, where it goes, and that its queries run."""

import html
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from expectations.figures import FILLED_FIELDS
from flows.cli import DONE, FAILED, REFUSED, WRONG_USAGE
from flows.evidence import Failed, literal, query_of, sql_command
from flows.report.facts import read_facts
from flows.report.sources import State, read_sources
from flows.report.window import window_of
from flows.report.write import write_report
from flows.settings import load_settings
from transforms.ops_schema import DROPS, INCIDENTS, RUNS, SOURCE_FIGURES
from warehouse.home import Home
from warehouse.lake import open_lake
from warehouse.publish import publish
from warehouse.query import read_published

Copydesk = Callable[..., tuple[int, str, str]]
Query = Callable[..., list[tuple[Any, ...]]]

NOW = datetime(2026, 11, 21, 15, 30, tzinfo=UTC)
HOSTILE = "</script><script>window.hacked=1</script>\u202e\u2028'\"; DROP\n\x1b[31m"


@pytest.fixture(scope="module")
def page(samples: Home) -> str:
    return write_report(load_settings(home=samples.root)).read_text("utf-8")


def figures_of(page: str) -> dict[str, Any]:
    [text] = re.findall(r'<script type="application/json" id="figures">(.*?)</script>', page, re.DOTALL)
    figures: dict[str, Any] = json.loads(text)
    return figures


def commands_of(page: str) -> list[str]:
    return [html.unescape(code) for code in re.findall(r'class="command">.*?<code>(.*?)</code>', page, re.DOTALL)]


def text_of(page: str) -> str:
    """What a reader sees, without figures and scripts."""
    shown = re.sub(r"<(script|style).*?</\1>", "", page, flags=re.DOTALL)
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]*>", "", shown)))


def stored(home: Home, rows: Sequence[dict[str, Any]], table: Any) -> None:
    """Write rows into the lake, as if runs had."""
    home.staging.mkdir(parents=True, exist_ok=True)
    empty = dict.fromkeys(table.schema)
    path = home.staging / f"{table.name}.parquet"
    pl.DataFrame([empty | row for row in rows], schema=table.schema).write_parquet(path)
    with open_lake(home) as lake:
        with lake.commit("made up"):
            lake.insert(table, [path])
        publish(lake)


def test_page_is_one_file_that_names_no_address(page: str) -> None:
    markup = re.sub(r"<(script|style).*?</\1>", "", page, flags=re.DOTALL)
    assert set(re.findall(r'\b(?:src|href|action|data|poster)="([^"]*)"', markup)) == {"#main"}
    [policy] = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    policy = html.unescape(policy)
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in policy
    assert "http" not in policy
    assert not re.search(r"url\(|@import", page.partition("<style>")[2].partition("</style>")[0])


def test_all_records_of_all_runs_stand_in_the_figures(page: str, samples: Home, query: Query) -> None:
    batches = figures_of(page)["batches"]
    counts = ("records_in", "records_loaded", "records_quarantined")
    assert query(f"SELECT {', '.join(f'sum({one})' for one in counts)} FROM ops.runs", samples.root) == [
        tuple(sum(batches[one]) for one in counts)
    ]
    for come, loaded, held in zip(*(batches[one] for one in counts), strict=True):
        assert come == loaded + held


def test_filled_fields_are_those_whose_fill_rates_are_figures(page: str, samples: Home, query: Query) -> None:
    figures = figures_of(page)
    assert figures["fields"] == list(FILLED_FIELDS)
    [counted] = query("SELECT count(headline), count(dek), count(url) FROM records", samples.root)
    assert counted == tuple(sum(figures["batches"][field]) for field in ("headline", "dek", "url"))


def test_every_incident_and_failed_expectation_is_shown_with_its_remedy(page: str, samples: Home, query: Query) -> None:
    shown = text_of(page)
    for source, rule, message in query("SELECT source, rule, message FROM ops.incidents", samples.root):
        assert f"{source}: {rule}" in shown
        assert message in shown
    assert "Remedy: Mend the scraper." in shown
    [(ailing,)] = query("SELECT count(DISTINCT source) FROM ops.incidents", samples.root)
    assert re.search(rf"{ailing} of 4 sources needs? attention", shown)
    failing = query("SELECT count(*) FROM ops.validations WHERE NOT success", samples.root)
    assert [(shown.count("suite records") + shown.count("suite batches"),)] == failing


def test_every_command_on_the_page_shows_what_failed(
    page: str, samples: Home, copydesk: Copydesk, query: Query
) -> None:
    commands = commands_of(page)
    found = "SELECT (SELECT count(*) FROM ops.incidents) + (SELECT count(*) FROM ops.validations WHERE NOT success)"
    assert [(len(commands),)] == query(found, samples.root)
    for command in commands:
        program, *words = shlex.split(command)
        assert program == "copydesk"
        code, output, errors = copydesk(*words, "--format", "json")
        assert (code, errors) == (DONE, ""), command
        assert json.loads(output), command


@pytest.mark.parametrize("is_refused", [False, True])
@pytest.mark.parametrize("severity", ["info", "warning", "critical"])
@pytest.mark.parametrize("suite", ["records", "batches"])
def test_query_of_every_rule_runs_on_the_published_file(
    samples: Home, suite: str, severity: str, *, is_refused: bool
) -> None:
    codes = read_published(samples, "SELECT DISTINCT expectation, column_name FROM ops.validations")
    for rule, column in [*codes.iter_rows(), ("unheard_of", "language_share")]:
        failed = Failed(HOSTILE, "run_1", suite, rule, column, severity, is_refused)
        read_published(samples, query_of(failed))


@pytest.mark.parametrize("text", ["wire", "", "it's", HOSTILE, "a\nb", "€ § Zürich", "\u202e", "$HOME `id` !x \\"])
def test_literals_hold_any_text_and_nothing_invisible(samples: Home, text: str) -> None:
    written = literal(text)
    assert read_published(samples, f"SELECT {written} AS text").item() == text
    assert written.isprintable()
    command = sql_command(f"SELECT {written}", samples)
    assert shlex.split(command)[2] == f"SELECT {written}"
    echoed = subprocess.run(["bash", "-c", f"printf %s {command}"], capture_output=True, text=True, check=True).stdout
    assert echoed.startswith(f"copydesksqlSELECT {written}--home")


def test_nothing_that_was_delivered_is_markup(
    copydesk: Copydesk, home: Path, tmp_path: Path, a_record: Any, write_lines: Any
) -> None:
    source = "<img src=x onerror=window.hacked=1>\u202e"
    records = [a_record(1, headline=HOSTILE, body=HOSTILE * 3 + a_record(1)["body"]), HOSTILE, "x" * 1_000_000]
    copydesk("ingest", write_lines(tmp_path / source / '"><svg onload=alert(1)>.jsonl', records))
    code, output, _ = copydesk("report")
    assert code == DONE
    page = Path(output.strip()).read_text("utf-8")
    assert len(page) < 1_100_000
    scripts = re.findall(r"<script[^>]*>", page)
    assert scripts == ['<script type="application/json" id="figures">', "<script>", "<script>"]
    assert not re.search(r"<(img|svg)", re.sub(r"<script>.*?</script>", "", page, flags=re.DOTALL))
    assert not set(page) & {"\u202e", "\u2028", "\x1b"}
    assert "⟨U+202E⟩" in text_of(page)
    for command in commands_of(page):
        assert copydesk(*shlex.split(command)[1:])[0] == DONE, command
    assert home.name in output


@pytest.mark.long
def test_refused_batch_counts_as_quarantined(
    copydesk: Copydesk, home: Path, tmp_path: Path, a_record: Any, write_lines: Any
) -> None:
    home.mkdir()
    (home / "copydesk.toml").write_text(
        "[sources.wire]\nrules.record_count = { severity = 'critical', bound = 9 }\n[sources.late]\n"
    )
    drop = write_lines(tmp_path / "wire" / "one.jsonl", [a_record(1), a_record(2, headline="\x1b")])
    assert copydesk("ingest", drop)[0] == REFUSED
    page = Path(copydesk("report")[1].strip()).read_text("utf-8")
    batches = figures_of(page)["batches"]
    assert (batches["records_in"], batches["records_loaded"], batches["records_quarantined"]) == ([2], [0], [2])
    assert "declared, and never delivered" in text_of(page)
    for command in commands_of(page):
        assert copydesk(*shlex.split(command)[1:])[0] == DONE, command


def test_page_goes_where_it_is_told_and_replaces_a_link(copydesk: Copydesk, samples: Home, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("precious")
    link = tmp_path / "page.html"
    link.symlink_to(elsewhere)
    code, output, _ = copydesk("report", "--output", link, "--home", samples.root)
    assert (code, output) == (DONE, f"{link}\n")
    assert elsewhere.read_text() == "precious"
    assert not link.is_symlink()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["elsewhere", "page.html"]


def test_output_that_is_no_place_for_a_file_is_refused(copydesk: Copydesk, samples: Home, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for place in (tmp_path, tmp_path / "pipe", tmp_path / "no" / "page.html", samples.lake / "page.html"):
        code, output, errors = copydesk("report", "--output", place, "--home", samples.root)
        assert (code, output) == (WRONG_USAGE, "")
        assert str(place if place != tmp_path / "no" / "page.html" else place.parent) in errors
    assert copydesk("report", "--days", "0", "--home", samples.root)[0] == WRONG_USAGE


@pytest.mark.long
def test_place_that_cannot_be_written_is_named(
    copydesk: Copydesk, home: Path, tmp_path: Path, a_record: Any, write_lines: Any
) -> None:
    copydesk("ingest", write_lines(tmp_path / "wire" / "one.jsonl", [a_record(1)]))
    (home / "reports").write_text("in the way of a folder")
    code, _, errors = copydesk("report")
    assert code == FAILED
    assert "report.html cannot be written" in errors


def test_home_that_was_never_published_is_wrong_usage(copydesk: Copydesk) -> None:
    code, output, errors = copydesk("report")
    assert (code, output) == (WRONG_USAGE, "")
    assert "run 'copydesk ingest' first" in errors


def test_empty_warehouse_has_a_page_that_says_so(copydesk: Copydesk, home: Path) -> None:
    home.mkdir()
    with open_lake(Home(home)) as lake:
        publish(lake)
    page = Path(copydesk("report")[1].strip()).read_text("utf-8")
    assert "Nothing has come in yet" in text_of(page)
    assert "<script" not in page


@pytest.mark.long
def test_warehouse_without_incidents_says_all_is_well(
    copydesk: Copydesk, tmp_path: Path, a_record: Any, write_lines: Any
) -> None:
    copydesk("ingest", write_lines(tmp_path / "wire" / "one.jsonl", [a_record(1)]))
    shown = text_of(Path(copydesk("report")[1].strip()).read_text("utf-8"))
    assert "All is well: 1 source, no open incident" in shown
    assert "every expectation held" in shown


def test_muted_incident_is_no_alarm_and_stands_with_its_end_and_note(copydesk: Copydesk, home: Path) -> None:
    when = datetime.now(UTC)
    base = {"occurrences": 3, "severity": "critical", "source": "wire"}
    base |= dict.fromkeys(("first_seen_at", "last_seen_at", "noted_at"), when)
    muted = {"status": "muted", "muted_until": datetime(2099, 1, 2, tzinfo=UTC), "note": "the vendor <knows>"}
    stored(Home(home), [base | muted | {"incident_id": "i_1", "rule": "missing_body", "commit_no": 1}], INCIDENTS)
    page = Path(copydesk("report")[1].strip()).read_text("utf-8")
    shown = text_of(page)
    assert "All is well" in shown
    assert "2099-01-02 00:00" in shown
    assert "the vendor <knows>" in shown


@pytest.mark.long
def test_run_whose_books_do_not_balance_is_marked(copydesk: Copydesk, home: Path) -> None:
    run = {"kind": "ingest", "status": "done", "started_at": NOW, "seconds": 1.5, "drops": 1, "articles_new": 0}
    copies = {"exact_copies": 0, "near_copies": 0, "other_copies": 0}
    counts = {"records_in": 1_009, "records_loaded": 5, "records_quarantined": 4}
    stored(Home(home), [run | copies | counts | {"run_id": "run_1"}], RUNS)
    stored(Home(home), [{"received_at": NOW, "source": "wire", "drop_sha256": "1", "run_id": "run_1"}], DROPS)
    shown = text_of(Path(copydesk("report")[1].strip()).read_text("utf-8"))
    assert "off by 1,000" in shown
    assert "balance " not in shown.partition("or the books do not balance")[2].replace("off by", "")


def test_every_column_is_explained_at_the_end_of_the_page(page: str, samples: Home, query: Query) -> None:
    shown = text_of(page[page.index('<h2 id="tables">') :])
    columns = query("SELECT column_name, data_type, comment FROM duckdb_columns() WHERE NOT internal", samples.root)
    assert len(columns) > 300
    assert [name for name, dtype, comment in columns if f"{name}{dtype}{' '.join(comment.split())}" not in shown] == []


def test_copies_across_sources_are_those_of_the_records(page: str, samples: Home, query: Query) -> None:
    figures = figures_of(page)
    pairs = figures["shared"]
    found = {
        (figures["sources"][one], figures["sources"][other]): records
        for one, other, records in zip(pairs["source"], pairs["other_source"], pairs["records"], strict=True)
    }
    placed = "SELECT record_id, source, article_id FROM records JOIN record_articles USING (record_id)"
    expected = query(
        f"SELECT a.source, b.source, count(DISTINCT a.record_id) FROM ({placed}) a "
        f"JOIN ({placed}) b USING (article_id) WHERE a.record_id <> b.record_id GROUP BY ALL",
        samples.root,
    )
    assert found == {(one, other): records for one, other, records in expected}


@pytest.mark.parametrize(
    ("gaps", "quiet_days", "state"),
    [
        *(([1] * 9, 1, State.OK), ([1] * 9, 2, State.SILENT)),
        *(([7] * 9, 10, State.OK), ([7] * 9, 11, State.SILENT)),
        ([1], 99, State.OK),
    ],
)
def test_source_is_silent_when_it_is_overdue(home: Path, gaps: list[int], quiet_days: int, state: State) -> None:
    at = NOW - timedelta(days=quiet_days)
    runs = [{"run_id": str(n), "started_at": at - timedelta(days=sum(gaps[:n]))} for n in range(len(gaps) + 1)]
    stored(Home(home), [run | {"kind": "ingest", "status": "done"} for run in runs], RUNS)
    figures = [{"run_id": run["run_id"], "source": "wire", "figure": "records_in", "value": 1.0} for run in runs]
    stored(Home(home), figures, SOURCE_FIGURES)
    [source] = read_sources(read_facts(Home(home), window_of(NOW, days=30)), load_settings(home=home))
    assert source.state is state
    assert (source.silence is not None) == (state is State.SILENT)


@pytest.mark.parametrize(
    ("days", "unit", "since", "bins"),
    [
        *((1, "day", "2026-11-21", 1), (90, "day", "2026-08-24", 90)),
        *((365, "week", "2025-11-17", 53), (3660, "month", "2016-11-01", 121)),
    ],
)
def test_window_is_whole_bins_and_never_many(days: int, unit: str, since: str, bins: int) -> None:
    window = window_of(NOW, days=days)
    assert (window.bin, window.since.date().isoformat(), len(window.bins()) - 1) == (unit, since, bins)
    assert window.bins()[-1] > NOW
    assert set(window.starts) <= set(window.bins())


@pytest.mark.long
def test_page_is_opened_by_the_browser_that_is_named(samples: Home, tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\nprintf %s "$1" > {seen}\n')
    browser.chmod(0o755)
    command = [sys.executable, "-m", "flows", "report", "--open", "--home", str(samples.root)]
    done = subprocess.run(
        command, env=os.environ | {"BROWSER": f"{browser} %s"}, capture_output=True, text=True, check=True
    )
    assert seen.read_text() == Path(done.stdout.strip()).as_uri()


@pytest.mark.long
def test_page_is_named_where_there_is_no_browser(samples: Home, tmp_path: Path) -> None:
    bare = {name: value for name, value in os.environ.items() if name not in {"DISPLAY", "BROWSER", "WAYLAND_DISPLAY"}}
    command = [sys.executable, "-m", "flows", "report", "--open", "--home", str(samples.root)]
    done = subprocess.run(
        command,
        env=bare | {"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
        stdin=subprocess.DEVNULL,
    )
    assert f"open {done.stdout.strip()} in one" in done.stderr
