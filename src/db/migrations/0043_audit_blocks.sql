-- Accesses that were only read or refused, many in a row: a block is a link of a hash chain as an entry of its own is, and takes as many
-- numbers as it has entries. See src/access/audit/README.md and docs/decisions/0013-audit-blocks.md.

-- `at`, `seq` and `hash` are those of the last entry, `since` is the time of the first. `sources` and `entries` are JSON arrays, see
-- audit.noted. `patients` and `agents` are what the entries are searched by. `hash` takes in the hash before it in the stream and all else.
CREATE TABLE audit.block (
	at timestamptz NOT NULL,
	since timestamptz NOT NULL,
	stream int8 NOT NULL,
	seq int8 NOT NULL,
	count int4 NOT NULL,
	hash bytea NOT NULL,
	patients text[] COLLATE "C" NOT NULL,
	agents text[] COLLATE "C" NOT NULL,
	sources text NOT NULL,
	entries text NOT NULL,
	PRIMARY KEY (stream, seq, at)
) PARTITION BY RANGE (at);
-- Random ids, which hardly get smaller: not worth the time that compressing takes.
ALTER TABLE audit.block ALTER patients SET STORAGE EXTERNAL, ALTER entries SET STORAGE EXTERNAL;
CREATE INDEX block_at ON audit.block (at);
CREATE INDEX block_since ON audit.block (since);
CREATE INDEX block_patients ON audit.block USING gin (patients);
CREATE INDEX block_agents ON audit.block USING gin (agents);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON audit.block FOR EACH ROW EXECUTE FUNCTION audit.refuse_change();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON audit.block FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change();

CREATE TABLE audit.block_other PARTITION OF audit.block DEFAULT;
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON audit.block_other FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change();

-- The entries of blocks, a row for each, with the columns of audit.entry and those of their block.
CREATE VIEW audit.noted AS
SELECT b.since + (e.v ->> 1)::int8 * interval '1 millisecond' AS at, b.stream, b.seq - b.count + e.n AS seq,
	s.v ->> 0 AS kind, s.v ->> 1 AS interaction, (s.v ->> 2)::"char" AS action, (s.v ->> 3)::int2 AS status,
	(s.v ->> 4) COLLATE "C" AS caller, s.v ->> 5 AS caller_kind, s.v ->> 6 AS caller_name, s.v ->> 7 AS client,
	(s.v ->> 8) COLLATE "C" AS fhir_user, s.v ->> 9 AS address, (e.v ->> 4) COLLATE "C" AS patient, s.v ->> 10 AS type,
	(e.v ->> 2) COLLATE "C" AS id, (e.v ->> 3)::int4 AS version, s.v ->> 11 AS query, e.v ->> 6 AS query_hash, s.v ->> 12 AS purpose,
	e.v ->> 5 AS request_id, e.v ->> 7 AS detail,
	b.at AS block_at, b.since AS block_since, b.seq AS block_seq, b.count AS block_count, b.patients AS block_patients,
	b.agents AS block_agents, b.sources AS block_sources, b.entries AS block_entries
FROM audit.block b
-- OFFSET 0: each text is read once for a block, not once for an entry.
CROSS JOIN LATERAL (SELECT b.sources::jsonb AS sources, b.entries::jsonb AS entries OFFSET 0) j
CROSS JOIN LATERAL jsonb_array_elements(j.entries) WITH ORDINALITY AS e(v, n)
CROSS JOIN LATERAL (SELECT j.sources -> (e.v ->> 0)::int AS v) s;

-- As before, for both tables: makes the partitions of the month of `first` and of so many after it, where they are missing and nothing
-- of theirs is in the partition that takes what has none.
CREATE OR REPLACE FUNCTION audit.make_partitions(first timestamptz, months int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	month timestamp;
	lo timestamptz;
	hi timestamptz;
	name text;
	parent text;
	stray boolean;
BEGIN
	PERFORM pg_advisory_xact_lock(4833140);
	FOR i IN 0..months LOOP
		month := date_trunc('month', first AT TIME ZONE 'UTC') + make_interval(months => i);
		lo := month AT TIME ZONE 'UTC';
		hi := (month + interval '1 month') AT TIME ZONE 'UTC';
		FOREACH parent IN ARRAY ARRAY['entry', 'block'] LOOP
			name := parent || '_' || to_char(month, 'YYYY_MM');
			CONTINUE WHEN to_regclass('audit.' || name) IS NOT NULL;
			EXECUTE format('SELECT EXISTS (SELECT FROM audit.%I WHERE at >= $1 AND at < $2)', parent || '_other') INTO stray USING lo, hi;
			CONTINUE WHEN stray;
			EXECUTE format('CREATE TABLE audit.%I PARTITION OF audit.%I FOR VALUES FROM (%L) TO (%L)', name, parent, lo, hi);
			EXECUTE format('CREATE TRIGGER no_truncate BEFORE TRUNCATE ON audit.%I FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change()', name);
		END LOOP;
	END LOOP;
END $$;
SELECT audit.make_partitions(now(), 2);
