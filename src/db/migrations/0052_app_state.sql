-- What apps keep for themselves: https://hl7.org/fhir/smart-app-launch/app-state.html. It is no part of the record.
CREATE TABLE oauth.app_state (
	id text COLLATE "C" PRIMARY KEY,
	client_id text NOT NULL REFERENCES oauth.client (id) ON DELETE CASCADE,
	-- Whom it is about, e.g. Patient/1; empty for all who use the app.
	subject text COLLATE "C" NOT NULL,
	system text COLLATE "C" NOT NULL,
	code text COLLATE "C" NOT NULL,
	version int4 NOT NULL,
	updated_at timestamptz NOT NULL,
	-- The resource, sealed with the installation's secret: it may hold keys.
	body bytea NOT NULL
);
ALTER TABLE oauth.app_state ALTER body SET STORAGE EXTERNAL;
CREATE INDEX app_state_of ON oauth.app_state (client_id, subject, system, code);
