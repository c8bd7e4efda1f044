-- Days in a row on which a source published nothing, between its first day and the last day of any source, by the dates of
-- its records; records without a date, or with one that cannot be, are left aside, and so is the day of the last run, as it
-- may not be over.
--
-- source: Source.
-- first_day: First day without a record (UTC).
-- last_day: Last day without a record (UTC).
-- days: Days in between, both included.
-- is_open: Whether nothing has come since.
-- usual_records: Records that the source has on such weekdays on average, over all its days, summed over the gap.
-- other_sources: Other sources that published something meanwhile.
WITH published AS (
    SELECT
        source,
        CAST(make_timestamp(epoch_us(published_at)) AS DATE) AS day,
        count(*) AS records
    FROM records
    WHERE ops.credible_date(published_at, ingested_at) IS NOT NULL
    GROUP BY ALL
),
ends AS (
    SELECT least(max(day), (SELECT CAST(make_timestamp(max(epoch_us(ingested_at))) AS DATE) - 1 FROM records)) AS day
    FROM published
),
days AS (
    SELECT
        source,
        CAST(unnest(generate_series(min(day), (SELECT day FROM ends), INTERVAL 1 DAY)) AS DATE) AS day
    FROM published
    GROUP BY source
),
counted AS (
    SELECT
        days.source,
        days.day,
        coalesce(published.records, 0) AS records,
        avg(coalesce(published.records, 0)) OVER (PARTITION BY days.source, dayofweek(days.day)) AS usual_records,
        count(published.records) OVER (PARTITION BY days.source ORDER BY days.day) AS days_before
    FROM days
    LEFT JOIN published USING (source, day)
)
SELECT
    gaps.source,
    gaps.first_day,
    gaps.last_day,
    gaps.days,
    gaps.last_day = (SELECT day FROM ends) AS is_open,
    gaps.usual_records,
    coalesce(others.sources, 0) AS other_sources
FROM (
    SELECT
        source,
        days_before,
        min(day) AS first_day,
        max(day) AS last_day,
        count(*) AS days,
        sum(usual_records) AS usual_records
    FROM counted
    WHERE records = 0
    GROUP BY source, days_before
) AS gaps
LEFT JOIN (
    SELECT
        counted.source,
        counted.days_before,
        count(DISTINCT published.source) AS sources
    FROM counted
    INNER JOIN published ON counted.day = published.day
    WHERE counted.records = 0
    GROUP BY counted.source, counted.days_before
) AS others USING (source, days_before)
