-- Who writes most? Authors by the words of their articles.
SELECT
    author,
    articles,
    words,
    sources
FROM authors
ORDER BY words DESC, author
LIMIT 5
