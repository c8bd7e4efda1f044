"""docs/analysts.md, run as it stands: each client opens the published file and gives the answer that it promises."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flows import steps
from flows.run import Request
from flows.settings import load_settings
from warehouse.database import EXTENSIONS, extension_path
from warehouse.home import Home

REPOSITORY = Path(__file__).parents[2]
CLIENTS = REPOSITORY / ".venv-clients" / "bin"
TERMINAL = Path(__file__).with_name("terminal.py")
REQUIREMENTS = Path(__file__).with_name("requirements.in").read_text("utf-8")
DOCUMENT = (REPOSITORY / "docs" / "analysts.md").read_text("utf-8")
BEGINNING = DOCUMENT.partition("\n## ")[0]
TOUR = json.loads((REPOSITORY / "docs" / "tour.ipynb").read_text("utf-8"))

# Counted in the files of seeds/drops: articles of each source, and those among them that no other source has.
ANSWER = {"wire-exports": (15, 11), "broken": (10, 10), "policy-mirror": (6, 2), "harbor-review": (4, 2)}

TWICE = """
    ATTACH 'data/warehouse.duckdb' AS published (READ_ONLY);
    CREATE TABLE records AS FROM published.records UNION ALL FROM published.records;
    CREATE TABLE articles AS FROM published.articles;
    CREATE TABLE record_articles AS FROM published.record_articles;
    CREATE TABLE syndication AS FROM published.syndication;
"""

Run = Callable[..., str]

SECONDS = 180
"""That a client may take; it takes 15 at most."""


def section(title: str) -> str:
    """Give a section of the document, up to the next heading of any level."""
    text = re.split(rf"^##+ {title}$", DOCUMENT, flags=re.MULTILINE)[1]
    return re.split(r"^##", text, flags=re.MULTILINE)[0]


def blocks(title: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", section(title), re.DOTALL | re.MULTILINE)


def commands(title: str) -> list[str]:
    return [line.removeprefix("$ ") for block in blocks(title, "console") for line in block.splitlines()]


def answer(printed: str) -> dict[str, tuple[int, ...]]:
    """Read the articles of each source from a table, however a client draws it."""
    found = re.findall(r"^\W*([a-z][a-z-]+)\W+(\d+)\W+(\d+)\W*$", printed, re.MULTILINE)
    return {source: (int(articles), int(own)) for source, articles, own in found if source != "shape"}


@pytest.fixture(scope="module")
def desk(samples: Home, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which an analyst works: the documents, and the home folder where they say it is."""
    folder = tmp_path_factory.mktemp("desk")
    shutil.copytree(REPOSITORY / "docs", folder / "docs", ignore=shutil.ignore_patterns("target", "logs"))
    (folder / "data").symlink_to(samples.root)
    return folder


@pytest.fixture
def run(desk: Path, tmp_path: Path) -> Run:
    """Run a command line with the clients on the path, and none of copydesk; return what it prints."""
    if not CLIENTS.is_dir() and not os.environ.get("CI"):
        pytest.skip(f"no {CLIENTS.parent}: make test sets it up")  # an environment of its own: its packages clash
    return lambda *command, within=desk: output(*command, found_in=CLIENTS, within=within, at_home=tmp_path)


@pytest.fixture
def run_ours(desk: Path, tmp_path: Path) -> Run:
    """Run a command line with copydesk on the path; return what it prints."""
    return lambda *command: output(*command, found_in=Path(sys.executable).parent, within=desk, at_home=tmp_path)


def output(*command: str | Path, found_in: Path, within: Path, at_home: Path) -> str:
    environment = {"PATH": f"{found_in}:{os.environ['PATH']}", "HOME": str(at_home), "COLUMNS": "140"}
    done = subprocess.run(
        [str(word) for word in command],
        cwd=within,
        env=environment,
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SECONDS,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_versions_named_are_those_tested() -> None:
    pinned = dict(re.findall(r"^([a-z-]+)==(\d+\.\d+)", REQUIREMENTS, re.MULTILINE))
    named = dict(re.findall(rf"({'|'.join(pinned)}) (\d+\.\d+)", BEGINNING.lower()))
    named["duckdb-cli"] = re.findall(r"DuckDB command line\]\(.*\) \| (\d+\.\d+)", BEGINNING)[0]
    named["harlequin"] = re.findall(r"Harlequin\]\(.*\) \| (\d+\.\d+)", BEGINNING)[0]
    assert {"duckdb", "polars", "pandas", "dbt-duckdb"} < set(named)
    assert named == {name: pinned[name] for name in named}


def test_the_answer_in_the_document_is_that_of_the_files() -> None:
    assert answer(BEGINNING) == ANSWER


def test_command_line_answers(run: Run) -> None:
    first, second = commands("DuckDB command line")
    assert answer(run("bash", "-c", first)) == ANSWER
    assert "policy-mirror,1,23.5" in run("bash", "-c", second)


@pytest.mark.parametrize("title", ["Python", "polars", "pandas"])
def test_python_answers(run: Run, title: str) -> None:
    [program] = blocks(title, "python")
    assert answer(run("python", "-c", program)) == ANSWER


def test_search_stands_in_a_query_like_a_table(run_ours: Run) -> None:
    [program] = blocks("Search", "python")
    assert re.search(r"What the Water Meter Knows\W+policy-mirror, wire-exports", run_ours("python", "-c", program))


def test_tour_runs_and_finds_what_it_shows(run: Run, desk: Path) -> None:
    [command] = commands("Jupyter")
    run("bash", "-c", command)
    executed = json.loads((desk / "docs" / "tour.ipynb").read_text("utf-8"))
    assert charts_of(executed) == charts_of(TOUR) == 3
    texts = texts_of(executed)
    assert texts == texts_of(TOUR)
    assert {name: (own + shared, own) for name, own, shared in rows(texts[1], 3)} == ANSWER
    # The essay on reading rooms is dated 4 October, 5:15, and 4 December; the water meters are the mirror's first.
    assert re.search(r"Lesesaal ohne Aufsicht\W+wire-exports\W+wire-exports", texts[2])
    assert re.search(r"What the Water Meter Knows\W+policy-mirror\W+wire-exports", texts[2])
    assert re.search(r"^0 +60\.8 *$", texts[2], re.MULTILINE)
    # Of the broken samples, three files hold nothing, and three are of formats that are not read.
    assert re.search(r"no_records\W+3\W+\d\W+broken\W+unsupported_format\W+3", texts[3])


def texts_of(notebook: dict[str, Any]) -> list[str]:
    """Give the tables that a notebook shows."""
    return ["".join(data["text/plain"]) for data in shown_by(notebook) if "image/svg+xml" not in data]


def charts_of(notebook: dict[str, Any]) -> int:
    """Count the charts of a notebook; how wide their letters are depends on the machine."""
    return sum("image/svg+xml" in data for data in shown_by(notebook))


def shown_by(notebook: dict[str, Any]) -> list[dict[str, Any]]:
    return [output["data"] for cell in notebook["cells"] for output in cell.get("outputs", ())]


def rows(printed: str, columns: int) -> list[tuple[Any, ...]]:
    """Read a frame of a name and numbers."""
    numbers = r"\W+(\d+)" * (columns - 1)
    found = re.findall(rf"^\d+\W+([a-z-]+){numbers}$", printed, re.MULTILINE)
    return [(name, *map(int, rest)) for name, *rest in found]


def test_harlequin_answers_in_a_terminal(run: Run) -> None:
    [command], [query] = commands("Harlequin"), blocks("Harlequin", "sql")
    screen = run("python", TERMINAL, "Database Connected", query.strip(), "harbor-review", *command.split())
    assert answer("\n".join(line.split("││")[-1] for line in screen.splitlines())) == ANSWER


def test_dbt_builds_on_the_published_file(run: Run) -> None:
    build, show = commands("dbt")
    assert "PASS=13 WARN=0 ERROR=0" in run("bash", "-c", build)
    assert (
        answer("\n".join(row.rpartition("|")[0].rpartition("|")[0] for row in run("bash", "-c", show).splitlines()))
        == ANSWER
    )
    asked = "SELECT first_source, source, headline, delay_hours FROM reprints"
    reprints = run("python", "-c", f"import duckdb; print(duckdb.connect('newsroom.duckdb').sql('{asked}').fetchall())")
    # The water meters are dated 5 November, 6:30, in the mirror, and 6 November, 6:00, on the wire.
    assert reprints == "[('policy-mirror', 'wire-exports', 'What the Water Meter Knows', 23.5)]\n"


@pytest.mark.long
def test_dbt_fails_where_a_promise_is_broken(run: Run, desk: Path) -> None:
    """A record that stands twice: the tests of the project see it."""
    (desk / "broken").mkdir()
    run("duckdb", "broken/warehouse.duckdb", TWICE)
    build, _ = commands("dbt")
    told = run("bash", "-c", f"COPYDESK_HOME=broken NEWSROOM=other.duckdb {build} || true")
    assert re.search(r"FAIL \d+ source_unique_copydesk_records_record_id", told)


def test_connections_of_a_process_share_what_they_see(
    run: Run, tmp_path: Path, a_record: Any, write_lines: Any
) -> None:
    home = tmp_path / "data"
    drops = [write_lines(tmp_path / f"{number}.jsonl", [a_record(number)]) for number in (1, 2)]
    steps.ingest(Request(load_settings(home=home), (drops[0],)))
    ingest = [sys.executable, "-m", "flows", "ingest", str(drops[1]), "--home", str(home)]
    given = f"""
def count(connection):
    return connection.execute("SELECT count(*) FROM records").fetchone()[0]
def take_in_a_drop():
    import subprocess
    subprocess.run({ingest}, check=True, capture_output=True, cwd={str(REPOSITORY)!r})
"""
    [program] = blocks("New data", "python")
    assert run("python", "-c", f"{given}{program}\nprint(before, count(new))", within=tmp_path) == "1 2\n"


def test_days_are_in_utc_whatever_the_session_says(run: Run) -> None:
    command = ["duckdb", "-readonly", "-csv", "data/warehouse.duckdb"]
    queries = [
        "FROM daily_volume ORDER BY ALL",
        "FROM coverage_gaps ORDER BY ALL",
        "SELECT DISTINCT seen_at FROM syndication",
    ]
    days, gaps, times = [
        [run(*command, f"SET TimeZone = '{zone}'; {query}") for zone in ("UTC", "Pacific/Auckland")]
        for query in queries
    ]
    assert days[0] == days[1]
    assert gaps[0] == gaps[1]
    assert times[0] != times[1], "the session's zone shows where times are asked for"
    assert "2024-11-05,policy-mirror,published_at,1" in days[0]


def test_columns_are_explained(run: Run) -> None:
    [query] = blocks("What columns mean", "sql")
    assert "Seconds after the first record of the article" in run(
        "duckdb", "-readonly", "-line", "data/warehouse.duckdb", query
    )


def test_the_past_can_be_asked_without_copydesk(run_ours: Run) -> None:
    [program] = blocks("The past", "python")
    loads = "; ".join(f"LOAD '{extension_path(name)}'" for name in EXTENSIONS)
    program = program.replace("INSTALL sqlite; LOAD sqlite; INSTALL ducklake; LOAD ducklake", loads)
    [newest] = blocks("The past", "sql")
    printed = run_ours("python", "-c", f'{program}\nprint(len(lake.sql("""{newest}""").fetchall()), "articles")')
    assert "30 articles" in printed
    assert re.search(r"wire-exports\W+26", printed)
    assert re.search(r"harbor-review\W+4", printed)


def test_the_past_can_be_asked_with_copydesk(run_ours: Run) -> None:
    history, at = commands("The past")
    assert re.search(r"\b2\b.*ingest", run_ours("bash", "-c", history))
    assert answer(run_ours("bash", "-c", at)) == ANSWER
