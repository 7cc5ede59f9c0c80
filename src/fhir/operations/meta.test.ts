// $meta, $meta-add and $meta-delete by HTTP.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { Meta, Resource } from '#fhir/resource.ts';
import { type Answered, testServer } from '#testing/server.ts';
import { difference, type Labels, union } from './meta-sets.ts';

const server = await testServer({ after });
const confidential = { system: 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality', code: 'R' };
const profile = 'http://hl7.org/fhir/StructureDefinition/Patient';

async function put(id: string, meta?: Meta, type = 'Patient', more: object = {}): Promise<void> {
	const body = { resourceType: type, id, ...(meta === undefined ? {} : { meta }), ...more };
	const { status, text } = await server.send('PUT', `${type}/${id}`, { body });
	assert.ok(status === 201 || status === 200, text);
}

function metaIn(answer: Answered): Meta {
	assert.equal(answer.status, 200, answer.text);
	const [part] = answer.json.parameter as [{ name: string; valueMeta: Meta }];
	assert.equal(part.name, 'return');
	return part.valueMeta;
}

const given = (valueMeta: object): Resource => ({ resourceType: 'Parameters', parameter: [{ name: 'meta', valueMeta }] });
const change = (path: string, meta: object, as = 'admin'): Promise<Answered> => server.send('POST', path, { as, body: given(meta) });

test('labels are added without repeats and removed, each time with a new version and nothing else changed', async () => {
	await put('a', { tag: [{ system: 's', code: '1', display: 'one' }] }, 'Patient', {
		multipleBirthInteger: 2,
		extension: [{ url: 'urn:x', valueDecimal: 1.5 }],
	});
	const added = metaIn(
		await change('Patient/a/$meta-add', {
			tag: [{ system: 's', code: '1', display: 'other' }, { code: '1' }],
			security: [confidential],
			profile: [profile, profile],
		}),
	);
	assert.equal(added.versionId, '2');
	assert.deepEqual(added.tag, [{ system: 's', code: '1', display: 'one' }, { code: '1' }]);
	assert.deepEqual(added.security, [confidential]);
	assert.deepEqual(added.profile, [profile]);
	assert.deepEqual(metaIn(await server.send('GET', 'Patient/a/$meta')), added);
	const same = metaIn(await change('Patient/a/$meta-add', { tag: [{ code: '1' }] }));
	assert.equal(same.versionId, '2', 'nothing new makes no version');
	const left = metaIn(
		await change('Patient/a/$meta-delete', {
			tag: [{ system: 's', code: '1' }, { code: 'never' }],
			security: [{ ...confidential, display: 'x' }],
		}),
	);
	assert.deepEqual([left.versionId, left.tag, left.security, left.profile], ['3', [{ code: '1' }], undefined, [profile]]);
	const now = await server.send('GET', 'Patient/a');
	assert.equal(now.headers.get('etag'), 'W/"3"');
	assert.equal(now.json.multipleBirthInteger, 2);
	assert.deepEqual(metaIn(await server.send('GET', 'Patient/a/_history/1/$meta')).tag, [{ system: 's', code: '1', display: 'one' }]);
	assert.equal((await server.send('GET', 'Patient/a/_history/9/$meta')).status, 404);
});

test('decimals keep their digits', async () => {
	const body = '{"resourceType":"Patient","id":"digits","extension":[{"url":"urn:x","valueDecimal":1.500}]}';
	await server.send('PUT', 'Patient/digits', { body, headers: { 'content-type': 'application/fhir+json' } });
	await change('Patient/digits/$meta-add', { tag: [{ code: 'x' }] });
	assert.match((await server.send('GET', 'Patient/digits')).text, /"valueDecimal":1\.500\b/);
});

test('of labels added at the same moment none is lost', async () => {
	await put('busy');
	const codes = Array.from({ length: 12 }, (_, i) => `t${i}`);
	for (const answer of await Promise.all(codes.map((code) => change('Patient/busy/$meta-add', { tag: [{ code }] }))))
		assert.equal(answer.status, 200, answer.text);
	const { tag = [] } = metaIn(await server.send('GET', 'Patient/busy/$meta'));
	assert.deepEqual(tag.map(({ code }) => code).sort(), codes.toSorted());
});

test('on a type and on the system: everything in use that the caller may see', async () => {
	await put('x', { tag: [{ system: 'use', code: 'patient' }], profile: [profile] });
	await put('y', {
		tag: [
			{ system: 'use', code: 'patient' },
			{ system: 'use', code: 'second' },
		],
	});
	await put('z', { tag: [{ system: 'use', code: 'org' }] }, 'Organization', { name: 'Z' });
	const used = async (path: string, as = 'admin'): Promise<string[]> =>
		(metaIn(await server.send('GET', path, { as })).tag ?? [])
			.filter(({ system }) => system === 'use')
			.map(({ code }) => code as string)
			.sort();
	assert.deepEqual(await used('Patient/$meta'), ['patient', 'second']);
	assert.deepEqual(await used('Organization/$meta'), ['org']);
	assert.deepEqual(await used('Device/$meta'), []);
	assert.deepEqual(await used('$meta'), ['org', 'patient', 'second']);
	server.caller('one', [{ type: 'Patient', interactions: ['read', 'search'], patient: 'x' }]);
	assert.deepEqual(await used('$meta', 'one'), ['patient']);
	assert.equal((await server.send('GET', 'Organization/$meta', { as: 'one' })).status, 403);
	assert.equal((await server.send('GET', 'Patient/y/$meta', { as: 'one' })).status, 404);
	const type = metaIn(await server.send('GET', 'Patient/$meta'));
	assert.equal(type.versionId, undefined);
	assert.ok(type.profile?.includes(profile));
});

test('who may not update may not change labels', async () => {
	server.caller('sees', [{ type: 'Patient', interactions: ['read', 'search'] }]);
	assert.equal((await change('Patient/x/$meta-add', { tag: [{ code: 'n' }] }, 'sees')).status, 403);
	assert.ok(!JSON.stringify(metaIn(await server.send('GET', 'Patient/x/$meta'))).includes('"n"'));
});

const refused: readonly (readonly [body: unknown, status: number])[] = [
	[undefined, 400],
	[{ resourceType: 'Patient' }, 400],
	[{ resourceType: 'Parameters' }, 400],
	[{ resourceType: 'Parameters', parameter: [{ name: 'meta', valueString: 'x' }] }, 400],
	[given({ tag: 'x' }), 400],
	[given({ tag: [null] }), 400],
	[given({ profile: [1] }), 400],
	[given({ tag: [{ code: 'SUBSETTED' }] }), 422],
	[given({ profile: ['http://hl7.org/fhir/us/core/StructureDefinition/us-core-organization'] }), 422],
];
for (const [body, status] of refused) {
	test(`$meta-add with ${JSON.stringify(body)?.slice(0, 120)} is ${status}`, async () => {
		await put('r');
		const answer = await server.send('POST', 'Patient/r/$meta-add', { body });
		assert.equal(answer.status, status, answer.text);
		assert.equal((await server.send('GET', 'Patient/r')).headers.get('etag'), 'W/"1"');
	});
}

test('$meta of what is not there', async () => {
	assert.equal((await server.send('GET', 'Patient/nobody/$meta')).status, 404);
	assert.equal((await change('Patient/nobody/$meta-add', { tag: [{ code: 'x' }] })).status, 404);
	await put('dead');
	await server.send('DELETE', 'Patient/dead');
	assert.equal((await change('Patient/dead/$meta-add', { tag: [{ code: 'x' }] })).status, 410);
});

test('union and difference are those of sets', () => {
	const labels = (codes: string): Labels => ({
		profile: [...codes].map((code) => `p${code}`),
		security: [],
		tag: [...codes].map((code) => ({ code })),
	});
	for (const [a, b, both, less] of [
		['', '', '', ''],
		['ab', 'bc', 'abc', 'a'],
		['ab', '', 'ab', 'ab'],
		['', 'ab', 'ab', ''],
		['aab', 'b', 'ab', 'aa'],
	] as const) {
		assert.deepEqual(union(labels(a), labels(b)), labels(both));
		assert.deepEqual(difference(labels(a), labels(b)), labels(less));
	}
});
