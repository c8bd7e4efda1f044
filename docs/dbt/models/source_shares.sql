WITH members AS (
    SELECT DISTINCT
        records.source,
        record_articles.article_id
    FROM {{ source('copydesk', 'records') }} AS records
    INNER JOIN {{ source('copydesk', 'record_articles') }} AS record_articles USING (record_id)
    WHERE record_articles.relation <> 'excerpt'
),
counted AS (
    SELECT
        *,
        count(*) OVER (PARTITION BY article_id) AS sources
    FROM members
)
SELECT
    source,
    count(*) AS articles,
    count(*) FILTER (WHERE sources = 1) AS own_articles,
    round(100 * avg(CAST(sources = 1 AS INTEGER))) AS own_percent
FROM counted
GROUP BY source
