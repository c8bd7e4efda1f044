-- The last runs, and the places of their sources.
SELECT
    runs.run_id,
    runs.kind,
    runs.status,
    runs.started_at,
    runs.seconds,
    runs.drops,
    runs.records_in,
    runs.records_loaded,
    runs.records_quarantined,
    runs.exact_copies + runs.near_copies + runs.other_copies AS copies,
    runs.articles_new,
    taken_in.sources
FROM ops.runs AS runs
LEFT JOIN (SELECT run_id, list_sort(list(DISTINCT source)) AS sources FROM ops.drops GROUP BY run_id) AS taken_in
    USING (run_id)
ORDER BY runs.started_at DESC, runs.run_id DESC
LIMIT 30
