// drug: a Medication of the practice's own list. http://hl7.org/fhir/us/core/STU8/StructureDefinition-us-core-medication.html
import type { FhirCtx } from '#fhir/ctx.ts';
import type { Resource } from '#fhir/resource.ts';
import { codeSystems, expandCodes } from './codes.ts';
import { list } from './list.ts';
import { extra, type Field, field, type Mapping } from './mapping.ts';
import { optionAt, optionId } from './options.ts';
import { at, isNode, type Place } from './place.ts';
import { codeAt, codingsAt, listOf, nameAt } from './places.ts';
import { notThere } from './problems.ts';
import { type Found, type Shown, shown } from './records.ts';
import { find } from './references.ts';
import type { StandardRow } from './row.ts';
import { readingOf, readOf } from './write.ts';

const name = 'drug';

const activePlace: Place = {
	path: `(status = 'inactive').not()`,
	get: (medication) => !['inactive', 'entered-in-error'].includes(String(at('status').get(medication))),
	set: (medication, value) => at('status').set(medication, value === false ? 'inactive' : 'active'),
};

const fields: readonly Field[] = [
	field('name', nameAt('code'), { required: true, length: [1, 255], filter: { param: 'code:text', isLoose: true, part: true } }),
	field('ndc_number', codeAt(codeSystems.ndc, 'code'), { length: [1, 20], filter: { param: 'code' } }),
	field('form', optionAt('drug_form', 'form'), { codec: optionId, length: [1, 100] }),
	extra(name, 'size', { length: [1, 25] }),
	extra(name, 'unit', { length: [1, 100] }),
	extra(name, 'route', { length: [1, 100] }),
	extra(name, 'related_code', { length: [1, 255] }),
	field('active', activePlace, { kind: 'flag' }),
	field('rxnorm_drugcode', codeAt(codeSystems.rxnorm, 'code'), { length: [1, 25], filter: { param: 'code' } }),
	field('drug_codes', codingsAt(['code']), { isReadOnly: true }),
	field('manufacturer', at('manufacturer', 'display'), { length: [1, 255] }),
	field('lot_number', at('batch', 'lotNumber'), { length: [1, 100] }),
	field('expiration', at('batch', 'expirationDate'), { kind: 'date' }),
	field('drug_last_updated', at('meta', 'lastUpdated'), { kind: 'datetime', isReadOnly: true, sort: '_lastUpdated' }),
];

export const drugMapping: Mapping = {
	resource: name,
	type: 'Medication',
	numbers: ['drug_id', 'id'],
	uuids: ['uuid'],
	fields,
	make: () => ({ resourceType: 'Medication', status: 'active' }),
	profile: 'http://hl7.org/fhir/us/core/StructureDefinition/us-core-medication',
};

async function showDrugs(ctx: FhirCtx, found: readonly Found[]): Promise<Shown[]> {
	const resources = found.map(readingOf);
	const records = await shown(ctx, drugMapping, found, resources);
	return records.map((record, i) => {
		const { code } = resources[i] as Resource;
		return { ...record, drug_code: expandCodes(listOf(isNode(code) ? code.coding : undefined)), drug_date_created: null };
	});
}

const common = { mapping: drugMapping, resource: name, right: 'patients.med', type: 'Medication', style: 'E200' } as const;

export const drugRows: readonly StandardRow[] = [
	{
		...common,
		method: 'GET',
		path: '/drug',
		does: 'search',
		summary: 'The drugs that the practice keeps a list of',
		async run(ctx, call) {
			const criteria = [['status:not', 'entered-in-error']] as const;
			const { records, links } = await list(ctx, drugMapping, call, { criteria, show: showDrugs });
			return { data: records, links };
		},
	},
	{
		...common,
		method: 'GET',
		path: '/drug/:uuid',
		does: 'read',
		summary: 'Shows a drug',
		async run(ctx, { params }) {
			const stored = await find(ctx, 'Medication', params.uuid as string);
			const found = stored === undefined ? undefined : readOf(stored);
			if (found === undefined || found.resource.status === 'entered-in-error') throw notThere();
			return { data: (await showDrugs(ctx, [found]))[0], about: found };
		},
	},
];
