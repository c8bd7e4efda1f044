"""rensa's C-MinHash and its deduplicator: word 3-shingles made in Python, 128 permutations, threshold 0.5, two threads.

The deduplicator has an index of its own without bands to set, verifies by estimated similarity, and keeps only texts
that are near none it kept before.
"""

from clusters import Clusters
from contest import contest, read_texts
from rensa import CMinHash, CMinHashDeduplicator
from shingling import shingles

PERMUTATIONS, SEED = 128, 42
THRESHOLD = 0.5
BATCH = 1_000  # texts whose shingles are held at a time


def find(texts: list[str]) -> list[int]:
    kept = CMinHashDeduplicator(threshold=THRESHOLD, num_perm=PERMUTATIONS, seed=SEED)
    clusters = Clusters(len(texts))
    for start in range(0, len(texts), BATCH):
        sets = [shingles(text) for text in texts[start : start + BATCH]]
        for row, signature in enumerate(CMinHash.from_token_sets(sets, num_perm=PERMUTATIONS, seed=SEED), start):
            if not kept.add(str(row), signature):
                for candidate in kept.get_duplicates(signature):
                    clusters.join(row, int(candidate))
    return clusters.canonical()


if __name__ == "__main__":
    contest(read_texts, find)
