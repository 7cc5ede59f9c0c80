// $lastn: the latest observations of each kind. https://hl7.org/fhir/R4/observation-operation-lastn.html
// One statement: the search's own index finds the observations, codes that are translations of each other become one group, and the
// bodies of the latest of each group alone are read.
import { type Issue, Problem } from '#base/problem.ts';
import { raw, type Sql, sql } from '#db/sql.ts';
import type { FhirCtx } from '#fhir/ctx.ts';
import { preferencesOf } from '#fhir/interactions/call.ts';
import { bundleText, type Hit, searchUrl } from '#fhir/search/bundle.ts';
import { resolve } from '#fhir/search/chain.ts';
import { conditionOf } from '#fhir/search/compile.ts';
import { type Pair, pairsOf } from '#fhir/search/escape.ts';
import { patientKeysOf } from '#fhir/search/params/reference.ts';
import { allOf, rowOf, table } from '#fhir/search/params/row.ts';
import { parseSearch } from '#fhir/search/parse.ts';
import { notAllowed } from '#fhir/search/problems.ts';
import type { Clause, SearchQuery } from '#fhir/search/query.ts';
import { flatten } from '#fhir/search/read.ts';
import { weave, within } from '#fhir/search/restrict.ts';
import { define, hl7, input, output } from './define.ts';
import { countOf, missingParameter, textsOf } from './input.ts';
import type { Operation, OperationInput } from './operation.ts';

export const lastn: Operation = {
	name: 'lastn',
	definition: define({
		id: 'Observation-lastn',
		name: 'LastN',
		title: 'The latest observations of each kind',
		code: 'lastn',
		base: hl7('Observation-lastn'),
		description:
			'The latest observations of each code, of what the search parameters of Observation find: patient or subject, and category or a code, have to be among them. Codes are the same when one coding of theirs is, also by way of a third; codes without a coding when their text is. Observations of the same time as the last one come as well.',
		resource: ['Observation'],
		type: true,
		parameter: [
			input('max', 'positiveInt', 'Observations of each code; 1 unless given.'),
			output('return', 'Bundle', 'A searchset, the kinds one after the other, each from the latest observation on.'),
		],
	}),
	complete: true,
	levels: { type: true },
	types: ['Observation'],
	methods: ['GET', 'POST'],
	run: async (ctx, given) => ({ json: await latest(ctx, given) }),
};

const type = 'Observation';
/** As many one answer may have. */
const maxAnswer = 5000;

async function latest(ctx: FhirCtx, given: OperationInput): Promise<string> {
	const max = countOf(given, 'max', 1) ?? 1;
	const pairs = criteriaOf(given);
	requireCriteria(pairs);
	const { prefer } = given.request.headers;
	const handling = preferencesOf(typeof prefer === 'string' ? prefer : undefined).handling ?? 'lenient';
	const query = parseSearch(ctx.fhir, [type], pairs, handling);
	const clause = within(ctx, type, weave(ctx, query.clauses[0] as Clause));
	if (clause === undefined) throw notAllowed(type);
	const rows = await ctx.db.rows(statement(await whereOf(ctx, clause), max));
	if (rows.length > maxAnswer) throw tooMany();
	const matches = rows.map(([id, body]): Hit => ({ type, id: id as string, body: body as string }));
	const applied: Pair[] = [...query.applied, ['max', String(max)]];
	return bundleText(ctx.fhir.base, {
		id: ctx.ids.next(),
		updated: ctx.clock.now(),
		links: { self: searchUrl(ctx.fhir.base, `${type}/$lastn`, applied) },
		total: matches.length,
		matches,
		included: [],
		issues: [...query.issues, ...leftOut(query)],
	});
}

/** The patient's index finds the rows when there is a patient; all else is then checked on these rows alone. */
async function whereOf(ctx: FhirCtx, clause: Clause): Promise<Sql> {
	const parts: Clause[] = [];
	for (const part of flatten(clause)) parts.push(await resolve(ctx, ctx.db, type, part));
	const lead = parts.findIndex((part) => patientKeysOf(part) !== undefined);
	const row = rowOf(ctx, type, 'filter');
	return allOf(parts.map((part, i) => conditionOf(lead < 0 || i === lead ? { ...row, mode: 'index' } : row, part)));
}

/** Search parameters, from the query and from a Parameters resource. */
function criteriaOf(given: OperationInput): Pair[] {
	const { parameters } = given;
	const parts = Array.isArray(parameters?.parameter) ? (parameters.parameter as { name?: unknown }[]) : [];
	const names = new Set(parts.flatMap((part) => (typeof part?.name === 'string' ? [part.name] : [])));
	const posted = [...names].flatMap((name) => textsOf({ ...given, query: '' }, name).map((value): Pair => [name, value]));
	return [...pairsOf(given.query), ...posted].filter(([name]) => name !== 'max');
}

function requireCriteria(pairs: readonly Pair[]): void {
	const codes = pairs.map(([name]) => name.split(/[:.]/)[0] as string);
	if (!codes.some((code) => code === 'patient' || code === 'subject'))
		throw missingParameter('patient', 'Whose observations? Give patient or subject.');
	if (!codes.some((code) => code === 'category' || /(^|-)code(-|$)/.test(code)))
		throw missingParameter('category', 'Which observations? Give a category, a code, or both.');
}

/** What a search could do and this cannot. */
function leftOut({ includes, sort, page, summary, elements }: SearchQuery): Issue[] {
	const asked = [
		includes.length > 0 ? '_include' : '',
		sort.length > 0 ? '_sort' : '',
		page !== undefined ? '_page' : '',
		summary !== 'false' ? '_summary' : '',
		elements.length > 0 ? '_elements' : '',
	].filter((name) => name !== '');
	return asked.map((name) => ({
		severity: 'warning',
		type: 'not-supported',
		code: 'search-not-supported',
		text: `$lastn does nothing with ${name}.`,
		path: `http.${name}`,
	}));
}

function tooMany(): Problem {
	const text = `More than ${maxAnswer} observations would be in the answer; ask for fewer of each code.`;
	return new Problem('invalid', 'lastn-too-costly', text, {
		issues: [{ severity: 'error', type: 'too-costly', code: 'lastn-too-costly', text }],
	});
}

/**
 * `found`: what the search finds, with its code element · `kind`: the different code elements · `word`: the codings of each, or its text ·
 * `link`: words that stand in one kind · `reach`: which words lead to which · `grouped`: the group of each kind, called by its least word.
 */
function statement(where: Sql, max: number): Sql {
	return sql`
		WITH RECURSIVE found AS MATERIALIZED (
			SELECT r.rid, r.pat, r.d, COALESCE(r.body::json #>> '{code}', '{}') AS code FROM ${table(type)} r WHERE ${where}),
		kind AS MATERIALIZED (SELECT code, row_number() OVER () AS n FROM (SELECT DISTINCT code FROM found) c),
		coded AS (
			SELECT n, COALESCE(x ->> 'system', '') || '|' || (x ->> 'code') AS w FROM kind, json_array_elements(kind.code::json -> 'coding') AS x
			WHERE x ->> 'code' IS NOT NULL),
		word AS MATERIALIZED (
			SELECT n, w FROM coded
			UNION ALL SELECT n, COALESCE(kind.code::json ->> 'text', '') FROM kind WHERE n NOT IN (SELECT n FROM coded)),
		hub AS (SELECT n, min(w) AS w FROM word GROUP BY n),
		link AS MATERIALIZED (
			SELECT hub.w AS a, word.w AS b FROM word JOIN hub USING (n) WHERE hub.w <> word.w
			UNION SELECT word.w, hub.w FROM word JOIN hub USING (n) WHERE hub.w <> word.w),
		reach AS (SELECT DISTINCT w AS root, w FROM word UNION SELECT reach.root, link.b FROM reach JOIN link ON link.a = reach.w),
		grouped AS MATERIALIZED (SELECT hub.n, min(reach.root) AS g FROM hub JOIN reach ON reach.w = hub.w GROUP BY hub.n),
		ranked AS (
			SELECT found.rid, found.pat, found.d, g, rank() OVER (PARTITION BY found.pat, g ORDER BY found.d DESC NULLS LAST) AS place
			FROM found JOIN kind USING (code) JOIN grouped USING (n))
		SELECT b.id, b.body FROM (SELECT * FROM ranked WHERE place <= ${max} ORDER BY pat, g, d DESC NULLS LAST, rid DESC ${raw(`LIMIT ${maxAnswer + 1}`)}) y
		JOIN ${table(type)} b ON b.rid = y.rid ORDER BY y.pat, y.g, y.d DESC NULLS LAST, y.rid DESC`;
}
