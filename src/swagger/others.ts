// Everything that is not made from the tables of the FHIR, Standard and Portal APIs: the authorization server, pages, health.
import type { Method } from '#http/route.ts';
import { add, type Node, type Paths, pathOf, pathParameters } from './paths.ts';

type Other = readonly [method: Method, path: string, summary: string, more?: Node];

const form = (properties: readonly string[], required: readonly string[] = [], example?: Node): Node => ({
	requestBody: {
		required: true,
		content: {
			'application/x-www-form-urlencoded': {
				schema: {
					type: 'object',
					properties: Object.fromEntries(properties.map((name) => [name, { type: 'string' }])),
					...(required.length === 0 ? {} : { required }),
				},
				...(example === undefined ? {} : { example }),
			},
		},
	},
});
const json = (example: Node): Node => ({
	requestBody: { required: true, content: { 'application/json': { schema: { type: 'object' }, example } } },
});
const bearer: Node = { security: [{ token: [] }] };
const query = (...names: readonly string[]): Node => ({
	parameters: names.map((name) => ({ name, in: 'query', schema: { type: 'string' } })),
});

const client = {
	application_type: 'private',
	redirect_uris: ['https://client.example.org/callback'],
	client_name: 'My Healthcare App',
	token_endpoint_auth_method: 'client_secret_post',
	scope: 'openid offline_access api:fhir user/Patient.read',
};
const authorize = [
	'response_type',
	'client_id',
	'redirect_uri',
	'scope',
	'state',
	'aud',
	'launch',
	'nonce',
	'code_challenge',
	'code_challenge_method',
	'prompt',
];

const oauth: readonly Other[] = [
	['POST', '/registration', 'Registers an application (RFC 7591)', json(client)],
	['GET', '/client/:id', 'Reads a registration (RFC 7592)', bearer],
	['PUT', '/client/:id', 'Changes a registration (RFC 7592)', { ...bearer, ...json({ client_id: '…', ...client }) }],
	['DELETE', '/client/:id', 'Removes a registration (RFC 7592)', bearer],
	['GET', '/authorize', 'Begins to sign a user in (OAuth 2, OpenID Connect, SMART)', query(...authorize)],
	['POST', '/authorize', 'The same by POST', form(authorize)],
	['GET', '/authorize/:uid', 'Goes on after signing in'],
	[
		'POST',
		'/token',
		'Gives tokens for a code, a refresh token or a client assertion',
		form(
			[
				'grant_type',
				'code',
				'redirect_uri',
				'client_id',
				'client_secret',
				'code_verifier',
				'refresh_token',
				'client_assertion_type',
				'client_assertion',
				'scope',
			],
			['grant_type'],
			{
				grant_type: 'authorization_code',
				client_id: '…',
				code: '…',
				redirect_uri: 'https://client.example.org/callback',
			},
		),
	],
	['POST', '/introspect', 'Tells what a token is (RFC 7662)', form(['token', 'token_type_hint', 'client_id', 'client_secret'], ['token'])],
	['POST', '/revoke', 'Ends a token (RFC 7009)', form(['token', 'token_type_hint', 'client_id', 'client_secret'], ['token'])],
	['GET', '/userinfo', 'Who signed in (OpenID Connect)', bearer],
	['POST', '/userinfo', 'The same by POST', bearer],
	['GET', '/jwk', 'Keys that tokens are signed with'],
	[
		'GET',
		'/logout',
		'Signs out at the wish of an application (OpenID Connect)',
		query('id_token_hint', 'post_logout_redirect_uri', 'state'),
	],
	['POST', '/logout', 'The same by POST', form(['id_token_hint', 'post_logout_redirect_uri', 'state'])],
	['POST', '/logout/confirm', 'Confirms that'],
	['GET', '/logout/success', 'Says that it is done'],
	['GET', '/.well-known/openid-configuration', 'Discovery (OpenID Connect)'],
	['GET', '/.well-known/oauth-authorization-server', 'Discovery (RFC 8414)'],
	['GET', '/smart/smart-style', 'SMART style'],
	['GET', '/smart/brands', 'The practice as a user-access brand: a Bundle of its facilities and the FHIR endpoint'],
	['GET', '/interaction/:uid', 'Page: which patient, which visit, and what the application may do'],
	['POST', '/interaction/:uid/patient', 'Chooses the patient'],
	['POST', '/interaction/:uid/encounter', 'Chooses the visit'],
	['POST', '/interaction/:uid/consent', 'Says what the application may do'],
];

const account: readonly Other[] = [
	['GET', '', 'Page: the own account'],
	['GET', '/style.css', 'Style of the pages'],
	['GET', '/passkey.js', 'Script for passkeys'],
	['GET', '/sign-in', 'Page: signing in'],
	['POST', '/sign-in', 'Signs in', form(['username', 'password'])],
	['POST', '/sign-in/passkey', 'Signs in with a passkey'],
	['POST', '/passkey-options', 'What a passkey has to sign'],
	['GET', '/second-factor', 'Page: the second factor'],
	['POST', '/second-factor', 'Gives the second factor', form(['code'])],
	['POST', '/second-factor/remove', 'Removes the authenticator app'],
	['GET', '/change-password', 'Page: another password'],
	['POST', '/change-password', 'Sets another password'],
	['GET', '/forgot', 'Page: a forgotten password'],
	['POST', '/forgot', 'Sends a link for a new password', form(['email'])],
	['GET', '/new-password', 'Page: a new password'],
	['POST', '/new-password', 'Sets a new password'],
	['POST', '/authenticator', 'Adds an authenticator app'],
	['POST', '/recovery-codes', 'Makes new recovery codes'],
	['POST', '/passkeys', 'Adds a passkey'],
	['POST', '/passkeys/remove', 'Removes a passkey'],
	['POST', '/sessions/end', 'Ends a session'],
	['POST', '/apps/end', 'Withdraws what an application may do'],
	['POST', '/emergency', 'Begins emergency access'],
	['POST', '/emergency/end', 'Ends it'],
	['POST', '/sign-out', 'Signs out'],
	['GET', '/signed-out', 'Page: signed out'],
	['GET', '/all-sessions', 'Page: everybody’s sessions'],
	['POST', '/all-sessions/end', 'Ends somebody’s session'],
	['GET', '/administration', 'Page: administration'],
	['GET', '/administration/users', 'Page: users'],
	['POST', '/administration/users', 'Adds a user'],
	['GET', '/administration/users/:id', 'Page: a user'],
	['POST', '/administration/users/:id', 'Changes a user'],
	['POST', '/administration/users/:id/door', 'Lets a user in again, or out'],
	['POST', '/administration/users/:id/proxy', 'Lets a user see a patient’s record as a proxy'],
	['POST', '/administration/users/:id/sessions', 'Ends a user’s sessions'],
	['POST', '/administration/users/:id/apps', 'Withdraws a user’s applications'],
	['GET', '/administration/roles', 'Page: roles'],
	['POST', '/administration/roles', 'Adds a role'],
	['GET', '/administration/roles/:id', 'Page: a role'],
	['POST', '/administration/roles/:id', 'Changes a role'],
	['POST', '/administration/roles/:id/reset', 'Makes a role as it came'],
	['GET', '/administration/applications', 'Page: applications'],
	['POST', '/administration/applications/:id', 'Lets an application in, or out'],
	['GET', '/administration/emergencies', 'Page: emergency access'],
	['POST', '/administration/emergencies', 'Looks through emergency access'],
	['POST', '/outside', 'Signs in through the practice’s own provider'],
	['GET', '/outside/callback', 'Comes back from there'],
];

const server: readonly Other[] = [
	['GET', '/meta/health/livez', 'Whether the server is alive'],
	['GET', '/meta/health/readyz', 'Whether it can do its work'],
	['GET', '/metrics', 'Figures for Prometheus; from this machine only unless set otherwise'],
	['GET', '/swagger', 'These pages'],
	['GET', '/swagger/openapi.json', 'This description'],
	['GET', '/swagger/:file', 'Files of these pages'],
	['GET', '/apis/:site/fhir/.well-known/smart-configuration', 'SMART configuration'],
	['POST', '/app/smart/launch', 'Launches a SMART application from the chart', { ...bearer, ...json({ client_id: '…', patient: '123' }) }],
];

const state = { resourceType: 'Basic', code: { coding: [{ system: 'https://myapp.example.org', code: 'preferences' }] } };

const appState: readonly Other[] = [
	['GET', '/metadata', 'What can be done here'],
	[
		'GET',
		'/Basic',
		'What an application keeps under a code, about somebody or for all',
		{ ...bearer, ...query('code', 'subject', 'subject:missing') },
	],
	['POST', '/Basic', 'Keeps something for an application', { ...bearer, ...json(state) }],
	['PUT', '/Basic/:id', 'Changes it, with If-Match', { ...bearer, ...json({ ...state, id: '…' }) }],
	['DELETE', '/Basic/:id', 'Removes it, with If-Match', bearer],
];

/** All of them, for the site `default`. */
export function otherPaths(): Paths {
	const paths: Paths = {};
	const list = (rows: readonly Other[], base: string, tag: string): void => {
		for (const [method, path, summary, more = {}] of rows) {
			const { parameters = [], ...rest } = more as { parameters?: readonly Node[] };
			const isOAuth = tag === 'OAuth 2';
			add(paths, pathOf(base + path), method, {
				tags: [tag],
				operationId: `${tag.replace(/\W/g, '')}${method}${path.replace(/\W+/g, '_')}`,
				summary,
				security: [],
				...rest,
				parameters: [...pathParameters(base + path), ...parameters],
				responses: {
					200: { description: summary },
					...(isOAuth
						? { 400: { $ref: '#/components/responses/OAuthInvalid' }, 401: { $ref: '#/components/responses/OAuthUnauthenticated' } }
						: {}),
				},
			});
		}
	};
	list(oauth, '/oauth2/:site', 'OAuth 2');
	list(account, '/account', 'Pages');
	list(server, '', 'Server');
	list(appState, '/apis/:site/app-state', 'App state');
	return paths;
}
