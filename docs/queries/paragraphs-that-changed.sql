-- Which articles were changed after they were published, and what did they say before?
SELECT
    source,
    headline,
    version_no,
    said_at,
    paragraphs_added,
    paragraphs_removed
FROM article_versions
WHERE version_no > 1
ORDER BY said_at, source, headline
