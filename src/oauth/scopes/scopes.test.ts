// Which scopes exist, which of those asked for a client may have, and to what they can be narrowed.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { grantedOf, narrowerOf } from './narrow.ts';
import { allowedOf, isKnown, needsPatient, type RecordFacts } from './scopes.ts';

const facts: RecordFacts = {
	types: new Set(['Patient', 'Observation', 'Condition']),
	takesQuery: (type, query) => type === 'Observation' && query.startsWith('category='),
};

const known: [string, boolean][] = [
	['openid', true],
	['launch/patient', true],
	['launch/other', false],
	['api:oemr', true],
	['site:default', true],
	['patient/Observation.read', true],
	['patient/Observation.rs?category=laboratory', true],
	['patient/Observation.rs?nothing=1', false],
	['patient/Patient.rs?category=x', false],
	['patient/*.rs?category=x', false],
	['user/*.cruds', true],
	['user/Nothing.rs', false],
	['user/Observation.sr', false],
	['user/allergy.cruds', true],
	['user/allergy.rs?x=1', false],
	['user/nonsense.read', false],
	['system/Patient.$export', true],
	['system/*.$bulkdata-status', true],
	['system/Nothing.$export', false],
	['', false],
	[`patient/Observation.rs?category=${'x'.repeat(1000)}`, false],
];
for (const [scope, expected] of known)
	test(`"${scope.slice(0, 60)}" exists: ${expected}`, () => assert.equal(isKnown(scope, facts), expected));

const allowed: [string, string, boolean][] = [
	['user/Patient.read', 'user/Patient.read', true],
	['user/Patient.read', 'user/Patient.rs', true],
	['user/Patient.read', 'user/Patient.r', true],
	['user/Patient.rs', 'user/Patient.rus', false],
	['user/Patient.rs', 'patient/Patient.rs', false],
	['user/*.rs', 'user/Observation.rs?category=laboratory', true],
	['user/Observation.rs?category=laboratory', 'user/Observation.rs', false],
	['user/Observation.rs?category=laboratory', 'user/Observation.r?category=laboratory', true],
	['user/Observation.rs?category=laboratory', 'user/Observation.rs?category=vital-signs', false],
	['user/Observation.rs', 'user/*.rs', false],
	['user/*.cruds', 'user/Patient.$export', false],
	['system/*.$export', 'system/Group.$export', true],
	['openid', 'profile', false],
];
for (const [registered, asked, expected] of allowed)
	test(`who registered ${registered} may have ${asked}: ${expected}`, () =>
		assert.deepEqual(allowedOf([asked], [registered]), expected ? [asked] : []));

test('whole types can be narrowed to categories, and to nothing that was not asked for', () => {
	assert.deepEqual(
		narrowerOf('patient/Condition.rs').map(({ category }) => category.code),
		['encounter-diagnosis', 'problem-list-item', 'health-concern'],
	);
	for (const scope of [
		'patient/Patient.rs',
		'patient/Observation.rs?category=laboratory',
		'system/Observation.rs',
		'openid',
		'patient/*.rs',
	])
		assert.deepEqual(narrowerOf(scope), [], scope);
	const narrow = narrowerOf('user/Observation.rs')[0]?.scope as string;
	assert.deepEqual(grantedOf(['openid', 'user/Observation.rs'], [narrow, 'user/Patient.rs']), [narrow]);
	assert.deepEqual(grantedOf(['user/Observation.rs'], [narrow, 'user/Observation.rs']), ['user/Observation.rs']);
	assert.deepEqual(grantedOf(['user/Patient.rs'], [narrow]), []);
});

test('patient scopes need a patient', () => {
	assert.deepEqual([['patient/Patient.rs'], ['launch/patient'], ['launch'], ['user/*.rs', 'openid']].map(needsPatient), [
		true,
		true,
		false,
		false,
	]);
});
