// procedure: what was ordered or done, as a Procedure, with its reports and their results. Surgeries have a record of their own.
// http://hl7.org/fhir/us/core/STU8/StructureDefinition-us-core-procedure.html
import { identifierSystem } from '#clinic/names.ts';
import type { FhirCtx } from '#fhir/ctx.ts';
import type { Resource } from '#fhir/resource.ts';
import { author, calledIn, type Entry, linkIn, type Present } from './chart.ts';
import { allRows, namedRows, type RowOptions } from './chart-rows.ts';
import { coded, localTime } from './codec.ts';
import { expandCodes, writeCode } from './codes.ts';
import { extra, field, type Mapping } from './mapping.ts';
import { at, isNode, which } from './place.ts';
import { codeFilter, codesAt, dayOrTime, linkAt, listOf, nameAt, nameOf, noteAt, orElse } from './places.ts';
import type { Shown } from './records.ts';
import { type Related, relatedTo } from './related.ts';
import type { StandardRow } from './row.ts';
import { isSurgery, performedAt, performedUnknown, procedureProfile, recordedBy, strikeProcedure, surgical } from './surgery.ts';

const name = 'procedure';

/** OpenEMR's states of an order and FHIR's, https://hl7.org/fhir/R4/valueset-event-status.html */
const states = { pending: 'preparation', routed: 'in-progress', complete: 'completed', canceled: 'not-done' };

const lab = extra(name, 'lab_id', { to: ['Organization'] });

export const procedureMapping: Mapping = {
	resource: name,
	type: 'Procedure',
	numbers: ['id', 'procedure_order_id'],
	uuids: ['uuid'],
	fields: [
		field('patient_id', at('subject', 'reference'), { to: ['Patient'], isReadOnly: true }),
		field('puuid', at('subject', 'reference'), { to: ['Patient'], as: 'uuid', isReadOnly: true }),
		field('provider_id', linkAt('performer', 0, 'actor'), { to: ['Practitioner'] }),
		field('pruuid', linkAt('performer', 0, 'actor'), { to: ['Practitioner'], as: 'uuid' }),
		field('encounter_id', at('encounter', 'reference'), { to: ['Encounter'] }),
		field('euuid', at('encounter', 'reference'), { to: ['Encounter'], as: 'uuid' }),
		extra(name, 'date_ordered', { kind: 'datetime' }),
		field('date_performed', performedAt('start'), { kind: 'datetime', codec: dayOrTime, sort: 'date', note: 'ours: when it was done' }),
		field('date_finished', performedAt('end'), { kind: 'datetime', codec: dayOrTime, note: 'ours: when it was over' }),
		field('order_status', orElse(at('status'), 'completed'), {
			codec: coded(states),
			oneOf: Object.keys(states),
			filter: { param: 'status' },
		}),
		extra(name, 'order_priority', { oneOf: { list: 'ord_priority' } }),
		field('procedure_name', nameAt('code'), {
			required: true,
			length: [2, 255],
			filter: { param: 'code:text', isLoose: true, part: true },
		}),
		field('procedure_code', codesAt(name, 'procedure_code', ['code']), { length: [1, 255], filter: codeFilter }),
		field('diagnoses', codesAt(name, 'diagnoses', ['reasonCode', 0]), { length: [2, 255] }),
		field('control_id', at('identifier', which({ system: identifierSystem('procedure-control-id') }), 'value'), { length: [1, 255] }),
		lab,
		extra(name, 'clinical_hx'),
		extra(name, 'patient_instructions'),
		field('notes', noteAt()),
		field('last_updated', at('meta', 'lastUpdated'), { kind: 'datetime', isReadOnly: true, sort: '_lastUpdated' }),
	],
	make: () => ({ resourceType: 'Procedure', status: 'completed', ...performedUnknown() }),
	profile: procedureProfile,
};

const present: Present = (record, resource, related) => {
	const { code, reasonCode, basedOn } = resource;
	const codings = listOf(isNode(code) ? code.coding : undefined);
	const reasons = (Array.isArray(reasonCode) ? reasonCode : []).flatMap((reason) => listOf(isNode(reason) ? reason.coding : undefined));
	const order = Array.isArray(basedOn) ? linkIn(basedOn[0]) : '';
	const organization = related.get(String(lab.place.get(resource)));
	return {
		...record,
		order_uuid: order.startsWith('ServiceRequest/') ? order.slice('ServiceRequest/'.length) : record.uuid,
		order_title: record.procedure_name,
		order_codes: codings.map((coding) => ({
			procedure_code: writeCode(coding) ?? '',
			procedure_name: coding.display ?? record.procedure_name,
		})),
		order_diagnosis: reasons.map((coding) => (writeCode(coding) ?? '').split(/:(.*)/).slice(0, 2)),
		procedure_codes: expandCodes(codings),
		activity: 1,
		lab_uuid: organization?.id ?? null,
		lab_name: calledIn(organization),
	};
};

/** The reports on procedures with their results; those that the caller may see. */
async function withReports(ctx: FhirCtx, records: readonly Shown[], resources: readonly Resource[]): Promise<Shown[]> {
	const reports = await relatedTo(
		ctx,
		resources.flatMap(({ report }) => linksIn(report)),
		['DiagnosticReport'],
	);
	const results = await relatedTo(
		ctx,
		[...reports.values()].flatMap(({ result }) => linksIn(result)),
		['Observation'],
	);
	return records.map((record, i) => ({
		...record,
		reports: linksIn(resources[i]?.report).flatMap((link) => {
			const report = reports.get(link);
			return report === undefined ? [] : [reportShown(report, results)];
		}),
	}));
}

function linksIn(list: unknown): string[] {
	return Array.isArray(list) ? list.map(linkIn) : [];
}

function reportShown({ id, status, issued, effectiveDateTime, conclusion, result }: Resource, results: Related): Shown {
	const time = (value: unknown): string | null => (typeof value === 'string' ? localTime(value) : null);
	return {
		uuid: id,
		date: time(issued) ?? time(effectiveDateTime),
		report_status: status ?? null,
		notes: conclusion ?? '',
		results: linksIn(result).flatMap((link) => {
			const found = results.get(link);
			return found === undefined ? [] : [resultShown(found)];
		}),
	};
}

function resultShown({
	id,
	code,
	status,
	effectiveDateTime,
	valueQuantity,
	valueString,
	valueCodeableConcept,
	referenceRange,
	interpretation,
}: Resource): Shown {
	const quantity = isNode(valueQuantity) ? valueQuantity : undefined;
	const range = Array.isArray(referenceRange) && isNode(referenceRange[0]) ? referenceRange[0] : undefined;
	const [coding] = listOf(isNode(code) ? code.coding : undefined);
	const bound = (one: unknown): string => (isNode(one) ? String(one.value ?? '') : '');
	return {
		uuid: id,
		code: coding?.code ?? '',
		text: nameOf(code) ?? '',
		status: status ?? null,
		date: typeof effectiveDateTime === 'string' ? localTime(effectiveDateTime) : null,
		result: quantity === undefined ? (valueString ?? nameOf(valueCodeableConcept) ?? '') : String(quantity.value ?? ''),
		units: quantity?.unit ?? quantity?.code ?? '',
		range: (range?.text as string | undefined) ?? [bound(range?.low), bound(range?.high)].filter((one) => one !== '').join(' - '),
		abnormal: nameOf(Array.isArray(interpretation) ? interpretation[0] : undefined) ?? '',
	};
}

const procedure: Entry = {
	mapping: procedureMapping,
	owner: 'subject',
	order: '-date',
	criteria: [
		['category:not', `${surgical.system}|${surgical.code}`],
		['status:not', 'entered-in-error'],
	],
	isOne: (resource) => !isSurgery(resource) && resource.status !== 'entered-in-error',
	entered(ctx) {
		const actor = author(ctx);
		return { ...recordedBy(ctx), ...(actor === undefined ? {} : { performer: [{ actor }] }) };
	},
	strike: strikeProcedure,
	present,
	links: (resource) => [String(lab.place.get(resource) ?? '')],
	complete: withReports,
};

const options: RowOptions = {
	entry: procedure,
	name,
	param: 'uuid',
	style: 'E200',
	words: { one: 'a procedure', many: 'procedures' },
	reading: 'patients.med',
	writing: 'patients.med',
};

export const procedureRows: readonly StandardRow[] = [...allRows(options), ...namedRows(options)];
