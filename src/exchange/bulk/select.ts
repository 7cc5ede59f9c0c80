// Which rows of each type an export takes, as conditions on the alias `r`: the caller's limits, the patients, the filters and the times.
// Everything is looked up within the transaction whose snapshot is exported.
import type { Tx } from '#db/database.ts';
import { join, raw, type Sql, sql } from '#db/sql.ts';
import type { FhirCtx } from '#fhir/ctx.ts';
import { resolve } from '#fhir/search/chain.ts';
import { conditionOf } from '#fhir/search/compile.ts';
import { pairsOf } from '#fhir/search/escape.ts';
import { patientColumn } from '#fhir/search/params/reference.ts';
import { allOf, anyOf, rowOf, table } from '#fhir/search/params/row.ts';
import { parseCriteria } from '#fhir/search/parse.ts';
import { always, type Clause } from '#fhir/search/query.ts';
import type { SearchParam } from '#fhir/search/registry.ts';
import { compartmentParams, weave, within } from '#fhir/search/restrict.ts';
import { usedTypes } from '#fhir/search/used-types.ts';
import { paramSalt, refKey } from '#fhir/store/keys.ts';
import { type Asked, helpful, isAboutPatients, isWithinReach } from './asked.ts';
import { patientsOfGroup } from './group.ts';

/** What is taken of a type. */
export type Selection = { readonly type: string; readonly where: Sql };

/** Up to this many patients, rows are found by what refers to each of them; beyond, every row is looked at. */
const fewPatients = 2000;

/** The table of the patients of an export; it goes with the transaction. */
const members = raw('pg_temp.bulk_member');

/** Patients of an export and how many they are. */
export type Members = { readonly count: number };

/** The patients that the export is about, as a clause on Patient. Throws Problem not-found for a Group that is not there. */
async function patientsClause(ctx: FhirCtx, { level, group, patients }: Asked): Promise<Clause> {
	const parts: Clause[] = [];
	if (level === 'group') parts.push(await patientsOfGroup(ctx, group as string));
	if (patients !== undefined) parts.push({ is: 'one-of', keys: patients.map((id) => refKey(`Patient/${id}`)) });
	return parts.length === 1 ? (parts[0] as Clause) : { is: 'all', of: parts };
}

/** The condition on rows `r` of Patient. */
export async function patientsWhere(ctx: FhirCtx, tx: Pick<Tx, 'query' | 'rows' | 'execute'>, asked: Asked): Promise<Sql> {
	const clause = within(ctx, 'Patient', weave(ctx, await patientsClause(ctx, asked)));
	if (clause === undefined) return raw('false');
	return conditionOf(rowOf(ctx, 'Patient', 'index'), await resolve(ctx, tx, 'Patient', clause));
}

/** Writes down whom the export is about; undefined when it is about everything. */
export async function collectMembers(ctx: FhirCtx, tx: Tx, asked: Asked): Promise<Members | undefined> {
	if (asked.level === 'system' && !asked.byPatient) return undefined;
	const where = await patientsWhere(ctx, tx, asked);
	await tx.execute(sql`CREATE TEMP TABLE bulk_member (n int4 PRIMARY KEY, k int8 NOT NULL, id text NOT NULL) ON COMMIT DROP`);
	const count = await tx.execute(
		sql`INSERT INTO ${members} SELECT row_number() OVER (ORDER BY r.rid), r.rk, r.id FROM ${table('Patient')} r WHERE ${where}`,
	);
	await tx.execute(sql`CREATE UNIQUE INDEX ON ${members} (k)`);
	await tx.execute(sql`ANALYZE ${members}`);
	return { count };
}

/** What is taken of each type that has anything, in the order of their names. */
export async function selectionsOf(ctx: FhirCtx, tx: Tx, asked: Asked, about: Members | undefined): Promise<Selection[]> {
	const used = await usedTypes(tx);
	const wanted = used.filter(
		(type) =>
			(asked.types?.includes(type) ?? true) &&
			(asked.level === 'system' || isAboutPatients(ctx, type)) &&
			isWithinReach(ctx, type) &&
			(type !== 'Provenance' || asked.provenance === undefined),
	);
	const selections: Selection[] = [];
	for (const type of wanted) selections.push({ type, where: await whereOf(ctx, tx, asked, about, type, used) });
	return selections;
}

async function whereOf(
	ctx: FhirCtx,
	tx: Tx,
	asked: Asked,
	about: Members | undefined,
	type: string,
	used: readonly string[],
): Promise<Sql> {
	const filters = asked.filters.filter((filter) => filter.type === type);
	const clauses = filters.map(({ query }) => parseCriteria(ctx.fhir, type, pairsOf(query)).clause);
	const filter: Clause = clauses.length === 0 ? always : clauses.length === 1 ? (clauses[0] as Clause) : { is: 'any', of: clauses };
	const clause = within(ctx, type, weave(ctx, filter));
	if (clause === undefined) return raw('false');
	const parts = [conditionOf(rowOf(ctx, type, 'index'), await resolve(ctx, tx, type, clause)), timesWhere(asked)];
	// Output organized by patient begins with the patients: what it finds belongs to them.
	if (about !== undefined && asked.level !== 'system' && !asked.byPatient) parts.push(belongs(ctx, type, about, used));
	return allOf(parts);
}

/** https://hl7.org/fhir/uv/bulkdata/STU2/export.html: after `_since`, before `_until`. */
export function timesWhere({ since, until }: Pick<Asked, 'since' | 'until'>): Sql {
	return allOf([
		since === undefined ? raw('true') : sql`r.lu > ${since}::timestamptz`,
		until === undefined ? raw('true') : sql`r.lu < ${until}::timestamptz`,
	]);
}

/** The row belongs to one of the patients. */
function belongs(ctx: FhirCtx, type: string, about: Members, used: readonly string[]): Sql {
	const { count } = about;
	if (type === 'Patient') return sql`r.rk IN (SELECT m.k FROM ${members} m)`;
	if (type === 'Device') return memberWays(type, count, devicesOf(ctx));
	if (type === 'Provenance') {
		// The compartment has that of the patients themselves; that of their data belongs to them as well.
		const types = used.filter((one) => one !== 'Provenance' && hasMembers(ctx, one));
		return aimedAt(types.map((one) => ({ type: one, where: belongs(ctx, one, about, used) })));
	}
	if (helpful.includes(type)) return raw('true');
	return memberWays(type, count, compartmentParams(ctx, 'Patient', type));
}

/** Devices are in no compartment; those of a patient name the patient. */
function devicesOf({ fhir }: FhirCtx): SearchParam[] {
	const param = fhir.registry.param('Device', 'patient');
	return param === undefined ? [] : [param];
}

function memberWays(type: string, count: number, params: readonly SearchParam[]): Sql {
	const hot = params.some((param) => patientColumn(param) !== undefined);
	const salts = saltsOf(params);
	if (count > fewPatients) {
		const others = salts.map((salt) => sql`x.k - ${salt}`);
		const own = hot ? [sql`r.pat IN (SELECT m.k FROM ${members} m)`] : [];
		const keys = others.map((key) => sql`EXISTS (SELECT 1 FROM unnest(r.keys) AS x(k) JOIN ${members} m ON m.k = ${key})`);
		return anyOf([...own, ...keys]);
	}
	const own = hot ? [sql`SELECT b.rid FROM ${members} m JOIN ${table(type)} b ON b.pat = m.k`] : [];
	const keys = salts.map((salt) => sql`SELECT b.rid FROM ${members} m JOIN ${table(type)} b ON b.keys @> ARRAY[m.k + ${salt}]`);
	const ways = [...own, ...keys];
	return ways.length === 0 ? raw('false') : sql`r.rid IN (${join(ways, ' UNION ALL ')})`;
}

/** By which salts a patient may be among the keys of a row. */
function saltsOf(params: readonly SearchParam[]): Sql[] {
	return params.filter((param) => patientColumn(param)?.also !== false).map(({ code }) => raw(paramSalt(code)));
}

/** Pairs of a patient's number and a row of the type that belongs to the patient, of the patients numbered from `first` to `last`. */
export function rowsByMember(ctx: FhirCtx, type: string): (first: number, last: number) => Sql {
	const params = type === 'Device' ? devicesOf(ctx) : compartmentParams(ctx, 'Patient', type);
	const hot = params.some((param) => patientColumn(param) !== undefined);
	return (first, last) => {
		const of = sql`${members} m`;
		const range = sql`m.n BETWEEN ${first} AND ${last}`;
		if (type === 'Patient') return sql`SELECT m.n, r.rid FROM ${of} JOIN ${table(type)} r ON r.rk = m.k WHERE ${range}`;
		const own = hot ? [sql`SELECT m.n, r.rid FROM ${of} JOIN ${table(type)} r ON r.pat = m.k WHERE ${range}`] : [];
		const keys = saltsOf(params).map(
			(salt) => sql`SELECT m.n, r.rid FROM ${of} JOIN ${table(type)} r ON r.keys @> ARRAY[m.k + ${salt}] WHERE ${range}`,
		);
		return join([...own, ...keys], ' UNION ');
	};
}

/** Whether rows of the type can be told by patient. */
export function hasMembers(ctx: FhirCtx, type: string): boolean {
	return type === 'Patient' || type === 'Device' || compartmentParams(ctx, 'Patient', type).length > 0;
}

/**
 * The Provenance of what is selected: all of it, or of each resource the latest. Undefined when the caller may see none.
 * https://hl7.org/fhir/uv/bulkdata/STU2/export.html#query-parameters
 */
export async function provenanceOf(
	ctx: FhirCtx,
	tx: Tx,
	which: 'latest' | 'relevant',
	selections: readonly Selection[],
): Promise<Selection | undefined> {
	const clause = within(ctx, 'Provenance', always);
	if (clause === undefined || selections.length === 0) return undefined;
	const visible = conditionOf(rowOf(ctx, 'Provenance', 'index'), await resolve(ctx, tx, 'Provenance', clause));
	const from = sql`${fromTargets(selections)} AND ${visible}`;
	const chosen =
		which === 'relevant'
			? sql`SELECT r.rid ${from}`
			: sql`SELECT o.rid FROM (SELECT DISTINCT ON (x.k) r.rid ${from} ORDER BY x.k, r.d DESC NULLS LAST, r.lu DESC, r.rid DESC) o`;
	return { type: 'Provenance', where: sql`r.rid IN (${chosen})` };
}

/** Provenance `r` with its keys `x`, of resources that are selected. */
function fromTargets(selections: readonly Selection[]): Sql {
	const keys = selections.map(({ type, where }) => sql`SELECT r.rk FROM ${table(type)} r WHERE ${where}`);
	const salt = raw(paramSalt('target'));
	return sql`FROM ${table('Provenance')} r, unnest(r.keys) AS x(k) WHERE x.k - ${salt} IN (${join(keys, ' UNION ALL ')})`;
}

function aimedAt(selections: readonly Selection[]): Sql {
	return selections.length === 0 ? raw('false') : sql`r.rid IN (SELECT r.rid ${fromTargets(selections)})`;
}

/** Ids of what was deleted in the time and is not there again; undefined where it cannot be told whether the caller could see it. */
export function deletedOf(ctx: FhirCtx, asked: Asked, about: Members | undefined, type: string): Sql | undefined {
	// What was deleted is in no index any more: only who may see all of the type is told.
	if (within(ctx, type) !== always) return undefined;
	if (asked.level !== 'system' && helpful.includes(type)) return undefined;
	const own =
		about === undefined || asked.level === 'system'
			? raw('true')
			: asked.level === 'patient' && asked.patients === undefined
				? raw('r.pat IS NOT NULL')
				: sql`r.pat IN (SELECT m.k FROM ${members} m)`;
	const history = raw(`fhir."${type.toLowerCase()}_history"`);
	const there = sql`EXISTS (SELECT 1 FROM ${table(type)} c WHERE c.id = r.id)`;
	return sql`SELECT DISTINCT r.id FROM ${history} r WHERE r.op = 'D' AND ${timesWhere(asked)} AND ${own} AND NOT ${there} ORDER BY r.id`;
}
