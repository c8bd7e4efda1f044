-- Who publishes first? For each source: the articles that it shares with others and published before all of them, and by how
-- many hours the next one came later, at the median.
SELECT
    first_source AS source,
    count(DISTINCT article_id) AS articles_first,
    round(median(lag_seconds) / 3600, 1) AS median_hours_ahead
FROM syndication
WHERE clock = 'published_at' AND position = 2 AND source <> first_source
GROUP BY first_source
ORDER BY articles_first DESC, source
