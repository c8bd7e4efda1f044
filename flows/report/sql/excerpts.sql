-- What records and quarantine rows of these ids begin with.
SELECT
    record_id AS example,
    'record' AS kind,
    left(headline, 200) AS headline,
    left(body, 500) AS excerpt,
    array_to_string(flags, ', ') AS codes,
    CAST(NULL AS VARCHAR) AS detail
FROM records
WHERE list_contains($examples, record_id)
UNION ALL
SELECT
    quarantine_id,
    'quarantined',
    NULL,
    left(raw, 500),
    array_to_string(reasons, ', '),
    left(detail, 500)
FROM ops.quarantine
WHERE list_contains($examples, quarantine_id)
