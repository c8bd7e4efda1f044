-- Records of a source whose article another source has too (or the same one, by another record), by period.
-- Periods count the starts that had passed when the record came in.
WITH placed AS (
    SELECT places.article_id, records.source, records.ingested_at
    FROM record_articles AS places
    INNER JOIN records USING (record_id)
    WHERE places.article_id IN (SELECT article_id FROM articles WHERE record_count > 1)
),
counted AS (
    SELECT article_id, source, count(*) AS records FROM placed GROUP BY article_id, source
),
recent AS (
    SELECT
        article_id,
        source,
        len(list_filter($starts, lambda start: start <= ingested_at)) AS period,
        count(*) AS records
    FROM placed
    WHERE ingested_at >= $since
    GROUP BY ALL
)
SELECT
    recent.source,
    counted.source AS other_source,
    recent.period,
    CAST(sum(recent.records) AS BIGINT) AS records
FROM recent
INNER JOIN counted USING (article_id)
WHERE recent.source <> counted.source OR counted.records > 1
GROUP BY ALL
ORDER BY ALL
