"""The engine's process: what it is asked it answers, what goes wrong there is told here, and it ends with us."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest

from expectations import engine
from expectations.engine import ValidationEngineError, expect_between, expect_true, run_suite
from expectations.row_rules import Severity

BASIC = {"result_format": "BASIC"}
ROWS = pl.DataFrame({"present": [True, False, True], "figure": [1.0, None, 9.0]})
DEADLINE_SECONDS = 30


def test_each_expectation_has_its_counts() -> None:
    expectations = [
        expect_true("present", severity=Severity.CRITICAL, reason="-"),
        expect_between("figure", at_least=2, at_most=None, severity=Severity.WARNING, reason="-"),
    ]
    results = run_suite("records", ROWS, expectations, result_format=BASIC)
    assert {name: found["unexpected_count"] for name, found in results.items()} == {"present": 1, "figure": 1}


def test_expectation_on_a_column_that_is_not_there_is_an_error() -> None:
    expectation = expect_true("absent", severity=Severity.CRITICAL, reason="-")
    with pytest.raises(ValidationEngineError, match="0 of 1 results"):
        run_suite("records", ROWS, [expectation], result_format=BASIC)


def test_what_goes_wrong_in_the_engine_is_told_with_what_to_do() -> None:
    with pytest.raises(ValidationEngineError, match=r"failed on records: \w+Error: .*copydesk doctor"):
        run_suite("records", ROWS, [{"kwargs": {}}], result_format=BASIC)


def test_engine_that_was_killed_is_an_error_and_the_next_question_starts_another() -> None:
    expectation = expect_true("present", severity=Severity.CRITICAL, reason="-")
    killed = engine._process()
    killed.kill()
    killed.wait()
    with pytest.raises(ValidationEngineError, match="ended unexpectedly"):
        run_suite("records", ROWS, [expectation], result_format=BASIC)
    assert run_suite("records", ROWS, [expectation], result_format=BASIC)["present"]["unexpected_count"] == 1


ASKING = """
import os, signal, sys
from expectations import engine
print(engine._process().pid, flush=True)
if sys.argv[1] == "killed":
    os.kill(os.getpid(), signal.SIGKILL)
"""


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


@pytest.mark.parametrize("end", ["killed", "well"])
def test_engine_ends_with_the_process_that_started_it(end: str) -> None:
    asking = subprocess.run([sys.executable, "-c", ASKING, end], capture_output=True, text=True, check=False)
    assert asking.returncode == (-signal.SIGKILL if end == "killed" else 0)
    deadline = time.monotonic() + DEADLINE_SECONDS
    while is_running(int(asking.stdout)):
        assert time.monotonic() < deadline, "it runs on"


def test_files_of_the_folder_that_we_are_in_are_no_modules(tmp_path: Path) -> None:
    for name in ("calendar.py", "expectations/__init__.py"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("raise RuntimeError('not me')")
    asking = subprocess.run(
        [sys.executable, "-P", "-c", ASKING_ONCE], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (asking.returncode, asking.stdout) == (0, "1\n"), asking.stderr


ASKING_ONCE = """
import polars as pl
from expectations.engine import expect_true, run_suite
from expectations.row_rules import Severity
expectation = expect_true("a", severity=Severity.CRITICAL, reason="-")
rows = pl.DataFrame({"a": [False]})
print(run_suite("records", rows, [expectation], result_format={"result_format": "BASIC"})["a"]["unexpected_count"])
"""

QUIET = """
import json, sys
touched = []

def note(event, arguments):
    if event in {"socket.connect", "socket.getaddrinfo", "os.mkdir", "os.rename", "os.remove"}:
        touched.append([event, str(arguments[:2])])
    if event == "open" and arguments[2] & 3 and str(arguments[0]) != "/dev/null":
        touched.append([event, str(arguments[0])])

sys.addaudithook(note)
import polars as pl
from expectations.engine import expect_true
from expectations.engine_process import validate
from expectations.row_rules import Severity

assert "great_expectations" not in sys.modules
expectation = expect_true("present", severity=Severity.CRITICAL, reason="-")
results = validate("records", pl.DataFrame({"present": [False]}), [expectation], {"result_format": "BASIC"})
assert results["present"]["unexpected_count"] == 1
sys.stdout.write(json.dumps(touched))
"""


def test_validating_prints_nothing_and_touches_neither_network_nor_files(tmp_path: Path) -> None:
    """In a fresh process: the engine is imported only when it is used, and its analytics stay off."""
    command = [sys.executable, "-B", "-W", "ignore", "-c", QUIET]
    environment = {"HOME": str(tmp_path), "TMPDIR": str(tmp_path), "PATH": ""}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == []
    assert list(tmp_path.iterdir()) == []
