"""Measure how long `copydesk rebuild --only text` takes, beside the ingest of the same records.

The records are cleaned as of an older version, which removed no furniture, and then again by today's rules: looked at
first, then replaced, then once more, when nothing is older. Every figure is that of a whole command.

    python tests/bench/rebuild_text.py [--news PARQUET]
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

NEWS = Path(__file__).parents[2].parent / "shared" / "data" / "news" / "lk_news_20k.parquet"

OLDER = """
import sys
from dataclasses import replace
from transforms import bodies, cleaning
find = bodies.find_boilerplate
def find_nothing(*arguments):
    found = find(*arguments)
    return replace(found, labels=found.labels.clear())
bodies.find_boilerplate = find_nothing
cleaning.CLEANING_VERSION -= 1
from flows.cli import run
sys.exit(run(sys.argv[1:]))
"""


def main(news: Path) -> None:
    """Ingest, then rebuild, and print the seconds of each."""
    with tempfile.TemporaryDirectory() as home:
        ingest = [sys.executable, "-c", OLDER, "ingest", str(news), "--source", "news", "--json", "--home", home]
        rebuild = [str(Path(sys.executable).with_name("copydesk"))]
        rebuild += ["rebuild", "--only", "text", "--json", "--home", home]
        ingested, seconds = run(ingest)
        print(f"ingest       {seconds:6.1f} s   {ingested['records_loaded']:,} records", flush=True)  # noqa: T201 -- the result
        for name, command in (("preview", [*rebuild, "--dry-run"]), ("rebuild", rebuild), ("once more", rebuild)):
            done, taken = run(command)
            figures = (
                f"{done['records']:,} records, {done['records_changed']:,} changed, {len(done['left_alone'])} left"
            )
            print(f"{name:<11}{taken:8.1f} s   {figures}, {taken / seconds:.2f} of the ingest", flush=True)  # noqa: T201


def run(command: list[str]) -> tuple[dict[str, Any], float]:
    """Run a command; give what it printed, and the seconds. It ends with 1 where records were left as they are."""
    started = time.perf_counter()
    done = subprocess.run(command, check=False, capture_output=True)
    if done.returncode not in {0, 1}:
        raise SystemExit(done.stderr.decode())
    return json.loads(done.stdout), time.perf_counter() - started


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--news", type=Path, default=NEWS)
    given = parser.parse_args()
    if not given.news.exists():
        sys.exit(f"{given.news} is not there: name a Parquet file of news with --news.")
    main(given.news)
