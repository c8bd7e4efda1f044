-- What is in the warehouse, and which state of it this is.
SELECT
    (SELECT count(*) FROM records) AS records,
    (SELECT count(*) FROM articles) AS articles,
    (SELECT count(*) FROM ops.quarantine WHERE status = 'open') AS quarantined,
    (SELECT count(*) FROM ops.runs) AS runs,
    (SELECT max(started_at) FROM ops.runs) AS last_run_at,
    publication.published_at,
    publication.snapshot_id
FROM ops.publication AS publication
