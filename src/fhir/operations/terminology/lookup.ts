// CodeSystem/$lookup, of the CodeSystems that are stored or loaded here. https://hl7.org/fhir/R4/codesystem-operation-lookup.html
import { Problem } from '#base/problem.ts';
import type { FhirCtx } from '#fhir/ctx.ts';
import { define, hl7, input, output } from '#fhir/operations/define.ts';
import { answerParameters, missingParameter, textOf, textsOf } from '#fhir/operations/input.ts';
import type { Operation, OperationInput } from '#fhir/operations/operation.ts';
import type { Resource } from '#fhir/resource.ts';
import { type CodeSystem, conceptsOf, type Placed } from '#fhir/terminology/code-system.ts';
import { detailOf, findSystem, type TableSystem } from '#fhir/terminology/tables.ts';
import { givenCodes } from './given.ts';
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

async function lookedUp(ctx: FhirCtx, asked: OperationInput): Promise<Resource> {
	const [given] = givenCodes(asked);
	if (given?.system === undefined) throw missingParameter('system', 'A code means something in its system only.');
	const version = textOf(asked, 'version');
	const stored = await findStored(ctx, 'CodeSystem', version === undefined ? given.system : `${given.system}|${version}`);
	if (stored === undefined) {
		const table = await findSystem(ctx.db, version === undefined ? given.system : `${given.system}|${version}`);
		if (table === undefined) throw unknown('code-system-unknown', `The code system "${given.system.slice(0, 200)}" is not known here.`);
		return ofTable(ctx, table, given.code, textsOf(asked, 'property'));
	}
	const system = stored as unknown as CodeSystem;
	const concepts = conceptsOf(system);
	const found = concepts.get(given.code);
	if (found === undefined) throw unknown('code-unknown', `The code system has no code "${given.code.slice(0, 100)}".`);
	const wanted = textsOf(asked, 'property');
	const properties = propertiesOf(found, concepts).filter(({ code }) => wanted.length === 0 || wanted.includes(code));
	const { defined } = found;
	return answerParameters([
		{ name: 'name', valueString: system.name ?? given.system },
		...(system.version === undefined ? [] : [{ name: 'version', valueString: system.version }]),
		{ name: 'display', valueString: defined.display ?? found.code },
		...(defined.designation ?? []).map(({ language, use, value }) => ({
			name: 'designation',
			part: [
				...(language === undefined ? [] : [{ name: 'language', valueCode: language }]),
				...(use === undefined ? [] : [{ name: 'use', valueCoding: use }]),
				{ name: 'value', valueString: value },
			],
		})),
		...properties.map(({ code, value }) => ({
			name: 'property',
			part: [
				{ name: 'code', valueCode: code },
				{ name: 'value', ...value },
			],
		})),
	]);
}

async function ofTable(ctx: FhirCtx, table: TableSystem, code: string, wanted: readonly string[]): Promise<Resource> {
	const found = await detailOf(ctx.db, table, code);
	if (found === undefined) throw unknown('code-unknown', `The code system has no code "${code.slice(0, 100)}".`);
	const { definition, parents, children, properties, inactive, designations } = found;
	const list: { code: string; value: object }[] = [
		...(definition === undefined ? [] : [{ code: 'definition', value: { valueString: definition } }]),
		...(inactive ? [{ code: 'inactive', value: { valueBoolean: true } }] : []),
		...parents.map((parent) => ({ code: 'parent', value: { valueCode: parent } })),
		...children.map((child) => ({ code: 'child', value: { valueCode: child } })),
		...Object.entries(properties).flatMap(([name, values]) =>
			[values].flat().map((value) => ({ code: name, value: { valueString: value } })),
		),
	];
	return answerParameters([
		{ name: 'name', valueString: table.name },
		...(table.version === undefined ? [] : [{ name: 'version', valueString: table.version }]),
		{ name: 'display', valueString: found.display },
		...designations.map(({ language, use, value }) => ({
			name: 'designation',
			part: [
				...(language === null ? [] : [{ name: 'language', valueCode: language }]),
				...(use === null ? [] : [{ name: 'use', valueCoding: { display: use } }]),
				{ name: 'value', valueString: value },
			],
		})),
		...list
			.filter((one) => wanted.length === 0 || wanted.includes(one.code))
			.map((one) => ({
				name: 'property',
				part: [
					{ name: 'code', valueCode: one.code },
					{ name: 'value', ...one.value },
				],
			})),
	]);
}

function propertiesOf(
	{ code, defined, ancestors }: Placed,
	concepts: ReadonlyMap<string, Placed>,
): { readonly code: string; readonly value: object }[] {
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

function unknown(code: string, text: string): Problem {
	return new Problem('not-found', code, text, { issues: [{ severity: 'error', type: 'not-found', code, text }] });
}
