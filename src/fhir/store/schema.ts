// The tables of the record: written from the list of resource types and their hot parameters. See README.md for what each column is.
import { createHash } from 'node:crypto';
import type { Generated } from '#db/migrate.ts';
import type { Definitions } from '#fhir/definitions/definitions.ts';
import type { SearchRegistry } from '#fhir/search/registry.ts';
import { allStrings, foundByParts, stretchBits } from './layout.ts';

/** The schema `fhir` for the step that migrates a database. Indexes that a newer registry wants are added; none is dropped. */
export function fhirTables(definitions: Definitions, registry: SearchRegistry): Generated {
	let made: readonly string[] | undefined;
	const statements = (): readonly string[] => {
		made ??= [...common(), ...definitions.resourceTypes.flatMap((type) => tablesOf(type, shapeOf(registry, type))), trigrams(definitions)];
		return made;
	};
	return {
		name: 'fhir',
		get fingerprint() {
			return createHash('sha256').update(statements().join('\n')).digest('hex').slice(0, 32);
		},
		statements,
	};
}

type Shape = { readonly patient: boolean; readonly date: boolean; readonly code: boolean; readonly quantity: boolean };

function shapeOf(registry: SearchRegistry, type: string): Shape {
	const hot = registry.hot(type);
	return {
		patient: type === 'Patient' || hot.patient !== undefined,
		date: hot.date !== undefined,
		code: hot.token !== undefined,
		quantity: hot.quantity !== undefined,
	};
}

/** Row ids are handed out in blocks of this size. */
export const ridBlock = 1000;

/** What waits to be merged into a GIN index is looked through by every search, so that it has to be little. */
const pending = ' WITH (gin_pending_list_limit = 256)';

function common(): string[] {
	return [
		'CREATE SCHEMA IF NOT EXISTS fhir',
		// How a statement refuses: the transaction fails with a state of our own, and the detail says what is to blame.
		`CREATE OR REPLACE FUNCTION fhir.refuse(state text, what text) RETURNS int LANGUAGE plpgsql AS
			$$BEGIN RAISE EXCEPTION 'refused' USING ERRCODE = state, DETAIL = what; END$$`,
		`CREATE SEQUENCE IF NOT EXISTS fhir.rid INCREMENT BY ${ridBlock} MINVALUE 1`,
		`CREATE TABLE IF NOT EXISTS fhir.token_text (
			type int2 NOT NULL, p int2 NOT NULL, k int8 NOT NULL, text text COLLATE "C" NOT NULL, PRIMARY KEY (type, p, k))`,
		// How types have ever referred to which others, see IndexRow.links: what a delete has to look through.
		`CREATE TABLE IF NOT EXISTS fhir.link (
			source text COLLATE "C" NOT NULL, target text COLLATE "C" NOT NULL, param text COLLATE "C" NOT NULL, PRIMARY KEY (target, source, param))`,
		// Types that ever had a resource: what history of the whole system has to look through.
		`CREATE TABLE IF NOT EXISTS fhir.used_type (type text COLLATE "C" PRIMARY KEY)`,
		// How many rows each type has: what was added up, and what has changed since (statements.ts).
		`CREATE TABLE IF NOT EXISTS fhir.row_count (type text COLLATE "C" PRIMARY KEY, n int8 NOT NULL)`,
		`CREATE TABLE IF NOT EXISTS fhir.row_change (type text COLLATE "C" NOT NULL, n int8 NOT NULL)
			WITH (autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_scale_factor = 0)`,
		// Full text: the words of narratives, and those of other text that neither strings nor token texts have.
		`CREATE TABLE IF NOT EXISTS fhir.words (rid int8 PRIMARY KEY, v tsvector NOT NULL)`,
		`CREATE INDEX IF NOT EXISTS words_v ON fhir.words USING gin (v)${pending}`,
		// Search parameters beside the specification's: each has its number for ever (search/custom.ts). The generation changes with them.
		`CREATE TABLE IF NOT EXISTS fhir.search_parameter (
			number int2 PRIMARY KEY, url text COLLATE "C" NOT NULL UNIQUE, facts text NOT NULL, state text NOT NULL, todo text[] NOT NULL)`,
		`CREATE TABLE IF NOT EXISTS fhir.search_generation (
			one bool PRIMARY KEY DEFAULT true CHECK (one), n int8 NOT NULL DEFAULT 0, seen text NOT NULL DEFAULT '', changed_at timestamptz NOT NULL DEFAULT now())`,
		'INSERT INTO fhir.search_generation DEFAULT VALUES ON CONFLICT DO NOTHING',
		`CREATE TABLE IF NOT EXISTS fhir.reindex (
			type text COLLATE "C" PRIMARY KEY, after_rid int8 NOT NULL, until_rid int8 NOT NULL, done int8 NOT NULL, finished_at timestamptz)`,
	];
}

function tablesOf(type: string, shape: Shape): string[] {
	const name = type.toLowerCase();
	const table = (side = ''): string => `fhir."${name}${side}"`;
	const index = (of: string, side: string, on: string, how = ''): string =>
		`CREATE INDEX IF NOT EXISTS "${name}${of}_${side}" ON ${table(of)} ${on}${how}`;
	return [
		`CREATE TABLE IF NOT EXISTS ${table()} (
			rid int8 PRIMARY KEY, pat int8, d timestamptz(3), dh timestamptz(3), code int8, qv float8, qc float8, qk int8, has int8 NOT NULL,
			rk int8 NOT NULL, lu timestamptz(3) NOT NULL, ver int4 NOT NULL, op "char" NOT NULL, id text COLLATE "C" NOT NULL UNIQUE,
			keys int8[] NOT NULL, body text NOT NULL)`,
		// A row above 2 KB is compressed and stays in its page as long as it fits one, so that a read touches one page. Vacuum comes early,
		// because it also empties the pending list of the keys' index. See docs/decisions/0006-table-layout.md.
		`ALTER TABLE ${table()} ALTER keys SET STORAGE MAIN, ALTER body SET STORAGE MAIN, SET (toast_tuple_target = 2048,
			autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_insert_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05)`,
		...(shape.patient ? [index('', 'pat', '(pat, d DESC NULLS LAST, rid DESC)', ' WHERE pat IS NOT NULL')] : []),
		...(shape.code ? [index('', 'code', '(code, d DESC NULLS LAST, rid DESC)', ' WHERE code IS NOT NULL')] : []),
		...(shape.date ? [index('', 'd', '(d DESC NULLS LAST, rid DESC)')] : []),
		...(shape.quantity ? [index('', 'q', '(qk, qc)', ' WHERE qk IS NOT NULL')] : []),
		index('', 'lu', '(lu, rid)'),
		index('', 'rk', '(rk)'),
		index('', 'keys', 'USING gin (keys)', pending),
		`CREATE TABLE IF NOT EXISTS ${table('_string')} (rid int8 NOT NULL, p int2 NOT NULL, v text COLLATE "C" NOT NULL)`,
		...(foundByParts.has(type) ? togetherOf(name) : [index('_string', 'v', '(p, v, rid)')]),
		index('_string', 'rid', '(rid)'),
		`CREATE TABLE IF NOT EXISTS ${table('_range')} (rid int8 NOT NULL, k int8, lo float8 NOT NULL, hi float8 NOT NULL, p int2 NOT NULL)`,
		index('_range', 'lo', '(p, lo, rid)'),
		// Numbers and quantities are points, and found by where they begin.
		`DROP INDEX IF EXISTS fhir."${name}_range_hi"`,
		index('_range', 'end', '(p, hi)', ' WHERE hi <> lo'),
		index('_range', 'rid', '(rid)'),
		`CREATE TABLE IF NOT EXISTS ${table('_history')} (
			rid int8 NOT NULL, pat int8, lu timestamptz(3) NOT NULL, ver int4 NOT NULL, op "char" NOT NULL, id text COLLATE "C" NOT NULL,
			body bytea, PRIMARY KEY (id, ver))`,
		`ALTER TABLE ${table('_history')} ALTER COLUMN body SET STORAGE EXTERNAL`,
		index('_history', 'lu', '(lu, rid, ver)'),
	];
}

/** The strings of types that are found by parts of them: each alone, in order, and all of a row together, which may be long. */
function togetherOf(name: string): string[] {
	const table = `fhir."${name}_string"`;
	return [
		// What databases have from before there was a text of all strings.
		`DROP INDEX IF EXISTS fhir."${name}_string_v", fhir."${name}_string_trigram"`,
		`INSERT INTO ${table} (rid, p, v) SELECT rid, ${allStrings}, string_agg(DISTINCT v, chr(10) ORDER BY v) FROM ${table}
			WHERE NOT EXISTS (SELECT 1 FROM ${table} WHERE p = ${allStrings}) GROUP BY rid`,
		`CREATE INDEX IF NOT EXISTS "${name}_string_each" ON ${table} (p, v, rid) WHERE p >= 0`,
	];
}

/**
 * Trigram indexes where the extension can be had. Without it (a managed PostgreSQL whose owner did not allow it) the same searches
 * still answer rightly, by looking at the texts of all rows.
 */
function trigrams(definitions: Definitions): string {
	const types = [...foundByParts].filter((type) => definitions.isResourceType(type)).map((type) => type.toLowerCase());
	const together = (on: string, how = ''): string[] =>
		types.map((name) => `CREATE INDEX IF NOT EXISTS "${name}_string_all" ON fhir."${name}_string" ${on}${how} WHERE p = ${allStrings}`);
	const found = together(`USING gin ((ARRAY[rid >> ${stretchBits}]), v gin_trgm_ops)`, pending);
	const texts = `CREATE INDEX IF NOT EXISTS token_text_trigram ON fhir.token_text USING gin (text gin_trgm_ops)${pending}`;
	return `DO $$ BEGIN
		CREATE EXTENSION IF NOT EXISTS pg_trgm;
		${[...found, texts].join(';\n\t\t')};
	EXCEPTION WHEN insufficient_privilege OR undefined_file OR feature_not_supported OR undefined_object THEN
		RAISE NOTICE 'pg_trgm cannot be had here: searches with :contains will be slow';
		${together('(rid)').join(';\n\t\t')};
	END $$`;
}
