// Health probes: alive (the process answers) and ready (it can do its work).
import { problemJson } from './problem-json.ts';
import type { Route } from './route.ts';

/** A named condition for being ready; rejects when it does not hold. */
export type Check = { readonly name: string; readonly run: () => Promise<unknown> };

/** `/meta/health/livez` and `/meta/health/readyz`; the latter is 503 while a check fails and names it. */
export function healthRoutes<C>(checks: readonly Check[]): Route<C>[] {
	const headers = { 'content-type': 'application/json; charset=utf-8' };
	const common = { method: 'GET', may: 'public', problem: problemJson } as const;
	return [
		{ ...common, path: '/meta/health/livez', handle: () => ({ status: 200, headers, body: JSON.stringify({ status: 'alive' }) }) },
		{
			...common,
			path: '/meta/health/readyz',
			async handle() {
				const results = await Promise.all(
					checks.map(({ name, run }) =>
						run().then(
							() => [name, true] as const,
							() => [name, false] as const,
						),
					),
				);
				const ready = results.every(([, ok]) => ok);
				return {
					status: ready ? 200 : 503,
					headers,
					body: JSON.stringify({ status: ready ? 'ready' : 'not-ready', checks: Object.fromEntries(results) }),
				};
			},
		},
	];
}
