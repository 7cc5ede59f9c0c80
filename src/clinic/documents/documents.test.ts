// Filing and fetching documents, on a real record.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { Problem } from '#base/problem.ts';
import type { FhirCtx } from '#fhir/ctx.ts';
import { create } from '#fhir/interactions/create.ts';
import { update } from '#fhir/interactions/update.ts';
import type { Resource } from '#fhir/resource.ts';
import { search } from '#fhir/search/search.ts';
import { createVirusScanner } from '#outside/virus-scan.ts';
import { testFhir } from '#testing/fhir.ts';
import { categoriesId, categoriesOf, categoryAt, categorySystem, pathOf, readCategories, usualCategories } from './categories.ts';
import { contentTypeOf, usualTypes } from './content.ts';
import { fetchDocument } from './fetch.ts';
import { type DocumentRules, type FileInput, fileDocument, fileName } from './file.ts';

const ctx: FhirCtx = await testFhir({ after });
const ids: Record<string, string> = {};

before(async () => {
	const add = async (name: string, resource: Resource): Promise<void> => {
		ids[name] = (await create(ctx, { type: resource.resourceType, resource })).stored.id;
	};
	await add('ann', { resourceType: 'Patient', name: [{ family: 'Ann' }] });
	await add('bob', { resourceType: 'Patient', name: [{ family: 'Bob' }] });
	await add('visit', {
		resourceType: 'Encounter',
		status: 'finished',
		class: { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'AMB' },
		subject: { reference: `Patient/${ids.ann}` },
	});
});

const rules: DocumentRules = { limitBytes: 200_000, types: usualTypes };
const pdf = Buffer.from('%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n');
const png = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==', 'base64');
const dicom = Buffer.concat([Buffer.alloc(128), Buffer.from('DICM'), Buffer.alloc(200)]);
const zip = Buffer.from('504b0506000000000000000000000000000000000000', 'hex');

describe('what content is', () => {
	const cases: readonly (readonly [name: string, bytes: Buffer, type: string])[] = [
		['report.exe', pdf, 'application/pdf'],
		['scan.pdf', png, 'image/png'],
		['image', dicom, 'application/dicom'],
		['all.zip', zip, 'application/zip'],
		['virus.pdf', Buffer.from('MZ\x90\x00\x03'.padEnd(200, '\0'), 'latin1'), 'application/x-msdownload'],
		['letter.txt', Buffer.from('Dear Mrs Müller,\r\n\tgood news.\f'), 'text/plain'],
		['values.csv', Buffer.from('date,value\n2026-01-01,5\n2026-01-02,6\n'), 'text/csv'],
		['values.csv', Buffer.from('this is\nno table, but one line has a comma'), 'text/plain'],
		['values.txt', Buffer.from('a,b\n1,2\n'), 'text/plain'],
		['ccd.xml', Buffer.from('<?xml version="1.0"?><ClinicalDocument xmlns="urn:hl7-org:v3"/>'), 'application/xml'],
		['page.txt', Buffer.from('  <!DOCTYPE html><script>alert(1)</script>'), 'text/html'],
		['drawing.png', Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"><script/></svg>'), 'image/svg+xml'],
		['latin.txt', Buffer.from('M\xfcller', 'latin1'), 'application/octet-stream'],
		['nul.txt', Buffer.from('a\0b'), 'application/octet-stream'],
	];
	for (const [name, bytes, type] of cases) test(`${name} is ${type}`, async () => assert.equal(await contentTypeOf(bytes, name), type));
});

describe('categories', () => {
	const leads: readonly (readonly [path: string, code: string | undefined])[] = [
		['Lab Reports', 'lab-report'],
		['/Categories/Medical_Record', 'medical-record'],
		['medicalrecord', 'medical-record'],
		['/Categories/Advance_Directive/Living Will', 'living-will'],
		['Eye Module/Imaging - Eye/OCT - Eye', 'oct-eye'],
		['Living Will', undefined],
		['/Categories', undefined],
		['', undefined],
		['Lab Report/Living Will', undefined],
		['../etc', undefined],
	];
	for (const [path, code] of leads)
		test(`"${path}" leads to ${code ?? 'nothing'}`, () => assert.equal(categoryAt(path, usualCategories)?.code, code));

	test('every category has a path that leads to it, and a code of its own', () => {
		for (const { code } of usualCategories) assert.equal(categoryAt(pathOf(code, usualCategories) ?? '', usualCategories)?.code, code);
		assert.equal(new Set(usualCategories.map(({ code }) => code)).size, usualCategories.length);
	});

	test('an installation may have its own tree', async () => {
		const concept = [
			{ code: 'forms', display: 'Forms', concept: [{ code: 'w9', display: 'W-9', property: [{ code: 'loinc', valueCode: '34133-9' }] }] },
		];
		assert.deepEqual(categoriesOf({ concept }), [
			{ code: 'forms', name: 'Forms' },
			{ code: 'w9', name: 'W-9', loinc: '34133-9', parent: 'forms' },
		]);
		const resource = { resourceType: 'CodeSystem', id: categoriesId, url: categorySystem, status: 'active', content: 'complete', concept };
		await update(ctx, { type: 'CodeSystem', id: categoriesId, resource });
		assert.equal(categoryAt('Forms/W9', await readCategories(ctx))?.code, 'w9');
		await ctx.fhir.store.write(ctx, { type: 'CodeSystem', id: categoriesId, op: 'D', resource: null });
		assert.deepEqual(await readCategories(ctx), usualCategories);
	});
});

const labReport = usualCategories.find(({ code }) => code === 'lab-report') as (typeof usualCategories)[number];
const input = (more: Partial<FileInput> = {}): FileInput => ({
	rules,
	patient: ids.ann as string,
	category: labReport,
	name: 'lab-results.pdf',
	bytes: pdf,
	...more,
});

describe('filing', () => {
	test('a document is a Binary with a DocumentReference over it', async () => {
		const stored = await fileDocument(
			ctx,
			input({ name: 'C:\\scans\\Müller "1".pdf', date: '2024-01-15', encounter: ids.visit as string }),
		);
		const document = JSON.parse(stored.body);
		assert.deepEqual(document.meta.profile, ['http://hl7.org/fhir/us/core/StructureDefinition/us-core-documentreference']);
		assert.equal(document.category[0].coding[0].code, 'lab-report');
		assert.equal(document.context.encounter[0].reference, `Encounter/${ids.visit}`);
		const { attachment } = document.content[0];
		assert.equal(attachment.contentType, 'application/pdf');
		assert.equal(attachment.hash, createHash('sha1').update(pdf).digest('base64'));
		assert.equal(attachment.size, pdf.length);
		assert.equal(attachment.title, 'Müller "1".pdf');
		assert.equal(attachment.creation, '2024-01-15');
		const reply = await fetchDocument(ctx, stored, { headers: {} });
		assert.deepEqual(reply.body, pdf);
		assert.deepEqual(
			[
				reply.headers?.['content-type'],
				reply.headers?.['content-disposition'],
				reply.headers?.['content-security-policy'],
				reply.headers?.['x-content-type-options'],
			],
			[
				'application/pdf',
				`attachment; filename="M?ller \\"1\\".pdf"; filename*=UTF-8''M%C3%BCller%20%221%22.pdf`,
				"default-src 'none'; sandbox",
				'nosniff',
			],
		);
		const { matches } = await search(ctx, {
			type: 'DocumentReference',
			query: `patient=${ids.ann}&category=${categorySystem}|lab-report`,
			handling: 'strict',
		});
		assert.deepEqual(
			matches.map(({ id }) => id),
			[stored.id],
		);
	});

	test('large content lies outside the row and comes back whole', async () => {
		const bytes = Buffer.concat([pdf, Buffer.alloc(150_000, 'x')]);
		const stored = await fileDocument(ctx, input({ bytes }));
		assert.deepEqual((await fetchDocument(ctx, stored, { headers: {} })).body, bytes);
	});

	const refused: readonly (readonly [name: string, code: string, more: () => Partial<FileInput>])[] = [
		['nothing', 'document-empty', () => ({ bytes: Buffer.alloc(0) })],
		['too much', 'document-too-large', () => ({ bytes: Buffer.concat([pdf, Buffer.alloc(200_000)]) })],
		[
			'a program with the name of a report',
			'document-type-refused',
			() => ({ bytes: Buffer.from('MZ\x90\0'.padEnd(200, '\0'), 'latin1') }),
		],
		['a page', 'document-type-refused', () => ({ bytes: Buffer.from('<html><script>1</script></html>'), name: 'a.txt' })],
		['what is not on the list', 'document-type-refused', () => ({ bytes: png, rules: { ...rules, types: ['application/pdf'] } })],
		['a virus', 'document-infected', () => ({ rules: { ...rules, scanner: createVirusScanner('command:/bin/false') } })],
		[
			'anything while the scanner is down',
			'virus-scanner-unavailable',
			() => ({ rules: { ...rules, scanner: createVirusScanner('clamd:/nowhere') } }),
		],
		['to a visit of somebody else', 'encounter-foreign', () => ({ patient: ids.bob as string, encounter: ids.visit as string })],
		['to a visit that is not there', 'resource-not-found', () => ({ encounter: 'nowhere' })],
		['for nobody', 'reference-not-found', () => ({ patient: 'nobody' })],
	];
	for (const [name, code, more] of refused) {
		test(`${name} is refused`, async () => {
			await assert.rejects(
				fileDocument(ctx, input(more())),
				(error) => error instanceof Problem && error.code === code && error.status < 504,
			);
		});
	}

	test('what fails at the end leaves nothing', async () => {
		const count = async (): Promise<number> =>
			(await search(ctx, { type: 'DocumentReference', query: '', handling: 'strict' })).matches.length;
		const had = await count();
		const settle = (): Promise<void> => Promise.reject(new Problem('conflict', 'not-today', 'Not today.'));
		await assert.rejects(fileDocument(ctx, input({ settle })), /not-today/);
		assert.equal(await count(), had);
	});

	test('who may not file or fetch is refused', async () => {
		const stored = await fileDocument(ctx, input());
		const reader = {
			...ctx,
			caller: { ...ctx.caller, grants: [{ type: 'DocumentReference', interactions: ['read', 'search'] as const }] },
		};
		await assert.rejects(fileDocument(reader, input()), /not-permitted/);
		await assert.rejects(fetchDocument(reader, stored, { headers: {} }), /not-permitted/);
	});

	test('a document that lies elsewhere has no content here', async () => {
		const body = JSON.stringify({ content: [{ attachment: { url: 'https://elsewhere.example/Binary/1' } }] });
		await assert.rejects(fetchDocument(ctx, { body }, { headers: {} }), /document-content-elsewhere/);
	});
});

test('names of files', () => {
	const names = { '../../etc/passwd': 'passwd', 'a\u202Efdp.exe': 'afdp.exe', ' ': 'document', 'x/': 'document', 'Ünï.pdf': 'Ünï.pdf' };
	for (const [given, name] of Object.entries(names)) assert.equal(fileName(given), name);
	assert.equal([...fileName(`${'x'.repeat(500)}.pdf`)].length, 200);
	assert.match(fileName(`${'x'.repeat(500)}.pdf`), /\.pdf$/);
});
