"""Measure the whole ingest, `copydesk ingest` in a process of its own, beside a floor that no ingest can beat.

The floor is polars reading the same JSON Lines and writing zstd Parquet, which neither cleans nor checks anything. Both
are measured in one run on one machine, as ratios carry from machine to machine and seconds do not.

    python tests/bench/ingest.py [COUNT...]      by default 10,000 and 100,000 articles
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from articles import write_json_lines, write_text_files

COUNTS = (10_000, 100_000)
SAMPLE_SECONDS = 0.02


@dataclass(frozen=True)
class Measured:
    """One measured ingest."""

    articles: int
    form: str
    megabytes: float
    seconds: float
    peak_megabytes: float
    floor_seconds: float

    def line(self) -> str:
        """Return a row of the table."""
        return (
            f"{self.articles:>9,}  {self.form:<6}{self.megabytes:>8,.0f}{self.seconds:>9.1f}"
            f"{self.articles / self.seconds:>12,.0f}{self.megabytes / self.seconds:>8.1f}{self.peak_megabytes:>10,.0f}"
            f"{self.articles / self.floor_seconds:>12,.0f}{self.seconds / self.floor_seconds:>8.1f}"
        )


FLOOR = """
import sys, time
import polars as pl
def measure():
    started = time.perf_counter()
    pl.scan_ndjson(sys.argv[1]).sink_parquet(sys.argv[2], compression="zstd")
    return time.perf_counter() - started
print(min(measure() for _ in range(3)))
"""

HEADER = " articles  form        MB  seconds  articles/s    MB/s   peak MB     floor/s   ratio"


def main(counts: list[int]) -> None:
    """Measure each count in both forms, and print a table."""
    print(HEADER, flush=True)  # noqa: T201 -- the result
    for count in counts:
        with tempfile.TemporaryDirectory() as folder:
            lines = write_json_lines(Path(folder) / "articles.jsonl", count)
            floor = measure_floor(lines)
            texts = write_text_files(Path(folder) / "texts", count)
            for form, drop in (("jsonl", lines), ("txt", texts)):
                print(measure(drop, form, count, floor=floor).line(), flush=True)  # noqa: T201 -- the result


def measure_floor(lines: Path) -> float:
    """Return the seconds that polars takes from JSON Lines to zstd Parquet.

    The best of three.
    """
    os.sync()
    command = [sys.executable, "-c", FLOOR, str(lines), str(lines.with_suffix(".parquet"))]
    return float(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def measure(drop: Path, form: str, count: int, *, floor: float) -> Measured:
    """Ingest a drop into an empty home folder."""
    files = [drop] if drop.is_file() else list(drop.iterdir())
    megabytes = sum(path.stat().st_size for path in files) / 1e6
    copydesk = Path(sys.executable).with_name("copydesk")
    os.sync()
    with tempfile.TemporaryDirectory() as home:
        started = time.perf_counter()
        command = [copydesk, "ingest", drop, "--json", "--home", home]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
            peak = 0.0
            while process.poll() is None:
                peak = max(peak, megabytes_of_tree(process.pid))
                time.sleep(SAMPLE_SECONDS)
            seconds = time.perf_counter() - started
            assert process.stdout is not None
            summary = json.loads(process.stdout.read())
    if process.returncode or summary["records_in"] != count or summary["records_loaded"] != count:
        raise SystemExit(f"the ingest went wrong: {summary}")
    return Measured(count, form, megabytes, seconds, peak, floor)


def megabytes_of_tree(pid: int) -> float:
    """Return the resident memory of a process and of those that it started."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6 + sum(megabytes_of_tree(int(child)) for child in children)


if __name__ == "__main__":
    main([int(argument) for argument in sys.argv[1:]] or list(COUNTS))
