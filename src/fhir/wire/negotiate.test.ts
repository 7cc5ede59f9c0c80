import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Problem } from '#base/problem.ts';
import { answer } from './answer.ts';
import { answerFormat, bodyFormat, isFhirMediaType, isForm, patchFormat } from './negotiate.ts';

const json = 'application/fhir+json; charset=utf-8';
const xml = 'application/fhir+xml; charset=utf-8';

/** Accept, query, content type of the answer or 406. */
const answers: readonly (readonly [string | undefined, string, string | 406])[] = [
	[undefined, '', json],
	['', '', json],
	['*/*', '', json],
	['application/*', '', json],
	['application/fhir+json', '', json],
	['Application/FHIR+JSON', '', json],
	['application/json', '', 'application/json; charset=utf-8'],
	['text/json', '', 'text/json; charset=utf-8'],
	['application/fhir+xml', '', xml],
	['application/xml', '', 'application/xml; charset=utf-8'],
	['text/xml', '', 'text/xml; charset=utf-8'],
	['application/fhir+xml;q=0.5, application/fhir+json;q=0.4', '', xml],
	['application/fhir+xml;q=0.4, application/fhir+json;q=0.5', '', json],
	['application/fhir+xml, application/fhir+json', '', xml],
	['*/*, application/fhir+xml', '', xml],
	['text/html, */*;q=0.1', '', json],
	['text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', '', 'application/xml; charset=utf-8'],
	['application/fhir+json; fhirVersion=4.0', '', json],
	['application/fhir+json; fhirVersion="4.0"', '', json],
	['application/fhir+json; fhirVersion=5.0', '', 406],
	['application/fhir+json; fhirVersion=3.0, application/fhir+xml; fhirVersion=4.0', '', xml],
	['application/fhir+json;q=0', '', 406],
	['application/fhir+json;q=x', '', 406],
	['text/turtle', '', 406],
	['image/png', '', 406],
	['gibberish', '', 406],
	['text/turtle', '_format=json', json],
	['application/fhir+xml', '_format=json', json],
	['application/fhir+json', '_format=xml', xml],
	[undefined, '_format=application/fhir%2Bxml', xml],
	[undefined, '_format=application/fhir+xml', xml],
	[undefined, '_format=application/xml', xml],
	[undefined, '_format=text/xml', xml],
	[undefined, '_format=text/json', json],
	[undefined, '_format=application/json', json],
	[undefined, 'name=a&_format=application/fhir%2Bjson%3B%20fhirVersion%3D4.0', json],
	[undefined, '_format=application/fhir%2Bjson%3BfhirVersion%3D3.0', 406],
	[undefined, '_format=', json],
	[undefined, '_format=ttl', 406],
	[undefined, '_format=html', 406],
	[undefined, '_format=%00', 406],
	[undefined, '_format=__proto__', 406],
];
for (const [accept, query, expected] of answers) {
	test(`Accept ${accept ?? '(none)'} with ?${query} gives ${expected}`, () => {
		const request = { query, headers: accept === undefined ? {} : { accept } };
		if (expected === 406) {
			assert.throws(
				() => answerFormat(request),
				(error) => error instanceof Problem && error.status === 406 && error.code === 'format-not-acceptable',
			);
			return;
		}
		const { format, contentType, pretty } = answerFormat(request);
		assert.equal(contentType, expected);
		assert.equal(format, expected.includes('xml') ? 'xml' : 'json');
		assert.equal(pretty, false);
	});
}

test('_format and _pretty may come in a form', () => {
	const request = { query: '', headers: { accept: 'application/fhir+json' } };
	assert.deepEqual(answerFormat(request, new URLSearchParams('_format=xml&_pretty=true')), {
		format: 'xml',
		pretty: true,
		contentType: xml,
	});
});

/** Content-Type, format or 415. */
const bodies: readonly (readonly [string | undefined, 'json' | 'xml' | 415])[] = [
	[undefined, 'json'],
	['', 'json'],
	['application/fhir+json', 'json'],
	['application/json', 'json'],
	['text/json', 'json'],
	['APPLICATION/FHIR+JSON ; Charset="UTF-8"', 'json'],
	['application/fhir+json; fhirVersion=4.0', 'json'],
	['application/fhir+json; fhirVersion=4.3', 415],
	['application/fhir+json; charset=iso-8859-1', 415],
	['application/fhir+json; charset=utf-16', 415],
	['application/fhir+xml', 'xml'],
	['application/xml; charset=utf-8', 'xml'],
	['text/xml', 'xml'],
	['text/plain', 415],
	['text/turtle', 415],
	['application/x-www-form-urlencoded', 415],
	['application/json-patch+json', 415],
	['*/*', 415],
	['x', 415],
];
for (const [contentType, expected] of bodies) {
	test(`a body of type ${contentType ?? '(none)'} is ${expected}`, () => {
		if (expected !== 415) assert.equal(bodyFormat(contentType), expected);
		else {
			assert.throws(
				() => bodyFormat(contentType),
				(error) => error instanceof Problem && error.status === 415 && error.code === 'content-type-unsupported',
			);
		}
	});
}

test('patches are JSON Patch or Parameters, nothing else', () => {
	assert.equal(patchFormat('application/json-patch+json; charset=utf-8'), 'json-patch');
	assert.equal(patchFormat('application/fhir+json'), 'json');
	assert.equal(patchFormat('application/fhir+xml'), 'xml');
	for (const bad of [undefined, 'application/xml-patch+xml', 'application/merge-patch+json', 'application/json-patch+json; charset=latin1'])
		assert.throws(() => patchFormat(bad), /content-type-unsupported/);
});

test('forms and the media types of FHIR are known', () => {
	assert.equal(isForm('application/x-www-form-urlencoded; charset=utf-8'), true);
	assert.equal(isForm('application/json'), false);
	assert.equal(isForm(undefined), false);
	for (const yes of ['application/fhir+json', 'application/fhir+xml; fhirVersion=4.0']) assert.equal(isFhirMediaType(yes), true);
	for (const no of ['application/json', 'text/xml', 'image/png', '']) assert.equal(isFhirMediaType(no), false);
});

const stored = '{"resourceType":"Observation","valueQuantity":{"value":1.10}}';

test('an answer in JSON is the text as it stands', () => {
	const reply = answer({ query: '', headers: {} }, 201, stored, { etag: 'W/"1"' });
	assert.deepEqual(reply, { status: 201, headers: { 'content-type': json, etag: 'W/"1"' }, body: stored });
});

test('an answer keeps decimals when pretty and in XML', () => {
	assert.match(String(answer({ query: '_pretty=true', headers: {} }, 200, stored).body), /\n {4}"value": 1\.10\n/);
	assert.match(String(answer({ query: '_format=xml', headers: {} }, 200, stored).body), /<value value="1\.10"\/>/);
	assert.match(String(answer({ query: '_format=xml&_pretty=true', headers: {} }, 200, stored).body), /\n {4}<value value="1\.10"\/>\n/);
	assert.throws(() => answer({ query: '', headers: { accept: 'image/png' } }, 200, stored), /format-not-acceptable/);
});
