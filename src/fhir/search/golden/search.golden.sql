-- The statements of some searches, so that a change of them is seen. Written by plans.test.ts with HERON_GOLDEN=write.

-- Observation?_count=10
SELECT r.id, r.body, r.rid
  FROM "fhir"."observation" r
  WHERE true
  ORDER BY r.rid DESC LIMIT 11; -- prepared

-- Observation?_count=1&_total=accurate
SELECT r.id, r.body, r.rid
  FROM "fhir"."observation" r
  WHERE true
  ORDER BY r.rid DESC LIMIT 2; -- prepared
SELECT (SELECT coalesce(sum(c.n), 0)::int8
  FROM (SELECT n
  FROM fhir.row_count
  WHERE type = 'Observation'
  UNION ALL SELECT n
  FROM fhir.row_change
  WHERE type = 'Observation') c); -- prepared

-- Observation?code=http://loinc.org|8480-6&_count=1&_total=accurate
SELECT u.id, u.body, u.rid, u.s0::text
  FROM ((SELECT r.id, r.body, r.rid, r.d AS s0
  FROM "fhir"."observation" r
  WHERE r.code = $1
  ORDER BY r.d DESC NULLS LAST, r.rid DESC LIMIT 2)
  UNION ALL (SELECT r.id, r.body, r.rid, r.d AS s0
  FROM (SELECT r.*
  FROM "fhir"."observation" r
  WHERE r.keys @> $2::int8[] AND (r.code IS NULL OR r.code <> ALL($3::int8[])) OFFSET 0) r
  WHERE true
  ORDER BY r.d DESC NULLS LAST, r.rid DESC LIMIT 2)) u
  ORDER BY u.s0 DESC NULLS LAST, u.rid DESC LIMIT 2; -- prepared
SELECT (SELECT count(*)
  FROM "fhir"."observation" r
  WHERE r.code = ANY($1::int8[])) + (SELECT count(*)
  FROM "fhir"."observation" r
  WHERE r.keys @> $2::int8[] AND (r.code IS NULL OR r.code <> ALL($3::int8[])));

-- Observation?combo-code=http://loinc.org|8480-6&_count=1&_total=accurate
SELECT r.id, r.body, r.rid
  FROM (SELECT r.*
  FROM "fhir"."observation" r
  WHERE true
  ORDER BY r.rid DESC LIMIT 1000) r
  WHERE ((r.code = $1 OR $2 = ANY(r.keys)) OR $3 = ANY(r.keys))
  ORDER BY r.rid DESC LIMIT 2;
SELECT (SELECT count(*)
  FROM "fhir"."observation" r
  WHERE ((r.code = $1 OR r.keys @> $2::int8[]) OR r.keys @> $3::int8[]));

-- Patient?gender=male&_count=5&_total=accurate
SELECT r.id, r.body, r.rid
  FROM (SELECT r.*
  FROM "fhir"."patient" r
  WHERE true
  ORDER BY r.rid DESC LIMIT 1000) r
  WHERE $1 = ANY(r.keys)
  ORDER BY r.rid DESC LIMIT 6;
SELECT (SELECT count(*)
  FROM "fhir"."patient" r
  WHERE r.keys @> $1::int8[]);

-- Patient?family=S&_count=5
WITH u AS MATERIALIZED (SELECT p.*, 0 AS strip
  FROM (SELECT r.id, r.body, r.rid, s.v AS s0
  FROM (SELECT s.rid, s.p, s.v
  FROM "fhir"."patient_string" s
  WHERE (s.p = 21 AND (s.v >= $1 AND s.v <= $2))
  ORDER BY s.v ASC, s.rid ASC LIMIT 74) s JOIN "fhir"."patient" r ON r.rid = s.rid
  WHERE NOT EXISTS (SELECT 1
  FROM "fhir"."patient_string" o
  WHERE o.rid = s.rid AND o.p IN (21, 4021) AND (o.v >= $3 AND o.v <= $4) AND (o.v < s.v OR (o.v = s.v AND o.p < s.p)))
  ORDER BY s.v ASC, s.rid ASC LIMIT 6) p
  UNION ALL SELECT p.*, 1 AS strip
  FROM (SELECT r.id, r.body, r.rid, s.v AS s0
  FROM (SELECT s.rid, s.p, s.v
  FROM "fhir"."patient_string" s
  WHERE (s.p = 4021 AND (s.v >= $5 AND s.v <= $6))
  ORDER BY s.v ASC, s.rid ASC LIMIT 74) s JOIN "fhir"."patient" r ON r.rid = s.rid
  WHERE NOT EXISTS (SELECT 1
  FROM "fhir"."patient_string" o
  WHERE o.rid = s.rid AND o.p IN (21, 4021) AND (o.v >= $7 AND o.v <= $8) AND (o.v < s.v OR (o.v = s.v AND o.p < s.p)))
  ORDER BY s.v ASC, s.rid ASC LIMIT 6) p) SELECT u.id, u.body, u.rid, u.s0::text, CASE WHEN (SELECT count(*)
  FROM u
  WHERE strip = 0) < 6 THEN EXISTS (SELECT 1
  FROM "fhir"."patient_string" s
  WHERE (s.p = 21 AND (s.v >= $9 AND s.v <= $10))
  ORDER BY s.v ASC, s.rid ASC OFFSET 74 LIMIT 1) ELSE false END OR CASE WHEN (SELECT count(*)
  FROM u
  WHERE strip = 1) < 6 THEN EXISTS (SELECT 1
  FROM "fhir"."patient_string" s
  WHERE (s.p = 4021 AND (s.v >= $11 AND s.v <= $12))
  ORDER BY s.v ASC, s.rid ASC OFFSET 74 LIMIT 1) ELSE false END
  FROM u
  ORDER BY u.s0 ASC, u.rid ASC LIMIT 6;

-- Patient?given=A&_count=5
SELECT r.id, r.body, r.rid, s.v::text AS s0
  FROM (SELECT s.rid, s.p, s.v
  FROM "fhir"."patient_string" s
  WHERE (s.p = 25 AND (s.v >= $1 AND s.v <= $2))
  ORDER BY s.v ASC, s.rid ASC LIMIT 74) s JOIN "fhir"."patient" r ON r.rid = s.rid
  WHERE NOT EXISTS (SELECT 1
  FROM "fhir"."patient_string" o
  WHERE o.rid = s.rid AND o.p IN (25) AND (o.v >= $3 AND o.v <= $4) AND (o.v < s.v OR (o.v = s.v AND o.p < s.p)))
  ORDER BY s.v ASC, s.rid ASC LIMIT 6;

-- Patient?gender=female&family=B&_count=5
WITH u AS MATERIALIZED (SELECT p.*, 0 AS strip
  FROM (SELECT r.id, r.body, r.rid, s.v AS s0
  FROM (SELECT s.rid, s.p, s.v
  FROM "fhir"."patient_string" s
  WHERE (s.p = 21 AND (s.v >= $1 AND s.v <= $2))
  ORDER BY s.v ASC, s.rid ASC LIMIT 1000) s JOIN "fhir"."patient" r ON r.rid = s.rid
  WHERE (NOT EXISTS (SELECT 1
  FROM "fhir"."patient_string" o
  WHERE o.rid = s.rid AND o.p IN (21, 4021) AND (o.v >= $3 AND o.v <= $4) AND (o.v < s.v OR (o.v = s.v AND o.p < s.p))) AND $5 = ANY(r.keys))
  ORDER BY s.v ASC, s.rid ASC LIMIT 6) p
  UNION ALL SELECT p.*, 1 AS strip
  FROM (SELECT r.id, r.body, r.rid, s.v AS s0
  FROM (SELECT s.rid, s.p, s.v
  FROM "fhir"."patient_string" s
  WHERE (s.p = 4021 AND (s.v >= $6 AND s.v <= $7))
  ORDER BY s.v ASC, s.rid ASC LIMIT 1000) s JOIN "fhir"."patient" r ON r.rid = s.rid
  WHERE (NOT EXISTS (SELECT 1
  FROM "fhir"."patient_string" o
  WHERE o.rid = s.rid AND o.p IN (21, 4021) AND (o.v >= $8 AND o.v <= $9) AND (o.v < s.v OR (o.v = s.v AND o.p < s.p))) AND $10 = ANY(r.keys))
  ORDER BY s.v ASC, s.rid ASC LIMIT 6) p) SELECT u.id, u.body, u.rid, u.s0::text, CASE WHEN (SELECT count(*)
  FROM u
  WHERE strip = 0) < 6 THEN EXISTS (SELECT 1
  FROM "fhir"."patient_string" s
  WHERE (s.p = 21 AND (s.v >= $11 AND s.v <= $12))
  ORDER BY s.v ASC, s.rid ASC OFFSET 1000 LIMIT 1) ELSE false END OR CASE WHEN (SELECT count(*)
  FROM u
  WHERE strip = 1) < 6 THEN EXISTS (SELECT 1
  FROM "fhir"."patient_string" s
  WHERE (s.p = 4021 AND (s.v >= $13 AND s.v <= $14))
  ORDER BY s.v ASC, s.rid ASC OFFSET 1000 LIMIT 1) ELSE false END
  FROM u
  ORDER BY u.s0 ASC, u.rid ASC LIMIT 6;

-- Observation?code=http://loinc.org|8302-2&_count=5&_total=accurate
SELECT u.id, u.body, u.rid, u.s0::text
  FROM ((SELECT r.id, r.body, r.rid, r.d AS s0
  FROM "fhir"."observation" r
  WHERE r.code = $1
  ORDER BY r.d DESC NULLS LAST, r.rid DESC LIMIT 6)
  UNION ALL (SELECT r.id, r.body, r.rid, r.d AS s0
  FROM (SELECT r.*
  FROM "fhir"."observation" r
  WHERE r.keys @> $2::int8[] AND (r.code IS NULL OR r.code <> ALL($3::int8[])) OFFSET 0) r
  WHERE true
  ORDER BY r.d DESC NULLS LAST, r.rid DESC LIMIT 6)) u
  ORDER BY u.s0 DESC NULLS LAST, u.rid DESC LIMIT 6; -- prepared
SELECT (SELECT count(*)
  FROM "fhir"."observation" r
  WHERE r.code = ANY($1::int8[])) + (SELECT count(*)
  FROM "fhir"."observation" r
  WHERE r.keys @> $2::int8[] AND (r.code IS NULL OR r.code <> ALL($3::int8[])));

-- Observation?code=http://loinc.org|29463-7&_count=5&_total=accurate
SELECT u.id, u.body, u.rid, u.s0::text
  FROM ((SELECT r.id, r.body, r.rid, r.d AS s0
  FROM "fhir"."observation" r
  WHERE r.code = $1
  ORDER BY r.d DESC NULLS LAST, r.rid DESC LIMIT 6)
  UNION ALL (SELECT r.id, r.body, r.rid, r.d AS s0
  FROM (SELECT r.*
  FROM "fhir"."observation" r
  WHERE r.keys @> $2::int8[] AND (r.code IS NULL OR r.code <> ALL($3::int8[])) OFFSET 0) r
  WHERE true
  ORDER BY r.d DESC NULLS LAST, r.rid DESC LIMIT 6)) u
  ORDER BY u.s0 DESC NULLS LAST, u.rid DESC LIMIT 6; -- prepared
SELECT (SELECT count(*)
  FROM "fhir"."observation" r
  WHERE r.code = ANY($1::int8[])) + (SELECT count(*)
  FROM "fhir"."observation" r
  WHERE r.keys @> $2::int8[] AND (r.code IS NULL OR r.code <> ALL($3::int8[])));

-- Observation?code=http://loinc.org|72514-3&_count=5&_total=accurate
SELECT u.id, u.body, u.rid, u.s0::text
  FROM ((SELECT r.id, r.body, r.rid, r.d AS s0
  FROM "fhir"."observation" r
  WHERE r.code = $1
  ORDER BY r.d DESC NULLS LAST, r.rid DESC LIMIT 6)
  UNION ALL (SELECT r.id, r.body, r.rid, r.d AS s0
  FROM (SELECT r.*
  FROM "fhir"."observation" r
  WHERE r.keys @> $2::int8[] AND (r.code IS NULL OR r.code <> ALL($3::int8[])) OFFSET 0) r
  WHERE true
  ORDER BY r.d DESC NULLS LAST, r.rid DESC LIMIT 6)) u
  ORDER BY u.s0 DESC NULLS LAST, u.rid DESC LIMIT 6; -- prepared
SELECT (SELECT count(*)
  FROM "fhir"."observation" r
  WHERE r.code = ANY($1::int8[])) + (SELECT count(*)
  FROM "fhir"."observation" r
  WHERE r.keys @> $2::int8[] AND (r.code IS NULL OR r.code <> ALL($3::int8[])));

-- Observation?date=ge2020-01-01&_count=5
SELECT u.id, u.body, u.rid, u.s0::text
  FROM ((SELECT r.id, r.body, r.rid, r.d AS s0
  FROM "fhir"."observation" r
  WHERE (r.d > $1::timestamptz AND (r.dh > $2::timestamptz OR r.d >= $3::timestamptz))
  ORDER BY r.d DESC NULLS LAST, r.rid DESC LIMIT 6)
  UNION ALL (SELECT r.id, r.body, r.rid, r.d AS s0
  FROM (SELECT r.*
  FROM "fhir"."observation" r
  WHERE (r.keys @> $4::int8[] AND r.d <= $5::timestamptz AND (r.dh > $6::timestamptz OR r.d >= $7::timestamptz)) OFFSET 0) r
  WHERE true
  ORDER BY r.d DESC NULLS LAST, r.rid DESC LIMIT 6)) u
  ORDER BY u.s0 DESC NULLS LAST, u.rid DESC LIMIT 6;

-- Patient?_id=p77
WITH m AS MATERIALIZED (SELECT r.rid
  FROM "fhir"."patient" r
  WHERE r.id = $1) SELECT b.id, b.body, y.rid
  FROM (SELECT *
  FROM m
  WHERE true
  ORDER BY m.rid DESC LIMIT 21) y JOIN "fhir"."patient" b ON b.rid = y.rid
  ORDER BY y.rid DESC;

-- Patient?family=Smith3
WITH u AS MATERIALIZED (SELECT p.*, 0 AS strip
  FROM (SELECT r.id, r.body, r.rid, s.v AS s0
  FROM (SELECT s.rid, s.p, s.v
  FROM "fhir"."patient_string" s
  WHERE (s.p = 21 AND (s.v >= $1 AND s.v <= $2))
  ORDER BY s.v ASC, s.rid ASC LIMIT 134) s JOIN "fhir"."patient" r ON r.rid = s.rid
  WHERE NOT EXISTS (SELECT 1
  FROM "fhir"."patient_string" o
  WHERE o.rid = s.rid AND o.p IN (21, 4021) AND (o.v >= $3 AND o.v <= $4) AND (o.v < s.v OR (o.v = s.v AND o.p < s.p)))
  ORDER BY s.v ASC, s.rid ASC LIMIT 21) p
  UNION ALL SELECT p.*, 1 AS strip
  FROM (SELECT r.id, r.body, r.rid, s.v AS s0
  FROM (SELECT s.rid, s.p, s.v
  FROM "fhir"."patient_string" s
  WHERE (s.p = 4021 AND (s.v >= $5 AND s.v <= $6))
  ORDER BY s.v ASC, s.rid ASC LIMIT 134) s JOIN "fhir"."patient" r ON r.rid = s.rid
  WHERE NOT EXISTS (SELECT 1
  FROM "fhir"."patient_string" o
  WHERE o.rid = s.rid AND o.p IN (21, 4021) AND (o.v >= $7 AND o.v <= $8) AND (o.v < s.v OR (o.v = s.v AND o.p < s.p)))
  ORDER BY s.v ASC, s.rid ASC LIMIT 21) p) SELECT u.id, u.body, u.rid, u.s0::text, CASE WHEN (SELECT count(*)
  FROM u
  WHERE strip = 0) < 21 THEN EXISTS (SELECT 1
  FROM "fhir"."patient_string" s
  WHERE (s.p = 21 AND (s.v >= $9 AND s.v <= $10))
  ORDER BY s.v ASC, s.rid ASC OFFSET 134 LIMIT 1) ELSE false END OR CASE WHEN (SELECT count(*)
  FROM u
  WHERE strip = 1) < 21 THEN EXISTS (SELECT 1
  FROM "fhir"."patient_string" s
  WHERE (s.p = 4021 AND (s.v >= $11 AND s.v <= $12))
  ORDER BY s.v ASC, s.rid ASC OFFSET 134 LIMIT 1) ELSE false END
  FROM u
  ORDER BY u.s0 ASC, u.rid ASC LIMIT 21;

-- Observation?patient=p77&_count=20
SELECT r.id, r.body, r.rid, r.d::text AS s0
  FROM "fhir"."observation" r
  WHERE r.pat = $1
  ORDER BY r.d DESC NULLS LAST, r.rid DESC LIMIT 21; -- prepared

-- Condition?patient=p77&_count=10
SELECT r.id, r.body, r.rid, r.d::text AS s0
  FROM "fhir"."condition" r
  WHERE r.pat = $1
  ORDER BY r.d DESC NULLS LAST, r.rid DESC LIMIT 11; -- prepared

-- Condition?code=http://snomed.info/sct|17&_count=10
SELECT u.id, u.body, u.rid, u.s0::text
  FROM ((SELECT r.id, r.body, r.rid, r.d AS s0
  FROM "fhir"."condition" r
  WHERE r.code = $1
  ORDER BY r.d DESC NULLS LAST, r.rid DESC LIMIT 11)
  UNION ALL (SELECT r.id, r.body, r.rid, r.d AS s0
  FROM (SELECT r.*
  FROM "fhir"."condition" r
  WHERE r.keys @> $2::int8[] AND (r.code IS NULL OR r.code <> ALL($3::int8[])) OFFSET 0) r
  WHERE true
  ORDER BY r.d DESC NULLS LAST, r.rid DESC LIMIT 11)) u
  ORDER BY u.s0 DESC NULLS LAST, u.rid DESC LIMIT 11; -- prepared

-- Procedure?code=http://snomed.info/sct|17&_count=10
SELECT u.id, u.body, u.rid, u.s0::text
  FROM ((SELECT r.id, r.body, r.rid, r.d AS s0
  FROM "fhir"."procedure" r
  WHERE r.code = $1
  ORDER BY r.d DESC NULLS LAST, r.rid DESC LIMIT 11)
  UNION ALL (SELECT r.id, r.body, r.rid, r.d AS s0
  FROM (SELECT r.*
  FROM "fhir"."procedure" r
  WHERE r.keys @> $2::int8[] AND (r.code IS NULL OR r.code <> ALL($3::int8[])) OFFSET 0) r
  WHERE true
  ORDER BY r.d DESC NULLS LAST, r.rid DESC LIMIT 11)) u
  ORDER BY u.s0 DESC NULLS LAST, u.rid DESC LIMIT 11; -- prepared

-- Encounter?patient=p77&_count=10
SELECT r.id, r.body, r.rid, r.d::text AS s0
  FROM "fhir"."encounter" r
  WHERE r.pat = $1
  ORDER BY r.d DESC NULLS LAST, r.rid DESC LIMIT 11; -- prepared

-- MedicationRequest?patient=p77&_count=10
SELECT r.id, r.body, r.rid, r.d::text AS s0
  FROM "fhir"."medicationrequest" r
  WHERE r.pat = $1
  ORDER BY r.d DESC NULLS LAST, r.rid DESC LIMIT 11; -- prepared

-- Encounter?participant=Practitioner/d3&_count=10
WITH m AS MATERIALIZED (SELECT r.rid
  FROM "fhir"."encounter" r
  WHERE r.keys @> $1::int8[]) SELECT b.id, b.body, y.rid
  FROM (SELECT *
  FROM m
  WHERE true
  ORDER BY m.rid DESC LIMIT 11) y JOIN "fhir"."encounter" b ON b.rid = y.rid
  ORDER BY y.rid DESC;

-- Encounter?location=Location/l3&_count=10
WITH m AS MATERIALIZED (SELECT r.rid
  FROM "fhir"."encounter" r
  WHERE r.keys @> $1::int8[]) SELECT b.id, b.body, y.rid
  FROM (SELECT *
  FROM m
  WHERE true
  ORDER BY m.rid DESC LIMIT 11) y JOIN "fhir"."encounter" b ON b.rid = y.rid
  ORDER BY y.rid DESC;

-- Patient?_content=Smith&_count=10
WITH m AS MATERIALIZED (SELECT k
  FROM fhir.token_text
  WHERE type = 102 AND p <> 2 AND (text LIKE $1 OR text LIKE $2)) SELECT k::text
  FROM m LIMIT 2001;
SELECT r.id, r.body, r.rid
  FROM (SELECT r.*
  FROM "fhir"."patient" r
  WHERE true
  ORDER BY r.rid DESC LIMIT 100) r
  WHERE (false OR EXISTS (SELECT 1
  FROM fhir.words t1
  WHERE t1.rid = r.rid AND t1.v @@ $1::tsquery))
  ORDER BY r.rid DESC LIMIT 11;
SELECT EXISTS (SELECT 1
  FROM "fhir"."patient" r
  WHERE true
  ORDER BY r.rid DESC OFFSET 100 LIMIT 1);
WITH m AS MATERIALIZED (SELECT r.rid
  FROM "fhir"."patient" r
  WHERE r.rid IN (SELECT t2.rid
  FROM fhir.words t2
  WHERE t2.v @@ $1::tsquery)) SELECT b.id, b.body, y.rid
  FROM (SELECT *
  FROM m
  WHERE true
  ORDER BY m.rid DESC LIMIT 11) y JOIN "fhir"."patient" b ON b.rid = y.rid
  ORDER BY y.rid DESC;

-- Observation?_content=blood&_count=10
WITH m AS MATERIALIZED (SELECT k
  FROM fhir.token_text
  WHERE type = 95 AND p <> 2 AND (text LIKE $1 OR text LIKE $2)) SELECT k::text
  FROM m LIMIT 2001;
SELECT r.id, r.body, r.rid
  FROM (SELECT r.*
  FROM "fhir"."observation" r
  WHERE true
  ORDER BY r.rid DESC LIMIT 100) r
  WHERE ($1 = ANY(r.keys) OR EXISTS (SELECT 1
  FROM fhir.words t1
  WHERE t1.rid = r.rid AND t1.v @@ $2::tsquery))
  ORDER BY r.rid DESC LIMIT 11;

-- Condition?_content=hypertension&_count=10
WITH m AS MATERIALIZED (SELECT k
  FROM fhir.token_text
  WHERE type = 27 AND p <> 2 AND (text LIKE $1 OR text LIKE $2)) SELECT k::text
  FROM m LIMIT 2001;
SELECT r.id, r.body, r.rid
  FROM (SELECT r.*
  FROM "fhir"."condition" r
  WHERE true
  ORDER BY r.rid DESC LIMIT 100) r
  WHERE ($1 = ANY(r.keys) OR EXISTS (SELECT 1
  FROM fhir.words t1
  WHERE t1.rid = r.rid AND t1.v @@ $2::tsquery))
  ORDER BY r.rid DESC LIMIT 11;

-- Patient?name:text=ohn&_count=10
WITH m AS MATERIALIZED (SELECT a.rid
  FROM "fhir"."patient_string" a
  WHERE a.p = -1 AND true AND a.v LIKE (SELECT $1::text)) SELECT r.id, r.body, r.rid
  FROM (SELECT f.rid
  FROM m f
  WHERE true
  ORDER BY f.rid DESC) f
  CROSS JOIN LATERAL (SELECT r.*
  FROM "fhir"."patient" r
  WHERE r.rid = f.rid OFFSET 0) r
  WHERE EXISTS (SELECT 1
  FROM "fhir"."patient_string" t1
  WHERE t1.rid = r.rid AND t1.p IN (29, 4029) AND t1.v LIKE $2 OFFSET 0)
  ORDER BY f.rid DESC LIMIT 11;

-- Patient?address:text=Boston&_count=10
WITH m AS MATERIALIZED (SELECT a.rid
  FROM "fhir"."patient_string" a
  WHERE a.p = -1 AND true AND a.v LIKE (SELECT $1::text)) SELECT r.id, r.body, r.rid
  FROM (SELECT f.rid
  FROM m f
  WHERE true
  ORDER BY f.rid DESC) f
  CROSS JOIN LATERAL (SELECT r.*
  FROM "fhir"."patient" r
  WHERE r.rid = f.rid OFFSET 0) r
  WHERE EXISTS (SELECT 1
  FROM "fhir"."patient_string" t1
  WHERE t1.rid = r.rid AND t1.p = 10 AND t1.v LIKE $2 OFFSET 0)
  ORDER BY f.rid DESC LIMIT 11;

-- Patient?_text=unusual&_count=10
SELECT r.id, r.body, r.rid
  FROM (SELECT r.*
  FROM "fhir"."patient" r
  WHERE true
  ORDER BY r.rid DESC LIMIT 100) r
  WHERE EXISTS (SELECT 1
  FROM fhir.words t1
  WHERE t1.rid = r.rid AND t1.v @@ $1::tsquery)
  ORDER BY r.rid DESC LIMIT 11;
SELECT EXISTS (SELECT 1
  FROM "fhir"."patient" r
  WHERE true
  ORDER BY r.rid DESC OFFSET 100 LIMIT 1);
WITH m AS MATERIALIZED (SELECT r.rid
  FROM "fhir"."patient" r
  WHERE r.rid IN (SELECT t2.rid
  FROM fhir.words t2
  WHERE t2.v @@ $1::tsquery)) SELECT b.id, b.body, y.rid
  FROM (SELECT *
  FROM m
  WHERE true
  ORDER BY m.rid DESC LIMIT 11) y JOIN "fhir"."patient" b ON b.rid = y.rid
  ORDER BY y.rid DESC;

-- Condition?code:text=hypertensive&_count=10
WITH m AS MATERIALIZED (SELECT k
  FROM fhir.token_text
  WHERE type = 27 AND p IN (17) AND text LIKE $1) SELECT k::text
  FROM m LIMIT 2001;
WITH m AS MATERIALIZED (SELECT r.rid
  FROM "fhir"."condition" r
  WHERE false) SELECT b.id, b.body, y.rid
  FROM (SELECT *
  FROM m
  WHERE true
  ORDER BY m.rid DESC LIMIT 11) y JOIN "fhir"."condition" b ON b.rid = y.rid
  ORDER BY y.rid DESC;

-- Observation?patient=p77&category=laboratory&date=ge2012-01-01&_sort=-date&_count=50
SELECT r.id, r.body, r.rid, r.d::text AS s0
  FROM "fhir"."observation" r
  WHERE ((r.pat = $1 AND (r.dh > $2::timestamptz OR r.d >= $3::timestamptz)) AND $4 = ANY(r.keys))
  ORDER BY r.d DESC NULLS LAST, r.rid DESC LIMIT 51; -- prepared

-- Observation?patient=p77&_sort=date
SELECT u.id, u.body, u.rid, u.s0::text
  FROM ((SELECT r.id, r.body, r.rid, r.d AS s0
  FROM "fhir"."observation" r
  WHERE (r.pat = $1 AND r.d IS NOT NULL)
  ORDER BY r.d ASC NULLS FIRST, r.rid ASC LIMIT 21)
  UNION ALL (SELECT r.id, r.body, r.rid, r.d AS s0
  FROM "fhir"."observation" r
  WHERE (r.pat = $2 AND r.d IS NULL)
  ORDER BY r.d ASC NULLS FIRST, r.rid ASC LIMIT 21)) u
  ORDER BY u.s0 ASC NULLS LAST, u.rid ASC LIMIT 21; -- prepared

-- Observation?patient=p77&_sort=-_lastUpdated
WITH m AS MATERIALIZED (SELECT r.rid, r.lu AS s0
  FROM "fhir"."observation" r
  WHERE r.pat = $1) SELECT b.id, b.body, y.rid, y.s0::text AS s0
  FROM (SELECT *
  FROM m
  WHERE true
  ORDER BY m.s0 DESC, m.rid DESC LIMIT 21) y JOIN "fhir"."observation" b ON b.rid = y.rid
  ORDER BY y.s0 DESC, y.rid DESC;

-- Observation?patient=p77&_sort=code,-value-quantity
WITH m AS MATERIALIZED (SELECT r.rid, COALESCE((SELECT min(left(x.v, 500) COLLATE "C")
  FROM (SELECT jsonb_path_query(r.body::jsonb, $1::jsonpath) #>> '{}' AS v) x), (SELECT min(left(x.v, 500) COLLATE "C")
  FROM (SELECT jsonb_path_query(r.body::jsonb, $2::jsonpath) #>> '{}' AS v) x)) AS s0, COALESCE(r.qc, r.qv) AS s1
  FROM "fhir"."observation" r
  WHERE r.pat = $3) SELECT b.id, b.body, y.rid, y.s0::text AS s0, y.s1::text AS s1
  FROM (SELECT *
  FROM m
  WHERE true
  ORDER BY m.s0 ASC NULLS LAST, m.s1 DESC NULLS LAST, m.rid DESC LIMIT 21) y JOIN "fhir"."observation" b ON b.rid = y.rid
  ORDER BY y.s0 ASC NULLS LAST, y.s1 DESC NULLS LAST, y.rid DESC;

-- Observation?patient=p1,p2,p3&status=final
SELECT u.id, u.body, u.rid, u.s0::text
  FROM ((SELECT r.id, r.body, r.rid, r.d AS s0
  FROM "fhir"."observation" r
  WHERE (r.pat = $1 AND $2 = ANY(r.keys))
  ORDER BY r.d DESC NULLS LAST, r.rid DESC LIMIT 21)
  UNION ALL (SELECT r.id, r.body, r.rid, r.d AS s0
  FROM "fhir"."observation" r
  WHERE (r.pat = $3 AND $4 = ANY(r.keys))
  ORDER BY r.d DESC NULLS LAST, r.rid DESC LIMIT 21)
  UNION ALL (SELECT r.id, r.body, r.rid, r.d AS s0
  FROM "fhir"."observation" r
  WHERE (r.pat = $5 AND $6 = ANY(r.keys))
  ORDER BY r.d DESC NULLS LAST, r.rid DESC LIMIT 21)) u
  ORDER BY u.s0 DESC NULLS LAST, u.rid DESC LIMIT 21; -- prepared

-- Patient?identifier=urn:mrn|m77
WITH m AS MATERIALIZED (SELECT r.rid
  FROM "fhir"."patient" r
  WHERE r.keys @> $1::int8[]) SELECT b.id, b.body, y.rid
  FROM (SELECT *
  FROM m
  WHERE true
  ORDER BY m.rid DESC LIMIT 21) y JOIN "fhir"."patient" b ON b.rid = y.rid
  ORDER BY y.rid DESC;

-- Encounter?class=EMER
WITH m AS MATERIALIZED (SELECT r.rid
  FROM "fhir"."encounter" r
  WHERE r.keys @> $1::int8[]) SELECT b.id, b.body, y.rid
  FROM (SELECT *
  FROM m
  WHERE true
  ORDER BY m.rid DESC LIMIT 21) y JOIN "fhir"."encounter" b ON b.rid = y.rid
  ORDER BY y.rid DESC;

-- Observation?code=http://loinc.org|rare
SELECT u.id, u.body, u.rid, u.s0::text
  FROM ((SELECT r.id, r.body, r.rid, r.d AS s0
  FROM "fhir"."observation" r
  WHERE r.code = $1
  ORDER BY r.d DESC NULLS LAST, r.rid DESC LIMIT 21)
  UNION ALL (SELECT r.id, r.body, r.rid, r.d AS s0
  FROM (SELECT r.*
  FROM "fhir"."observation" r
  WHERE r.keys @> $2::int8[] AND (r.code IS NULL OR r.code <> ALL($3::int8[])) OFFSET 0) r
  WHERE true
  ORDER BY r.d DESC NULLS LAST, r.rid DESC LIMIT 21)) u
  ORDER BY u.s0 DESC NULLS LAST, u.rid DESC LIMIT 21; -- prepared

-- Observation?code=rare
WITH m AS MATERIALIZED (SELECT r.rid
  FROM "fhir"."observation" r
  WHERE r.keys @> $1::int8[]) SELECT b.id, b.body, y.rid
  FROM (SELECT *
  FROM m
  WHERE true
  ORDER BY m.rid DESC LIMIT 21) y JOIN "fhir"."observation" b ON b.rid = y.rid
  ORDER BY y.rid DESC;

-- Observation?code=http://loinc.org|old&status=amended
WITH u AS MATERIALIZED (SELECT p.*, 0 AS strip
  FROM (SELECT r.id, r.body, r.rid, r.d AS s0
  FROM (SELECT r.*
  FROM "fhir"."observation" r
  WHERE r.code = $1
  ORDER BY r.d DESC NULLS LAST, r.rid DESC LIMIT 1000) r
  WHERE $2 = ANY(r.keys)
  ORDER BY r.d DESC NULLS LAST, r.rid DESC LIMIT 21) p
  UNION ALL SELECT p.*, 1 AS strip
  FROM (SELECT r.id, r.body, r.rid, r.d AS s0
  FROM (SELECT r.*
  FROM "fhir"."observation" r
  WHERE r.keys @> $3::int8[] AND (r.code IS NULL OR r.code <> ALL($4::int8[])) OFFSET 0) r
  WHERE $5 = ANY(r.keys)
  ORDER BY r.d DESC NULLS LAST, r.rid DESC LIMIT 21) p) SELECT u.id, u.body, u.rid, u.s0::text, CASE WHEN (SELECT count(*)
  FROM u
  WHERE strip = 0) < 21 THEN EXISTS (SELECT 1
  FROM "fhir"."observation" r
  WHERE r.code = $6
  ORDER BY r.d DESC NULLS LAST, r.rid DESC OFFSET 1000 LIMIT 1) ELSE false END
  FROM u
  ORDER BY u.s0 DESC NULLS LAST, u.rid DESC LIMIT 21;

-- Observation?status=amended
SELECT r.id, r.body, r.rid
  FROM (SELECT r.*
  FROM "fhir"."observation" r
  WHERE true
  ORDER BY r.rid DESC LIMIT 1000) r
  WHERE $1 = ANY(r.keys)
  ORDER BY r.rid DESC LIMIT 21;
SELECT EXISTS (SELECT 1
  FROM "fhir"."observation" r
  WHERE true
  ORDER BY r.rid DESC OFFSET 1000 LIMIT 1);
WITH m AS MATERIALIZED (SELECT r.rid
  FROM "fhir"."observation" r
  WHERE r.keys @> $1::int8[]) SELECT b.id, b.body, y.rid
  FROM (SELECT *
  FROM m
  WHERE true
  ORDER BY m.rid DESC LIMIT 21) y JOIN "fhir"."observation" b ON b.rid = y.rid
  ORDER BY y.rid DESC;

-- Observation?code=http://loinc.org|8302-2&category=laboratory&date=lt2015
WITH u AS MATERIALIZED (SELECT p.*, 0 AS strip
  FROM (SELECT r.id, r.body, r.rid, r.d AS s0
  FROM (SELECT r.*
  FROM "fhir"."observation" r
  WHERE (r.code = $1 AND r.d < $2::timestamptz)
  ORDER BY r.d DESC NULLS LAST, r.rid DESC LIMIT 1000) r
  WHERE $3 = ANY(r.keys)
  ORDER BY r.d DESC NULLS LAST, r.rid DESC LIMIT 21) p
  UNION ALL SELECT p.*, 1 AS strip
  FROM (SELECT r.id, r.body, r.rid, r.d AS s0
  FROM (SELECT r.*
  FROM "fhir"."observation" r
  WHERE (r.keys @> $4::int8[] AND (r.code IS NULL OR r.code <> ALL($5::int8[])) AND r.d < $6::timestamptz) OFFSET 0) r
  WHERE $7 = ANY(r.keys)
  ORDER BY r.d DESC NULLS LAST, r.rid DESC LIMIT 21) p) SELECT u.id, u.body, u.rid, u.s0::text, CASE WHEN (SELECT count(*)
  FROM u
  WHERE strip = 0) < 21 THEN EXISTS (SELECT 1
  FROM "fhir"."observation" r
  WHERE (r.code = $8 AND r.d < $9::timestamptz)
  ORDER BY r.d DESC NULLS LAST, r.rid DESC OFFSET 1000 LIMIT 1) ELSE false END
  FROM u
  ORDER BY u.s0 DESC NULLS LAST, u.rid DESC LIMIT 21;

-- Observation?code-value-quantity=http://loinc.org|8302-2$gt199.5|http://unitsofmeasure.org|mm[Hg]
SELECT r.id, r.body, r.rid
  FROM (SELECT r.*
  FROM "fhir"."observation" r
  WHERE true
  ORDER BY r.rid DESC LIMIT 1000) r
  WHERE ((r.code = $1 OR $2 = ANY(r.keys)) AND (r.qk = $3 AND r.qc > $4))
  ORDER BY r.rid DESC LIMIT 21;
SELECT EXISTS (SELECT 1
  FROM "fhir"."observation" r
  WHERE true
  ORDER BY r.rid DESC OFFSET 1000 LIMIT 1);
WITH m AS MATERIALIZED (SELECT r.rid
  FROM "fhir"."observation" r
  WHERE ((r.code = $1 OR r.keys @> $2::int8[]) AND (r.qk = $3 AND r.qc > $4))) SELECT b.id, b.body, y.rid
  FROM (SELECT *
  FROM m
  WHERE true
  ORDER BY m.rid DESC LIMIT 21) y JOIN "fhir"."observation" b ON b.rid = y.rid
  ORDER BY y.rid DESC;

-- Observation?component-code-value-quantity=http://loinc.org|8480-6$gt165|http://unitsofmeasure.org|mm[Hg]
SELECT r.id, r.body, r.rid
  FROM (SELECT r.*
  FROM "fhir"."observation" r
  WHERE true
  ORDER BY r.rid DESC LIMIT 1000) r
  WHERE EXISTS (SELECT 1
  FROM "fhir"."observation_range" t1
  WHERE t1.rid = r.rid AND t1.p = 2024 AND (t1.k = $1 AND (t1.lo > $2 OR (t1.hi > $3 AND t1.hi <> t1.lo))))
  ORDER BY r.rid DESC LIMIT 21;
SELECT EXISTS (SELECT 1
  FROM "fhir"."observation" r
  WHERE true
  ORDER BY r.rid DESC OFFSET 1000 LIMIT 1);
WITH m AS MATERIALIZED (SELECT r.rid
  FROM "fhir"."observation" r
  WHERE EXISTS (SELECT 1
  FROM "fhir"."observation_range" t2
  WHERE t2.rid = r.rid AND t2.p = 2024 AND (t2.k = $1 AND (t2.lo > $2 OR (t2.hi > $3 AND t2.hi <> t2.lo))))) SELECT b.id, b.body, y.rid
  FROM (SELECT *
  FROM m
  WHERE true
  ORDER BY m.rid DESC LIMIT 21) y JOIN "fhir"."observation" b ON b.rid = y.rid
  ORDER BY y.rid DESC;

-- Observation?value-quantity=gt199.8|http://unitsofmeasure.org|mm[Hg]
SELECT r.id, r.body, r.rid
  FROM (SELECT r.*
  FROM "fhir"."observation" r
  WHERE true
  ORDER BY r.rid DESC LIMIT 1000) r
  WHERE (r.qk = $1 AND r.qc > $2)
  ORDER BY r.rid DESC LIMIT 21;
SELECT EXISTS (SELECT 1
  FROM "fhir"."observation" r
  WHERE true
  ORDER BY r.rid DESC OFFSET 1000 LIMIT 1);
WITH m AS MATERIALIZED (SELECT r.rid
  FROM "fhir"."observation" r
  WHERE (r.qk = $1 AND r.qc > $2)) SELECT b.id, b.body, y.rid
  FROM (SELECT *
  FROM m
  WHERE true
  ORDER BY m.rid DESC LIMIT 21) y JOIN "fhir"."observation" b ON b.rid = y.rid
  ORDER BY y.rid DESC;

-- Observation?subject:Patient.identifier=urn:mrn|m77
SELECT m::text
  FROM unnest($1::int8[]) AS m
  WHERE EXISTS (SELECT 1
  FROM "fhir"."observation" r
  WHERE r.keys @> ARRAY[m]);
WITH m AS MATERIALIZED (SELECT r.rk AS k
  FROM "fhir"."patient" r
  WHERE r.keys @> $1::int8[]) SELECT k::text
  FROM m LIMIT 1001;
SELECT r.id, r.body, r.rid, k.pat::text AS s0, r.d::text AS s1
  FROM (SELECT k AS pat
  FROM unnest($1::int8[]) k
  ORDER BY k) k
  CROSS JOIN LATERAL (SELECT r.*
  FROM "fhir"."observation" r
  WHERE r.pat = k.pat
  ORDER BY r.d DESC NULLS LAST, r.rid DESC LIMIT 21) r
  ORDER BY k.pat ASC NULLS LAST, r.d DESC NULLS LAST, r.rid DESC LIMIT 21;

-- Observation?patient.name=Smith3&_count=10
SELECT m::text
  FROM unnest($1::int8[]) AS m
  WHERE EXISTS (SELECT 1
  FROM "fhir"."observation" r
  WHERE r.keys @> ARRAY[m]);
WITH m AS MATERIALIZED (SELECT r.rk AS k
  FROM "fhir"."patient" r
  WHERE EXISTS (SELECT 1
  FROM "fhir"."patient_string" t1
  WHERE t1.rid = r.rid AND t1.p IN (29, 4029) AND (t1.v >= $1 AND t1.v <= $2))) SELECT k::text
  FROM m LIMIT 1001;
SELECT r.id, r.body, r.rid, k.pat::text AS s0, r.d::text AS s1
  FROM (SELECT k AS pat
  FROM unnest($1::int8[]) k
  ORDER BY k) k
  CROSS JOIN LATERAL (SELECT r.*
  FROM "fhir"."observation" r
  WHERE r.pat = k.pat
  ORDER BY r.d DESC NULLS LAST, r.rid DESC LIMIT 11) r
  ORDER BY k.pat ASC NULLS LAST, r.d DESC NULLS LAST, r.rid DESC LIMIT 11;

-- Observation?patient.gender=male&_count=10
SELECT m::text
  FROM unnest($1::int8[]) AS m
  WHERE EXISTS (SELECT 1
  FROM "fhir"."observation" r
  WHERE r.keys @> ARRAY[m]);
WITH m AS MATERIALIZED (SELECT r.rk AS k
  FROM "fhir"."patient" r
  WHERE r.keys @> $1::int8[]) SELECT k::text
  FROM m LIMIT 1001;
SELECT r.id, r.body, r.rid, k.pat::text AS s0, r.d::text AS s1
  FROM (SELECT k AS pat
  FROM unnest($1::int8[]) k
  ORDER BY k) k
  CROSS JOIN LATERAL (SELECT r.*
  FROM "fhir"."observation" r
  WHERE r.pat = k.pat
  ORDER BY r.d DESC NULLS LAST, r.rid DESC LIMIT 11) r
  ORDER BY k.pat ASC NULLS LAST, r.d DESC NULLS LAST, r.rid DESC LIMIT 11;

-- Patient?_has:Observation:patient:code=http://loinc.org|rare
WITH m AS MATERIALIZED (SELECT r.pat AS k
  FROM "fhir"."observation" r
  WHERE (r.code = $1 OR r.keys @> $2::int8[]) AND r.pat IS NOT NULL) SELECT k::text
  FROM m LIMIT 1001;
WITH m AS MATERIALIZED (SELECT r.rid
  FROM "fhir"."patient" r
  WHERE r.rk = ANY($1::int8[])) SELECT b.id, b.body, y.rid
  FROM (SELECT *
  FROM m
  WHERE true
  ORDER BY m.rid DESC LIMIT 21) y JOIN "fhir"."patient" b ON b.rid = y.rid
  ORDER BY y.rid DESC;

-- Patient?_has:Observation:patient:code=http://loinc.org|8480-6&_count=10
WITH m AS MATERIALIZED (SELECT r.pat AS k
  FROM "fhir"."observation" r
  WHERE (r.code = $1 OR r.keys @> $2::int8[]) AND r.pat IS NOT NULL) SELECT k::text
  FROM m LIMIT 1001;
SELECT r.id, r.body, r.rid
  FROM (SELECT r.*
  FROM "fhir"."patient" r
  WHERE true
  ORDER BY r.rid DESC LIMIT 100) r
  WHERE EXISTS (SELECT 1
  FROM "fhir"."observation" t1
  WHERE t1.pat = r.rk AND (t1.code = $1 OR $2 = ANY(t1.keys)))
  ORDER BY r.rid DESC LIMIT 11;

-- Appointment?status:not=entered-in-error&date=ge2027-02-03T00:00:00Z&date=lt2027-02-04T00:00:00Z&_sort=date&_count=50
SELECT r.id, r.body, r.rid, r.d::text AS s0
  FROM (SELECT r.*
  FROM "fhir"."appointment" r
  WHERE (((r.d > $1::timestamptz AND (r.dh > $2::timestamptz OR r.d >= $3::timestamptz)) AND r.d < $4::timestamptz) AND r.d IS NOT NULL)
  ORDER BY r.d ASC NULLS FIRST, r.rid ASC LIMIT 1000) r
  WHERE ((r.code = $5 OR $6 = ANY(r.keys))) IS NOT TRUE
  ORDER BY r.d ASC NULLS LAST, r.rid ASC LIMIT 51;
SELECT EXISTS (SELECT 1
  FROM "fhir"."appointment" r
  WHERE (((r.d > $1::timestamptz AND (r.dh > $2::timestamptz OR r.d >= $3::timestamptz)) AND r.d < $4::timestamptz) AND r.d IS NOT NULL)
  ORDER BY r.d ASC NULLS FIRST, r.rid ASC OFFSET 1000 LIMIT 1);

-- Patient?_sort=family&_count=10
SELECT r.id, r.body, r.rid, s.v::text AS s0
  FROM (SELECT s.rid, s.p, s.v
  FROM "fhir"."patient_string" s
  WHERE s.p = 21
  ORDER BY s.v ASC, s.rid ASC LIMIT 94) s JOIN "fhir"."patient" r ON r.rid = s.rid
  WHERE NOT EXISTS (SELECT 1
  FROM "fhir"."patient_string" o
  WHERE o.rid = s.rid AND o.p = 21 AND o.v < s.v)
  ORDER BY s.v ASC, s.rid ASC LIMIT 11;

-- Patient?_sort=-family,given&gender=male&_count=10
SELECT r.id, r.body, r.rid, s.v::text AS s0, (SELECT min(t2.v)
  FROM "fhir"."patient_string" t2
  WHERE t2.rid = r.rid AND t2.p = 25)::text AS s1
  FROM (SELECT s.rid, s.p, s.v
  FROM "fhir"."patient_string" s
  WHERE s.p = 21
  ORDER BY s.v DESC FETCH FIRST 1000 ROWS WITH TIES) s JOIN "fhir"."patient" r ON r.rid = s.rid
  WHERE (NOT EXISTS (SELECT 1
  FROM "fhir"."patient_string" o
  WHERE o.rid = s.rid AND o.p = 21 AND o.v > s.v) AND $1 = ANY(r.keys))
  ORDER BY s.v DESC, (SELECT min(t2.v)
  FROM "fhir"."patient_string" t2
  WHERE t2.rid = r.rid AND t2.p = 25) ASC NULLS LAST, s.rid ASC LIMIT 11;

-- Patient?_sort=birthdate&_count=10
SELECT u.id, u.body, u.rid, u.s0::text
  FROM ((SELECT r.id, r.body, r.rid, r.d AS s0
  FROM "fhir"."patient" r
  WHERE r.d IS NOT NULL
  ORDER BY r.d ASC NULLS FIRST, r.rid ASC LIMIT 11)
  UNION ALL (SELECT r.id, r.body, r.rid, r.d AS s0
  FROM "fhir"."patient" r
  WHERE r.d IS NULL
  ORDER BY r.d ASC NULLS FIRST, r.rid ASC LIMIT 11)) u
  ORDER BY u.s0 ASC NULLS LAST, u.rid ASC LIMIT 11; -- prepared

-- Patient?_lastUpdated=gt2020&_count=10
SELECT r.id, r.body, r.rid, r.lu::text AS s0
  FROM "fhir"."patient" r
  WHERE r.lu > $1::timestamptz
  ORDER BY r.lu DESC, r.rid DESC LIMIT 11;

-- Observation?_sort=-_lastUpdated&_count=10
SELECT r.id, r.body, r.rid, r.lu::text AS s0
  FROM "fhir"."observation" r
  WHERE true
  ORDER BY r.lu DESC, r.rid DESC LIMIT 11; -- prepared

-- Patient?_content=unusual%20OR%20nowhere
WITH m AS MATERIALIZED (SELECT k
  FROM fhir.token_text
  WHERE type = 102 AND p <> 2 AND (text LIKE $1 OR text LIKE $2)) SELECT k::text
  FROM m LIMIT 2001;
WITH m AS MATERIALIZED (SELECT k
  FROM fhir.token_text
  WHERE type = 102 AND p <> 2 AND (text LIKE $1 OR text LIKE $2)) SELECT k::text
  FROM m LIMIT 2001;
SELECT r.id, r.body, r.rid
  FROM (SELECT r.*
  FROM "fhir"."patient" r
  WHERE true
  ORDER BY r.rid DESC LIMIT 100) r
  WHERE ((false OR EXISTS (SELECT 1
  FROM fhir.words t1
  WHERE t1.rid = r.rid AND t1.v @@ $1::tsquery)) OR (false OR EXISTS (SELECT 1
  FROM fhir.words t2
  WHERE t2.rid = r.rid AND t2.v @@ $2::tsquery)))
  ORDER BY r.rid DESC LIMIT 21;
SELECT EXISTS (SELECT 1
  FROM "fhir"."patient" r
  WHERE true
  ORDER BY r.rid DESC OFFSET 100 LIMIT 1);
WITH m AS MATERIALIZED (SELECT r.rid
  FROM "fhir"."patient" r
  WHERE r.rid IN (SELECT t3.rid
  FROM "fhir"."patient" t3
  WHERE t3.rid IN (SELECT t4.rid
  FROM fhir.words t4
  WHERE t4.v @@ $1::tsquery)
  UNION ALL SELECT t5.rid
  FROM "fhir"."patient" t5
  WHERE t5.rid IN (SELECT t6.rid
  FROM fhir.words t6
  WHERE t6.v @@ $2::tsquery))) SELECT b.id, b.body, y.rid
  FROM (SELECT *
  FROM m
  WHERE true
  ORDER BY m.rid DESC LIMIT 21) y JOIN "fhir"."patient" b ON b.rid = y.rid
  ORDER BY y.rid DESC;
