"""A real Prefect server on a loopback port, and programs of ours as processes that can be counted."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

DEADLINE_SECONDS = 90.0
"""For whatever is waited for; on an idle machine a server starts in 5 to 11 s, and a scheduled run completes in 20 s."""

MARK = "COPYDESK_TEST_PROCESS"


def wait_for[Value](what: str, look: Callable[[], Value]) -> Value:
    """Return the first true value of `look`, asked again and again until the deadline."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not (value := look()):
        if time.monotonic() > deadline:
            pytest.fail(f"waited {DEADLINE_SECONDS:.0f} s in vain for {what}")
        time.sleep(0.1)
    return value


def processes_marked(mark: str) -> set[int]:
    """Return the living processes that inherited a mark, wherever they hang in the tree by now."""
    return {int(folder.name) for folder in Path("/proc").iterdir() if folder.name.isdigit() and _has(folder, mark)}


def _has(process: Path, mark: str) -> bool:
    try:
        return f"{MARK}={mark}".encode() in (process / "environ").read_bytes().split(b"\0")
    except OSError:  # it ended meanwhile
        return False
