-- One row per distinct article; its body is that of the canonical record, the other fields those of the record that
-- knows best (see article_fields).
--
-- body: Clean text of the canonical record: paragraphs and section headings, separated by one blank line.
WITH newest AS (
    SELECT *
    FROM ops.rows_of_articles()
    QUALIFY row_number() OVER (PARTITION BY article_id ORDER BY commit_no DESC) = 1
)
SELECT
    newest.* EXCLUDE (commit_no),
    records.body
FROM newest
LEFT JOIN records ON newest.canonical_record_id = records.record_id
WHERE newest.record_count IS DISTINCT FROM 0
