"""Kill commands at random times and at every named step, fill the disk under them, and see that nothing is lost.

    python tests/torture/torture.py [--kills N] [--full N] [--seed N]

A home folder has had a first run. In each round a command works on a copy of it and is killed as by `kill -9`, or meets
a full disk; readers open the published file over and over meanwhile, each time counting what has to agree. Then the
same command runs to its end. What is in the tables must be what the undisturbed command leaves there. Counted are rows
that are lost or doubled, states that readers saw half of, errors that readers had, and files that were left over.

Named steps come first, in turn; the other kills fall at a random moment of the time that the command takes. A disk is
full where a file system of some megabytes is (that takes a root user), else where a file may grow no further.

Ends with exit code 1 where anything was lost, doubled, half seen or left over.
"""

import argparse
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

RUN = "import sys; from flows.cli import run; sys.exit(run(sys.argv[1:]))"
READ = Path(__file__).with_name("reader.py")
DIE = Path(__file__).with_name("die_at.py")
SECONDS = 120.0
READERS = 2
LARGE_DISK = 1 << 30
DROPS = "{drops}"
"""Stands for the drops in the words of a command."""

Resize = Callable[[int], object]

CONTENT = {
    "records": "SELECT * EXCLUDE (run_id, ingested_at) FROM records ORDER BY ALL",
    "articles": """
        SELECT a.headline, a.record_count, r.record_id FROM articles AS a JOIN record_articles AS r USING (article_id)
        ORDER BY ALL
    """,
    "spans": "SELECT * FROM spans ORDER BY ALL",
    "drops": "SELECT * EXCLUDE (run_id, received_at, noted_at) FROM ops.drops ORDER BY ALL",
    "quarantine": "SELECT quarantine_id, reasons, status, detail FROM ops.quarantine ORDER BY ALL",
    "runs": "SELECT kind, records_in, records_loaded, records_quarantined FROM ops.runs ORDER BY ALL",
    "incidents": "SELECT source, rule, status, occurrences FROM ops.incidents ORDER BY ALL",
}
"""What must be the same, but for names and times of runs; articles are named by their records."""


@dataclass(frozen=True)
class Command:
    """What is tortured: its words, and the steps at which it is killed: `module[:class] function before|after call`."""

    name: str
    words: Sequence[str]
    steps: Sequence[str]


@dataclass
class Counts:
    """What the rounds came to."""

    rounds: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    reads: int = 0
    said: list[str] = field(default_factory=list)

    def fault(self, kind: str, what: str) -> None:
        """Count a fault, and keep what it was."""
        self.faults[kind] += 1
        self.said.append(f"{kind}: {what}")


FAULTS = (
    *("lost", "doubled or other", "half seen", "reader error"),
    *("left over", "failed", "not killed", "no sentence"),
)

COMMANDS = (
    Command(
        "ingest",
        ("ingest", DROPS),
        (
            "warehouse.raw_store:RawStore put after 2",
            "flows.steps land after 1",
            "flows.parse clean_and_check before 1",
            "flows.steps parse after 1",
            "warehouse.raw_store:RawStore record_delivery before 1",
            "flows.steps claim after 1",
            "flows.steps validate after 1",
            "flows.steps match after 1",
            "warehouse.lake:Lake append before 1",
            "warehouse.lake:Lake insert after 3",
            "warehouse.lake:Lake append after 1",
            "warehouse.publish write_views after 1",
            "flows.load write_known_files before 1",
        ),
    ),
    Command(
        "replay",
        ("quarantine", "replay"),
        (
            "flows.replaying reparse after 1",
            "flows.replaying place before 1",
            "warehouse.lake:Lake append before 1",
            "warehouse.lake:Lake insert after 2",
            "warehouse.lake:Lake append after 1",
            "warehouse.publish write_views after 1",
        ),
    ),
    Command(
        "accept",
        ("boilerplate", "accept", "Printed on the island since 1911", "--source", "wire"),
        (
            "flows.reclean replace_rows after 1",
            "flows.reclean publish before 1",
            "warehouse.publish write_views after 1",
        ),
    ),
    Command(
        "maintain",
        ("maintain",),
        (
            "flows.maintaining expire after 1",
            "warehouse.maintenance rewrite after 1",
            "warehouse.maintenance _merge_table after 4",
            "flows.maintaining merge after 1",
            "flows.maintaining remove_orphans before 1",
            "flows.maintaining compact_catalog before 1",
        ),
    ),
    Command(
        "retract",
        ("retract", "https://wire.example/9", "--reason", "as its author asked"),
        (
            "flows.retract prepare_redactions after 1",
            "flows.retract note_texts after 1",
            "warehouse.raw_store sync after 1",
            "warehouse.raw_store:RawStore redact after 1",
            "flows.retract_commit forget_gone after 1",
            "flows.retract commit_retraction after 1",
            "warehouse.publish write_views after 1",
            "flows.retract clear_away before 1",
            "flows.retract refresh_statistics after 1",
            "flows.retract prove before 1",
        ),
    ),
    Command(
        "rebuild",
        ("rebuild",),
        (
            "flows.rebuilding repeat after 2",
            "warehouse.lake:Lake insert after 30",
            "warehouse.swap keep_superseded after 1",
            "warehouse.swap sync before 1",
            "flows.rebuilding replace_lake after 1",
            "flows.rebuilding pass_over_news before 1",
        ),
    ),
    Command(
        "publish", ("publish",), ("warehouse.publish write_views before 1", "warehouse.publish write_views after 1")
    ),
)


class Torture:
    """Rounds on copies of one home folder."""

    def __init__(
        self,
        folder: Path,
        *,
        records: int,
        rng: random.Random,
        commands: Sequence[Command] = COMMANDS,
        small_runs: int = 8,
    ) -> None:
        self.counts = Counts()
        self._commands = commands
        self._small_runs = small_runs
        self._folder = folder
        self._home = folder / "home"
        self._random = rng
        self._drops = [folder / "drops" / "wire" / f"{number}.jsonl" for number in range(3)]
        _write_drops(self._drops, records)
        self._base = self._make_base()
        self._expected: dict[str, dict[str, object]] = {}
        self._seconds: dict[str, float] = {}
        for command in commands:
            self._begin()
            started = time.monotonic()
            _check(self._run(command))
            self._seconds[command.name] = time.monotonic() - started
            self._expected[command.name] = self._content()

    def named_steps(self) -> Iterator[tuple[Command, str]]:
        """Yield every step of every command."""
        for command in self._commands:
            for step in command.steps:
                yield command, step

    def kill_at(self, command: Command, step: str) -> None:
        """Kill a command at a step."""
        self._round("kills at a step", command, lambda: self._die_at(command, step), what=f"{command.name} at {step}")

    def kill_some_time(self) -> None:
        """Kill a command at a random moment."""
        command = self._random.choice(self._commands)
        after = self._random.uniform(0, self._seconds[command.name])
        what = f"{command.name} after {after:.2f} s"
        self._round("kills at a moment", command, lambda: self._kill_after(command, after), what=what)

    def fill_disk(self) -> None:
        """Let a command meet a full disk, and then have room again."""
        command = self._random.choice(self._commands[:5])
        room = int(2 ** self._random.uniform(9, 21))
        what = f"{command.name} with {room:,} bytes"
        with self._own_disk() as resize:
            self._round("full disks", command, lambda: self._run_with(command, room, resize), what=what)

    def _round(self, kind: str, command: Command, disturb: Callable[[], None], *, what: str) -> None:
        self.counts.rounds[kind] += 1
        self._begin()
        with self._readers(what):
            disturb()
            again = self._run(command)
        if again.returncode:
            self.counts.fault("failed", f"{what}: {again.stderr.decode()[-300:]}")
            return
        self._compare(command, what)
        self._look_for_leftovers(what)

    def _compare(self, command: Command, what: str) -> None:
        found, expected = self._content(), self._expected[command.name]
        for table in CONTENT:
            here, there = Counter(map(repr, found[table])), Counter(map(repr, expected[table]))  # type: ignore[call-overload]
            for kind, rows in (("lost", there - here), ("doubled or other", here - there)):
                if rows:
                    self.counts.fault(kind, f"{what}: {table}: {next(iter(rows))[:200]}")

    def _look_for_leftovers(self, what: str) -> None:
        staged = list((self._home / "staging").iterdir())
        parts = [path for path in self._home.rglob(".*.part*") if path.is_file()]
        for path in staged + parts:
            self.counts.fault("left over", f"{what}: {path}")

    def _begin(self) -> None:
        shutil.rmtree(self._home, ignore_errors=True)
        shutil.copytree(self._base, self._home, dirs_exist_ok=True)  # it may be where a disk is mounted

    def _make_base(self) -> Path:
        """Make a home with a run, rows to replay, a line to accept, and files to merge, at the path of its copies."""
        self._home.mkdir()
        config = self._home / "copydesk.toml"
        config.write_text("[sources.wire.thresholds]\nmin_body_chars = 400\n")
        _check(self._words("ingest", self._drops[0]))
        config.write_text("")
        for number in range(self._small_runs):
            small = self._folder / "drops" / "small" / f"{number}.jsonl"
            _write_drops([small], 1, first=10_000 + number)
            _check(self._words("ingest", small))
        base = self._folder / "base"
        shutil.copytree(self._home, base)
        return base

    def _command(self, command: Command) -> list[str]:
        drops = list(map(str, self._drops))
        words = [word for part in command.words for word in (drops if part == DROPS else [part])]
        return [*words, "--home", str(self._home)]

    def _words(self, *words: object) -> subprocess.CompletedProcess[bytes]:
        command = [sys.executable, "-c", RUN, *map(str, words), "--home", str(self._home)]
        return subprocess.run(command, check=False, capture_output=True)

    def _run(
        self, command: Command, *, preexec_fn: Callable[[], None] | None = None
    ) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [sys.executable, "-c", RUN, *self._command(command)],
            check=False,
            capture_output=True,
            timeout=SECONDS * 5,
            preexec_fn=preexec_fn,
        )

    def _die_at(self, command: Command, step: str) -> None:
        died = subprocess.run(
            [sys.executable, str(DIE), *step.split(), *self._command(command)], check=False, capture_output=True
        )
        if died.returncode != -signal.SIGKILL:
            self.counts.fault("not killed", f"{command.name} never came to {step}: {died.stderr.decode()[-300:]}")

    def _kill_after(self, command: Command, seconds: float) -> None:
        words = [sys.executable, "-c", RUN, *self._command(command)]
        with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
            time.sleep(seconds)
            running.kill()

    @contextmanager
    def _own_disk(self) -> Iterator[Resize | None]:
        """Put the home folder on a disk of its own, and give what sets its size; nothing where that is not allowed."""
        self._home.mkdir(exist_ok=True)
        disk = ["mount", "-t", "tmpfs", "-o", f"size={LARGE_DISK}", "tmpfs", str(self._home)]
        if not shutil.which("mount") or subprocess.run(disk, check=False, capture_output=True).returncode:
            yield None
            return
        try:
            yield lambda size: subprocess.run(["mount", "-o", f"remount,size={size}", str(self._home)], check=True)
        finally:
            subprocess.run(["umount", str(self._home)], check=True)

    def _run_with(self, command: Command, room: int, resize: Resize | None) -> None:
        if resize is None:
            done = self._run(command, preexec_fn=lambda: _grow_no_further(room))
        else:
            resize(shutil.disk_usage(self._home).used + room)
            done = self._run(command)
            resize(LARGE_DISK)
        if b"Traceback" in done.stderr:
            self.counts.fault("no sentence", done.stderr.decode()[-300:])

    @contextmanager
    def _readers(self, what: str) -> Iterator[None]:
        """Let processes open the published file over and over, and count what they saw."""
        command = [sys.executable, str(READ), str(self._home / "warehouse.duckdb")]
        readers = [
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            for _ in range(READERS)
        ]
        try:
            yield
        finally:
            for reader in readers:
                said = reader.communicate(timeout=SECONDS)[0].decode().splitlines()
                reads = next((int(line.split()[1]) for line in said if line.startswith("reads ")), 0)
                self.counts.reads += reads
                for line in said:
                    if not line.startswith("reads "):
                        self.counts.fault("half seen" if line.startswith("half") else "reader error", f"{what}: {line}")
                if not reads:
                    self.counts.fault("reader error", f"{what}: a reader never read")

    def _content(self) -> dict[str, object]:
        with duckdb.connect(str(self._home / "warehouse.duckdb"), read_only=True) as published:
            return {name: published.execute(query).fetchall() for name, query in CONTENT.items()}


def _grow_no_further(limit: int) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)


def _check(done: subprocess.CompletedProcess[bytes]) -> None:
    if done.returncode:
        raise SystemExit(f"The undisturbed command failed: {done.args}\n{done.stderr.decode()}")


def _write_drops(paths: Sequence[Path], records: int, *, first: int = 0) -> None:
    """Write drops of articles of our own, some of them copies, some too short or no JSON."""
    for drop, path in enumerate(paths):
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w") as file:
            for number in range(records):
                file.write(_line(first + drop * records + number))


def _line(number: int) -> str:
    if number % 11 == 7:
        return "nonsense\n"
    told = number - 1 if number % 7 == 3 else number
    body = " ".join(
        f"Beam {told}{letter} held while post {told}{letter} leaned over the pier." for letter in "abcdefgh"
    )
    text = body[:300] if number % 5 == 1 else f"{body}\\n\\nPrinted on the island since 1911"
    address = f"https://wire.example/{number}"
    return f'{{"headline": "Bridge {told}", "id": "{number}", "url": "{address}", "body": "{text}"}}\n'


def lines(counts: Counts) -> Iterator[str]:
    """Yield what is printed of the rounds."""
    for kind, number in counts.rounds.items():
        yield f"{kind:<22}{number:>7,}"
    yield f"{'reads meanwhile':<22}{counts.reads:>7,}"
    for kind in FAULTS:
        yield f"{kind:<22}{counts.faults[kind]:>7,}"
    yield from counts.said[:20]


def main() -> int:
    """Run the rounds, and print what they came to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--full", type=int, default=50)
    parser.add_argument("--records", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    told = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        torture = Torture(Path(folder), records=told.records, rng=random.Random(told.seed))  # noqa: S311 -- no secret
        steps = list(torture.named_steps())
        for number in range(told.kills):
            torture.kill_at(*steps[number]) if number < len(steps) else torture.kill_some_time()
            _show(torture.counts)
        for _ in range(told.full):
            torture.fill_disk()
            _show(torture.counts)
    print(*lines(torture.counts), sep="\n")  # noqa: T201 -- the result
    return 1 if torture.counts.faults else 0


def _show(counts: Counts) -> None:
    with suppress(OSError):
        os.write(2, f"\r{sum(counts.rounds.values())} rounds, {counts.faults.total()} faults".encode())


if __name__ == "__main__":
    sys.exit(main())
