"""Measure the report on a year of daily runs of fifty sources: how large, how long to write, how long until drawn.

The runs are made up and written straight to the lake (`full_home.py`). A quarter and the whole year are each opened
from disk three times, in a Chromium that has just started; shown is the median time from the start of the navigation to
the last chart, and what of it the page had a processor for, which is what counts on a busy machine.

    python tests/bench/report.py [--sources N] [--days N] [--home DIR] [--most-mb MB] [--most-seconds S]
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from full_home import Year, fill_home
from playwright.sync_api import sync_playwright

from warehouse.home import Home

ROUNDS = 3
CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
]


def main(home: Path, year: Year, *, most_mb: float, most_seconds: float) -> bool:
    """Measure, and tell whether the page keeps within bounds."""
    if not (home / "warehouse.duckdb").exists():
        started = time.perf_counter()
        fill_home(Home(home), year)
        runs = f"{year.days:,} runs of {year.sources} sources"
        print(f"{runs} made up in {time.perf_counter() - started:.0f} s")  # noqa: T201 -- the result
    print("   days   written       size     drawn   processor")  # noqa: T201 -- the result
    is_within = True
    for days in sorted({90, year.days}):
        page = home / "reports" / f"{days}.html"
        page.parent.mkdir(exist_ok=True)
        command = [Path(sys.executable).with_name("copydesk"), "report", "--home", home, "--days", str(days)]
        started = time.perf_counter()
        subprocess.run([*command, "--output", page], check=True, stdout=subprocess.DEVNULL)
        seconds, size = time.perf_counter() - started, page.stat().st_size / 1e6
        drawn, busy = map(statistics.median, zip(*(seconds_until_drawn(page) for _ in range(ROUNDS)), strict=True))
        print(f"{days:>7}{seconds:>8.1f} s{size:>8.2f} MB{drawn:>8.2f} s{busy:>10.2f} s", flush=True)  # noqa: T201 -- the result
        is_within = is_within and size <= most_mb and drawn <= most_seconds
    return is_within


def seconds_until_drawn(page: Path) -> tuple[float, float]:
    """Open the page in a new browser; give the seconds until the last chart, and those that the page computed."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        tab = browser.new_page()
        meter = tab.context.new_cdp_session(tab)
        meter.send("Performance.enable", {"timeDomain": "threadTicks"})
        tab.goto(page.as_uri(), wait_until="commit")
        tab.wait_for_selector("html[data-drawn]", state="attached")
        milliseconds = float(tab.evaluate("document.documentElement.dataset.drawn"))
        metrics = {one["name"]: one["value"] for one in meter.send("Performance.getMetrics")["metrics"]}
        browser.close()
    return milliseconds / 1000, metrics["ThreadTime"]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sources", type=int, default=50)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--home", type=Path, help="keep the home folder here, and use it again")
    parser.add_argument("--most-mb", type=float, default=5.0)
    parser.add_argument("--most-seconds", type=float, default=2.0)
    given = parser.parse_args()
    made_up = Year(given.sources, given.days, datetime.now(UTC))
    with tempfile.TemporaryDirectory() as name:
        place = given.home or Path(name)
        kept = main(place, made_up, most_mb=given.most_mb, most_seconds=given.most_seconds)
    sys.exit(0 if kept else f"The page is larger than {given.most_mb} MB, or takes more than {given.most_seconds} s.")
