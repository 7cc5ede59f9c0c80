// Concepts as options of OpenEMR's lists: the option's id in a record, its title and code in the resource.
import type { Codec } from './codec.ts';
import { readCodes } from './codes.ts';
import { type Option, listOf as optionsIn } from './dictionaries.ts';
import { at, has, isNode, type Place, type Step } from './place.ts';
import { nameOf } from './places.ts';

/** The option of a list with an id; or, as people write it, with a title. */
export function optionOf(list: string, named: unknown): Option | undefined {
	const options = optionsIn(list) ?? [];
	const text = String(named ?? '').toLowerCase();
	return (
		options.find(({ id }) => id === named) ?? options.find(({ id, title }) => id.toLowerCase() === text || title.toLowerCase() === text)
	);
}

/**
 * A concept that is an option of a list. A concept that is no option shows its words; words that are no option are kept as words. Of options
 * with the same code (both eyes have one route) the words tell which is meant.
 */
export function optionAt(list: string, ...steps: readonly Step[]): Place {
	const concept = at(...steps);
	return {
		path: concept.path,
		get(resource) {
			const found = concept.get(resource);
			const name = nameOf(found);
			const titled = name === undefined ? undefined : optionOf(list, name);
			if (titled !== undefined || !isNode(found)) return titled?.id ?? name;
			const coded = optionsIn(list)?.find(({ codes }) => codes !== undefined && has(found, { coding: readCodes(codes).codings }));
			return coded !== undefined && readCodes(coded.codes ?? '').codings.length > 0 ? coded.id : name;
		},
		set(resource, value) {
			if (value === undefined) return concept.set(resource, undefined);
			const option = optionOf(list, value);
			const { codings } = readCodes(option?.codes ?? '');
			concept.set(resource, { ...(codings.length === 0 ? {} : { coding: codings }), text: option?.title ?? String(value) });
		},
	};
}

/** Option ids come as numbers or texts: 1 and "1" are the same. */
export const optionId: Codec = { show: (json) => json, keep: (value) => String(value) };

/** What an option is called, and its codes; null for none. */
export function titleOf(list: string, named: unknown): string | null {
	if (named === null || named === undefined || named === '') return null;
	return optionOf(list, named)?.title ?? String(named);
}

export function codesOf(list: string, named: unknown): string | null {
	return named === null || named === undefined || named === '' ? null : (optionOf(list, named)?.codes ?? null);
}

/** Numbers that forms hold as text: numbers where a number writes itself the same way, words elsewhere. */
export function numberOrTextAt(number: Place, text: Place): Place {
	return {
		path: `${number.path} | ${text.path}`,
		get(resource) {
			const found = number.get(resource);
			return found === undefined ? text.get(resource) : String(found);
		},
		set(resource, value) {
			const isNumber = value !== undefined && String(Number(value)) === value && Number.isFinite(Number(value));
			number.set(resource, isNumber ? Number(value) : undefined);
			text.set(resource, isNumber ? undefined : value);
		},
	};
}
