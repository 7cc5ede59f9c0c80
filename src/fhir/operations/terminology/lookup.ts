// CodeSystem/$lookup, of the CodeSystems that are stored or loaded here. https://hl7.org/fhir/R4/codesystem-operation-lookup.html
import type { FhirCtx } from '#fhir/ctx.ts';
import { define, hl7, input, output } from '#fhir/operations/define.ts';
import { answerParameters, missingParameter, textOf, textsOf } from '#fhir/operations/input.ts';
import type { Operation, OperationInput } from '#fhir/operations/operation.ts';
import type { Resource } from '#fhir/resource.ts';
import { type CodeSystem, conceptsOf, type Placed } from '#fhir/terminology/code-system.ts';
import { detailOf, findSystem } from '#fhir/terminology/tables.ts';
import { givenCodes } from './given.ts';
import { unknownCode, unknownSystem } from './problems.ts';
import { findStored } from './stored.ts';

export const lookup: Operation = {
	name: 'lookup',
	definition: define({
		id: 'CodeSystem-lookup',
		name: 'Lookup',
		title: 'What a code means',
		code: 'lookup',
		base: hl7('CodeSystem-lookup'),
		description: 'Display, definition, designations and properties of a code, of a CodeSystem that is stored here or was loaded.',
		resource: ['CodeSystem'],
		type: true,
		parameter: [
			input('code', 'code', 'The code.'),
			input('system', 'uri', 'Its system.'),
			input('version', 'string', 'The version of the system.'),
			input('coding', 'Coding', 'The code as a Coding.'),
			input('property', 'code', 'Only these properties.', { max: '*' }),
			output('name', 'string', 'Name of the code system.'),
			output('version', 'string', 'Its version.', { min: 0 }),
			output('display', 'string', 'The display of the code; the code itself when it has none.'),
			{
				name: 'designation',
				use: 'out',
				min: 0,
				max: '*',
				documentation: 'Other names.',
				part: [
					{ name: 'language', min: 0, max: '1', type: 'code' },
					{ name: 'use', min: 0, max: '1', type: 'Coding' },
					{ name: 'value', min: 1, max: '1', type: 'string' },
				],
			},
			{
				name: 'property',
				use: 'out',
				min: 0,
				max: '*',
				documentation: 'What else is known: definition, parent and child, and the properties of the code system.',
				part: [
					{ name: 'code', min: 1, max: '1', type: 'code' },
					{ name: 'value', min: 0, max: '1', type: 'string' },
				],
			},
		],
	}),
	levels: { type: true },
	types: ['CodeSystem'],
	methods: ['GET', 'POST'],
	run: async (ctx, given) => ({ resource: await lookedUp(ctx, given) }),
};

type Property = { readonly code: string; readonly value: object };

/** What is known of a code, whether its system is stored or loaded. */
type Meaning = {
	readonly name: string;
	readonly version: string | undefined;
	readonly display: string;
	readonly designations: readonly {
		readonly language?: string | undefined;
		readonly use?: object | undefined;
		readonly value: string | undefined;
	}[];
	readonly properties: readonly Property[];
};

async function lookedUp(ctx: FhirCtx, asked: OperationInput): Promise<Resource> {
	const [given] = givenCodes(asked);
	if (given?.system === undefined) throw missingParameter('system', 'A code means something in its system only.');
	const version = textOf(asked, 'version');
	const canonical = version === undefined ? given.system : `${given.system}|${version}`;
	const stored = await findStored(ctx, 'CodeSystem', canonical);
	const meaning =
		stored === undefined ? await inTable(ctx, canonical, given.code) : inStored(stored as unknown as CodeSystem, given.system, given.code);
	if (meaning === undefined) throw unknownCode(given.code);
	return told(meaning, textsOf(asked, 'property'));
}

function told({ name, version, display, designations, properties }: Meaning, wanted: readonly string[]): Resource {
	return answerParameters([
		{ name: 'name', valueString: name },
		...(version === undefined ? [] : [{ name: 'version', valueString: version }]),
		{ name: 'display', valueString: display },
		...designations.map(({ language, use, value }) => ({
			name: 'designation',
			part: [
				...(language === undefined ? [] : [{ name: 'language', valueCode: language }]),
				...(use === undefined ? [] : [{ name: 'use', valueCoding: use }]),
				{ name: 'value', valueString: value },
			],
		})),
		...properties
			.filter(({ code }) => wanted.length === 0 || wanted.includes(code))
			.map(({ code, value }) => ({
				name: 'property',
				part: [
					{ name: 'code', valueCode: code },
					{ name: 'value', ...value },
				],
			})),
	]);
}

function inStored(system: CodeSystem, url: string, code: string): Meaning | undefined {
	const concepts = conceptsOf(system);
	const found = concepts.get(code);
	if (found === undefined) return undefined;
	const { display = found.code, designation = [] } = found.defined;
	return {
		name: system.name ?? url,
		version: system.version,
		display,
		designations: designation.map(({ language, use, value }) => ({ language, use, value })),
		properties: propertiesOf(found, concepts),
	};
}

async function inTable(ctx: FhirCtx, canonical: string, code: string): Promise<Meaning | undefined> {
	const table = await findSystem(ctx.db, canonical);
	if (table === undefined) throw unknownSystem(canonical);
	const found = await detailOf(ctx.db, table, code);
	if (found === undefined) return undefined;
	const { definition, parents, children, properties, inactive, designations, display } = found;
	return {
		name: table.name,
		version: table.version,
		display,
		designations: designations.map(({ language, use, value }) => ({
			language: language ?? undefined,
			use: use === null ? undefined : { display: use },
			value,
		})),
		properties: [
			...(definition === undefined ? [] : [{ code: 'definition', value: { valueString: definition } }]),
			...(inactive ? [{ code: 'inactive', value: { valueBoolean: true } }] : []),
			...parents.map((parent) => ({ code: 'parent', value: { valueCode: parent } })),
			...children.map((child) => ({ code: 'child', value: { valueCode: child } })),
			...Object.entries(properties).flatMap(([name, values]) =>
				[values].flat().map((value) => ({ code: name, value: { valueString: value } })),
			),
		],
	};
}

function propertiesOf({ code, defined, ancestors }: Placed, concepts: ReadonlyMap<string, Placed>): Property[] {
	const own = (defined.property ?? []).flatMap(({ code: name, ...rest }) => {
		const value = Object.fromEntries(Object.entries(rest).filter(([key]) => /^value[A-Z]/.test(key)));
		return typeof name === 'string' && name !== 'parent' ? [{ code: name, value }] : [];
	});
	// Parents are those ancestors that are above no other.
	const parents = [...ancestors].filter((one) => ![...ancestors].some((other) => concepts.get(other)?.ancestors.has(one)));
	const children = [...concepts.values()].filter(
		(one) => one.ancestors.has(code) && ![...one.ancestors].some((other) => concepts.get(other)?.ancestors.has(code)),
	);
	return [
		...(defined.definition === undefined ? [] : [{ code: 'definition', value: { valueString: defined.definition } }]),
		...parents.map((parent) => ({ code: 'parent', value: { valueCode: parent } })),
		...children.map((child) => ({ code: 'child', value: { valueCode: child.code } })),
		...own,
	];
}
