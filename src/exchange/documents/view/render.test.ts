import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { roundTrip } from '#exchange/documents/testing/round-trip.ts';
import { sampleRecord, sampleResources } from '#exchange/documents/testing/sample.ts';
import { ccda, section } from '#testing/ccda.ts';
import { testServer } from '#testing/server.ts';
import { htmlOf } from './html.ts';
import { outlineOf } from './outline.ts';

const server = await testServer({ after });
server.caller('other', [{ type: '*', interactions: ['read', 'search'], patient: 'p2' }]);

for (const [id, family] of [
	['p1', 'Öztürk'],
	['p2', 'Other'],
])
	await server.send('PUT', `Patient/${id}`, { body: { resourceType: 'Patient', id, name: [{ family, given: ['Ярослава'] }] } });

/** A document of somebody who means harm. */
const hostile = `<?xml version="1.0"?>
<ClinicalDocument xmlns="urn:hl7-org:v3"><id root="1.2.3"/><title>&lt;script>alert(1)&lt;/script></title><languageCode code='en" onload="x'/>
<recordTarget><patientRole><id root="2.16.840.1.113883.4.1" extension="999-12-3456"/><patient><name><given>Eve&lt;img src=x onerror=alert(2)></given></name></patient></patientRole></recordTarget>
<component><structuredBody><component><section><title>Notes</title><text>
<table onclick="alert(3)"><tbody><tr><td>A<br/>B<linkHtml href="javascript:alert(4)">link</linkHtml><script>alert(5)</script></td><td colspan="9999999">${'long '.repeat(3000)}</td></tr></tbody></table>
<list listType="ordered"><item>one</item></list><paragraph styleCode="Bold">strong</paragraph><renderMultiMedia referencedObject="x"/>
</text><component><section><title>Inner</title><text>deep</text></section></component></section></component></structuredBody></component></ClinicalDocument>`;

const reference = (id: string, attachment: object) => ({
	resourceType: 'DocumentReference',
	id,
	status: 'current',
	subject: { reference: 'Patient/p1' },
	content: [{ attachment }],
});
const documents = [
	reference('hostile', { contentType: 'text/xml', data: Buffer.from(hostile).toString('base64') }),
	reference('picture', { contentType: 'image/png', data: 'iVBORw0KGgo=' }),
	reference('elsewhere', { contentType: 'application/xml', url: 'https://example.org/x.xml' }),
	reference('broken', { contentType: 'application/xml', data: Buffer.from('<ClinicalDocument').toString('base64') }),
	reference('bomb', { contentType: 'application/xml', data: Buffer.from('<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>').toString('base64') }),
];
for (const body of documents) {
	const { status, text } = await server.send('PUT', `DocumentReference/${body.id}`, { body });
	assert.ok(status < 300, text);
}

test('a document of ours as HTML and PDF, by parameter and by Accept', async () => {
	const { json } = await server.send('GET', 'DocumentReference/$docref?patient=p1');
	const [entry] = json.entry as { resource: { id: string } }[];
	const path = `DocumentReference/${entry?.resource.id}/$render`;
	const html = await server.send('GET', path);
	assert.equal(html.status, 200, html.text);
	assert.match(html.headers.get('content-type') ?? '', /^text\/html; charset=utf-8/);
	assert.match(html.text, /<h1>Ярослава Öztürk<\/h1>/);
	assert.match(html.text, /<h2>Allergies and Intolerances<\/h2>/);
	for (const query of [path, `${path}?as=pdf&size=a4`]) {
		const pdf = await server.send('GET', query, { headers: { accept: 'application/pdf' } });
		assert.equal(pdf.headers.get('content-type'), 'application/pdf');
		assert.ok(pdf.text.startsWith('%PDF-'), pdf.text.slice(0, 200));
		assert.ok(pdf.text.trimEnd().endsWith('%%EOF'));
	}
	assert.equal((await server.send('GET', path, { as: 'other' })).status, 404);
});

test('nothing of a hostile document runs or loads, and its policy forbids it besides', async () => {
	const { status, text, headers } = await server.send('GET', 'DocumentReference/hostile/$render?as=html');
	assert.equal(status, 200, text);
	assert.doesNotMatch(text, /<script|<img|onclick|onload|javascript:/i);
	assert.match(text, /&lt;script&gt;alert\(1\)/);
	assert.doesNotMatch(text, /999-12-3456/);
	assert.match(headers.get('content-security-policy') ?? '', /default-src 'none'.*sandbox/);
	assert.equal(headers.get('x-content-type-options'), 'nosniff');
	const pdf = await server.send('GET', 'DocumentReference/hostile/$render?as=pdf');
	assert.ok(pdf.text.startsWith('%PDF-'), pdf.text.slice(0, 200));
});

test('cells say what they are, so that a narrow page can show rows as lists; tables of others stay as they are', () => {
	const { xml } = roundTrip(sampleRecord(), sampleResources);
	const html = htmlOf(outlineOf(Buffer.from(xml)));
	assert.match(html, /<table class="rows"><thead><tr><th>Substance<\/th>/);
	assert.match(html, /<td data-label="Substance"><span id="allergies_AllergyIntolerance_[^"]+_name">/);
	const spanned = '<table><thead><tr><th colspan="2">Both</th></tr></thead><tbody><tr><td>a</td><td>b</td></tr></tbody></table>';
	const other = htmlOf(outlineOf(ccda({ sections: [section({ code: '1', title: 'Other', text: spanned })] })));
	assert.doesNotMatch(other, /<td data-label|<table class="rows"/);
	assert.match(other, /<dd>English<\/dd>/);
});

const refused: readonly (readonly [string, number, string])[] = [
	['picture/$render', 422, 'document-not-shown'],
	['elsewhere/$render', 422, 'document-not-shown'],
	['broken/$render', 400, 'document-malformed'],
	['bomb/$render', 400, 'document-malformed'],
	['hostile/$render?as=doc', 400, 'parameter-invalid'],
	['hostile/$render?as=pdf&size=a0', 400, 'parameter-invalid'],
	['nothing/$render', 404, 'not-found'],
];
for (const [path, status, code] of refused) {
	test(`refused: ${path}`, async () => {
		const answer = await server.send('GET', `DocumentReference/${path}`);
		assert.equal(answer.status, status, answer.text);
		assert.ok(answer.text.includes(code), answer.text);
	});
}
