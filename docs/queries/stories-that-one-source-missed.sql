-- Which articles do at least two sources have, and the Harbor Review has not? Put the name of your own source there.
-- An excerpt is not the article.
SELECT
    articles.headline,
    list_sort(list(DISTINCT records.source)) AS sources,
    articles.published_at
FROM articles
INNER JOIN record_articles USING (article_id)
INNER JOIN records USING (record_id)
WHERE record_articles.relation <> 'excerpt'
GROUP BY articles.article_id, articles.headline, articles.published_at
HAVING len(sources) >= 2 AND NOT list_contains(sources, 'harbor-review')
ORDER BY articles.published_at NULLS LAST, articles.headline
