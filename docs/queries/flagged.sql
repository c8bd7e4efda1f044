-- Which records were loaded with a doubt, and what does the doubt mean?
SELECT
    records.source,
    records.flag,
    count(*) AS records,
    any_value(codes.meaning) AS meaning
FROM (SELECT source, unnest(flags) AS flag FROM records) AS records
LEFT JOIN ops.reason_codes AS codes ON codes.code = records.flag
GROUP BY records.source, records.flag
ORDER BY records.source, records.flag
