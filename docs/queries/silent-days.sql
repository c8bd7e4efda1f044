-- When was a source silent though it usually publishes? Gaps in which it would have had two records or more.
SELECT
    source,
    first_day,
    last_day,
    days,
    round(usual_records, 1) AS usual_records,
    is_open
FROM coverage_gaps
WHERE usual_records >= 2
ORDER BY usual_records DESC, source, first_day
