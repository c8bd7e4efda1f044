"""Codes that go together: what a run may rightly say of faults of one sort."""

UNREADABLE = (
    "undecodable truncated malformed_json malformed_csv no_records unsupported_format not_prose missing_body "
    "body_too_short oversize_record quarantined_share quarantined_share_change no_article"
)
"""What is said of files, or parts of them, that cannot be read."""

BROKEN_TEXT = (
    "mojibake_repaired mojibake_left encoding_change repair_share_change undecodable control_characters many_symbols "
    "odd_words not_prose flagged_share_change unlike_language language_mix_change language_mismatch "
    "language_fill_rate_change riddled_share_change marks_lost"
)
"""What is said of texts whose characters are not those that were written."""

VOLUME = "volume_change record_count drop_missing"

HELD_BACK = "quarantined_share quarantined_share_change missing_body body_too_short not_prose"
FIELDS = "fields_appeared fields_vanished field_types_changed flagged_share_change"
ALIKE = (
    "repeated_body repeated_headline repeated_headline_change repeated_line duplicated_share_change "
    "repeated_id_share_change repeated_lines"
)
SHORT = "body_length_change body_too_short missing_body"
DATES = (
    "unreadable_date future_date early_date ambiguous_date freshness_change published_at_fill_rate_change "
    "flagged_share_change"
)

UNLIKE = "unlike_language language_mix_change language_fill_rate_change language_mismatch language_fill_rate"
HEADLINES = "headline_fill_rate_change headline_mismatch flagged_share_change"
LENGTHS = f"{SHORT} volume_change unfinished_share_change truncated_body flagged_share_change"
