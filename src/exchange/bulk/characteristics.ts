// Group.characteristic (https://hl7.org/fhir/R4/group-definitions.html#Group.characteristic) as a search on Patient: what the code names is
// looked up in the table below, or is a search parameter of Patient by its own name.
import type { FhirCtx } from '#fhir/ctx.ts';
import { escaped } from '#fhir/search/escape.ts';
import { parseCriteria } from '#fhir/search/parse.ts';
import type { Clause } from '#fhir/search/query.ts';
import { groupUnclear } from './problems.ts';

type Coding = { readonly system?: unknown; readonly code?: unknown };
type Concept = { readonly coding?: readonly Coding[]; readonly text?: unknown };
type Quantity = { readonly value?: unknown; readonly comparator?: unknown };

export type Characteristic = {
	readonly code?: Concept;
	readonly valueCodeableConcept?: Concept;
	readonly valueBoolean?: unknown;
	readonly valueQuantity?: Quantity;
	readonly valueRange?: { readonly low?: Quantity; readonly high?: Quantity };
	readonly valueReference?: { readonly reference?: unknown };
	readonly exclude?: unknown;
};

/** What codes of characteristics are called here: LOINC and SNOMED CT's for the usual ones. */
const names: Readonly<Record<string, string>> = {
	'30525-0': 'age',
	'397669002': 'age',
	'46098-0': 'gender',
	'76689-9': 'gender',
	'263495000': 'gender',
	'64572001': 'condition',
	'29308-4': 'condition',
	diagnosis: 'condition',
};

/** Things that patients have, each with the search that finds those who have it. */
const searches: Readonly<Record<string, string>> = {
	allergy: '_has:AllergyIntolerance:patient:code',
	condition: '_has:Condition:subject:code',
	immunization: '_has:Immunization:patient:vaccine-code',
	medication: '_has:MedicationRequest:subject:code',
	observation: '_has:Observation:subject:code',
	procedure: '_has:Procedure:subject:code',
};

/** The clause on Patient. Throws Problem invalid `group-unclear` (422) for what cannot be looked up. */
export function characteristicClause(ctx: FhirCtx, one: Characteristic): Clause {
	const wanted = [...(one.code?.coding ?? []).map(({ code }) => code), one.code?.text];
	for (const word of wanted) {
		if (typeof word !== 'string') continue;
		const name = names[word] ?? word;
		if (name === 'age') return ageClause(ctx, one);
		const search = Object.hasOwn(searches, name) ? searches[name] : undefined;
		if (search !== undefined || ctx.fhir.registry.param('Patient', name) !== undefined) return valueClause(ctx, search ?? name, one);
	}
	const shown = wanted.find((word) => typeof word === 'string') ?? '';
	throw groupUnclear(
		`The characteristic "${String(shown).slice(0, 64)}" cannot be looked up: it is neither known here nor a search parameter of Patient.`,
	);
}

function valueClause(ctx: FhirCtx, name: string, one: Characteristic): Clause {
	const values = valuesOf(one);
	if (values.length === 0)
		throw groupUnclear(`The characteristic "${name}" has no value that can be searched: a code, a boolean or a reference.`);
	return parseCriteria(ctx.fhir, 'Patient', [[name, values.join(',')]]).clause;
}

function valuesOf({ valueCodeableConcept, valueBoolean, valueReference }: Characteristic): string[] {
	if (typeof valueBoolean === 'boolean') return [String(valueBoolean)];
	if (typeof valueReference?.reference === 'string') return [escaped(valueReference.reference)];
	return (valueCodeableConcept?.coding ?? []).flatMap(({ system, code }) => {
		if (typeof code !== 'string') return [];
		return [typeof system === 'string' ? `${escaped(system)}|${escaped(code)}` : escaped(code)];
	});
}

/** Years that a patient has completed today. */
function ageClause(ctx: FhirCtx, { valueRange, valueQuantity }: Characteristic): Clause {
	const { low, high } = valueRange ?? rangeOf(valueQuantity);
	const pairs: [string, string][] = [];
	if (typeof low?.value === 'number') pairs.push(['birthdate', `le${yearsAgo(ctx, low.value)}`]);
	if (typeof high?.value === 'number') pairs.push(['birthdate', `gt${yearsAgo(ctx, high.value + 1)}`]);
	if (pairs.length === 0) throw groupUnclear('The characteristic "age" needs a range or a quantity in years.');
	return parseCriteria(ctx.fhir, 'Patient', pairs).clause;
}

function rangeOf(quantity: Quantity | undefined): { low?: Quantity; high?: Quantity } {
	if (typeof quantity?.value !== 'number') return {};
	const { value, comparator } = quantity;
	switch (comparator) {
		case '>=':
			return { low: { value } };
		case '>':
			return { low: { value: value + 1 } };
		case '<=':
			return { high: { value } };
		case '<':
			return { high: { value: value - 1 } };
		default:
			return { low: { value }, high: { value } };
	}
}

function yearsAgo({ clock }: FhirCtx, years: number): string {
	const day = clock.now();
	day.setUTCFullYear(day.getUTCFullYear() - Math.floor(years));
	return day.toISOString().slice(0, 10);
}
