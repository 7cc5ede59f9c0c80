// Whether coded values are in the value set they are bound to, https://hl7.org/fhir/R4/terminologies.html#strength.
import type { Definitions } from '#fhir/definitions/definitions.ts';
import type { StructureFacts } from '#fhir/definitions/facts.ts';

/** undefined: that cannot be known here. */
export type BindingTest = (value: unknown) => boolean | undefined;

type Coding = { readonly system?: unknown; readonly code?: unknown };

/** The test of a value of the type against a value set; undefined when nothing could ever be refused. */
export function bindingTest(definitions: Definitions, valueSet: string, type: string): BindingTest | undefined {
	const facts = definitions.valueSet(valueSet);
	if (facts === undefined || facts.open?.includes('*') === true) return undefined;
	const bySystem = new Map(Object.entries(facts.codes).map(([system, codes]) => [system, new Set(codes)]));
	const any = new Set(Object.values(facts.codes).flat());
	const open = new Set(facts.open ?? []);
	if (any.size === 0 && open.size === 0) return undefined;
	const codeTest = (code: unknown): boolean | undefined => any.has(code as string) || (open.size > 0 ? undefined : false);
	const codingTest = ({ system, code }: Coding): boolean | undefined => {
		if (code === undefined) return false;
		if (system === undefined) return any.has(code as string) || open.size > 0 ? undefined : false;
		return bySystem.get(system as string)?.has(code as string) === true || (open.has(system as string) ? undefined : false);
	};
	switch (type) {
		case 'CodeableConcept':
			return (value) => conceptTest(value as Concept, codingTest);
		case 'Coding':
		case 'Quantity':
			return (value) => codingTest(value as Coding);
		case 'code':
		case 'string':
		case 'uri':
		case 'url':
		case 'canonical':
		case 'id':
			return open.size > 0 ? undefined : codeTest;
		default:
			return undefined;
	}
}

type Concept = { readonly coding?: readonly Coding[]; readonly extension?: unknown };

/** One of a concept's codings must be in the set; a concept that only says why it is absent says nothing wrong. */
function conceptTest({ coding, extension }: Concept, test: (coding: Coding) => boolean | undefined): boolean | undefined {
	if (!Array.isArray(coding)) return extension !== undefined;
	let result: boolean | undefined = false;
	for (const one of coding) {
		const inSet = test(one);
		if (inSet === true) return true;
		if (inSet === undefined) result = undefined;
	}
	return result;
}

/** The value set in the version of the profile that binds to it, where it is known in several. */
export function versioned(valueSet: string, { version }: StructureFacts): string {
	return version === undefined ? valueSet : `${valueSet}|${version}`;
}

/** A value set with some of its codes, to show what is expected. */
export function shownSet(definitions: Definitions, valueSet: string): string {
	const codes = [...new Set((definitions.valueSetCodes(valueSet) ?? []).map(({ code }) => code))];
	const [name] = valueSet.split('|') as [string];
	if (codes.length === 0) return name;
	const some = codes.length <= 12 ? codes.join(', ') : `${codes.slice(0, 10).join(', ')} and ${codes.length - 10} more`;
	return `${name} (${some})`;
}
