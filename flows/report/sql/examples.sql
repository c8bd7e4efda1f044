-- Up to three records for each code that records of these runs bear, be they loaded or held back.
WITH loaded AS (
    SELECT
        source,
        run_id,
        record_id AS example,
        list_concat(
            flags,
            if(len(flags) > 0, ['flagged_share'], []),
            if(headline IS NULL, ['headline_fill_rate'], []),
            if(dek IS NULL, ['dek_fill_rate'], []),
            if(len(authors) > 0, [], ['authors_fill_rate']),
            if(published_at IS NULL, ['published_at_fill_rate'], []),
            if(language IS NULL, ['language_fill_rate'], []),
            if(url IS NULL, ['url_fill_rate'], [])
        ) AS codes
    FROM records
    WHERE list_contains($runs, run_id)
),
held_back AS (
    SELECT source, run_id, quarantine_id AS example, list_append(reasons, 'quarantined_share') AS codes
    FROM ops.quarantine
    WHERE list_contains($runs, run_id)
)
SELECT source, run_id, code, example
FROM (
    SELECT source, run_id, example, unnest(codes) AS code FROM loaded
    UNION ALL
    SELECT source, run_id, example, unnest(codes) AS code FROM held_back
)
QUALIFY row_number() OVER (PARTITION BY source, run_id, code ORDER BY example) <= 3
ORDER BY source, run_id, code, example
