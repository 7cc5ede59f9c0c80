// Who belongs to a Group: the members it lists, those that meet its filters or characteristics, or, for a practitioner's own group, the
// patients who name that practitioner. All of it becomes one clause on Patient, evaluated when it is asked.
import type { FhirCtx } from '#fhir/ctx.ts';
import type { Resource } from '#fhir/resource.ts';
import { pairsOf } from '#fhir/search/escape.ts';
import { parseCriteria } from '#fhir/search/parse.ts';
import { type Clause, never } from '#fhir/search/query.ts';
import { compartmentParams } from '#fhir/search/restrict.ts';
import { localReference } from '#fhir/store/collector.ts';
import { refKey } from '#fhir/store/keys.ts';
import { characteristicClause } from './characteristics.ts';
import { groupNotFound, groupUnclear } from './problems.ts';

/** Groups within groups are followed this far. */
const maxDepth = 5;

/** https://build.fhir.org/ig/HL7/bulk-data/StructureDefinition-member-filter.html */
const memberFilter = 'http://hl7.org/fhir/uv/bulkdata/StructureDefinition/member-filter';

type Member = {
	readonly entity?: { readonly reference?: unknown };
	readonly inactive?: unknown;
	readonly period?: { readonly end?: unknown };
};

/** The Group with this id, or the practitioner whose patients it stands for. Throws Problem not-found when there is neither. */
export async function patientsOfGroup(ctx: FhirCtx, id: string): Promise<Clause> {
	const stored = await ctx.fhir.store.read(ctx, 'Group', id, null);
	if (stored !== undefined && stored.op !== 'D') return membersOf(ctx, JSON.parse(stored.body) as Resource, 0);
	const practitioner = await ctx.fhir.store.read(ctx, 'Practitioner', id, null);
	if (practitioner === undefined || practitioner.op === 'D') throw groupNotFound(id);
	return patientsOfPractitioner(ctx, id);
}

/** The patients who have the practitioner as their general practitioner. */
export function patientsOfPractitioner({ fhir }: FhirCtx, id: string): Clause {
	return parseCriteria(fhir, 'Patient', [['general-practitioner', `Practitioner/${id}`]]).clause;
}

async function membersOf(ctx: FhirCtx, group: Resource, depth: number): Promise<Clause> {
	const listed = ((group.member as readonly Member[] | undefined) ?? []).filter((member) => isActive(ctx, member));
	const conditions = [...filtersOf(ctx, group), ...characteristicsOf(ctx, group)];
	if (group.member !== undefined) conditions.unshift(await listedClause(ctx, listed, depth));
	if (conditions.length === 0) return never;
	return conditions.length === 1 ? (conditions[0] as Clause) : { is: 'all', of: conditions };
}

function isActive({ clock }: FhirCtx, { inactive, period }: Member): boolean {
	if (inactive === true) return false;
	const end = typeof period?.end === 'string' ? period.end : undefined;
	// A day, month or year lasts to its end.
	return end === undefined || end >= clock.now().toISOString().slice(0, end.length);
}

async function listedClause(ctx: FhirCtx, listed: readonly Member[], depth: number): Promise<Clause> {
	const keys: string[] = [];
	const groups: Clause[] = [];
	for (const { entity } of listed) {
		const reference = typeof entity?.reference === 'string' ? localReference(entity.reference, ctx.fhir.base) : undefined;
		if (reference?.startsWith('Patient/')) keys.push(refKey(reference));
		if (reference?.startsWith('Group/') && depth < maxDepth) {
			const stored = await ctx.fhir.store.read(ctx, 'Group', reference.slice(6), null);
			if (stored !== undefined && stored.op !== 'D') groups.push(await membersOf(ctx, JSON.parse(stored.body) as Resource, depth + 1));
		}
	}
	const own: Clause = keys.length === 0 ? never : { is: 'one-of', keys };
	return groups.length === 0 ? own : { is: 'any', of: [own, ...groups] };
}

type Extension = { readonly url?: unknown; readonly valueExpression?: { readonly language?: unknown; readonly expression?: unknown } };

function filtersOf(ctx: FhirCtx, group: Resource): Clause[] {
	const extensions = [group.modifierExtension, group.extension].flatMap((list) => (Array.isArray(list) ? (list as Extension[]) : []));
	return extensions
		.filter(({ url }) => url === memberFilter)
		.map(({ valueExpression }) => {
			const { language, expression } = valueExpression ?? {};
			const [, type, query] = /^([A-Z][A-Za-z]+)\?(.+)$/.exec(String(expression ?? '')) ?? [];
			if (
				language !== 'application/x-fhir-query' ||
				type === undefined ||
				query === undefined ||
				!ctx.fhir.definitions.isResourceType(type)
			)
				throw groupUnclear('A member-filter needs an expression such as "Condition?code=…" in the language application/x-fhir-query.');
			return filterClause(ctx, type, query);
		});
}

/** Patients who meet a search on Patient, or have something in their compartment that meets a search on another type. */
function filterClause(ctx: FhirCtx, type: string, query: string): Clause {
	const { clause } = parseCriteria(ctx.fhir, type, pairsOf(query));
	if (type === 'Patient') return clause;
	const params = compartmentParams(ctx, 'Patient', type);
	if (params.length === 0) throw groupUnclear(`A member-filter cannot be about ${type}, which belongs to no patient.`);
	const ways = params.map((param): Clause => ({ is: 'has', type, param, clause }));
	return ways.length === 1 ? (ways[0] as Clause) : { is: 'any', of: ways };
}

function characteristicsOf(ctx: FhirCtx, group: Resource): Clause[] {
	const list = Array.isArray(group.characteristic) ? (group.characteristic as Parameters<typeof characteristicClause>[1][]) : [];
	// An actual group is its members; what they have in common is said for people.
	if (list.length === 0 || (group.actual === true && group.member !== undefined)) return [];
	return list.map((one) => {
		const clause = characteristicClause(ctx, one);
		return one.exclude === true ? ({ is: 'not', of: clause } as const) : clause;
	});
}
