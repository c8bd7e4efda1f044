-- Who writes: a row per author of an article, under one name however it is spelt. Names that differ only in capitals, white
-- space, points instead of it, kinds of apostrophes and dashes, accents on Latin and Greek letters, or in l for ł, ss for ß
-- and the like are one.
--
-- author: The name, in the spelling that most articles have.
-- author_key: What makes two names one.
-- spellings: All spellings, the most frequent first.
-- articles: Articles that name the author.
-- words: Words of these.
-- sources: Sources of these, sorted.
-- languages: Languages of these, sorted.
-- first_published_at: Earliest date of publication (UTC); null where none has one.
-- last_published_at: Latest date of publication (UTC).
WITH named AS (
    SELECT
        article_id,
        trim(regexp_replace(unnest(authors), '[\s\x{00a0}]+', ' ', 'g')) AS spelling
    FROM articles
),
marked AS (
    SELECT
        article_id,
        spelling,
        regexp_replace(regexp_replace(spelling, '[’‘‛ʼʻʹ´`′]', '''', 'g'), '[\p{Pd}−]', '-', 'g') AS name
    FROM named
),
lowered AS (
    SELECT
        article_id,
        spelling,
        -- In other scripts a mark makes another letter: й is not и.
        lower(
            if(regexp_full_match(name, '[\p{Latin}\p{Greek}\P{L}]*'), strip_accents(name), nfc_normalize(name))
        ) AS name
    FROM marked
),
keyed AS (
    SELECT DISTINCT
        article_id,
        spelling,
        trim(
            regexp_replace(
                replace(
                    replace(replace(replace(translate(name, 'łøđðħŧıς', 'loddhtiσ'), 'ß', 'ss'), 'æ', 'ae'), 'œ', 'oe'),
                    'þ',
                    'th'
                ),
                '[\s.\x{00a0}]+',
                ' ',
                'g'
            )
        ) AS author_key
    FROM lowered
),
spelt AS (
    SELECT
        author_key,
        list(spelling ORDER BY articles DESC, spelling) AS spellings
    FROM (
        SELECT
            author_key,
            spelling,
            count(*) AS articles
        FROM keyed
        GROUP BY ALL
    )
    GROUP BY author_key
)
SELECT
    spelt.spellings[1] AS author,
    author_key,
    spelt.spellings,
    count(*) AS articles,
    CAST(sum(articles.word_count) AS BIGINT) AS words,
    list_sort(list_distinct(flatten(list(articles.sources)))) AS sources,
    list_sort(list(DISTINCT articles.language) FILTER (WHERE articles.language IS NOT NULL)) AS languages,
    min(articles.published_at) AS first_published_at,
    max(articles.published_at) AS last_published_at
FROM (SELECT DISTINCT article_id, author_key FROM keyed)
INNER JOIN spelt USING (author_key)
INNER JOIN articles USING (article_id)
WHERE author_key <> ''
GROUP BY author_key, spelt.spellings
