// The sets in a Meta: profiles by their url, tags and security labels by system and code
// (https://hl7.org/fhir/R4/operation-resource-meta-add.html).
import type { Coding, Meta } from '#fhir/resource.ts';
import { badParameter, missingParameter, structureOf } from './input.ts';
import type { OperationInput } from './operation.ts';

/** What the meta operations are about, each a set. */
export type Labels = { readonly profile: readonly string[]; readonly security: readonly Coding[]; readonly tag: readonly Coding[] };

/** The sets of a Meta; what is not there is empty. */
export function labelsOf({ profile, security, tag }: Meta): Labels {
	return { profile: profile ?? [], security: security ?? [], tag: tag ?? [] };
}

/** The parameter `meta` of $meta-add and $meta-delete. Throws Problem invalid `parameter-invalid` when it is none, `parameter-missing` when it is not there. */
export function givenLabels(input: OperationInput): Labels {
	const meta = structureOf(input, 'meta');
	if (meta === undefined) throw missingParameter('meta', 'Send a Parameters resource with a valueMeta.');
	const { profile = [], security = [], tag = [] } = meta;
	if (!Array.isArray(profile) || !profile.every((url) => typeof url === 'string'))
		throw badParameter('meta', 'Meta.profile must be a list of urls.');
	return { profile: profile as string[], security: codings('security', security), tag: codings('tag', tag) };
}

function codings(name: string, list: unknown): Coding[] {
	const fine = (coding: unknown): boolean => coding !== null && typeof coding === 'object' && !Array.isArray(coding);
	if (!Array.isArray(list) || !list.every(fine)) throw badParameter('meta', `Meta.${name} must be a list of codings.`);
	return list as Coding[];
}

/** Both, without repeats; what was there stays as it was. */
export function union(there: Labels, more: Labels): Labels {
	return {
		profile: [...new Set([...there.profile, ...more.profile])],
		security: distinct([...there.security, ...more.security]),
		tag: distinct([...there.tag, ...more.tag]),
	};
}

/** The first without the second. */
export function difference(there: Labels, less: Labels): Labels {
	const without = (codings: readonly Coding[], gone: readonly Coding[]): Coding[] => {
		const names = new Set(gone.map(identity));
		return codings.filter((coding) => !names.has(identity(coding)));
	};
	return {
		profile: there.profile.filter((url) => !less.profile.includes(url)),
		security: without(there.security, less.security),
		tag: without(there.tag, less.tag),
	};
}

function distinct(codings: readonly Coding[]): Coding[] {
	const seen = new Map<string, Coding>();
	for (const coding of codings) if (!seen.has(identity(coding))) seen.set(identity(coding), coding);
	return [...seen.values()];
}

function identity({ system, code }: Coding): string {
	return JSON.stringify([system ?? null, code ?? null]);
}

/** The Meta with these sets in place of its own. */
export function withLabels(meta: Meta, labels: Labels): Meta {
	const { profile: _profile, security: _security, tag: _tag, ...others } = meta;
	const filled = Object.entries(labels).filter(([, values]) => values.length > 0);
	return { ...others, ...Object.fromEntries(filled) };
}
