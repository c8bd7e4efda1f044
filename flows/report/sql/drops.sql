-- One row per source: its last drop.
SELECT source, max(received_at) AS last_drop_at
FROM ops.drops
GROUP BY source
ORDER BY source
