-- How much each source published on each day (UTC). Records without a date of publication, or with one that cannot be,
-- count apart, on the day on which they came in.
--
-- day: Day (UTC).
-- source: Source.
-- clock: published_at or ingested_at: what day is taken from.
-- records: Records of that day, copies included.
-- articles: Distinct articles among them.
-- new_articles: Articles of which the source had nothing before that day, by either clock.
-- words: Words of the records.
WITH dated AS (
    SELECT
        CAST(make_timestamp(epoch_us(coalesce(records.dated_at, records.ingested_at))) AS DATE) AS day,
        if(records.dated_at IS NULL, 'ingested_at', 'published_at') AS clock,
        records.source,
        record_articles.article_id,
        records.word_count
    FROM (
        SELECT *, ops.credible_date(published_at, ingested_at) AS dated_at
        FROM records
    ) AS records
    INNER JOIN record_articles USING (record_id)
)
SELECT
    day,
    source,
    clock,
    count(*) AS records,
    count(DISTINCT article_id) AS articles,
    count(DISTINCT article_id) FILTER (WHERE day = first_day) AS new_articles,
    CAST(sum(word_count) AS BIGINT) AS words
FROM (
    SELECT
        *,
        min(day) OVER (PARTITION BY source, article_id) AS first_day
    FROM dated
)
GROUP BY day, source, clock
