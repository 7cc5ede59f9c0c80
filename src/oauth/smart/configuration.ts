// The document by which SMART apps find the authorization server, https://hl7.org/fhir/smart-app-launch/conformance.html
import type { Brands } from '#oauth/directory.ts';
import { plainScopes } from '#oauth/scopes/scopes.ts';

const capabilities = [
	'launch-ehr',
	'launch-standalone',
	'authorize-post',
	'client-public',
	'client-confidential-symmetric',
	'client-confidential-asymmetric',
	'sso-openid-connect',
	'context-banner',
	'context-style',
	'context-ehr-patient',
	'context-ehr-encounter',
	'context-standalone-patient',
	'context-standalone-encounter',
	'permission-offline',
	'permission-online',
	'permission-patient',
	'permission-user',
	'permission-v1',
	'permission-v2',
];

/** Scopes named in discovery documents; single types work as well. */
export const advertisedScopes: readonly string[] = [
	...plainScopes.filter((scope) => scope !== 'site:default'),
	...['patient', 'user', 'system'].flatMap((level) => [`${level}/*.cruds`, `${level}/*.rs`, `${level}/*.read`, `${level}/*.write`]),
	'system/*.$export',
	'system/Patient.$export',
	'system/Group.$export',
	'system/*.$bulkdata-status',
];

export type Endpoints = { readonly issuer: string; readonly publicUrl: string; readonly brands: Brands | undefined };

/** The SMART configuration of the FHIR API. */
export function smartConfiguration({ issuer, publicUrl, brands }: Endpoints): Record<string, unknown> {
	return {
		issuer,
		jwks_uri: `${issuer}/jwk`,
		authorization_endpoint: `${issuer}/authorize`,
		token_endpoint: `${issuer}/token`,
		registration_endpoint: `${issuer}/registration`,
		introspection_endpoint: `${issuer}/introspect`,
		revocation_endpoint: `${issuer}/revoke`,
		userinfo_endpoint: `${issuer}/userinfo`,
		management_endpoint: `${publicUrl}/account`,
		grant_types_supported: ['authorization_code', 'refresh_token', 'client_credentials'],
		response_types_supported: ['code'],
		code_challenge_methods_supported: ['S256'],
		token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post', 'private_key_jwt'],
		token_endpoint_auth_signing_alg_values_supported: ['RS384', 'ES384'],
		scopes_supported: advertisedScopes,
		...(brands === undefined
			? {}
			: { user_access_brand_bundle: `${issuer}/smart/brands`, user_access_brand_identifier: brands.identifier }),
		capabilities,
		associated_endpoints: [{ url: `${publicUrl}/apis/default/app-state`, capabilities: ['smart-app-state'] }],
	};
}

/** How our own pages look, for apps that want to look alike: https://hl7.org/fhir/smart-app-launch/scopes-and-launch-context.html#styling */
export const smartStyle = {
	color_background: '#f6f8fa',
	color_error: '#b3261e',
	color_highlight: '#0b5cad',
	color_modal_backdrop: '',
	color_success: '#1b7f3b',
	color_text: '#1c2733',
	dim_border_radius: '6px',
	dim_font_size: '16px',
	dim_spacing_size: '20px',
	font_family_body: 'system-ui, sans-serif',
	font_family_heading: 'system-ui, sans-serif',
};
