-- What each source said in an article, one text after the other, with the paragraphs that came and went. Previews are no
-- versions. A paragraph that was only moved is in neither list.
--
-- article_id: Article.
-- source: Source that published the text.
-- version_no: 1 for the first text of the source, in order of said_at.
-- record_id: Record of the text; of several alike in a row, the first.
-- said_at: When it was changed or published (UTC); when it came in, where its record has no date or an impossible one.
-- headline: Headline of the record.
-- body: Clean text.
-- paragraphs_added: Paragraphs that the version before did not have; null for the first.
-- paragraphs_removed: Paragraphs of the version before that are gone; null for the first.
WITH dated AS (
    SELECT
        record_id,
        source,
        body_sha256,
        coalesce(
            ops.credible_date(modified_at, ingested_at),
            ops.credible_date(published_at, ingested_at),
            ingested_at
        ) AS said_at
    FROM records
),
said AS (
    SELECT
        record_articles.article_id,
        dated.source,
        dated.record_id,
        dated.said_at,
        dated.body_sha256 IS DISTINCT FROM lag(dated.body_sha256) OVER of_source AS is_other
    FROM dated
    INNER JOIN record_articles USING (record_id)
    WHERE record_articles.relation <> 'excerpt'
    WINDOW of_source AS (
        PARTITION BY record_articles.article_id, dated.source ORDER BY dated.said_at, dated.body_sha256, dated.record_id
    )
),
texts AS (
    SELECT
        article_id,
        source,
        said_at,
        record_id
    FROM said
    WHERE is_other
),
versions AS (
    SELECT
        texts.article_id,
        texts.source,
        row_number() OVER of_source AS version_no,
        texts.record_id,
        texts.said_at,
        records.headline,
        records.body,
        string_split(records.body, chr(10) || chr(10)) AS paragraphs,
        lag(string_split(records.body, chr(10) || chr(10))) OVER of_source AS paragraphs_before
    FROM texts
    INNER JOIN records ON records.record_id = texts.record_id
    WINDOW of_source AS (PARTITION BY texts.article_id, texts.source ORDER BY texts.said_at, texts.record_id)
),
changes AS (
    SELECT
        record_id,
        list(paragraph ORDER BY position) FILTER (WHERE is_added) AS added,
        list(paragraph ORDER BY position) FILTER (WHERE NOT is_added) AS removed
    FROM (
        SELECT record_id, true AS is_added, unnest(paragraphs) AS paragraph, paragraphs_before AS others,
            generate_subscripts(paragraphs, 1) AS position
        FROM versions WHERE paragraphs_before IS NOT NULL
        UNION ALL
        SELECT record_id, false, unnest(paragraphs_before), paragraphs, generate_subscripts(paragraphs_before, 1)
        FROM versions WHERE paragraphs_before IS NOT NULL
    )
    WHERE NOT list_contains(others, paragraph)
    GROUP BY record_id
)
SELECT
    versions.article_id,
    versions.source,
    versions.version_no,
    versions.record_id,
    versions.said_at,
    versions.headline,
    versions.body,
    if(versions.version_no = 1, NULL, coalesce(changes.added, [])) AS paragraphs_added,
    if(versions.version_no = 1, NULL, coalesce(changes.removed, [])) AS paragraphs_removed
FROM versions
LEFT JOIN changes ON changes.record_id = versions.record_id
