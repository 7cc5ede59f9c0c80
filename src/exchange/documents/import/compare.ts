// What a document says against what the record has: new, the same, or in conflict.
import { recordTypes } from '#exchange/documents/record.ts';
import type { FhirCtx } from '#fhir/ctx.ts';
import type { Resource } from '#fhir/resource.ts';
import { uuidOf } from '#formats/ccda/uuid.ts';
import type { Item } from './reading.ts';
import { findAll } from './record.ts';

export type Difference = { readonly field: string; readonly ours: unknown; readonly theirs: unknown };

export type Comparison = {
	readonly state: 'new' | 'same' | 'conflicting';
	/** The resource of ours that is about the same thing. */
	readonly existing?: Resource;
	readonly differences: readonly Difference[];
};

/** What is told apart by its day too: things that happen again and again. */
const events = new Set([
	'DiagnosticReport',
	'DocumentReference',
	'Encounter',
	'Immunization',
	'MedicationAdministration',
	'MedicationDispense',
	'Observation',
	'Procedure',
	'ServiceRequest',
	'DeviceRequest',
]);

/** Elements that make a difference when both sides have them. */
const facts: Readonly<Record<string, readonly string[]>> = {
	AllergyIntolerance: ['clinicalStatus', 'verificationStatus', 'criticality', 'reaction'],
	Condition: ['clinicalStatus', 'verificationStatus', 'severity', 'onsetDateTime', 'abatementDateTime'],
	MedicationAdministration: ['status', 'dosage'],
	MedicationRequest: ['status', 'dosageInstruction'],
	Immunization: ['status', 'lotNumber', 'occurrenceDateTime'],
	Procedure: ['status'],
	Observation: [
		'status',
		'valueQuantity',
		'valueCodeableConcept',
		'valueString',
		'valueInteger',
		'valueBoolean',
		'valueRange',
		'valueRatio',
		'component',
	],
	Coverage: ['status', 'subscriberId', 'period'],
	Goal: ['lifecycleStatus', 'target'],
	FamilyMemberHistory: ['deceasedBoolean', 'condition'],
};

/**
 * Compares each item with what the patient's record holds of its kind; every resource of ours answers for one item at most. What a document
 * of our own tells of has our ids: it is the same, for the record is where it is from.
 */
export async function compareAll(ctx: FhirCtx, patient: string, items: readonly Item[]): Promise<Comparison[]> {
	const existing = new Map<string, Resource[]>();
	for (const type of new Set(items.map(({ resource }) => resource.resourceType)))
		existing.set(type, await ofPatient(ctx, patient, type, items));
	const own = await ownOf(ctx, patient, items);
	const taken = new Set<Resource>([...own.values()].filter((one) => one !== undefined));
	return items.map((item) => {
		const { resource } = item;
		const ours = own.get(item);
		if (ours !== undefined) return { state: 'same', existing: ours, differences: [] };
		const list = (existing.get(resource.resourceType) ?? []).filter((one) => !taken.has(one) && isAboutTheSame(one, resource));
		const match =
			list.find((one) => sharesIdentifier(one, resource) && differencesOf(one, resource).length === 0) ??
			list.find((one) => differencesOf(one, resource).length === 0) ??
			list.find((one) => sharesIdentifier(one, resource)) ??
			list[0];
		if (match === undefined) return { state: 'new', differences: [] };
		taken.add(match);
		const differences = differencesOf(match, resource);
		return { state: differences.length === 0 ? 'same' : 'conflicting', existing: match, differences };
	});
}

/** Types that our documents are made from. */
const ownTypes = [...recordTypes, 'Device'];

/** The resources of ours that items were made from, as their ids in the document say (`ownId`): that of a part begins with that of the whole. */
async function ownOf(ctx: FhirCtx, patient: string, items: readonly Item[]): Promise<Map<Item, Resource | undefined>> {
	const types = new Map(ownTypes.map((type) => [`urn:uuid:${uuidOf(`${ctx.fhir.base}/${type}`)}`, type]));
	const named = items.flatMap((item) => {
		const identifiers = Array.isArray(item.resource.identifier) ? (item.resource.identifier as { system?: string; value?: string }[]) : [];
		const [id] = identifiers.filter(({ system }) => types.has(system ?? ''));
		return id?.value === undefined ? [] : [{ item, type: types.get(id.system ?? '') as string, ids: wholesOf(id.value) }];
	});
	const found = new Map<string, Resource>();
	for (const [type, list] of Map.groupBy(named, (one) => one.type)) {
		const ids = [...new Set(list.flatMap((one) => one.ids))].filter((id) => type !== 'Patient' || id === patient);
		for (let from = 0; from < ids.length; from += 100) {
			const some = ids.slice(from, from + 100).join(',');
			const criteria: [string, string][] =
				type === 'Patient'
					? [['_id', some]]
					: [
							['_id', some],
							['patient', patient],
						];
			for (const one of await findAll(ctx, type, criteria)) found.set(`${type}/${one.id}`, one);
		}
	}
	return new Map(named.map(({ item, type, ids }) => [item, ids.map((id) => found.get(`${type}/${id}`)).find((one) => one !== undefined)]));
}

/** An id, and what it is without one and more of its last parts. */
function wholesOf(value: string): string[] {
	const parts = value.split('-');
	const wholes = parts.map((_, i) => parts.slice(0, parts.length - i).join('-')).slice(0, 4);
	return wholes.filter((id) => /^[A-Za-z0-9.-]{1,64}$/.test(id));
}

async function ofPatient(ctx: FhirCtx, patient: string, type: string, items: readonly Item[]): Promise<Resource[]> {
	const criteria: [string, string][] = [['patient', patient]];
	if (type === 'Observation') {
		const lists = items.flatMap(({ resource }) => (resource.resourceType === type ? [tokensOf(resource.code)] : []));
		const codes = new Set(lists.flat());
		// What is told in words alone is found among all.
		if (lists.every((list) => list.length > 0) && codes.size <= 200) criteria.push(['code', [...codes].join(',')]);
	}
	const found = await findAll(ctx, type, criteria);
	return found.filter(
		(one) => one.status !== 'entered-in-error' && !JSON.stringify(one.verificationStatus ?? '').includes('"entered-in-error"'),
	);
}

function tokensOf(concept: unknown): string[] {
	const codings = (concept as { coding?: { system?: string; code?: string }[] } | undefined)?.coding ?? [];
	return codings
		.filter(({ code }) => code !== undefined)
		.map(({ system, code = '' }) => (system === undefined ? code : `${system}|${code}`));
}

function sharesIdentifier(a: Resource, b: Resource): boolean {
	const keys = (resource: Resource) =>
		(Array.isArray(resource.identifier) ? (resource.identifier as { system?: string; value?: string }[]) : []).map(
			({ system, value }) => `${system}|${value}`,
		);
	const ours = new Set(keys(a));
	return keys(b).some((key) => ours.has(key));
}

/** What a resource is about, as codes or failing that as words. */
function topicsOf(resource: Resource): Set<string> {
	const { code, vaccineCode, medicationCodeableConcept, type, codeCodeableConcept, relationship, description } = resource as Record<
		string,
		unknown
	>;
	const concepts = [
		code,
		vaccineCode,
		medicationCodeableConcept,
		codeCodeableConcept,
		relationship,
		description,
		...(Array.isArray(type) ? type : [type]),
	];
	const tokens = concepts.flatMap(tokensOf);
	if (tokens.length > 0) return new Set(tokens);
	const { title, name } = resource as { title?: string; name?: unknown };
	const words = [
		...concepts.map((one) => (one as { text?: string } | undefined)?.text),
		title,
		typeof name === 'string' ? name : undefined,
	];
	return new Set(words.map((text) => text?.toLowerCase()).filter((text) => text !== undefined));
}

/** Identifiers alone do not decide: systems there are that give one to many facts. */
function isAboutTheSame(ours: Resource, theirs: Resource): boolean {
	const [topics, others] = [topicsOf(ours), topicsOf(theirs)];
	const unnamed = topics.size === 0 && others.size === 0 && events.has(ours.resourceType);
	if (!unnamed && ![...others].some((topic) => topics.has(topic))) return false;
	if (!events.has(ours.resourceType) || sharesIdentifier(ours, theirs)) return true;
	const [a, b] = [timeOf(ours), timeOf(theirs)];
	if (a === undefined || b === undefined) return a === b;
	return sameTime(a, b);
}

function timeOf(resource: Resource): string | undefined {
	const {
		effectiveDateTime,
		effectivePeriod,
		performedDateTime,
		performedPeriod,
		occurrenceDateTime,
		occurrencePeriod,
		period,
		whenHandedOver,
		date,
		authoredOn,
	} = resource as Record<string, string & { start?: string }>;
	return (
		effectiveDateTime ??
		effectivePeriod?.start ??
		performedDateTime ??
		performedPeriod?.start ??
		occurrenceDateTime ??
		occurrencePeriod?.start ??
		period?.start ??
		whenHandedOver ??
		date ??
		authoredOn
	);
}

/** Equal as far as both are precise. */
function sameTime(a: string, b: string): boolean {
	if (a.includes('T') && b.includes('T')) return Date.parse(a) === Date.parse(b);
	const length = Math.min(a.length, b.length, 10);
	return a.slice(0, length) === b.slice(0, length);
}

function differencesOf(ours: Resource, theirs: Resource): Difference[] {
	return (facts[ours.resourceType] ?? ['status']).flatMap((field) => {
		const [a, b] = [ours[field], theirs[field]];
		if (a === undefined || b === undefined || isEqual(a, b)) return [];
		return [{ field, ours: a, theirs: b }];
	});
}

/** Equal in meaning: concepts when they share a code, times as far as both are precise, other values member by member. */
function isEqual(a: unknown, b: unknown): boolean {
	if (typeof a === 'string' && typeof b === 'string') {
		if (/^\d{4}(-\d{2}){0,2}/.test(a) && /^\d{4}(-\d{2}){0,2}/.test(b)) return sameTime(a, b);
		return a.trim().toLowerCase() === b.trim().toLowerCase();
	}
	if (a instanceof Number || b instanceof Number) return Number(a) === Number(b);
	if (a === null || b === null || typeof a !== 'object' || typeof b !== 'object') return a === b;
	if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((one) => b.some((other) => isEqual(one, other)));
	if ('coding' in a && 'coding' in b) {
		const codes = new Set(tokensOf(a));
		return tokensOf(b).some((code) => codes.has(code));
	}
	const [left, right] = [a as Record<string, unknown>, b as Record<string, unknown>];
	const isMeasured = 'value' in left && left.code !== undefined && right.code !== undefined;
	const unequal = new Set(['extension', 'text', 'id', ...(isMeasured ? ['unit'] : [])]);
	const names = Object.keys(left).filter((name) => name in right && !unequal.has(name));
	return names.every((name) => isEqual(left[name], right[name]));
}
