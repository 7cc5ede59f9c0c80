// Places that several records share: elements with a choice of types, codes in OpenEMR's notation, names of concepts.
import type { Coding } from '#fhir/resource.ts';
import { type Codec, instantOf, localTime } from './codec.ts';
import { expandCodes, readCodes, writeCodes } from './codes.ts';
import { extensionAt, type Filter } from './mapping.ts';
import { at, isNode, type Place, type Step, which } from './place.ts';

type Node = Record<string, unknown>;

/** A date with a time that may be left out: midnight is a day. */
export const dayOrTime: Codec = {
	show: (json) => localTime(String(json)),
	keep: (value) => (String(value).endsWith(' 00:00:00') ? String(value).slice(0, 10) : instantOf(String(value))),
};

/**
 * An element with a choice of types, as a date: `onset` is onsetDateTime, or an end of onsetPeriod. Other types are not shown, and are
 * replaced when a date is put there.
 */
export function dateChoice(element: string, end: 'start' | 'end' = 'start'): Place {
	const [date, period] = [`${element}DateTime`, `${element}Period`];
	return {
		path: `${element}.ofType(dateTime) | ${element}.ofType(Period).${end}`,
		get(resource) {
			const node = resource as Node;
			return node[date] ?? (node[period] as Node | undefined)?.[end];
		},
		set(resource, value) {
			const node = resource as Node;
			if (isNode(node[period])) {
				at(period, end).set(node, value);
				return;
			}
			removeChoice(node, element);
			if (value !== undefined) node[date] = value;
		},
	};
}

/** Removes an element with a choice of types, whichever it is, with what extends it. */
export function removeChoice(node: Node, element: string): void {
	for (const name of Object.keys(node)) if (new RegExp(`^_?${element}[A-Z]`).test(name)) delete node[name];
}

/** Codes of a concept in OpenEMR's notation: those that `only` takes, the others stay as they are. */
export function codingsAt(steps: readonly Step[], only: (coding: Coding) => boolean = () => true): Place {
	const codings = at(...steps, 'coding');
	return {
		path: codings.path,
		get: (node) => writeCodes(listOf(codings.get(node)).filter(only)) || undefined,
		set(node, value) {
			const former = listOf(codings.get(node));
			const next = [...readCodes(String(value ?? ''), former).codings, ...former.filter((one) => !only(one))];
			codings.set(node, next.length === 0 ? undefined : next);
		},
	};
}

/** The same where people also type words: those are kept in an extension of the resource. */
export function codesAt(resource: string, name: string, steps: readonly Step[]): Place {
	const codings = codingsAt(steps);
	const words = extensionAt(resource, name);
	return {
		path: `${codings.path} | ${words.path}`,
		get: (node) => [codings.get(node), words.get(node)].filter((part) => part !== undefined).join(';') || undefined,
		set(node, value) {
			const former = listOf(at(...steps, 'coding').get(node));
			codings.set(node, value);
			words.set(node, readCodes(String(value ?? ''), former).words.join(';') || undefined);
		},
	};
}

export function listOf(value: unknown): Coding[] {
	return Array.isArray(value) ? (value.filter(isNode) as Coding[]) : [];
}

/** What a table says of a text that others wrote; undefined when it says nothing. */
export function saidIn<T>(table: Readonly<Record<string, T>>, text: unknown): T | undefined {
	return typeof text === 'string' && Object.hasOwn(table, text) ? table[text] : undefined;
}

/** A place that is never empty: what takes its value away puts this there. */
export function orElse(place: Place, value: unknown): Place {
	return { ...place, set: (resource, sent) => place.set(resource, sent ?? value) };
}

/** A place whose value is changed but never taken away. */
export function keptAt(place: Place): Place {
	return { ...place, set: (resource, value) => (value === undefined ? undefined : place.set(resource, value)) };
}

/** Lists are filtered by a code, with its system's name or without. */
export const codeFilter: Filter = { param: 'code', value: (text) => text.slice(text.lastIndexOf(':') + 1) };

/** What a concept is called: its text, or what its first code is called. */
export function nameAt(...steps: readonly Step[]): Place {
	const text = at(...steps, 'text');
	const concept = at(...steps);
	return {
		path: text.path,
		get: (resource) => nameOf(concept.get(resource)),
		set: text.set,
	};
}

/** The name of a CodeableConcept; undefined when it has none. https://hl7.org/fhir/R4/datatypes.html#CodeableConcept */
export function nameOf(concept: unknown): string | undefined {
	if (!isNode(concept)) return undefined;
	const codings = listOf(concept.coding);
	return (
		(concept.text as string | undefined) ??
		codings.find(({ display }) => display !== undefined)?.display ??
		codings.find(({ code }) => code)?.code
	);
}

/** The code of a concept in one system. */
export function codeAt(system: string, ...steps: readonly Step[]): Place {
	return at(...steps, 'coding', which({ system }), 'code');
}

/** The text of the first annotation. */
export function noteAt(...steps: readonly Step[]): Place {
	return at(...steps, 'note', 0, 'text');
}

/** The codes of a concept taken apart, with the words that its notation has besides. */
export function expandedIn(concept: unknown, notation: unknown): ReturnType<typeof expandCodes> {
	const codings = isNode(concept) ? listOf(concept.coding) : [];
	return expandCodes(codings, readCodes(String(notation ?? ''), codings).words);
}

/** A reference: what it leads to is named anew when another is put there. https://hl7.org/fhir/R4/references.html */
export function linkAt(...steps: readonly Step[]): Place {
	const reference = at(...steps, 'reference');
	return {
		path: reference.path,
		get: reference.get,
		set(resource, value) {
			for (const name of ['display', 'type', 'identifier']) at(...steps, name).set(resource, undefined);
			reference.set(resource, value);
		},
	};
}
