// Observation/$lastn by HTTP, against what a plain reading of the specification gives.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { Statement } from '#db/database.ts';
import { Sql } from '#db/sql.ts';
import type { Resource } from '#fhir/resource.ts';
import { createRandom } from '#testing/random.ts';
import { type Answered, testServer } from '#testing/server.ts';
import { lastn } from './lastn.ts';

const server = await testServer({ after });
type Coding = { system?: string; code: string };
type Code = { coding?: Coding[]; text?: string };
type Observation = Resource & { code: Code; effectiveDateTime?: string; subject: { reference: string } };

const loinc = (code: string): Coding => ({ system: 'http://loinc.org', code });
let made = 0;
function observation(patient: string, code: Code, effectiveDateTime: string | undefined, more: object = {}): Observation {
	made++;
	return {
		resourceType: 'Observation',
		id: `o${String(made).padStart(4, '0')}`,
		status: 'final',
		category: [{ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/observation-category', code: 'laboratory' }] }],
		code,
		subject: { reference: `Patient/${patient}` },
		...(effectiveDateTime === undefined ? {} : { effectiveDateTime }),
		...more,
	};
}

async function store(resources: readonly Resource[]): Promise<void> {
	const entry = resources.map((resource) => ({ resource, request: { method: 'PUT', url: `${resource.resourceType}/${resource.id}` } }));
	const answer = await server.send('POST', '', { body: { resourceType: 'Bundle', type: 'transaction', entry } });
	assert.equal(answer.status, 200, answer.text);
}

function found(answer: Answered): Observation[] {
	assert.equal(answer.status, 200, answer.text);
	const { entry = [], total } = answer.json as Resource & { entry?: { resource: Observation; search: { mode: string } }[]; total: number };
	const matches = entry.filter(({ search }) => search.mode === 'match').map(({ resource }) => resource);
	assert.equal(total, matches.length);
	return matches;
}

const get = async (query: string, as = 'admin'): Promise<Observation[]> =>
	found(await server.send('GET', `Observation/$lastn?${query}`, { as }));
const idsOf = (observations: readonly Observation[]): string[] => observations.map(({ id }) => id as string);

/** The specification's rule, read plainly: groups of codes that share a coding, closed over third ones; text alone by its text. */
function expected(observations: readonly Observation[], max: number): Set<string> {
	const groups: { words: Set<string>; members: Observation[] }[] = [];
	for (const one of observations) {
		const codings = (one.code.coding ?? []).map(({ system = '', code }) => `${system}|${code}`);
		const words = new Set(codings.length > 0 ? codings : [one.code.text ?? '']);
		const touching = groups.filter((group) => [...words].some((word) => group.words.has(word)));
		const merged = {
			words: new Set([...words, ...touching.flatMap((group) => [...group.words])]),
			members: [one, ...touching.flatMap(({ members }) => members)],
		};
		for (const group of touching) groups.splice(groups.indexOf(group), 1);
		groups.push(merged);
	}
	const time = (one: Observation): number =>
		one.effectiveDateTime === undefined ? Number.NEGATIVE_INFINITY : Date.parse(one.effectiveDateTime);
	const kept = groups.flatMap(({ members }) => {
		const sorted = members.toSorted((x, y) => time(y) - time(x));
		return sorted.filter((one) => sorted.filter((other) => time(other) > time(one)).length < max);
	});
	return new Set(idsOf(kept));
}

await store([
	{ resourceType: 'Patient', id: 'p' },
	{ resourceType: 'Patient', id: 'q' },
]);

test('the specification’s table of groups', async () => {
	const a = { coding: [loinc('a')] };
	const b = { coding: [loinc('b')] };
	const cases: readonly (readonly [codes: readonly Code[], groups: number])[] = [
		[[a, b, { coding: [loinc('c')] }], 3],
		[[a, b, { coding: [loinc('a'), loinc('c')] }], 2],
		[[a, b, { coding: [loinc('a'), loinc('b')] }], 1],
		[[{ text: 'textM' }, { text: 'Text' }, { text: 't e x t' }], 3],
		[[a, { coding: [{ system: 'urn:other', code: 'a' }] }, { coding: [{ code: 'a' }] }], 3],
		[[{ text: '[' }, { text: 'c[' }, { coding: [{ display: 'no code' }] as never }, { text: '|a' }, { coding: [{ code: 'a' }] }], 5],
		[[{ coding: [loinc('x'), loinc('y')] }, { coding: [loinc('z'), loinc('y')] }, { coding: [loinc('z')], text: 'zed' }], 1],
	];
	for (const [index, [codes, groups]] of cases.entries()) {
		const patient = `table${index}`;
		await store([{ resourceType: 'Patient', id: patient }, ...codes.map((code, i) => observation(patient, code, `2020-01-0${i + 1}`))]);
		assert.equal((await get(`patient=${patient}&category=laboratory`)).length, groups, JSON.stringify(codes));
	}
});

test('the latest of each kind, newest first, and all that share the last time', async () => {
	const patient = 'ties';
	const code = { coding: [loinc('t')] };
	const days = ['2020-01-01', '2020-01-05', '2020-01-03', '2020-01-03', '2020-01-02'];
	const observations = days.map((day) => observation(patient, code, day));
	await store([{ resourceType: 'Patient', id: patient }, ...observations, observation(patient, code, undefined)]);
	const dates = async (max: number): Promise<(string | undefined)[]> =>
		(await get(`patient=${patient}&category=laboratory&max=${max}`)).map(({ effectiveDateTime }) => effectiveDateTime);
	assert.deepEqual(await dates(1), ['2020-01-05']);
	assert.deepEqual(await dates(2), ['2020-01-05', '2020-01-03', '2020-01-03']);
	assert.deepEqual(await dates(3), ['2020-01-05', '2020-01-03', '2020-01-03']);
	assert.deepEqual(await dates(100), ['2020-01-05', '2020-01-03', '2020-01-03', '2020-01-02', '2020-01-01', undefined]);
});

test('for generated records it gives what the plain rule gives', async () => {
	const random = createRandom(41);
	for (let round = 0; round < 6; round++) {
		const patient = `gen${round}`;
		const codings = (): Coding[] => Array.from({ length: random.between(1, 3) }, () => loinc(`g${random.below(12)}`));
		const code = (): Code =>
			random.chance(0.2)
				? { text: `T${random.below(4)}` }
				: { coding: codings(), ...(random.chance(0.3) ? { text: `t${random.below(99)}` } : {}) };
		const observations = Array.from({ length: 40 }, () =>
			observation(patient, code(), random.chance(0.1) ? undefined : `2021-0${random.between(1, 9)}-1${random.below(10)}`),
		);
		await store([{ resourceType: 'Patient', id: patient }, ...observations]);
		for (const max of [1, 2, 5]) {
			assert.deepEqual(
				new Set(idsOf(await get(`patient=${patient}&category=laboratory&max=${max}`))),
				expected(observations, max),
				`round ${round}, max ${max}`,
			);
		}
	}
});

test('other search parameters narrow what is looked at; codes alone will do; subject as patient', async () => {
	const patient = 'p';
	await store([
		observation(patient, { coding: [loinc('n')] }, '2020-01-01', { id: 'old' }),
		observation(patient, { coding: [loinc('n')] }, '2022-01-01', { id: 'prelim', status: 'preliminary' }),
		observation(patient, { coding: [loinc('m')] }, '2019-01-01', { id: 'm' }),
		observation('q', { coding: [loinc('n')] }, '2023-01-01', { id: 'others' }),
	]);
	assert.deepEqual(idsOf(await get('patient=p&code=http://loinc.org|n')), ['prelim']);
	assert.deepEqual(idsOf(await get('subject=Patient/p&code=n&status=final')), ['old']);
	assert.deepEqual(idsOf(await get('patient:Patient=p&category=laboratory&date=lt2020')), ['m']);
	assert.deepEqual(idsOf(await get('patient=p,q&code=n')).toSorted(), ['others', 'prelim'], 'kinds are each patient’s own');
	const body = {
		resourceType: 'Parameters',
		parameter: [
			{ name: 'patient', valueString: 'p' },
			{ name: 'code', valueString: 'n' },
			{ name: 'max', valuePositiveInt: 2 },
		],
	};
	assert.deepEqual(idsOf(found(await server.send('POST', 'Observation/$lastn', { body }))), ['prelim', 'old']);
	assert.deepEqual(await get('patient=nobody&code=n'), []);
});

test('what the caller may not see is as if it were not there', async () => {
	server.caller('q', [{ type: 'Observation', interactions: ['read', 'search'], patient: 'q' }]);
	assert.deepEqual(await get('patient=p&code=n', 'q'), []);
	assert.deepEqual(idsOf(await get('patient=q&code=n', 'q')), ['others']);
	server.caller('final', [{ type: 'Observation', interactions: ['read', 'search'], query: 'status=final' }]);
	assert.deepEqual(idsOf(await get('patient=p&code=n', 'final')), ['old']);
	server.caller('none', [{ type: 'Patient', interactions: ['read', 'search'] }]);
	assert.equal((await server.send('GET', 'Observation/$lastn?patient=p&code=n', { as: 'none' })).status, 403);
});

for (const query of [
	'',
	'patient=p',
	'code=n',
	'category=laboratory',
	'patient=p&code=n&max=0',
	'patient=p&code=n&max=x',
	'patient=p&code=n&max=1&max=2',
	'patient=p&code=n&date=never',
]) {
	test(`$lastn?${query} is refused`, async () => {
		assert.equal((await server.send('GET', `Observation/$lastn?${query}`)).status, 400);
	});
}

test('what it does nothing with is reported, or refused when the client is strict', async () => {
	const query = 'Observation/$lastn?patient=p&code=n&unknown=1&_sort=date';
	const { json } = await server.send('GET', query);
	const outcome = (json.entry as { resource: Resource; search: { mode: string } }[]).find(
		({ search }) => search.mode === 'outcome',
	)?.resource;
	assert.equal((outcome as { issue: unknown[] } | undefined)?.issue.length, 2);
	assert.equal((await server.send('GET', query, { headers: { prefer: 'handling=strict' } })).status, 400);
});

test('one statement, led by the patient’s index', async () => {
	const { ctx } = server;
	const sent: Statement[] = [];
	const rows = (statement: Statement): Promise<unknown[][]> => {
		sent.push(statement);
		return ctx.db.rows(statement);
	};
	const request = { headers: {} } as Parameters<typeof lastn.run>[1]['request'];
	await lastn.run({ ...ctx, db: { ...ctx.db, rows } }, { type: 'Observation', query: 'patient=p&category=laboratory&max=3', request });
	assert.equal(sent.length, 1);
	const [statement] = sent as [Sql];
	await ctx.db.execute(new Sql(['ANALYZE fhir.observation'], []));
	const plan = (await ctx.db.rows(new Sql(['EXPLAIN (COSTS OFF) ', ''], [statement]))).join('\n');
	assert.match(plan, /observation_pat/);
	assert.doesNotMatch(plan, /Seq Scan on observation/);
});
