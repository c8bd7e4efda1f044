"""What cleaning makes of a fixed corpus, as digests that belong to the version of its rules.

The corpus are the sample drops, the labelled texts, and the example of every phrase, each between two paragraphs. A
digest covers all fields and spans; tables have one of their own, as the example of a list of words says little of it.

    python tests/quality/cleaning_digests.py      after the version was raised: keep the digests of the new one
"""

import hashlib
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
from labelled_texts import DATA, clean, read_rows, rules

from flows.drop_reader import body_format
from seeds.tables import boilerplate, field_aliases, word_shares
from transforms.cleaning import CLEANING_VERSION, Cleaned, CleaningSettings, clean_records
from transforms.conform import FieldNames
from transforms.parsing import parse_drop
from transforms.raw_batches import ParseOptions

KEPT = DATA / "cleaning_digests.json"
DROPS = Path(__file__).parents[2] / "seeds" / "drops"
NOW = datetime(2026, 1, 1, tzinfo=UTC)
ABOVE = "The council met on Tuesday and agreed to repair the old bridge before winter sets in."
BELOW = "A second meeting will be held when the river has fallen, the mayor said, whatever the weather."


def digests() -> dict[str, str]:
    """Return the digest of each part of the corpus."""
    between = {name: [row["text"] for row in read_rows(name)] for name in ("furniture", "prose")}
    between["phrases"] = boilerplate()["example"].drop_nulls().to_list()
    articles = ["\n\n".join(block["text"] for block in row["blocks"]) for row in read_rows("articles")]
    cleaned = {
        "drops": _clean_drops(),
        "articles": clean([{"body": body} for body in articles]),
        **{name: clean([{"body": f"{ABOVE}\n\n{line}\n\n{BELOW}"} for line in some]) for name, some in between.items()},
    }
    tables = {"seeds/boilerplate.csv": boilerplate(), "seeds/word_shares.csv": word_shares()}
    return {name: _digest_cleaned(one) for name, one in cleaned.items()} | {
        name: _digest(table.rows()) for name, table in tables.items()
    }


def read_kept() -> dict[str, Any]:
    """Read the `digests` that are kept, and their `version`."""
    kept: dict[str, Any] = json.loads(KEPT.read_text("utf-8"))
    return kept


def _clean_drops() -> Cleaned:
    raw = pl.concat([_read_drop(path) for path in sorted(DROPS.glob("*/*"))])
    return clean_records(raw, settings=CleaningSettings(), rules=rules(), now=NOW)


def _read_drop(path: Path) -> pl.DataFrame:
    name = path.relative_to(DROPS).as_posix()
    with path.open("rb") as stream:
        parsed = parse_drop(stream, name=path.name, options=ParseOptions(names=FieldNames(aliases=field_aliases())))
        raw = pl.concat([batch.records for batch in parsed.batches])
    return raw.with_columns(
        record_id=pl.format("{} {}", pl.lit(name), "record_no"),
        drop_sha256=pl.lit(name),
        source=pl.lit("quality"),
        body_format=pl.lit(body_format(parsed)),
    )


def _digest_cleaned(cleaned: Cleaned) -> str:
    return _digest([cleaned.records.drop("cleaning_version").to_dicts(), cleaned.spans.to_dicts()])


def _digest(rows: object) -> str:
    text = json.dumps(rows, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def main() -> None:
    """Keep the digests of a version that was raised."""
    kept = {"version": CLEANING_VERSION, "digests": digests()}
    if KEPT.exists() and read_kept()["version"] == CLEANING_VERSION and read_kept() != kept:
        sys.exit("Cleaning has changed: raise CLEANING_VERSION in transforms/cleaning.py first.")
    KEPT.write_text(json.dumps(kept, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
