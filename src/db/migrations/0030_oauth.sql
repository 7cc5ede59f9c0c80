-- The authorization server: clients, what the protocol keeps, consents, launches, signing keys.
CREATE SCHEMA IF NOT EXISTS oauth;

-- Registered applications. The secret within the metadata is a SHA-256.
CREATE TABLE oauth.client (
	id text PRIMARY KEY,
	metadata jsonb NOT NULL,
	enabled boolean NOT NULL,
	-- Our own applications: nobody is asked to consent to them.
	trusted boolean NOT NULL DEFAULT false,
	created_at timestamptz NOT NULL DEFAULT now(),
	changed_at timestamptz NOT NULL DEFAULT now()
);

-- Codes, tokens, sessions, interactions and the like, by the SHA-256 of their text.
CREATE TABLE oauth.item (
	hash bytea NOT NULL,
	model text NOT NULL,
	payload jsonb NOT NULL,
	grant_id text,
	session_uid text,
	account_id text,
	client_id text,
	consumed_at timestamptz,
	created_at timestamptz NOT NULL DEFAULT now(),
	expires_at timestamptz NOT NULL,
	PRIMARY KEY (hash, model)
);
CREATE INDEX item_grant ON oauth.item (grant_id) WHERE grant_id IS NOT NULL;
CREATE INDEX item_session ON oauth.item (session_uid) WHERE session_uid IS NOT NULL;
CREATE INDEX item_account ON oauth.item (account_id) WHERE account_id IS NOT NULL;
CREATE INDEX item_client ON oauth.item (client_id) WHERE client_id IS NOT NULL;
CREATE INDEX item_expires ON oauth.item (expires_at);

-- What an account let an application do, and the launch context that goes with it. Tokens live as long as their row here.
CREATE TABLE oauth.consent (
	grant_id text PRIMARY KEY,
	account_id text NOT NULL,
	client_id text NOT NULL REFERENCES oauth.client (id) ON DELETE CASCADE,
	scope text NOT NULL,
	context jsonb NOT NULL,
	session_uid text,
	created_at timestamptz NOT NULL DEFAULT now(),
	expires_at timestamptz NOT NULL
);
CREATE INDEX consent_account ON oauth.consent (account_id, client_id);
CREATE INDEX consent_session ON oauth.consent (session_uid) WHERE session_uid IS NOT NULL;
CREATE INDEX consent_client ON oauth.consent (client_id);

-- EHR launches that an application has not answered yet, by the SHA-256 of the launch parameter.
CREATE TABLE oauth.launch (
	hash bytea PRIMARY KEY,
	account_id text NOT NULL,
	client_id text NOT NULL REFERENCES oauth.client (id) ON DELETE CASCADE,
	context jsonb NOT NULL,
	expires_at timestamptz NOT NULL
);

-- Signing keys, sealed with the installation's secret. A key signs from `use_from` on and is published until it is removed.
CREATE TABLE oauth.key (
	kid text PRIMARY KEY,
	alg text NOT NULL,
	sealed bytea NOT NULL,
	use_from timestamptz NOT NULL,
	created_at timestamptz NOT NULL DEFAULT now()
);
