-- One row per run and source that it took something in from: what came, what became of it, and how filled it was.
-- The figures are taken before a batch is judged; of a refused one nothing was loaded.
WITH refused AS (
    SELECT DISTINCT run_id, source
    FROM ops.validations
    WHERE suite <> 'records' AND severity = 'critical' AND NOT success
),
figures AS (
    SELECT
        run_id,
        source,
        max(value) FILTER (WHERE figure = 'records_in') AS records_in,
        max(value) FILTER (WHERE figure = 'records_loaded') AS records_accepted,
        max(value) FILTER (WHERE figure = 'headline_fill_rate') AS headline,
        max(value) FILTER (WHERE figure = 'dek_fill_rate') AS dek,
        max(value) FILTER (WHERE figure = 'authors_fill_rate') AS authors,
        max(value) FILTER (WHERE figure = 'published_at_fill_rate') AS published_at,
        max(value) FILTER (WHERE figure = 'language_fill_rate') AS language,
        max(value) FILTER (WHERE figure = 'url_fill_rate') AS url
    FROM ops.source_figures
    WHERE item IS NULL
    GROUP BY run_id, source
)
SELECT
    source,
    run_id,
    runs.started_at,
    runs.started_at >= $since AS is_in_window,
    date_trunc($bin, runs.started_at) AS bin_start,
    refused.run_id IS NOT NULL AS is_refused,
    CAST(figures.records_in AS BIGINT) AS records_in,
    CAST(if(refused.run_id IS NULL, figures.records_accepted, 0) AS BIGINT) AS records_loaded,
    CAST(figures.records_in - if(refused.run_id IS NULL, figures.records_accepted, 0) AS BIGINT) AS records_quarantined,
    CAST(figures.records_accepted AS BIGINT) AS records_accepted,
    figures.headline,
    figures.dek,
    figures.authors,
    figures.published_at,
    figures.language,
    figures.url
FROM figures
INNER JOIN ops.runs AS runs USING (run_id)
LEFT JOIN refused USING (run_id, source)
WHERE runs.kind = 'ingest'
ORDER BY source, runs.started_at, run_id
