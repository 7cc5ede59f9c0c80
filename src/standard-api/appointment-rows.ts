// The routes of appointments: asked for as a calendar does, booked and changed by the rules of clinic/appointments.
import type { Level } from '#access/rights.ts';
import { Problem } from '#base/problem.ts';
import { book } from '#clinic/appointments/book.ts';
import { type Category, categorySystem, knownCategories, readCategories, usualCategories } from '#clinic/appointments/categories.ts';
import { change, type Scope, strike } from '#clinic/appointments/change.ts';
import { statusHistory } from '#clinic/appointments/history.ts';
import type { Appointment } from '#clinic/appointments/model.ts';
import { instantOf, momentOf } from '#clinic/appointments/wall-time.ts';
import { locationFor, locationsOf } from '#clinic/places.ts';
import type { FhirCtx } from '#fhir/ctx.ts';
import type { Stored } from '#fhir/resource.ts';
import type { Pair } from '#fhir/search/escape.ts';
import {
	appointmentMapping,
	fieldsWith,
	informant,
	mappingShown,
	mappingWith,
	patientActor,
	showAppointments,
	showWith,
} from './appointment.ts';
import { patientIn } from './chart.ts';
import { localTime } from './codec.ts';
import { list, type Page } from './list.ts';
import { type Field, type Mapping, revise } from './mapping.ts';
import { invalidFields, notThere } from './problems.ts';
import { resourceOf, type Shown, valuesChanging } from './records.ts';
import { find } from './references.ts';
import type { Answer, Call, Does, StandardRow } from './row.ts';
import { isDate, wrong } from './rules.ts';
import { toldInFields } from './telling.ts';
import { copyOf, draftOf, type Read, readOf, signing } from './write.ts';

/** Appointments that are not struck, of a patient when one is given, by the filters that a calendar needs. */
export async function listed(ctx: FhirCtx, call: Call, patient?: Stored): Promise<Page> {
	const [categories, mapping] = await Promise.all([knownCategories(ctx), mappingShown(ctx)]);
	const query = new Map(call.query);
	const criteria: Pair[] = [
		['status:not', 'entered-in-error'],
		...(patient === undefined ? [] : [['patient', `Patient/${patient.id}`] as Pair]),
	];
	const dates = datesOf(query);
	criteria.push(...dates);
	if (!query.has('_sort')) criteria.push(['_sort', dates.length > 0 ? 'date' : '-date']);
	for (const [filter, asked] of await referencesAsked(ctx, query, patient === undefined)) {
		if (asked === undefined) return { records: [], links: {} };
		criteria.push([filter, asked]);
	}
	const category = query.get('pc_catid');
	if (category !== undefined && category !== '') {
		const code = categories.find(({ number }) => String(number) === category)?.code;
		if (code === undefined) return { records: [], links: {} };
		criteria.push(['appointment-type', `${categorySystem}|${code}`]);
	}
	return list(ctx, mapping, call, { criteria, show: (own, found) => showWith(own, mapping, found) });
}

/** `pc_eventDate` is one day; `from` and `to` are days, both included. */
function datesOf(query: ReadonlyMap<string, string>): Pair[] {
	const asked = (field: string): string | undefined => {
		const value = query.get(field);
		if (value === undefined || value === '') return undefined;
		if (!isDate(value)) throw invalidFields([wrong(field, 'DateTime::INVALID_VALUE', 'must be a valid date')]);
		return value;
	};
	const on = asked('pc_eventDate');
	const [from, to] = [on ?? asked('from'), on ?? asked('to')];
	const midnight = (date: string, days = 0): string => instantOf(momentOf(Date.parse(`${date}T00:00:00Z`) + days * 86_400_000));
	return [
		...(from === undefined ? [] : [['date', `ge${midnight(from)}`] as Pair]),
		...(to === undefined ? [] : [['date', `lt${midnight(to, 1)}`] as Pair]),
	];
}

/** Filters by who takes part; undefined for somebody who is not there. */
async function referencesAsked(
	ctx: FhirCtx,
	query: ReadonlyMap<string, string>,
	hasPatients: boolean,
): Promise<[string, string | undefined][]> {
	const asked: [string, string | undefined][] = [];
	const named = (field: string): string | undefined => query.get(field) || undefined;
	const [provider, facility, pid] = [named('pc_aid'), named('pc_facility'), hasPatients ? named('pid') : undefined];
	if (provider !== undefined) asked.push(['practitioner', referenceTo(await find(ctx, 'Practitioner', provider))]);
	if (pid !== undefined) asked.push(['patient', referenceTo(await find(ctx, 'Patient', pid))]);
	if (facility !== undefined) {
		const places = await placesNamed(ctx, facility);
		asked.push(['location', places.length === 0 ? undefined : places.map((id) => `Location/${id}`).join(',')]);
	}
	return asked;
}

function referenceTo(stored: Stored | undefined): string | undefined {
	return stored === undefined ? undefined : `${stored.type}/${stored.id}`;
}

/** The places of a facility, which is named as an Organization or as a Location itself. */
async function placesNamed(ctx: FhirCtx, named: string): Promise<string[]> {
	const organization = await find(ctx, 'Organization', named);
	if (organization !== undefined) return locationsOf(ctx, organization.id);
	const location = await find(ctx, 'Location', named);
	return location === undefined ? [] : [location.id];
}

/** The appointment that a number or UUID names, of this patient when one is given. Throws Problem not-found. */
export async function findAppointment(ctx: FhirCtx, named: string, patient?: Stored): Promise<Read> {
	const stored = await find(ctx, 'Appointment', named);
	if (stored === undefined) throw notThere();
	const found = readOf(stored);
	const { resource } = found;
	if (resource.status === 'entered-in-error') throw notThere();
	if (patient !== undefined && patientActor.get(resource) !== `Patient/${patient.id}`) throw notThere();
	return found;
}

async function showOneWithHistory(ctx: FhirCtx, stored: Stored): Promise<Shown> {
	const [[record], history] = await Promise.all([showAppointments(ctx, [stored]), statusHistory(ctx, stored)]);
	return {
		...record,
		pc_status_history: history.map(({ status, room, since, by }) => ({
			pc_apptstatus: status.symbol,
			title: status.meaning,
			pc_room: room ?? '',
			date: localTime(since),
			user: by?.display ?? by?.reference ?? '',
		})),
	};
}

type Sent = Readonly<Record<string, unknown>>;

/** The body with the facility as its Location, and the category one that there is. Throws Problem invalid. */
async function prepared(ctx: FhirCtx, body: Sent, categories: readonly Category[], before: Shown = {}): Promise<Sent> {
	const { pc_facility: facility, pc_catid: category } = body;
	const isCategory = category === undefined || category === null || category === '' || String(category) === String(before.pc_catid);
	if (!isCategory && /^\d+$/.test(String(category)) && !categories.some(({ number }) => number === Number(category)))
		throw invalidFields([wrong('pc_catid', 'Callback::INVALID_VALUE', 'is invalid')]);
	const named = String(facility ?? '');
	if (['', '0'].includes(named) || typeof facility === 'object' || named === String(before.pc_facility)) return body;
	const organization = await find(ctx, 'Organization', named);
	if (organization === undefined) return body;
	return { ...body, pc_facility: `Location/${await locationFor(ctx, organization.id)}` };
}

/** Rules of the clinic are told in the names of the fields. */
const fieldOf: Readonly<Record<string, string>> = {
	start: 'pc_startTime',
	appointmentType: 'pc_catid',
	participant: 'pid',
	recurrence: 'pc_recurrence',
};

async function told<T>(work: Promise<T>): Promise<T> {
	try {
		return await work;
	} catch (error) {
		if (!(error instanceof Problem) || error.path === undefined || !Object.hasOwn(fieldOf, error.path)) throw error;
		const issues = error.issues.map((issue) => ({ ...issue, path: fieldOf[error.path as string] as string }));
		throw new Problem(error.kind, error.code, error.text, { issues, status: error.status, cause: error });
	}
}

/** What `POST /appointment` does without, since the practice's rules know it. */
const known: ReadonlySet<string> = new Set(['pc_hometext', 'pc_apptstatus', 'pc_billing_location', 'pc_facility', 'pc_duration']);

function looseWith(categories: readonly Category[]): Mapping {
	const fields = fieldsWith(categories).map((one): Field => {
		const { required, ...rules } = one.rules;
		return required === true && known.has(one.name) ? { ...one, rules } : one;
	});
	return mappingWith(categories, fields);
}

async function bookFor(ctx: FhirCtx, patient: Stored | undefined, body: Sent, isLoose: boolean): Promise<Answer> {
	const categories = await readCategories(ctx);
	const mapping = isLoose ? looseWith(categories) : mappingWith(categories);
	const people = patient === undefined ? [] : [{ actor: { reference: `Patient/${patient.id}` }, status: 'accepted' }];
	const by = ctx.caller.fhirUser?.startsWith('Practitioner/') === true ? ctx.caller.fhirUser : undefined;
	const fixed = { created: instantOf(ctx.clock.now()), ...(people.length === 0 ? {} : { participant: people }) };
	const draft = await resourceOf(ctx, mapping, await prepared(ctx, body, categories), fixed);
	if (by !== undefined) informant.set(draft, by);
	const recurrence = recurrenceSent(body);
	const booking = book(ctx, {
		appointment: draft as Appointment,
		...(recurrence === undefined ? {} : { recurrence }),
		settle: signing(ctx),
	});
	const written = await told(toldInFields(mapping.fields, draft, body, booking));
	const first = written[0] as Stored;
	const series = written.length > 1 ? { ids: written.map(({ rid }) => rid) } : {};
	return { data: { id: first.rid, uuid: first.id, ...series }, about: first };
}

function recurrenceSent({ pc_recurrence: rule }: Sent): string | undefined {
	if (rule === undefined || rule === null || rule === '') return undefined;
	if (typeof rule !== 'string') throw invalidFields([wrong('pc_recurrence', 'IsString::NOT_A_STRING', 'must be a string')]);
	return rule;
}

function scopeAsked({ query }: Call): Scope {
	const asked = query.find(([key]) => key === 'scope')?.[1] ?? 'this';
	const scope = (['this', 'future', 'all'] as const).find((one) => one === asked);
	if (scope === undefined) throw invalidFields([wrong('scope', 'InArray::NOT_IN_ARRAY', 'must be this, future or all')]);
	return scope;
}

async function changeNamed(ctx: FhirCtx, call: Call, stored: Stored): Promise<Answer> {
	const categories = await readCategories(ctx);
	const mapping = mappingWith(categories);
	const [before] = (await showWith(ctx, mapping, [stored])) as [Shown];
	const rule = recurrenceSent(call.body);
	const body = await prepared(ctx, call.body, categories, before);
	const sent = await valuesChanging(ctx, mapping.fields, draftOf(stored), before, body);
	const edit = (former: Appointment): Appointment => {
		const draft = copyOf(former);
		revise(mapping, draft, sent);
		return draft as Appointment;
	};
	const recurrence = rule === undefined || rule === before.pc_recurrence ? {} : { recurrence: rule };
	const changing = change(ctx, { id: stored.id, scope: scopeAsked(call), edit, settle: signing(ctx), ...recurrence });
	const written = await told(toldInFields(mapping.fields, edit(draftOf(stored) as Appointment), sent, changing));
	const now = written.find(({ id }) => id === stored.id) ?? stored;
	return { data: await showOneWithHistory(ctx, now), about: now };
}

async function removeNamed(ctx: FhirCtx, call: Call, patient?: Stored): Promise<Answer> {
	let stored: Stored;
	try {
		stored = await findAppointment(ctx, call.params.eid as string, patient);
	} catch (error) {
		if (error instanceof Problem && error.kind === 'not-found') return { status: 404, data: { message: 'record not found' } };
		throw error;
	}
	await strike(ctx, { id: stored.id, scope: scopeAsked(call), settle: signing(ctx) });
	return { data: { message: 'record deleted' }, about: stored };
}

const name = 'appointment';
const levels: Readonly<Record<string, Level>> = { create: 'add', update: 'change', delete: 'change' };
const scoped = { scope: 'of a series: this one (usual), this and `future` ones, or `all`' };
const queries: Readonly<Record<string, Readonly<Record<string, string>>>> = {
	search: {
		pc_eventDate: 'on that day',
		from: 'on that day or later',
		to: 'on that day or before',
		pc_aid: 'of the practitioner, by number or UUID',
		pc_facility: 'at the facility, by number or UUID',
		pc_catid: 'of the category, by its number',
	},
	update: scoped,
	delete: scoped,
};

function row(
	method: StandardRow['method'],
	path: string,
	does: Does,
	summary: string,
	run: StandardRow['run'],
	success = 200,
): StandardRow {
	const level = levels[does];
	return {
		method,
		path,
		resource: name,
		does,
		right: 'patients.appt',
		...(level === undefined ? {} : { level }),
		...(queries[does] === undefined ? {} : { query: queries[does] }),
		mapping: appointmentMapping,
		type: 'Appointment',
		style: 'B',
		success,
		summary,
		run,
	};
}

const shownAlone = async (ctx: FhirCtx, stored: Stored): Promise<Answer> => ({
	data: [await showOneWithHistory(ctx, stored)],
	about: stored,
});
const answered = ({ records, links }: Page): Answer => ({ data: records, links });
const [ofPatient, oneOfPatient, all, one] = [
	'/patient/:pid/appointment',
	'/patient/:pid/appointment/:eid',
	'/appointment',
	'/appointment/:eid',
];

export const appointmentRows: readonly StandardRow[] = [
	row('GET', ofPatient, 'search', 'The appointments of a patient', async (ctx, call) =>
		answered(await listed(ctx, call, await patientIn(ctx, call))),
	),
	row('POST', ofPatient, 'create', 'Books an appointment for a patient', async (ctx, call) =>
		bookFor(ctx, await patientIn(ctx, call), call.body, false),
	),
	row('GET', oneOfPatient, 'read', 'An appointment of a patient, with its history', async (ctx, call) =>
		shownAlone(ctx, await findAppointment(ctx, call.params.eid as string, await patientIn(ctx, call))),
	),
	...(['PUT', 'PATCH'] as const).map((method) =>
		row(
			method,
			oneOfPatient,
			'update',
			'Changes what is sent; `scope` says whether of this one, of `future` ones or of `all`',
			async (ctx, call) => changeNamed(ctx, call, await findAppointment(ctx, call.params.eid as string, await patientIn(ctx, call))),
		),
	),
	row('DELETE', oneOfPatient, 'delete', 'Marks an appointment as entered in error; `scope` as for changes', async (ctx, call) =>
		removeNamed(ctx, call, await patientIn(ctx, call)),
	),
	row(
		'GET',
		all,
		'search',
		'Appointments by day (`pc_eventDate`, `from`, `to`), provider, facility, category, status or patient',
		async (ctx, call) => answered(await listed(ctx, call)),
	),
	{
		...row(
			'POST',
			all,
			'create',
			'Books an appointment; `pid` says for whom',
			async (ctx, call) => bookFor(ctx, await patientSent(ctx, call.body), call.body, true),
			201,
		),
		mapping: looseWith(usualCategories),
	},
	row('GET', one, 'read', 'An appointment, with its history', async (ctx, call) =>
		shownAlone(ctx, await findAppointment(ctx, call.params.eid as string)),
	),
	...(['PUT', 'PATCH'] as const).map((method) =>
		row(method, one, 'update', 'Changes what is sent; `scope` says whether of this one, of `future` ones or of `all`', async (ctx, call) =>
			changeNamed(ctx, call, await findAppointment(ctx, call.params.eid as string)),
		),
	),
	row('DELETE', one, 'delete', 'Marks an appointment as entered in error; `scope` as for changes', removeNamed),
];

/** The patient that `pid` in a body names; none for what is no visit. */
async function patientSent(ctx: FhirCtx, { pid }: Sent): Promise<Stored | undefined> {
	if (pid === undefined || pid === null || pid === '' || String(pid) === '0') return undefined;
	const patient = typeof pid === 'object' ? undefined : await find(ctx, 'Patient', String(pid));
	if (patient === undefined) throw invalidFields([wrong('pid', 'Callback::INVALID_VALUE', 'is invalid')]);
	return patient;
}
