// The rows of an entry of the chart: those below a patient, and those over all patients.

import type { Level } from '#access/rights.ts';
import type { FhirCtx } from '#fhir/ctx.ts';
import type { Stored } from '#fhir/resource.ts';
import type { Pair } from '#fhir/search/escape.ts';
import {
	change,
	type Entry,
	enter,
	findEntry,
	findInPath,
	listEntries,
	listInPath,
	patientIn,
	showEntries,
	showEntry,
	strike,
} from './chart.ts';
import type { Style } from './problems.ts';
import { invalidFields, noSuchRecord } from './problems.ts';
import { find } from './references.ts';
import type { Answer, Call, Does, StandardRow } from './row.ts';
import type { Read } from './write.ts';

export type Words = {
	/** One of them, as a person says it: "an allergy". */
	readonly one: string;
	/** "allergies" */
	readonly many: string;
};

export type RowOptions = {
	readonly entry: Entry;
	/** The name of the record in paths and scopes. */
	readonly name: string;
	/** The name of its segment in paths, e.g. "muuid". */
	readonly param: string;
	readonly style: Style;
	readonly words: Words;
	/** The right to look, and the right to write. */
	readonly reading: string;
	readonly writing: string;
};

const levels: Readonly<Partial<Record<Does, Level>>> = { create: 'add', update: 'change', delete: 'change' };

/** A row with what all rows of the record have in common. */
export function rowOf(
	{ entry, name, style, reading, writing }: RowOptions,
	method: StandardRow['method'],
	path: string,
	does: Does,
	summary: string,
	run: StandardRow['run'],
): StandardRow {
	const level = levels[does];
	const right = level === undefined ? reading : writing;
	return {
		method,
		path,
		resource: name,
		does,
		right,
		...(level === undefined ? {} : { level }),
		mapping: entry.mapping,
		type: entry.mapping.type,
		style,
		summary,
		run,
	};
}

/** OpenEMR answers these with bare values: the five rows of a list below a patient named by number. */
export function bareRows(options: RowOptions): StandardRow[] {
	const { entry, name, param, words } = options;
	const [list, one] = [`/patient/:pid/${name}`, `/patient/:pid/${name}/:${param}`];
	const entryIn = async (ctx: FhirCtx, call: Call): Promise<Read> => (await findInPath(ctx, entry, call, param)).stored;
	return [
		rowOf(options, 'GET', list, 'search', `The ${words.many} of a patient`, async (ctx, call) => {
			const { records, links } = await listInPath(ctx, entry, call);
			return { data: records, links };
		}),
		rowOf(options, 'POST', list, 'create', `Enters ${words.one}`, async (ctx, call) => {
			const stored = await enter(ctx, entry, await patientIn(ctx, call), call.body);
			return { data: { id: stored.rid, uuid: stored.id }, about: stored };
		}),
		rowOf(options, 'GET', one, 'read', `Shows ${words.one}`, async (ctx, call) => shownOne(ctx, entry, await entryIn(ctx, call))),
		rowOf(options, 'PUT', one, 'update', `Changes what is sent of ${words.one}`, async (ctx, call) => {
			const stored = await change(ctx, entry, await entryIn(ctx, call), call.body);
			return { data: { id: stored.rid }, about: stored };
		}),
		rowOf(options, 'DELETE', one, 'delete', `Marks ${words.one} as entered in error`, async (ctx, call) => {
			return { data: true, about: await strike(ctx, entry, await entryIn(ctx, call)) };
		}),
	];
}

async function shownOne(ctx: FhirCtx, entry: Entry, stored: Stored): Promise<Answer> {
	return { data: await showEntry(ctx, entry, stored), about: stored };
}

/** OpenEMR answers these in the envelope: five rows below a patient named by UUID, where a read is a list of one, and two over all patients. */
export function envelopedRows(options: RowOptions): StandardRow[] {
	const { entry, name, param, words, reading } = options;
	const [list, one] = [`/patient/:puuid/${name}`, `/patient/:puuid/${name}/:${param}`];
	const entryIn = async (ctx: FhirCtx, call: Call): Promise<Read> => (await findInPath(ctx, entry, call, param)).stored;
	return [
		...allRows({ ...options, reading }),
		rowOf(options, 'GET', list, 'search', `The ${words.many} of a patient`, async (ctx, call) => {
			const { records, links } = await listInPath(ctx, entry, call);
			return { data: records, links };
		}),
		rowOf(options, 'POST', list, 'create', `Enters ${words.one}`, async (ctx, call) => {
			const stored = await enter(ctx, entry, await patientIn(ctx, call), call.body);
			return { data: { id: stored.rid, uuid: stored.id }, about: stored };
		}),
		rowOf(options, 'GET', one, 'read', `Shows ${words.one}, as a list of one`, async (ctx, call) => {
			const stored = await entryIn(ctx, call);
			return { data: await showEntries(ctx, entry, [stored]), about: stored };
		}),
		rowOf(options, 'PUT', one, 'update', `Changes what is sent of ${words.one}`, async (ctx, call) =>
			shownOne(ctx, entry, await change(ctx, entry, await entryIn(ctx, call), call.body)),
		),
		rowOf(options, 'DELETE', one, 'delete', `Marks ${words.one} as entered in error`, async (ctx, call) => {
			const stored = await strike(ctx, entry, await entryIn(ctx, call));
			return { data: { uuid: stored.id }, about: stored };
		}),
	];
}

/** The two rows that read over all patients. */
export function allRows(options: RowOptions): StandardRow[] {
	const { entry, name, param, words } = options;
	return [
		rowOf(options, 'GET', `/${name}`, 'search', `The ${words.many} of all patients`, async (ctx, call) => {
			const { records, links } = await listEntries(ctx, entry, call, undefined, await whose(ctx, call));
			return { data: records, links };
		}),
		rowOf(options, 'GET', `/${name}/:${param}`, 'read', `Shows ${words.one}`, async (ctx, { params }) =>
			shownOne(ctx, entry, await findEntry(ctx, entry, params[param] as string)),
		),
	];
}

/** Rows that write what names its patient in the body. */
export function namedRows(options: RowOptions, methods: readonly ('PUT' | 'PATCH' | 'DELETE')[] = ['PUT', 'DELETE']): StandardRow[] {
	const { entry, name, param, words } = options;
	const one = `/${name}/:${param}`;
	const changes = (method: 'PUT' | 'PATCH'): StandardRow =>
		rowOf(options, method, one, 'update', `Changes what is sent of ${words.one}`, async (ctx, { params, body }) =>
			shownOne(ctx, entry, await change(ctx, entry, await findEntry(ctx, entry, params[param] as string), body)),
		);
	return [
		rowOf(options, 'POST', `/${name}`, 'create', `Enters ${words.one}`, async (ctx, { body }) => {
			const stored = await enter(ctx, entry, await patientNamed(ctx, body), body);
			return { data: { id: stored.rid, uuid: stored.id }, about: stored };
		}),
		...methods.map((method) =>
			method !== 'DELETE'
				? changes(method)
				: rowOf(options, 'DELETE', one, 'delete', `Marks ${words.one} as entered in error`, async (ctx, { params }) => {
						const stored = await strike(ctx, entry, await findEntry(ctx, entry, params[param] as string));
						return { data: { message: `${name} record deleted`, uuid: stored.id }, about: stored };
					}),
		),
	];
}

const patientNames = ['patient_id', 'puuid', 'patient_uuid', 'pid'] as const;

/** The patient whom a body names, by number or UUID. Throws Problem invalid when it names none, or one who is not there. */
export async function patientNamed(ctx: FhirCtx, body: Readonly<Record<string, unknown>>): Promise<Stored> {
	const name = patientNames.find((one) => body[one] !== undefined && body[one] !== null && body[one] !== '');
	if (name === undefined)
		throw invalidFields([
			{ field: 'patient_id', code: 'Required::NON_EXISTENT_KEY', text: 'patient_id must be provided, but does not exist' },
		]);
	const patient = await find(ctx, 'Patient', String(body[name]));
	if (patient === undefined) throw noSuchRecord(name, String(body[name]));
	return patient;
}

/** A filter by patient as FHIR has it. */
export async function whose(ctx: FhirCtx, { query }: Call): Promise<Pair[]> {
	const found = query.find(([name, value]) => (patientNames as readonly string[]).includes(name) && value !== '');
	if (found === undefined) return [];
	const patient = await find(ctx, 'Patient', found[1]);
	if (patient === undefined) throw noSuchRecord(found[0], found[1]);
	return [['patient', `Patient/${patient.id}`]];
}
