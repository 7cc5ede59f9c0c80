// What the clinic reads in an Appointment (https://hl7.org/fhir/R4/appointment.html) and how it writes it. Pure.
import { extensionUrl, identifierSystem } from '#clinic/names.ts';
import type { Coding, Resource } from '#fhir/resource.ts';
import { type Category, categorySystem } from './categories.ts';
import { type Status, statusOf, statusOfFhir, statusSystem } from './statuses.ts';

export type Reference = {
	readonly reference?: string;
	readonly type?: string;
	readonly identifier?: Identifier;
	readonly display?: string;
};
type Identifier = { readonly system?: string; readonly value?: string };
type Concept = { readonly coding?: readonly Coding[]; readonly text?: string };
export type Participant = {
	readonly type?: readonly Concept[];
	readonly actor?: Reference;
	readonly required?: string;
	readonly status?: string;
};
export type Extension = { readonly url: string; readonly extension?: readonly Extension[]; readonly [value: string]: unknown };

export type Appointment = Resource & {
	status?: string;
	identifier?: Identifier[];
	extension?: Extension[];
	appointmentType?: Concept;
	start?: string;
	end?: string;
	minutesDuration?: number;
	participant?: Participant[];
};

export const statusUrl = extensionUrl('appointment-status');
export const recurrenceUrl = extensionUrl('appointment-recurrence');
export const seriesSystem = identifierSystem('appointment-series');
export const roomSystem = identifierSystem('room');

/** The parts of an appointment that a person has a role in. */
export const roles = { patient: 'Patient/', provider: 'Practitioner/', facility: 'Location/' } as const;

/** Who or what takes part in a role, e.g. "Practitioner/1". */
export function actorOf({ participant = [] }: Appointment, role: keyof typeof roles): string | undefined {
	return actorsOf({ participant } as Appointment, role)[0];
}

/** All who take part in a role. */
export function actorsOf({ participant = [] }: Appointment, role: keyof typeof roles): string[] {
	return participant.flatMap(({ actor }) => (actor?.reference?.startsWith(roles[role]) === true ? [actor.reference] : []));
}

/** The room, by its name. */
export function roomOf({ participant = [] }: Appointment): string | undefined {
	return participant.find(isRoom)?.actor?.identifier?.value;
}

function isRoom({ actor }: Participant): boolean {
	return actor?.identifier?.system === roomSystem;
}

/** The participant that is a room: a place of no record of its own, known by its name. */
export function roomParticipant(name: string): Participant {
	return { actor: { type: 'Location', identifier: { system: roomSystem, value: name }, display: name }, status: 'accepted' };
}

/** The finer status: the one noted when it still is an instance of the FHIR status, else what that says. */
export function statusIn(appointment: Appointment): Status | undefined {
	const noted = statusOf(notedStatus(appointment)?.code ?? '');
	return noted?.fhir === appointment.status ? noted : statusOfFhir(appointment.status);
}

function notedStatus(appointment: Appointment): Coding | undefined {
	return partOf(extensionOf(appointment, statusUrl), 'status')?.valueCoding as Coding | undefined;
}

/** The appointment with a status, noted with the time and the person when it or the room is another than before. */
export function withStatus(appointment: Appointment, status: Status, since: string, by: Reference): Appointment {
	const { symbol, meaning } = status;
	const noted: Extension = {
		url: statusUrl,
		extension: [
			{ url: 'status', valueCoding: { system: statusSystem, code: symbol, display: meaning } },
			{ url: 'since', valueInstant: since },
			{ url: 'by', valueReference: by },
		],
	};
	return { ...appointment, status: status.fhir, extension: replaced(appointment.extension, noted) };
}

/** Since when the status is what it is, and who made it so, when that was noted. */
export function statusNote(appointment: Appointment): { readonly since: string | undefined; readonly by: Reference | undefined } {
	const extension = extensionOf(appointment, statusUrl);
	if (statusOf(notedStatus(appointment)?.code ?? '')?.fhir !== appointment.status) return { since: undefined, by: undefined };
	return {
		since: partOf(extension, 'since')?.valueInstant as string | undefined,
		by: partOf(extension, 'by')?.valueReference as Reference | undefined,
	};
}

/** The series that the appointment is of, with the rule and when this one was to be by it. */
export type Recurrence = { readonly series: string; readonly rule: string; readonly planned: string };

export function recurrenceIn(appointment: Appointment): Recurrence | undefined {
	const series = appointment.identifier?.find(({ system }) => system === seriesSystem)?.value;
	const extension = extensionOf(appointment, recurrenceUrl);
	const rule = partOf(extension, 'rule')?.valueString;
	const planned = partOf(extension, 'planned')?.valueInstant;
	if (series === undefined || typeof rule !== 'string' || typeof planned !== 'string') return undefined;
	return { series, rule, planned };
}

export function withRecurrence(appointment: Appointment, { series, rule, planned }: Recurrence): Appointment {
	const others = (appointment.identifier ?? []).filter(({ system }) => system !== seriesSystem);
	const extension: Extension = {
		url: recurrenceUrl,
		extension: [
			{ url: 'rule', valueString: rule },
			{ url: 'planned', valueInstant: planned },
		],
	};
	return {
		...appointment,
		identifier: [...others, { system: seriesSystem, value: series }],
		extension: replaced(appointment.extension, extension),
	};
}

/** The category's code, when it has one of ours. */
export function categoryCode({ appointmentType }: Appointment): string | undefined {
	return appointmentType?.coding?.find(({ system }) => system === categorySystem)?.code;
}

/** The category as appointmentType. */
export function categoryConcept({ code, name }: Category): Concept {
	return { coding: [{ system: categorySystem, code, display: name }], text: name };
}

function extensionOf({ extension = [] }: Appointment, url: string): Extension | undefined {
	return extension.find((one) => one.url === url);
}

function partOf(extension: Extension | undefined, url: string): Extension | undefined {
	return extension?.extension?.find((one) => one.url === url);
}

function replaced(extensions: readonly Extension[] = [], by: Extension): Extension[] {
	return [...extensions.filter(({ url }) => url !== by.url), by];
}
