// Valid records of every resource of the Standard API, made by its own routes: what tests of all routes begin with.
import assert from 'node:assert/strict';
import { standardRows } from '#standard-api/routes.ts';
import type { StandardRow } from '#standard-api/row.ts';
import { createRandom } from './random.ts';
import type { TestServer } from './server.ts';
import { recordIn, validRecord } from './standard.ts';

export type Body = Record<string, unknown>;
export type Made = { readonly number: number; readonly id: string };
/** Whose things they are: a patient with a visit. */
export type World = { readonly patient: Made; readonly encounter: Made };

/** Which name of a record stands in a path: what OpenEMR has there, always its number, or always its UUID. */
export type Naming = 'usual' | 'number' | 'uuid';

export type StandardRecords = {
	/** A patient with a visit, and nothing else. */
	world(): Promise<World>;
	/** A valid body for a resource, another one each time. */
	sampleOf(resource: string, of: World): Body;
	/** Makes a record by POST. */
	made(resource: string, path: string, body: Body): Promise<Made>;
	/** The number and the FHIR id of what an answer names. */
	idsIn(type: string, record: Body): Promise<Made>;
	/** A new record of the row's resource that belongs to somebody; undefined for resources that nobody can make here. */
	ownFor(row: StandardRow, of: World): Promise<Made | undefined>;
	/** The same for what is not changed: one record for all rows of a resource. */
	oneFor(row: StandardRow, of: World): Promise<Made | undefined>;
};

export const npi = '1234567893';

export const isCreating = ({ does, method, isRaw }: StandardRow): boolean => does === 'create' && method === 'POST' && isRaw !== true;

/** Whether a path of the row ends with the name of a record. */
export const namesOne = ({ path, does }: StandardRow): boolean => /:[a-z_]+$/.test(path) && does !== 'create' && !/^\/list/.test(path);

export const label = ({ method, path }: StandardRow): string => `${method} ${path}`;

/** The path of a row; `own` is the record itself, for rows that name one. */
export function pathOf({ path, resource }: StandardRow, { patient, encounter }: World, own?: Made, naming: Naming = 'usual'): string {
	const filled = path.replace(/:([a-z_]+)/g, (_, name: string) => {
		if (name === 'list_name') return 'sex';
		if (name === 'name') return 'housekeeping';
		const isVisit = (name === 'eid' || name === 'euuid') && resource !== 'appointment' && path.includes('/encounter/:');
		const one = name === 'pid' || name === 'puuid' ? patient : isVisit && resource !== 'encounter' ? encounter : (own ?? encounter);
		return naming === 'uuid' || (naming === 'usual' && name.endsWith('uuid')) ? one.id : String(one.number);
	});
	return `api${filled}`;
}

/** Makes records on a server. It starts with a facility, a payer and a practitioner. */
export async function createStandardRecords(server: TestServer): Promise<StandardRecords> {
	const { ctx } = server;
	const facility = await made('facility', 'api/facility', { name: 'Clinic', facility_npi: npi });
	const payer = await made('insurance_company', 'api/insurance_company', { name: 'Payer' });
	const doctor = await made('practitioner', 'api/practitioner', { fname: 'Doc', lname: 'Torres', npi });
	let counter = 0;
	/** What a valid record has to have beyond what its fields say. */
	const samples: Readonly<Record<string, (world: World) => Body>> = {
		patient: () => ({ fname: 'Ada', lname: `Contract${counter++}`, DOB: '1980-01-02', sex: 'Female' }),
		encounter: () => ({ pc_catid: '5', class_code: 'AMB', reason: 'Check-up', user: 'admin', group: 'Default' }),
		employer: () => ({ name: 'Mill' }),
		insurance: () => ({
			provider: payer.number,
			policy_number: 'P-1',
			subscriber_lname: 'Else',
			subscriber_fname: 'Some',
			subscriber_relationship: 'spouse',
			subscriber_DOB: '1970-01-01',
			subscriber_street: '1 Elm St',
			subscriber_postal_code: '02110',
			subscriber_city: 'Boston',
			subscriber_state: 'MA',
			subscriber_sex: 'Male',
			accept_assignment: 'TRUE',
			date: `20${10 + (counter % 80)}-0${1 + (counter++ % 9)}-01`,
			date_end: '2099-01-01',
		}),
		facility: () => ({ name: 'Another clinic', facility_npi: npi }),
		practitioner: () => ({ fname: 'Doc', lname: 'Other', npi, facility_id: facility.number }),
		insurance_company: () => ({ name: 'Another payer' }),
		vital: () => ({
			date: `20${10 + (counter % 10)}-0${1 + (counter++ % 9)}-03 08:00:00`,
			bps: '120',
			bpd: '80',
			weight: '180',
			pulse: '72',
		}),
		soap_note: () => ({ subjective: 'Feels well.', plan: 'Nothing.' }),
		medical_problem: () => ({ title: 'Asthma', begdate: '2020-01-02', diagnosis: 'ICD10:J45.909' }),
		allergy: () => ({ title: 'Penicillin', begdate: '2020-01-02', reaction: 'Hives', severity_al: 'severe' }),
		medication: () => ({ title: 'Metformin 500 mg' }),
		surgery: () => ({ title: 'Appendectomy' }),
		dental_issue: () => ({ title: 'Caries' }),
		prescription: ({ patient }) => ({ drug: 'Metformin 500 mg', patient_id: String(patient.number) }),
		immunization: ({ patient }) => ({ patient_id: String(patient.number), cvx_code: '207', administered_date: '2024-01-02 10:00:00' }),
		procedure: ({ patient }) => ({ patient_id: String(patient.number), procedure_name: 'Biopsy', order_title: 'Biopsy' }),
		appointment: ({ patient }) => ({
			pid: patient.number,
			pc_catid: '5',
			pc_title: 'Check-up',
			pc_duration: '900',
			pc_hometext: 'text',
			pc_apptstatus: '-',
			pc_eventDate: `20${30 + (counter % 60)}-0${1 + (counter++ % 9)}-05`,
			pc_startTime: '09:00',
			pc_facility: String(facility.number),
			pc_billing_location: String(facility.number),
		}),
		message: () => ({ body: 'Hello there', to: 'admin', from: 'admin', groupname: 'Default', title: 'Other', message_status: 'New' }),
		transaction: () => ({ type: 'LBTref', referralDate: '2024-01-02', body: 'Please see.', groupname: 'Default', referByNpi: npi }),
	};

	async function made(resource: string, path: string, body: Body): Promise<Made> {
		const { status, json, text } = await server.api('POST', path, { body });
		assert.ok(status === 200 || status === 201, `${resource}: ${text}`);
		return idsIn(typeOf(resource), recordIn(json));
	}

	function typeOf(resource: string): string {
		return standardRows.find((row) => row.resource === resource && row.type !== undefined)?.type ?? '';
	}

	async function idsIn(type: string, record: Body): Promise<Made> {
		const uuid = [record.uuid, record.euuid, record.pc_uuid].find((one) => typeof one === 'string');
		const number = [record.pid, record.eid, record.id, record.vid, record.sid, record.iid, record.mid, record.tid, record.form_id].find(
			(one) => one !== undefined,
		);
		const id = uuid ?? (await ctx.fhir.store.numbers.idOf(ctx.db, type, Number(number)));
		assert.ok(typeof id === 'string', `no id in ${JSON.stringify(record)}`);
		const found = await ctx.fhir.store.numbers.of(ctx.db, type, [id]);
		return { id, number: found.get(id) ?? Number(number) };
	}

	/** Drugs are kept through FHIR. */
	async function drug(): Promise<Made> {
		const body = { resourceType: 'Medication', status: 'active', code: { text: `Drug ${counter++}` } };
		return idsIn('Medication', { uuid: (await server.send('POST', 'Medication', { body })).json.id });
	}

	async function document({ patient }: World): Promise<Made> {
		const name = `note-${counter++}.txt`;
		const body = new FormData();
		body.append('document', new Blob([`Words of ${name}`]), name);
		const path = `api/patient/${patient.number}/document`;
		assert.equal((await server.api('POST', `${path}?path=Medical%20Record`, { body })).status, 200);
		const filed = (await server.api('GET', `${path}?_limit=1000`)).json as unknown as Body[];
		const { id } = filed.find(({ filename }) => filename === name) as Body;
		return idsIn('DocumentReference', { id });
	}

	async function world(): Promise<World> {
		const patient = await made('patient', 'api/patient', sampleOf('patient', undefined as never));
		const encounter = await made('encounter', `api/patient/${patient.id}/encounter`, sampleOf('encounter', undefined as never));
		return { patient, encounter };
	}

	function sampleOf(resource: string, of: World): Body {
		const sample = samples[resource];
		if (sample !== undefined) return sample(of);
		const mapping = standardRows.find((row) => row.resource === resource && row.mapping !== undefined)?.mapping;
		return mapping === undefined ? {} : validRecord(createRandom(1, counter++), mapping.fields);
	}

	async function ownFor(row: StandardRow, of: World): Promise<Made | undefined> {
		if (row.resource === 'encounter') return made('encounter', `api/patient/${of.patient.id}/encounter`, sampleOf('encounter', of));
		if (row.resource === 'user') return doctor;
		if (row.resource === 'patient') return of.patient;
		if (row.resource === 'drug') return drug();
		if (row.resource === 'document') return document(of);
		const creating = standardRows.find(
			(one) => one.resource === row.resource && isCreating(one) && one.path !== '/background_service/:name/run',
		);
		return creating === undefined ? undefined : made(row.resource, pathOf(creating, of), sampleOf(row.resource, of));
	}

	const once = new Map<string, Promise<Made | undefined>>();

	function oneFor(row: StandardRow, of: World): Promise<Made | undefined> {
		const key = `${row.resource} ${of.patient.id}`;
		const own = once.get(key) ?? ownFor(row, of);
		once.set(key, own);
		return own;
	}
	return { world, sampleOf, made, idsIn, ownFor, oneFor };
}
