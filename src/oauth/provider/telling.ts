// What the audit is told of the protocol: services that come in, and whoever is refused a token.
import type { Context, Provider } from 'oidc-provider';
import type { Audit } from '#access/audit/audit.ts';
import { type AuditEvent, heron } from '#access/audit/event.ts';

/** The id of a request, which the HTTP server has put among the answer's headers. */
export function requestOf(ctx: Pick<Context, 'res'> | undefined): string {
	return String(ctx?.res.getHeader('x-request-id') ?? heron.requestId);
}

/** Tells of tokens that services got and of all that were refused. Tokens of people follow from a sign-in and a consent, which are told. */
export function tellOfTokens(provider: Provider, audit: Audit): void {
	if (audit.level === 'off') return;
	const note = (ctx: Context, status: number, detail: string): void => {
		const noted = audit.note({ ...actorOf(ctx), kind: 'sign-in', interaction: 'service-token', action: 'E', status, detail });
		// That it cannot be stored now is logged by the audit, which goes on trying.
		noted?.catch(() => undefined);
	};
	provider.on('grant.success', (ctx: Context) => {
		if (ctx.oidc.params.grant_type === 'client_credentials') note(ctx, 200, String(ctx.oidc.params.scope ?? ''));
	});
	provider.on('grant.error', (ctx: Context, error: { readonly error?: string; readonly statusCode?: number }) => {
		const grant = String(ctx.oidc.params?.grant_type ?? 'no grant').slice(0, 40);
		note(ctx, error.statusCode ?? 400, `${grant}, ${error.error ?? 'server_error'}`);
	});
}

function actorOf(ctx: Context): Pick<AuditEvent, 'caller' | 'address' | 'requestId'> {
	const { client } = ctx.oidc;
	const where = { address: ctx.ip, requestId: requestOf(ctx) };
	if (client === undefined) return { ...where, caller: { kind: 'anonymous', id: 'anonymous', name: 'anonymous' } };
	const { clientId: id, clientName: name = id } = client;
	return { ...where, caller: { kind: 'system', id, name, client: id } };
}
