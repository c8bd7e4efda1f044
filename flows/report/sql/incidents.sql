-- Open and muted incidents, each with the rule as it last failed; what is held back bears the run that took it in.
WITH failed AS (
    SELECT v.source, v.expectation, v.suite, v.column_name, v.run_id
    FROM ops.validations AS v
    INNER JOIN ops.runs AS r ON r.run_id = v.run_id AND r.kind = 'ingest'
    WHERE NOT v.success
    QUALIFY row_number() OVER (PARTITION BY v.source, v.expectation ORDER BY v.checked_at DESC, v.run_id DESC) = 1
)
SELECT
    incidents.incident_id,
    incidents.source,
    incidents.rule,
    incidents.severity,
    incidents.status,
    incidents.first_seen_at,
    incidents.last_seen_at,
    incidents.muted_until,
    left(incidents.note, 500) AS note,
    incidents.occurrences,
    left(incidents.message, 500) AS message,
    incidents.sample,
    failed.suite,
    failed.column_name,
    failed.run_id AS failed_in
FROM ops.incidents AS incidents
LEFT JOIN failed ON failed.source = incidents.source AND failed.expectation = incidents.rule
WHERE incidents.status IN ('open', 'muted')
ORDER BY incidents.severity, incidents.last_seen_at DESC, incidents.source, incidents.rule
