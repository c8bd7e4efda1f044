"""Cleaning: raw records in, records as they are stored out, row for row.

Decides the order in which fields are cleaned (headline and dek before the body, which may repeat them; the body before
its language) and what is noted about a record on the way. How each field is cleaned is decided in the modules named
after it. Leaves to validation what the notes mean for the record.

Nothing here raises on any text, drops or reorders rows, or looks at other records: a record comes out the same in any
batch. A date that could not be read is null and stays, as it was written, in `extra`.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl

from transforms.bodies import CLEAN, clean_bodies
from transforms.boilerplate import TextRules
from transforms.bylines import NameReader
from transforms.dates import AMBIGUOUS, EARLY, UNREADABLE, DateOrder, DateReading, read_dates_by_language
from transforms.digests import digest_bodies
from transforms.evidence import gather_evidence
from transforms.headlines import MISMATCH_SCORE, judge_headlines
from transforms.language import detect_languages, normalize_declared
from transforms.markup import TAG, strip_tags, unescape_references
from transforms.paragraphs import normalize_line
from transforms.raw_schema import DATE_FIELDS
from transforms.schema import RECORDS, SPANS
from transforms.source_lines import REMOVED_LINES
from transforms.text_repair import MOJIBAKE, change_where, repair_texts, rows_mask
from transforms.urls import canonicalize_urls

CLEANING_VERSION = 2
"""Version of the rules by which a record is made of what came in: code, phrases, and what either rests on.

To be raised with every change by which some text comes out otherwise, be it one new phrase or a newer library; what
earlier versions made is cleaned again by `copydesk rebuild --only text`. What a source declares is no part of it.
"""

FUTURE_TOLERANCE = timedelta(days=1)  # a date without time or zone may be ahead by that much

NOT_CLEANED = ("run_id", "ingested_at", "flags")
CLEANED = pl.Schema(
    {
        **{name: dtype for name, dtype in RECORDS.schema.items() if name not in NOT_CLEANED},
        "observations": pl.List(pl.String()),
    }
)
"""Columns of `records`, but for those that a run adds, and the codes of what was noticed."""

STATED_DATE = "stated_above_text"


@dataclass(frozen=True)
class CleaningSettings:
    """What a source declares about its records.

    Attributes:
        time_zone: IANA name of the zone of dates that name none. UTC by default, the zone of most exports.
        date_order: Whether 03/04/2026 is in April (`dmy`) or in March (`mdy`). By default the day comes
            first where the language of the text has no other order; else such a date is null.
        language_hint: ISO 639-1 code of the language of the source, for month names in it. It does not decide the
            language of a record: the body does.
        boilerplate: Lines that were accepted as boilerplate of the source, and are removed wherever they are a block.
    """

    time_zone: str = "UTC"
    date_order: DateOrder | None = None
    language_hint: str | None = None
    boilerplate: tuple[str, ...] = ()


@dataclass(frozen=True)
class Cleaned:
    """Clean records.

    Attributes:
        records: Schema `CLEANED`, in the order of the raw records.
        spans: Schema of `SPANS`.
        evidence: Schema of `RECORD_EVIDENCE`.
        removed_lines: Schema `REMOVED_LINES`: blocks removed as lines of `boilerplate`.
    """

    records: pl.DataFrame
    spans: pl.DataFrame
    evidence: pl.DataFrame
    removed_lines: pl.DataFrame


def clean_records(raw: pl.DataFrame, *, settings: CleaningSettings, rules: TextRules, now: datetime) -> Cleaned:
    """Clean records of one source.

    Args:
        raw: Columns of `RAW_RECORDS`, `record_id`, `drop_sha256`, `source`, and `body_format`: `text`, `markdown`
            (the body is the rendered text) or `html` (the body is the extractor's text).
        settings: What the source declares.
        rules: What is asked about the lines of a text.
        now: Time of the run, with its zone; a date more than a day later is noted as `future_date`.
    """
    lines = raw.pipe(_recognise_clean).pipe(_clean_line_fields, rules.names)
    bodies = clean_bodies(
        lines.select("body", "body_format", "headline", "dek"), rules, accepted_lines=settings.boilerplate
    )
    body = bodies.records.get_column("body")
    records = lines.drop("headline", "dek", "body").rename({"language": "declared_language"}).hstack(bodies.records)
    records = records.hstack(digest_bodies(body, is_beyond_plain=records.get_column("is_beyond_plain")))
    records = records.hstack(judge_headlines(records, ignored=rules.function_words, shares=rules.word_shares))
    records = records.with_columns(
        detect_languages(body).alias("language"),
        is_headline_doubtful=(pl.col("mismatch_score") <= MISMATCH_SCORE).fill_null(value=False),
    ).pipe(_choose_authors)
    reading = DateReading(settings.time_zone, settings.date_order, settings.language_hint)
    records = (
        records.pipe(_clean_dates, reading, now + FUTURE_TOLERANCE)
        .pipe(_clean_addresses)
        .pipe(_observe, settings.language_hint, now)
        .with_columns(cleaning_version=pl.lit(CLEANING_VERSION))
    )
    return Cleaned(
        records=records.select(CLEANED.names()).cast(CLEANED),
        spans=_name_records(bodies.spans, lines).select(SPANS.schema.names()),
        evidence=gather_evidence(records),
        removed_lines=_name_records(bodies.removed_lines, lines).select(REMOVED_LINES.names()),
    )


def _recognise_clean(raw: pl.DataFrame) -> pl.DataFrame:
    """Set `body_format` of records that come with the digest of their body, as exports have it.

    Python per record that names a digest; few do.
    """
    named = (pl.col("body_format") == "text") & pl.col("extra").str.contains('"body_sha256"', literal=True)
    some = raw.with_row_index("row").filter(named).select("row", "body", "extra")
    clean = [
        row
        for row, body, extra in some.iter_rows()
        if body and hashlib.sha256(body.encode()).hexdigest() == json.loads(extra).get("body_sha256")
    ]
    is_clean = rows_mask(clean, raw.height)
    return raw.with_columns(body_format=pl.when(is_clean).then(pl.lit(CLEAN)).otherwise("body_format"))


def _choose_authors(records: pl.DataFrame) -> pl.DataFrame:
    """Take the authors that the text names where the source gave none."""
    is_given = pl.col("authors").list.len() > 0
    return records.with_columns(
        authors=pl.when(is_given).then("authors").otherwise(pl.col("found_authors").fill_null([])),
        authors_rule=pl.when(~is_given).then("authors_rule"),
    )


def _name_records(rows: pl.DataFrame, records: pl.DataFrame) -> pl.DataFrame:
    """Add the `record_id` of the record whose number is `row`."""
    return rows.with_columns(records.get_column("record_id").gather(rows.get_column("row")))


def _clean_line_fields(raw: pl.DataFrame, names: NameReader) -> pl.DataFrame:
    """Clean the fields of one line; adds `is_line_repaired`."""
    body_format = raw.get_column("body_format")
    headline, headline_repaired = _clean_line(raw.get_column("headline"), body_format)
    dek, dek_repaired = _clean_line(raw.get_column("dek"), body_format)
    authors, authors_repaired = _clean_list(raw.get_column("authors"), body_format, names.split)
    keywords, keywords_repaired = _clean_list(raw.get_column("keywords"), body_format, _as_they_are)
    return raw.with_columns(
        headline,
        dek,
        authors,
        keywords,
        is_line_repaired=headline_repaired | dek_repaired | authors_repaired | keywords_repaired,
    )


def _clean_line(lines: pl.Series, body_format: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Clean texts of one line, blank ones to null; also tell which were decoded wrongly."""
    if lines.is_null().all():
        return lines, rows_mask([], len(lines))
    stripped = change_where(lines, body_format != CLEAN, strip_tags)
    unescaped = change_where(stripped, body_format == "text", unescape_references)
    repaired = repair_texts(unescaped)
    line = pl.col("line").pipe(normalize_line).replace("", None)
    cleaned = pl.DataFrame({"line": repaired.texts}).select(line.alias(lines.name))
    return cleaned.to_series(), rows_mask(repaired.rows_with(MOJIBAKE), len(lines))


def _clean_list(
    lists: pl.Series, body_format: pl.Series, split: Callable[[pl.Series], pl.Series]
) -> tuple[pl.Series, pl.Series]:
    """Clean the texts of lists and split each; no empty ones, no repetitions, never null."""
    if lists.is_null().all():
        return lists.fill_null([]), rows_mask([], len(lists))
    items = pl.DataFrame({"item": lists}).with_row_index("row").explode("item").drop_nulls()
    rows = items.get_column("row")
    cleaned, repaired = _clean_line(items.get_column("item"), body_format.gather(rows))
    names = pl.DataFrame({"row": rows, "item": split(cleaned)}).explode("item").drop_nulls()
    gathered = names.group_by("row", maintain_order=True).agg(pl.col("item").unique(maintain_order=True))
    every_row = pl.DataFrame({"row": pl.int_range(len(lists), dtype=pl.UInt32, eager=True)})
    known = every_row.join(gathered, on="row", how="left", maintain_order="left").get_column("item")
    return known.fill_null([]).alias(lists.name), rows_mask(rows.filter(repaired).to_list(), len(lists))


def _as_they_are(items: pl.Series) -> pl.Series:
    return items.reshape((-1, 1)).arr.to_list()


def _clean_dates(records: pl.DataFrame, reading: DateReading, latest: datetime) -> pl.DataFrame:
    """Dates to UTC, those that the text states where the source gave none; keeps in `extra` what could not be read.

    A stated date that could not be read, may be read in two ways, or is after `latest` counts for nothing: its line
    stands in the spans.
    Adds a code for each date that was given and could not be read, and a rule for each that was found.
    """
    language = records.get_column("language")
    given = {name: read_dates_by_language(records.get_column(name), language, reading) for name in DATE_FIELDS}
    codes = [read.get_column("code").alias(f"{name}_code") for name, read in given.items()]
    cleaned = records.with_columns(codes).pipe(_keep_unread_dates)
    for name, read in given.items():
        is_given = records.get_column(name).str.strip_chars().replace("", None).is_not_null()
        stated = records.select(pl.when(~is_given).then(f"found_{name}")).to_series()
        found = read_dates_by_language(stated, language, reading).get_column("at")
        found = found.set(found > latest, None)
        rule = pl.when(found.is_not_null()).then(pl.lit(STATED_DATE)).alias(f"{name}_rule")
        cleaned = cleaned.with_columns(read.get_column("at").fill_null(found).alias(name), rule)
    return cleaned


def _keep_unread_dates(records: pl.DataFrame) -> pl.DataFrame:
    """Put dates that have a code into `extra`, under their names. Python per such record."""
    fields = [pl.when(pl.col(f"{name}_code").is_not_null()).then(name).alias(name) for name in DATE_FIELDS]
    is_unread = pl.any_horizontal(pl.col(f"{name}_code").is_not_null() for name in DATE_FIELDS)
    unread = records.with_row_index("row").filter(is_unread).select("row", "extra", *fields)
    kept = [_with_fields(extra, dict(zip(DATE_FIELDS, dates, strict=True))) for _, extra, *dates in unread.iter_rows()]
    extra = pl.DataFrame({"row": unread.get_column("row"), "kept": pl.Series(kept, dtype=pl.String)})
    merged = records.with_row_index("row").join(extra, on="row", how="left", maintain_order="left")
    return merged.with_columns(extra=pl.coalesce("kept", "extra")).drop("row", "kept")


def _with_fields(extra: str | None, fields: Mapping[str, str | None]) -> str:
    """Add fields to a JSON object; one of the same name that came in stays, and the new one gets a longer name."""
    known = json.loads(extra) if extra else {}
    for name, value in fields.items():
        if value is not None:
            known[name if name not in known else f"{name}_as_given"] = value
    return json.dumps(known, ensure_ascii=False, separators=(",", ":"))


def _clean_addresses(records: pl.DataFrame) -> pl.DataFrame:
    trimmed = records.with_columns(pl.col("url", "external_id").str.strip_chars().replace("", None))
    return trimmed.with_columns(canonical_url=canonicalize_urls(trimmed.get_column("url")))


def _observe(records: pl.DataFrame, language_hint: str | None, now: datetime) -> pl.DataFrame:
    """Add `observations`: the codes of what was noticed, in alphabetical order."""
    declared = pl.coalesce("declared_language", pl.lit(language_hint, pl.String)).pipe(normalize_declared)
    date_codes = [pl.col(f"{name}_code") for name in DATE_FIELDS]
    noticed = {
        "ambiguous_date": pl.any_horizontal(code == AMBIGUOUS for code in date_codes),
        "headline_mismatch": pl.col("is_headline_doubtful"),
        "block_page": pl.col("is_only_wall"),
        "control_characters": pl.col("had_control_characters"),
        "early_date": pl.any_horizontal(pl.col(name) < EARLY for name in DATE_FIELDS),
        "future_date": pl.any_horizontal(pl.col(name) > now + FUTURE_TOLERANCE for name in DATE_FIELDS),
        "language_mismatch": declared != pl.col("language"),
        "markup_left": pl.col("body").str.contains(TAG),
        "mojibake_repaired": pl.col("is_mojibake_repaired") | pl.col("is_line_repaired"),
        "unreadable_date": pl.any_horizontal(code == UNREADABLE for code in date_codes),
    }
    codes = [pl.when(condition).then(pl.lit(code)) for code, condition in noticed.items()]
    return records.with_columns(observations=pl.concat_list(codes).list.drop_nulls())
