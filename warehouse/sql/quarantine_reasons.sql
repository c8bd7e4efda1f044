-- Why records are held back: a row for each source and reason, with what it means and what to do. A record with several
-- reasons counts under each.
--
-- source: Source.
-- reason: Code of the reason.
-- open_records: Records that wait.
-- dismissed_records: Records that were dismissed.
-- replayed_records: Records that were taken in since.
-- first_at: When the first of them was held back (UTC).
-- last_at: When the last of them was held back (UTC).
-- meaning: What the reason means; null for a rule of your own.
-- remedy: What to do; null for a rule of your own.
-- example: The latest of them: copydesk quarantine show tells more.
SELECT
    held.source,
    held.reason,
    count(*) FILTER (WHERE held.status = 'open') AS open_records,
    count(*) FILTER (WHERE held.status = 'dismissed') AS dismissed_records,
    count(*) FILTER (WHERE held.status = 'replayed') AS replayed_records,
    min(held.quarantined_at) AS first_at,
    max(held.quarantined_at) AS last_at,
    any_value(codes.meaning) AS meaning,
    any_value(codes.remedy) AS remedy,
    arg_max(held.quarantine_id, (held.quarantined_at, held.quarantine_id)) AS example
FROM (SELECT *, unnest(reasons) AS reason FROM ops.quarantine) AS held
LEFT JOIN ops.reason_codes AS codes ON codes.code = held.reason
GROUP BY held.source, held.reason
