"""Ours: texts to verified clusters, its kernels compiled before on a hundred texts."""

import time
from pathlib import Path

import polars as pl
from contest import contest

from transforms.find_duplicates import find_duplicates

WARM_UP = 100

stages: list[tuple[str, float, float]] = []


def prepare(given: Path) -> pl.Series:
    texts = pl.read_parquet(given, columns=["text"])["text"]
    some = texts.head(WARM_UP)
    find_duplicates(pl.concat([some, some + " Again."]))  # copies, as all kernels have to be there
    return texts


def find(texts: pl.Series) -> list[int]:
    found = find_duplicates(texts, on_stage=lambda name, seconds: stages.append((name, seconds, time.monotonic())))
    return found["canonical"].to_list()


if __name__ == "__main__":
    contest(prepare, find, stages=stages)
