-- Expectations that failed in the latest run that took something in from their source.
WITH checked AS (
    SELECT validations.*
    FROM ops.validations AS validations
    INNER JOIN ops.runs AS runs USING (run_id)
    WHERE runs.kind = 'ingest'
    QUALIFY dense_rank() OVER (PARTITION BY validations.source ORDER BY runs.started_at DESC, run_id DESC) = 1
)
SELECT source, run_id, suite, expectation, column_name, severity, evaluated, unexpected, observed,
    left(detail, 500) AS detail, checked_at
FROM checked
WHERE NOT success
ORDER BY severity, source, suite, expectation
