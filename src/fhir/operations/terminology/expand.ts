// ValueSet/$expand. https://hl7.org/fhir/R4/valueset-operation-expand.html
import { Problem } from '#base/problem.ts';
import type { FhirCtx } from '#fhir/ctx.ts';
import { define, hl7, input, output } from '#fhir/operations/define.ts';
import { countOf, flagOf, textOf } from '#fhir/operations/input.ts';
import type { Operation, OperationInput } from '#fhir/operations/operation.ts';
import type { Resource } from '#fhir/resource.ts';
import { normalise } from '#fhir/store/keys.ts';
import type { Concept } from '#fhir/terminology/expand.ts';
import { type Given, givenValueSet } from './given.ts';
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
			'Lists the codes of a value set: of one that is stored here, of one that is sent, or of one of FHIR R4 and the added packages (these without displays). The list is flat. A value set of which not all codes can be listed here (it takes codes of a system that is not stored here, or by a filter that is not known) is refused.',
		resource: ['ValueSet'],
		type: true,
		instance: true,
		parameter: [
			input('url', 'uri', 'The canonical url.'),
			input('valueSet', 'ValueSet', 'The value set itself.'),
			input('valueSetVersion', 'string', 'The version of the value set.'),
			input('filter', 'string', 'Only codes that have all these words in the code or its display.'),
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
	const given = await givenValueSet(ctx, asked, sourceOf(ctx));
	requireClosed(given);
	const words = normalise(filter ?? '')
		.split(' ')
		.filter((word) => word !== '');
	const codes = [...given.expansion.concepts.values()].filter(
		(concept) => !(activeOnly && concept.inactive === true) && hasWords(concept, words),
	);
	if (count === undefined && codes.length - offset > maxCodes) throw tooCostly(codes.length);
	const page = codes.slice(offset, offset + Math.min(count ?? maxCodes, maxCodes));
	const paged = offset > 0 || count !== undefined;
	return {
		...described(given, flagOf(asked, 'includeDefinition') === true),
		expansion: {
			identifier: `urn:uuid:${ctx.ids.next()}`,
			timestamp: ctx.clock.now().toISOString(),
			total: codes.length,
			...(paged ? { offset } : {}),
			...parametersOf([
				['valueString', 'filter', filter],
				['valueInteger', 'offset', paged ? offset : undefined],
				['valueInteger', 'count', count],
				['valueBoolean', 'activeOnly', activeOnly || undefined],
				['valueBoolean', 'includeDesignations', designations || undefined],
			]),
			...(page.length === 0 ? {} : { contains: page.map((concept) => shown(concept, designations)) }),
		},
	};
}

function parametersOf(list: readonly (readonly [type: string, name: string, value: unknown])[]): object {
	const given = list.filter(([, , value]) => value !== undefined);
	return given.length === 0 ? {} : { parameter: given.map(([type, name, value]) => ({ name, [type]: value })) };
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
	throw new Problem('unsupported', 'valueset-not-expandable', text, {
		status: 422,
		issues: [{ severity: 'error', type: 'not-supported', code: 'valueset-not-expandable', text }],
	});
}

function tooCostly(total: number): Problem {
	const text = `The value set has ${total} codes; ask for some of them by count and offset, or by a filter.`;
	return new Problem('invalid', 'valueset-too-costly', text, {
		status: 422,
		issues: [{ severity: 'error', type: 'too-costly', code: 'valueset-too-costly', text }],
	});
}
