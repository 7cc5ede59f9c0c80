// Which scopes exist here, and which of those asked for a client may have.
// https://hl7.org/fhir/smart-app-launch/scopes-and-launch-context.html
import { covers, type DataScope, isFhir, parseScope } from '#access/scopes.ts';

/** What has to be known of the record: handed in, so that this room needs none of it. */
export type RecordFacts = {
	readonly types: ReadonlySet<string>;
	/** Whether a query can be searched for on a type, e.g. `category=laboratory` on Observation. */
	readonly takesQuery: (type: string, query: string) => boolean;
};

/** Scopes about who the person is, https://openid.net/specs/openid-connect-core-1_0.html#ScopeClaims and OpenEMR's single ones. */
export const identityScopes = [
	'openid',
	'fhirUser',
	'profile',
	'name',
	'given_name',
	'family_name',
	'nickname',
	'email',
	'email_verified',
	'phone',
	'phone_verified',
	'address',
] as const;

export const contextScopes = ['launch', 'launch/patient', 'launch/encounter'] as const;
export const apiScopes = ['api:oemr', 'api:fhir', 'api:port'] as const;
export const lastingScopes = ['offline_access', 'online_access'] as const;

/** All scopes that are one word and not about data. `site:default` comes from older OpenEMR clients and means nothing here. */
export const plainScopes: readonly string[] = [...identityScopes, ...contextScopes, ...lastingScopes, ...apiScopes, 'site:default'];

const plain = new Set(plainScopes);

/** Resources of the Standard and Portal APIs. */
export const standardResources: readonly string[] = [
	'allergy',
	'appointment',
	'dental_issue',
	'document',
	'drug',
	'employer',
	'encounter',
	'facility',
	'immunization',
	'insurance',
	'insurance_company',
	'insurance_type',
	'list',
	'medical_problem',
	'medication',
	'message',
	'patient',
	'practitioner',
	'prescription',
	'procedure',
	'product',
	'soap_note',
	'surgery',
	'transaction',
	'user',
	'version',
	'vital',
	'background_service',
];
const standard = new Set(standardResources);

/** What a client gets that registers without scopes, as OpenEMR gives it. */
export const defaultScopes = 'openid email phone address api:oemr api:fhir api:port';

/** The words of a scope text, each once. */
export function scopesOf(text: string | undefined): string[] {
	return [...new Set((text ?? '').split(/\s+/).filter((word) => word !== ''))];
}

/** Whether a scope exists here. */
export function isKnown(text: string, facts: RecordFacts): boolean {
	if (plain.has(text)) return true;
	const scope = parseScope(text);
	if (scope === undefined || text.length > 1000) return false;
	const { type, query } = scope;
	if (type !== '*' && !facts.types.has(type) && !standard.has(type)) return false;
	return query === undefined || (isFhir(scope) && type !== '*' && facts.takesQuery(type, query));
}

/** Of the scopes asked for, those that a client which registered `registered` may have; the others are left out without a word. */
export function allowedOf(asked: readonly string[], registered: readonly string[]): string[] {
	const names = new Set(registered);
	const data = registered.map(parseScope).filter((scope): scope is DataScope => scope !== undefined);
	return asked.filter((text) => {
		if (names.has(text)) return true;
		const scope = parseScope(text);
		return scope !== undefined && data.some((outer) => covers(outer, scope));
	});
}

/** Whether some scope is of this level. */
export function hasLevel(scopes: readonly string[], level: DataScope['level']): boolean {
	return scopes.some((text) => parseScope(text)?.level === level);
}

/** Whether a patient has to be known before these can be granted. */
export function needsPatient(scopes: readonly string[]): boolean {
	return scopes.includes('launch/patient') || hasLevel(scopes, 'patient');
}
