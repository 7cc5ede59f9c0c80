// What every route promises of names, deletes and lists, tried on all of them: a record is named by its number or its UUID wherever it is
// named, what is deleted can be brought back, and every list pages, sorts and tells what has changed.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { Resource } from '#fhir/resource.ts';
import { testServer } from '#testing/server.ts';
import { recordIn } from '#testing/standard.ts';
import { createStandardRecords, label, type Made, type Naming, namesOne, pathOf } from '#testing/standard-records.ts';
import type { Field } from './mapping.ts';
import { standardRows } from './routes.ts';
import type { StandardRow } from './row.ts';

const server = await testServer({ after });
const { world, sampleOf, idsIn, ownFor, made } = await createStandardRecords(server);
const mine = await world();
const records = standardRows.filter(
	({ isRaw, resource, isPublic }) => isRaw !== true && isPublic !== true && resource !== 'background_service',
);
type Row = Record<string, unknown>;

/** Routes by themselves: they share nothing but the patient. */
const each = <T>(list: readonly T[], work: (one: T) => Promise<void>): Promise<unknown> => Promise.all(list.map(work));

test('a record is named by its number or its UUID in every path', async () => {
	let tried = 0;
	await each(
		records.filter(({ path, does }) => path.includes('/:') && !path.startsWith('/list') && !does.startsWith('$')),
		async (row) => {
			for (const naming of ['number', 'uuid'] as Naming[]) {
				const own = namesOne(row) ? await ownFor(row, mine) : undefined;
				assert.ok(own !== undefined || !namesOne(row), `${label(row)}: nothing to try it with`);
				const body = row.method === 'GET' || row.method === 'DELETE' ? {} : { body: sampleOf(row.resource, mine) };
				const answer = await server.api(row.method, pathOf(row, mine, own, naming), body);
				const isEmpty = row.does === 'search' && answer.status === 404;
				assert.ok(answer.status === 200 || answer.status === 201 || isEmpty, `${label(row)} by ${naming}: ${answer.status} ${answer.text}`);
				if (row.does === 'read' && own !== undefined) {
					const other = await server.api('GET', pathOf(row, mine, own, naming === 'uuid' ? 'number' : 'uuid'));
					assert.equal(answer.text, other.text, label(row));
				}
				tried++;
			}
		},
	);
	assert.ok(tried > 120, String(tried));
});

test('a record is named by its number or its UUID in every field that names one', async () => {
	const of = async (resource: string, path: string): Promise<Made> => made(resource, path, sampleOf(resource, mine));
	const location = { resourceType: 'Location', name: 'Room', status: 'active' };
	const targets: Readonly<Record<string, Made>> = {
		Patient: mine.patient,
		Encounter: mine.encounter,
		Practitioner: await of('practitioner', 'api/practitioner'),
		Organization: await of('facility', 'api/facility'),
		Medication: (await ownFor(records.find(({ resource }) => resource === 'drug') as StandardRow, mine)) as Made,
		Location: await idsIn('Location', { uuid: (await server.send('POST', 'Location', { body: location })).json.id }),
	};
	const refers = ({ to, isReadOnly }: Field): boolean => to !== undefined && isReadOnly !== true;
	let tried = 0;
	await each(
		records.filter(({ does, method }) => does === 'update' && method === 'PUT'),
		async (row) => {
			const fields = row.mapping?.fields.filter(refers) ?? [];
			if (fields.length === 0) return;
			const own = (await ownFor(row, mine)) as Made;
			for (const { name, to, as } of fields) {
				const target = to?.map((type) => targets[type]).find((one) => one !== undefined);
				assert.ok(target !== undefined, `${label(row)} ${name}: ${to}`);
				for (const value of [target.number, String(target.number), target.id]) {
					const answer = await server.api('PUT', pathOf(row, mine, own), { body: { ...sampleOf(row.resource, mine), [name]: value } });
					assert.equal(answer.status, 200, `${label(row)} ${name} = ${value}: ${answer.text}`);
					const shown = recordIn((await server.api('GET', pathOf(row, mine, own))).json)[name];
					assert.equal(shown, as === 'uuid' ? target.id : target.number, `${label(row)} ${name} = ${value}`);
					tried++;
				}
			}
		},
	);
	assert.ok(tried > 40, String(tried));
});

/** What a resource says of being in use. */
const isOut = ({ status, verificationStatus, active }: Resource): boolean =>
	active === false || JSON.stringify([status, verificationStatus]).includes('entered-in-error');

test('what is deleted is out of sight, is kept, and can be brought back', async () => {
	const deleting = records.filter(({ does }) => does === 'delete');
	const kinds = new Set(deleting.map(({ resource }) => resource));
	// Patients and users are not taken back; values, drugs and kinds of payers are only read.
	const without = ['patient', 'user', 'list', 'drug', 'insurance_type'];
	assert.deepEqual([...new Set(records.map(({ resource }) => resource))].filter((one) => !kinds.has(one)).sort(), without.toSorted());
	await each(deleting, async (row) => {
		const own = (await ownFor(row, mine)) as Made;
		const path = pathOf(row, mine, own);
		const fhir = `${row.type}/${own.id}`;
		const before = (await server.send('GET', fhir)).json;
		assert.equal((await server.api('DELETE', path)).status, 200, label(row));
		const gone = (await server.send('GET', fhir)).json;
		assert.ok(isOut(gone), `${label(row)}: ${JSON.stringify(gone)}`);
		const history = (await server.send('GET', `${fhir}/_history`)).json as { entry?: unknown[] };
		assert.ok((history.entry?.length ?? 0) >= 2, label(row));
		const reading = records.find(({ path: other, does }) => other === row.path && does === 'read');
		// What was only taken out of use can still be looked at.
		if (reading !== undefined && gone.active !== false)
			assert.ok([400, 404].includes((await server.api('GET', path)).status), `${label(row)}: still there`);
		const { meta: _, ...former } = before;
		const back = await server.send('PUT', fhir, { body: former });
		assert.equal(back.status, 200, `${label(row)}: ${back.text}`);
		// A vital record is its panel with its members, which come back one by one.
		if (reading !== undefined) assert.equal((await server.api('GET', path)).status, 200, `${label(row)}: not back`);
	});
});

/** Records of an answer, whatever its style, and the address of the next page. */
async function pageAt(path: string): Promise<{ readonly rows: readonly Row[]; readonly next: string | undefined }> {
	const answer = await server.api('GET', path);
	if (answer.status === 404 && answer.text === '') return { rows: [], next: undefined };
	assert.ok(answer.status === 200 || answer.status === 404, `${path}: ${answer.status} ${answer.text}`);
	const json = answer.json as unknown as { data?: unknown; links?: { next?: string } };
	const all = (Array.isArray(json) ? json : json.data) as unknown[];
	const next = json.links?.next ?? /<([^>]+)>; rel="next"/.exec(answer.headers.get('link') ?? '')?.[1];
	// Transactions come in a list in a list.
	return { rows: all.flat() as Row[], next: next?.slice(next.indexOf('api/')) };
}

const nameIn = (row: Row): string =>
	String(row.uuid ?? row.euuid ?? row.pc_uuid ?? row.id ?? row.form_id ?? row.mid ?? JSON.stringify(row));

test('every list pages, sorts and tells what has changed', async () => {
	const lists = records.filter(({ does, mapping }) => does === 'search' && mapping !== undefined);
	for (const row of lists) for (let i = 0; i < 3; i++) await ownFor(row, mine);
	assert.ok(lists.length >= 25, String(lists.length));
	await each(lists, async (row) => {
		const path = pathOf(row, mine);
		const { rows: all } = await pageAt(`${path}?_limit=1000`);
		assert.ok(all.length >= (row.resource === 'patient' ? 1 : 3), `${label(row)}: only ${all.length}`);
		const paged: Row[] = [];
		for (let at: string | undefined = `${path}?_limit=2`; at !== undefined && paged.length < 200; ) {
			const { rows, next } = await pageAt(at);
			assert.ok(rows.length <= 2, label(row));
			paged.push(...rows);
			at = next;
		}
		assert.deepEqual(paged.map(nameIn), all.map(nameIn), `${label(row)}: pages`);
		const { rows: second } = await pageAt(`${path}?_limit=1&_offset=1`);
		assert.deepEqual(second.map(nameIn), [nameIn(all[1] ?? {})].slice(0, all.length - 1), `${label(row)}: from the second`);
		assert.deepEqual((await pageAt(`${path}?_lastUpdated=gt2199-01-01`)).rows, [], `${label(row)}: changed in the future`);
		assert.equal((await pageAt(`${path}?_limit=1000&_lastUpdated=gt2001-01-01`)).rows.length, all.length, `${label(row)}: changed since`);
		for (const { name } of row.mapping?.fields.filter(({ sort }) => sort !== undefined) ?? []) {
			const values = async (order: string): Promise<string[]> =>
				(await pageAt(`${path}?_limit=1000&_sort=${order}${name}`)).rows.map((one) => String(one[name] ?? ''));
			const [up, down] = [await values(''), await values('-')];
			assert.equal(up.length, all.length, `${label(row)} by ${name}`);
			const order = (list: readonly string[]): string[] => list.filter((value) => value !== '').map((value) => value.toLowerCase());
			assert.deepEqual(order(up), order(up).toSorted(), `${label(row)} by ${name}`);
			assert.deepEqual(order(down), order(down).toSorted().reverse(), `${label(row)} by -${name}`);
		}
		const general = row.resource === 'vital' ? ['date'] : ['id', '-uuid', '-last_updated'];
		for (const order of general) assert.equal((await pageAt(`${path}?_limit=1000&_sort=${order}`)).rows.length, all.length, label(row));
	});
});
