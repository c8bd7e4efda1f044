-- Which sources have the same articles: a row for each source and another one that shares an article with it, in both
-- directions. An excerpt is not the article. Who was first is told by dates of publication alone, those left aside that
-- cannot be.
--
-- source: Source.
-- other_source: Another source.
-- articles: Articles of the source.
-- other_articles: Articles of the other source.
-- shared_articles: Articles of both.
-- shared_share: Shared articles, of those of the source, 0 to 1.
-- first_articles: Shared articles that the source published before the other one.
-- other_first_articles: Shared articles that the other source published before.
-- median_lag_seconds: Seconds by which it came after the other source, at the median of those that both have dated.
WITH held AS (
    SELECT
        record_articles.article_id,
        records.source,
        min(ops.credible_date(records.published_at, records.ingested_at)) AS published_at
    FROM records
    INNER JOIN record_articles USING (record_id)
    WHERE record_articles.relation <> 'excerpt'
    GROUP BY ALL
),
sizes AS (
    SELECT
        source,
        count(*) AS articles
    FROM held
    GROUP BY source
)
SELECT
    one.source,
    other.source AS other_source,
    any_value(sizes.articles) AS articles,
    any_value(other_sizes.articles) AS other_articles,
    count(*) AS shared_articles,
    count(*) / any_value(sizes.articles) AS shared_share,
    count(*) FILTER (WHERE one.published_at < other.published_at) AS first_articles,
    count(*) FILTER (WHERE one.published_at > other.published_at) AS other_first_articles,
    CAST(median(epoch_us(one.published_at) - epoch_us(other.published_at)) / 1000000 AS BIGINT) AS median_lag_seconds
FROM held AS one
INNER JOIN held AS other ON one.article_id = other.article_id AND one.source <> other.source
INNER JOIN sizes ON one.source = sizes.source
INNER JOIN sizes AS other_sizes ON other.source = other_sizes.source
GROUP BY one.source, other.source
