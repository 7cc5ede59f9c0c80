// ValueSets and CodeSystems that are stored here, as far as the caller may see them.
import type { FhirCtx } from '#fhir/ctx.ts';
import type { Resource } from '#fhir/resource.ts';
import { escaped } from '#fhir/search/escape.ts';
import { within as reach } from '#fhir/search/restrict.ts';
import { search } from '#fhir/search/search.ts';
import type { CodeSystem } from '#fhir/terminology/code-system.ts';
import type { Source, ValueSet } from '#fhir/terminology/expand.ts';
import { conceptsByCode, findSystem, type TableSystem, within } from '#fhir/terminology/tables.ts';

/** The newest with this canonical url (`url` or `url|version`); undefined when there is none, or none the caller may see. */
export async function findStored(ctx: FhirCtx, type: 'ValueSet' | 'CodeSystem', canonical: string): Promise<Resource | undefined> {
	if (reach(ctx, type) === undefined) return undefined;
	const bar = canonical.lastIndexOf('|');
	const [url, version] = bar < 0 ? [canonical, undefined] : [canonical.slice(0, bar), canonical.slice(bar + 1)];
	const { matches } = await search(ctx, {
		type,
		query: [
			['url', escaped(url)],
			...(version === undefined ? [] : [['version', escaped(version)] as const]),
			['_sort', '-_lastUpdated'],
			['_count', '1'],
		],
		handling: 'strict',
	});
	return matches[0] === undefined ? undefined : (JSON.parse(matches[0].body) as Resource);
}

/** Everything that is known here: what is stored, then the definitions and the code systems that are tables. Each is looked up once. */
export function sourceOf(ctx: FhirCtx): Source {
	const found = new Map<string, Promise<Resource | undefined>>();
	const tables = new Map<string, Promise<TableSystem | undefined>>();
	const once = (type: 'ValueSet' | 'CodeSystem', canonical: string): Promise<Resource | undefined> => {
		const key = `${type} ${canonical}`;
		const looking = found.get(key) ?? findStored(ctx, type, canonical);
		found.set(key, looking);
		return looking;
	};
	return {
		definitions: ctx.fhir.definitions,
		valueSet: async (canonical) => (await once('ValueSet', canonical)) as ValueSet | undefined,
		codeSystem: async (canonical) => (await once('CodeSystem', canonical)) as CodeSystem | undefined,
		table: (canonical) => {
			const looking = tables.get(canonical) ?? findSystem(ctx.db, canonical);
			tables.set(canonical, looking);
			return looking;
		},
		namesIn: (system, codes) => conceptsByCode(ctx.db, system, codes),
		within: (selection, codes) => (codes.length === 0 ? Promise.resolve([]) : within(ctx.db, selection, codes)),
	};
}
