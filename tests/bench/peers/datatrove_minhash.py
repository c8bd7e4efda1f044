"""datatrove's MinHash deduplication: its four stages with their defaults (5-grams, 14 buckets of 8 hashes, English).

Two local workers read from disk, as that is how it works: a Parquet file each. Nothing is written by the last stage but
what it takes to know what it keeps. The stages start processes of their own, which is in its time.
"""

import struct
import tempfile
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from clusters import Clusters
from contest import PROCESSES, contest, read_texts
from datatrove.executor.local import LocalPipelineExecutor
from datatrove.pipeline.dedup.minhash import (
    MinhashConfig,
    MinhashDedupBuckets,
    MinhashDedupCluster,
    MinhashDedupFilter,
    MinhashDedupSignature,
)
from datatrove.pipeline.readers import ParquetReader


def prepare(given: Path) -> tuple[Path, list[int]]:
    """Return a folder with the texts in a file for each worker, and the row that each file begins with."""
    texts = read_texts(given)
    folder = Path(tempfile.mkdtemp())
    (folder / "texts").mkdir()
    starts = [len(texts) * number // PROCESSES for number in range(PROCESSES + 1)]
    for number, (start, end) in enumerate(pairwise(starts)):
        columns = {"id": [str(row) for row in range(start, end)], "text": texts[start:end]}
        pq.write_table(pa.table(columns), folder / "texts" / f"{number}.parquet")
    return folder, starts


def find(prepared: tuple[Path, list[int]]) -> list[int]:
    folder, starts = prepared
    reader = ParquetReader(str(folder / "texts"))
    signatures, buckets, clusters = (str(folder / name) for name in ("signatures", "buckets", "clusters"))
    stages = [
        (PROCESSES, [reader, MinhashDedupSignature(signatures)]),
        (MinhashConfig().num_buckets, [MinhashDedupBuckets(signatures, buckets)]),
        (1, [MinhashDedupCluster(buckets, clusters, save_cluster_id=True)]),
        (PROCESSES, [reader, MinhashDedupFilter(clusters)]),
    ]
    for number, (tasks, pipeline) in enumerate(stages):
        workers = min(tasks, PROCESSES)
        logs = str(folder / f"logs{number}")
        LocalPipelineExecutor(pipeline, tasks=tasks, workers=workers, logging_dir=logs).run()
    return _canonical(Path(clusters), starts)


def _canonical(folder: Path, starts: list[int]) -> list[int]:
    first: dict[int, int] = {}
    clusters = Clusters(starts[-1])
    for number, start in enumerate(starts[:-1]):
        path = folder / f"{number:06d}.clusters"
        members = struct.iter_unpack("<2I", path.read_bytes()) if path.exists() else ()
        for place, cluster in members:
            clusters.join(first.setdefault(cluster, start + place), start + place)
    return clusters.canonical()


if __name__ == "__main__":
    contest(prepare, find)
