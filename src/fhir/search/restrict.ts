// What this caller may see of each type, as ordinary clauses: on the type searched, on every link of a chain, on every
// include. A grant's own criteria are not restricted again.
import { type Apart, type Grant, grantsFor, type Interaction } from '#access/ctx.ts';
import { Problem } from '#base/problem.ts';
import type { FhirCtx } from '#fhir/ctx.ts';
import { refKey } from '#fhir/store/keys.ts';
import { pairsOf } from './escape.ts';
import { parseCriteria } from './parse.ts';
import { always, type Clause, never } from './query.ts';
import type { SearchParam } from './registry.ts';

/** undefined: everything of the type · 'nothing': none of it · else what its resources have to meet. */
export type Reach = Clause | undefined | 'nothing';

/** What the caller reaches of a type by an interaction. */
export function reachOf(ctx: FhirCtx, type: string, interaction: Interaction): Reach {
	const grants = grantsFor(ctx.caller, type, interaction);
	const telling = grants.filter(
		(grant, i) => !grants.some((other, j) => j !== i && gives(other, grant) && (j < i || !gives(grant, other))),
	);
	const alternatives: Clause[] = [];
	for (const grant of telling) {
		if (isWhole(grant)) return undefined;
		const parts: Clause[] = [];
		if (grant.patient !== undefined) {
			const within = withinPatient(ctx, type, grant.patient, interaction);
			if (within === undefined) continue;
			parts.push(within);
		}
		if (grant.query !== undefined) {
			const asked = criteriaOf(ctx, type, grant.query);
			if (asked === undefined) continue;
			parts.push(asked);
		}
		const except = [
			...(grant.except ?? []).map((query) => criteriaOf(ctx, type, query)),
			...(grant.apart === undefined ? [] : [elsewhere(ctx, type, grant.apart)]),
		];
		// What cannot be understood cannot be left out.
		if (except.includes(undefined)) continue;
		for (const clause of except) parts.push({ is: 'not', of: nearby(clause as Clause) });
		alternatives.push(parts.length === 1 ? (parts[0] as Clause) : { is: 'all', of: parts });
	}
	if (alternatives.length === 0) return 'nothing';
	return alternatives.length === 1 ? alternatives[0] : { is: 'any', of: alternatives };
}

function isWhole({ patient, query, except, apart }: Grant): boolean {
	return patient === undefined && query === undefined && except === undefined && apart === undefined;
}

/** Whether a grant reaches all that another does. */
function gives(grant: Grant, other: Grant): boolean {
	return (
		(grant.patient === undefined || grant.patient === other.patient) &&
		(grant.query === undefined || grant.query === other.query) &&
		(grant.except ?? []).every((query) => other.except?.includes(query)) &&
		(grant.apart === undefined || grant.apart === other.apart)
	);
}

/** A grant whose query says nothing about the type, or cannot be understood, gives nothing. */
function criteriaOf(ctx: FhirCtx, type: string, query: string): Clause | undefined {
	try {
		return parseCriteria(ctx.fhir, type, pairsOf(query)).clause;
	} catch (error) {
		if (error instanceof Problem) return undefined;
		throw error;
	}
}

/** What refers to a resource of one of the types that none of its searches finds. */
function elsewhere(ctx: FhirCtx, type: string, { param: code, types }: Apart): Clause | undefined {
	const param = ctx.fhir.registry.param(type, code);
	const links = Object.entries(types).map(([target, unless]) => ({
		type: target,
		found: unless.map((query) => criteriaOf(ctx, target, query)),
	}));
	if (param?.type !== 'reference' || links.some(({ found }) => found.includes(undefined))) return undefined;
	const isNoneOf = (found: readonly (Clause | undefined)[]): Clause => ({ is: 'not', of: anyOf(found as Clause[]) });
	return { is: 'leads', param, links: links.map(({ type: target, found }) => ({ type: target, clause: isNoneOf(found) })) };
}

/** Any of the clauses; what chains to the same type ask of it is asked by one. */
function anyOf(clauses: readonly Clause[]): Clause {
	const of: Clause[] = [];
	for (const clause of clauses) {
		const [link, ...more] = clause.is === 'chain' ? clause.links : [];
		const at = of.findIndex(
			(one) => one.is === 'chain' && clause.is === 'chain' && one.param === clause.param && one.links[0]?.type === link?.type,
		);
		const same = of[at];
		const [before, ...others] = same?.is === 'chain' ? same.links : [];
		if (same?.is !== 'chain' || link === undefined || before === undefined || more.length + others.length > 0) {
			of.push(clause);
			continue;
		}
		const both = { is: 'any', of: [before.clause, link.clause] } as const;
		of[at] = { ...same, links: [{ type: link.type, clause: both, inside: { is: 'any', of: [before.inside, link.inside] } }] };
	}
	return { is: 'any', of };
}

/** A chain to resources that are of the same patient as what refers to them, and few. */
function nearby(clause: Clause): Clause {
	const [link, ...more] = clause.is === 'chain' ? clause.links : [];
	if (clause.is !== 'chain' || link === undefined || more.length > 0) return clause;
	return { is: 'kindred', param: clause.param, type: link.type, clause: link.clause };
}

/**
 * Being in the compartment of a patient; undefined when the type is in none. A patient is only in the own one here, not by link. A Binary
 * is read as its security context is, the patient or a document of the patient's that the caller may read; it cannot be looked for, as no
 * index knows of that.
 */
function withinPatient(ctx: FhirCtx, type: string, id: string, interaction: Interaction): Clause | undefined {
	if (type === 'Binary') return interaction === 'read' ? securedWithin(ctx, id) : undefined;
	const key = refKey(`Patient/${id}`);
	if (type === 'Patient') return { is: 'patient', key, also: [] };
	// R4's compartment leaves Device out; US Core has apps of a patient read the patient's own.
	const own = type === 'Device' ? ctx.fhir.registry.param('Device', 'patient') : undefined;
	const also = own === undefined ? compartmentParams(ctx, 'Patient', type) : [own];
	return also.length === 0 ? undefined : { is: 'patient', key, also };
}

function securedWithin(ctx: FhirCtx, id: string): Clause {
	const own: Clause = { is: 'secured', by: `Patient/${id}` };
	const documents = reachOf(ctx, 'DocumentReference', 'read');
	const theirs = withinPatient(ctx, 'DocumentReference', id, 'read');
	if (documents === 'nothing' || theirs === undefined) return own;
	const clause: Clause = documents === undefined ? theirs : { is: 'all', of: [theirs, documents] };
	return { is: 'any', of: [own, { is: 'secured-as', type: 'DocumentReference', clause }] };
}

/** The reference parameters by which resources of a type belong to a compartment, https://hl7.org/fhir/R4/compartmentdefinition.html */
export function compartmentParams(ctx: FhirCtx, compartment: string, type: string): SearchParam[] {
	const codes = ctx.fhir.definitions.compartment(compartment as 'Patient')[type] ?? [];
	return codes.map((code) => ctx.fhir.registry.param(type, code)).filter((param): param is SearchParam => param?.type === 'reference');
}

/** The clause with the caller's limits woven into every other type it looks at. */
export function weave(ctx: FhirCtx, clause: Clause): Clause {
	switch (clause.is) {
		case 'chain': {
			const links = clause.links.map((link) => {
				const inside = weave(ctx, link.clause);
				return { type: link.type, clause: within(ctx, link.type, inside) ?? never, inside };
			});
			return { ...clause, links };
		}
		case 'has': {
			const inner = within(ctx, clause.type, weave(ctx, clause.clause));
			return inner === undefined ? never : { ...clause, clause: inner };
		}
		case 'listed': {
			const reach = reachOf(ctx, 'List', 'search');
			return reach === 'nothing' ? never : { ...clause, restrict: reach };
		}
		case 'any':
		case 'all':
			return { is: clause.is, of: clause.of.map((part) => weave(ctx, part)) };
		case 'not':
			return { is: 'not', of: weave(ctx, clause.of) };
		default:
			return clause;
	}
}

/** Both the clause and what the caller reaches of the type; undefined when that is nothing. */
export function within(ctx: FhirCtx, type: string, clause: Clause = always): Clause | undefined {
	const reach = reachOf(ctx, type, 'search');
	if (reach === 'nothing') return undefined;
	return reach === undefined ? clause : { is: 'all', of: [reach, clause] };
}
