// What FHIR's validator refuses, told in the names of the fields that are behind it: clients know those and not the elements.
import { type Issue, Problem } from '#base/problem.ts';
import type { Resource } from '#fhir/resource.ts';
import type { Field } from './mapping.ts';
import { copyOf } from './write.ts';

/** Waits for a write of the resource. `sent` are the fields that the client sent. Throws what the write throws, in their names. */
export async function toldInFields<T>(fields: readonly Field[], resource: Resource, sent: object, writing: Promise<T>): Promise<T> {
	try {
		return await writing;
	} catch (error) {
		throw error instanceof Problem && error.code === 'resource-invalid' ? inFields(fields, resource, sent, error) : error;
	}
}

function inFields(fields: readonly Field[], resource: Resource, sent: object, problem: Problem): Problem {
	const isSent = ({ isReadOnly, name }: Field): boolean => isReadOnly !== true && Object.hasOwn(sent, name);
	const behind = fieldsAt(
		fields.toSorted((a, b) => Number(isSent(b)) - Number(isSent(a))),
		resource,
		problem.issues.map(({ path }) => path ?? ''),
	);
	const issues = problem.issues.map((issue, i): Issue => {
		const field = behind[i];
		return field === undefined ? issue : { ...issue, path: field.name, text: issue.text.replaceAll(issue.path ?? '', field.name) };
	});
	return new Problem(problem.kind, problem.code, issues[0]?.text ?? problem.text, { issues, status: problem.status, cause: problem });
}

/** The field whose value stands at each path of an element: the first without which something else stands there. */
function fieldsAt(fields: readonly Field[], resource: Resource, paths: readonly string[]): (Field | undefined)[] {
	const places = paths.map((path) => [...path.matchAll(/\.([A-Za-z_]\w*)|\[(\d+)\]/g)].map(([, name, index]) => name ?? Number(index)));
	const before = places.map((steps) => textAt(resource, steps));
	const found: (Field | undefined)[] = paths.map(() => undefined);
	const isOpen = (i: number): boolean => found[i] === undefined && before[i] !== undefined;
	for (const field of fields) {
		if (!paths.some((_, i) => isOpen(i))) break;
		if (field.place.get(resource) === undefined) continue;
		const without = copyOf(resource);
		field.place.set(without, undefined);
		for (const [i, steps] of places.entries()) if (isOpen(i) && textAt(without, steps) !== before[i]) found[i] = field;
	}
	return found;
}

/** What stands at a path, or at the last element of it that is there. */
function textAt(resource: Resource, steps: readonly (string | number)[]): string | undefined {
	let node: unknown = resource;
	for (const step of steps) {
		const next = childOf(node, step);
		if (next === undefined) break;
		node = next;
	}
	return node === resource ? undefined : JSON.stringify(node);
}

/** An element's child; of one with a choice of types (`value`) the one that is there (`valueString`). */
function childOf(node: unknown, step: string | number): unknown {
	if (typeof node !== 'object' || node === null) return undefined;
	const own = (node as Record<string | number, unknown>)[step];
	if (own !== undefined || typeof step === 'number') return own;
	return Object.entries(node).find(([name]) => name.startsWith(step) && /^[A-Z]/.test(name.slice(step.length)))?.[1];
}
