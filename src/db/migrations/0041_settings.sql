-- The settings of the last start, each as a keyed hash: a start tells the audit which of them have changed. See src/announce.ts.
CREATE TABLE access.setting (
	name text PRIMARY KEY,
	digest text NOT NULL
);
