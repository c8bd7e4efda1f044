"""Measure near-duplicate detection, texts to clusters, beside datatrove, text-dedup, datasketch and rensa.

All get the same news with planted copies (`planted.py`): 20,000 real articles, and 100,000 recombined of them, of 5 kB.
Each runs in a fresh process; imports, reading of the texts and compilation of kernels are not in its time, and its
memory is the sum of its processes' from then on, in which pages that forked processes share count more than once.
The peers have a virtual environment of their own, `.venv-peers`, which `make bench-duplicates` fills.

- recall: the share of planted copies that end in one cluster with what they are copies of
- precision: the share of merged pairs, a text and its canonical one, that were planted or have a Jaccard similarity of
  0.5 or more by exact word 3-shingles

A peer is left out where, by its speed on fewer articles, it would take more than a quarter of an hour.

    python tests/bench/duplicates.py [COUNT...] [--peers-at COUNT...] [--news PARQUET]
    python tests/bench/duplicates.py --million [COUNT...]

The latter is ours alone on 100,000 and 1,000,000 recombined articles of 3 kB: time and memory of each stage.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl
from ingest import SAMPLE_SECONDS, megabytes_of_tree
from peers.shingling import jaccard
from planted import KINDS, News, read_news, write_recombined, write_sampled

COUNTS = (20_000, 100_000)
MILLION = (100_000, 1_000_000)
SAMPLED_AT_MOST = 20_000  # real articles; more are recombined
TEXT_BYTES, MILLION_TEXT_BYTES = 5_000, 3_000
PATIENCE_SECONDS = 15 * 60
SIMILAR = 0.5
THREADS = "2"

REPOSITORY = Path(__file__).parents[2]
NEWS = REPOSITORY.parent / "shared" / "data" / "news" / "lk_news_20k.parquet"
CONTESTANTS = Path(__file__).with_name("peers")
PEERS_PYTHON = REPOSITORY / ".venv-peers" / "bin" / "python"
OURS = "ours"
PEERS = ("datatrove_minhash", "text_dedup_minhash", "datasketch_lsh", "rensa_rminhash", "rensa_cminhash")


@dataclass(frozen=True)
class Stage:
    """One stage of ours."""

    name: str
    seconds: float
    peak_megabytes: float


@dataclass(frozen=True)
class Measured:
    """One run of one contestant; its first memory is that of the texts and the program."""

    seconds: float
    first_megabytes: float
    peak_megabytes: float
    stages: list[Stage]
    canonical: pl.Series


class ContestantError(Exception):
    """A contestant ended without a result."""


HEADER = (
    "contestant            seconds  articles/s   peak MB  at start"
    f"   recall{''.join(f'{kind:>11}' for kind in KINDS)}   merged  precision"
)


def main(arguments: argparse.Namespace) -> None:
    """Measure what was asked for, unless there is no news to make texts of."""
    if not arguments.news.exists():
        print(f"skipped: no news at {arguments.news}; name a Parquet file of articles with --news")  # noqa: T201 -- the result
        return
    news = read_news(arguments.news)
    if arguments.million:
        stages(arguments.counts or MILLION, news)
    else:
        counts = sorted(arguments.counts or COUNTS)
        compare(counts, _peers_at(counts if arguments.peers_at is None else arguments.peers_at), news)


def _peers_at(counts: Sequence[int]) -> Sequence[int]:
    if counts and not PEERS_PYTHON.exists():
        print(f"without peers: {PEERS_PYTHON} is missing; make bench-duplicates installs them")  # noqa: T201 -- the result
        return ()
    return counts


def compare(counts: Sequence[int], peers_at: Sequence[int], news: News) -> None:
    """Print a table for each count."""
    seconds_per_megabyte: dict[str, float] = {}
    for count in counts:
        with tempfile.TemporaryDirectory() as folder:
            texts = _write_texts(Path(folder) / "texts.parquet", count, news)
            megabytes = pl.scan_parquet(texts).select(pl.col("text").str.len_bytes().sum()).collect().item() / 1e6
            print(f"\n{count:,} articles of {megabytes / count * 1e3:.1f} kB, one in ten a planted copy\n{HEADER}")  # noqa: T201 -- the result
            for contestant in (OURS, *(PEERS if count in peers_at else ())):
                expected = seconds_per_megabyte.get(contestant, 0.0) * megabytes
                shown, seconds = _try(contestant, texts, expected_seconds=expected)
                seconds_per_megabyte[contestant] = seconds / megabytes
                print(f"{contestant:<20}{shown}", flush=True)  # noqa: T201 -- the result


def _try(contestant: str, texts: Path, *, expected_seconds: float) -> tuple[str, float]:
    """Return what to show of a contestant, and the seconds that it took or would have taken."""
    if expected_seconds > PATIENCE_SECONDS:
        return f"  left out, as it would take about {expected_seconds / 60:.0f} minutes", expected_seconds
    try:
        measured = measure(contestant, texts)
    except ContestantError as failure:
        return f"  failed: {failure}", expected_seconds
    return _figures(measured, texts), measured.seconds


def _write_texts(path: Path, count: int, news: News) -> Path:
    if count <= SAMPLED_AT_MOST:
        return write_sampled(path, count, news)
    return write_recombined(path, count, news, text_bytes=TEXT_BYTES)


def _figures(measured: Measured, texts: Path) -> str:
    by_kind = recall(texts, measured.canonical)
    merged, precise = precision(texts, measured.canonical)
    return (
        f"{measured.seconds:>9.1f}{measured.canonical.len() / measured.seconds:>12,.0f}"
        f"{measured.peak_megabytes:>10,.0f}{measured.first_megabytes:>10,.0f}{by_kind['all']:>9.4f}"
        f"{''.join(f'{by_kind[kind]:>11.4f}' for kind in KINDS)}{merged:>9,}{precise:>11.4f}"
    )


def stages(counts: Sequence[int], news: News) -> None:
    """Print what each stage of ours takes at each count, and how its cost of a record grows from first to last."""
    costs: dict[str, list[float]] = {}
    for count in counts:
        with tempfile.TemporaryDirectory() as folder:
            texts = write_recombined(Path(folder) / "texts.parquet", count, news, text_bytes=MILLION_TEXT_BYTES)
            measured = measure(OURS, texts)
            found = recall(texts, measured.canonical)["all"]
        print(f"\n{count:,} records, recall {found:.4f}, {measured.first_megabytes:,.0f} MB at start")  # noqa: T201 -- the result
        print("stage                 seconds   µs/record   peak MB")  # noqa: T201 -- the result
        whole = Stage("whole", measured.seconds, measured.peak_megabytes)
        for stage in (*measured.stages, whole):
            cost = stage.seconds / count * 1e6
            costs.setdefault(stage.name, []).append(cost)
            print(f"{stage.name:<20}{stage.seconds:>9.1f}{cost:>12.1f}{stage.peak_megabytes:>10,.0f}", flush=True)  # noqa: T201 -- the result
    print(f"\ncost of a record at {counts[-1]:,} to that at {counts[0]:,}")  # noqa: T201 -- the result
    for name, each in costs.items():
        print(f"{name:<20}{each[-1] / each[0]:>9.2f}")  # noqa: T201 -- the result


def measure(contestant: str, texts: Path) -> Measured:
    """Run a contestant in a process of its own.

    Raises `ContestantError` with the last line of what it wrote.
    """
    python = sys.executable if contestant == OURS else str(PEERS_PYTHON)
    with tempfile.TemporaryDirectory() as folder:
        result, log = Path(folder) / "result.json", Path(folder) / "log.txt"
        command = [python, str(CONTESTANTS / f"{contestant}.py"), str(texts), str(result)]
        with log.open("wb") as written:
            process = subprocess.Popen(command, stdout=written, stderr=written, env=_environment(folder))
            samples = list(_samples_of_memory(process, result.with_suffix(".ready")))
        if process.returncode:
            last = log.read_text("utf-8", "replace").strip().rpartition("\n")[2]
            raise ContestantError(f"{contestant}: {last}")
        return _measured(json.loads(result.read_text("utf-8")), samples)


def _environment(folder: str) -> dict[str, str]:
    """Two threads for all that has threads; temporary files and caches into a folder, and nothing from the network."""
    threads = dict.fromkeys(("POLARS_MAX_THREADS", "RAYON_NUM_THREADS", "NUMBA_NUM_THREADS"), THREADS)
    return {**os.environ, **threads, "TMPDIR": folder, "HF_HOME": folder, "HF_HUB_OFFLINE": "1"}


def _samples_of_memory(process: subprocess.Popen, ready: Path) -> Iterator[tuple[float, float]]:
    """Yield moments and resident megabytes while a process runs, from when it is ready."""
    while process.poll() is None:
        if ready.exists():
            yield time.monotonic(), megabytes_of_tree(process.pid)
        time.sleep(SAMPLE_SECONDS)


def _measured(found: dict, samples: list[tuple[float, float]]) -> Measured:
    def peak(ended: float, seconds: float) -> float:
        within = [megabytes for moment, megabytes in samples if ended - seconds <= moment <= ended + SAMPLE_SECONDS]
        return max(within, default=float("nan"))  # a stage can be shorter than the time between two samples

    return Measured(
        seconds=found["seconds"],
        first_megabytes=samples[0][1],
        peak_megabytes=peak(found["ended"], found["seconds"]),
        stages=[Stage(name, seconds, peak(ended, seconds)) for name, seconds, ended in found["stages"]],
        canonical=pl.Series("canonical", found["canonical"], dtype=pl.UInt32),
    )


def recall(texts: Path, canonical: pl.Series) -> dict[str, float]:
    """Return the share of planted copies in one cluster with their original: of each kind, and of all."""
    rows = pl.read_parquet(texts, columns=["origin", "kind"]).with_columns(canonical)
    copies = rows.drop_nulls("kind").join(rows.filter(pl.col("kind").is_null()), on="origin", suffix="_of_original")
    found = copies.select("kind", is_found=pl.col("canonical") == pl.col("canonical_of_original"))
    by_kind = dict(found.group_by("kind").agg(pl.col("is_found").mean()).iter_rows())
    return {**by_kind, "all": found["is_found"].mean()}


def precision(texts: Path, canonical: pl.Series) -> tuple[int, float]:
    """Return how many texts were merged into another, and the share of those that were so rightly."""
    rows = pl.read_parquet(texts).with_columns(canonical).with_row_index("row")
    merged = rows.filter(pl.col("row") != pl.col("canonical")).join(
        rows.select("origin", "text", canonical="row"), on="canonical", suffix="_of_canonical"
    )
    is_right = [
        origin == other_origin or jaccard(text, other) >= SIMILAR
        for text, origin, other, other_origin in merged.select(
            "text", "origin", "text_of_canonical", "origin_of_canonical"
        ).iter_rows()
    ]
    return len(is_right), sum(is_right) / len(is_right) if is_right else float("nan")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("counts", nargs="*", type=int, help="how many articles")
    parser.add_argument("--peers-at", nargs="*", type=int, help="at which of the counts peers run; by default at all")
    parser.add_argument("--million", action="store_true", help="ours alone, by stages")
    parser.add_argument("--news", type=Path, default=NEWS, help="Parquet with text, description and lang")
    return parser.parse_args()


if __name__ == "__main__":
    main(_arguments())
