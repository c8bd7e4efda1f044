-- What does each source have that nobody else has?
SELECT
    source,
    articles,
    own_articles,
    round(100 * own_articles / articles) AS own_percent
FROM source_health
WHERE articles > 0
ORDER BY own_percent DESC, source
