// What a statement says in codes and no resource made from it has: whatever a vendor adds to a template is kept, not dropped.
import type { Resource } from '#fhir/resource.ts';
import { childrenOf, type Element } from '#formats/ccda/tree.ts';
import { codingOf } from '#formats/ccda/values.ts';
import { carePlanCode, interventionCode } from '#formats/ccda/vocabulary.ts';

/** Codes by which C-CDA says what kind of statement something is: FHIR says that by the type, element or category. */
const skeletons = new Set([
	'ASSERTION',
	'CONC',
	'SEV',
	// Condition (of a relative), problem, finding, concern, status, age, severity, criticality, death: what an observation within another is.
	...[
		'64572001',
		'75323-6',
		'55607006',
		'404684003',
		'75326-9',
		'75321-0',
		'33999-4',
		'445518008',
		'397659008',
		'82606-5',
		'75310-3',
		'419099009',
	],
	// Active, inactive, resolved, remission, recurrence.
	...['55561003', '73425007', '413322009', '277022003', '246455001'],
	// Drug vehicle, discharge and admission medication, payers, vital signs, functional status, mental status, advance directive, note, comment.
	...[
		'412307009',
		'10183-2',
		'42346-7',
		'48768-6',
		'46680005',
		'74728-7',
		'54522-8',
		'373930000',
		'75275-8',
		'34109-9',
		'85847-2',
		'48767-8',
	],
	// Allergies, as the code of a concern before R2; directions of a medicine; a care plan.
	...['48765-2', '76662-6', carePlanCode],
	// Diagnoses of a visit, before and after: the section tells.
	...['29308-4', '46241-6', '11535-2', '10219-4', '59769-0'],
	// Preference, intervention, ordinal number of a dose.
	...['225773000', interventionCode, '416118004'],
	// Pregnancy is a value; criticality and sex have codes of FHIR's own.
	...['CRITH', 'CRITL', 'CRITU', 'M', 'F', 'UN'],
]);

const people = /^(author|performer|informant|assignedEntity|assignedAuthor|participantRole|subject)$/;

export type Unsaid = { readonly element: Element; readonly code: string; readonly path: readonly string[] };

/**
 * Coded values within a statement that none of the resources has, each code once. Roles of people and organizations are left out: they are
 * named, not added to the directory.
 */
export function unsaidIn(statement: Element, resources: readonly (Resource | undefined)[]): Unsaid[] {
	const text = JSON.stringify(resources);
	const found = new Map<string, Unsaid>();
	const visit = (element: Element, path: readonly string[]): void => {
		const { code = '', system } = codingOf(element) ?? {};
		const isOfSomebody = element.name === 'standardIndustryClassCode' || (element.name === 'code' && people.test(path.at(-2) ?? ''));
		if (system !== undefined && !isOfSomebody && !skeletons.has(code) && !text.includes(`"code":${JSON.stringify(code)}`))
			found.set(code, { element, code, path });
		for (const inner of childrenOf(element)) visit(inner, [...path, inner.name]);
	};
	visit(statement, [statement.name]);
	return [...found.values()];
}
