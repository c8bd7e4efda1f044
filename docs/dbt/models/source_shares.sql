WITH members AS (
    SELECT DISTINCT
        records.source,
        record_articles.article_id
    FROM {{ source('copydesk', 'records') }} AS records
    INNER JOIN {{ source('copydesk', 'record_articles') }} AS record_articles USING (record_id)
    WHERE record_articles.relation <> 'excerpt'
)
SELECT
    members.source,
    count(*) AS articles,
    count(*) FILTER (WHERE len(articles.sources) = 1) AS own_articles,
    round(100 * avg(CAST(len(articles.sources) = 1 AS INTEGER))) AS own_percent
FROM members
INNER JOIN {{ source('copydesk', 'articles') }} AS articles USING (article_id)
GROUP BY members.source
