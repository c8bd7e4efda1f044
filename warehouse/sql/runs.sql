-- What each run did, in one row: its sources, its books, and the incidents that it opened.
--
-- run_id: Run.
-- kind: What it was: ingest, replay, retract, rebuild, and so on.
-- status: done or refused.
-- started_at: Start (UTC).
-- seconds: Duration up to its commit.
-- sources: Sources of the drops that it took in, sorted.
-- drops: Drops that it took in; of a replay, those that were parsed again.
-- records_in: Records that it found; of a replay, those that were looked at again.
-- records_loaded: Records that it loaded.
-- records_quarantined: Records that it held back.
-- quarantined_share: Records held back, of those that it found, 0 to 1; null where it found none.
-- copies: Loaded records that are copies of another.
-- articles_new: Articles that did not exist before.
-- failed_rules: Rules that failed in it, of warning or critical severity.
-- opened_incidents: Incidents whose first failure it was.
WITH taken_in AS (
    SELECT
        run_id,
        list_sort(list(DISTINCT source)) AS sources
    FROM ops.drops
    GROUP BY run_id
),
failed AS (
    SELECT
        run_id,
        count(*) AS failed_rules
    FROM ops.validations
    WHERE NOT success AND severity <> 'info'
    GROUP BY run_id
),
opened AS (
    SELECT
        first_seen_at,
        count(*) AS opened_incidents
    FROM ops.incidents
    GROUP BY first_seen_at
)
SELECT
    runs.run_id,
    runs.kind,
    runs.status,
    runs.started_at,
    runs.seconds,
    coalesce(taken_in.sources, []) AS sources,
    runs.drops,
    runs.records_in,
    runs.records_loaded,
    runs.records_quarantined,
    runs.records_quarantined / nullif(runs.records_in, 0) AS quarantined_share,
    runs.exact_copies + runs.near_copies + runs.other_copies AS copies,
    runs.articles_new,
    coalesce(failed.failed_rules, 0) AS failed_rules,
    coalesce(opened.opened_incidents, 0) AS opened_incidents
FROM ops.runs AS runs
LEFT JOIN taken_in USING (run_id)
LEFT JOIN failed USING (run_id)
LEFT JOIN opened ON opened.first_seen_at = runs.started_at
