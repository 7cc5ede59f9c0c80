// A registration as clients of OpenEMR send it and as RFC 7591 has it, turned into metadata that the provider takes, and back.
// https://www.rfc-editor.org/rfc/rfc7591 https://www.rfc-editor.org/rfc/rfc7592
import { Problem } from '#base/problem.ts';
import { defaultScopes, hasLevel, isKnown, type RecordFacts, scopesOf } from '#oauth/scopes/scopes.ts';
import { isPrivateHost } from '#outside/guarded-fetch.ts';

/** Metadata as they are stored. Members that the provider would refuse or read otherwise have names of ours. */
export type Stored = {
	readonly client_name?: string;
	readonly client_secret?: string;
	readonly redirect_uris?: readonly string[];
	readonly token_endpoint_auth_method?: string;
	/** The scopes it registered. */
	readonly heron_scope?: string;
	/** `initiate_login_uri`. */
	readonly heron_launch_uri?: string;
	/** `application_type` as it was sent. */
	readonly heron_application_type?: string;
	readonly [other: string]: unknown;
};

/** Members beyond the provider's own. */
export const extraMembers = [
	'heron_scope',
	'heron_launch_uri',
	'heron_application_type',
	'heron_trusted',
	'dsi_type',
	'dsi_source_attributes',
	'software_id',
	'software_version',
] as const;

export type RegistrationRules = {
	readonly facts: RecordFacts;
	/** Takes http and private hosts in addresses; for development. */
	readonly allowPrivate: boolean;
	/** Lets confidential clients use the password grant. */
	readonly passwords?: boolean;
};

type Body = Readonly<Record<string, unknown>>;

/** What the provider is given in place of what was sent. Throws Problem invalid with an error code of RFC 7591 section 3.2.2. */
export function toMetadata(sent: Body, rules: RegistrationRules): Record<string, unknown> {
	const body = Object.fromEntries(
		Object.entries(sent).filter(([name, value]) => !dropped.has(name) && !name.startsWith('heron_') && value !== null),
	);
	const redirects = listOf(body, 'redirect_uris');
	const scopes = scopesIn(body, rules.facts);
	const method = methodOf(body);
	const isPublic = method === 'none';
	if (isPublic && hasLevel(scopes, 'system')) throw wrong('a public client cannot have system scopes');
	const grantTypes = [...grantTypesOf(body, redirects, scopes, isPublic), ...(rules.passwords === true && !isPublic ? ['password'] : [])];
	if (redirects.length === 0 && grantTypes.includes('authorization_code'))
		throw wrong('redirect_uris must name at least one address', 'invalid_redirect_uri');
	const type = typeOf(body, redirects, isPublic);
	for (const uri of redirects) checkRedirect(uri, type, rules.allowPrivate);
	for (const uri of listOf(body, 'post_logout_redirect_uris')) checkRedirect(uri, type, rules.allowPrivate);
	const { application_type: given, scope: _, initiate_login_uri: launch, jwks, jwks_uri, ...rest } = body;
	checkDecisionSupport(body);
	return {
		...rest,
		// Of two places for keys OpenEMR takes the address.
		...(jwks_uri === undefined ? (jwks === undefined ? {} : { jwks }) : { jwks_uri: keysAddress(jwks_uri, rules.allowPrivate) }),
		redirect_uris: redirects,
		response_types: grantTypes.includes('authorization_code') ? ['code'] : [],
		grant_types: grantTypes,
		token_endpoint_auth_method: method,
		application_type: type,
		heron_scope: scopes.join(' '),
		...(typeof given === 'string' ? { heron_application_type: given } : {}),
		...(launch === undefined ? {} : { heron_launch_uri: webAddress('initiate_login_uri', launch, rules.allowPrivate) }),
	};
}

/** Members that are taken and mean nothing here, as with OpenEMR. */
const dropped = new Set([
	'sector_identifier_uri',
	'subject_type',
	'default_max_age',
	'require_auth_time',
	'default_acr_values',
	'request_uris',
	'response_types',
	'response_modes',
]);

/** What the client is told: the members it knows, under their own names, without what is nobody's business. */
export function toAnswer(metadata: Body, clientUri: string | undefined): Record<string, unknown> {
	const {
		heron_scope,
		heron_launch_uri,
		heron_application_type,
		heron_trusted: _,
		client_secret,
		registration_client_uri: __,
		...rest
	} = metadata;
	const isPublic = rest.token_endpoint_auth_method === 'none';
	return {
		...rest,
		...(typeof client_secret === 'string' && !client_secret.startsWith('sha256:') && !isPublic
			? { client_secret, client_secret_expires_at: 0 }
			: {}),
		...(heron_application_type === undefined ? {} : { application_type: heron_application_type }),
		...(heron_launch_uri === undefined ? {} : { initiate_login_uri: heron_launch_uri }),
		scope: heron_scope,
		client_role: isPublic ? 'patient' : 'user',
		...(clientUri === undefined ? {} : { registration_client_uri: clientUri }),
	};
}

/**
 * Whether an administrator has to say yes first, as OpenEMR has it: confidential clients that want a user's or the system's data, public
 * apps that are launched from the EHR or want a user's data. Apps that patients use for themselves need nobody.
 */
export function needsApproval({ token_endpoint_auth_method: method, heron_scope }: Stored): boolean {
	const scopes = scopesOf(heron_scope);
	const wide = hasLevel(scopes, 'user') || hasLevel(scopes, 'system');
	return wide || (method === 'none' && scopes.includes('launch'));
}

function listOf(body: Body, name: string): string[] {
	const value = body[name] ?? [];
	if (!Array.isArray(value) || !value.every((one) => typeof one === 'string'))
		throw wrong(`${name} must be a list of texts`, name === 'redirect_uris' ? 'invalid_redirect_uri' : undefined);
	return value as string[];
}

function scopesIn(body: Body, facts: RecordFacts): string[] {
	if (body.scope !== undefined && typeof body.scope !== 'string') throw wrong('scope must be a text');
	const scopes = scopesOf((body.scope as string | undefined) ?? defaultScopes);
	const unknown = scopes.filter((scope) => !isKnown(scope, facts));
	if (unknown.length > 0) throw wrong(`there is no scope ${unknown.slice(0, 5).join(' ').slice(0, 300)}`, 'invalid_scope');
	return scopes;
}

const methods = ['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none'];

function methodOf(body: Body): string {
	const { application_type: type, token_endpoint_auth_method: given, jwks, jwks_uri } = body;
	if (given !== undefined && !methods.includes(given as string))
		throw wrong(`token_endpoint_auth_method must be one of ${methods.join(', ')}`);
	if (type === 'public') return 'none';
	if (type === 'private' && given === 'none') throw wrong('a private client has to authenticate itself');
	const hasKeys = jwks !== undefined || jwks_uri !== undefined;
	return (given as string | undefined) ?? (hasKeys ? 'private_key_jwt' : type === 'private' ? 'client_secret_post' : 'client_secret_basic');
}

const supported = ['authorization_code', 'refresh_token', 'client_credentials'];

function grantTypesOf(body: Body, redirects: readonly string[], scopes: readonly string[], isPublic: boolean): string[] {
	const named = listOf(body, 'grant_types').filter((type) => supported.includes(type));
	const hasKeys = body.jwks !== undefined || body.jwks_uri !== undefined;
	const isService = !isPublic && hasLevel(scopes, 'system');
	if (isService && !hasKeys) throw wrong('system scopes need jwks or jwks_uri');
	const types = new Set(named.length > 0 ? named : redirects.length > 0 || !isService ? ['authorization_code', 'refresh_token'] : []);
	if (isService) types.add('client_credentials');
	if (types.has('authorization_code') && (scopes.includes('offline_access') || scopes.includes('online_access')))
		types.add('refresh_token');
	if (isPublic) types.delete('client_credentials');
	return [...types];
}

const loopback = new Set(['localhost', '127.0.0.1', '[::1]']);

function typeOf(body: Body, redirects: readonly string[], isPublic: boolean): 'web' | 'native' {
	const { application_type: type } = body;
	if (type === 'web' || type === 'native') return type;
	if (type !== undefined && type !== 'private' && type !== 'public') throw wrong('application_type must be private, public, web or native');
	const isLocal = (uri: string): boolean =>
		URL.canParse(uri) &&
		(!/^https?:$/.test(new URL(uri).protocol) || (new URL(uri).protocol === 'http:' && loopback.has(new URL(uri).hostname)));
	return isPublic && redirects.length > 0 && redirects.every(isLocal) ? 'native' : 'web';
}

/** https://www.rfc-editor.org/rfc/rfc8252 for native apps; others are on the web, under a name of their own, encrypted. */
function checkRedirect(uri: string, type: 'web' | 'native', allowPrivate: boolean): void {
	const bad = (why: string): Problem => wrong(`redirect_uris: ${uri.slice(0, 200)} ${why}`, 'invalid_redirect_uri');
	if (!URL.canParse(uri) || /[\s\\*#]/.test(uri)) throw bad('is not an address that can be redirected to');
	const { protocol, hostname, username, password } = new URL(uri);
	if (username !== '' || password !== '') throw bad('has a password');
	if (protocol !== 'https:' && protocol !== 'http:') {
		if (type !== 'native') throw bad('is not on the web');
		if (!/^[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+:$/.test(protocol)) throw bad('needs a scheme that is a reversed domain name');
		return;
	}
	if (type === 'native' && protocol === 'http:' && loopback.has(hostname)) return;
	if (allowPrivate) return;
	if (protocol !== 'https:') throw bad('must be https');
	if (isPrivateHost(hostname)) throw bad('is on a private network');
}

function webAddress(name: string, value: unknown, allowPrivate: boolean): string {
	if (typeof value !== 'string' || !URL.canParse(value)) throw wrong(`${name} must be an address`);
	const { protocol } = new URL(value);
	if (protocol !== 'https:' && !(allowPrivate && protocol === 'http:')) throw wrong(`${name} must be https`);
	return value;
}

function keysAddress(value: unknown, allowPrivate: boolean): string {
	const address = webAddress('jwks_uri', value, allowPrivate);
	if (!allowPrivate && isPrivateHost(new URL(address).hostname)) throw wrong('jwks_uri is on a private network');
	return address;
}

/** Decision support as ONC's HTI-1 rule has it: what kind, and attributes of its source. */
function checkDecisionSupport({ dsi_type: type, dsi_source_attributes: attributes }: Body): void {
	if (type !== undefined && !['none', 'evidence', 'predictive'].includes(type as string))
		throw wrong('dsi_type must be none, evidence or predictive');
	if (attributes === undefined) return;
	const fits = (one: unknown): boolean => typeof (one as Body | null)?.name === 'string' && typeof (one as Body).value === 'string';
	if (!Array.isArray(attributes) || attributes.length > 100 || !attributes.every(fits))
		throw wrong('dsi_source_attributes must be a list of {name, value}');
}

function wrong(text: string, code = 'invalid_client_metadata'): Problem {
	return new Problem('invalid', code, text);
}
