"""The shape of every table: names, types and the comment that analysts read.

One definition serves the frames that transforms exchange, the DDL of the lake, and the comments of the published
views. What the columns mean to an analyst is written here and nowhere else; how they are stored is the business of
`warehouse`.

Two kinds of table:

- `STORED` tables are written, append-only, to the lake.
- A stored table with a `latest_by` key is a history: of the rows with one key, that of the highest `commit_no` counts,
  and the published view shows only that one. Clocks may go backwards; commits do not.
"""

from collections.abc import Mapping

from transforms.columns import COUNT, INSTANT, SHARE, TEXT, TEXTS, Column, Table
from transforms.ops_schema import (
    DROPS,
    FINGERPRINTS,
    INCIDENTS,
    LINE_SIGHTINGS,
    MATCHES,
    QUARANTINE,
    RETRACTED_TEXTS,
    RETRACTIONS,
    RUNS,
    SOURCE_FIGURES,
    VALIDATIONS,
)

RECORDS = Table(
    "records",
    "Records that were loaded, one a row; copies are rows of their own.",
    (
        Column("record_id", TEXT, "Identity of the record, made from source, drop and position in the drop."),
        Column("drop_sha256", TEXT, "SHA-256 of the bytes of the drop it came in, as they lay (see ops.drops)."),
        Column("record_no", COUNT, "0-based position among all records of its drop."),
        Column("byte_start", COUNT, "First byte in the decompressed drop; null where the format has no spans."),
        Column("byte_end", COUNT, "One past the last byte in the decompressed drop; null where the format has none."),
        Column("source", TEXT, "Source that delivered the record."),
        Column("run_id", TEXT, "Run that loaded it (see ops.runs)."),
        Column("ingested_at", INSTANT, "When that run started (UTC)."),
        Column("external_id", TEXT, "Identifier given by the source."),
        Column("url", TEXT, "Address given by the source."),
        Column("canonical_url", TEXT, "Address without tracking parameters, fragment and default parts."),
        Column("headline", TEXT, "Headline; null where the source has none."),
        Column("dek", TEXT, "Summary sentence below the headline; null where the source has none."),
        Column("authors", TEXTS, "Names of the authors, in the order given; empty where the source has none."),
        Column("published_at", INSTANT, "Publication time (UTC); null where unknown or ambiguous."),
        Column("modified_at", INSTANT, "Time of the last edit (UTC); null where unknown or ambiguous."),
        Column("language", TEXT, "ISO 639-1 code detected from the body; null where undecided."),
        Column("headings", TEXTS, "Section headings, in the order in which they stand in the body."),
        Column("keywords", TEXTS, "Keywords given by the source."),
        Column("body", TEXT, "Clean text: paragraphs and section headings, separated by one blank line."),
        Column("body_chars", COUNT, "Length of the body in code points."),
        Column("word_count", COUNT, "Words of the body."),
        Column("body_sha256", TEXT, "SHA-256 of the body in UTF-8."),
        Column(
            "match_key",
            TEXT,
            "Digest of the body regardless of case, quotes, dashes and white space; equal for exact copies.",
        ),
        Column("boilerplate_chars", COUNT, "Code points that were taken out of the text as boilerplate."),
        Column("repairs", COUNT, "Spans of kind repair: misread characters mended, invisible ones taken out."),
        Column(
            "cleaning_version",
            COUNT,
            "Version of the rules that cleaned the record; null for earlier ones (see copydesk rebuild --only text).",
        ),
        Column("flags", TEXTS, "Codes of the warnings that the record raised (meaning and remedy: seeds)."),
        Column("extra", TEXT, "Fields of the source that no column holds, as a JSON object.", shown_as="JSON"),
    ),
)

SPANS = Table(
    "spans",
    "Pieces of a text that have a label: what was removed, replaced or recognised, and by which rule.",
    (
        Column("record_id", TEXT, "Record whose text the piece belongs to."),
        Column("kind", TEXT, "What the piece is: headline, heading, author_bio, paywall, repair, ..."),
        Column("action", TEXT, "remove, replace or label."),
        Column("rule", TEXT, "Rule that decided."),
        Column("char_start", COUNT, "First code point in the text after decoding and unescaping, before repair."),
        Column("char_end", COUNT, "One past its last code point."),
        Column("text", TEXT, "The piece itself."),
        Column("replacement", TEXT, "What stands in its place; null unless the action is replace."),
    ),
)

RECORD_EVIDENCE = Table(
    "record_evidence",
    "Where the fields of a record come from, and what speaks against one.",
    (
        Column("record_id", TEXT, "Record."),
        Column("field", TEXT, "headline, dek, authors, published_at, modified_at, language or url."),
        Column("value", TEXT, "Value that was found there; several names stand between semicolons."),
        Column("origin", TEXT, "Name or place in what the source delivered; body for what was found in the text."),
        Column("rule", TEXT, "Rule that found or doubted the value; null where the source gave it."),
    ),
)

RECORD_ARTICLES = Table(
    "record_articles",
    "The article of each record, and why it is that one.",
    (
        Column("record_id", TEXT, "Record."),
        Column("article_id", TEXT, "Article it belongs to."),
        Column("relation", TEXT, "canonical, exact_copy, near_copy, revision or excerpt."),
        Column("matched_record_id", TEXT, "Canonical record it was matched with; null for the canonical record."),
        Column(
            "jaccard",
            SHARE,
            "Shingles (three words in a row) that both bodies have, of those that either has, 0 to 1; null for the "
            "canonical record.",
        ),
        Column(
            "containment",
            SHARE,
            "Shingles of this body that the other has, of all its own, 0 to 1; null for the canonical record.",
        ),
        Column(
            "method",
            TEXT,
            "exact_body (equal match keys), shingles (Jaccard similarity), opening (an excerpt: containment and the "
            "opening), shared_id (a revision: same source, and id or address) or copy_of_revision; null for the "
            "canonical record.",
        ),
        Column("run_id", TEXT, "Run that decided."),
        Column("decided_at", INSTANT, "When that run started (UTC)."),
        Column("commit_no", COUNT, "Position of the row in the history: the commit that wrote it."),
    ),
    latest_by=("record_id",),
)

ARTICLES = Table(
    "articles",
    "One row per distinct article; its body is that of the canonical record, the other fields those of the record that "
    "knows best (see article_fields).",
    (
        Column("article_id", TEXT, "Identity of the article."),
        Column("canonical_record_id", TEXT, "Record that stands for the article."),
        Column("headline", TEXT, "Headline; null where no record has one that fits its text."),
        Column("dek", TEXT, "Summary sentence; null where no record has one."),
        Column("authors", TEXTS, "Names of the authors."),
        Column("published_at", INSTANT, "Publication time (UTC): the canonical record's, else the earliest known."),
        Column("language", TEXT, "ISO 639-1 code."),
        Column("headings", TEXTS, "Section headings of the body."),
        Column("word_count", COUNT, "Words of the body."),
        Column("sources", TEXTS, "Sources that delivered the article, sorted."),
        Column("record_count", COUNT, "Records that belong to the article, copies included."),
        Column("first_ingested_at", INSTANT, "When its first record came in (UTC)."),
        Column("last_ingested_at", INSTANT, "When its last record came in (UTC)."),
        Column("run_id", TEXT, "Run that last touched the article."),
        Column("decided_at", INSTANT, "When that run started (UTC)."),
        Column("commit_no", COUNT, "Position of the row in the history: the commit that wrote it."),
    ),
    latest_by=("article_id",),
)

ARTICLE_FIELDS = Table(
    "article_fields",
    "From which record an article has each of its fields, and why.",
    (
        Column("article_id", TEXT, "Article."),
        Column("field", TEXT, "headline, dek, authors, published_at, language or headings."),
        Column("record_id", TEXT, "Record whose value it is; null where no record has one to show."),
        Column(
            "rule",
            TEXT,
            "canonical, most_sources, stands_nowhere_else, stands_below_another, best_copy, earliest, or none.",
        ),
        Column("others", TEXTS, "Other values that records of the article have, which are not shown."),
        Column("run_id", TEXT, "Run that decided."),
        Column("decided_at", INSTANT, "When that run started (UTC)."),
        Column("commit_no", COUNT, "Position of the row in the history: the commit that wrote it."),
    ),
    latest_by=("article_id", "field"),
)

ARTICLE_REDIRECTS = Table(
    "article_redirects",
    "Articles that are no more, as their records joined others: where to look instead.",
    (
        Column("article_id", TEXT, "Article that is no more."),
        Column("moved_to", TEXT, "Article that most of its records belong to now."),
        Column("run_id", TEXT, "Run that decided."),
        Column("decided_at", INSTANT, "When that run started (UTC)."),
        Column("commit_no", COUNT, "Position of the row in the history: the commit that wrote it."),
    ),
    latest_by=("article_id",),
)

BOILERPLATE_CANDIDATES = Table(
    "boilerplate_candidates",
    "Lines that recur in distinct texts of one source: proposed for removal, and what was decided about them.",
    (
        Column("source", TEXT, "Source whose articles hold the line; what is decided holds for this source alone."),
        Column("line_key", TEXT, "Identity of the line in its source: a digest of its letters and digits."),
        Column("line", TEXT, "The line: as it was decided on, else as it stands in the first of the texts."),
        Column(
            "articles",
            COUNT,
            "Distinct texts that hold it, or from which it was removed, revisions among them.",
        ),
        Column("examples", TEXTS, "Records that hold it, or held it, each of another text; three at most."),
        Column("status", TEXT, "proposed, accepted (it is removed from every body of the source) or rejected."),
        Column("proposed_at", INSTANT, "When the run started that proposed it (UTC); null where none did."),
        Column("decided_at", INSTANT, "When it was accepted or rejected (UTC); null where it is only proposed."),
        Column("run_id", TEXT, "Run that last changed the row."),
        Column("commit_no", COUNT, "Position of the row in the history: the commit that wrote it."),
    ),
    latest_by=("source", "line_key"),
)

STORED: Mapping[str, Table] = {
    table.name: table
    for table in (
        RECORDS,
        RECORD_ARTICLES,
        SPANS,
        RECORD_EVIDENCE,
        ARTICLES,
        ARTICLE_FIELDS,
        ARTICLE_REDIRECTS,
        BOILERPLATE_CANDIDATES,
        DROPS,
        QUARANTINE,
        VALIDATIONS,
        SOURCE_FIGURES,
        RUNS,
        INCIDENTS,
        LINE_SIGHTINGS,
        FINGERPRINTS,
        MATCHES,
        RETRACTIONS,
        RETRACTED_TEXTS,
    )
}
"""Every stored table by name."""
