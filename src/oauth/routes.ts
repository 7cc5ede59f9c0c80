// The routes of the authorization server that are pages or answers of our own; the protocol's other paths are the provider's (mount.ts).
import type { Ctx } from '#access/ctx.ts';
import { Problem } from '#base/problem.ts';
import { problemJson } from '#http/problem-json.ts';
import type { Reply, Request, Route } from '#http/route.ts';
import { chooseEncounter, choosePatient, decide, type InteractionDeps, showStep } from './interaction.ts';
import { smartConfiguration, smartStyle } from './smart/configuration.ts';
import { launchApp } from './smart/launch-app.ts';
import { userinfo } from './userinfo.ts';

/** The rows. `style` of a page is the people's part of the room. */
export function oauthRoutes(deps: InteractionDeps): Route<Ctx>[] {
	const { issuer, publicUrl } = deps;
	const row = (
		method: 'GET' | 'POST',
		path: string,
		handle: (request: Request) => Promise<Reply> | Reply,
		problem = oauthProblem,
	): Route<Ctx> => ({
		method,
		path,
		may: 'public',
		handle: (_ctx, request) => {
			if (request.params.site !== undefined && request.params.site !== 'default')
				throw new Problem('not-found', 'site-unknown', 'There is no such site here.');
			return handle(request);
		},
		problem,
	});
	const configuration = async () => json(smartConfiguration({ issuer, publicUrl, brands: await deps.directory.brands() }));
	return [
		row('GET', '/apis/:site/fhir/.well-known/smart-configuration', configuration),
		row('GET', '/oauth2/:site/smart/smart-style', () => json(smartStyle)),
		row('GET', '/oauth2/:site/smart/brands', (request) => brands(deps, request)),
		row('GET', '/oauth2/:site/userinfo', (request) => userinfo(deps, request)),
		row('POST', '/oauth2/:site/userinfo', (request) => userinfo(deps, request)),
		row('GET', '/oauth2/:site/interaction/:uid', (request) => showStep(deps, request)),
		row('POST', '/oauth2/:site/interaction/:uid/patient', (request) => choosePatient(deps, request)),
		row('POST', '/oauth2/:site/interaction/:uid/encounter', (request) => chooseEncounter(deps, request)),
		row('POST', '/oauth2/:site/interaction/:uid/consent', (request) => decide(deps, request)),
		{
			method: 'POST',
			path: '/app/smart/launch',
			may: 'smart.launch',
			handle: (ctx, request) => launchApp(deps, ctx, request),
			problem: problemJson,
		},
	];
}

/**
 * The practice as a brand, for every app in every browser. Throws Problem not-found when it is not known which facility is the main one.
 * https://hl7.org/fhir/smart-app-launch/STU2.2/brands.html
 */
async function brands({ directory }: InteractionDeps, request: Request): Promise<Reply> {
	const found = await directory.brands();
	if (found === undefined) throw new Problem('not-found', 'no-brands', 'No facility is marked as the main one.');
	const { bundle, etag } = found;
	const headers = { etag, 'cache-control': 'public, max-age=300', 'access-control-allow-origin': '*' };
	const known = String(request.headers['if-none-match'] ?? '').split(/\s*,\s*/);
	if (known.includes(etag)) return { status: 304, headers };
	return { status: 200, headers: { ...headers, 'content-type': 'application/fhir+json; charset=utf-8' }, body: bundle };
}

function json(body: unknown): Reply {
	return { status: 200, headers: { 'content-type': 'application/json; charset=utf-8' }, body: JSON.stringify(body) };
}

/** A failure in the words of OAuth. */
function oauthProblem(error: unknown): Reply {
	const problem = error instanceof Problem ? error : new Problem('fault', 'server_error', 'Something went wrong on the server.');
	const code =
		problem.status === 401
			? 'invalid_token'
			: problem.kind === 'fault'
				? 'server_error'
				: problem.kind === 'unavailable'
					? 'temporarily_unavailable'
					: 'invalid_request';
	return {
		status: problem.status,
		headers: { 'content-type': 'application/json; charset=utf-8', ...problem.headers },
		body: JSON.stringify({ error: code, error_description: problem.text }),
	};
}
