-- Who published an article first, and how much later each copy came: a row per record of every article that has several,
-- excerpts left out. Dates of publication are compared, and a record without one, or with one that cannot be, has no place
-- among them; where no record of the article has a date, the times at which they came in are compared.
--
-- article_id: Article.
-- headline: Headline of the article.
-- record_id: Record of the article.
-- source: Source of the record.
-- relation: canonical, exact_copy, near_copy or revision.
-- seen_at: When it was published, or came in where no record of the article has a date (UTC); null where only others do.
-- clock: published_at or ingested_at: what seen_at is, for all records of the article.
-- position: 1 for the first, 2 for the next; records of one time have one position. Null where seen_at is.
-- lag_seconds: Seconds after the first record of the article. Null where seen_at is.
-- first_source: Source of the first record; of several at one time, the first by name.
-- first_record_id: The first record.
WITH members AS (
    SELECT
        record_articles.article_id,
        records.record_id,
        records.source,
        record_articles.relation,
        ops.credible_date(records.published_at, records.ingested_at) AS published_at,
        records.ingested_at,
        if(
            bool_or(ops.credible_date(records.published_at, records.ingested_at) IS NOT NULL) OVER of_article,
            'published_at',
            'ingested_at'
        ) AS clock
    FROM records
    INNER JOIN record_articles USING (record_id)
    WHERE record_articles.relation <> 'excerpt'
    WINDOW of_article AS (PARTITION BY record_articles.article_id)
    QUALIFY count(*) OVER of_article > 1
),
timed AS (
    SELECT
        *,
        if(clock = 'published_at', published_at, ingested_at) AS seen_at
    FROM members
),
firsts AS (
    SELECT
        article_id,
        min(seen_at) AS seen_at,
        arg_min(source, (seen_at, source, record_id)) FILTER (WHERE seen_at IS NOT NULL) AS source,
        arg_min(record_id, (seen_at, source, record_id)) FILTER (WHERE seen_at IS NOT NULL) AS record_id
    FROM timed
    GROUP BY article_id
)
SELECT
    timed.article_id,
    articles.headline,
    timed.record_id,
    timed.source,
    timed.relation,
    timed.seen_at,
    timed.clock,
    if(
        timed.seen_at IS NULL,
        NULL,
        dense_rank() OVER (PARTITION BY timed.article_id ORDER BY timed.seen_at NULLS LAST)
    ) AS position,
    CAST((epoch_us(timed.seen_at) - epoch_us(firsts.seen_at)) / 1000000 AS BIGINT) AS lag_seconds,
    firsts.source AS first_source,
    firsts.record_id AS first_record_id
FROM timed
INNER JOIN firsts USING (article_id)
INNER JOIN articles USING (article_id)
