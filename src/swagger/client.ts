// The application that the Swagger pages are: public, signs users in with PKCE, and comes back to these pages only.
import type { ClientStore } from '#oauth/clients/clients.ts';
import { plainScopes, standardResources } from '#oauth/scopes/scopes.ts';

export const swaggerClient = 'heron-swagger';

/**
 * Sees to it that the pages may sign users in at this address. An administrator who disables the application has the last word; it may
 * never do more than the user who signs in.
 */
export async function ensureSwaggerClient(clients: ClientStore, publicUrl: string): Promise<void> {
	const back = `${publicUrl}/swagger/oauth2-redirect.html`;
	const before = await clients.find(swaggerClient);
	const scopes = [
		...plainScopes.filter((scope) => scope !== 'site:default'),
		'user/*.cruds',
		'patient/*.rs',
		...standardResources.map((name) => `user/${name}.cruds`),
	];
	const isSame = before?.redirectUris.length === 1 && before.redirectUris[0] === back && before.scopes.join(' ') === scopes.join(' ');
	if (isSame) return;
	await clients.save(swaggerClient, {
		client_id: swaggerClient,
		client_name: 'Heron API pages',
		application_type: 'web',
		token_endpoint_auth_method: 'none',
		grant_types: ['authorization_code', 'refresh_token'],
		response_types: ['code'],
		redirect_uris: [back],
		heron_application_type: 'public',
		heron_scope: scopes.join(' '),
	});
	if (before?.enabled !== false) await clients.setEnabled(swaggerClient, true);
}
