SELECT
    first_source,
    source,
    article_id,
    headline,
    seen_at AS reprinted_at,
    round(lag_seconds / 3600, 1) AS delay_hours
FROM {{ source('copydesk', 'syndication') }}
WHERE source <> first_source AND clock = 'published_at' AND seen_at IS NOT NULL
