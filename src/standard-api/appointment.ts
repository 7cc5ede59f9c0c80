// appointment ↔ Appointment (https://hl7.org/fhir/R4/appointment.html), booked by the rules of clinic/appointments.
import { type Category, categorySystem, knownCategories, usualCategories } from '#clinic/appointments/categories.ts';
import {
	type Appointment,
	categoryCode,
	categoryConcept,
	recurrenceIn,
	roomOf,
	roomParticipant,
	roomSystem,
	statusIn,
	withStatus,
} from '#clinic/appointments/model.ts';
import { statuses, statusOf } from '#clinic/appointments/statuses.ts';
import { instantOf, momentOf } from '#clinic/appointments/wall-time.ts';
import type { FhirCtx } from '#fhir/ctx.ts';
import type { Resource, Stored } from '#fhir/resource.ts';
import { npiOf } from './chart.ts';
import { localTime } from './codec.ts';
import { extensionAt, extra, type Field, field, type Mapping } from './mapping.ts';
import { at, has, isNode, type Place, type Which } from './place.ts';
import { type Found, type Shown, shown } from './records.ts';
import { readAll } from './related.ts';
import { remembering } from './remembering.ts';
import { readingOf } from './write.ts';

const name = 'appointment';

/** The first participant that is a resource of a type; a new one has accepted. */
function participant(type: string): Which {
	return {
		is: (one) => isNode(one) && isNode(one.actor) && String(one.actor.reference).startsWith(`${type}/`),
		made: { status: 'accepted' },
		path: `.where(actor.resolve() is ${type})`,
	};
}

/** Who takes part, by the type of resource. */
const actor = (type: string): Place => at('participant', participant(type), 'actor', 'reference');

export const patientActor = actor('Patient');
const practitionerActor = actor('Practitioner');
const locationActor = actor('Location');

/** What the wall shows at the start, which the date and the time are parts of. When it is put elsewhere the end goes along. */
function startPart(path: string, show: (local: string) => string, put: (local: string, value: string) => string): Place {
	return {
		path,
		get(resource) {
			const { start } = resource as Appointment;
			return start === undefined ? undefined : show(localTime(start));
		},
		set(resource, value) {
			const draft = resource as Appointment;
			const length = Date.parse(draft.end ?? '') - Date.parse(draft.start ?? '');
			if (value === undefined) return;
			const local = put(draft.start === undefined ? '1970-01-01 00:00:00' : localTime(draft.start), String(value));
			const moment = momentOf(Date.parse(`${local.replace(' ', 'T')}Z`));
			draft.start = instantOf(moment);
			if (!Number.isNaN(length)) draft.end = instantOf(new Date(moment.getTime() + length));
		},
	};
}

const day = startPart(
	'start',
	(local) => local.slice(0, 10),
	(local, value) => `${value}${local.slice(10)}`,
);

const time = startPart(
	'start',
	(local) => local.slice(11),
	(local, value) => `${local.slice(0, 10)} ${value.length === 5 ? `${value}:00` : value}`,
);

const duration: Place = {
	path: 'end - start | minutesDuration',
	get(resource) {
		const { start, end, minutesDuration } = resource as Appointment;
		const length = Date.parse(end ?? '') - Date.parse(start ?? '');
		if (!Number.isNaN(length)) return Math.round(length / 1000);
		return typeof minutesDuration === 'number' ? minutesDuration * 60 : undefined;
	},
	set(resource, value) {
		const draft = resource as Appointment;
		const seconds = Number(value ?? 0);
		if (draft.start !== undefined) draft.end = instantOf(new Date(Date.parse(draft.start) + seconds * 1000));
		if (seconds >= 60 && seconds % 60 === 0) draft.minutesDuration = seconds / 60;
		else delete draft.minutesDuration;
	},
};

const endTime: Place = {
	path: 'end',
	get(resource) {
		const { end } = resource as Appointment;
		return end === undefined ? undefined : localTime(end).slice(11);
	},
	set: () => undefined,
};

const statusPlace: Place = {
	path: "extension.where(url = 'https://heron-ehr.org/fhir/StructureDefinition/appointment-status') | status",
	get: (resource) => statusIn(resource as Appointment)?.symbol,
	set(resource, value) {
		const status = statusOf(String(value));
		// The clinic notes the time and the person.
		if (status !== undefined) Object.assign(resource, withStatus(resource as Appointment, status, '', {}));
	},
};

const roomPlace: Place = {
	path: `participant.where(actor.identifier.system = '${roomSystem}').actor.identifier.value`,
	get: (resource) => roomOf(resource as Appointment),
	set(resource, value) {
		const draft = resource as Appointment;
		const others = (draft.participant ?? []).filter((one) => !has(one, { actor: { identifier: { system: roomSystem } } }));
		draft.participant = value === undefined ? others : [...others, roomParticipant(String(value))];
	},
};

function categoryPlace(categories: readonly Category[]): Place {
	return {
		path: `appointmentType.coding.where(system = '${categorySystem}').code`,
		get: (resource) => categories.find(({ code }) => code === categoryCode(resource as Appointment))?.number,
		set(resource, value) {
			const category = categories.find(({ number }) => number === Number(value));
			if (category !== undefined) (resource as Appointment).appointmentType = categoryConcept(category);
		},
	};
}

const symbols = statuses.map(({ symbol }) => symbol);

/** The fields, with the categories that the practice has. */
export function fieldsWith(categories: readonly Category[]): Field[] {
	return [
		field('pc_catid', categoryPlace(categories), { kind: 'integer', required: true, note: 'numbers of the categories' }),
		field('pc_title', at('description'), { required: true, length: [2, 150] }),
		field('pc_eventDate', day, { kind: 'date', required: true, sort: 'date' }),
		field('pc_startTime', time, { form: 'time', required: true, note: '`HH:MM` or `HH:MM:SS`' }),
		field('pc_duration', duration, { kind: 'integer', required: true, note: 'seconds' }),
		field('pc_endTime', endTime, { isReadOnly: true }),
		field('pc_hometext', at('comment'), { required: true }),
		field('pc_apptstatus', statusPlace, {
			required: true,
			oneOf: symbols,
			filter: { param: 'status', isLoose: true, value: (symbol) => statusOf(symbol)?.fhir ?? 'proposed' },
		}),
		field('pc_facility', locationActor, {
			to: ['Location'],
			required: true,
			note: 'the number of the Organization that answers for the place',
		}),
		extra(name, 'pc_billing_location', { to: ['Organization'], required: true }),
		field('pc_aid', practitionerActor, { to: ['Practitioner'] }),
		field('pc_room', roomPlace, { length: [1, 255] }),
		extra(name, 'pc_website'),
		field('pc_time', at('created'), { kind: 'datetime', isReadOnly: true }),
		extra(name, 'pc_informant', { to: ['Practitioner'], isReadOnly: true }),
	];
}

/** The mapping with the categories that the practice has. */
export function mappingWith(categories: readonly Category[], fields = fieldsWith(categories)): Mapping {
	return {
		resource: name,
		type: 'Appointment',
		numbers: ['pc_eid'],
		uuids: ['pc_uuid'],
		fields,
		make: () => ({ resourceType: 'Appointment', status: 'booked' }),
	};
}

/** The mapping with the categories that come with Heron. */
export const appointmentMapping: Mapping = mappingWith(usualCategories);

const mappings = new WeakMap<readonly Category[], Mapping>();

/** The mapping with the categories that the practice has, for what is only shown. */
export async function mappingShown(ctx: FhirCtx): Promise<Mapping> {
	const categories = await knownCategories(ctx);
	const mapping = mappings.get(categories) ?? mappingWith(categories);
	mappings.set(categories, mapping);
	return mapping;
}

/** Appointments as they are shown: with the names of who takes part. */
export async function showAppointments(ctx: FhirCtx, found: readonly Found[]): Promise<Shown[]> {
	return showWith(ctx, await mappingShown(ctx), found);
}

/** The same by a mapping in hand. */
export async function showWith(ctx: FhirCtx, mapping: Mapping, found: readonly Found[]): Promise<Shown[]> {
	const resources = found.map((one) => readingOf(one) as Appointment);
	const references = resources.map((resource) => ({
		patient: (patientActor.get(resource) as string | undefined) ?? '',
		provider: (practitionerActor.get(resource) as string | undefined) ?? '',
		place: (locationActor.get(resource) as string | undefined) ?? '',
		biller: (billing.get(resource) as string | undefined) ?? '',
	}));
	const named = references.flatMap(({ patient, provider, place, biller }) => [patient, provider, place, biller]);
	const [records, known] = await Promise.all([shown(ctx, mapping, found, resources), facesOf(ctx, named)]);
	const owners = references.map(({ place }) => known.get(place)?.owner ?? '').filter((one) => !known.has(one));
	const faces = new Map([...known, ...(await facesOf(ctx, owners))]);
	return records.map((record, i) => {
		const { patient, provider, place, biller } = references[i] as (typeof references)[number];
		const [who, by, location] = [faces.get(patient), faces.get(provider), faces.get(place)];
		const owner = location?.owner ?? '';
		const facility = faces.get(owner);
		return {
			...record,
			pid: who?.number ?? null,
			puuid: idIn(patient),
			pc_pid: who?.number ?? null,
			fname: who?.first ?? '',
			lname: who?.last ?? '',
			DOB: who?.birthDate ?? null,
			pce_aid_uuid: idIn(provider),
			pce_aid_fname: by?.first ?? '',
			pce_aid_lname: by?.last ?? '',
			pce_aid_npi: by?.npi ?? null,
			pc_facility: facility?.number ?? record.pc_facility,
			facility_name: facility?.name ?? location?.name ?? '',
			facility_uuid: idIn(owner === '' ? place : owner),
			billing_location_name: faces.get(biller)?.name ?? '',
			billing_location_uuid: idIn(biller),
			pc_recurrence: recurrenceIn(resources[i] as Appointment)?.rule ?? '',
		};
	});
}

const billing = extensionAt(name, 'pc_billing_location', 'reference');

/** Who booked it. */
export const informant = extensionAt(name, 'pc_informant', 'reference');

function ownerOf(location: Resource | undefined): string | undefined {
	const reference = isNode(location?.managingOrganization) ? location.managingOrganization.reference : undefined;
	return typeof reference === 'string' && reference.startsWith('Organization/') ? reference : undefined;
}

/** What appointments show of who takes part and where. */
type Face = {
	readonly number: number;
	readonly first: string;
	readonly last: string;
	/** Of a place or an organization. */
	readonly name: unknown;
	readonly birthDate: unknown;
	readonly npi: string | null;
	/** Of a place, the organization that answers for it; "" for none. */
	readonly owner: string;
};

/** A calendar shows the same people again and again. */
const faceOf = remembering(2000, (stored: Stored): Face => {
	const resource = readingOf(stored);
	const { name, birthDate } = resource;
	return { number: stored.rid, ...firstAndLast(name), name, birthDate, npi: npiOf(resource), owner: ownerOf(resource) ?? '' };
});

const faceTypes = ['Patient', 'Practitioner', 'Location', 'Organization'];

/** Of those of the resources that are there and that the caller may see. */
async function facesOf(ctx: FhirCtx, references: readonly string[]): Promise<Map<string, Face>> {
	const found = await readAll(ctx, references, faceTypes);
	return new Map([...found].map(([reference, stored]) => [reference, faceOf(stored)]));
}

function firstAndLast(given: unknown): Pick<Face, 'first' | 'last'> {
	const names = Array.isArray(given) ? given.filter(isNode) : [];
	const called = names.find(({ use }) => !['old', 'maiden', 'nickname'].includes(String(use))) ?? names[0];
	const first = Array.isArray(called?.given) ? called.given[0] : undefined;
	return { first: String(first ?? ''), last: String(called?.family ?? '') };
}

function idIn(reference: string): string | null {
	return reference.split('/')[1] ?? null;
}
