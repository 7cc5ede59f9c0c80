// Every route of the Standard and the Portal API tried as every role and as those who have none; the answers are the committed table
// who-may-what-standard.golden.txt. `HERON_WRITE_GOLDEN=1 npm test -- who-may-what` writes it anew. Bodies are empty: 400 is an answer to
// somebody who may.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { everything } from '#access/ctx.ts';
import { builtInRoles, patientGrants, patientLookUps, roleGrants } from '#access/roles.ts';
import { portalRows } from '#standard-api/portal.ts';
import { standardRows } from '#standard-api/routes.ts';
import { testServer } from '#testing/server.ts';

const golden = join(import.meta.dirname, 'who-may-what-standard.golden.txt');
const server = await testServer({ after });

const scopes = [
	'api:oemr',
	'api:port',
	...new Set(
		[...standardRows, ...portalRows].flatMap(({ resource, does }) => {
			const word = does.startsWith('$') ? does : 'cruds';
			return [`user/${resource}.${word}`, `patient/${resource}.${word}`];
		}),
	),
];

const resources = [
	{ resourceType: 'Patient', id: 'a', active: true },
	{ resourceType: 'Patient', id: 'b', active: true },
	{ resourceType: 'Practitioner', id: 'p', identifier: [{ system: 'http://hl7.org/fhir/sid/us-npi', value: '1' }] },
	{ resourceType: 'Organization', id: 'f', name: 'Clinic' },
	{ resourceType: 'Encounter', id: 'e', status: 'finished', class: { code: 'AMB' }, subject: { reference: 'Patient/a' } },
];

/** Puts the resources there, also what somebody was allowed to strike out. */
async function put(type?: string): Promise<void> {
	for (const body of resources.filter(({ resourceType }) => type === undefined || resourceType === type))
		assert.ok((await server.send('PUT', `${body.resourceType}/${body.id}`, { body })).status < 300);
}
await put();

const roles = builtInRoles.map(({ name }) => name);
for (const role of builtInRoles) {
	const person = { roles: [role], grants: roleGrants({ fhirUser: 'Practitioner/p' }, [role]) };
	server.caller(role.name, [], 'user', { scopes, person, fhirUser: 'Practitioner/p' });
}
server.caller('roleless', [], 'user', { scopes, person: { roles: [], grants: [] } });
for (const id of ['a', 'b'])
	server.caller(`patient-${id}`, [], 'patient', {
		scopes,
		person: { roles: [], grants: [...patientGrants([id]), ...patientLookUps], patient: id },
	});
server.caller('service', everything, 'system', { scopes });
const callers = ['nobody', 'service', 'patient-a', 'patient-b', 'roleless', ...roles];

const ids: Readonly<Record<string, string>> = { pid: 'a', puuid: 'a', pruuid: 'p', fuuid: 'f', list_name: 'sex', name: 'housekeeping' };

function pathOf(path: string): string {
	return path.replace(
		/:([a-z_]+)/g,
		(_, name: string) => ids[name] ?? (path.includes('/encounter/:') && /^e(uu)?id$/.test(name) ? 'e' : 'x'),
	);
}

test('every route answers every role as the table says', async () => {
	const lines = [`${'route'.padEnd(62)} ${callers.map((name) => name.slice(0, 9).padEnd(9)).join(' ')}`.trimEnd()];
	const rows = [...standardRows.map((row) => ({ row, api: 'api' })), ...portalRows.map((row) => ({ row, api: 'portal' }))];
	for (const { row, api } of rows) {
		const cells: string[] = [];
		for (const as of callers) {
			const writes = row.method !== 'GET' && row.method !== 'DELETE' && row.isRaw !== true;
			const { status } = await server.api(row.method, `${api}${pathOf(row.path)}`, { as, ...(writes ? { body: {} } : {}) });
			assert.ok(status < 500, `${row.method} ${row.path} as ${as}: ${status}`);
			cells.push(String(status).padEnd(9));
			if (row.method === 'DELETE' && status === 200) await put(row.type);
		}
		lines.push(`${`${row.method} /${api}${row.path}`.padEnd(62)} ${cells.join(' ')}`.trimEnd());
	}
	const table = `${lines.join('\n')}\n`;
	if (process.env.HERON_WRITE_GOLDEN === '1') writeFileSync(golden, table);
	assert.equal(table, readFileSync(golden, 'utf8'));
});
