// Whose document it is: patients of ours that could be the one it names.
import type { FhirCtx } from '#fhir/ctx.ts';
import type { Resource } from '#fhir/resource.ts';
import { escaped } from '#fhir/search/escape.ts';
import { findAll } from './record.ts';

export type Candidate = {
	readonly id: string;
	/** As https://hl7.org/fhir/R4/valueset-match-grade.html has them. */
	readonly grade: 'certain' | 'probable' | 'possible';
};

type Name = { readonly family?: string; readonly given?: readonly string[] };

/**
 * Patients that the caller may see and that may be the given one, best first. `certain` needs an identifier of ours and the date of birth, or
 * full name, date of birth and no other gender; whoever files without a person looking takes a single certain one only.
 */
export async function candidatesFor(ctx: FhirCtx, patient: Resource): Promise<Candidate[]> {
	const identifiers = (patient.identifier as { system: string; value: string }[] | undefined) ?? [];
	const born = patient.birthDate as string | undefined;
	const [name] = namesOf(patient);
	const searches: [string, string][][] = [];
	if (identifiers.length > 0)
		searches.push([['identifier', identifiers.map(({ system, value }) => `${escaped(system)}|${escaped(value)}`).join(',')]]);
	if (name?.family !== undefined && born !== undefined)
		searches.push([
			['family', escaped(name.family)],
			['birthdate', born],
		]);
	if (name?.family !== undefined && name.given?.[0] !== undefined)
		searches.push([
			['family', escaped(name.family)],
			['given', escaped(name.given[0])],
		]);
	const found = new Map<string, Resource>();
	for (const criteria of searches)
		for (const one of await findAll(ctx, 'Patient', [...criteria, ['active:not', 'false']])) found.set(one.id as string, one);
	const graded = [...found.values()].flatMap((one) => {
		const grade = gradeOf(patient, one);
		return grade === undefined ? [] : [{ id: one.id as string, grade }];
	});
	return graded.sort((a, b) => order.indexOf(a.grade) - order.indexOf(b.grade) || (a.id < b.id ? -1 : 1)).slice(0, 20);
}

const order = ['certain', 'probable', 'possible'];

function gradeOf(theirs: Resource, ours: Resource): Candidate['grade'] | undefined {
	const sameIdentifier = identifierKeys(theirs).some((key) => identifierKeys(ours).includes(key));
	const sameBirth = theirs.birthDate !== undefined && theirs.birthDate === ours.birthDate;
	const sameFamily = overlap(theirs, ours, ({ family }) => [family]);
	const sameGiven = overlap(theirs, ours, ({ given }) => [given?.[0]]);
	const known = [theirs.gender, ours.gender].every((gender) => gender === 'male' || gender === 'female');
	const otherGender = known && theirs.gender !== ours.gender;
	if (sameBirth && !otherGender && ((sameIdentifier && sameFamily) || (sameFamily && sameGiven))) return 'certain';
	if (sameIdentifier || (sameFamily && sameGiven && sameBirth)) return 'probable';
	return sameFamily && (sameBirth || (sameGiven && !otherGender)) ? 'possible' : undefined;
}

function overlap(a: Resource, b: Resource, of: (name: Name) => (string | undefined)[]): boolean {
	const words = (resource: Resource) =>
		namesOf(resource)
			.flatMap(of)
			.filter((word) => word !== undefined)
			.map(folded);
	const others = new Set(words(b));
	return words(a).some((word) => others.has(word));
}

function namesOf(patient: Resource): readonly Name[] {
	return (patient.name as readonly Name[] | undefined) ?? [];
}

function identifierKeys(patient: Resource): string[] {
	return ((patient.identifier as { system?: string; value?: string }[] | undefined) ?? []).map(({ system, value }) => `${system}|${value}`);
}

function folded(text: string): string {
	return text
		.normalize('NFKD')
		.replace(/\p{M}/gu, '')
		.toLowerCase()
		.replace(/[^\p{L}\p{N}]+/gu, ' ')
		.trim();
}
