// What a caller may do: scopes of the token, within the rights of the account, within the patient of the launch. The result is grants,
// which fhir/search/restrict.ts weaves into every query.
import type { Caller, Grant } from './ctx.ts';
import { type DataScope, grantOf, interactionsOf, isFhir, parseScope } from './scopes.ts';

export type Holder = {
	readonly kind: 'user' | 'patient' | 'system';
	/** Scopes of the token. */
	readonly scopes: readonly string[];
	/** The patient of the launch, for `patient/` scopes. */
	readonly patient?: string | undefined;
	/** The patient whom a patient's account belongs to: nothing goes beyond that compartment. */
	readonly own?: string | undefined;
	/** The resource that stands for the account. */
	readonly fhirUser?: string | undefined;
	/** What the account may do whatever the application asks; undefined for no limit. */
	readonly rights?: readonly Grant[] | undefined;
};

/**
 * The grants of a token. A scope whose level does not fit its holder gives nothing: `system/` is for clients that act for themselves,
 * `user/` and `patient/` for accounts. The holder's own resource can be read with `openid fhirUser`.
 */
export function grantsOfToken(holder: Holder): Grant[] {
	const { kind, scopes, patient, own, fhirUser, rights } = holder;
	const given = scopes.flatMap((text) => {
		const scope = parseScope(text);
		if (scope === undefined || !isFhir(scope) || (scope.level === 'system') !== (kind === 'system')) return [];
		if (scope.level === 'patient' && patient === undefined) return [];
		if (scope.level !== 'patient' && kind !== 'patient') return [grantOf(scope, undefined)];
		const limit = scope.level === 'patient' ? patient : own;
		// A patient's account without a patient reaches nothing.
		return limit === undefined ? [] : [grantOf(scope, limit), ...beyond(scope, limit)];
	});
	const grants = rights === undefined ? given : intersection(given, rights);
	return [...grants, ...(scopes.includes('openid') && scopes.includes('fhirUser') ? ownResource(fhirUser) : [])];
}

/** Types that are in no patient's compartment and that a record cannot be read without: who, where and with what. */
const shared = ['Endpoint', 'HealthcareService', 'Location', 'Medication', 'Organization', 'Practitioner', 'PractitionerRole'];

/** What access to one patient's record brings along: reading what it refers to, and devices, which FHIR has in no compartment. */
function beyond(scope: DataScope, patient: string): Grant[] {
	const interactions = interactionsOf(scope).filter((interaction) => interaction === 'read' || interaction === 'search');
	if (interactions.length === 0) return [];
	const query = scope.query === undefined ? {} : { query: scope.query };
	const types = shared.filter((type) => scope.type === type || scope.type === '*');
	const device = {
		type: 'Device',
		interactions,
		query: [`patient=Patient/${patient}`, scope.query].filter((part) => part !== undefined).join('&'),
	};
	return [...types.map((type) => ({ type, interactions, ...query })), ...(scope.type === 'Device' || scope.type === '*' ? [device] : [])];
}

function ownResource(fhirUser: string | undefined): Grant[] {
	const [, type, id] = /^([A-Z][A-Za-z]+)\/([A-Za-z0-9\-.]{1,64})$/.exec(fhirUser ?? '') ?? [];
	return type === undefined || id === undefined ? [] : [{ type, interactions: ['read'], query: `_id=${id}` }];
}

/** What both lists allow. */
export function intersection(some: readonly Grant[], others: readonly Grant[]): Grant[] {
	return some.flatMap((a) => others.flatMap((b) => both(a, b) ?? []));
}

function both(a: Grant, b: Grant): Grant | undefined {
	if (a.type !== '*' && b.type !== '*' && a.type !== b.type) return undefined;
	if (a.patient !== undefined && b.patient !== undefined && a.patient !== b.patient) return undefined;
	const interactions = a.interactions.filter((interaction) => b.interactions.includes(interaction));
	if (interactions.length === 0) return undefined;
	const patient = a.patient ?? b.patient;
	const query = [a.query, b.query].filter((part) => part !== undefined).join('&');
	const except = [...new Set([...(a.except ?? []), ...(b.except ?? [])])];
	// Only rights have one, never what an app asks for.
	const apart = a.apart ?? b.apart;
	return {
		type: a.type === '*' ? b.type : a.type,
		interactions,
		...(patient === undefined ? {} : { patient }),
		...(query === '' ? {} : { query }),
		...(except.length === 0 ? {} : { except }),
		...(apart === undefined ? {} : { apart }),
	};
}

/** Whether a caller came with a scope, for what is no interaction on a type (operations, the other APIs). Local callers have all. */
export function hasScope({ scopes }: Caller, scope: string): boolean {
	return scopes === undefined || scopes.includes(scope);
}
