import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { Resource } from '#fhir/resource.ts';
import { observation, patient, refusal, testStore } from '#testing/store.ts';
import { checkIndexes } from './check.ts';

const t = await testStore({ after });

const put = (id: string, resource: Resource, more: object = {}) =>
	t.store.write(t.ctx, { type: resource.resourceType, id, op: 'U', resource, ...more });
const remove = (type: string, id: string, more: object = {}) => t.store.write(t.ctx, { type, id, op: 'D', resource: null, ...more });

test('a create is version 1 and is read back as the very same text', async () => {
	const id = t.ctx.ids.next();
	const resource = patient('Čapek 👩🏽‍⚕️ "quoted" \\ back\nline', { meta: { profile: ['http://x.org/p'], versionId: '9' } });
	const before = JSON.stringify(resource);
	const written = await t.store.write(t.ctx, { type: 'Patient', id, op: 'C', resource });
	assert.equal(JSON.stringify(resource), before);
	assert.deepEqual([written.version, written.created, written.previous, written.op], [1, true, null, 'C']);
	const when = new Date(written.updated).toISOString();
	assert.deepEqual(JSON.parse(written.body), {
		...resource,
		id,
		meta: { versionId: '1', lastUpdated: when, profile: ['http://x.org/p'] },
	});
	const read = await t.store.read(t.ctx, 'Patient', id);
	assert.deepEqual(read, { type: 'Patient', id, rid: written.rid, version: 1, updated: written.updated, op: 'C', body: written.body });
	assert.deepEqual(await t.store.vread(t.ctx, 'Patient', id, 1), read);
	assert.equal(await t.store.vread(t.ctx, 'Patient', id, 2), undefined);
});

test('numbers keep the text that rawJSON gives them', async () => {
	const rawJSON = (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON;
	class Decimal extends Number {
		readonly text: string;
		constructor(text: string) {
			super(text);
			this.text = text;
		}
		toJSON(): unknown {
			return rawJSON(this.text);
		}
	}
	const resource = observation('decimals', { valueQuantity: { value: new Decimal('1.10') } });
	await put('decimals', patient('D'));
	const first = await put('dec', resource);
	assert.match(first.body, /"value":1\.10}/);
	const second = await put('dec', { ...resource, valueQuantity: { value: new Decimal('1.100') } });
	assert.match(second.body, /"value":1\.100}/);
	assert.equal((await t.store.vread(t.ctx, 'Observation', 'dec', 1))?.body, first.body);
});

test('updates count versions, keep each of them and say when nothing is new', async () => {
	const bodies: string[] = [];
	for (let i = 1; i <= 40; i++) {
		const written = await put('many', patient(`Name ${i}`));
		assert.deepEqual([written.version, written.created, written.previous], [i, i === 1, i === 1 ? null : i - 1]);
		bodies.push(written.body);
	}
	const same = await put('many', { ...patient('Name 40'), meta: { versionId: '3', lastUpdated: '2001-01-01T00:00:00Z' } });
	assert.deepEqual([same.version, same.unchanged, same.body], [40, true, bodies[39]]);
	for (let i = 1; i <= 40; i++) assert.equal((await t.store.vread(t.ctx, 'Patient', 'many', i))?.body, bodies[i - 1]);
});

test('a change of meta alone is a new version', async () => {
	await put('tags', patient('T'));
	const tagged = await put('tags', { ...patient('T'), meta: { tag: [{ system: 'http://x.org', code: 'a' }] } });
	assert.equal(tagged.version, 2);
	assert.match(tagged.body, /"lastUpdated":"[^"]+","tag":\[{"system":"http:\/\/x\.org","code":"a"}\]},"active"/);
});

test('a delete leaves a mark, and an update goes on from there', async () => {
	await put('gone', patient('G'));
	const deleted = await remove('Patient', 'gone');
	assert.deepEqual([deleted.version, deleted.op, deleted.body, deleted.previous], [2, 'D', '', 1]);
	const mark = await t.store.read(t.ctx, 'Patient', 'gone');
	assert.deepEqual([mark?.op, mark?.version, mark?.updated], ['D', 2, deleted.updated]);
	assert.equal((await remove('Patient', 'gone')).unchanged, true);
	assert.equal((await t.store.vread(t.ctx, 'Patient', 'gone', 2))?.op, 'D');
	const back = await put('gone', patient('Back'));
	assert.deepEqual([back.version, back.created, back.previous, back.rid], [3, true, null, deleted.rid]);
	await put('gone', patient('Back again'));
	assert.equal((await remove('Patient', 'gone')).version, 5);
	const { entries, total } = await t.store.history(t.ctx, { type: 'Patient', id: 'gone', count: 10 });
	assert.deepEqual(
		entries.map(({ version, op }) => [version, op]),
		[
			[5, 'D'],
			[4, 'U'],
			[3, 'U'],
			[2, 'D'],
			[1, 'U'],
		],
	);
	assert.equal(total, 5);
	assert.match((await t.store.vread(t.ctx, 'Patient', 'gone', 3))?.body ?? '', /"family":"Back"/);
	const never = await remove('Patient', 'never-was');
	assert.deepEqual([never.unchanged, never.version], [true, 0]);
	assert.equal(await t.store.read(t.ctx, 'Patient', 'never-was'), undefined);
});

test('If-Match, If-None-Match and onlyIfAbsent', async () => {
	await put('pre', patient('P'));
	assert.equal(await refusal(put('pre', patient('Q'), { expect: 2 })), 'version-mismatch');
	assert.equal((await put('pre', patient('Q'), { expect: 1 })).version, 2);
	assert.equal(await refusal(put('pre-not', patient('Q'), { expect: 1 })), 'version-mismatch');
	assert.equal(await refusal(remove('Patient', 'pre', { expect: 1 })), 'version-mismatch');
	assert.equal(await refusal(remove('Patient', 'pre-not', { expect: 1 })), 'version-mismatch');
	assert.equal(await refusal(put('pre', patient('R'), { ifNoneMatch: true })), 'already-exists');
	const left = await put('pre', patient('R'), { onlyIfAbsent: true });
	assert.deepEqual([left.unchanged, left.version], [true, 2]);
	assert.match(left.body, /"family":"Q"/);
	await remove('Patient', 'pre', { expect: 2 });
	assert.equal((await put('pre', patient('S'), { ifNoneMatch: true })).version, 4);
	assert.equal((await put('pre-new', patient('S'), { onlyIfAbsent: true })).created, true);
});

test('what is no type or no id is refused, also when it is meant to harm', async () => {
	assert.equal(await refusal(put('x', { resourceType: 'Patient" ; DROP' })), 'type-unknown');
	assert.equal(await refusal(t.store.read(t.ctx, 'Foo', 'x')), 'type-unknown');
	assert.equal(await refusal(t.store.vread(t.ctx, '__proto__', 'x', 1)), 'type-unknown');
	assert.equal(await refusal(t.store.history(t.ctx, { type: 'Foo', count: 1 })), 'type-unknown');
	for (const id of ['', 'a"b', 'a b', 'é', 'x'.repeat(65), '../x']) assert.equal(await refusal(put(id, patient('X'))), 'id-invalid');
	assert.equal(await t.store.read(t.ctx, 'Patient', "'; DROP TABLE x"), undefined);
	assert.equal((await put('null', patient('Null'))).version, 1);
	const strange = JSON.parse('{"resourceType":"Patient","__proto__":{"polluted":true},"constructor":{"a":1}}') as Resource;
	const written = await put('proto', strange);
	assert.match(written.body, /"__proto__":{"polluted":true},"constructor":{"a":1}}$/);
});

test('an id may be any that FHIR allows, whatever SQL thinks of it', async () => {
	for (const id of ['NULL', 'Null', '-', '1.0', 'a'.repeat(64)]) {
		await put(id, patient(id));
		assert.equal((await t.store.read(t.ctx, 'Patient', id))?.version, 1);
		assert.equal((await put(id, patient(`${id} x`))).version, 2);
		assert.equal((await remove('Patient', id)).version, 3);
	}
});

test('large and odd values are stored or refused, never half', async () => {
	const long = patient('L', { contact: Array.from({ length: 5000 }, (_, i) => ({ name: { text: `Contact ${i} äöü` } })) });
	const first = await put('large', long);
	const second = await put('large', { ...long, gender: 'other' });
	assert.equal((await t.store.vread(t.ctx, 'Patient', 'large', 1))?.body, first.body);
	assert.equal((await t.store.read(t.ctx, 'Patient', 'large'))?.body, second.body);
	const odd = await put('odd', patient('\ud800 lone \udc00 \uffff'));
	assert.equal(await refusal(put('nul', patient('\u0000'))), 'not-storable');
	assert.equal(await t.store.read(t.ctx, 'Patient', 'nul'), undefined);
	assert.deepEqual(JSON.parse((await t.store.read(t.ctx, 'Patient', 'odd'))?.body ?? '').name, JSON.parse(odd.body).name);
});

test('a transaction is done whole or not at all, and sees its own writes', async () => {
	const written = await t.store.transact(t.ctx, async (unit) => {
		const first = await unit.write([
			{ type: 'Observation', id: 'tx-o', op: 'U', resource: observation('tx-p') },
			{ type: 'Patient', id: 'tx-p', op: 'U', resource: patient('Tx') },
		]);
		assert.equal((await unit.read('Patient', 'tx-p'))?.version, 1);
		assert.equal(await unit.read('Patient', 'tx-none'), undefined);
		const second = await unit.write([{ type: 'Patient', id: 'tx-p', op: 'U', resource: patient('Tx 2') }]);
		return [...first, ...second];
	});
	assert.deepEqual(
		written.map(({ id, version }) => [id, version]),
		[
			['tx-o', 1],
			['tx-p', 1],
			['tx-p', 2],
		],
	);
	await assert.rejects(
		t.store.transact(t.ctx, async (unit) => {
			await unit.write([{ type: 'Patient', id: 'tx-lost', op: 'U', resource: patient('Lost') }]);
			throw new Error('changed my mind');
		}),
		/changed my mind/,
	);
	assert.equal(await t.store.read(t.ctx, 'Patient', 'tx-lost'), undefined);
	const lost = t.store.transact(t.ctx, async (unit) => {
		await unit.write([{ type: 'Patient', id: 'tx-lost', op: 'U', resource: patient('Lost') }]);
		await unit.write([{ type: 'Patient', id: 'tx-p', op: 'U', resource: patient('Lost'), expect: 1 }]).catch(() => undefined);
	});
	assert.equal(await refusal(lost), 'version-mismatch');
	assert.equal(await t.store.read(t.ctx, 'Patient', 'tx-lost'), undefined);
});

test('a large transaction goes in parts, and is lost whole when one of them is bad', async () => {
	const many = (name: string, bad = -1) =>
		Array.from({ length: 700 }, (_, i) => ({
			type: 'Patient',
			id: `${name}-${i}`,
			op: 'U' as const,
			resource: patient(i === bad ? '\u0000' : `N${i}`),
		}));
	const written = await t.store.transact(t.ctx, (unit) => unit.write(many('large')));
	assert.deepEqual(
		written.map(({ id }) => id),
		many('large').map(({ id }) => id),
	);
	assert.equal(new Set(written.map(({ rid }) => rid)).size, 700);
	for (const bad of [10, 400, 699]) {
		assert.equal(await refusal(t.store.transact(t.ctx, (unit) => unit.write(many('larger', bad)))), 'not-storable');
		assert.equal(await t.store.read(t.ctx, 'Patient', 'larger-0'), undefined);
	}
	const stale = many('large').map((write, i) => (i === 600 ? { ...write, expect: 7 } : write));
	assert.equal(await refusal(t.store.transact(t.ctx, (unit) => unit.write(stale))), 'version-mismatch');
	const twice = [...many('twice'), ...many('twice').slice(0, 1)];
	await assert.rejects(
		t.store.transact(t.ctx, (unit) => unit.write(twice)),
		/two writes of one resource/,
	);
	assert.equal(await t.store.read(t.ctx, 'Patient', 'twice-0'), undefined);
});

test('references are checked when a transaction ends, and what it breaks it may mend', async () => {
	const dangling = t.store.transact(t.ctx, (unit) =>
		unit.write([{ type: 'Observation', id: 'ref-o', op: 'U', resource: observation('ref-none') }]),
	);
	assert.equal(await refusal(dangling), 'reference-not-found');
	await t.store.transact(t.ctx, async (unit) => {
		await unit.write([{ type: 'Observation', id: 'ref-o', op: 'U', resource: observation('ref-p') }]);
		await unit.write([{ type: 'Patient', id: 'ref-p', op: 'U', resource: patient('R') }]);
	});
	const needed = t.store.transact(t.ctx, (unit) => unit.write([{ type: 'Patient', id: 'ref-p', op: 'D', resource: null }]));
	assert.equal(await refusal(needed), 'still-referenced');
	await t.store.transact(t.ctx, async (unit) => {
		await unit.write([{ type: 'Patient', id: 'ref-p', op: 'D', resource: null }]);
		await unit.write([{ type: 'Observation', id: 'ref-o', op: 'D', resource: null }]);
	});
	await t.store.transact(t.ctx, async (unit) => {
		await unit.write([{ type: 'Observation', id: 'ref-o', op: 'U', resource: observation('ref-p') }]);
		await unit.write([{ type: 'Observation', id: 'ref-o', op: 'U', resource: observation('many') }]);
	});
	await t.store.transact(t.ctx, async (unit) => {
		await unit.write([{ type: 'Patient', id: 'many', op: 'D', resource: null }]);
		await unit.write([{ type: 'Patient', id: 'many', op: 'U', resource: patient('There again') }]);
	});
	assert.equal((await t.store.read(t.ctx, 'Patient', 'many'))?.op, 'U');
});

test('a refused reference names the element', async () => {
	const resource = observation('many', { performer: [{ display: 'x' }, { reference: 'Practitioner/nobody' }] });
	await assert.rejects(put('named', resource), (error: { issues: { path: string; text: string }[]; status: number }) => {
		assert.equal(error.status, 422);
		assert.deepEqual(
			error.issues.map(({ path }) => path),
			['Observation.performer[1]'],
		);
		return true;
	});
	assert.equal(await refusal(put('named', observation('many', { performer: [{ reference: 'Nothing/1' }] }))), 'reference-not-found');
	const absolute = observation('many', { performer: [{ reference: 'https://heron.test/fhir/Practitioner/nobody' }] });
	assert.equal(await refusal(put('named', absolute)), 'reference-not-found');
	const elsewhere = observation('many', { performer: [{ reference: 'https://elsewhere.test/fhir/Practitioner/nobody' }] });
	assert.equal((await put('named', elsewhere)).version, 1);
});

test('every element that refers counts, whether it can be searched by or not', async () => {
	await put('ext', patient('Ext'));
	const inside = observation('ext', { extension: [{ url: 'http://x.org/e', valueReference: { reference: 'Organization/unknown' } }] });
	assert.equal(await refusal(put('inside', inside)), 'reference-not-found');
	await t.store.write(t.ctx, { type: 'Organization', id: 'unknown', op: 'U', resource: { resourceType: 'Organization' } });
	assert.equal((await put('inside', inside)).version, 1);
	assert.equal(await refusal(remove('Organization', 'unknown')), 'still-referenced');
	const contained = {
		resourceType: 'Practitioner',
		id: 'c',
		extension: [{ url: 'http://x.org/e', valueReference: { reference: 'Practitioner/no' } }],
	};
	assert.equal(await refusal(put('holding', observation('ext', { contained: [contained] }))), 'reference-not-found');
	// What a Bundle holds refers to what is in the Bundle; a uri that looks like a reference is none.
	const bundle = { resourceType: 'Bundle', type: 'collection', entry: [{ resource: observation('not-here') }] };
	assert.equal((await put('bundled', bundle)).version, 1);
	const expression = { language: 'text/cql', reference: 'Library/elsewhere' };
	assert.equal(
		(await put('plan', { resourceType: 'PlanDefinition', action: [{ condition: [{ kind: 'start', expression }] }] })).version,
		1,
	);
	await put('inside', observation('ext'));
	assert.equal((await remove('Organization', 'unknown')).version, 2);
});

test('a patient whom nobody refers to can go, whatever types have ever referred to one', async () => {
	await put('loner', patient('Loner'));
	await t.store.write(t.ctx, {
		type: 'Group',
		id: 'g',
		op: 'U',
		resource: { resourceType: 'Group', member: [{ entity: { reference: 'Patient/loner' } }] },
	});
	assert.equal(await refusal(remove('Patient', 'loner')), 'still-referenced');
	await remove('Group', 'g');
	assert.equal((await remove('Patient', 'loner')).version, 2);
});

test('everything that was done here left indexes that agree with the bodies', async () => {
	const report = await checkIndexes(t.db, t.store, t.definitions, { references: true });
	assert.deepEqual(report.damage, []);
	assert.ok(report.resources > 10 && report.versions > 40);
});
