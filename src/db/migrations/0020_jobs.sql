-- Requests answered later (https://hl7.org/fhir/R4/async.html): what was asked, how far it is, what came of it. See src/fhir/jobs/README.md.
CREATE SCHEMA IF NOT EXISTS jobs;
CREATE TABLE jobs.job (
	id text COLLATE "C" PRIMARY KEY,
	kind text NOT NULL,
	caller jsonb NOT NULL,
	owner text NOT NULL,
	request_id text NOT NULL,
	-- Gone when the job has ended.
	input text,
	state text NOT NULL CHECK (state IN ('waiting', 'running', 'done', 'failed')),
	progress text,
	-- Names one claim of the job: what a process that lost the job still writes is refused by it.
	lease text,
	-- When the job may be taken: a waiting one not before, a running one when its process has not been heard of.
	due_at timestamptz NOT NULL,
	attempts int4 NOT NULL DEFAULT 0,
	result text,
	result_type text,
	problem jsonb,
	created_at timestamptz NOT NULL DEFAULT now(),
	finished_at timestamptz,
	expires_at timestamptz
);
CREATE INDEX job_open ON jobs.job (created_at, id) WHERE state IN ('waiting', 'running');
CREATE INDEX job_owner ON jobs.job (owner) WHERE state IN ('waiting', 'running');
CREATE INDEX job_expires ON jobs.job (expires_at) WHERE expires_at IS NOT NULL;

-- What a job that is not finished has done already, written in the transaction that did it.
CREATE TABLE jobs.step (
	job text COLLATE "C" NOT NULL REFERENCES jobs.job (id) ON DELETE CASCADE,
	key text COLLATE "C" NOT NULL,
	value text NOT NULL,
	PRIMARY KEY (job, key)
);
