// CodeSystem/$validate-code. https://hl7.org/fhir/R4/codesystem-operation-validate-code.html
import type { FhirCtx } from '#fhir/ctx.ts';
import { define, hl7, input, output } from '#fhir/operations/define.ts';
import { answerParameters, missingParameter, readWhole, textOf } from '#fhir/operations/input.ts';
import type { Operation, OperationInput } from '#fhir/operations/operation.ts';
import { normalise } from '#fhir/store/keys.ts';
import { givenCodes } from './given.ts';
import { undecidable } from './problems.ts';
import { systemAsked } from './relations.ts';

export const validateSystemCode: Operation = {
	name: 'validate-code',
	definition: define({
		id: 'CodeSystem-validate-code',
		name: 'ValidateSystemCode',
		title: 'Whether a code is in a code system',
		code: 'validate-code',
		base: hl7('CodeSystem-validate-code'),
		description:
			'Whether a code is in a code system that is stored here or was loaded, and whether a display that is given is its display. Where only some codes of the system are known here, a code that is not found is an error, not false.',
		resource: ['CodeSystem'],
		type: true,
		instance: true,
		parameter: [
			input('url', 'uri', 'The canonical url of the code system.'),
			input('version', 'string', 'Its version.'),
			input('code', 'code', 'The code.'),
			input('display', 'string', 'Its display.'),
			input('coding', 'Coding', 'The code as a Coding.'),
			input('codeableConcept', 'CodeableConcept', 'Codings of which one has to be in the code system.'),
			output('result', 'boolean', 'Whether it is.'),
			output('message', 'string', 'Why it is not.', { min: 0 }),
			output('display', 'string', 'The display of the code.', { min: 0 }),
		],
	}),
	levels: { type: true, instance: true },
	types: ['CodeSystem'],
	methods: ['GET', 'POST'],
	async run(ctx, given) {
		const codes = givenCodes(given);
		const asked = await systemAsked(ctx, await systemOf(ctx, given, codes[0]?.system));
		const answer = (result: boolean, message?: string, display?: string) => ({
			resource: answerParameters([
				{ name: 'result', valueBoolean: result },
				...(message === undefined ? [] : [{ name: 'message', valueString: message }]),
				...(display === undefined ? [] : [{ name: 'display', valueString: display }]),
			]),
		});
		for (const { code, display, system } of codes) {
			if (system !== undefined && system !== asked.url) continue;
			const found = await asked.find(code);
			if (found === undefined) continue;
			const fits = display === undefined || found.display === undefined || normalise(display) === normalise(found.display);
			if (!fits) return answer(false, `The display "${display.slice(0, 200)}" is not that of the code.`, found.display);
			return answer(true, found.inactive ? 'The code is no longer for use.' : undefined, found.display);
		}
		if (!asked.complete) throw undecidable('It cannot be known here whether the code exists: only some codes of its system are known.');
		return answer(false, 'The code is not in the code system.');
	},
};

async function systemOf(ctx: FhirCtx, given: OperationInput, named: string | undefined): Promise<string> {
	if (given.id !== undefined) return String((await readWhole(ctx, 'CodeSystem', given.id)).url ?? '');
	const url = textOf(given, 'url') ?? textOf(given, 'system') ?? named;
	if (url === undefined) throw missingParameter('url', 'Which code system?');
	const version = textOf(given, 'version');
	return version === undefined ? url : `${url}|${version}`;
}
