// CodeSystem/$subsumes. https://hl7.org/fhir/R4/codesystem-operation-subsumes.html
import type { FhirCtx } from '#fhir/ctx.ts';
import { define, hl7, input, output } from '#fhir/operations/define.ts';
import { answerParameters, badParameter, missingParameter, readWhole, structureOf, textOf } from '#fhir/operations/input.ts';
import type { Operation, OperationInput } from '#fhir/operations/operation.ts';
import type { Resource } from '#fhir/resource.ts';
import { unknownCode } from './problems.ts';
import { systemAsked } from './relations.ts';

export const subsumes: Operation = {
	name: 'subsumes',
	definition: define({
		id: 'CodeSystem-subsumes',
		name: 'Subsumes',
		title: 'Whether one code takes in another',
		code: 'subsumes',
		base: hl7('CodeSystem-subsumes'),
		description:
			'Whether code A is the same as code B (equivalent), above it (subsumes), below it (subsumed-by) or neither (not-subsumed), in a CodeSystem that is stored here or was loaded.',
		resource: ['CodeSystem'],
		type: true,
		instance: true,
		parameter: [
			input('codeA', 'code', 'The first code.'),
			input('codeB', 'code', 'The second code.'),
			input('system', 'uri', 'Their system, unless on an instance.'),
			input('version', 'string', 'The version of the system.'),
			input('codingA', 'Coding', 'The first code as a Coding.'),
			input('codingB', 'Coding', 'The second code as a Coding.'),
			output('outcome', 'code', 'equivalent, subsumes, subsumed-by or not-subsumed.', { min: 1 }),
		],
	}),
	complete: true,
	levels: { type: true, instance: true },
	types: ['CodeSystem'],
	methods: ['GET', 'POST'],
	async run(ctx, given) {
		const [a, b] = [codeOf(given, 'A'), codeOf(given, 'B')];
		const system = await systemOf(ctx, given, a.system ?? b.system);
		if ((a.system ?? system.split('|')[0]) !== (b.system ?? system.split('|')[0]))
			throw badParameter('codingB', 'Both codes must be of one system.');
		const asked = await systemAsked(ctx, system);
		for (const { code } of [a, b]) if ((await asked.find(code)) === undefined) throw unknownCode(code);
		const outcome =
			a.code === b.code
				? 'equivalent'
				: (await asked.isBelow(b.code, a.code))
					? 'subsumes'
					: (await asked.isBelow(a.code, b.code))
						? 'subsumed-by'
						: 'not-subsumed';
		return { resource: answerParameters([{ name: 'outcome', valueCode: outcome }]) };
	},
};

function codeOf(given: OperationInput, which: 'A' | 'B'): { system: string | undefined; code: string } {
	const code = textOf(given, `code${which}`);
	if (code !== undefined) return { system: undefined, code };
	const coding = structureOf(given, `coding${which}`);
	if (coding === undefined) throw missingParameter(`code${which}`, 'Give two codes and their system, or two codings.');
	if (typeof coding.code !== 'string') throw badParameter(`coding${which}`, 'A coding must have a code.');
	return { system: typeof coding.system === 'string' ? coding.system : undefined, code: coding.code };
}

async function systemOf(ctx: FhirCtx, given: OperationInput, named: string | undefined): Promise<string> {
	if (given.id !== undefined) return String(((await readWhole(ctx, 'CodeSystem', given.id)) as Resource).url ?? '');
	const system = textOf(given, 'system') ?? named;
	if (system === undefined) throw missingParameter('system', 'Codes mean something in their system only.');
	const version = textOf(given, 'version');
	return version === undefined ? system : `${system}|${version}`;
}
