// Notes in the audit what the API was asked for and how that went. Writes that were made are told by the store's journal, in their own
// transaction; all else is noted here: reads, searches, operations, writes that changed nothing, refusals.
import type { Action, AuditEvent } from '#access/audit/event.ts';
import type { Ctx } from '#access/ctx.ts';
import { anonymous } from '#access/ctx.ts';
import { Problem } from '#base/problem.ts';
import type { Fhir, FhirCtx } from '#fhir/ctx.ts';
import type { Call, Row } from '#fhir/interactions/call.ts';
import type { Stored } from '#fhir/resource.ts';
import type { Request } from '#http/route.ts';
import { patientOf } from './subject.ts';

/** What was asked for, as far as the audit looks at it; `patient` is whose record it is about, when something else than a parameter says so. */
export type Asked = Pick<Call, 'params' | 'query' | 'form'> & { readonly patient?: string };

/** The context of a request, with the trail that it leaves. */
export function trailed(ctx: FhirCtx, request: Request): FhirCtx {
	if (ctx.fhir.audit.level === 'off') return ctx;
	const purpose = request.headers['x-purpose-of-use'];
	const known = typeof purpose === 'string' && /^[A-Z]{2,12}$/.test(purpose) ? { purpose } : {};
	return { ...ctx, trail: { address: request.remoteAddress, ...known, entries: 0 } };
}

/** The context of an entry of a Bundle, which leaves a trail of its own. */
export function entryTrailed(ctx: FhirCtx): FhirCtx {
	if (ctx.fhir.audit.level === 'off') return ctx;
	return { ...ctx, trail: { address: '', ...ctx.trail, entries: 0 } };
}

/** Notes what went well, unless the writes it came to have told already. A promise only when the audit has no room at the moment. */
export function noteDone(ctx: FhirCtx, row: Row, asked: Asked, status: number, stored: Stored | undefined): Promise<void> | undefined {
	const { audit } = ctx.fhir;
	if (audit.level === 'off' || row.public === true) return undefined;
	const action = actionOf(row);
	if (action !== 'R' && !row.name.startsWith('operation-') && ctx.trail !== undefined && ctx.trail.entries > 0) return undefined;
	if (audit.level === 'writes' && (action === 'R' || action === 'E')) return undefined;
	return audit.note(eventOf(ctx, row, asked, action, status, stored));
}

/** Notes what was refused or failed. */
export function noteFailed(ctx: FhirCtx, row: Row, asked: Asked, error: unknown): Promise<void> | undefined {
	const { audit } = ctx.fhir;
	if (audit.level === 'off' || row.public === true) return undefined;
	return audit.note(eventOf(ctx, row, asked, actionOf(row), error instanceof Problem ? error.status : 500, undefined));
}

/** Notes a request of somebody who could not say who they are. */
export function noteStranger(fhir: Fhir, request: Request, error: unknown): Promise<void> | undefined {
	const { audit } = fhir;
	if (audit.level === 'off') return undefined;
	const { type, id } = request.params;
	return audit.note({
		kind: 'rest',
		interaction: 'unauthenticated',
		action: methodActions[request.method] ?? 'E',
		status: error instanceof Problem ? error.status : 500,
		caller: anonymous,
		address: request.remoteAddress,
		...placeOf(fhir, type, id),
		requestId: request.requestId,
	});
}

const methodActions: Readonly<Record<string, Action>> = { GET: 'R', HEAD: 'R', PUT: 'U', PATCH: 'U', DELETE: 'D' };

function actionOf({ name }: Row): Action {
	const [word] = name.split('-', 1);
	return actions[word as string] ?? 'E';
}

const actions: Readonly<Record<string, Action>> = {
	read: 'R',
	vread: 'R',
	history: 'R',
	create: 'C',
	update: 'U',
	patch: 'U',
	delete: 'D',
};

function eventOf(ctx: FhirCtx, row: Row, asked: Asked, action: Action, status: number, stored: Stored | undefined): AuditEvent {
	const { caller, trail, requestId, fhir } = ctx;
	const { params } = asked;
	const place = stored === undefined ? placeOf(fhir, params.type ?? fixedType(row), params.id, params.version) : stored;
	const searched = params.member !== undefined && fhir.definitions.isResourceType(params.member) ? params.member : undefined;
	const type = searched ?? place.type;
	const patient =
		stored !== undefined && stored.op !== 'D'
			? patientOf(stored.type, stored.id, stored.body, fhir.store.extract)
			: place.type === 'Patient'
				? (place.id ?? patientAsked(asked))
				: patientAsked(asked);
	return {
		kind: 'rest',
		interaction: row.name,
		action,
		status,
		caller,
		address: trail?.address,
		patient: patient ?? onlyPatient(ctx),
		type,
		id: searched === undefined ? place.id : undefined,
		version: place.version,
		...queryOf(fhir, row, asked, type),
		purpose: caller.purpose ?? trail?.purpose,
		requestId,
	};
}

type Place = { readonly type?: string | undefined; readonly id?: string | undefined; readonly version?: number | undefined };

const idShape = /^[A-Za-z0-9\-.]{1,64}$/;

/** What the address names, as far as it can be the name of something: what else stands there may be anything. */
function placeOf(fhir: Fhir, type: string | undefined, id: string | undefined, version?: string): Place {
	if (type === undefined || !fhir.definitions.isResourceType(type)) return {};
	if (id === undefined || !idShape.test(id)) return { type };
	return { type, id, ...(version !== undefined && /^[1-9]\d{0,8}$/.test(version) ? { version: Number(version) } : {}) };
}

/** The type of a row whose path names one. */
function fixedType({ path }: Row): string | undefined {
	const [first] = path;
	return first !== undefined && /^[A-Z]/.test(first) ? first : undefined;
}

/** The one patient whom a limited caller reaches at all. */
export function onlyPatient({ caller }: Ctx): string | undefined {
	const [first] = caller.grants;
	return first?.patient !== undefined && caller.grants.every(({ patient }) => patient === first.patient) ? first.patient : undefined;
}

const patientParam = /(?:^|&)(?:patient|subject)(?::Patient)?=(?:Patient(?:\/|%2F))?([A-Za-z0-9\-.]{1,64})(?=&|$)/;

/** The patient whom a path or a search names. */
function patientAsked({ query, form, patient }: Asked): string | undefined {
	if (patient !== undefined) return patient;
	return (query === '' ? undefined : patientParam.exec(query)?.[1]) ?? (form === undefined ? undefined : patientParam.exec(form)?.[1]);
}

/** A search by the names of its parameters and a keyed hash of all of it: their values may describe a patient. */
function queryOf(fhir: Fhir, { name }: Row, { query, form }: Asked, type: string | undefined): Pick<AuditEvent, 'query' | 'queryHash'> {
	const text = form === undefined || form === '' ? query : query === '' ? form : `${query}&${form}`;
	if (text === '') return {};
	return { query: namesOf(fhir, text, type).slice(0, 500), queryHash: fhir.audit.hashOf(`${name} ${type ?? ''}?${text}`) };
}

/** The names without modifiers and chains. What is no name of a parameter may be a value in the wrong place. */
function namesOf(fhir: Fhir, text: string, type: string | undefined): string {
	const params = fhir.registry.params(type ?? 'Patient');
	let names = '';
	for (const part of text.split('&')) {
		const end = part.search(/[=:.]/);
		const name = end < 0 ? part : part.slice(0, end);
		if (name !== '') names += `${names === '' ? '' : ','}${params.has(name) || controls.has(name) ? name : '?'}`;
	}
	return names;
}

/** Parameters of requests other than those that search by the content of resources. */
const controls: ReadonlySet<string> = new Set(
	'_count _sort _page _include _revinclude _summary _elements _total _contained _containedType _format _pretty _has _list _type _filter _text _content _query _since _at _typeFilter _outputFormat _mdm _method mode start end code system url filter property identifier criteria profile resource'.split(
		' ',
	),
);
