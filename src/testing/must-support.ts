// Which elements that a profile says must be supported a resource has: by the profile's own facts, slices included.
import { isDeepStrictEqual } from 'node:util';
import type { ElementFacts, StructureFacts } from '#fhir/definitions/facts.ts';

type Json = Record<string, unknown>;

/** A value with the object of its extensions, which for a primitive stands beside it. */
type Node = { readonly key: string; readonly value: unknown; readonly beside: unknown };

type Step = (node: Node) => Node[];

/** The ids of the elements of a profile that must be supported, by its own mark or by USCDI, such as `Observation.component:systolic.code`. */
export function mustSupport({ elements }: StructureFacts): string[] {
	return elements.filter(({ mustSupport: must, uscdi }) => must === true || uscdi === true).map(({ id, path }) => id ?? path);
}

/** The profiles that must be supported as targets of references, by the paths of the elements; those of other guides than the profile's are left out. */
export function mustSupportTargets({ url, elements }: StructureFacts): { readonly path: string; readonly target: string }[] {
	const guide = url.slice(0, url.indexOf('/StructureDefinition/'));
	return elements
		.filter(({ mustSupport: isMust }) => isMust === true)
		.flatMap(({ path, types = [] }) =>
			types.flatMap(({ targets = [], must = targets.length === 1 ? targets : [] }) => must.map((target) => ({ path, target }))),
		)
		.filter(({ target }) => target.startsWith(`${guide}/`));
}

/** The references at an element, whatever slice it is of. */
export function linksAt(resource: object, path: string): string[] {
	const steps = path.split('.').slice(1);
	const values = steps.reduce<unknown[]>(
		(all, step) => all.flatMap((one) => (isObject(one) ? list(one[step.replace('[x]', 'Reference')]) : [])),
		[resource],
	);
	return values.flatMap((value) => (isObject(value) && typeof value.reference === 'string' ? [value.reference] : []));
}

/** A function that says whether a resource has the element. */
export function elementTest(structure: StructureFacts, id: string): (resource: object) => boolean {
	const names = id.split('.');
	const steps = names.slice(1).map((name, i) => stepTo(structure, names.slice(0, i + 2).join('.'), name));
	return (resource) =>
		steps.reduce<Node[]>((nodes, step) => nodes.flatMap(step), [{ key: '', value: resource, beside: undefined }]).length > 0;
}

function stepTo(structure: StructureFacts, id: string, step: string): Step {
	const [name = '', slice] = step.split(':');
	const all: Step = name.endsWith('[x]') ? (node) => choices(node, name.slice(0, -3)) : (node) => values(node, name);
	if (slice === undefined) return all;
	const test = sliceTest(structure, id);
	return (node) => all(node).filter(({ key, value }) => key === slice || test(value));
}

function values({ value, beside }: Node, key: string): Node[] {
	const holder = (isObject(value) ? value : isObject(beside) ? beside : {}) as Json;
	const own = list(holder[key]);
	const sides = list(holder[`_${key}`]);
	return Array.from({ length: Math.max(own.length, sides.length) }, (_, i) => ({ key, value: own[i], beside: sides[i] }));
}

function choices(node: Node, name: string): Node[] {
	if (!isObject(node.value)) return [];
	return Object.keys(node.value)
		.filter((key) => key.startsWith(name) && /^[A-Z]/.test(key.slice(name.length)))
		.flatMap((key) => values(node, key));
}

/** Whether a value is in a slice: by the url of an extension, else by what the discriminators of the slicing say. */
function sliceTest({ elements }: StructureFacts, id: string): (value: unknown) => boolean {
	const own = elements.find((element) => element.id === id);
	if (own?.path.endsWith('xtension')) return (value) => isObject(value) && value.url === own.types?.[0]?.profiles?.[0];
	const sliced = elements.find((element) => (element.id ?? element.path) === id.slice(0, id.lastIndexOf(':')));
	const paths = (sliced?.slicing?.discriminators ?? []).map(({ path }) => path);
	const asked = elements
		.filter((element) => element.id === id || element.id?.startsWith(`${id}.`) === true)
		.flatMap((element) => demand(element, id))
		.filter(({ steps }) => paths.some((path) => path === '$this' || isWithin(steps.join('.'), path) || isWithin(path, steps.join('.'))));
	// A slice that is told by a binding alone: the validator has checked the codes.
	if (asked.length === 0) return (value) => own?.binding !== undefined && isObject(value);
	return (value) => asked.every(({ steps, wanted }) => reached(value, steps).some((one) => matches(one, wanted)));
}

function isWithin(path: string, other: string): boolean {
	return path === other || path === '' || path.startsWith(`${other}.`);
}

function demand({ id = '', fixed, pattern }: ElementFacts, slice: string): { steps: string[]; wanted: unknown }[] {
	const wanted = fixed ?? pattern;
	if (wanted === undefined) return [];
	const rest = id.slice(slice.length + 1);
	return [{ steps: rest === '' ? [] : rest.split('.').map((step) => step.split(':')[0] as string), wanted }];
}

function reached(value: unknown, steps: readonly string[]): unknown[] {
	return steps.reduce<unknown[]>((nodes, step) => nodes.flatMap((node) => (isObject(node) ? list(node[step]) : [])), [value]);
}

function matches(value: unknown, wanted: unknown): boolean {
	if (Array.isArray(wanted)) return Array.isArray(value) && wanted.every((one) => value.some((other) => matches(other, one)));
	if (!isObject(wanted)) return isDeepStrictEqual(value, wanted);
	return isObject(value) && Object.entries(wanted).every(([name, one]) => matches(value[name], one));
}

function list(value: unknown): unknown[] {
	return value === undefined || value === null ? [] : Array.isArray(value) ? value : [value];
}

function isObject(value: unknown): value is Json {
	return value !== null && typeof value === 'object' && !Array.isArray(value);
}
