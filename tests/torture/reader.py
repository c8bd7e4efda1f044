"""Open a published file over and over until the input closes, and count what has to agree in every state of it.

Prints `reads N` at the end, and a line for each state that did not agree (`half …`) or could not be read (`error …`).
"""

import select
import sys

import duckdb

PAUSE_SECONDS = 0.25
"""Between two reads: what is read must have a processor to go on with."""

AGREE = """
    SELECT (SELECT count(*) FROM records) = (SELECT coalesce(sum(records_loaded), 0) FROM ops.drops)
        AND (SELECT count(*) FROM records) = (SELECT count(*) FROM record_articles)
        AND (SELECT count(*) FROM records) = (SELECT coalesce(sum(record_count), 0) FROM articles)
        AND (SELECT bool_and(records_in = records_loaded + records_quarantined + records_retracted) FROM ops.drops)
        AND (SELECT count(*) FROM ops.quarantine WHERE status <> 'replayed')
            = (SELECT sum(records_quarantined) FROM ops.drops)
"""


def main(path: str) -> None:
    """Read until told to stop."""
    reads = 0
    while not reads or not select.select([sys.stdin], [], [], PAUSE_SECONDS)[0]:
        try:
            with duckdb.connect(path, read_only=True) as published:
                [(agrees,)] = published.execute(AGREE).fetchall()
        except duckdb.Error as error:
            print("error", str(error).splitlines()[0], flush=True)  # noqa: T201 -- the result
        else:
            if not agrees:
                print("half", path, flush=True)  # noqa: T201
        reads += 1
    print("reads", reads, flush=True)  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1])
