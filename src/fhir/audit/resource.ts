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
	import: { system: dicom, code: '110107', display: 'Import' },
	print: { system: dicom, code: '110106', display: 'Export' },
	permission: { system: dicom, code: '110113', display: 'Security Alert' },
	'break-glass': { system: dicom, code: '110113', display: 'Security Alert' },
	configuration: { system: dicom, code: '110113', display: 'Security Alert' },
};

const dicomWords: Readonly<Record<string, string>> = {
	'110120': 'Application Start',
	'110121': 'Application Stop',
	'110122': 'Login',
	'110123': 'Logout',
	'110126': 'Node Authentication',
	'110127': 'Emergency Override Started',
	'110129': 'Security Configuration',
	'110131': 'Software Configuration',
	'110136': 'Security Roles Changed',
	'110137': 'User security Attributes Changed',
	'110138': 'Emergency Override Stopped',
};

const ofUsers = `account-added account-changed proxy-added proxy-removed password-set reset-link-made second-factor-added second-factor-removed
	recovery-codes-made unlocked app-allowed app-ended token-made token-revoked`;
const ofSecurity =
	'client-registered client-changed client-enabled client-disabled client-trusted client-distrusted client-removed keys-rotated';

/** Codes of https://hl7.org/fhir/R4/valueset-audit-event-sub-type.html by interaction. */
const securityCodes: ReadonlyMap<string, string> = new Map(
	Object.entries({
		'110120': 'started',
		'110121': 'stopped',
		'110122': 'login',
		'110123': 'logout',
		'110126': 'service-token',
		'110127': 'emergency-begun',
		'110129': ofSecurity,
		'110131': 'settings-changed package-added package-removed',
		'110136': 'role-changed role-removed',
		'110137': ofUsers,
		'110138': 'emergency-ended',
	}).flatMap(([code, words]) => words.split(/\s+/).map((word) => [word, code] as const)),
);

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
		const code = securityCodes.get(interaction);
		return code === undefined ? [own] : [{ system: dicom, code, display: dicomWords[code] as string }, own];
	}
	const code = restful.reduce((word, [shape, by]) => (by === '' ? word.replace(shape, '') : shape.test(word) ? by : word), interaction);
	if (!restfulCodes.has(code)) return [own];
	const known: Coding = { system: interactions, code };
	return code === interaction ? [known] : [known, own];
}

/** Of entries with this code among their subtypes one of these holds. */
export function interactionsOf(code: string): Criterion[] {
	const words = [...securityCodes].flatMap(([word, its]) => (its === code ? [word] : []));
	return [
		{ column: 'interaction', any: [code, `${code}-conditional`, ...words, ...(code === 'search' ? ['search-compartment'] : [])] },
		...(code === 'operation' ? [{ begins: 'interaction', any: ['operation-'] } as const] : []),
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
