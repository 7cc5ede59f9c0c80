-- People who may sign in, what proves who they are, and their browser sessions. Secrets are kept as hashes; what has to be read again
-- (the key of an authenticator app) is encrypted with the key in the data folder.
CREATE SCHEMA IF NOT EXISTS oauth;

CREATE TABLE oauth.account (
	id text COLLATE "C" PRIMARY KEY,
	kind text NOT NULL CHECK (kind IN ('user', 'patient')),
	username text NOT NULL,
	name text NOT NULL,
	email text,
	-- The resource that stands for the person: Practitioner/…, Person/…, Patient/…, RelatedPerson/….
	fhir_user text COLLATE "C",
	active boolean NOT NULL DEFAULT true,
	roles text[] NOT NULL DEFAULT '{}',
	-- What a practice notes of its users beyond that, see oauth/accounts/details.ts.
	details jsonb NOT NULL DEFAULT '{}',
	-- Argon2id with its parameters and salt; null when nobody can sign in by password.
	password text,
	password_changed_at timestamptz,
	must_change boolean NOT NULL DEFAULT false,
	totp_key bytea,
	-- The last time step whose code was taken: no code is taken twice.
	totp_step int8,
	created_at timestamptz NOT NULL DEFAULT now(),
	updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX account_username ON oauth.account (lower(username));
CREATE INDEX account_email ON oauth.account (lower(email));
CREATE INDEX account_fhir_user ON oauth.account (fhir_user);

CREATE TABLE oauth.former_password (
	account text COLLATE "C" NOT NULL REFERENCES oauth.account (id) ON DELETE CASCADE,
	password text NOT NULL,
	replaced_at timestamptz NOT NULL
);
CREATE INDEX former_password_account ON oauth.former_password (account, replaced_at DESC);

-- Patients that a portal account may act for, beside its own.
CREATE TABLE oauth.proxy (
	account text COLLATE "C" NOT NULL REFERENCES oauth.account (id) ON DELETE CASCADE,
	patient text COLLATE "C" NOT NULL,
	-- The RelatedPerson that says why.
	related_person text COLLATE "C" NOT NULL,
	expires_at timestamptz,
	PRIMARY KEY (account, patient)
);

CREATE TABLE oauth.recovery_code (
	account text COLLATE "C" NOT NULL REFERENCES oauth.account (id) ON DELETE CASCADE,
	hash bytea NOT NULL,
	PRIMARY KEY (account, hash)
);

CREATE TABLE oauth.passkey (
	id text COLLATE "C" PRIMARY KEY,
	account text COLLATE "C" NOT NULL REFERENCES oauth.account (id) ON DELETE CASCADE,
	name text NOT NULL,
	public_key bytea NOT NULL,
	counter int8 NOT NULL,
	transports text[] NOT NULL DEFAULT '{}',
	created_at timestamptz NOT NULL,
	used_at timestamptz
);
CREATE INDEX passkey_account ON oauth.passkey (account);

-- What passkeys have to sign, each once, by the SHA-256; for an account that adds one, or for whoever signs in.
CREATE TABLE oauth.passkey_challenge (
	hash bytea PRIMARY KEY,
	account text COLLATE "C" REFERENCES oauth.account (id) ON DELETE CASCADE,
	expires_at timestamptz NOT NULL
);
CREATE INDEX passkey_challenge_account ON oauth.passkey_challenge (account);
CREATE INDEX passkey_challenge_expires ON oauth.passkey_challenge (expires_at);

-- Links that set a new password, by the SHA-256 of their secret.
CREATE TABLE oauth.reset (
	hash bytea PRIMARY KEY,
	account text COLLATE "C" NOT NULL REFERENCES oauth.account (id) ON DELETE CASCADE,
	expires_at timestamptz NOT NULL
);
CREATE INDEX reset_account ON oauth.reset (account);

-- Tries to sign in since `since`, by the SHA-256 of a user's name or of an address.
CREATE TABLE oauth.attempt (
	key bytea PRIMARY KEY,
	tries int4 NOT NULL,
	since timestamptz NOT NULL
);
CREATE INDEX attempt_since ON oauth.attempt (since);

-- Browsers that are signed in or on the way to it, by the SHA-256 of their cookie.
CREATE TABLE oauth.browser_session (
	hash bytea PRIMARY KEY,
	id text COLLATE "C" NOT NULL UNIQUE,
	account text COLLATE "C" NOT NULL REFERENCES oauth.account (id) ON DELETE CASCADE,
	-- What is still to be done before it counts as signed in.
	stage text NOT NULL CHECK (stage IN ('second-factor', 'new-password', 'done')),
	methods text[] NOT NULL,
	-- The key of an authenticator app that is being set up, encrypted, until a code of it was entered.
	pending bytea,
	address text NOT NULL,
	agent text NOT NULL,
	created_at timestamptz NOT NULL,
	seen_at timestamptz NOT NULL
);
CREATE INDEX browser_session_account ON oauth.browser_session (account);
CREATE INDEX browser_session_seen ON oauth.browser_session (seen_at);

-- Who a person is at an outside OpenID provider.
CREATE TABLE oauth.outside_identity (
	issuer text NOT NULL,
	subject text NOT NULL,
	account text COLLATE "C" NOT NULL REFERENCES oauth.account (id) ON DELETE CASCADE,
	created_at timestamptz NOT NULL,
	PRIMARY KEY (issuer, subject)
);
CREATE INDEX outside_identity_account ON oauth.outside_identity (account);

-- Sign-ins under way at an outside provider, by the SHA-256 of a cookie.
CREATE TABLE oauth.outside_sign_in (
	hash bytea PRIMARY KEY,
	state text NOT NULL,
	nonce text NOT NULL,
	verifier text NOT NULL,
	return_to text NOT NULL,
	expires_at timestamptz NOT NULL
);
CREATE INDEX outside_sign_in_expires ON oauth.outside_sign_in (expires_at);
