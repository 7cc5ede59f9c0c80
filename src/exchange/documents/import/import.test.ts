// C-CDA documents by HTTP: taken, matched, gone through, and what is no such document.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { patientGrants } from '#access/roles.ts';
import type { Resource } from '#fhir/resource.ts';
import { allergyEntry, ccda, type DocumentParts, medicationEntry, problemEntry, section } from '#testing/ccda.ts';
import { createRandom } from '#testing/random.ts';
import { type Answered, testServer } from '#testing/server.ts';

const server = await testServer({ after });

type Part = { readonly name: string; readonly part?: readonly Part[]; readonly [value: string]: unknown };
type Item = {
	readonly key: string;
	readonly state: string;
	readonly decision: string | undefined;
	readonly resource: Resource;
	readonly differences: string[];
};
type Seen = {
	readonly document: string;
	readonly state: string;
	readonly known: boolean;
	readonly patient: string | undefined;
	readonly items: Item[];
	readonly parts: readonly Part[];
};

function seen(answer: Answered, status: number): Seen {
	assert.equal(answer.status, status, answer.text);
	const parts = answer.json.parameter as readonly Part[];
	const one = (name: string) => parts.find((part) => part.name === name);
	const reference = (name: string) => (one(name)?.valueReference as { reference: string } | undefined)?.reference;
	return {
		document: reference('document') as string,
		state: one('state')?.valueCode as string,
		known: one('known')?.valueBoolean as boolean,
		patient: reference('patient'),
		parts,
		items: parts
			.filter(({ name }) => name === 'item')
			.map(({ part = [] }) => {
				const of = (name: string) => part.find((inner) => inner.name === name);
				return {
					key: of('key')?.valueString as string,
					state: of('state')?.valueCode as string,
					decision: of('decision')?.valueCode as string | undefined,
					resource: of('resource')?.resource as Resource,
					differences: part.filter(({ name }) => name === 'difference').map((inner) => inner.part?.[0]?.valueString as string),
				};
			}),
	};
}

const take = (document: Buffer, query = '', as = 'admin'): Promise<Answered> =>
	server.send('POST', `DocumentReference/$import-ccda${query}`, { as, body: document, headers: { 'content-type': 'application/xml' } });

async function found(query: string): Promise<Resource[]> {
	const { json } = await server.send('GET', query);
	return ((json.entry as { resource: Resource }[] | undefined) ?? []).map(({ resource }) => resource);
}

async function only(query: string): Promise<Resource> {
	const list = await found(query);
	assert.equal(list.length, 1, query);
	return list[0] as Resource;
}

let next = 0;
const fresh = (more: DocumentParts = {}): DocumentParts => {
	next += 1;
	return { id: `d-${next}`, family: `Quince${next}`, mrn: `A-${next}`, ...more };
};

test('a document makes a patient and all its facts, valid and with their profiles, in one go', async () => {
	const taken = seen(await take(ccda(fresh()), '?create=true&accept=new'), 201);
	assert.equal(taken.state, 'done');
	const id = taken.patient?.slice('Patient/'.length) as string;
	const patient = await only(`Patient?_id=${id}`);
	assert.deepEqual(
		[patient.birthDate, patient.gender, patient.meta?.profile],
		['1962-03-17', 'female', ['http://hl7.org/fhir/us/core/StructureDefinition/us-core-patient']],
	);
	const condition = await only(`Condition?patient=${id}&code=http://hl7.org/fhir/sid/icd-10-cm|E11.9`);
	assert.deepEqual(
		[
			(condition.code as { text: string }).text,
			condition.onsetDateTime,
			(condition.clinicalStatus as { coding: { code: string }[] }).coding[0]?.code,
		],
		['Sugar since 2015', '2015-01-10', 'active'],
	);
	const allergy = await only(`AllergyIntolerance?patient=${id}`);
	assert.deepEqual(
		(allergy.reaction as { severity: string; manifestation: { coding: { code: string }[] }[] }[]).map(({ severity, manifestation }) => [
			severity,
			manifestation[0]?.coding[0]?.code,
		]),
		[['moderate', '247472004']],
	);
	server.caller('herself', patientGrants([id]), 'patient', { fhirUser: `Patient/${id}` });
	const { json: told } = await server.send('GET', 'Provenance', { as: 'herself' });
	const sources = (told.entry as { resource: { entity?: [{ what: { reference: string } }] } }[]).map(
		({ resource }) => resource.entity?.[0].what,
	);
	assert.ok(
		sources.some((what) => what?.reference === taken.document),
		'her apps learn where it is from',
	);
	const request = await only(`MedicationRequest?patient=${id}`);
	assert.equal(request.reportedBoolean, true);
	assert.deepEqual((request.dosageInstruction as [{ timing: { repeat: object } }])[0].timing.repeat, {
		frequency: 1,
		period: 12,
		periodUnit: 'h',
		boundsPeriod: { start: '2020-01-05' },
	});
	assert.equal((await found(`Observation?patient=${id}&combo-code-value-quantity=http://loinc.org|8480-6$132`)).length, 1);
	assert.equal((await found(`Observation?patient=${id}&category=laboratory&date=2026-02-10`)).length, 1);
	assert.equal((await found(`DiagnosticReport?patient=${id}`)).length, 1);
	assert.equal((await found(`Immunization?patient=${id}&vaccine-code=140`)).length, 1);
	const procedure = await only(`Procedure?patient=${id}`);
	assert.equal(procedure.performedDateTime, '1981');
	const provenance = await only(`Provenance?target=Procedure/${procedure.id}`);
	assert.deepEqual((provenance.entity as [{ what: object }])[0].what, { reference: taken.document });
	const reference = await only(`DocumentReference?_id=${taken.document.slice('DocumentReference/'.length)}`);
	const url = (reference.content as [{ attachment: { url: string } }])[0].attachment.url as string;
	const binary = await server.send('GET', url.slice(url.indexOf('Binary/')), { headers: { accept: 'application/xml' } });
	assert.match(binary.text, /Summary from elsewhere/);
});

test('sections nobody knows are kept as words without anything that could run', async () => {
	const { parts } = seen(await take(ccda(fresh())), 201);
	const section = parts.find(({ name, part }) => name === 'section' && part?.some(({ valueString }) => valueString === 'House rules'));
	const of = (name: string) => section?.part?.find((one) => one.name === name);
	assert.equal(of('narrative-only')?.valueBoolean, true);
	assert.match(of('narrative')?.valueString as string, /<td>No stairs<\/td>/);
	assert.doesNotMatch(of('narrative')?.valueString as string, /javascript|<a /);
});

test('the same document twice is stored once; the same facts in another document are the same', async () => {
	const who = fresh();
	const first = seen(await take(ccda(who), '?create=true&accept=new'), 201);
	const again = seen(await take(ccda(who)), 200);
	assert.deepEqual([again.document, again.known, again.state], [first.document, true, 'done']);
	const second = seen(await take(ccda({ ...who, id: 'another' }), '?accept=new'), 201);
	assert.equal(second.patient, first.patient, 'matched by number, name and date of birth');
	assert.deepEqual(new Set(second.items.map(({ state }) => state)), new Set(['same']));
	assert.equal(second.state, 'done', 'what is the same waits for nobody');
});

test('what is told in words alone is known again, and a document with nothing new waits for nobody', async () => {
	const words =
		'<observation classCode="OBS" moodCode="EVN"><code nullFlavor="UNK"><originalText>Keeps bees</originalText></code><statusCode code="completed"/><effectiveTime value="20240105"/><value xsi:type="ST">yes</value></observation>';
	const who = fresh({ sections: [section({ code: '29762-2', title: 'Social history', entries: [words] })] });
	seen(await take(ccda(who), '?create=true&accept=new'), 201);
	const second = seen(await take(ccda({ ...who, id: `${who.id}-again` })), 201);
	assert.deepEqual([second.items.map(({ state }) => state), second.state], [['same'], 'done']);
});

test('conflicts are shown with both sides; replacing takes theirs, ignoring leaves ours, and both are noted', async () => {
	const who = fresh();
	const first = seen(await take(ccda(who), '?create=true&accept=new'), 201);
	const changed = ccda({
		...who,
		id: 'changed',
		sections: [
			section({
				code: '48765-2',
				title: 'Allergies',
				entries: [
					allergyEntry('al-1'),
					allergyEntry('al-2', '<code code="2670" codeSystem="2.16.840.1.113883.6.88" displayName="codeine"/>'),
				],
			}),
			section({ code: '11450-4', title: 'Problems', entries: [problemEntry('pr-1', '20260101')] }),
			section({ code: '10160-0', title: 'Medications', entries: [medicationEntry('me-1', '2')] }),
		],
	});
	const second = seen(await take(changed), 201);
	const states = Object.fromEntries(second.items.map(({ key, state, differences }) => [key, [state, ...differences]]));
	assert.deepEqual(states, {
		'1/1': ['same'],
		'1/2': ['new'],
		'2/1': ['conflicting', 'clinicalStatus'],
		'3/1': ['conflicting', 'dosageInstruction'],
	});
	const before = await only(`Condition?patient=${first.patient?.slice(8)}`);
	const path = `${second.document}/$reconcile`;
	const body = (decisions: Record<string, string>) => ({
		resourceType: 'Parameters',
		parameter: Object.entries(decisions).map(([key, name]) => ({ name, valueString: key })),
	});
	const partly = seen(await server.send('POST', path, { body: body({ '2/1': 'replace', '3/1': 'ignore' }) }), 200);
	assert.equal(partly.state, 'open');
	const now = await only(`Condition?patient=${first.patient?.slice(8)}`);
	assert.deepEqual([now.id, now.abatementDateTime, now.meta?.versionId], [before.id, '2026-01-01', '2']);
	const done = seen(await server.send('POST', path, { body: body({ '1/2': 'accept' }) }), 200);
	assert.equal(done.state, 'done');
	assert.equal((await found(`AllergyIntolerance?patient=${first.patient?.slice(8)}`)).length, 2);
	assert.equal((await found(`MedicationRequest?patient=${first.patient?.slice(8)}`)).length, 1);
	const twice = await server.send('POST', path, { body: body({ '1/2': 'accept' }) });
	assert.equal(twice.status, 400);
	assert.deepEqual(Object.fromEntries(seen(await server.send('GET', path), 200).items.map(({ key, decision }) => [key, decision])), {
		'1/1': undefined,
		'1/2': 'accept',
		'2/1': 'replace',
		'3/1': 'ignore',
	});
});

test('two people who decide about one item at once: one of them is refused', async () => {
	const taken = seen(await take(ccda(fresh()), '?create=true'), 201);
	const body = { resourceType: 'Parameters', parameter: [{ name: 'accept', valueString: taken.items[0]?.key }] };
	const answers = await Promise.all([1, 2, 3].map(() => server.send('POST', `${taken.document}/$reconcile`, { body })));
	assert.deepEqual(answers.map(({ status }) => (status === 200 ? 200 : 'refused')).sort(), [200, 'refused', 'refused']);
	assert.equal((await found(`AllergyIntolerance?patient=${taken.patient?.slice(8)}`)).length, 1);
});

test('a document nobody is certain for is held with candidates until somebody says whose it is', async () => {
	const who = fresh();
	const similar = await server.send('POST', 'Patient', {
		body: { resourceType: 'Patient', name: [{ family: who.family, given: ['Dora'] }], birthDate: '1962-03-17', gender: 'female' },
	});
	const other = await server.send('POST', 'Patient', {
		body: { resourceType: 'Patient', name: [{ family: 'Else' }], birthDate: '1990-01-01' },
	});
	const held = seen(await take(ccda(who), '?accept=new'), 201);
	assert.deepEqual([held.state, held.patient], ['unmatched', undefined]);
	const candidate = held.parts.find(({ name }) => name === 'candidate');
	assert.deepEqual(
		[candidate?.part?.[0]?.valueReference, candidate?.part?.[1]?.valueCode],
		[{ reference: `Patient/${similar.json.id}` }, 'possible'],
	);
	assert.equal((await server.send('POST', `${held.document}/$reconcile?accept=1/1`)).status, 409);
	const wrong = await server.send('POST', `${held.document}/$match?patient=${other.json.id}`);
	assert.deepEqual([wrong.status, wrong.text.includes('document-patient-differs')], [409, true]);
	const filed = seen(await server.send('POST', `${held.document}/$match?patient=${similar.json.id}`), 200);
	assert.deepEqual([filed.state, filed.patient], ['open', `Patient/${similar.json.id}`]);
	assert.equal((await server.send('POST', `${held.document}/$match?create=true`)).status, 409);
	assert.equal((await found(`Task?patient=${similar.json.id}&status=in-progress`)).length, 1);
});

test('a document that is refused is not kept: what a client is told did not happen has not', async () => {
	const other = await server.send('POST', 'Patient', {
		body: { resourceType: 'Patient', name: [{ family: 'Else' }], birthDate: '1990-01-01' },
	});
	const who = fresh();
	const stored = async () => (await found(`DocumentReference?identifier=${who.id}`)).length;
	const attempts = [
		['somebody else', ccda(who), `?patient=${other.json.id}&accept=new`, 409],
		['a patient who is not there', ccda(who), '?patient=nobody', 404],
		[
			'a header without a patient',
			Buffer.from(
				ccda(who)
					.toString()
					.replace(/<recordTarget>[\s\S]*<\/recordTarget>/, ''),
			),
			'?create=true',
			400,
		],
	] as const;
	for (const [name, document, query, status] of attempts) {
		const answer = await take(document, query);
		assert.equal(answer.status, status, `${name}: ${answer.text}`);
		assert.equal(await stored(), 0, name);
	}
	const filed = seen(await take(ccda(who), `?patient=${other.json.id}&confirm=true`), 201);
	assert.deepEqual([filed.state, filed.patient, await stored()], ['open', `Patient/${other.json.id}`, 1]);
});

test('a document that comes again is filed by what is said now, once', async () => {
	const who = fresh();
	const held = seen(await take(ccda(who)), 201);
	assert.equal(held.state, 'unmatched');
	const filed = seen(await take(ccda(who), '?create=true&accept=new'), 200);
	assert.deepEqual([filed.document, filed.known, filed.state], [held.document, true, 'done']);
	const again = seen(await take(ccda(who), '?create=true&accept=new'), 200);
	assert.deepEqual([again.patient, again.state], [filed.patient, 'done']);
	assert.equal((await found(`Patient?identifier=${who.mrn}`)).length, 1);
	const other = await server.send('POST', 'Patient', { body: { resourceType: 'Patient', name: [{ family: who.family }] } });
	assert.equal((await take(ccda(who), `?patient=${other.json.id}`)).status, 409);
});

test('a denied allergy to everything is no known allergy', async () => {
	const nothing = allergyEntry('al-n', '<code code="105590001" codeSystem="2.16.840.1.113883.6.96" displayName="Substance"/>', true);
	const { items } = seen(
		await take(ccda(fresh({ sections: [section({ code: '48765-2', title: 'Allergies', entries: [nothing] })] }))),
		201,
	);
	const code = items[0]?.resource.code as { coding: { code: string }[] };
	assert.equal(code.coding[0]?.code, '409137002');
});

const refused: readonly (readonly [string, Buffer | string, number, string])[] = [
	['nothing', '', 400, 'document-missing'],
	['no XML', 'hello', 400, 'document-malformed'],
	['another root', '<a/>', 400, 'document-not-cda'],
	['a document type', ccda({ declaration: '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>' }), 400, 'document-malformed'],
	['an entity', ccda({ sections: [section({ code: '1', title: '&boom;' })] }), 400, 'document-malformed'],
	['deep nesting', ccda({ sections: ['<component>'.repeat(5000)] }), 400, 'document-malformed'],
	['bytes that are no text', Buffer.concat([ccda().subarray(0, 900), Buffer.from([0xff, 0xfe, 0xff])]), 400, 'document-malformed'],
];
for (const [name, document, status, code] of refused)
	test(`what is no C-CDA document is refused: ${name}`, async () => {
		const answer = await take(typeof document === 'string' ? Buffer.from(document) : document);
		assert.equal(answer.status, status, answer.text);
		assert.ok(answer.text.includes(code), answer.text);
	});

test('whatever is broken or missing inside a document, it is read or refused, never a fault', async () => {
	const random = createRandom(20260301);
	const whole = ccda().toString();
	const parts = [...whole.matchAll(/<(\w[\w:]*)[^>]*?\/>|"[^"]{1,60}"/g)].filter(
		({ 0: part, index }) => index > 400 && !part.includes('urn:'),
	);
	const with_ = ['', '"9"', '""', '"-"', '"20269999"', '<x/>', '"2.16.840.1.113883.6.96"', '<value xsi:type="CD" nullFlavor="UNK"/>'];
	for (let round = 0; round < 40; round += 1) {
		let text = whole;
		for (let change = 0; change < 3; change += 1) {
			const part = random.pick(parts)[0];
			const other = random.pick(with_);
			text = text.replace(
				part,
				part.startsWith('"') === other.startsWith('"') || other === '' ? (part.startsWith('"') && other === '' ? '"x"' : other) : part,
			);
		}
		const { status, text: said } = await take(Buffer.from(text.replace('doc-1', `mutant-${round}`)), '?create=true&accept=new');
		assert.ok([200, 201, 400, 409].includes(status), `${status} ${said.slice(0, 400)}`);
	}
});

test('who may not write documents takes none in; who may not see the patient files nothing there', async () => {
	server.caller('reader', [{ type: '*', interactions: ['read', 'search'] }]);
	assert.equal((await take(ccda(fresh()), '', 'reader')).status, 403);
	const other = await server.send('POST', 'Patient', { body: { resourceType: 'Patient', name: [{ family: 'Hidden' }] } });
	const mine = await server.send('POST', 'Patient', { body: { resourceType: 'Patient', name: [{ family: 'Mine' }] } });
	server.caller('bound', [{ type: '*', interactions: ['create', 'read', 'update', 'search'], patient: mine.json.id as string }], 'patient');
	const answer = await take(ccda(fresh()), `?patient=${other.json.id}&confirm=true`, 'bound');
	assert.ok(answer.status === 403 || answer.status === 404, answer.text);
});
