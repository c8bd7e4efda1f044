-- How much came out in each week, by source? Only what has a date.
SELECT
    date_trunc('week', day) AS week,
    source,
    sum(records) AS records,
    sum(new_articles) AS new_articles,
    sum(words) AS words
FROM daily_volume
WHERE clock = 'published_at'
GROUP BY ALL
ORDER BY week, source
