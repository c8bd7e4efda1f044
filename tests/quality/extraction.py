"""Measure what is found in real pages, beside trafilatura with its best settings, on the same pages in one run.

A segment that must be kept and is counts as true positive, one that must go and stays as false positive. Headline,
authors and date are compared with what people noted, regardless of case, quotes and white space.

    python tests/quality/extraction.py [FOLDER]      by default ../shared/data/extraction
"""

import gzip
import json
import logging
import re
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import trafilatura

from seeds.tables import boilerplate, word_shares
from transforms.boilerplate import text_rules
from transforms.cleaning import CleaningSettings, clean_records
from transforms.dates import DateReading, read_dates
from transforms.decoding import decode_text
from transforms.encodings import UTF_8, detect_encoding
from transforms.extraction import extract_page
from transforms.raw_schema import RAW_RECORDS

FOLDER = Path(__file__).parents[3] / "shared" / "data" / "extraction"
FIELDS = {"title": (155 / 200, 45 / 200), "author": (72 / 130, 15 / 130), "date": (155 / 182, 14 / 182)}
"""Of the values that people noted: the least share found as noted, and the greatest share found otherwise."""
LEAST_F1 = 0.935

_STRAIGHT = str.maketrans({**dict.fromkeys("’‘‚", "'"), **dict.fromkeys("“”„»«", '"')})

RULES = text_rules(boilerplate(), word_shares())
_IDENTITY = dict.fromkeys(("record_id", "drop_sha256", "source", "body_format"), pl.String())

Gold = Mapping[str, Any]


@dataclass(frozen=True)
class Found:
    """What was found in a page; a date is ISO 8601."""

    text: str
    title: str | None
    author: Sequence[str]
    date: str | None


@dataclass(frozen=True)
class ExtractionQuality:
    """How good an extractor is.

    Attributes:
        precision: Share of the segments kept that had to be kept.
        recall: Share of the segments that had to be kept that were.
        f1: Harmonic mean of the two.
        outcomes: For each field, pages by outcome: `exact`, `wrong` or `null` where people noted a value; elsewhere
            `unnoted` if there is one all the same, else `nothing`.
    """

    precision: float
    recall: float
    f1: float
    outcomes: Mapping[str, Mapping[str, int]] = field(default_factory=dict)

    def share(self, name: str, outcome: str) -> float:
        """Share of the values of a field that people noted that have an outcome."""
        counts = self.outcomes[name]
        return counts[outcome] / (counts["exact"] + counts["wrong"] + counts["null"])


def measure_extraction(folder: Path = FOLDER, *, every: int = 1) -> dict[str, ExtractionQuality]:
    """Measure copydesk and trafilatura on every so manieth page of a folder."""
    gold: list[Gold] = json.loads((folder / "gold.json").read_text("utf-8"))[::every]
    pages = [read_page(folder / "html" / f"{page['file']}.gz") for page in gold]
    return {name: _quality(gold, [find(page) for page in pages]) for name, find in EXTRACTORS.items()}


def find_faults(measured: Mapping[str, ExtractionQuality], *, least_f1: float = LEAST_F1) -> list[str]:
    """Say where copydesk is worse than trafilatura, or than it was; `least_f1` is that of the pages measured."""
    ours, theirs = measured["copydesk"], measured["trafilatura"]
    is_worse = ours.f1 < max(theirs.f1, least_f1)
    faults = [f"text: F1 {ours.f1:.3f}, of trafilatura {theirs.f1:.3f}"] if is_worse else []
    for name, (least_exact, most_wrong) in FIELDS.items():
        exact, wrong = ours.share(name, "exact"), ours.share(name, "wrong")
        if exact < least_exact or wrong > most_wrong or wrong >= theirs.share(name, "wrong"):
            faults.append(f"{name}: {exact:.2f} as noted, {wrong:.2f} otherwise")
    return faults


def read_page(path: Path) -> str:
    """Decode a page as a run does."""
    data = gzip.decompress(path.read_bytes())
    return decode_text(data, (detect_encoding(data, hint=None) or UTF_8).name)


def _by_copydesk(page: str) -> Found:
    """What a run makes of a page: extracted, then cleaned like any text."""
    fields: dict[str, Any] = extract_page(page).fields
    known = {name: value for name, value in fields.items() if name in RAW_RECORDS}
    identity = {"record_id": "r", "drop_sha256": "0", "source": "pages", "body_format": "html"}
    raw = pl.DataFrame([dict.fromkeys(RAW_RECORDS) | known | identity], schema={**RAW_RECORDS, **_IDENTITY})
    record = clean_records(raw, settings=CleaningSettings(), rules=RULES, now=datetime.now(UTC)).records
    text, title, authors = record.select("body", "headline", "authors").row(0)
    return Found(text or "", title, authors, _day(fields.get("published_at")))


def _by_trafilatura(page: str) -> Found:
    found: Any = trafilatura.bare_extraction(page, include_comments=False, with_metadata=True)
    if found is None:
        return Found("", None, (), None)
    return Found(found.text, found.title, (found.author or "").split(";"), found.date)


EXTRACTORS: Mapping[str, Callable[[str], Found]] = {"copydesk": _by_copydesk, "trafilatura": _by_trafilatura}


def _day(date: str | None) -> str | None:
    """Day of a date as its page writes it: not in UTC, where it may be another."""
    if date is None or re.match(r"\d{4}-\d\d-\d\d", date):
        return date and date[:10]
    [moment] = read_dates(pl.Series([date]), DateReading("UTC", None, None)).get_column("at")
    return moment and moment.date().isoformat()


def _quality(gold: Sequence[Gold], found: Sequence[Found]) -> ExtractionQuality:
    kept = sum(segment in one.text for page, one in zip(gold, found, strict=True) for segment in page["with"])
    left = sum(segment in one.text for page, one in zip(gold, found, strict=True) for segment in page["without"])
    precision, recall = kept / (kept + left), kept / sum(len(page["with"]) for page in gold)
    outcomes = {
        name: Counter(_outcome(page.get(name), getattr(one, name)) for page, one in zip(gold, found, strict=True))
        for name in FIELDS
    }
    return ExtractionQuality(precision, recall, 2 * precision * recall / (precision + recall), outcomes)


def _outcome(noted: str | Sequence[str] | None, found: str | Sequence[str] | None) -> str:
    expected, value = _folded(noted), _folded(found)
    if not expected:
        return "unnoted" if value else "nothing"
    return "exact" if value == expected else "wrong" if value else "null"


def _folded(value: str | Sequence[str] | None) -> list[str]:
    """Fold a text, or names in any order."""
    texts = [value] if isinstance(value, str) else value or ()
    folded = (" ".join(text.translate(_STRAIGHT).split()).casefold() for text in texts)
    return sorted(filter(None, folded))


def main(folder: Path) -> int:
    """Print both; fail where copydesk is worse than trafilatura, or than it was."""
    logging.disable(logging.CRITICAL)
    if not folder.is_dir():
        print(f"skipped: {folder} is not there")  # noqa: T201 -- the result
        return 0
    measured = measure_extraction(folder)
    for name, quality in measured.items():
        print(f"{name}: precision {quality.precision:.3f}, recall {quality.recall:.3f}, F1 {quality.f1:.3f}")  # noqa: T201
        for one in FIELDS:
            print(f"  {one:<8}{quality.share(one, 'exact'):>6.1%}  {dict(quality.outcomes[one])}")  # noqa: T201 -- the result
    faults = find_faults(measured)
    print("\n".join(faults) or "no floor is missed")  # noqa: T201 -- the result
    return int(bool(faults))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if sys.argv[1:] else FOLDER))
