// An entry of the audit as an AuditEvent, https://hl7.org/fhir/R4/auditevent.html
import type { Action, Kind } from '#access/audit/event.ts';
import type { Criterion, Logged } from '#access/audit/log.ts';
import type { Coding, Resource } from '#fhir/resource.ts';

const dicom = 'http://dicom.nema.org/resources/ontology/DCM';
const eventTypes = 'http://terminology.hl7.org/CodeSystem/audit-event-type';
const interactions = 'http://hl7.org/fhir/restful-interaction';
const ownWords = 'urn:heron:audit';

/** AuditEvent.type of each kind. */
export const typeCodings: Readonly<Record<Kind, Coding>> = {
	rest: { system: eventTypes, code: 'rest', display: 'RESTful Operation' },
	'sign-in': { system: dicom, code: '110114', display: 'User Authentication' },
	export: { system: dicom, code: '110106', display: 'Export' },
	print: { system: dicom, code: '110106', display: 'Export' },
	permission: { system: dicom, code: '110113', display: 'Security Alert' },
	'break-glass': { system: dicom, code: '110113', display: 'Security Alert' },
	configuration: { system: dicom, code: '110113', display: 'Security Alert' },
};

const securityWords: Readonly<Record<string, Coding>> = {
	login: { system: dicom, code: '110122', display: 'Login' },
	logout: { system: dicom, code: '110123', display: 'Logout' },
	permission: { system: dicom, code: '110136', display: 'Security Roles Changed' },
	'break-glass': { system: dicom, code: '110127', display: 'Emergency Override Started' },
	configuration: { system: dicom, code: '110131', display: 'Security Configuration' },
};

/** Codes of https://hl7.org/fhir/R4/codesystem-restful-interaction.html for interactions that have another name here. */
const restful: readonly (readonly [RegExp, string])[] = [
	[/^operation-/, 'operation'],
	[/-conditional$/, ''],
	[/^search-compartment$/, 'search'],
];

const restfulCodes: ReadonlySet<string> = new Set(
	'read vread update patch delete history history-instance history-type history-system create search search-type search-system capabilities transaction batch operation'.split(
		' ',
	),
);

/** AuditEvent.subtype: the interaction in FHIR's word and, where that says less, in ours. */
export function subtypesOf({ kind, interaction }: Pick<Logged, 'kind' | 'interaction'>): Coding[] {
	const own: Coding = { system: ownWords, code: interaction };
	if (kind !== 'rest') {
		const known = securityWords[interaction] ?? securityWords[kind];
		return known === undefined ? [own] : [known, own];
	}
	const code = restful.reduce((word, [shape, by]) => (by === '' ? word.replace(shape, '') : shape.test(word) ? by : word), interaction);
	if (!restfulCodes.has(code)) return [own];
	const known: Coding = { system: interactions, code };
	return code === interaction ? [known] : [known, own];
}

/** Of entries with this code among their subtypes one of these holds. */
export function interactionsOf(code: string): Criterion[] {
	const words = Object.entries(securityWords).flatMap(([word, coding]) => (coding.code === code ? [word] : []));
	return [
		{ column: 'interaction', any: [code, `${code}-conditional`, ...words, ...(code === 'search' ? ['search-compartment'] : [])] },
		...(code === 'operation' ? [{ begins: 'interaction', any: ['operation-'] } as const] : []),
		...(words.length > 0 ? [{ column: 'kind', any: words } as const] : []),
	];
}

/** Statuses of each AuditEvent.outcome: success, refused, failed. */
export const outcomes: readonly { readonly code: string; readonly from: number; readonly to: number }[] = [
	{ code: '0', from: 0, to: 399 },
	{ code: '4', from: 400, to: 499 },
	{ code: '8', from: 500, to: 999 },
];

/** The resource. It has no version: an entry never changes. */
export function auditEventOf(entry: Logged): Resource {
	const { kind, action, status, purpose } = entry;
	const recorded = new Date(entry.at).toISOString();
	const purposes = purpose === null ? [] : [{ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ActReason', code: purpose }] }];
	return {
		resourceType: 'AuditEvent',
		id: entry.name,
		meta: { lastUpdated: recorded },
		type: typeCodings[kind],
		subtype: subtypesOf(entry),
		action: action satisfies Action,
		recorded,
		outcome: outcomes.find(({ from, to }) => status >= from && status <= to)?.code ?? '8',
		outcomeDesc: `HTTP ${status}`,
		...(purposes.length === 0 ? {} : { purposeOfEvent: purposes }),
		agent: agentsOf(entry),
		source: { observer: { display: 'Heron' }, type: [{ system: 'http://terminology.hl7.org/CodeSystem/security-source-type', code: '4' }] },
		entity: entitiesOf(entry),
	};
}

function agentsOf({ caller, callerName, callerKind, fhirUser, client, address }: Logged): object[] {
	const network = address === null ? {} : { network: { address, type: '2' } };
	const who = fhirUser === null ? { identifier: { value: caller }, display: callerName } : { reference: fhirUser, display: callerName };
	const person = {
		type: { coding: [{ system: ownWords, code: callerKind }] },
		who,
		altId: caller,
		name: callerName,
		requestor: true,
		...network,
	};
	if (client === null) return [person];
	const application = {
		type: { coding: [{ system: dicom, code: '110150', display: 'Application' }] },
		who: { identifier: { value: client } },
	};
	return [person, { ...application, altId: client, requestor: false }];
}

const entityTypes = 'http://terminology.hl7.org/CodeSystem/audit-entity-type';
const roles = 'http://terminology.hl7.org/CodeSystem/object-role';

function entitiesOf({ patient, type, id, version, query, queryHash, requestId, interaction, detail }: Logged): object[] {
	const details = (pairs: readonly (readonly [string, string | null])[]) => {
		const there = pairs.filter(([, value]) => value !== null);
		return there.length === 0 ? {} : { detail: there.map(([name, valueString]) => ({ type: name, valueString })) };
	};
	const list: object[] = [];
	if (type !== null && id !== null) {
		const reference = `${type}/${id}${version === null ? '' : `/_history/${version}`}`;
		const isPatient = type === 'Patient';
		const what = { what: { reference, type }, type: { system: entityTypes, code: isPatient ? '1' : '2' } };
		list.push({ ...what, role: { system: roles, code: isPatient ? '1' : '4' } });
	}
	if (patient !== null && !(type === 'Patient' && id === patient))
		list.push({
			what: { reference: `Patient/${patient}`, type: 'Patient' },
			type: { system: entityTypes, code: '1' },
			role: { system: roles, code: '1' },
		});
	if (query !== null)
		list.push({
			type: { system: entityTypes, code: '2' },
			role: { system: roles, code: '24' },
			description: type === null ? interaction : `${interaction} ${type}`,
			...details([
				['parameters', query],
				['query-hash', queryHash],
			]),
		});
	list.push({
		type: { system: entityTypes, code: '4' },
		...details([
			['request', requestId],
			['type', type !== null && id === null && query === null ? type : null],
			['text', detail],
		]),
	});
	return list;
}
