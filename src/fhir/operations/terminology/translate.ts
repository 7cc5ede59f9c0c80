// ConceptMap/$translate, by the ConceptMaps that are stored here. https://hl7.org/fhir/R4/conceptmap-operation-translate.html
import type { FhirCtx } from '#fhir/ctx.ts';
import { define, hl7, input, output } from '#fhir/operations/define.ts';
import { answerParameters, flagOf, missingParameter, readWhole, resourceOf, textOf } from '#fhir/operations/input.ts';
import type { Operation, OperationInput } from '#fhir/operations/operation.ts';
import type { Resource } from '#fhir/resource.ts';
import { escaped } from '#fhir/search/escape.ts';
import { search } from '#fhir/search/search.ts';
import { type GivenCode, givenCodes } from './given.ts';

export const translate: Operation = {
	name: 'translate',
	definition: define({
		id: 'ConceptMap-translate',
		name: 'Translate',
		title: 'A code in the words of another system',
		code: 'translate',
		base: hl7('ConceptMap-translate'),
		description:
			'What a code is mapped to: by a ConceptMap that is named or sent, or by all that are stored here and map its system to the target that is asked for. The result is true when there is a match that is not unmatched or disjoint.',
		resource: ['ConceptMap'],
		type: true,
		instance: true,
		parameter: [
			input('url', 'uri', 'The canonical url of the map.'),
			input('conceptMap', 'ConceptMap', 'The map itself.'),
			input('conceptMapVersion', 'string', 'The version of the map.'),
			input('code', 'code', 'The code.'),
			input('system', 'uri', 'Its system.'),
			input('version', 'string', 'The version of its system; not looked at.'),
			input('coding', 'Coding', 'The code as a Coding.'),
			input('codeableConcept', 'CodeableConcept', 'Codings that are all translated.'),
			input('source', 'uri', 'Only maps from this value set.'),
			input('target', 'uri', 'Only maps to this value set.'),
			input('targetsystem', 'uri', 'Only codes of this system.'),
			input('reverse', 'boolean', 'From the target to the source.'),
			output('result', 'boolean', 'Whether there is a match.', { min: 1 }),
			output('message', 'string', 'Why there is none.'),
			{
				name: 'match',
				use: 'out',
				min: 0,
				max: '*',
				documentation: 'A code it is mapped to.',
				part: [
					{ name: 'equivalence', min: 1, max: '1', type: 'code' },
					{ name: 'concept', min: 0, max: '1', type: 'Coding' },
					{ name: 'source', min: 0, max: '1', type: 'uri' },
				],
			},
		],
	}),
	levels: { type: true, instance: true },
	types: ['ConceptMap'],
	methods: ['GET', 'POST'],
	async run(ctx, given) {
		const codes = givenCodes(given);
		const reverse = flagOf(given, 'reverse') === true;
		const targetSystem = textOf(given, 'targetsystem');
		const maps = await mapsFor(ctx, given, codes, reverse);
		const matches = maps
			.flatMap((map) => codes.flatMap((code) => matchesIn(map, code, reverse)))
			.filter(({ concept }) => targetSystem === undefined || concept?.system === targetSystem);
		const found = matches.some(({ equivalence }) => equivalence !== 'unmatched' && equivalence !== 'disjoint');
		return {
			resource: answerParameters([
				{ name: 'result', valueBoolean: found },
				...(found
					? []
					: [{ name: 'message', valueString: maps.length === 0 ? 'There is no map for this system here.' : 'The code is not mapped.' }]),
				...matches.map(({ equivalence, concept, source }) => ({
					name: 'match',
					part: [
						{ name: 'equivalence', valueCode: equivalence },
						...(concept === undefined ? [] : [{ name: 'concept', valueCoding: concept }]),
						...(source === undefined ? [] : [{ name: 'source', valueUri: source }]),
					],
				})),
			]),
		};
	},
};

type Target = { readonly code?: string; readonly display?: string; readonly equivalence?: string };
type Element = { readonly code?: string; readonly display?: string; readonly target?: readonly Target[] };
type Unmapped = { readonly mode?: string; readonly code?: string; readonly display?: string; readonly url?: string };
type Group = { readonly source?: string; readonly target?: string; readonly element?: readonly Element[]; readonly unmapped?: Unmapped };
type ConceptMap = Resource & { readonly url?: string; readonly group?: readonly Group[] };
type Match = {
	readonly equivalence: string;
	readonly concept: { system?: string; code: string; display?: string } | undefined;
	readonly source: string | undefined;
};

async function mapsFor(ctx: FhirCtx, given: OperationInput, codes: readonly GivenCode[], reverse: boolean): Promise<ConceptMap[]> {
	if (given.id !== undefined) return [(await readWhole(ctx, 'ConceptMap', given.id)) as ConceptMap];
	const sent = resourceOf(given, 'conceptMap');
	if (sent !== undefined) return [sent as ConceptMap];
	const [url, version, source, target] = ['url', 'conceptMapVersion', 'source', 'target'].map((name) => textOf(given, name));
	const systems = [...new Set(codes.flatMap(({ system }) => system ?? []))];
	if (url === undefined && systems.length === 0) throw missingParameter('system', 'Without a map, the system of the code is needed.');
	const query: [string, string][] = [
		...(url === undefined
			? [[reverse ? 'target-system' : 'source-system', systems.map(escaped).join(',')] as [string, string]]
			: [['url', escaped(url)] as [string, string]]),
		...(version === undefined ? [] : [['version', escaped(version)] as [string, string]]),
		...(source === undefined ? [] : [[reverse ? 'target-uri' : 'source-uri', escaped(source)] as [string, string]]),
		...(target === undefined ? [] : [[reverse ? 'source-uri' : 'target-uri', escaped(target)] as [string, string]]),
		['_count', '100'],
	];
	const { matches } = await search(ctx, { type: 'ConceptMap', query, handling: 'strict' });
	return matches.map(({ body }) => JSON.parse(body) as ConceptMap).filter(({ status }) => status !== 'retired');
}

function matchesIn({ group = [], url }: ConceptMap, given: GivenCode, reverse: boolean): Match[] {
	return group.flatMap((one) => {
		if (given.system !== undefined && (reverse ? one.target : one.source) !== given.system) return [];
		return reverse ? backwards(one, given, url) : forwards(one, given, url);
	});
}

function forwards(
	{ element = [], target: system, unmapped }: Group,
	{ system: own, code }: GivenCode,
	source: string | undefined,
): Match[] {
	const found = element.filter((one) => one.code === code);
	const coding = (to: string, display: string | undefined) => ({
		...(system === undefined ? {} : { system }),
		code: to,
		...(display === undefined ? {} : { display }),
	});
	if (found.length > 0)
		return found.flatMap(({ target = [] }) =>
			target.map(({ code: to, display, equivalence = 'relatedto' }) => ({
				equivalence,
				concept: to === undefined ? undefined : coding(to, display),
				source,
			})),
		);
	if (unmapped?.mode === 'provided')
		return [{ equivalence: 'equal', concept: { ...(own === undefined ? {} : { system: own }), code }, source }];
	if (unmapped?.mode === 'fixed' && unmapped.code !== undefined)
		return [{ equivalence: 'relatedto', concept: coding(unmapped.code, unmapped.display), source }];
	return [];
}

/** Seen from the other side, wider is narrower. */
const turned: Readonly<Record<string, string>> = { wider: 'narrower', narrower: 'wider', subsumes: 'specializes', specializes: 'subsumes' };

function backwards({ element = [], source: system }: Group, { code }: GivenCode, source: string | undefined): Match[] {
	return element.flatMap(({ code: from, display, target = [] }) =>
		from === undefined
			? []
			: target
					.filter((one) => one.code === code)
					.map(({ equivalence = 'relatedto' }) => ({
						equivalence: turned[equivalence] ?? equivalence,
						concept: { ...(system === undefined ? {} : { system }), code: from, ...(display === undefined ? {} : { display }) },
						source,
					})),
	);
}
