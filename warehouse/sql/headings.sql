-- Section headings: a row for each heading of an article, with the section that follows it. They are those of the record
-- from which the article has its headings, which need not be the canonical one. A list of contents before them is none.
--
-- article_id: Article.
-- headline: Headline of the article.
-- record_id: Record whose headings these are (copydesk why, and article_fields, tell why).
-- position: 1 for the first heading of the article.
-- heading: The heading.
-- section: Paragraphs up to the next heading; empty where it follows at once.
-- section_words: Words of the section, counted as word_count is.
-- language: Language of the article.
-- sources: Sources of the article.
-- published_at: When the article was published (UTC).
WITH parts AS (
    SELECT
        articles.article_id,
        records.record_id,
        string_split(records.body, chr(10) || chr(10)) AS paragraphs,
        records.headings
    FROM articles
    LEFT JOIN article_fields ON articles.article_id = article_fields.article_id AND article_fields.field = 'headings'
    INNER JOIN records ON records.record_id = coalesce(article_fields.record_id, articles.canonical_record_id)
    WHERE len(records.headings) > 0
),
paragraphs AS (
    SELECT
        article_id,
        unnest(paragraphs) AS paragraph,
        generate_subscripts(paragraphs, 1) AS place,
        headings
    FROM parts
),
found AS (
    SELECT
        article_id,
        paragraph,
        place,
        row_number() OVER (PARTITION BY article_id, paragraph ORDER BY place DESC) AS occurrence_from_end
    FROM paragraphs
    WHERE list_contains(headings, paragraph)
),
named AS (
    SELECT
        article_id,
        position,
        heading,
        row_number() OVER (PARTITION BY article_id, heading ORDER BY position DESC) AS occurrence_from_end
    FROM (
        SELECT
            article_id,
            unnest(headings) AS heading,
            generate_subscripts(headings, 1) AS position
        FROM parts
    )
),
placed AS (
    SELECT
        named.article_id,
        named.position,
        named.heading,
        found.place,
        lead(found.place) OVER (PARTITION BY named.article_id ORDER BY named.position) AS next_place
    FROM named
    INNER JOIN found
        ON named.article_id = found.article_id
        AND named.heading = found.paragraph
        AND named.occurrence_from_end = found.occurrence_from_end
),
cut AS (
    SELECT
        placed.*,
        parts.record_id,
        array_to_string(
            parts.paragraphs[placed.place + 1:coalesce(placed.next_place, len(parts.paragraphs) + 1) - 1],
            chr(10) || chr(10)
        ) AS section
    FROM placed
    INNER JOIN parts USING (article_id)
)
SELECT
    article_id,
    articles.headline,
    cut.record_id,
    CAST(cut.position AS BIGINT) AS position,
    cut.heading,
    coalesce(cut.section, '') AS section,
    -- As transforms/digests.py counts. This dialect cannot cut classes: a letter of Han is what is neither \P{L} nor \P{Han}.
    len(
        regexp_extract_all(
            coalesce(cut.section, ''),
            '[^\P{L}\P{Han}]|[^\P{L}\P{Hiragana}]|[^\P{L}\P{Katakana}]|[^\P{L}\P{Thai}]|[^\P{L}\P{Lao}]'
            || '|[^\P{L}\P{Khmer}]|[^\P{L}\P{Myanmar}]'
            || '|(?:[^\P{L}\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]'
            || '|[^\P{N}\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}])'
            || '[^\s\x0b\x{85}\p{Z}\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]*'
        )
    ) AS section_words,
    articles.language,
    articles.sources,
    articles.published_at
FROM cut
INNER JOIN articles USING (article_id)
