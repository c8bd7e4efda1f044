"""The flow on a real Prefect server, which `copydesk serve` starts on a loopback port."""

import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

pytestmark = pytest.mark.prefect

Query = Callable[..., list[tuple[Any, ...]]]

COPYDESK = [sys.executable, "-m", "flows"]
AS_A_BACKGROUND_JOB = ["sh", "-c", "trap '' INT; exec \"$@\"", "sh"]
"""A shell without job control has its background jobs ignore interrupts."""
START_SECONDS = 120
RUN_SECONDS = 90

SCHEDULED = """
[sources.wire]
schedule = "every 5s"
"""


@dataclass(frozen=True)
class Served:
    """A home folder that is being served."""

    process: subprocess.Popen[str]
    home: Path
    url: str

    def post(self, path: str, **body: Any) -> Any:
        """Ask the API."""
        return httpx.post(f"{self.url}/{path}", json=body).raise_for_status().json()

    def flow_runs(self, **state: Any) -> list[dict[str, Any]]:
        """Runs in a state, oldest first."""
        runs: list[dict[str, Any]] = self.post("flow_runs/filter", flow_runs={"state": state}, sort="START_TIME_ASC")
        return runs


def environment(tmp_path: Path, **more: str) -> Mapping[str, str]:
    """An environment of which nothing is configured but what a test names."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    return own | {"PREFECT_HOME": str(tmp_path / "no-prefect")} | more


def until(found: Callable[[], Any], *, seconds: float, process: subprocess.Popen[str]) -> Any:
    """Ask again and again until there is something, or the time is over."""
    deadline = time.monotonic() + seconds
    while not (result := found()):
        assert process.poll() is None, "the server ended"
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.2)
    return result


def descendants(pid: int) -> set[int]:
    """Processes that a process started, and those that these started."""
    listed = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    parents = {int(child): int(parent) for child, parent in map(str.split, listed.splitlines())}
    found = {pid}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found - {pid}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, a_record: Any, write_lines: Any) -> Iterator[Served]:
    """Serve a home folder with a drop in its zone and a schedule of a few seconds."""
    folder = tmp_path_factory.mktemp("served")
    home = folder / "home"
    drop = write_lines(home / "landing" / "wire" / "one.jsonl", [a_record(1), a_record(2), "nonsense"])
    os.utime(drop, (0, 0))
    (home / "copydesk.toml").write_text(SCHEDULED)
    command = [*AS_A_BACKGROUND_JOB, *COPYDESK, "serve", "--home", str(home)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment(folder)) as process:
        try:
            assert process.stderr is not None
            told = next(line for line in process.stderr if "Prefect UI" in line)
            yield Served(process, home, re.sub(r".*(http://127\.0\.0\.1:\d+)\s*", r"\1/api", told, flags=re.DOTALL))
        finally:
            process.kill()
            process.stderr.close()


def test_schedule_yields_runs_that_take_in_the_drop_zone(served: Served, query: Query) -> None:
    """SQLAlchemy 2.1 lets the scheduler schedule nothing, without a word."""
    completed = until(
        lambda: served.flow_runs(type={"any_": ["COMPLETED"]}), seconds=RUN_SECONDS, process=served.process
    )
    assert completed[0]["auto_scheduled"]
    assert completed[0]["deployment_id"]
    assert query("SELECT source, records_in, records_loaded FROM ops.drops", served.home) == [("wire", 3, 2)]
    assert query("SELECT flow_run_id FROM ops.runs", served.home) == [(completed[0]["id"],)]


def test_run_leaves_its_summary_as_an_artifact_and_a_task_for_each_step(served: Served) -> None:
    [run, *_] = until(
        lambda: served.flow_runs(type={"any_": ["COMPLETED"]}), seconds=RUN_SECONDS, process=served.process
    )
    [artifact] = served.post("artifacts/filter", artifacts={"key": {"any_": ["copydesk-run"]}})
    assert artifact["flow_run_id"] == run["id"]
    [row] = json.loads(artifact["data"])
    assert (row["status"], row["records_in"], row["records_quarantined"]) == ("done", 3, 1)
    tasks = served.post("task_runs/filter", flow_runs={"id": {"any_": [run["id"]]}})
    assert sorted(task["name"].rpartition("-")[0] for task in tasks) == ["land", "load", "match", "parse", "validate"]


def test_command_line_runs_the_flow_on_the_api_that_answers(
    served: Served, query: Query, tmp_path: Path, a_record: Any, write_lines: Any
) -> None:
    drop = write_lines(tmp_path / "gazette" / "two.jsonl", [a_record(7)])
    command = [*COPYDESK, "ingest", str(drop), "--json", "--home", str(tmp_path / "home")]
    configured = environment(tmp_path, PREFECT_API_URL=served.url)
    done = subprocess.run(command, capture_output=True, text=True, env=configured, check=True)
    summary = json.loads(done.stdout)
    assert (summary["status"], summary["records_loaded"]) == ("done", 1)
    [(flow_run_id,)] = query("SELECT flow_run_id FROM ops.runs", tmp_path / "home")
    run = served.post("flow_runs/filter", flow_runs={"id": {"any_": [flow_run_id]}})
    assert [one["state_type"] for one in run] == ["COMPLETED"]
    again = subprocess.run(command, capture_output=True, text=True, env=configured, check=True)
    assert json.loads(again.stdout)["status"] == "nothing_new"


def test_refused_batch_is_a_completed_run_that_says_so(
    served: Served, tmp_path: Path, a_record: Any, write_lines: Any
) -> None:
    drop = write_lines(tmp_path / "strict" / "one.jsonl", [a_record(1)])
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "copydesk.toml").write_text(
        "[sources.strict]\nrules.record_count = { severity = 'critical', bound = 2 }\n"
    )
    command = [*COPYDESK, "ingest", str(drop), "--json", "--home", str(tmp_path / "home")]
    done = subprocess.run(
        command, capture_output=True, text=True, env=environment(tmp_path, PREFECT_API_URL=served.url), check=False
    )
    assert (done.returncode, json.loads(done.stdout)["status"]) == (1, "refused")
    assert len(served.flow_runs(name={"any_": ["Refused"]})) == 1


def test_failed_run_is_a_failed_flow_and_ends_with_three(
    served: Served, tmp_path: Path, a_record: Any, write_lines: Any
) -> None:
    drop = write_lines(tmp_path / "wire" / "one.jsonl", [a_record(1)])
    raw = tmp_path / "home" / "raw"
    raw.mkdir(parents=True)
    (raw / hashlib.sha256(drop.read_bytes()).hexdigest()[:2]).write_text("in the way of a folder")
    command = [*COPYDESK, "ingest", str(drop), "--json", "--home", str(tmp_path / "home")]
    done = subprocess.run(
        command, capture_output=True, text=True, env=environment(tmp_path, PREFECT_API_URL=served.url), check=False
    )
    assert (done.returncode, json.loads(done.stdout)["status"]) == (3, "failed")
    assert "cannot be written" in done.stderr
    assert len(served.flow_runs(type={"any_": ["FAILED"]})) == 1


def test_unreachable_api_stops_serving_and_only_warns_an_ingest(
    tmp_path: Path, a_record: Any, write_lines: Any
) -> None:
    home = ["--home", str(tmp_path / "home")]
    nowhere = environment(tmp_path, PREFECT_API_URL="http://127.0.0.1:1/api")
    serving = subprocess.run([*COPYDESK, "serve", *home], capture_output=True, text=True, env=nowhere, check=False)
    assert (serving.returncode, serving.stdout) == (2, "")
    assert "http://127.0.0.1:1/api does not answer" in serving.stderr
    drop = write_lines(tmp_path / "wire" / "one.jsonl", [a_record(1)])
    done = subprocess.run(
        [*COPYDESK, "ingest", str(drop), "--json", *home], capture_output=True, text=True, env=nowhere, check=False
    )
    assert (done.returncode, json.loads(done.stdout)["status"]) == (0, "done")
    assert "http://127.0.0.1:1/api does not answer" in done.stderr


def test_serving_ends_with_all_that_it_started(served: Served) -> None:
    """Runs last: it ends the server of the tests above."""
    started = descendants(served.process.pid)
    assert started
    served.process.send_signal(signal.SIGTERM)
    assert served.process.wait(60) == 0
    listed = subprocess.run(["ps", "-eo", "pid="], capture_output=True, text=True, check=True).stdout
    assert not started & set(map(int, listed.split()))
