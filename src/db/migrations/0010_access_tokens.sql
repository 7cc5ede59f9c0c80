-- Local access tokens, by the SHA-256 of their text.
CREATE SCHEMA IF NOT EXISTS access;
CREATE TABLE access.token (
	hash bytea PRIMARY KEY,
	caller jsonb NOT NULL,
	created_at timestamptz NOT NULL DEFAULT now(),
	expires_at timestamptz NOT NULL
);
CREATE INDEX token_expires_at ON access.token (expires_at);
