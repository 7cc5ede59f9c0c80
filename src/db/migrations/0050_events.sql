-- Events out: what subscriptions have to be told. See src/exchange/subscriptions/README.md.
CREATE SCHEMA IF NOT EXISTS events;

-- What changed, written in the transaction that changed it by triggers that are there only while a subscription asks for the type.
CREATE TABLE events.outbox (
	seq int8 GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	-- A row is looked at when every transaction that began before its own has ended, so that none is passed over.
	xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
	type text COLLATE "C" NOT NULL,
	id text COLLATE "C" NOT NULL,
	ver int4 NOT NULL,
	op "char" NOT NULL,
	at timestamptz(3) NOT NULL DEFAULT clock_timestamp()
);

-- A subscription that is in force. `number` is that of its last event.
CREATE TABLE events.subscription (
	id text COLLATE "C" PRIMARY KEY,
	-- Of the resource without its status: another one is another subscription.
	hash text NOT NULL,
	number int8 NOT NULL DEFAULT 0,
	failures int4 NOT NULL DEFAULT 0,
	failing_since timestamptz,
	next_at timestamptz NOT NULL DEFAULT now(),
	sent_at timestamptz NOT NULL DEFAULT now(),
	secret int4 NOT NULL DEFAULT 1
);

-- Its events, kept for a week after they were delivered.
CREATE TABLE events.delivery (
	subscription text COLLATE "C" NOT NULL REFERENCES events.subscription (id) ON DELETE CASCADE,
	number int8 NOT NULL,
	type text COLLATE "C" NOT NULL,
	id text COLLATE "C" NOT NULL,
	ver int4 NOT NULL,
	op "char" NOT NULL,
	at timestamptz(3) NOT NULL,
	delivered_at timestamptz,
	PRIMARY KEY (subscription, number)
);
CREATE INDEX delivery_open ON events.delivery (subscription, number) WHERE delivered_at IS NULL;
CREATE INDEX delivery_done ON events.delivery (delivered_at) WHERE delivered_at IS NOT NULL;

CREATE FUNCTION events.note_insert() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
	INSERT INTO events.outbox (type, id, ver, op) SELECT TG_ARGV[0], id, ver, 'C' FROM fresh;
	RETURN NULL;
END $$;
CREATE FUNCTION events.note_update() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
	-- A row whose index alone was mended has the version it had.
	INSERT INTO events.outbox (type, id, ver, op) SELECT TG_ARGV[0], f.id, f.ver, 'U' FROM fresh f JOIN former o USING (rid) WHERE o.ver <> f.ver;
	RETURN NULL;
END $$;
CREATE FUNCTION events.note_delete() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
	INSERT INTO events.outbox (type, id, ver, op) SELECT TG_ARGV[0], id, ver + 1, 'D' FROM former;
	RETURN NULL;
END $$;
