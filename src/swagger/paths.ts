// What all parts of the description share: paths, their parameters, scopes.
import type { Method } from '#http/route.ts';

/** An object of OpenAPI. */
export type Node = Readonly<Record<string, unknown>>;

/** Operations by path and method in lower case. */
export type Paths = Record<string, Record<string, Node>>;

/** A path of a route in OpenAPI's spelling, for the site `default`. */
export function pathOf(route: string): string {
	return route.replace(':site', 'default').replace(/:(\w+)/g, '{$1}');
}

/** The parameters in a path of a route. */
export function pathParameters(route: string, described: Readonly<Record<string, string>> = {}): Node[] {
	return [...route.matchAll(/:(\w+)/g)]
		.map(([, name = '']) => name)
		.filter((name) => name !== 'site')
		.map((name) => ({
			name,
			in: 'path',
			required: true,
			schema: { type: 'string' },
			...(described[name] === undefined ? {} : { description: described[name] }),
		}));
}

export function add(paths: Paths, path: string, method: Method, operation: Node): void {
	paths[path] = { ...paths[path], [method.toLowerCase()]: operation };
}
