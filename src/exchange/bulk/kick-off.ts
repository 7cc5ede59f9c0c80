// $export: takes the request in and answers where to ask for it (https://hl7.org/fhir/uv/bulkdata/STU2/export.html#bulk-data-kick-off-request).
import { covers, parseScope } from '#access/scopes.ts';
import { type Sql, sql } from '#db/sql.ts';
import type { FhirCtx } from '#fhir/ctx.ts';
import { preferencesOf } from '#fhir/interactions/call.ts';
import { read } from '#fhir/interactions/read.ts';
import { isUnrestricted } from '#fhir/jobs/owner.ts';
import { define, input, type Parameter } from '#fhir/operations/define.ts';
import type { Operation, OperationInput, OperationResult } from '#fhir/operations/operation.ts';
import { outcomeOf } from '#fhir/outcome.ts';
import { table } from '#fhir/search/params/row.ts';
import { reachOf } from '#fhir/search/restrict.ts';
import { type Asked, askedOf, isWithinReach, type Level } from './asked.ts';
import { exportKind } from './export-job.ts';
import { givenOf } from './given.ts';
import { asyncOnly, bulkForbidden, groupNotFound, refused } from './problems.ts';
import { patientsWhere } from './select.ts';

/** Where a client asks for an export or import. */
export function statusUrl(base: string, id: string): string {
	return `${base}/$bulkdata-status?job=${encodeURIComponent(id)}`;
}

/** A header that may come several times. */
export function headerOf({ request }: OperationInput, name: string): string | undefined {
	const value = request.headers[name];
	return Array.isArray(value) ? value.join(', ') : value;
}

/** The answer to a request that was taken in. */
export function accepted(ctx: FhirCtx, id: string): OperationResult {
	const text = 'The request was taken; Content-Location says where to ask for it.';
	return {
		status: 202,
		headers: { 'content-location': statusUrl(ctx.fhir.base, id) },
		resource: outcomeOf([{ severity: 'information', type: 'informational', code: 'accepted', text }]),
	};
}

async function kickOff(ctx: FhirCtx, level: Level, given: OperationInput): Promise<OperationResult> {
	const { caller } = ctx;
	if (caller.kind !== 'system' && !isUnrestricted(caller)) throw bulkForbidden('export');
	const prefer = preferencesOf(headerOf(given, 'prefer'));
	if (prefer.async !== true) throw asyncOnly();
	const { request, id } = given;
	if (level === 'group') await requireGroup(ctx, id as string);
	const path = request.path.slice(request.path.indexOf('/fhir/') + 5);
	const address = `${ctx.fhir.base}${path}${given.query === '' ? '' : `?${given.query}`}`;
	const about = { level, request: address, ...(level === 'group' ? { group: id as string } : {}) };
	const asked = askedOf(ctx, givenOf(given), about, prefer.handling === 'lenient');
	requireSomething(ctx, asked);
	const where = level === 'system' ? undefined : await patientsWhere(ctx, ctx.db, asked);
	const whole = where === undefined ? asked : await withKnownPatients(ctx, asked, where, prefer.handling === 'lenient');
	return accepted(ctx, await ctx.fhir.jobs.start(ctx, exportKind, JSON.stringify(whole)));
}

/** Who may see the Group, or was given the export of Groups in general, may export it. */
async function requireGroup(ctx: FhirCtx, id: string): Promise<void> {
	const wanted = parseScope('system/Group.$export');
	const given = (ctx.caller.scopes ?? []).flatMap((text) => parseScope(text) ?? []);
	if (wanted !== undefined && given.some((scope) => covers(scope, wanted))) return;
	if (reachOf(ctx, 'Group', 'read') === 'nothing') throw groupNotFound(id);
	const stored = await ctx.fhir.store.read(ctx, 'Group', id, null);
	if (stored === undefined || stored.op === 'D') return;
	await read(ctx, 'Group', id);
}

function requireSomething(ctx: FhirCtx, { level, types }: Asked): void {
	const any = (types ?? ctx.fhir.definitions.resourceTypes).some((type) => isWithinReach(ctx, type));
	const patients = level === 'system' || isWithinReach(ctx, 'Patient');
	if (!any || !patients) throw bulkForbidden('export any of it');
}

/** The request without patients who are not there or not in the Group, which only lenient handling passes over. */
async function withKnownPatients(ctx: FhirCtx, asked: Asked, where: Sql, lenient: boolean): Promise<Asked> {
	const { patients, notes } = asked;
	if (patients === undefined) return asked;
	const rows = await ctx.db.rows(sql`SELECT r.id FROM ${table('Patient')} r WHERE r.id = ANY(${patients}::text[]) AND ${where}`);
	const known = new Set(rows.map(([id]) => id as string));
	const issues = patients
		.filter((id) => !known.has(id))
		.map((id) => {
			const text = `patient: there is no Patient "${id}" here${asked.level === 'group' ? ' in the Group' : ''}.`;
			return { severity: 'error', type: 'not-found', code: 'patient-unknown', text, path: 'patient' } as const;
		});
	if (issues.length > 0 && !lenient) throw refused(issues);
	return { ...asked, patients: patients.filter((id) => known.has(id)), notes: [...notes, ...issues] };
}

const base = 'http://hl7.org/fhir/uv/bulkdata/OperationDefinition';

const common: readonly Parameter[] = [
	input('_outputFormat', 'string', 'application/fhir+ndjson, application/ndjson or ndjson; all mean the same.'),
	input('_since', 'instant', 'Only what changed after this; what was deleted since then is listed too.'),
	input('_until', 'instant', 'Only what changed before this.'),
	input('_type', 'string', 'Resource types, separated by commas.', { max: '*' }),
	input('type', 'string', 'The same as _type, for clients of OpenEMR.', { max: '*' }),
	input('_elements', 'string', 'Elements to keep, as "element" or "Type.element"; mandatory ones always are.', { max: '*' }),
	input('_typeFilter', 'string', 'Searches such as "Observation?status=final"; of its type only what one of them finds.', { max: '*' }),
	input('includeAssociatedData', 'code', 'LatestProvenanceResources or RelevantProvenanceResources.', { max: '*' }),
	input('organizeOutputBy', 'string', 'Patient: files of blocks, each with a header, a patient and what belongs to the patient.'),
];

const ofPatients: readonly Parameter[] = [...common, input('patient', 'Reference', 'Only these patients.', { max: '*' })];

function operation(level: Level, id: string, name: string, description: string, more: Pick<Operation, 'levels' | 'types'>): Operation {
	return {
		name: 'export',
		definition: define({
			id,
			name,
			title: `Bulk Data export, ${level} level`,
			code: 'export',
			base: `${base}/${id}`,
			description,
			...(more.types.length === 0 ? {} : { resource: more.types }),
			...more.levels,
			parameter: level === 'system' ? common : ofPatients,
		}),
		...more,
		methods: ['GET', 'POST'],
		complete: true,
		...(level === 'system' ? { instantiates: 'http://hl7.org/fhir/uv/bulkdata/CapabilityStatement/bulk-data' } : {}),
		run: (ctx, given) => kickOff(ctx, level, given),
	};
}

export const systemExport = operation(
	'system',
	'export',
	'BulkDataExport',
	'Exports everything that the caller may see, as NDJSON. Answered later: "Prefer: respond-async".',
	{
		levels: { system: true },
		types: [],
	},
);

export const patientExport = operation(
	'patient',
	'patient-export',
	'BulkDataPatientExport',
	'Exports the records of all patients, with the people, places and things that they cannot be read without. Answered later: "Prefer: respond-async".',
	{
		levels: { type: true },
		types: ['Patient'],
	},
);

export const groupExport = operation(
	'group',
	'group-export',
	'BulkDataGroupExport',
	'Exports the records of the patients of a Group: of those it lists, of those that meet its characteristics or filters at that moment, or of a practitioner, whose id is also that of a Group. Answered later: "Prefer: respond-async".',
	{
		levels: { instance: true },
		types: ['Group'],
	},
);
