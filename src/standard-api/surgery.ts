// surgery: a Procedure of the category "surgical procedure". http://hl7.org/fhir/us/core/STU8/StructureDefinition-us-core-procedure.html
import type { FhirCtx } from '#fhir/ctx.ts';
import type { Resource } from '#fhir/resource.ts';
import { author, type Entry } from './chart.ts';
import { bareRows } from './chart-rows.ts';
import { codeSystems } from './codes.ts';
import { issueFields } from './issues.ts';
import { extensionAt, field, type Mapping } from './mapping.ts';
import { at, has, isNode, type Place } from './place.ts';
import { codeFilter, codesAt, dayOrTime, nameAt, noteAt, removeChoice } from './places.ts';
import type { StandardRow } from './row.ts';

export const procedureProfile = 'http://hl7.org/fhir/us/core/StructureDefinition/us-core-procedure';

/** The category that tells surgeries from other procedures. */
export const surgical = { system: codeSystems.snomed, code: '387713003', display: 'Surgical procedure' };

const absent = [{ url: 'http://hl7.org/fhir/StructureDefinition/data-absent-reason', valueCode: 'unknown' }];

/** When it was done is unknown; US Core wants to be told so of what is completed (us-core-7). */
export function performedUnknown(): object {
	return { _performedDateTime: { extension: structuredClone(absent) } };
}

/** An end of when it was done: a moment while there is one end, a period when there are two. */
export function performedAt(end: 'start' | 'end'): Place {
	const ends = (resource: object): { start?: unknown; end?: unknown } => {
		const { performedDateTime: moment, performedPeriod: period } = resource as Resource;
		return isNode(period) ? period : { start: moment };
	};
	return {
		path: end === 'start' ? 'performed.ofType(dateTime) | performed.ofType(Period).start' : 'performed.ofType(Period).end',
		get: (resource) => ends(resource)[end],
		set(resource, value) {
			const node = resource as Resource;
			const { [end]: _, ...others } = ends(resource);
			const next: Record<string, unknown> = { ...others, ...(value === undefined ? {} : { [end]: value }) };
			removeChoice(node, 'performed');
			if (Object.keys(next).every((name) => name === 'start')) {
				if (next.start === undefined) Object.assign(node, performedUnknown());
				else node.performedDateTime = next.start;
			} else node.performedPeriod = Object.fromEntries(Object.entries(next).filter(([, one]) => one !== undefined));
		},
	};
}

const activity = extensionAt('surgery', 'activity', 'flag');

/** A surgery counts unless somebody says that it does not. */
const activityPlace: Place = {
	path: activity.path,
	get: (procedure) => activity.get(procedure) ?? true,
	set: (procedure, value) => activity.set(procedure, value === false ? false : undefined),
};

export const surgeryMapping: Mapping = {
	resource: 'surgery',
	type: 'Procedure',
	numbers: ['id'],
	uuids: ['uuid'],
	fields: issueFields('surgery', [
		field('title', nameAt('code'), { required: true, length: [2, 255] }),
		field('begdate', performedAt('start'), { kind: 'datetime', codec: dayOrTime, sort: 'date' }),
		field('enddate', performedAt('end'), { kind: 'datetime', codec: dayOrTime }),
		field('diagnosis', codesAt('surgery', 'diagnosis', ['code']), { length: [2, 255], filter: codeFilter }),
		field('pid', at('subject', 'reference'), { to: ['Patient'], isReadOnly: true }),
		field('puuid', at('subject', 'reference'), { to: ['Patient'], as: 'uuid', isReadOnly: true }),
		field('encounter_uuid', at('encounter', 'reference'), { to: ['Encounter'], as: 'uuid' }),
		field('date', extensionAt('surgery', 'date', 'datetime'), { kind: 'datetime' }),
		field('modifydate', at('meta', 'lastUpdated'), { kind: 'datetime', isReadOnly: true, sort: '_lastUpdated' }),
		field('activity', activityPlace, { kind: 'flag' }),
		field('comments', noteAt()),
	]),
	make: () => ({
		resourceType: 'Procedure',
		status: 'completed',
		category: { coding: [{ ...surgical }] },
		...performedUnknown(),
	}),
	profile: procedureProfile,
};

/** Whether a Procedure is a surgery. */
export function isSurgery(procedure: Resource): boolean {
	return has(procedure, { category: { coding: [{ system: surgical.system, code: surgical.code }] } });
}

/** Who entered a procedure, as whoever recorded it. */
export function recordedBy(ctx: FhirCtx): object {
	const recorder = author(ctx);
	return recorder === undefined ? {} : { recorder };
}

export function strikeProcedure(procedure: Resource): void {
	procedure.status = 'entered-in-error';
}

const surgery: Entry = {
	mapping: surgeryMapping,
	owner: 'subject',
	order: '-date',
	criteria: [
		['category', `${surgical.system}|${surgical.code}`],
		['status:not', 'entered-in-error'],
	],
	isOne: (procedure) => isSurgery(procedure) && procedure.status !== 'entered-in-error',
	entered: recordedBy,
	strike: strikeProcedure,
	present: (record) => ({ ...record, type: 'surgery' }),
};

export const surgeryRows: readonly StandardRow[] = bareRows({
	entry: surgery,
	name: 'surgery',
	param: 'sid',
	style: 'B',
	words: { one: 'a surgery', many: 'surgeries' },
	reading: 'patients.med',
	writing: 'patients.med',
});
