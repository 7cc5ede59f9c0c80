// Pages of vital records: each record once and whole, however its Observations came, and no more rows than that takes.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { Resource } from '#fhir/resource.ts';
import { createRandom } from '#testing/random.ts';
import { testServer } from '#testing/server.ts';

const server = await testServer({ after });
type Row = Record<string, unknown>;
type Answer = { readonly records: readonly Row[]; readonly next: string | undefined };

async function get(path: string): Promise<Answer> {
	const answer = await server.api('GET', path);
	assert.ok(answer.status === 200 || answer.status === 404, answer.text);
	const next = /<([^>]+)>; rel="next"/.exec(answer.headers.get('link') ?? '')?.[1];
	return {
		records: answer.status === 404 ? [] : (answer.json as unknown as Row[]),
		next: next === undefined ? undefined : next.slice(next.indexOf('api/patient')),
	};
}

/** All pages, one after the other. */
async function follow(path: string): Promise<Row[][]> {
	const pages: Row[][] = [];
	for (let at: string | undefined = path; at !== undefined; ) {
		const { records, next } = await get(at);
		pages.push([...records]);
		at = next;
		assert.ok(pages.length < 200, 'pages without end');
	}
	return pages;
}

const vitalSigns = [{ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/observation-category', code: 'vital-signs' }] }];

function observation(patient: string, id: string, code: string, effective: object, more: object = {}): Resource {
	return {
		resourceType: 'Observation',
		id,
		status: 'final',
		category: vitalSigns,
		subject: { reference: `Patient/${patient}` },
		code: { coding: [{ system: 'http://loinc.org', code }] },
		...effective,
		...more,
	};
}

const pulse = (value: number): object => ({ valueQuantity: { value, unit: '/min', system: 'http://unitsofmeasure.org', code: '/min' } });

async function put(...resources: Resource[]): Promise<void> {
	for (const body of resources) {
		const { status, text } = await server.send('PUT', `${body.resourceType}/${body.id}`, { body });
		assert.ok(status < 300, text);
	}
}

/** A patient with records of every kind, many of them at the same times. Gives how many records there are. */
async function chart(id: string, seed: number): Promise<number> {
	await put({ resourceType: 'Patient', id });
	const random = createRandom(seed, 0);
	const day = (): string => `2024-0${random.between(1, 3)}-0${random.between(1, 4)}`;
	let records = 0;
	for (let i = 0; i < 14; i++, records++) {
		const date = random.chance(0.5) ? day() : `${day()} 0${random.between(8, 9)}:00:00`;
		const { status, text } = await server.api('POST', `api/patient/${id}/vital`, {
			body: { date, pulse: 50 + i, bps: 120, bpd: 70, weight: 150 },
		});
		assert.equal(status, 201, text);
	}
	// Without a panel, by themselves and two of one time.
	for (let i = 0; i < 4; i++, records++) {
		const effectiveDateTime = `2024-0${i + 1}-09T10:00:00Z`;
		await put(observation(id, `${id}-alone-${i}`, '8867-4', { effectiveDateTime }, pulse(90 + i)));
		if (i % 2 === 0) await put(observation(id, `${id}-beside-${i}`, '9279-1', { effectiveDateTime }, pulse(14)));
	}
	// A panel whose member was measured days before, one over some time, and one that nobody dated.
	const hasMember = [{ reference: `Observation/${id}-early` }];
	await put(
		observation(id, `${id}-early`, '8867-4', { effectiveDateTime: '2024-01-03T09:00:00Z' }, pulse(101)),
		observation(id, `${id}-late`, '85353-1', { effectiveDateTime: '2024-03-20' }, { hasMember }),
		observation(id, `${id}-long`, '8867-4', { effectivePeriod: { start: '2024-02-01T00:00:00Z', end: '2024-02-27' } }, pulse(102)),
		observation(id, `${id}-undated`, '8867-4', {}, pulse(103)),
	);
	return records + 3;
}

for (const seed of [1, 2]) {
	test(`pages hold each record once and whole, whatever their size (${seed})`, async () => {
		const id = `patient-${seed}`;
		const count = await chart(id, seed);
		for (const order of ['', '&_sort=date', '&_sort=-date']) {
			const [all] = (await follow(`api/patient/${id}/vital?_limit=1000${order}`)) as [Row[]];
			assert.equal(all.length, count);
			assert.equal(new Set(all.map(({ uuid }) => uuid)).size, count);
			assert.equal(all.at(-1)?.pulse, '103.000000', 'what has no date comes last');
			assert.equal(all.find(({ uuid }) => uuid === `${id}-late`)?.pulse, '101.000000');
			const dates = all.flatMap(({ date }) => (date === null ? [] : [String(date)]));
			const sorted = dates.toSorted();
			assert.deepEqual(dates, order === '&_sort=date' ? sorted : sorted.reverse());
			for (const limit of [1, 2, 3, 7, 20]) {
				const pages = await follow(`api/patient/${id}/vital?_limit=${limit}${order}`);
				const name = (row: Row): string => `${row.date} ${row.id}`;
				assert.deepEqual(pages.flat().map(name), all.map(name), `${limit} ${order}`);
				assert.deepEqual(pages.flat(), all, `${limit} ${order}`);
				assert.ok(pages.slice(0, -1).every((page) => page.length === limit));
			}
			for (const offset of [1, 5, 16, 40]) {
				const { records } = await get(`api/patient/${id}/vital?_limit=3&_offset=${offset}${order}`);
				assert.deepEqual(records, all.slice(offset, offset + 3), `from ${offset}`);
			}
		}
	});
}

test('a record that was changed in one of its measurements is listed whole by _lastUpdated', async () => {
	const made = await server.api('POST', 'api/patient/patient-1/vital', { body: { date: '2023-05-05', pulse: 60, weight: 150 } });
	const { uuid } = made.json as unknown as { uuid: string };
	const head = (await server.send('GET', `Observation/${uuid}`)).json;
	await new Promise((resolve) => setTimeout(resolve, 20));
	const since = new Date().toISOString();
	const member = (await server.send('GET', (head.hasMember as { reference: string }[])[0]?.reference as string)).json;
	await put({ ...member, status: 'amended' });
	const { records } = await get(`api/patient/patient-1/vital?_lastUpdated=ge${since}`);
	assert.deepEqual(
		records.map((record) => [record.uuid, record.pulse, record.weight]),
		[[uuid, '60.000000', '150.000000']],
	);
});

test('a page of nowhere is refused', async () => {
	for (const page of [
		'nonsense',
		'e30',
		Buffer.from('[8640000000000000,1]').toString('base64url'),
		Buffer.from('[1e99,1]').toString('base64url'),
		Buffer.from('["x",{}]').toString('base64url'),
	])
		assert.equal((await server.api('GET', `api/patient/patient-1/vital?_page=${page}`)).status, 400, page);
});
