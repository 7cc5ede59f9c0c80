// The server's own description, OpenAPI 3.1 (https://spec.openapis.org/oas/v3.1.1.html): made from the tables that the routes are made from.
import type { Fhir } from '#fhir/ctx.ts';
import { type StandardRow, scopeOf } from '#standard-api/row.ts';
import { fhirPaths } from './fhir.ts';
import { otherPaths } from './others.ts';
import type { Node } from './paths.ts';
import { portalPaths, standardPaths, standardSchemas } from './standard.ts';

export type Described = {
	readonly publicUrl: string;
	readonly fhir: Pick<Fhir, 'rows' | 'registry'>;
	readonly standard: readonly StandardRow[];
	readonly portal: readonly StandardRow[];
	readonly version: string;
};

/** The document. Paths are those of the site `default`. */
export function openApi({ publicUrl, fhir, standard, portal, version }: Described): Node {
	return {
		openapi: '3.1.1',
		info: {
			title: 'Heron',
			version,
			summary: 'FHIR R4, the Standard and Portal APIs of OpenEMR, OAuth 2 and SMART on FHIR',
			description:
				'An open-source electronic health record. The FHIR API is the record itself; the Standard and Portal APIs are views of it in OpenEMR’s words. To try requests here, choose **Authorize**, leave the client id as it is, and sign in.',
			license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
		},
		servers: [{ url: publicUrl }],
		security: [{ oauth: [] }, { token: [] }],
		tags,
		paths: { ...standardPaths(standard), ...portalPaths(portal), ...fhirPaths(fhir), ...otherPaths() },
		components: {
			securitySchemes: securitySchemes(publicUrl, [...scopesOf(standard, 'user'), ...scopesOf(portal, 'patient')]),
			schemas: { ...standardSchemas([...standard, ...portal]), ...sharedSchemas },
			responses,
		},
	};
}

const tags = [
	{
		name: 'Standard API',
		description: 'OpenEMR’s paths and field names below `/apis/default/api`. A record is named by its number or its UUID.',
	},
	{ name: 'Portal API', description: 'What a patient sees of the own record, below `/apis/default/portal`.' },
	{
		name: 'FHIR',
		description: 'FHIR R4 for all resource types, below `/apis/default/fhir`. `GET /metadata` tells every search parameter.',
	},
	{ name: 'FHIR: common types', description: 'The same for the types that practices use most, with their search parameters.' },
	{ name: 'FHIR: operations', description: 'Operations, each with its OperationDefinition below `/OperationDefinition`.' },
	{ name: 'OAuth 2', description: 'The authorization server, below `/oauth2/default`.' },
	{ name: 'App state', description: 'Small things that applications keep for themselves, below `/apis/default/app-state`.' },
	{ name: 'Pages', description: 'Pages for people: signing in, accounts, administration.' },
	{ name: 'Server', description: 'Health, figures, this description.' },
];

function scopesOf(rows: readonly StandardRow[], level: 'user' | 'patient'): string[] {
	return rows.filter(({ isPublic }) => isPublic !== true).map((row) => scopeOf(row, level));
}

function securitySchemes(publicUrl: string, own: readonly string[]): Node {
	const base = `${publicUrl}/oauth2/default`;
	const scopes = Object.fromEntries([
		['openid', 'who signs in'],
		['fhirUser', 'the resource that stands for who signs in'],
		['offline_access', 'a refresh token'],
		['launch/patient', 'asks for a patient'],
		['api:oemr', 'the Standard API'],
		['api:fhir', 'the FHIR API'],
		['api:port', 'the Portal API'],
		['user/*.cruds', 'all of FHIR that the user may'],
		['patient/*.rs', 'all of FHIR of one patient, to read'],
		...[...new Set(own)].sort().map((scope) => [scope, `${scope.startsWith('user/') ? 'Standard' : 'Portal'} API: ${scope.split('/')[1]}`]),
	]);
	return {
		oauth: {
			type: 'oauth2',
			description: 'Authorization code with PKCE (S256).',
			flows: {
				authorizationCode: { authorizationUrl: `${base}/authorize`, tokenUrl: `${base}/token`, refreshUrl: `${base}/token`, scopes },
			},
		},
		token: { type: 'http', scheme: 'bearer', description: 'Any access token, such as one of `npm run heron -- token`.' },
	};
}

const object = (properties: Node, more: Node = {}): Node => ({ type: 'object', properties, ...more });
const text = (description?: string): Node => ({ type: 'string', ...(description === undefined ? {} : { description }) });

const sharedSchemas: Node = {
	Resource: object(
		{ resourceType: text(), id: text(), meta: { type: 'object' } },
		{ required: ['resourceType'], additionalProperties: true, description: 'A FHIR resource, https://hl7.org/fhir/R4/resourcelist.html' },
	),
	Bundle: object(
		{
			resourceType: { const: 'Bundle' },
			type: text(),
			total: { type: 'integer' },
			link: { type: 'array', items: { type: 'object' } },
			entry: { type: 'array', items: { type: 'object' } },
		},
		{ required: ['resourceType', 'type'], additionalProperties: true },
	),
	OperationOutcome: object(
		{
			resourceType: { const: 'OperationOutcome' },
			issue: {
				type: 'array',
				items: object({
					severity: text(),
					code: text(),
					details: { type: 'object' },
					diagnostics: text('for people'),
					expression: { type: 'array', items: text() },
				}),
			},
		},
		{ required: ['resourceType', 'issue'] },
	),
	OAuthError: object(
		{ error: text('such as invalid_grant'), error_description: text(), hint: text(), message: text() },
		{ required: ['error'] },
	),
	Refusal: object({ error: text(), message: text(), code: { type: 'integer' } }),
	Envelope: object({
		validationErrors: { description: 'empty, or what is wrong by field and rule', oneOf: [{ type: 'array' }, { type: 'object' }] },
		internalErrors: { type: 'array', items: text() },
		data: { description: 'the record or records' },
		links: { description: 'first, previous and next of a list', oneOf: [{ type: 'array' }, { type: 'object' }] },
	}),
	Parameters: object(
		{ resourceType: { const: 'Parameters' }, parameter: { type: 'array', items: { type: 'object' } } },
		{ required: ['resourceType'] },
	),
};

const answer = (description: string, media: string, schema: string, example: unknown): Node => ({
	description,
	content: { [media]: { schema: { $ref: `#/components/schemas/${schema}` }, example } },
});

const outcome = (code: string, says: string): Node => ({
	resourceType: 'OperationOutcome',
	issue: [{ severity: 'error', code, details: { text: says }, diagnostics: says }],
});

/** Answers that many operations give. */
const responses: Node = {
	FhirInvalid: answer(
		'What was sent breaks FHIR, a profile, or this interaction’s rules',
		'application/fhir+json',
		'OperationOutcome',
		outcome('value', 'Patient.birthDate: "yesterday" is not a date.'),
	),
	FhirUnauthenticated: answer(
		'No token, or one that is not valid',
		'application/fhir+json',
		'OperationOutcome',
		outcome('login', 'An access token is needed.'),
	),
	FhirForbidden: answer(
		'The token does not allow it',
		'application/fhir+json',
		'OperationOutcome',
		outcome('forbidden', 'You may not search Observation.'),
	),
	FhirNotFound: answer(
		'There is no such resource that the caller may see',
		'application/fhir+json',
		'OperationOutcome',
		outcome('not-found', 'Patient/123 does not exist here.'),
	),
	StandardInvalid: answer('What was sent is wrong, by field and rule', 'application/json', 'Envelope', {
		validationErrors: { lname: { 'LengthBetween::TOO_SHORT': 'lname must be 2 characters or longer' } },
		internalErrors: [],
		data: [],
	}),
	StandardUnauthenticated: answer('No token, one that is not valid, or one without the scope', 'application/json', 'Refusal', {
		error: 'An error occurred',
		message: 'Unauthorized',
		code: 0,
	}),
	StandardForbidden: answer('The role of the user does not allow it', 'application/json', 'Refusal', {
		error: 'Organization policy does not have permit access resource',
	}),
	StandardNotFound: { description: 'There is no such record that the caller may see' },
	OAuthInvalid: answer('The request is not right', 'application/json', 'OAuthError', {
		error: 'invalid_request',
		error_description: 'Missing required parameter: redirect_uri',
	}),
	OAuthUnauthenticated: answer('The client is not known, waits for approval, or its proof is wrong', 'application/json', 'OAuthError', {
		error: 'invalid_client',
		error_description: 'client authentication failed',
	}),
};
