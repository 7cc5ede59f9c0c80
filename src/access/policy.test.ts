// What tokens may do: scopes, within rights, within a patient.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { everything, type Grant } from './ctx.ts';
import { grantsOfToken, type Holder, intersection } from './policy.ts';
import { patientGrants, patientLookUps } from './roles.ts';

const read = ['read', 'search'] as const;
const all = everything[0]?.interactions ?? [];
const only = (grants: readonly Grant[], type: string): Grant[] => grants.filter((grant) => grant.type === type);

const cases: [string, Holder, Grant[]][] = [
	['a user’s scope reaches all patients', { kind: 'user', scopes: ['user/Observation.rs'] }, [{ type: 'Observation', interactions: read }]],
	['a system scope gives a user nothing', { kind: 'user', scopes: ['system/*.cruds'] }, []],
	['a user scope gives a service nothing', { kind: 'system', scopes: ['user/*.cruds', 'patient/*.rs'], patient: 'p' }, []],
	['a service has its system scopes', { kind: 'system', scopes: ['system/Patient.read'] }, [{ type: 'Patient', interactions: read }]],
	['a patient scope without a patient gives nothing', { kind: 'user', scopes: ['patient/Observation.rs'] }, []],
	[
		'a patient scope is limited to the patient of the launch',
		{ kind: 'user', scopes: ['patient/Observation.rs'], patient: 'p' },
		[{ type: 'Observation', interactions: read, patient: 'p' }],
	],
	[
		'a granular scope keeps its query',
		{ kind: 'user', scopes: ['patient/Observation.rs?category=laboratory'], patient: 'p' },
		[{ type: 'Observation', interactions: read, patient: 'p', query: 'category=laboratory' }],
	],
	[
		'a patient’s user scope is limited to the own record',
		{ kind: 'patient', scopes: ['user/Observation.cruds'], own: 'p' },
		[{ type: 'Observation', interactions: all, patient: 'p' }],
	],
	['a patient’s account without a patient reaches nothing', { kind: 'patient', scopes: ['user/*.cruds', 'patient/*.cruds'] }, []],
	[
		'rights limit scopes',
		{ kind: 'user', scopes: ['user/*.cruds'], rights: [{ type: 'Patient', interactions: ['read'] }] },
		[{ type: 'Patient', interactions: ['read'] }],
	],
	['no rights leave nothing', { kind: 'user', scopes: ['user/*.cruds'], rights: [] }, []],
	[
		'patients may read, not write, what others wrote of them',
		{ kind: 'patient', scopes: ['patient/Condition.cruds'], patient: 'p', rights: patientGrants(['p']) },
		patientGrants(['p']).filter(({ type }) => type === 'Condition'),
	],
	[
		'another patient’s record is out of a patient’s rights',
		{ kind: 'patient', scopes: ['patient/Observation.rs'], patient: 'q', rights: [...patientGrants(['p']), ...patientLookUps] },
		[],
	],
	[
		'one’s own resource needs openid and fhirUser only',
		{ kind: 'user', scopes: ['openid', 'fhirUser'], fhirUser: 'Practitioner/7', rights: [] },
		[{ type: 'Practitioner', interactions: ['read'], query: '_id=7' }],
	],
	['openid alone does not open it', { kind: 'user', scopes: ['openid'], fhirUser: 'Practitioner/7' }, []],
	['a strange fhirUser opens nothing', { kind: 'user', scopes: ['openid', 'fhirUser'], fhirUser: 'Practitioner/7&name=x' }, []],
	['scopes of the Standard API open nothing here', { kind: 'user', scopes: ['user/patient.read', 'api:oemr', 'user/Patient.$export'] }, []],
];

for (const [name, holder, expected] of cases) test(name, () => assert.deepEqual(grantsOfToken(holder), expected));

test('access to one record brings what it refers to, for reading only', () => {
	const grants = grantsOfToken({ kind: 'user', scopes: ['patient/*.cruds'], patient: 'p' });
	assert.deepEqual(only(grants, 'Practitioner'), [{ type: 'Practitioner', interactions: read }]);
	assert.deepEqual(only(grants, 'Device'), [{ type: 'Device', interactions: read, query: 'patient=Patient/p' }]);
	assert.deepEqual(only(grants, '*'), [{ type: '*', interactions: all, patient: 'p' }]);
	assert.ok(grants.every(({ type, patient, query }) => patient === 'p' || query !== undefined || (type !== '*' && type !== 'Patient')));
});

test('what both lists allow never exceeds either', () => {
	const some: Grant[] = [{ type: '*', interactions: all, patient: 'p' }];
	assert.deepEqual(intersection(some, [{ type: 'Patient', interactions: ['read'], query: 'active=true' }]), [
		{ type: 'Patient', interactions: ['read'], patient: 'p', query: 'active=true' },
	]);
	assert.deepEqual(intersection(some, [{ type: '*', interactions: all, patient: 'q' }]), []);
	assert.deepEqual(intersection([{ type: 'A', interactions: ['read'] }], [{ type: 'B', interactions: ['read'] }]), []);
});
