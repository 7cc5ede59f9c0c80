// ValueSet/$expand. https://hl7.org/fhir/R4/valueset-operation-expand.html
import { Problem } from '#base/problem.ts';
import type { Querier } from '#db/database.ts';
import type { FhirCtx } from '#fhir/ctx.ts';
import { define, hl7, input, output } from '#fhir/operations/define.ts';
import { countOf, flagOf, textOf } from '#fhir/operations/input.ts';
import type { Operation, OperationInput } from '#fhir/operations/operation.ts';
import type { Resource } from '#fhir/resource.ts';
import { normalise } from '#fhir/store/keys.ts';
import { type Concept, type Expansion, keyOf, type Source, tabled } from '#fhir/terminology/expand.ts';
import { typed } from '#fhir/terminology/tables.ts';
import { type Given, givenValueSet } from './given.ts';
import { unsupported } from './problems.ts';
import { sourceOf } from './stored.ts';

export const expandValueSet: Operation = {
	name: 'expand',
	definition: define({
		id: 'ValueSet-expand',
		name: 'Expand',
		title: 'The codes of a value set',
		code: 'expand',
		base: hl7('ValueSet-expand'),
		description:
			'Lists the codes of a value set: of one that is stored here, of one that is sent, of one of FHIR R4 and the added packages, or of all codes of a system (`<system>?fhir_vs`, `?fhir_vs=isa/<code>`). The list is flat. With a filter the best come first. A value set of which not all codes can be listed here (it takes codes of a system that is not known here, or by a filter that is not known) is refused.',
		resource: ['ValueSet'],
		type: true,
		instance: true,
		parameter: [
			input('url', 'uri', 'The canonical url.'),
			input('valueSet', 'ValueSet', 'The value set itself.'),
			input('valueSetVersion', 'string', 'The version of the value set.'),
			input('filter', 'string', 'What somebody types: every word begins a word of the code, its display or another of its names.'),
			input('offset', 'integer', 'Leaves out as many codes from the start.'),
			input('count', 'integer', 'As many codes; 0 for the total alone.'),
			input('includeDesignations', 'boolean', 'Also designations.'),
			input('includeDefinition', 'boolean', 'Also the definition of the value set.'),
			input('activeOnly', 'boolean', 'Only codes that are in use.'),
			input('excludeNested', 'boolean', 'The list is flat in any case.'),
			output('return', 'ValueSet', 'The value set with its expansion.'),
		],
	}),
	levels: { type: true, instance: true },
	types: ['ValueSet'],
	methods: ['GET', 'POST'],
	run: async (ctx, given) => ({ resource: await expanded(ctx, given) }),
};

/** Codes in one answer when the client names no count. */
const maxCodes = 10_000;

async function expanded(ctx: FhirCtx, asked: OperationInput): Promise<Resource> {
	const [filter, offset, count] = [textOf(asked, 'filter'), countOf(asked, 'offset') ?? 0, countOf(asked, 'count')];
	const [activeOnly, designations] = [flagOf(asked, 'activeOnly') === true, flagOf(asked, 'includeDesignations') === true];
	const source = sourceOf(ctx);
	const given = await givenValueSet(ctx, asked, source);
	requireClosed(given);
	const most = Math.min(count ?? maxCodes, maxCodes);
	const { codes, total } = await pageOf(ctx.db, given.expansion, { filter: filter ?? '', offset, count: most, activeOnly });
	if (count === undefined && (total ?? Number.POSITIVE_INFINITY) - offset > maxCodes) throw tooCostly(total);
	const page = await withNames(source, codes);
	const paged = offset > 0 || count !== undefined;
	const limited = given.expansion.partial.size > 0;
	return {
		...described(given, flagOf(asked, 'includeDefinition') === true),
		expansion: {
			identifier: `urn:uuid:${ctx.ids.next()}`,
			timestamp: ctx.clock.now().toISOString(),
			...(total === undefined ? {} : { total }),
			...(paged ? { offset } : {}),
			...parametersOf([
				['valueString', 'filter', filter],
				['valueInteger', 'offset', paged ? offset : undefined],
				['valueInteger', 'count', count],
				['valueBoolean', 'activeOnly', activeOnly || undefined],
				['valueBoolean', 'includeDesignations', designations || undefined],
				['valueBoolean', 'limitedExpansion', limited || undefined],
				...[...versionsOf(given.expansion)].map((used) => ['valueUri', 'used-codesystem', used] as const),
			]),
			...(page.length === 0 ? {} : { contains: page.map((concept) => shown(concept, designations)) }),
		},
	};
}

function parametersOf(list: readonly (readonly [type: string, name: string, value: unknown])[]): object {
	const given = list.filter(([, , value]) => value !== undefined);
	return given.length === 0 ? {} : { parameter: given.map(([type, name, value]) => ({ name, [type]: value })) };
}

type Wanted = { readonly filter: string; readonly offset: number; readonly count: number; readonly activeOnly: boolean };

/** A page over what is listed and, after that, what the selections of tables bring. `total` is undefined where there are too many to count. */
async function pageOf(
	db: Querier,
	{ concepts, selections }: Expansion,
	{ filter, offset, count, activeOnly }: Wanted,
): Promise<{ codes: Concept[]; total: number | undefined }> {
	const words = normalise(filter)
		.split(' ')
		.filter((word) => word !== '');
	const listed = [...concepts.values()].filter((concept) => !(activeOnly && concept.inactive === true) && hasWords(concept, words));
	const codes = listed.slice(offset, offset + count);
	let total: number | undefined = listed.length;
	for (const selection of selections) {
		// A code that is listed too is not repeated.
		const own = [...concepts.values()].filter(({ system }) => system === selection.system.url).map(({ code }) => code);
		const rest = own.length === 0 ? selection : { ...selection, without: [...selection.without, new Set(own)] };
		// Without a total of what came before, a page has begun in it or it was all before the offset.
		const from = Math.max(0, offset - (total ?? offset));
		const found = await typed(db, rest, filter, { offset: from, count: count - codes.length, activeOnly });
		codes.push(...found.concepts.map((concept) => tabled(selection.system.url, concept)));
		total = total === undefined || found.total === undefined ? undefined : total + found.total;
	}
	return { codes, total };
}

/** The codes with the displays that their systems have for them, where they had none. */
async function withNames(source: Source, concepts: readonly Concept[]): Promise<Concept[]> {
	const nameless = new Map<string, string[]>();
	for (const { system, code, display } of concepts)
		if (system !== undefined && display === undefined) nameless.set(system, [...(nameless.get(system) ?? []), code]);
	const names = new Map<string, string>();
	for (const [system, codes] of nameless) {
		const table = await source.table(system);
		if (table === undefined) continue;
		for (const [code, { display }] of await source.namesIn(table, codes)) names.set(keyOf(system, code), display);
	}
	return concepts.map((concept) => {
		const display = concept.display ?? names.get(keyOf(concept.system, concept.code));
		return display === undefined ? concept : { ...concept, display };
	});
}

function versionsOf({ selections }: Expansion): Set<string> {
	return new Set(selections.map(({ system: { url, version } }) => (version === undefined ? url : `${url}|${version}`)));
}

function hasWords({ code, display = '' }: Concept, words: readonly string[]): boolean {
	if (words.length === 0) return true;
	const text = `${normalise(code)} ${normalise(display)}`;
	return words.every((word) => text.includes(word));
}

function shown({ system, code, display, designation, abstract, inactive }: Concept, designations: boolean): object {
	return {
		...(system === undefined ? {} : { system }),
		...(abstract === undefined ? {} : { abstract }),
		...(inactive === undefined ? {} : { inactive }),
		code,
		...(display === undefined ? {} : { display }),
		...(designations && designation !== undefined && designation.length > 0 ? { designation } : {}),
	};
}

/** The value set around its expansion. */
function described({ url, version, resource }: Given, definition: boolean): Resource {
	if (resource === undefined) {
		return {
			resourceType: 'ValueSet',
			...(url === undefined ? {} : { url }),
			...(version === undefined ? {} : { version }),
			status: 'active',
		};
	}
	const { meta: _meta, text: _text, compose, expansion: _expansion, ...about } = resource;
	return definition && compose !== undefined ? { ...about, compose } : about;
}

/** https://hl7.org/fhir/R4/valueset-operation-expand.html: what cannot be expanded in full is an error. */
function requireClosed({ expansion: { open } }: Given): void {
	if (open.size === 0) return;
	const systems = [...open].map((system) => (system === '*' ? 'some that are not known' : system)).join(', ');
	const text = `Not all codes of the value set can be listed here; the code systems that are not known in full are: ${systems}.`;
	throw unsupported('valueset-not-expandable', text);
}

function tooCostly(total: number | undefined): Problem {
	const text = `The value set has ${total ?? 'too many'} codes; ask for some of them by count and offset, or by a filter.`;
	return new Problem('invalid', 'valueset-too-costly', text, {
		status: 422,
		issues: [{ severity: 'error', type: 'too-costly', code: 'valueset-too-costly', text }],
	});
}
