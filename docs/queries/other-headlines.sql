-- Under which other headlines does the same article run?
SELECT
    articles.headline,
    list(DISTINCT records.source || ': ' || records.headline ORDER BY records.source || ': ' || records.headline)
        AS other_headlines
FROM articles
INNER JOIN record_articles USING (article_id)
INNER JOIN records USING (record_id)
WHERE records.headline <> articles.headline AND NOT list_contains(records.flags, 'headline_mismatch')
GROUP BY articles.article_id, articles.headline
ORDER BY articles.headline
