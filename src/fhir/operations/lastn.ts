// $lastn: the latest observations of each kind. https://hl7.org/fhir/R4/observation-operation-lastn.html
// One statement: the search's own index finds the observations, and the latest of each code are read. Codes that are translations of each
// other are then one kind: the latest of a kind are among the latest of its codes.
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
	const matches = latestOfKinds(rows.map(seenOf), max).map(({ id, body }): Hit => ({ type, id, body }));
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

/** What the search finds, by its codings (or its text when it has none), and of each such code the latest with all of the same time as the last. */
function statement(where: Sql, max: number): Sql {
	return sql`
		WITH found AS MATERIALIZED (
			SELECT r.rid, r.pat, r.d, COALESCE('c' || (r.body::json #>> '{code,coding}'), 't' || (r.body::json #>> '{code,text}'), 't') AS code
			FROM ${table(type)} r WHERE ${where}),
		ranked AS (SELECT *, rank() OVER (PARTITION BY pat, code ORDER BY d DESC NULLS LAST) AS place FROM found)
		SELECT b.id, b.body, y.rid, y.pat::text, (extract(epoch FROM y.d) * 1000)::float8, y.code
		FROM (SELECT * FROM ranked WHERE place <= ${max} ${raw(`LIMIT ${maxAnswer + 1}`)}) y JOIN ${table(type)} b ON b.rid = y.rid`;
}

type Seen = {
	readonly id: string;
	readonly body: string;
	readonly rid: number;
	readonly patient: string;
	readonly time: number;
	/** The codings by system and code; the text alone when there are none. */
	readonly words: readonly string[];
};

function seenOf([id, body, rid, patient, time, code]: unknown[]): Seen {
	return {
		id: id as string,
		body: body as string,
		rid: Number(rid),
		patient: String(patient ?? ''),
		time: time === null ? Number.NEGATIVE_INFINITY : (time as number),
		words: wordsOf(code as string),
	};
}

/** `code` is a list of codings after a "c", or a text after a "t". */
function wordsOf(code: string): string[] {
	if (code.startsWith('t')) return [code];
	const codings = JSON.parse(code.slice(1)) as { system?: string; code?: string }[];
	const words = codings.flatMap(({ system = '', code: name }) => (name === undefined ? [] : [`c${system}|${name}`]));
	return words.length > 0 ? words : [code];
}

/** Of each kind of each patient the latest, kind after kind. */
function latestOfKinds(seen: readonly Seen[], max: number): Seen[] {
	const kindOf = kinds(seen.map(({ words }) => words));
	const groups = Map.groupBy(seen, ({ patient, words }) => `${patient} ${kindOf(words)}`);
	return [...groups]
		.toSorted(([a], [b]) => (a < b ? -1 : 1))
		.flatMap(([, group]) => {
			const sorted = group.toSorted((a, b) => b.time - a.time || b.rid - a.rid);
			const last = sorted[max - 1]?.time ?? Number.NEGATIVE_INFINITY;
			return sorted.filter(({ time }) => time >= last);
		});
}

/** Joins words that stand together anywhere; gives the word by which all that are joined are called. */
function kinds(lists: readonly (readonly string[])[]): (words: readonly string[]) => string {
	const above = new Map<string, string>();
	const top = (word: string): string => {
		let at = word;
		for (let next = above.get(at); next !== undefined; next = above.get(at)) at = next;
		if (at !== word) above.set(word, at);
		return at;
	};
	for (const [first, ...others] of lists) {
		for (const other of first === undefined ? [] : others) {
			const [a, b] = [top(first as string), top(other)];
			if (a !== b) above.set(b, a);
		}
	}
	return ([first = '']) => top(first);
}
