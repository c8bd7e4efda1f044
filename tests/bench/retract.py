"""Measure how long it takes to withdraw a text from a warehouse of 100,000 articles, and to prove that it is gone.

The proof is held against a search of our own: after it, no sentence of the text stands in any file, decompressed, or
decoded by polars; before, it does.

    python tests/bench/retract.py [COUNT]
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb
import polars as pl
import zstandard
from articles import write_json_lines

COUNT = 100_000


def main(count: int) -> None:
    """Ingest, withdraw one article at once, prove again, and print the seconds of each."""
    with tempfile.TemporaryDirectory() as name:
        home, folder = Path(name) / "home", Path(name)
        seconds, _ = run("ingest", write_json_lines(folder / "articles.jsonl", count), "--json", home=home)
        tell(f"{count:,} articles ingested", seconds)
        with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as published:
            record_id, body = published.execute(
                "SELECT record_id, body FROM records ORDER BY record_id LIMIT 1 OFFSET ?", [count // 2]
            ).fetchall()[0]
        sentence = max(body.split(". "), key=len)
        print(f"  before: {len(holding(home, sentence))} files hold a sentence of it")  # noqa: T201 -- the result
        seconds, printed = run("retract", record_id, "--reason", "measured", "--now", "--json", home=home)
        done = json.loads(printed)
        tell(f"{len(done['records'])} records withdrawn and proved", seconds)
        proof = done["proof"]
        print(f"  {proof['passages']} passages; left: {proof['remains'] or 'none'}")  # noqa: T201 -- the result
        print(f"  after: {holding(home, sentence) or 'none'}")  # noqa: T201 -- the result
        seconds, _ = run("retract", "--prove", "--json", home=home)
        tell("proved again", seconds)


def run(*arguments: str | Path, home: Path) -> tuple[float, str]:
    """Run a command; give the seconds and what it printed."""
    started = time.perf_counter()
    command = [Path(sys.executable).with_name("copydesk"), *arguments, "--home", home]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    return time.perf_counter() - started, done.stdout


def tell(what: str, seconds: float) -> None:
    """Print a figure."""
    print(f"  {what}: {seconds:.1f} s", flush=True)  # noqa: T201 -- the result


def holding(home: Path, sentence: str) -> list[str]:
    """Return the files that hold a sentence; what is compressed or encoded is undone first."""
    return [str(path.relative_to(home)) for path in sorted(home.rglob("*")) if path.is_file() and holds(path, sentence)]


def holds(path: Path, sentence: str) -> bool:
    """Tell whether a file holds a sentence, as text or as JSON writes it."""
    if path.suffix == ".parquet":
        texts = pl.scan_parquet(path).select(pl.col(pl.String)).collect()
        return any(column.str.contains(sentence, literal=True).any() for column in texts)
    content = path.read_bytes()
    if path.suffix == ".zst":
        content = zstandard.ZstdDecompressor().decompressobj().decompress(content)
    return sentence.encode() in content or json.dumps(sentence)[1:-1].encode() in content


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else COUNT)
