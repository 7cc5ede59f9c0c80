// Where in a resource a field lives, as a value that reads, writes, tidies up after itself, and says in FHIRPath where it is.

type Node = Record<string, unknown>;

/** Which element of a list: the first that is right; a new one is made when there is none. */
export type Which = {
	readonly is: (element: unknown) => boolean;
	readonly made: Node;
	/** In FHIRPath. */
	readonly path: string;
	/** Of extensions that are known by their URL alone: the URL. */
	readonly url?: string;
};

export type Step = string | number | Which;

export type Place = {
	/** In FHIRPath, for people. */
	readonly path: string;
	/** What stands there, undefined when there is nothing. */
	get(resource: object): unknown;
	/** The way there, for those who read many places of one resource (reading.ts); absent where `get` does more than to go it. */
	readonly steps?: readonly Step[];
	/** Puts a value there, with what has to be around it; undefined removes it, and what was there only around it. The resource is changed. */
	set(resource: object, value: unknown): void;
};

/** A place by the names of elements, numbers of list elements, and `which`. */
export function at(...steps: readonly Step[]): Place {
	return {
		path: pathOf(steps),
		steps,
		get: (resource) => find(resource, steps),
		set: (resource, value) => {
			put(resource, steps, 0, value);
		},
	};
}

/** The first element that has all of `like`; a new one has `also` besides. */
export function which(like: object, also: object = {}): Which {
	const { url } = like as { url?: unknown };
	return {
		is: matcher(like),
		made: { ...also, ...like },
		path: `.where(${conditionsOf(like).join(' and ')})`,
		...(typeof url === 'string' && Object.keys(like).length === 1 ? { url } : {}),
	};
}

/** The first element that is not one of these by its `use`; a new one has `made`. https://hl7.org/fhir/R4/valueset-name-use.html */
export function unlessUse(uses: readonly string[], made: object = {}): Which {
	return {
		is: (element) => isNode(element) && !uses.includes(String(element.use)),
		made: { ...made },
		path: `.where((${uses.map((use) => `use = '${use}'`).join(' or ')}).not()).first()`,
	};
}

/** Whether a value has everything that `like` has; of lists, an element like each. */
export function has(value: unknown, like: unknown): boolean {
	return matcher(like)(value);
}

/** The same for many values. */
export function matcher(like: unknown): (value: unknown) => boolean {
	if (Array.isArray(like)) {
		const parts = like.map(matcher);
		return (value) => Array.isArray(value) && parts.every((part) => value.some(part));
	}
	if (!isNode(like)) return (value) => value === like;
	const parts = Object.entries(like).map(([name, one]) => [name, matcher(one)] as const);
	return (value) => {
		if (!isNode(value)) return false;
		for (const [name, part] of parts) if (!part(value[name])) return false;
		return true;
	};
}

export function isNode(value: unknown): value is Node {
	return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function find(resource: unknown, steps: readonly Step[]): unknown {
	let value: unknown = resource;
	for (const step of steps) {
		if (typeof step === 'string') value = isNode(value) ? value[step] : undefined;
		else value = Array.isArray(value) ? value[indexIn(value, step)] : undefined;
	}
	return value ?? undefined;
}

function indexIn(list: readonly unknown[], step: number | Which): number {
	return typeof step === 'number' ? (step < list.length ? step : -1) : list.findIndex((element) => step.is(element));
}

/** The node with the value below it, or undefined when nothing is left of it. */
function put(node: unknown, steps: readonly Step[], i: number, value: unknown): unknown {
	const step = steps[i];
	if (step === undefined) return value;
	if (typeof step !== 'string') return putInList(Array.isArray(node) ? node : [], steps, i, step, value);
	const object = isNode(node) ? node : {};
	const child = put(object[step], steps, i + 1, value);
	if (child === undefined) delete object[step];
	else object[step] = child;
	return Object.keys(object).length === 0 ? undefined : object;
}

function putInList(list: unknown[], steps: readonly Step[], i: number, step: number | Which, value: unknown): unknown {
	const index = indexIn(list, step);
	const made = typeof step === 'number' ? undefined : step.made;
	if (index < 0) {
		if (value !== undefined) list.push(put(made === undefined ? undefined : copy(made), steps, i + 1, value));
	} else {
		const child = put(list[index], steps, i + 1, value);
		const isBare = child === undefined || (value === undefined && made !== undefined && has(made, child));
		if (isBare) list.splice(index, 1);
		else list[index] = child;
	}
	return list.length === 0 ? undefined : list;
}

/** A copy of plain JSON. */
export function copy<T>(value: T): T {
	return structuredClone(value);
}

function pathOf(steps: readonly Step[]): string {
	return steps
		.map((step, i) => (typeof step === 'string' ? (i === 0 ? step : `.${step}`) : typeof step === 'number' ? `[${step}]` : step.path))
		.join('');
}

function conditionsOf(like: unknown, path = ''): string[] {
	if (Array.isArray(like)) return like.flatMap((one) => conditionsOf(one, path));
	if (isNode(like)) return Object.entries(like).flatMap(([name, one]) => conditionsOf(one, path === '' ? name : `${path}.${name}`));
	return [`${path} = '${String(like)}'`];
}
