"""The shape of the tables of operation: what came in, what was held back, and what decisions rest on.

The tables of articles are in `transforms.schema`, with the list of all.
"""

from transforms.columns import BYTES, COUNT, INSTANT, SHARE, TEXT, TEXTS, TRUTH, Column, Table

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
        Column("records_quarantined", COUNT, "Records of it that are held back now, open or dismissed."),
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
        Column("status", TEXT, "open, replayed (it, or what it stood for, was taken in since) or dismissed."),
        Column("note", TEXT, "Why it was dismissed; null unless it was."),
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
        Column("unexpected", COUNT, "Rows or figures that failed it; a few rows are tolerated by some rules."),
        Column("observed", TEXT, "Value observed, for table rules."),
        Column("detail", TEXT, "What was found, or why nothing can be said; null where all is well."),
        Column("checked_at", INSTANT, "When the run started (UTC)."),
    ),
)


SOURCE_FIGURES = Table(
    "ops.source_figures",
    "One row per run, source and figure: what the rules on batches look at, and what later runs are compared with.",
    (
        Column("run_id", TEXT, "Run."),
        Column("source", TEXT, "Source that delivered the batch."),
        Column("figure", TEXT, "Name of the figure: records_in, headline_fill_rate, language_share, ..."),
        Column("item", TEXT, "What of several things it counts, such as a language; null where there is but one."),
        Column("value", SHARE, "The figure: a count, a share from 0 to 1, or in the unit that its name ends with."),
        Column("noted_at", INSTANT, "When the run started (UTC)."),
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
            "ingest, replay (quarantined records parsed again), reclean (records cleaned again after a decision), "
            "rebuild, retract (a text was withdrawn) or watch (a source has fallen silent).",
        ),
        Column("started_at", INSTANT, "Start (UTC)."),
        Column("finished_at", INSTANT, "End, as of its commit (UTC)."),
        Column("status", TEXT, "done or refused."),
        Column(
            "drops", COUNT, "Drops taken in, those that could not be read included; of a replay, those parsed again."
        ),
        Column(
            "records_in",
            COUNT,
            "Records found, or looked at again: records_loaded + records_quarantined.",
        ),
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
        Column("resolved_at", INSTANT, "When a run last found it gone (UTC); null while it lasts."),
        Column("muted_until", INSTANT, "Until when nobody is told of it (UTC); null unless muted."),
        Column("note", TEXT, "Why it was muted; null unless it is."),
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


FINGERPRINTS = Table(
    "ops.fingerprints",
    "A sample of the shingles of each distinct text, by which copies of it are found.",
    (
        Column("match_key", TEXT, "Match key of the records that have the text."),
        Column("shingles", COUNT, "Shingles that the sample was taken from: each six words in a row."),
        Column(
            "sketch",
            BYTES,
            "Sampled shingles: the lower 32 bits of each hash, little-endian, in the order of the text.",
        ),
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


RETRACTIONS = Table(
    "ops.retractions",
    "One row per text that was withdrawn; nothing of what it said is kept.",
    (
        Column("retraction_id", TEXT, "Identity of the retraction."),
        Column("target_sha256", TEXT, "SHA-256 of the id or address that was named: an address may tell a headline."),
        Column("reason", TEXT, "Why it was withdrawn."),
        Column("records", COUNT, "Records that were taken out of the tables."),
        Column("held_back", COUNT, "Records of the quarantine that carried the text."),
        Column("record_ids", TEXTS, "The records."),
        Column("quarantine_ids", TEXTS, "The rows of the quarantine."),
        Column("article_ids", TEXTS, "Articles to which they belonged."),
        Column("run_id", TEXT, "Run that withdrew it."),
        Column("retracted_at", INSTANT, "When that run started (UTC)."),
        Column("gone_at", INSTANT, "From when on no snapshot is kept that holds it, once maintained (UTC)."),
    ),
)


RETRACTED_TEXTS = Table(
    "ops.retracted_texts",
    "Digests of passages of the texts that were withdrawn: by these they are known when they come again.",
    (
        Column("retraction_id", TEXT, "Retraction."),
        Column("field", TEXT, "body, headline or dek; shared: passages of a body that several articles have."),
        Column("match_key", TEXT, "Match key of the record whose text it is."),
        Column("body_chars", COUNT, "Length of the text in code points."),
        Column("passages", TEXTS, "Digests of each passage; they do not tell what it says."),
    ),
)
