-- Code systems as tables: those that come with Heron and those that are loaded from their publishers' files. See src/fhir/terminology/README.md.
CREATE SCHEMA IF NOT EXISTS terminology;

CREATE TABLE terminology.system (
	number int4 GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	url text COLLATE "C" NOT NULL,
	version text,
	name text NOT NULL,
	title text NOT NULL,
	-- Where it came from: `heron <hash>`, `starter <hash>`, or the name of a file.
	origin text NOT NULL,
	-- A load is not seen before it is whole; the version before it is kept for a rollback.
	state text NOT NULL CHECK (state IN ('loading', 'active', 'former')),
	-- Whether every code of the system is here.
	complete bool NOT NULL,
	hierarchy bool NOT NULL DEFAULT false,
	concepts int4 NOT NULL DEFAULT 0,
	copyright text,
	loaded_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX system_active ON terminology.system (url) WHERE state = 'active';
CREATE UNIQUE INDEX system_former ON terminology.system (url) WHERE state = 'former';

CREATE TABLE terminology.concept (
	system int4 NOT NULL,
	code text COLLATE "C" NOT NULL,
	display text NOT NULL,
	-- Code and display as they are compared.
	key text COLLATE "C" NOT NULL,
	sort text COLLATE "C" NOT NULL,
	place int4 NOT NULL,
	inactive bool NOT NULL,
	abstract bool NOT NULL,
	definition text,
	-- Each a text or a list of texts.
	properties jsonb,
	-- Words of code, display and designations, each behind the number of its system, so that the index of one system is its own.
	words tsvector NOT NULL,
	PRIMARY KEY (system, code)
);
CREATE INDEX concept_place ON terminology.concept (system, place);
CREATE INDEX concept_key ON terminology.concept (system, key);
CREATE INDEX concept_sort ON terminology.concept (system, sort);
CREATE INDEX concept_words ON terminology.concept USING gin (words);

CREATE TABLE terminology.designation (
	system int4 NOT NULL,
	code text COLLATE "C" NOT NULL,
	language text,
	use text,
	value text NOT NULL
);
CREATE INDEX designation_code ON terminology.designation (system, code);

CREATE TABLE terminology.parent (
	system int4 NOT NULL,
	code text COLLATE "C" NOT NULL,
	parent text COLLATE "C" NOT NULL,
	PRIMARY KEY (system, code, parent)
);
CREATE INDEX parent_children ON terminology.parent (system, parent);
