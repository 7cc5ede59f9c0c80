-- Roles that an installation changed or added (those that come with Heron are in access/roles.ts), and emergency access that was taken.
CREATE SCHEMA IF NOT EXISTS access;

CREATE TABLE access.role (
	name text COLLATE "C" PRIMARY KEY,
	title text NOT NULL,
	-- From right ("patients.demo") to view, add, change, write or deny.
	rights jsonb NOT NULL,
	updated_at timestamptz NOT NULL
);

CREATE TABLE access.break_glass (
	id text COLLATE "C" PRIMARY KEY,
	account text COLLATE "C" NOT NULL,
	reason text NOT NULL,
	began_at timestamptz NOT NULL,
	until timestamptz NOT NULL,
	ended_at timestamptz,
	ended_by text COLLATE "C"
);
CREATE INDEX break_glass_account ON access.break_glass (account, until);
