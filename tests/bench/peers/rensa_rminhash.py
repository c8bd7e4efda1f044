"""rensa's R-MinHash and its LSH: word 3-shingles made in Python, 128 permutations, 32 bands of 4 rows, two threads.

Its candidates are taken as they are, which is what its index returns.
"""

from clusters import Clusters
from contest import contest, read_texts
from rensa import RMinHash, RMinHashLSH
from shingling import shingles

PERMUTATIONS, SEED = 128, 42
BANDS = 32
BATCH = 1_000  # texts whose shingles are held at a time
UNUSED_THRESHOLD = 0.5  # the bands decide; only `is_similar` looks at it


def find(texts: list[str]) -> list[int]:
    index = RMinHashLSH(threshold=UNUSED_THRESHOLD, num_perm=PERMUTATIONS, num_bands=BANDS)
    clusters = Clusters(len(texts))
    for start in range(0, len(texts), BATCH):
        sets = [shingles(text) for text in texts[start : start + BATCH]]
        signatures = RMinHash.from_token_sets(sets, num_perm=PERMUTATIONS, seed=SEED)
        index.insert_many(signatures, start_key=start)
        for row, candidates in enumerate(index.query_all(signatures), start):
            for candidate in candidates:
                clusters.join(row, candidate)
    return clusters.canonical()


if __name__ == "__main__":
    contest(read_texts, find)
