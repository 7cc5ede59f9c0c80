// Documents through both APIs.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { parse } from 'content-disposition';
import type { Caller } from '#access/ctx.ts';
import { patientGrants, releaseSystem } from '#access/roles.ts';
import { pathOf, usualCategories } from '#clinic/documents/categories.ts';
import type { Resource } from '#fhir/resource.ts';
import { testDefinitions } from '#testing/fhir.ts';
import { createLikely } from '#testing/likely-resource.ts';
import { createRandom } from '#testing/random.ts';
import { testServer } from '#testing/server.ts';

const server = await testServer({ after });
const made: Record<string, { id: string; number: number }> = {};

before(async () => {
	const add = async (name: string, resource: Record<string, unknown>): Promise<void> => {
		const { json } = await server.send('POST', String(resource.resourceType), { body: resource });
		const id = json.id as string;
		const numbers = await server.ctx.fhir.store.numbers.of(server.ctx.db, String(resource.resourceType), [id]);
		made[name] = { id, number: numbers.get(id) as number };
	};
	await add('ann', { resourceType: 'Patient', name: [{ family: 'Ann' }] });
	await add('bob', { resourceType: 'Patient', name: [{ family: 'Bob' }] });
	await add('visit', {
		resourceType: 'Encounter',
		status: 'finished',
		class: { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'AMB' },
		subject: { reference: `Patient/${made.ann?.id}` },
	});
});

const pdf = Buffer.from('%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n');

type Parts = Readonly<Record<string, string | { readonly name: string; readonly bytes: Buffer }>>;

async function upload(path: string, parts: Parts): Promise<{ status: number; text: string; location: string | null }> {
	const form = new FormData();
	for (const [name, part] of Object.entries(parts)) {
		if (typeof part === 'string') form.append(name, part);
		else form.append(name, new Blob([new Uint8Array(part.bytes)]), part.name);
	}
	const response = await fetch(`${server.origin}/apis/default/${path}`, {
		method: 'POST',
		headers: { authorization: 'Bearer admin' },
		body: form,
	});
	return { status: response.status, text: await response.text(), location: response.headers.get('location') };
}

const documents = (who: string): string => `api/patient/${made[who]?.number}/document`;

test('a document is filed, listed, fetched under its name, seen in FHIR, struck', async () => {
	const file = { name: 'lab-results.pdf', bytes: pdf };
	const filed = await upload(`api/patient/${made.ann?.id}/document`, {
		file,
		path: 'Lab Reports',
		date: '2024-01-15',
		eid: String(made.visit?.number),
	});
	assert.deepEqual([filed.status, filed.text], [200, 'true']);
	const [record] = (await server.api('GET', documents('ann'))).json as unknown as [Record<string, unknown>];
	assert.equal(filed.location, `/apis/default/api/patient/${made.ann?.id}/document/${record.id}`);
	const { uuid, id, hash, ...rest } = record;
	assert.deepEqual(rest, {
		filename: 'lab-results.pdf',
		mimetype: 'application/pdf',
		docdate: '2024-01-15',
		size: pdf.length,
		category: 'Lab Report',
		eid: made.visit?.number,
		path: '/Categories/Lab Report',
	});
	const fetched = await fetch(`${server.origin}/apis/default/${documents('ann')}/${id}`, { headers: { authorization: 'Bearer admin' } });
	assert.deepEqual(Buffer.from(await fetched.arrayBuffer()), pdf);
	assert.equal(fetched.headers.get('content-disposition'), 'attachment; filename=lab-results.pdf');
	assert.equal(fetched.headers.get('content-type'), 'application/pdf');
	assert.equal(fetched.headers.get('x-content-type-options'), 'nosniff');
	assert.match(fetched.headers.get('content-security-policy') ?? '', /sandbox/);
	const part = await fetch(`${server.origin}/apis/default/${documents('ann')}/${id}`, {
		headers: { authorization: 'Bearer admin', range: 'bytes=0-3' },
	});
	assert.deepEqual([part.status, await part.text()], [206, '%PDF']);
	const fhir = (await server.send('GET', `DocumentReference?patient=${made.ann?.id}&encounter=${made.visit?.id}`)).json as unknown as {
		entry: [{ resource: { id: string; content: [{ attachment: { url: string; hash: string } }] } }];
	};
	assert.equal(fhir.entry[0].resource.id, uuid);
	assert.equal(fhir.entry[0].resource.content[0].attachment.hash, hash);
	assert.equal((await server.send('GET', fhir.entry[0].resource.content[0].attachment.url)).status, 200);
	const trail = (await server.send('GET', `Provenance?target=DocumentReference/${uuid}`)).json as unknown as {
		entry: [{ resource: { target: object[] } }];
	};
	assert.equal(trail.entry[0].resource.target.length, 2);
	assert.equal((await server.api('GET', `${documents('bob')}/${id}`)).status, 400);
	assert.equal((await server.api('DELETE', `${documents('bob')}/${id}`)).status, 400);
	assert.equal((await server.api('DELETE', `${documents('ann')}/${uuid}`)).text, 'true');
	assert.equal((await server.api('GET', `${documents('ann')}/${id}`)).status, 400);
	assert.equal((await server.api('GET', documents('ann'))).status, 404);
});

test('the field may be `document`, and path, date and eid may be in the address', async () => {
	const to = `${documents('bob')}?path=${encodeURIComponent('/Categories/Medical_Record')}&date=2024-02-01`;
	assert.equal((await upload(to, { document: { name: 'Brief Müller.txt', bytes: Buffer.from('good news') } })).text, 'true');
	const found = async (query: string): Promise<string[]> => {
		const { status, text } = await server.api('GET', `${documents('bob')}?${query}`);
		return status === 404
			? []
			: (JSON.parse(text) as { filename: string; docdate: string }[]).map(({ filename, docdate }) => `${filename} ${docdate}`);
	};
	assert.deepEqual(await found('path=medical record'), ['Brief Müller.txt 2024-02-01']);
	assert.deepEqual(await found('path=Lab Report'), []);
	assert.deepEqual(await found('mimetype=text/plain'), ['Brief Müller.txt 2024-02-01']);
	assert.deepEqual(await found('mimetype=image/png'), []);
	assert.equal((await server.api('GET', `${documents('bob')}?path=Nowhere`)).status, 404);
	assert.equal((await server.api('GET', `${documents('bob')}?eid=4711`)).status, 400);
});

test('what may not be filed is refused with a reason', async () => {
	const file = { name: 'a.pdf', bytes: pdf };
	const cases: readonly (readonly [name: string, path: string, parts: Parts, status: number, words: string])[] = [
		['an unknown patient', 'api/patient/4711/document', { file, path: 'CCD' }, 400, '{"validationErrors":{"pid":["Invalid pid"]}}'],
		['no file', documents('ann'), { path: 'CCD' }, 400, '{"validationErrors":{"document":["A valid document file is required"]}}'],
		['a file in another field', documents('ann'), { attachment: file, path: 'CCD' }, 400, 'A valid document file is required'],
		['no path', documents('ann'), { file }, 400, '"path"'],
		['an unknown path', documents('ann'), { file, path: '/Categories/Nowhere' }, 404, 'no category of documents'],
		['a date that is none', documents('ann'), { file, path: 'CCD', date: '15.1.2024' }, 400, '"date"'],
		['an unknown visit', documents('ann'), { file, path: 'CCD', eid: '4711' }, 400, 'Invalid eid'],
		['a visit of somebody else', documents('bob'), { file, path: 'CCD', eid: 'visit' }, 400, 'encounter-foreign'],
		[
			'a program',
			documents('ann'),
			{ file: { name: 'a.pdf', bytes: Buffer.from('MZ\x90\0'.padEnd(200, '\0'), 'latin1') }, path: 'CCD' },
			400,
			'application/x-msdownload',
		],
		['nothing', documents('ann'), { file: { name: 'a.pdf', bytes: Buffer.alloc(0) }, path: 'CCD' }, 400, 'no content'],
	];
	for (const [name, path, parts, status, words] of cases) {
		const sent = parts.eid === 'visit' ? { ...parts, eid: String(made.visit?.id) } : parts;
		const answer = await upload(path, sent);
		assert.equal(answer.status, status, `${name}: ${answer.text}`);
		assert.ok(answer.text.includes(words), `${name}: ${answer.text}`);
	}
	const json = await server.api('POST', documents('ann'), { body: { path: 'CCD' } });
	assert.deepEqual([json.status, json.text.includes('multipart/form-data')], [400, true]);
	for (const path of ['api/patient/4711/document', `${documents('ann')}/4711`, `${documents('ann')}/nowhere`])
		assert.equal((await server.api('GET', path)).status, 400, path);
});

test('whatever is filed comes back as it was', async () => {
	const letters = [..."abcXYZ012 -_.()éüß漢😀'&+%;,="];
	for (let run = 0; run < 20; run++) {
		const random = createRandom(61, run);
		const name = `x${Array.from({ length: random.between(1, 60) }, () => random.pick(letters)).join('')}y.txt`;
		const bytes = Buffer.from(Array.from({ length: random.between(1, 3000) }, () => random.pick(letters)).join(''));
		const category = random.pick(usualCategories);
		const path = pathOf(category.code, usualCategories) as string;
		const date = `20${random.between(10, 26)}-0${random.between(1, 9)}-${random.between(10, 28)}`;
		const filed = await upload(documents('ann'), { [random.pick(['file', 'document'])]: { name, bytes }, path, date });
		assert.equal(filed.text, 'true', `run ${run}: ${name}`);
		const id = Number(filed.location?.split('/').at(-1));
		const rows = (await server.api('GET', `${documents('ann')}?path=${encodeURIComponent(path)}&_limit=1000`)).json as unknown as Record<
			string,
			unknown
		>[];
		const row = rows.find((one) => one.id === id);
		assert.deepEqual([row?.filename, row?.docdate, row?.size, row?.path], [name, date, bytes.length, path], `run ${run}`);
		const fetched = await fetch(`${server.origin}/apis/default/${documents('ann')}/${id}`, { headers: { authorization: 'Bearer admin' } });
		assert.deepEqual(Buffer.from(await fetched.arrayBuffer()), bytes, `run ${run}`);
		assert.equal(parse(fetched.headers.get('content-disposition') ?? '').parameters.filename, name, `run ${run}`);
	}
});

test('any DocumentReference of FHIR is listed', async () => {
	const definitions = testDefinitions();
	let stored = 0;
	for (let run = 0; run < 20; run++) {
		const random = createRandom(62, run);
		const likely = createLikely(definitions, random, ['final', 'x']).value('Attachment');
		const body = {
			resourceType: 'DocumentReference',
			status: 'current',
			subject: { reference: `Patient/${made.bob?.id}` },
			content: [{ attachment: likely }],
		};
		if ((await server.send('POST', 'DocumentReference', { body })).status === 201) stored++;
		const listed = await server.api('GET', documents('bob'));
		assert.ok([200, 404].includes(listed.status), `run ${run}: ${listed.text.slice(0, 300)}`);
		for (const { id } of listed.status === 200 ? (JSON.parse(listed.text) as { id: number }[]) : [])
			assert.ok((await server.api('GET', `${documents('bob')}/${id}`)).status < 500, `run ${run}`);
	}
	assert.ok(stored > 3, `only ${stored} could be stored`);
});

test('who may read a document of a patient may read what is in it, nobody else', async () => {
	await upload(`api/patient/${made.ann?.number}/document`, { file: { name: 'letter.pdf', bytes: pdf }, path: 'Lab Reports' });
	const { json } = await server.send('GET', `DocumentReference?patient=${made.ann?.id}&_sort=-_lastUpdated&_count=1`);
	const [{ resource: document }] = json.entry as [{ resource: Resource & { content: [{ attachment: { url: string } }] } }];
	const [, binary] = /(Binary\/[^/]+)$/.exec(document.content[0].attachment.url) as unknown as [string, string];
	const limited = (who: string): Caller['grants'] => patientGrants([made[who]?.id as string]);
	server.caller('ann', limited('ann'), 'patient');
	server.caller('bob', limited('bob'), 'patient');
	server.caller(
		'ann, no documents',
		limited('ann').filter(({ type }) => type !== 'DocumentReference'),
		'patient',
	);
	const seen = async (as: string): Promise<number> =>
		(await server.send('GET', binary, { as, headers: { accept: 'application/pdf' } })).status;
	assert.deepEqual([await seen('ann'), await seen('bob'), await seen('ann, no documents')], [200, 404, 404]);
	const tag = [{ system: releaseSystem, code: 'withheld' }];
	await server.send('PUT', `DocumentReference/${document.id}`, { body: { ...document, meta: { ...document.meta, tag } } });
	assert.equal(await seen('ann'), 404);
});
