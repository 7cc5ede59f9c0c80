// A patient's record as documents are made from it: read once, through $everything's own search, so that it holds what the caller may see.
import { Problem } from '#base/problem.ts';
import { restoreBody } from '#fhir/binary/binary.ts';
import type { FhirCtx } from '#fhir/ctx.ts';
import { read } from '#fhir/interactions/read.ts';
import { everything } from '#fhir/operations/everything/everything.ts';
import { within } from '#fhir/search/restrict.ts';
import { search } from '#fhir/search/search.ts';
import type { Concept, DocumentReference, Entity, Patient, PractitionerRole, Reference } from './shapes.ts';

/** What documents tell of. Money, audit and other documents' contents stay out. */
export const recordTypes = [
	'AllergyIntolerance',
	'Appointment',
	'CarePlan',
	'CareTeam',
	'ClinicalImpression',
	'Condition',
	'Consent',
	'Coverage',
	'DeviceRequest',
	'DiagnosticReport',
	'DocumentReference',
	'Encounter',
	'FamilyMemberHistory',
	'Goal',
	'Immunization',
	'MedicationAdministration',
	'MedicationDispense',
	'MedicationRequest',
	'MedicationStatement',
	'Observation',
	'Patient',
	'Procedure',
	'RelatedPerson',
	'ServiceRequest',
	'Specimen',
] as const;
/** What those refer to. */
const referredRead = ['Location', 'Medication', 'Organization', 'Practitioner', 'PractitionerRole'];

/** Tag of documents that were made from the record: they are no part of it. */
export const generatedTag = { system: 'urn:heron:document', code: 'generated' } as const;

/** Resources that one document is made from at most. */
const maxResources = 20_000;

export type PatientRecord = {
	readonly patient: Patient;
	/** The resources of a type that belong to the patient. */
	list<T extends Entity>(type: string): readonly T[];
	/** What a reference names: in the record, or in the resource that refers. */
	find<T extends Entity>(reference: Reference | undefined, from?: Entity): T | undefined;
	/** What a practitioner works as: the roles in force that name the person, whether or not anything else names the roles. */
	rolesOf(practitioner: Entity): readonly PractitionerRole[];
	/** Everything that was read, for saying whether two documents would say the same. */
	readonly versions: readonly string[];
};

type SearchSet = {
	readonly link?: readonly { readonly relation: string; readonly url: string }[];
	readonly entry?: readonly { readonly resource: Entity; readonly search?: { readonly mode?: string } }[];
};

/**
 * The record of a patient as the caller sees it: one statement a type and page, whatever the number of resources. Throws as a read of the
 * patient does, and Problem too-much `record-too-large` when there is more than a document can hold.
 */
export async function readRecord(ctx: FhirCtx, id: string): Promise<PatientRecord> {
	const { body } = await read(ctx, 'Patient', id);
	const patient = JSON.parse(body) as Patient;
	const matches: Entity[] = [];
	const known = new Map<string, Entity>([[`Patient/${id}`, patient]]);
	const types = [...recordTypes, ...referredRead].join(',');
	for (let query: string | undefined = `_type=${types}&_count=${ctx.fhir.settings.maxCount}`; query !== undefined; ) {
		const page = JSON.parse(await everything(ctx, { query }, { type: 'Patient', id })) as SearchSet;
		for (const { resource, search } of page.entry ?? []) {
			if (isGenerated(resource)) continue;
			known.set(`${resource.resourceType}/${resource.id}`, resource);
			if (search?.mode === 'match') matches.push(resource);
		}
		if (matches.length > maxResources) throw tooLarge();
		const next: string | undefined = page.link?.find(({ relation }) => relation === 'next')?.url;
		query = next === undefined ? undefined : new URL(next).search.slice(1);
	}
	await fillNotes(ctx, matches, known);
	for (const role of await rolesOf(ctx, known)) known.set(`PractitionerRole/${role.id}`, role);
	for (const device of await devicesOf(ctx, id)) {
		known.set(`Device/${device.id}`, device);
		matches.push(device);
	}
	return recordOf(ctx.fhir.base, patient, matches, known);
}

/** Notes whose text is fetched from Binaries: the latest, as each is a read of its own. */
const maxNotes = 50;

/** Puts the text of clinical notes that are kept as Binaries into their attachments, as far as the caller may read it. What was read is known. */
async function fillNotes(ctx: FhirCtx, matches: Entity[], known: Map<string, Entity>): Promise<void> {
	const wanted = matches.flatMap((entity, at) => {
		const { resourceType, content, date = '' } = entity as DocumentReference;
		const attachment = resourceType === 'DocumentReference' ? content?.[0]?.attachment : undefined;
		const id = attachment?.data === undefined && /^text\//.test(attachment?.contentType ?? '') ? binaryOf(ctx, attachment?.url) : undefined;
		return id === undefined ? [] : [{ at, id, date, entity: entity as DocumentReference, attachment }];
	});
	const latest = wanted.toSorted((a, b) => (a.date < b.date ? 1 : -1)).slice(0, maxNotes);
	for (const { at, id, entity, attachment } of latest) {
		const data = await dataOf(ctx, id);
		const [, ...others] = entity.content ?? [];
		if (data === undefined) continue;
		known.set(`Binary/${id}`, { resourceType: 'Binary', id });
		matches[at] = { ...entity, content: [{ attachment: { ...attachment, data } }, ...others] } as Entity;
	}
}

function binaryOf({ fhir }: FhirCtx, url = ''): string | undefined {
	const local = url.startsWith(`${fhir.base}/`) ? url.slice(fhir.base.length + 1) : url;
	return /^Binary\/([A-Za-z0-9\-.]{1,64})$/.exec(local)?.[1];
}

async function dataOf(ctx: FhirCtx, id: string): Promise<string | undefined> {
	try {
		return (JSON.parse(await restoreBody(ctx.fhir, await read(ctx, 'Binary', id))) as { data?: string }).data;
	} catch (error) {
		if (error instanceof Problem && ['not-found', 'gone', 'forbidden'].includes(error.kind)) return undefined;
		throw error;
	}
}

/** Devices are in no patient's compartment in R4. */
async function devicesOf(ctx: FhirCtx, id: string): Promise<Entity[]> {
	if (within(ctx, 'Device') === undefined) return [];
	const query: [string, string][] = [
		['patient', `Patient/${id}`],
		['_count', String(ctx.fhir.settings.maxCount)],
	];
	const { matches } = await search(ctx, { type: 'Device', query, handling: 'strict' });
	return matches.map(({ body }) => JSON.parse(body) as Entity);
}

/** People whose roles are asked for at once. */
const peopleAtOnce = 50;

/** Roles of the practitioners that were met: nothing in a record need name them. */
async function rolesOf(ctx: FhirCtx, known: ReadonlyMap<string, Entity>): Promise<Entity[]> {
	if (within(ctx, 'PractitionerRole') === undefined) return [];
	const people = [...known.keys()].filter((name) => name.startsWith('Practitioner/'));
	const found: Entity[] = [];
	for (let from = 0; from < people.length; from += peopleAtOnce) {
		const query: [string, string][] = [
			['practitioner', people.slice(from, from + peopleAtOnce).join(',')],
			['_count', String(ctx.fhir.settings.maxCount)],
		];
		const { matches } = await search(ctx, { type: 'PractitionerRole', query, handling: 'strict' });
		found.push(...matches.map(({ body }) => JSON.parse(body) as Entity));
	}
	return found;
}

function tooLarge(): Problem {
	const text = `The record has more than ${maxResources} resources, more than one document holds.`;
	return new Problem('too-much', 'record-too-large', text, {
		issues: [{ severity: 'error', type: 'too-costly', code: 'record-too-large', text }],
	});
}

function isGenerated({ meta }: Entity): boolean {
	return meta?.tag?.some(({ system, code }) => system === generatedTag.system && code === generatedTag.code) === true;
}

/** Whether a resource was not entered by mistake. */
function isMeant(entity: Entity): boolean {
	const { status, verificationStatus } = entity as { status?: unknown; verificationStatus?: Concept };
	return status !== 'entered-in-error' && verificationStatus?.coding?.some(({ code }) => code === 'entered-in-error') !== true;
}

function isInForce({ active }: PractitionerRole): boolean {
	return active !== false;
}

/** A record over resources in hand. `base` is the server's own, which references may begin with. */
export function recordOf(base: string, patient: Patient, matches: readonly Entity[], known: ReadonlyMap<string, Entity>): PatientRecord {
	const byType = Map.groupBy(matches.filter(isMeant), ({ resourceType }) => resourceType);
	const local = ({ reference = '' }: Reference): string =>
		(reference.startsWith(`${base}/`) ? reference.slice(base.length + 1) : reference).replace(/\/_history\/.*$/, '');
	const roles = Map.groupBy(
		[...known.values()].filter((one): one is PractitionerRole => one.resourceType === 'PractitionerRole' && isInForce(one)),
		({ practitioner }) => local(practitioner ?? {}),
	);
	return {
		patient,
		list: <T extends Entity>(type: string) => (byType.get(type) ?? []) as unknown as readonly T[],
		find<T extends Entity>(reference: Reference | undefined, from?: Entity) {
			const text = reference?.reference;
			if (text === undefined) return undefined;
			if (text.startsWith('#')) return from?.contained?.find(({ id }) => `#${id}` === text) as T | undefined;
			return known.get(local({ reference: text })) as T | undefined;
		},
		rolesOf: ({ resourceType, id }) => roles.get(`${resourceType}/${id}`) ?? [],
		versions: [...known].map(([name, { meta }]) => `${name}/${meta?.versionId ?? ''}`).sort(),
	};
}
