-- Who publishes first? For each source: the articles that it shares with others and published before all of them, and by how
-- many hours the next one came later, at the median.
SELECT
    first_source AS source,
    count(*) AS articles_first,
    round(median(lag_seconds) / 3600, 1) AS median_hours_ahead
FROM (
    SELECT article_id, first_source, min(lag_seconds) AS lag_seconds
    FROM syndication
    WHERE clock = 'published_at' AND source <> first_source
    GROUP BY ALL
)
WHERE lag_seconds > 0
GROUP BY first_source
ORDER BY articles_first DESC, source
