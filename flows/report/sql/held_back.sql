-- What waits in quarantine, by source and reason; a record with several reasons counts for each.
SELECT source, reason, count(*) AS records, min(quarantined_at) AS since, max(quarantined_at) AS latest
FROM (SELECT source, unnest(reasons) AS reason, quarantined_at FROM ops.quarantine WHERE status = 'open')
GROUP BY source, reason
ORDER BY records DESC, source, reason
