import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Issue, Problem, type ProblemKind } from '#base/problem.ts';
import { outcomeOf, outcomeReply } from './outcome.ts';
import { fromXml } from './wire/xml.ts';

const request = { query: '', headers: {}, requestId: 'r-1' };
const bodyOf = (reply: { body?: unknown }) => JSON.parse(String(reply.body));

const kinds: readonly (readonly [ProblemKind, number | undefined, number, string])[] = [
	['invalid', undefined, 400, 'invalid'],
	['invalid', 405, 405, 'not-supported'],
	['invalid', 406, 406, 'not-supported'],
	['invalid', 415, 415, 'not-supported'],
	['invalid', 422, 422, 'processing'],
	['unauthenticated', undefined, 401, 'login'],
	['forbidden', undefined, 403, 'forbidden'],
	['not-found', undefined, 404, 'not-found'],
	['gone', undefined, 410, 'deleted'],
	['conflict', undefined, 409, 'conflict'],
	['stale', undefined, 412, 'conflict'],
	['unsupported', undefined, 501, 'not-supported'],
	['too-much', undefined, 413, 'too-long'],
	['unavailable', undefined, 503, 'transient'],
	['unavailable', 507, 507, 'no-store'],
];
for (const [kind, given, status, type] of kinds) {
	test(`${kind}${given === undefined ? '' : ` with status ${given}`} is ${status} ${type}`, () => {
		const init = { path: 'Patient.name[0]', headers: { 'x-one': '1' }, ...(given === undefined ? {} : { status: given }) };
		const reply = outcomeReply(new Problem(kind, 'some-code', 'Some text.', init), request);
		assert.equal(reply.status, status);
		assert.equal(reply.headers?.['content-type'], 'application/fhir+json; charset=utf-8');
		assert.equal(reply.headers?.['x-one'], '1');
		assert.deepEqual(bodyOf(reply), {
			resourceType: 'OperationOutcome',
			issue: [
				{
					severity: 'error',
					code: type,
					details: { coding: [{ system: 'urn:heron:problem', code: 'some-code' }], text: 'Some text.' },
					diagnostics: 'Some text.',
					expression: ['Patient.name[0]'],
				},
			],
		});
	});
}

test('every issue of a problem has its element, in order', () => {
	const issue = (severity: Issue['severity'], code: string): Issue => ({ severity, type: 'value', code, text: `${code}!` });
	const problem = new Problem('invalid', 'x', 'x', { issues: [issue('error', 'a'), issue('warning', 'b'), issue('information', 'c')] });
	const { issue: issues } = outcomeOf(problem) as unknown as { issue: { severity: string; diagnostics: string }[] };
	assert.deepEqual(
		issues.map(({ severity, diagnostics }) => [severity, diagnostics]),
		[
			['error', 'a!'],
			['warning', 'b!'],
			['information', 'c!'],
		],
	);
	assert.deepEqual(outcomeOf(problem.issues), outcomeOf(problem));
});

test('what no FHIR text may hold is not quoted, also in XML', () => {
	const problem = new Problem('not-found', 'x', 'No "a\0b\x1f\ud800\uffff".', { path: 'a\0b' });
	const clean = 'No "a\ufffdb\ufffd\ufffd\ufffd".';
	const [issue] = (outcomeOf(problem) as unknown as { issue: { diagnostics: string; details: { text: string }; expression: string[] }[] })
		.issue;
	assert.deepEqual([issue?.diagnostics, issue?.details.text, issue?.expression], [clean, clean, ['a\ufffdb']]);
	const reply = outcomeReply(problem, { ...request, query: '_format=xml' });
	assert.deepEqual(fromXml(String(reply.body)), outcomeOf(problem));
});

test('no issues at all say that all is well', () => {
	const { issue } = outcomeOf([]) as unknown as { issue: { severity: string; code: string }[] };
	assert.deepEqual([issue[0]?.severity, issue[0]?.code], ['information', 'informational']);
});

test('an unexpected error says nothing of the inside but the request id', () => {
	for (const error of [new Error('secret table'), 'secret', undefined, { code: '23505', detail: 'secret' }]) {
		const reply = outcomeReply(error, request);
		assert.equal(reply.status, 500);
		assert.equal(bodyOf(reply).issue[0].code, 'exception');
		assert.match(String(reply.body), /r-1/);
		assert.doesNotMatch(String(reply.body), /secret|23505/);
	}
});

test('an unavailable server says when to come again, unless the problem does', () => {
	assert.equal(outcomeReply(new Problem('unavailable', 'a', 'a'), request).headers?.['retry-after'], '2');
	const own = new Problem('unavailable', 'a', 'a', { headers: { 'retry-after': '30' } });
	assert.equal(outcomeReply(own, request).headers?.['retry-after'], '30');
	assert.equal(outcomeReply(new Problem('conflict', 'a', 'a'), request).headers?.['retry-after'], undefined);
});

test('the format is the one asked for, and JSON when that cannot be had', () => {
	const problem = new Problem('not-found', 'a', 'a <b> & \u0001');
	const xml = outcomeReply(problem, { ...request, headers: { accept: 'application/fhir+xml' } });
	assert.equal(xml.headers?.['content-type'], 'application/fhir+xml; charset=utf-8');
	assert.equal((fromXml(String(xml.body)) as unknown as { issue: { diagnostics: string }[] }).issue[0]?.diagnostics, 'a <b> & \ufffd');
	for (const headers of [{ accept: 'image/png' }, { accept: 'text/turtle' }]) {
		assert.equal(outcomeReply(problem, { ...request, headers }).headers?.['content-type'], 'application/fhir+json; charset=utf-8');
	}
	assert.equal(bodyOf(outcomeReply(problem, { ...request, query: '_format=ttl' })).resourceType, 'OperationOutcome');
});
