-- How each source is doing: what came of all that it delivered, how complete its records are, and which faults are open.
--
-- source: Source.
-- status: critical or warning where such an incident is open, else ok.
-- open_incidents: Incidents that are open, muted ones left aside.
-- last_received_at: When its last drop was landed that could be opened (UTC).
-- last_run_id: Run that took that drop in.
-- drops: Drops that it delivered.
-- records_in: Records found in them.
-- records_loaded: Records of it that are loaded now.
-- records_quarantined: Records of it that are held back now.
-- records_retracted: Records of it that were withdrawn.
-- quarantined_share: Records held back, of all that came, 0 to 1; null where none came.
-- flagged_share: Loaded records that raised a warning, 0 to 1; null where none is loaded.
-- headline_share: Loaded records that have a headline, 0 to 1.
-- authors_share: Loaded records that name an author, 0 to 1.
-- published_share: Loaded records that have a date of publication which can be, 0 to 1.
-- articles: Distinct articles of the source; an excerpt is not the article.
-- own_articles: Articles that no other source has.
-- last_published_at: Latest date of publication that can be (UTC).
WITH delivered AS (
    SELECT
        source,
        max(received_at) FILTER (WHERE drop_sha256 IS NOT NULL) AS last_received_at,
        arg_max(run_id, received_at) FILTER (WHERE drop_sha256 IS NOT NULL) AS last_run_id,
        count(drop_sha256) AS drops,
        CAST(coalesce(sum(records_in), 0) AS BIGINT) AS records_in,
        CAST(coalesce(sum(records_loaded), 0) AS BIGINT) AS records_loaded,
        CAST(coalesce(sum(records_quarantined), 0) AS BIGINT) AS records_quarantined,
        CAST(coalesce(sum(records_retracted), 0) AS BIGINT) AS records_retracted
    FROM ops.drops
    GROUP BY source
),
loaded AS (
    SELECT
        records.source,
        avg(CAST(len(records.flags) > 0 AS INTEGER)) AS flagged_share,
        avg(CAST(records.headline IS NOT NULL AS INTEGER)) AS headline_share,
        avg(CAST(len(records.authors) > 0 AS INTEGER)) AS authors_share,
        avg(CAST(records.dated_at IS NOT NULL AS INTEGER)) AS published_share,
        max(records.dated_at) AS last_published_at
    FROM (
        SELECT *, ops.credible_date(published_at, ingested_at) AS dated_at
        FROM records
    ) AS records
    GROUP BY records.source
),
held AS (
    SELECT DISTINCT
        records.source,
        record_articles.article_id
    FROM records
    INNER JOIN record_articles USING (record_id)
    WHERE record_articles.relation <> 'excerpt'
),
owned AS (
    SELECT
        source,
        count(*) AS articles,
        count(*) FILTER (WHERE sources = 1) AS own_articles
    FROM (
        SELECT
            *,
            count(*) OVER (PARTITION BY article_id) AS sources
        FROM held
    )
    GROUP BY source
),
faults AS (
    SELECT
        source,
        count(*) AS open_incidents,
        if(bool_or(severity = 'critical'), 'critical', 'warning') AS status
    FROM ops.incidents
    WHERE status = 'open'
    GROUP BY source
)
SELECT
    source,
    coalesce(faults.status, 'ok') AS status,
    coalesce(faults.open_incidents, 0) AS open_incidents,
    delivered.last_received_at,
    delivered.last_run_id,
    coalesce(delivered.drops, 0) AS drops,
    coalesce(delivered.records_in, 0) AS records_in,
    coalesce(delivered.records_loaded, 0) AS records_loaded,
    coalesce(delivered.records_quarantined, 0) AS records_quarantined,
    coalesce(delivered.records_retracted, 0) AS records_retracted,
    delivered.records_quarantined / nullif(delivered.records_in, 0) AS quarantined_share,
    loaded.flagged_share,
    loaded.headline_share,
    loaded.authors_share,
    loaded.published_share,
    coalesce(owned.articles, 0) AS articles,
    coalesce(owned.own_articles, 0) AS own_articles,
    loaded.last_published_at
FROM delivered
FULL JOIN loaded USING (source)
FULL JOIN owned USING (source)
FULL JOIN faults USING (source)
