// FHIRPath's functions (http://hl7.org/fhirpath/N1/#functions and https://hl7.org/fhir/R4/fhirpath.html#functions), each made for its arguments.
import type { PathEnv, Run, Scope } from './compile.ts';
import { allChildren, children } from './navigate.ts';
import { compare, distinct, equal, truth } from './operators.ts';
import type { Ast } from './parse.ts';
import { partsOf } from './temporal.ts';
import { isType } from './types.ts';
import { Amount, bare, Temporal, type TemporalKind, Typed } from './values.ts';

type Make = (args: readonly Run[], asts: readonly Ast[]) => Run;

const maxItems = 100_000;

/** Runs an argument with one item as `$this`. */
function each(run: Run, item: unknown, index: number, scope: Scope, total: readonly unknown[] = scope.total): unknown[] {
	return run([item], { env: scope.env, self: item, index, total });
}

/** The value of an argument that must be one item. */
function one(run: Run | undefined, scope: Scope): unknown {
	if (run === undefined) return undefined;
	const focus = scope.self === undefined ? [] : [scope.self];
	const items = run(focus, scope);
	return items.length === 1 ? bare(items[0]) : undefined;
}

function many(run: Run | undefined, scope: Scope): unknown[] {
	return run === undefined ? [] : run(scope.self === undefined ? [] : [scope.self], scope);
}

const simple =
	(work: (focus: readonly unknown[], scope: Scope) => unknown[]): Make =>
	() =>
		work;

/** A function of one value (the focus) and values as arguments; empty when the focus is. */
const value =
	(work: (input: unknown, args: readonly unknown[], env: PathEnv) => unknown): Make =>
	(args) =>
	(focus, scope) => {
		if (focus.length !== 1) return [];
		const result = work(
			bare(focus[0]),
			args.map((arg) => one(arg, scope)),
			scope.env,
		);
		return result === undefined ? [] : Array.isArray(result) ? result : [result];
	};

const text = (work: (input: string, args: readonly unknown[]) => unknown): Make =>
	value((input, args) => (typeof input === 'string' ? work(input, args) : undefined));
const number = (work: (input: number, args: readonly unknown[]) => number | undefined): Make =>
	value((input, args) => (typeof input === 'number' ? finite(work(input, args)) : undefined));

function finite(result: number | undefined): number | undefined {
	return result === undefined || !Number.isFinite(result) ? undefined : result;
}

function subset(part: readonly unknown[], whole: readonly unknown[]): boolean {
	return part.every((item) => whole.some((other) => equal(item, other) === true));
}

function flags(focus: readonly unknown[]): (boolean | undefined)[] {
	return focus.map((item) => truth([item]));
}

const patterns = new Map<string, RegExp | undefined>();

/** A compiled pattern; undefined for one that is not a regular expression. Patterns come from definitions, so they are few. */
function pattern(source: string, options = 'su'): RegExp | undefined {
	const key = `${options} ${source}`;
	if (!patterns.has(key)) {
		if (patterns.size > 2000) patterns.clear();
		patterns.set(key, tryPattern(source, options) ?? tryPattern(source, options.replace('u', '')));
	}
	return patterns.get(key);
}

function tryPattern(source: string, options: string): RegExp | undefined {
	try {
		return new RegExp(source, options);
	} catch {
		return undefined;
	}
}

function repeat(focus: readonly unknown[], next: (item: unknown) => unknown[]): unknown[] {
	const found: unknown[] = [];
	const seen = new Set<unknown>();
	const queue = [...focus];
	while (queue.length > 0 && found.length < maxItems) {
		for (const item of next(queue.shift())) {
			const identity = bare(item);
			if (identity !== null && typeof identity === 'object') {
				if (seen.has(identity)) continue;
				seen.add(identity);
			}
			found.push(item);
			queue.push(item);
		}
	}
	return found;
}

function childrenOf(item: unknown): unknown[] {
	const into: unknown[] = [];
	allChildren(item, into);
	return into;
}

function hasValue(item: unknown): boolean {
	const held = bare(item);
	return held !== undefined && held !== null && typeof held !== 'object';
}

function toNumber(input: unknown, shape: RegExp): number | undefined {
	if (typeof input === 'boolean') return input ? 1 : 0;
	if (typeof input === 'number') return shape.test(String(input)) ? input : undefined;
	return typeof input === 'string' && shape.test(input) ? Number(input) : undefined;
}

const booleans: Readonly<Record<string, boolean>> = {
	true: true,
	t: true,
	yes: true,
	y: true,
	'1': true,
	'1.0': true,
	false: false,
	f: false,
	no: false,
	n: false,
	'0': false,
	'0.0': false,
};

const conversions: Readonly<Record<string, (input: unknown) => unknown>> = {
	Boolean: (input) => (typeof input === 'boolean' ? input : booleans[String(input).toLowerCase()]),
	Integer: (input) => toNumber(input, /^[+-]?\d+$/),
	Decimal: (input) => toNumber(input, /^[+-]?\d+(\.\d+)?$/),
	String: (input) =>
		input instanceof Temporal
			? input.toString()
			: input instanceof Amount
				? `${input.value} '${input.unit}'`
				: typeof input === 'object'
					? undefined
					: String(input),
	Date: (input) => temporal(input, 'Date'),
	DateTime: (input) => temporal(input, 'DateTime'),
	Time: (input) => temporal(input, 'Time'),
	Quantity: (input) => quantityOf(input),
};

function temporal(input: unknown, kind: TemporalKind): Temporal | undefined {
	const words = input instanceof Temporal ? input.text : typeof input === 'string' ? input : undefined;
	const parts = words === undefined ? undefined : partsOf(words);
	if (words === undefined || parts === undefined || parts.time !== (kind === 'Time')) return undefined;
	return new Temporal(kind === 'Date' ? words.slice(0, 10) : words, kind);
}

function quantityOf(input: unknown): Amount | undefined {
	if (input instanceof Amount) return input;
	if (typeof input === 'number') return new Amount(input, '1');
	const match = typeof input === 'string' ? /^([+-]?\d+(?:\.\d+)?)\s*(?:'([^']+)'|([a-zA-Z]+))?$/.exec(input) : null;
	return match === null ? undefined : new Amount(Number(match[1]), match[2] ?? match[3] ?? '1');
}

function conversionFunctions(): Record<string, Make> {
	const made: Record<string, Make> = {};
	for (const [name, convert] of Object.entries(conversions)) {
		made[`to${name}`] = value((input) => convert(input));
		made[`convertsTo${name}`] = value((input) => convert(input) !== undefined);
	}
	return made;
}

function extremum(sign: number): Make {
	return simple((focus) => {
		if (focus.length === 0) return [];
		return [focus.reduce((best, item) => ((compare(bare(item), bare(best)) ?? 0) * sign > 0 ? item : best))];
	});
}

function sumOf(focus: readonly unknown[]): number {
	return focus.reduce((sum: number, item) => sum + Number(bare(item)), 0);
}

function nowText(env: PathEnv): string {
	return (env.now?.() ?? new Date(0)).toISOString();
}

function memberOf(env: PathEnv, valueSet: string, item: unknown): boolean | undefined {
	const held = bare(item) as { coding?: { system?: string; code?: string }[]; system?: string; code?: string } | string | null;
	if (typeof held === 'string') return env.memberOf?.(valueSet, undefined, held);
	if (held === null || typeof held !== 'object') return undefined;
	const codings = held.coding ?? [held];
	const results = codings.map(({ system, code }) => (code === undefined ? false : env.memberOf?.(valueSet, system, code)));
	return results.includes(true) ? true : results.includes(undefined) ? undefined : false;
}

const unsafeHtml = /<\s*(script|iframe|object|embed|form|input|link|meta|style|base)\b|\son[a-z]+\s*=|javascript:/i;

export const functions: Readonly<Record<string, Make>> = {
	...conversionFunctions(),
	empty: simple((focus) => [focus.length === 0]),
	exists: ([criteria]) =>
		criteria === undefined
			? (focus) => [focus.length > 0]
			: (focus, scope) => [focus.some((item, index) => truth(each(criteria, item, index, scope)) === true)],
	all:
		([criteria]) =>
		(focus, scope) => [focus.every((item, index) => truth(each(criteria as Run, item, index, scope)) === true)],
	allTrue: simple((focus) => [flags(focus).every((flag) => flag === true)]),
	anyTrue: simple((focus) => [flags(focus).some((flag) => flag === true)]),
	allFalse: simple((focus) => [flags(focus).every((flag) => flag === false)]),
	anyFalse: simple((focus) => [flags(focus).some((flag) => flag === false)]),
	subsetOf:
		([other]) =>
		(focus, scope) => [subset(focus, many(other, scope))],
	supersetOf:
		([other]) =>
		(focus, scope) => [subset(many(other, scope), focus)],
	count: simple((focus) => [focus.length]),
	distinct: simple((focus) => distinct(focus)),
	isDistinct: simple((focus) => [distinct(focus).length === focus.length]),
	where:
		([criteria]) =>
		(focus, scope) =>
			focus.filter((item, index) => truth(each(criteria as Run, item, index, scope)) === true),
	select:
		([projection]) =>
		(focus, scope) =>
			focus.flatMap((item, index) => each(projection as Run, item, index, scope)),
	repeat:
		([projection]) =>
		(focus, scope) =>
			repeat(focus, (item) => each(projection as Run, item, 0, scope)),
	single: simple((focus) => (focus.length === 1 ? [focus[0]] : [])),
	first: simple((focus) => focus.slice(0, 1)),
	last: simple((focus) => focus.slice(-1)),
	tail: simple((focus) => focus.slice(1)),
	skip:
		([count]) =>
		(focus, scope) =>
			focus.slice(Math.max(0, Number(one(count, scope) ?? 0))),
	take:
		([count]) =>
		(focus, scope) =>
			focus.slice(0, Math.max(0, Number(one(count, scope) ?? 0))),
	intersect:
		([other]) =>
		(focus, scope) =>
			distinct(focus.filter((item) => many(other, scope).some((held) => equal(item, held) === true))),
	exclude:
		([other]) =>
		(focus, scope) =>
			focus.filter((item) => !many(other, scope).some((held) => equal(item, held) === true)),
	union:
		([other]) =>
		(focus, scope) =>
			distinct([...focus, ...many(other, scope)]),
	combine:
		([other]) =>
		(focus, scope) => [...focus, ...many(other, scope)],
	iif:
		([condition, yes, no]) =>
		(focus, scope) => {
			const run = truth((condition as Run)(focus, scope)) === true ? yes : no;
			return run === undefined ? [] : run(focus, scope);
		},
	not: simple((focus) => {
		const flag = truth(focus);
		return flag === undefined ? [] : [!flag];
	}),
	trace: simple((focus) => [...focus]),
	aggregate:
		([aggregator, initial]) =>
		(focus, scope) => {
			let total = initial === undefined ? [] : initial(focus, scope);
			for (const [index, item] of focus.entries()) total = each(aggregator as Run, item, index, scope, total);
			return total;
		},
	sum: simple((focus) => [sumOf(focus)]),
	avg: simple((focus) => (focus.length === 0 ? [] : [sumOf(focus) / focus.length])),
	min: extremum(-1),
	max: extremum(1),
	children: simple((focus) => focus.flatMap(childrenOf)),
	descendants: simple((focus) => repeat(focus, childrenOf)),
	type: simple((focus) =>
		focus.map((item) => ({ namespace: 'FHIR', name: (bare(item) as { resourceType?: string } | null)?.resourceType ?? typeof bare(item) })),
	),

	indexOf: text((input, [part]) => (typeof part === 'string' ? input.indexOf(part) : undefined)),
	substring: text((input, [start, length]) => {
		const from = Number(start);
		return Number.isNaN(from) || from < 0 || from >= input.length
			? undefined
			: input.slice(from, length === undefined ? undefined : from + Number(length));
	}),
	startsWith: text((input, [part]) => (typeof part === 'string' ? input.startsWith(part) : undefined)),
	endsWith: text((input, [part]) => (typeof part === 'string' ? input.endsWith(part) : undefined)),
	contains: text((input, [part]) => (typeof part === 'string' ? input.includes(part) : undefined)),
	matches: text((input, [source]) => (typeof source === 'string' ? pattern(source)?.test(input) : undefined)),
	matchesFull: text((input, [source]) => (typeof source === 'string' ? pattern(`^(?:${source})$`)?.test(input) : undefined)),
	replace: text((input, [from, to]) => (typeof from === 'string' && typeof to === 'string' ? input.replaceAll(from, () => to) : undefined)),
	replaceMatches: text((input, [source, to]) => {
		const found = typeof source === 'string' ? pattern(source, 'gsu') : undefined;
		return found !== undefined && typeof to === 'string' ? input.replace(found, to) : undefined;
	}),
	length: text((input) => input.length),
	upper: text((input) => input.toUpperCase()),
	lower: text((input) => input.toLowerCase()),
	trim: text((input) => input.trim()),
	toChars: text((input) => [...input]),
	split: text((input, [separator]) => (typeof separator === 'string' ? input.split(separator) : undefined)),
	join:
		([separator]) =>
		(focus, scope) =>
			focus.length === 0 ? [] : [focus.map((item) => String(bare(item))).join(String(one(separator, scope) ?? ''))],
	encode: text((input, [format]) => encoded(input, format)),
	decode: text((input, [format]) => decoded(input, format)),

	abs: number(Math.abs),
	ceiling: number(Math.ceil),
	floor: number(Math.floor),
	truncate: number(Math.trunc),
	exp: number(Math.exp),
	ln: number(Math.log),
	sqrt: number(Math.sqrt),
	log: number((input, [base]) => Math.log(input) / Math.log(Number(base))),
	power: number((input, [exponent]) => input ** Number(exponent)),
	round: number((input, [digits]) => Number(input.toFixed(Number(digits ?? 0)))),

	now:
		() =>
		(_focus, { env }) => [new Temporal(nowText(env), 'DateTime')],
	today:
		() =>
		(_focus, { env }) => [new Temporal(nowText(env).slice(0, 10), 'Date')],
	timeOfDay:
		() =>
		(_focus, { env }) => [new Temporal(nowText(env).slice(11, 23), 'Time')],

	hasValue: simple((focus) => [focus.length === 1 && hasValue(focus[0])]),
	getValue: simple((focus) => (focus.length === 1 && hasValue(focus[0]) ? [bare(focus[0])] : [])),
	extension:
		([url]) =>
		(focus, scope) => {
			const wanted = one(url, scope);
			const into: unknown[] = [];
			for (const item of focus) {
				// Extensions of a primitive are in its sibling, those of an object in itself.
				const holder = item instanceof Typed && item.sibling !== undefined ? item.sibling : item;
				children(holder, 'extension', into);
			}
			return into.filter((extension) => (bare(extension) as { url?: string } | null)?.url === wanted);
		},
	resolve: simple((focus, { env }) =>
		focus.flatMap((item) => {
			const held = bare(item) as { reference?: string } | string | null;
			const reference = typeof held === 'string' ? held : held?.reference;
			if (typeof reference !== 'string') return [];
			const found = reference.startsWith('#') ? contained(env, reference.slice(1)) : env.resolve?.(reference);
			return found === undefined ? byType(reference) : [found];
		}),
	),
	memberOf:
		([url]) =>
		(focus, scope) => {
			const valueSet = one(url, scope);
			if (focus.length !== 1 || typeof valueSet !== 'string') return [];
			const result = memberOf(scope.env, valueSet, focus[0]);
			return result === undefined ? [] : [result];
		},
	conformsTo:
		([url]) =>
		(focus, scope) => {
			const profile = one(url, scope);
			const result = focus.length === 1 && typeof profile === 'string' ? scope.env.conformsTo?.(bare(focus[0]), profile) : undefined;
			return result === undefined ? [] : [result];
		},
	htmlChecks: simple((focus) => [focus.every((item) => typeof bare(item) !== 'string' || !unsafeHtml.test(bare(item) as string))]),
	elementDefinition: simple(() => []),
	slice: simple(() => []),
	checkModifiers: simple((focus) => [...focus]),
	isA:
		([type]) =>
		(focus, scope) =>
			focus.map((item) => isType(item, String(one(type, scope)))),
};

function contained(env: PathEnv, id: string): unknown {
	const root = (env.rootResource ?? env.resource) as { contained?: { id?: string }[] } | undefined;
	return id === '' ? root : root?.contained?.find((resource) => resource?.id === id);
}

/** Of a resource that is elsewhere the reference still tells the type, which is all that `where(resolve() is Patient)` asks. */
function byType(reference: string): unknown[] {
	const type = /(?:^|\/)([A-Z][A-Za-z]+)\/[A-Za-z0-9.-]{1,64}(?:\/_history\/[A-Za-z0-9.-]+)?$/.exec(reference)?.[1];
	return type === undefined ? [] : [{ resourceType: type }];
}

function encoded(input: string, format: unknown): string | undefined {
	if (format === 'hex') return Buffer.from(input, 'utf8').toString('hex');
	if (format === 'base64') return Buffer.from(input, 'utf8').toString('base64');
	return format === 'urlbase64' ? Buffer.from(input, 'utf8').toString('base64url') : undefined;
}

function decoded(input: string, format: unknown): string | undefined {
	if (format === 'hex') return Buffer.from(input, 'hex').toString('utf8');
	if (format === 'base64') return Buffer.from(input, 'base64').toString('utf8');
	return format === 'urlbase64' ? Buffer.from(input, 'base64url').toString('utf8') : undefined;
}
