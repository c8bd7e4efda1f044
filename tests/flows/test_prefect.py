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
from contextlib import suppress
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
[maintenance]
schedule = "0 0 29 2 *"
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
            for pid in (*descendants(process.pid), process.pid):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            process.stderr.close()


@pytest.mark.long
def test_schedule_yields_runs_that_take_in_the_drop_zone(served: Served, query: Query) -> None:
    """SQLAlchemy 2.1 lets the scheduler schedule nothing, without a word."""
    completed = until(
        lambda: served.flow_runs(type={"any_": ["COMPLETED"]}), seconds=RUN_SECONDS, process=served.process
    )
    assert completed[0]["auto_scheduled"]
    assert completed[0]["deployment_id"]
    assert query("SELECT source, records_in, records_loaded FROM ops.drops", served.home) == [("wire", 3, 2)]
    assert query("SELECT flow_run_id FROM ops.runs", served.home) == [(completed[0]["id"],)]


@pytest.mark.long
def test_maintenance_is_served_on_a_schedule_of_its_own(served: Served) -> None:
    [deployment] = served.post("deployments/filter", deployments={"name": {"any_": ["store"]}})
    assert [one["schedule"]["cron"] for one in deployment["schedules"]] == ["0 0 29 2 *"]
    run = served.post(f"deployments/{deployment['id']}/create_flow_run", state={"type": "SCHEDULED"})

    def is_done() -> bool:
        [found] = served.post("flow_runs/filter", flow_runs={"id": {"any_": [run["id"]]}})
        assert found["state_type"] not in {"FAILED", "CRASHED"}
        return bool(found["state_type"] == "COMPLETED")

    until(is_done, seconds=RUN_SECONDS, process=served.process)


def test_run_leaves_its_summary_as_an_artifact_and_a_task_for_each_step(served: Served) -> None:
    [run, *_] = until(
        lambda: served.flow_runs(type={"any_": ["COMPLETED"]}), seconds=RUN_SECONDS, process=served.process
    )
    [artifact] = served.post("artifacts/filter", artifacts={"key": {"any_": ["copydesk-run"]}})
    assert artifact["flow_run_id"] == run["id"]
    [row] = json.loads(artifact["data"])
    assert (row["status"], row["records_in"], row["records_quarantined"]) == ("done", 3, 1)
    tasks = served.post("task_runs/filter", flow_runs={"id": {"any_": [run["id"]]}})
    names = ["alert", "claim", "land", "load", "match", "parse", "parse_again_if_outdated", "validate"]
    assert sorted(task["name"].rpartition("-")[0] for task in tasks) == names


def test_run_leaves_a_report_and_an_artifact_that_links_to_it(served: Served) -> None:
    found = until(
        lambda: served.post("artifacts/filter", artifacts={"key": {"any_": ["copydesk-report"]}}),
        seconds=RUN_SECONDS,
        process=served.process,
    )
    page = served.home / "reports" / "report.html"
    assert page.absolute().as_uri() in found[0]["data"]
    assert "copydesk report" in page.read_text("utf-8")


@pytest.mark.long
def test_report_that_cannot_be_written_fails_no_run(
    served: Served, query: Query, tmp_path: Path, a_record: Any, write_lines: Any
) -> None:
    drop = write_lines(tmp_path / "wire" / "one.jsonl", [a_record(1)])
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "reports").write_text("in the way of a folder")
    command = [*COPYDESK, "ingest", str(drop), "--json", "--home", str(tmp_path / "home")]
    configured = environment(tmp_path, PREFECT_API_URL=served.url)
    done = subprocess.run(command, capture_output=True, text=True, env=configured, check=False)
    assert (done.returncode, json.loads(done.stdout)["status"]) == (0, "done")
    assert "The report could not be made" in done.stderr
    [(flow_run_id,)] = query("SELECT flow_run_id FROM ops.runs", tmp_path / "home")
    run = served.post("flow_runs/filter", flow_runs={"id": {"any_": [flow_run_id]}})
    assert [one["state_type"] for one in run] == ["COMPLETED"]


@pytest.mark.long
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


@pytest.mark.long
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


@pytest.mark.long
def test_replay_is_a_flow_as_well(
    served: Served, query: Query, tmp_path: Path, a_record: Any, write_lines: Any
) -> None:
    drop = write_lines(tmp_path / "wire" / "one.jsonl", [a_record(1), {"body": "Rain."}])
    home, configured = tmp_path / "home", environment(tmp_path, PREFECT_API_URL=served.url)
    ingest = [*COPYDESK, "ingest", str(drop), "--home", str(home)]
    subprocess.run(ingest, capture_output=True, env=environment(tmp_path), check=True)
    (home / "copydesk.toml").write_text("[sources.wire]\nthresholds = { min_body_chars = 1 }\n")
    program = f"from flows.replay import replay; replay(home={str(home)!r}, reason='body_too_short')"
    subprocess.run([sys.executable, "-c", program], capture_output=True, env=configured, check=True)
    [(kind, loaded, flow_run_id)] = query(
        "SELECT kind, records_loaded, flow_run_id FROM ops.runs ORDER BY started_at DESC LIMIT 1", home
    )
    assert (kind, loaded) == ("replay", 1)
    [run] = served.post("flow_runs/filter", flow_runs={"id": {"any_": [flow_run_id]}})
    assert run["state_type"] == "COMPLETED"


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


SAVED_BLOCKS = """
import sys
from prefect.blocks.notifications import CustomWebhookNotificationBlock
from prefect.blocks.system import Secret
content = {"text": "{{subject}} {{body}}"}
CustomWebhookNotificationBlock(name="desk", url=sys.argv[1] + "/by-prefect", json_data=content).save("desk")
Secret(value=sys.argv[1] + "/by-us/T0PSECRET").save("desk-url")
"""

ROUTES = """
[alerts.events]
kind = "prefect"
[alerts.desk]
kind = "webhook"
url_block = "desk-url"
"""


@pytest.mark.long
def test_incident_reaches_people_through_an_automation_and_a_webhook_whose_url_is_a_secret_block(
    served: Served, tmp_path: Path, a_record: Any, write_lines: Any, receiver: Any
) -> None:
    configured = environment(tmp_path, PREFECT_API_URL=served.url)
    subprocess.run([sys.executable, "-c", SAVED_BLOCKS, receiver.url], env=configured, check=True, capture_output=True)
    for _ in range(2):
        command = [*COPYDESK, "alerts", "prefect-automation", "--url-block", "desk"]
        subprocess.run(command, env=configured, check=True, capture_output=True)
    assert [one["name"] for one in served.post("automations/filter")] == ["copydesk digests to custom-webhook/desk"]
    drop = write_lines(tmp_path / "wire" / "one.jsonl", [a_record(1, body=f"{a_record(1)['body']} And then […]")])
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "copydesk.toml").write_text(ROUTES)
    command = [*COPYDESK, "ingest", str(drop), "--home", str(tmp_path / "home")]
    done = subprocess.run(command, capture_output=True, text=True, env=configured, check=True)
    until(lambda: len(receiver.received) > 1, seconds=RUN_SECONDS, process=served.process)
    told = {one.path: one.json for one in receiver.received}
    [incident] = told["/by-us/T0PSECRET"]["incidents"]
    assert told["/by-prefect"]["text"].startswith("copydesk: 1 opened (wire truncated_body)")
    assert incident["command"] in told["/by-prefect"]["text"]
    happened = {"event": {"name": ["copydesk.incident.opened"]}}
    [event] = served.post("events/filter", filter=happened)["events"]
    assert event["resource"]["prefect.resource.id"] == f"copydesk.incident.{incident['incident_id']}"
    assert "T0PSECRET" not in done.stdout + done.stderr


@pytest.mark.long
def test_automation_through_a_block_that_there_is_not_names_it(served: Served, tmp_path: Path) -> None:
    command = [*COPYDESK, "alerts", "prefect-automation", "--url-block", "slack-webhook/no-such"]
    configured = environment(tmp_path, PREFECT_API_URL=served.url)
    done = subprocess.run(command, capture_output=True, text=True, env=configured, check=False)
    assert (done.returncode, "There is no notification block slack-webhook/no-such" in done.stderr) == (3, True)


@pytest.mark.long
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
