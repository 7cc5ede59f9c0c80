-- Who did what to which record: entries in hash chains, and the signed seals that hold the chains' heads. See src/access/audit/README.md.
CREATE SCHEMA IF NOT EXISTS audit;

-- Nothing that was written here is changed or taken away. Only a restore, which replaces everything, may empty the tables.
CREATE FUNCTION audit.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF TG_OP = 'TRUNCATE' AND current_setting('heron.restoring', true) = 'on' THEN
		RETURN NULL;
	END IF;
	RAISE EXCEPTION 'the audit is append-only: % of %.% refused', lower(TG_OP), TG_TABLE_SCHEMA, TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$;

-- `hash` is the SHA-256 of the hash before it in the stream and the other columns; within a stream `seq` has no gaps and `at` never goes back.
CREATE TABLE audit.entry (
	at timestamptz NOT NULL,
	stream int8 NOT NULL,
	seq int8 NOT NULL,
	hash bytea NOT NULL,
	kind text NOT NULL,
	interaction text NOT NULL,
	action "char" NOT NULL,
	status int2 NOT NULL,
	caller text COLLATE "C" NOT NULL,
	caller_kind text NOT NULL,
	caller_name text NOT NULL,
	client text,
	fhir_user text COLLATE "C",
	address text,
	patient text COLLATE "C",
	type text,
	id text COLLATE "C",
	version int4,
	query text,
	query_hash text,
	purpose text,
	request_id text NOT NULL,
	detail text,
	PRIMARY KEY (stream, seq, at)
) PARTITION BY RANGE (at);
CREATE INDEX entry_at ON audit.entry (at);
CREATE INDEX entry_caller ON audit.entry (coalesce(fhir_user, caller), at);
CREATE INDEX entry_patient ON audit.entry (patient, at) WHERE patient IS NOT NULL;
-- Which accesses there were to one resource is asked rarely: an index that costs next to nothing to keep.
CREATE INDEX entry_id ON audit.entry USING brin (id text_bloom_ops) WHERE id IS NOT NULL;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON audit.entry FOR EACH ROW EXECUTE FUNCTION audit.refuse_change();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON audit.entry FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change();

-- Takes what no month is there for, so that no write ever fails for want of a partition.
CREATE TABLE audit.entry_other PARTITION OF audit.entry DEFAULT;
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON audit.entry_other FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change();

-- Makes the partition of the month of `first` and of so many after it, where they are missing and nothing of theirs is in entry_other.
CREATE FUNCTION audit.make_partitions(first timestamptz, months int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	month timestamp;
	lo timestamptz;
	hi timestamptz;
	name text;
BEGIN
	PERFORM pg_advisory_xact_lock(4833140);
	FOR i IN 0..months LOOP
		month := date_trunc('month', first AT TIME ZONE 'UTC') + make_interval(months => i);
		lo := month AT TIME ZONE 'UTC';
		hi := (month + interval '1 month') AT TIME ZONE 'UTC';
		name := 'entry_' || to_char(month, 'YYYY_MM');
		CONTINUE WHEN to_regclass('audit.' || name) IS NOT NULL;
		CONTINUE WHEN EXISTS (SELECT FROM audit.entry_other WHERE at >= lo AND at < hi);
		EXECUTE format('CREATE TABLE audit.%I PARTITION OF audit.entry FOR VALUES FROM (%L) TO (%L)', name, lo, hi);
		EXECUTE format('CREATE TRIGGER no_truncate BEFORE TRUNCATE ON audit.%I FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change()', name);
	END LOOP;
END $$;
SELECT audit.make_partitions(now(), 12);

-- Heads of streams, [stream, seq, hash, state] each, signed by the server that wrote them; `hash` takes in the hash of the seal before.
CREATE TABLE audit.seal (
	n int8 PRIMARY KEY,
	at timestamptz NOT NULL,
	heads text NOT NULL,
	key text NOT NULL,
	hash bytea NOT NULL,
	signature bytea NOT NULL
);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON audit.seal FOR EACH ROW EXECUTE FUNCTION audit.refuse_change();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON audit.seal FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change();
