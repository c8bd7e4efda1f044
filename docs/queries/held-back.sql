-- What waits in quarantine, why, and what is to be done about it? Most frequent reasons first.
SELECT
    source,
    reason,
    open_records,
    remedy
FROM quarantine_reasons
WHERE open_records > 0
ORDER BY open_records DESC, source, reason
