-- Which articles do at least two sources have, and the Harbor Review has not? Put the name of your own source there.
SELECT
    headline,
    sources,
    published_at
FROM articles
WHERE len(sources) >= 2 AND NOT list_contains(sources, 'harbor-review')
ORDER BY published_at NULLS LAST, headline
