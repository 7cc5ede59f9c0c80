// ValueSet/$validate-code. https://hl7.org/fhir/R4/valueset-operation-validate-code.html
import type { FhirCtx } from '#fhir/ctx.ts';
import { define, hl7, input, output } from '#fhir/operations/define.ts';
import { answerParameters, flagOf } from '#fhir/operations/input.ts';
import type { Operation, OperationInput } from '#fhir/operations/operation.ts';
import type { Resource } from '#fhir/resource.ts';
import { normalise } from '#fhir/store/keys.ts';
import { anySystem, type Concept, type Expansion, keyOf, type Source, tabled } from '#fhir/terminology/expand.ts';
import { type GivenCode, givenCodes, givenValueSet } from './given.ts';
import { undecidable } from './problems.ts';
import { sourceOf } from './stored.ts';

export const validateCode: Operation = {
	name: 'validate-code',
	definition: define({
		id: 'ValueSet-validate-code',
		name: 'ValidateCode',
		title: 'Whether a code is in a value set',
		code: 'validate-code',
		base: hl7('ValueSet-validate-code'),
		description:
			'Whether a code, or one of the codings of a concept, is in a value set that is known here (see $expand). A display that is given is compared with the one that is known, without regard to case. Where it cannot be known here whether the code is in the value set the answer is an error, not false.',
		resource: ['ValueSet'],
		type: true,
		instance: true,
		parameter: [
			input('url', 'uri', 'The canonical url of the value set.'),
			input('valueSet', 'ValueSet', 'The value set itself.'),
			input('valueSetVersion', 'string', 'The version of the value set.'),
			input('code', 'code', 'The code.'),
			input('system', 'uri', 'Its system; without one any system will do.'),
			input('display', 'string', 'Its display.'),
			input('coding', 'Coding', 'The code as a Coding.'),
			input('codeableConcept', 'CodeableConcept', 'Codings of which one has to be in the value set.'),
			input('abstract', 'boolean', 'Whether codes that only group others will do.'),
			output('result', 'boolean', 'Whether it is in the value set.'),
			output('message', 'string', 'Why it is not.', { min: 0 }),
			output('display', 'string', 'The display of the code.', { min: 0 }),
		],
	}),
	levels: { type: true, instance: true },
	types: ['ValueSet'],
	methods: ['GET', 'POST'],
	run: async (ctx, given) => ({ resource: await checked(ctx, given) }),
};

async function checked(ctx: FhirCtx, asked: OperationInput): Promise<Resource> {
	const codes = givenCodes(asked);
	const abstract = flagOf(asked, 'abstract') === true;
	const source = sourceOf(ctx);
	const { expansion, url } = await givenValueSet(ctx, asked, source);
	const found: { given: GivenCode; concept: Concept }[] = [];
	for (const given of codes) for (const concept of await find(source, expansion, given)) found.push({ given, concept });
	const usable = found.filter(({ concept }) => abstract || concept.abstract !== true);
	const [first] = usable;
	if (first === undefined) {
		if (found.length === 0) requireKnown(expansion, codes);
		const text =
			found.length > 0
				? 'The code only groups others and cannot be used itself.'
				: `The code is not in the value set${url === undefined ? '' : ` ${url}`}.`;
		return answer(false, found[0]?.concept, text);
	}
	const right = usable.find(({ given, concept }) => isDisplayOf(given, concept));
	if (right !== undefined) return answer(true, right.concept, undefined);
	return answer(
		false,
		first.concept,
		`The display "${first.given.display?.slice(0, 200)}" is not that of the code, which is "${first.concept.display}".`,
	);
}

async function find(source: Source, { concepts, selections }: Expansion, { system, code }: GivenCode): Promise<Concept[]> {
	const listed =
		system === undefined ? [...concepts.values()].filter((concept) => concept.code === code) : [concepts.get(keyOf(system, code))];
	const found = listed.filter((concept) => concept !== undefined);
	for (const selection of selections) {
		const { url } = selection.system;
		if (system !== undefined && system !== url) continue;
		for (const concept of await source.within(selection, [code])) found.push(tabled(url, concept));
	}
	return found;
}

function isDisplayOf({ display }: GivenCode, concept: Concept): boolean {
	if (display === undefined || concept.display === undefined) return true;
	const names = [concept.display, ...(concept.designation ?? []).flatMap(({ value }) => value ?? [])];
	return names.some((name) => normalise(name) === normalise(display));
}

/** Not being found says nothing where not all codes are known. */
function requireKnown({ open: unlisted, partial }: Expansion, codes: readonly GivenCode[]): void {
	const open = new Set([...unlisted, ...partial]);
	const doubtful = open.has(anySystem) || codes.some(({ system }) => (system === undefined ? open.size > 0 : open.has(system)));
	if (doubtful) throw undecidable('It cannot be known here whether the code is in the value set: not all codes of its system are known.');
}

function answer(result: boolean, concept: Concept | undefined, message: string | undefined): Resource {
	return answerParameters([
		{ name: 'result', valueBoolean: result },
		...(message === undefined ? [] : [{ name: 'message', valueString: message }]),
		...(concept?.display === undefined ? [] : [{ name: 'display', valueString: concept.display }]),
	]);
}
