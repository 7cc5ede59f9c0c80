// SMART scopes as grants.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Grant } from './ctx.ts';
import { grantsOf } from './scopes.ts';

const good: [string, Grant][] = [
	['user/Observation.rs', { type: 'Observation', interactions: ['read', 'search'] }],
	['user/*.cruds', { type: '*', interactions: ['create', 'read', 'update', 'delete', 'search'] }],
	['system/Patient.read', { type: 'Patient', interactions: ['read', 'search'] }],
	['user/Patient.write', { type: 'Patient', interactions: ['create', 'update', 'delete'] }],
	['user/Patient.*', { type: 'Patient', interactions: ['create', 'read', 'update', 'delete', 'search'] }],
	['patient/Condition.r', { type: 'Condition', interactions: ['read'], patient: '7' }],
	[
		'patient/Observation.rs?category=laboratory',
		{ type: 'Observation', interactions: ['read', 'search'], patient: '7', query: 'category=laboratory' },
	],
];

for (const [scope, grant] of good) test(`taken: ${scope}`, () => assert.deepEqual(grantsOf([scope], '7'), [grant]));

for (const scope of [
	'',
	'Observation.rs',
	'user/Observation',
	'user/Observation.',
	'user/Observation.sr',
	'user/Observation.rr',
	'user/observation.rs',
	'admin/*.rs',
	'openid',
]) {
	test(`refused: "${scope}"`, () => assert.throws(() => grantsOf([scope], '7'), { code: 'scope-invalid' }));
}

test('a patient scope needs a patient', () => {
	assert.throws(() => grantsOf(['patient/*.rs']), /needs a patient/);
});
