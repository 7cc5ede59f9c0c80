// Imports into a real database: order does not matter, links are resolved, running again changes nothing, refusals are told with their reason.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { FhirCtx } from '#fhir/ctx.ts';
import type { Resource } from '#fhir/resource.ts';
import { testFhir } from '#testing/fhir.ts';
import { filesOf } from './files.ts';
import { type ImportOptions, importFiles } from './import.ts';
import type { ReportLine, Summary } from './tally.ts';

const folder = mkdtempSync(join(tmpdir(), 'heron-import-'));
after(() => rmSync(folder, { recursive: true }));
const ctx = await testFhir({ after });
let runs = 0;

type Result = Summary & { readonly lines: readonly ReportLine[] };

/** Imports files given as values: an array becomes NDJSON, anything else one JSON text. */
async function take(files: Readonly<Record<string, unknown>>, options: Partial<ImportOptions> = {}, on: FhirCtx = ctx): Promise<Result> {
	const dir = join(folder, String(++runs));
	mkdirSync(dir);
	for (const [name, value] of Object.entries(files)) {
		const text =
			typeof value === 'string' ? value : Array.isArray(value) ? value.map((one) => JSON.stringify(one)).join('\n') : JSON.stringify(value);
		writeFileSync(join(dir, name), text);
	}
	const lines: ReportLine[] = [];
	const summary = await importFiles(on, {
		files: await filesOf([dir]),
		spoolFolder: join(folder, 'spool'),
		isAlive: () => true,
		signal: new AbortController().signal,
		report: (line) => lines.push(line),
		...options,
	});
	assert.deepEqual(readdirSync(join(folder, 'spool')), []);
	return { ...summary, lines };
}

async function stored(type: string, id: string): Promise<Resource | undefined> {
	const found = await ctx.fhir.store.read(ctx, type, id);
	return found === undefined || found.op === 'D' ? undefined : (JSON.parse(found.body) as Resource);
}

const patient = (id: string, more: object = {}) => ({ resourceType: 'Patient', id, ...more });
const condition = (id: string, subject: string, more: object = {}) => ({
	resourceType: 'Condition',
	id,
	clinicalStatus: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/condition-clinical', code: 'active' }] },
	subject: { reference: subject },
	...more,
});
const encounter = (id: string, subject: string, more: object = {}) => ({
	resourceType: 'Encounter',
	id,
	status: 'finished',
	class: { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'AMB' },
	subject: { reference: subject },
	...more,
});
const organization = (id: string, more: object = {}) => ({ resourceType: 'Organization', id, name: `Org ${id}`, ...more });
const entry = (fullUrl: string | undefined, resource: object, request?: object) => ({
	...(fullUrl && { fullUrl }),
	resource,
	...(request && { request }),
});
const bundle = (type: string, ...entries: object[]) => ({ resourceType: 'Bundle', type, entry: entries });
const counts = ({ counts: { created, updated, unchanged, refused } }: Result) => ({ created, updated, unchanged, refused });

test('a transaction with urn:uuid links, taken twice', async () => {
	const uuid = '0a0a0a0a-0000-4000-8000-00000000000';
	const files = {
		'b.json': bundle(
			'transaction',
			entry(`urn:uuid:${uuid}1`, { ...condition('', `urn:uuid:${uuid}2`), id: undefined }, { method: 'POST', url: 'Condition' }),
			entry(`urn:uuid:${uuid}2`, {
				resourceType: 'Patient',
				text: { status: 'generated', div: `<div xmlns="http://www.w3.org/1999/xhtml"><a href="urn:uuid:${uuid}1">c</a></div>` },
			}),
		),
	};
	assert.deepEqual(counts(await take(files)), { created: 2, updated: 0, unchanged: 0, refused: 0 });
	assert.deepEqual((await stored('Condition', `${uuid}1`))?.subject, { reference: `Patient/${uuid}2` });
	assert.match(JSON.stringify(await stored('Patient', `${uuid}2`)), new RegExp(`href=..Condition/${uuid}1`));
	assert.deepEqual(counts(await take(files)), { created: 0, updated: 0, unchanged: 2, refused: 0 });
	assert.equal((await stored('Patient', `${uuid}2`))?.meta?.versionId, '1');
});

test('what refers to something that comes later waits for it, in files of any order', async () => {
	const result = await take({
		'a.ndjson': [condition('late-c', 'Patient/late-p', { encounter: { reference: 'Encounter/late-e' } })],
		'b.ndjson': [encounter('late-e', 'Patient/late-p', { serviceProvider: { reference: 'Organization/late-o' } })],
		'c.ndjson': [patient('late-p', { managingOrganization: { reference: 'Organization/late-o' } })],
		'd.ndjson': [organization('late-o')],
	});
	assert.deepEqual(counts(result), { created: 4, updated: 0, unchanged: 0, refused: 0 });
	assert.ok(await stored('Condition', 'late-c'));
});

test('circles across files are closed in one transaction', async () => {
	const files = {
		'a.ndjson': [condition('ring-c', 'Patient/ring-p', { encounter: { reference: 'Encounter/ring-e' } }), patient('ring-p')],
		'b.ndjson': [encounter('ring-e', 'Patient/ring-p', { diagnosis: [{ condition: { reference: 'Condition/ring-c' } }] })],
		'c.ndjson': [encounter('ring-f', 'Patient/ring-p', { diagnosis: [{ condition: { reference: 'Condition/ring-d' } }] })],
		'd.ndjson': [condition('ring-d', 'Patient/ring-p', { encounter: { reference: 'Encounter/ring-f' } })],
	};
	assert.deepEqual(counts(await take(files)), { created: 5, updated: 0, unchanged: 0, refused: 0 });
});

test('what refers to nothing is refused with what refers to it, and the rest is taken', async () => {
	const result = await take({
		'a.ndjson': [
			patient('dangle-p'),
			condition('dangle-1', 'Patient/dangle-p'),
			condition('dangle-2', 'Patient/dangle-p', { encounter: { reference: 'Encounter/dangle-e' } }),
			encounter('dangle-e', 'Patient/dangle-none'),
		],
	});
	assert.deepEqual(counts(result), { created: 2, updated: 0, unchanged: 0, refused: 2 });
	assert.deepEqual(result.refusals.map(({ code, path, count }) => [code, path, count]).toSorted(), [
		['reference-not-found', 'Condition.encounter', 1],
		['reference-not-found', 'Encounter.subject', 1],
	]);
	assert.equal(await stored('Condition', 'dangle-2'), undefined);
});

test('a circle of which one is refused is refused whole', async () => {
	const result = await take({
		'a.ndjson': [condition('bad-c', 'Patient/dangle-p', { encounter: { reference: 'Encounter/bad-e' } })],
		'b.ndjson': [
			encounter('bad-e', 'Patient/dangle-p', { diagnosis: [{ condition: { reference: 'Condition/bad-c' } }], status: 'nonsense' }),
		],
	});
	assert.deepEqual(counts(result), { created: 0, updated: 0, unchanged: 0, refused: 2 });
});

test('conditional references are found among what is there and what comes', async () => {
	const npi = (value: string) => ({ identifier: [{ system: 'http://hl7.org/fhir/sid/us-npi', value }] });
	const byNpi = (value: string) => ({ serviceProvider: { reference: `Organization?identifier=http://hl7.org/fhir/sid/us-npi|${value}` } });
	const result = await take({
		'a.json': bundle(
			'transaction',
			entry(undefined, patient('cond-p')),
			entry(undefined, encounter('cond-e1', 'Patient/cond-p', byNpi('111'))),
			entry(undefined, encounter('cond-e2', 'Patient/cond-p', byNpi('404'))),
			entry(undefined, encounter('cond-e3', 'Patient/cond-p', byNpi('222'))),
			entry(undefined, encounter('cond-e4', 'Patient/cond-p', { serviceProvider: { reference: 'Organization?nonsense=1' } })),
		),
		'z.ndjson': [organization('cond-o1', npi('111')), organization('cond-o2', npi('222')), organization('cond-o3', npi('222'))],
	});
	assert.deepEqual(counts(result), { created: 5, updated: 0, unchanged: 0, refused: 3 });
	assert.deepEqual((await stored('Encounter', 'cond-e1'))?.serviceProvider, { reference: 'Organization/cond-o1' });
	const codeOf = (id: string) => result.lines.find((line) => line.id === id)?.issues[0]?.code;
	assert.deepEqual([codeOf('cond-e2'), codeOf('cond-e3')], ['reference-not-found', 'several-match']);
	assert.ok(codeOf('cond-e4'));
});

test('If-None-Exist: what is there stands for the entry, and links lead to it', async () => {
	const identifier = [{ system: 'urn:test', value: 'one' }];
	await take({ 'a.json': patient('exists', { identifier }) });
	const result = await take({
		'b.json': bundle(
			'transaction',
			entry(
				'urn:uuid:0b0b0b0b-0000-4000-8000-000000000001',
				{ resourceType: 'Patient', identifier },
				{ method: 'POST', url: 'Patient', ifNoneExist: 'identifier=urn:test|one' },
			),
			entry(undefined, condition('of-existing', 'urn:uuid:0b0b0b0b-0000-4000-8000-000000000001')),
		),
	});
	assert.deepEqual(counts(result), { created: 1, updated: 0, unchanged: 1, refused: 0 });
	assert.deepEqual((await stored('Condition', 'of-existing'))?.subject, { reference: 'Patient/exists' });
});

test('a urn that is an entry of another file', async () => {
	const urn = 'urn:uuid:0c0c0c0c-0000-4000-8000-00000000000';
	const result = await take({
		'a.json': bundle('transaction', entry(`${urn}1`, { resourceType: 'Patient', managingOrganization: { reference: `${urn}2` } })),
		'b.json': bundle('transaction', entry(`${urn}2`, { resourceType: 'Organization', name: 'O', partOf: { reference: `${urn}3` } })),
		'c.json': bundle('transaction', entry(`${urn}3`, { resourceType: 'Organization', name: 'P' })),
		'd.json': bundle('transaction', entry(`${urn}4`, { resourceType: 'Organization', name: 'Q', partOf: { reference: `${urn}9` } })),
	});
	assert.deepEqual(counts(result), { created: 3, updated: 0, unchanged: 0, refused: 1 });
	const first = await stored('Patient', '0c0c0c0c-0000-4000-8000-000000000001');
	assert.deepEqual(first?.managingOrganization, { reference: 'Organization/0c0c0c0c-0000-4000-8000-000000000002' });
});

test('--update makes new versions of what changed, and only of that', async () => {
	await take({ 'a.ndjson': [patient('up-1', { active: true }), patient('up-2', { active: true })] });
	const files = { 'a.ndjson': [patient('up-1', { active: false }), patient('up-2', { active: true })] };
	assert.deepEqual(counts(await take(files)), { created: 0, updated: 0, unchanged: 2, refused: 0 });
	assert.deepEqual(counts(await take(files, { update: true })), { created: 0, updated: 1, unchanged: 1, refused: 0 });
	assert.equal((await stored('Patient', 'up-1'))?.active, false);
});

test('one bad entry does not take others with it, and is reported with place and reason', async () => {
	const result = await take({
		'a.ndjson': [
			patient('ok-1'),
			patient('bad-1', { gender: 'unheard-of' }),
			patient('bad-2', { nonsense: 1 }),
			patient('ok-2'),
			{ resourceType: 'Nonsense', id: 'x' },
		],
		'broken.json': '{"resourceType": "Patient", "id": }',
		'empty.json': '',
	});
	assert.deepEqual(counts(result), { created: 2, updated: 0, unchanged: 0, refused: 5 });
	const line = result.lines.find(({ id }) => id === 'bad-1');
	assert.match(line?.place ?? '', /a\.ndjson:line 2$/);
	assert.equal(line?.issues[0]?.path, 'Patient.gender');
	assert.ok(result.refusals.some(({ code }) => code === 'json-malformed'));
	assert.ok(result.refusals.some(({ code }) => code === 'type-unknown'));
});

test('lenient: what is sound but breaks a rule is taken and told', async () => {
	const lenient: FhirCtx = { ...ctx, fhir: { ...ctx.fhir, settings: { ...ctx.fhir.settings, validation: 'lenient' } } };
	const files = { 'a.ndjson': [patient('len-1', { gender: 'unheard-of' }), patient('len-2', { nonsense: 1 })] };
	const result = await take(files, {}, lenient);
	assert.deepEqual(counts(result), { created: 1, updated: 0, unchanged: 0, refused: 1 });
	assert.equal(result.remarks[0]?.path, 'Patient.gender');
	assert.equal(result.lines.find(({ id }) => id === 'len-1')?.outcome, 'taken-with-issues');
});

test('many more than one batch, with repeats, and interrupted in the middle', async () => {
	const people = Array.from({ length: 1700 }, (_, i) => patient(`many-${i % 1600}`));
	const files = { 'a.ndjson': people };
	const aborter = new AbortController();
	const first = await take(files, { signal: aborter.signal, onProgress: ({ entries }) => entries > 0 && aborter.abort() });
	assert.ok(first.counts.created >= 500 && first.counts.created < 1600, `${first.counts.created}`);
	const second = await take(files);
	assert.equal(second.counts.created + first.counts.created, 1600);
	assert.equal(second.counts.unchanged, 1700 - second.counts.created);
	assert.equal(second.counts.refused, 0);
});

test('decimals keep how they were written', async () => {
	const text = `{"resourceType":"Observation","id":"exact","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/later-exact"},"valueQuantity":{"value":1.500}}`;
	await take({ 'a.json': text, 'b.json': patient('later-exact') });
	assert.match((await ctx.fhir.store.read(ctx, 'Observation', 'exact'))?.body ?? '', /"value":1\.500\b/);
});
