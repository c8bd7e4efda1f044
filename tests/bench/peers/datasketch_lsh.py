"""datasketch's MinHash and MinHashLSH: word 3-shingles, 128 permutations, 32 bands of 4 rows, one process.

It has no more than one, and its candidates are taken as they are, as it verifies none.
"""

from clusters import Clusters
from contest import contest, read_texts
from datasketch import MinHash, MinHashLSH
from shingling import shingles

PERMUTATIONS = 128
BANDS, ROWS = 32, 4


def find(texts: list[str]) -> list[int]:
    index = MinHashLSH(num_perm=PERMUTATIONS, params=(BANDS, ROWS))
    clusters = Clusters(len(texts))
    encoded = ([shingle.encode() for shingle in shingles(text)] for text in texts)
    for row, signature in enumerate(MinHash.generator(encoded, num_perm=PERMUTATIONS)):
        for candidate in index.query(signature):
            clusters.join(row, candidate)
        index.insert(row, signature)
    return clusters.canonical()


if __name__ == "__main__":
    contest(read_texts, find)
