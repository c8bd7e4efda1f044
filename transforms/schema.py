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

from transforms.columns import BYTES, COUNT, INSTANT, SHARE, TEXT, TEXTS, TRUTH, Column, Table

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
        Column("rule", TEXT, "canonical, most_sources, stands_nowhere_else, best_copy, earliest, or none."),
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

FINGERPRINTS = Table(
    "ops.fingerprints",
    "A sample of the shingles of each distinct text, by which copies of it are found.",
    (
        Column("match_key", TEXT, "Match key of the records that have the text."),
        Column("shingles", COUNT, "Shingles that the sample was taken from: each six words in a row."),
        Column("sketch", BYTES, "Sampled shingles: the lower 32 bits of each hash, sorted, little-endian."),
    ),
)

MATCHES = Table(
    "ops.matches",
    "Pairs of distinct texts that were compared, and are copies of one article: the grounds of record_articles.",
    (
        Column("one_key", TEXT, "Match key of one text, the lesser of the two."),
        Column("other_key", TEXT, "Match key of the other text."),
        Column("one_shingles", COUNT, "Distinct three-word shingles of the one text."),
        Column("other_shingles", COUNT, "Distinct three-word shingles of the other text."),
        Column("shared", COUNT, "Shingles that both have."),
        Column("jaccard", SHARE, "Shared shingles, of those that either has, 0 to 1."),
        Column("containment", SHARE, "Shared shingles, of those of the shorter text, 0 to 1."),
        Column("opening", SHARE, "Share of the shorter text's opening that stands in that of the longer one, 0 to 1."),
        Column("is_near", TRUTH, "Whether the two are near copies."),
        Column("is_excerpt", TRUTH, "Whether the shorter one is an excerpt of the longer one."),
        Column("shares_id", TRUTH, "Whether records of the two share source and id, or source and address."),
        Column("run_id", TEXT, "Run that compared them."),
    ),
)

DROPS = Table(
    "ops.drops",
    "One row per drop: a source and the bytes it delivered. What could not be read at all has a row without hash.",
    (
        Column("drop_sha256", TEXT, "SHA-256 of the bytes as they lay, still compressed; null if never read."),
        Column("uri", TEXT, "Path or URL under which it was first seen."),
        Column("uris", TEXTS, "All paths and URLs under which the same bytes were seen."),
        Column("source", TEXT, "Source that delivered it."),
        Column("format", TEXT, "Format recognised from content, then name; null if never read."),
        Column("encoding", TEXT, "Text encoding it was read with; null for binary formats."),
        Column("bytes", COUNT, "Size in bytes, as it lay."),
        Column("records_in", COUNT, "Records found in it."),
        Column("records_loaded", COUNT, "Records of it that are in the table records now."),
        Column("records_quarantined", COUNT, "Records of it that are in open quarantine now."),
        Column("records_retracted", COUNT, "Records of it that were withdrawn."),
        Column("status", TEXT, "loaded, partly_loaded, rejected, refused or skipped."),
        Column("error", TEXT, "What was wrong with the drop as a whole; null if nothing."),
        Column("run_id", TEXT, "Run that took it in."),
        Column("received_at", INSTANT, "When it was landed (UTC)."),
        Column("noted_at", INSTANT, "When this row was written (UTC)."),
        Column("commit_no", COUNT, "Position of the row in the history: the commit that wrote it."),
    ),
    latest_by=("source", "drop_sha256", "uri"),
)

QUARANTINE = Table(
    "ops.quarantine",
    "One row per record that was held back, with every reason; its bytes are in the raw store.",
    (
        Column("quarantine_id", TEXT, "Identity of the row, made from source, drop and position."),
        Column("drop_sha256", TEXT, "Drop it came in."),
        Column("record_no", COUNT, "0-based position among all records of its drop."),
        Column("byte_start", COUNT, "First byte in the decompressed drop; null where unknown."),
        Column("byte_end", COUNT, "One past the last byte; null where unknown."),
        Column("source", TEXT, "Source that delivered it."),
        Column("reasons", TEXTS, "Reason codes (meaning and remedy: seeds)."),
        Column("severity", TEXT, "Highest severity among the reasons."),
        Column("detail", TEXT, "What was found, in words."),
        Column("raw", TEXT, "Excerpt of what came in."),
        Column("status", TEXT, "open, replayed or dismissed."),
        Column("run_id", TEXT, "Run that held it back."),
        Column("quarantined_at", INSTANT, "When that run started (UTC)."),
        Column("noted_at", INSTANT, "When this row was written (UTC)."),
        Column("commit_no", COUNT, "Position of the row in the history: the commit that wrote it."),
    ),
    latest_by=("quarantine_id",),
)

VALIDATIONS = Table(
    "ops.validations",
    "One row per run, source and expectation: what was asserted and what came of it.",
    (
        Column("run_id", TEXT, "Run."),
        Column("source", TEXT, "Source whose records were checked."),
        Column("suite", TEXT, "Suite the expectation belongs to."),
        Column("expectation", TEXT, "Code of the rule."),
        Column("column_name", TEXT, "Column or figure it looks at."),
        Column("severity", TEXT, "info, warning or critical."),
        Column("success", TRUTH, "Whether it held."),
        Column("evaluated", COUNT, "Rows or figures looked at."),
        Column("unexpected", COUNT, "Rows or figures that failed it."),
        Column("observed", TEXT, "Value observed, for table rules."),
        Column("checked_at", INSTANT, "When the run started (UTC)."),
    ),
)

RUNS = Table(
    "ops.runs",
    "One row per run that had something to do, with its conservation figures.",
    (
        Column("run_id", TEXT, "Run."),
        Column("flow_run_id", TEXT, "Prefect flow run; null for a run without Prefect."),
        Column(
            "kind",
            TEXT,
            "ingest, reclean (records cleaned again after a decision) or rebuild; later: replay, retract.",
        ),
        Column("started_at", INSTANT, "Start (UTC)."),
        Column("finished_at", INSTANT, "End, as of its commit (UTC)."),
        Column("status", TEXT, "done or refused."),
        Column("drops", COUNT, "Drops taken in, those that could not be read included."),
        Column("records_in", COUNT, "Records found: records_loaded + records_quarantined."),
        Column("records_loaded", COUNT, "Records loaded."),
        Column("records_quarantined", COUNT, "Records held back."),
        Column("exact_copies", COUNT, "Loaded records that are exact copies."),
        Column("near_copies", COUNT, "Loaded records that are near copies."),
        Column("other_copies", COUNT, "Loaded records that are revisions or excerpts."),
        Column("articles_new", COUNT, "Articles that did not exist before."),
        Column("articles_joined", COUNT, "Articles that are no more, as their records joined others."),
        Column("articles_split", COUNT, "Articles made of records that left others."),
        Column("texts_left_out", COUNT, "Texts made up of passages that too many share: only exact copies are found."),
        Column("seconds", SHARE, "Duration up to its commit."),
        Column("version", TEXT, "Version of copydesk."),
    ),
)

INCIDENTS = Table(
    "ops.incidents",
    "Failures with one cause: a rule of warning or critical severity that failed for a source.",
    (
        Column("incident_id", TEXT, "Identity of the incident."),
        Column("fingerprint", TEXT, "What makes two failures the same incident: source and rule."),
        Column("source", TEXT, "Source."),
        Column("rule", TEXT, "Code of the rule that failed."),
        Column("severity", TEXT, "warning or critical."),
        Column("status", TEXT, "open, resolved or muted."),
        Column("first_seen_at", INSTANT, "First failure (UTC)."),
        Column("last_seen_at", INSTANT, "Latest failure (UTC)."),
        Column("occurrences", COUNT, "Runs in which it failed."),
        Column("message", TEXT, "The latest failure in words."),
        Column("sample", TEXT, "Where to look: a record or quarantine id of the latest failure."),
        Column("run_id", TEXT, "Run that last changed the incident."),
        Column("noted_at", INSTANT, "When this row was written (UTC)."),
        Column("commit_no", COUNT, "Position of the row in the history: the commit that wrote it."),
    ),
    latest_by=("incident_id",),
)

LINE_SIGHTINGS = Table(
    "ops.line_sightings",
    "Short lines of the records, by digest: over these it is counted which lines a source repeats.",
    (
        Column("source", TEXT, "Source of the record."),
        Column("line_key", TEXT, "Digest of the letters and digits of the line, regardless of case."),
        Column("match_key", TEXT, "Match key of the record: equal for exact copies, which count once."),
        Column("record_id", TEXT, "Record in which the line stands, or from which it was taken as an accepted line."),
    ),
)

BOILERPLATE_CANDIDATES = Table(
    "boilerplate_candidates",
    "Lines that recur in distinct articles of one source: proposed for removal, and what was decided about them.",
    (
        Column("source", TEXT, "Source whose articles hold the line; what is decided holds for this source alone."),
        Column("line_key", TEXT, "Identity of the line in its source: a digest of its letters and digits."),
        Column("line", TEXT, "The line: as it was decided on, else as it stands in the first of the articles."),
        Column("articles", COUNT, "Distinct articles that hold it, or from which it was removed."),
        Column("examples", TEXTS, "Records that hold it, or held it, each of another article; three at most."),
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
        RUNS,
        INCIDENTS,
        LINE_SIGHTINGS,
        FINGERPRINTS,
        MATCHES,
    )
}
"""Every stored table by name."""
