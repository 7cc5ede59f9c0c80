// What was billed for a visit and what the payer made of it.
import type { Resource } from '#fhir/resource.ts';
import type { Random } from '#testing/random.ts';
import { round } from './people.ts';
import { concept, instant, nameOf, type Visit } from './visit.ts';
import * as words from './words.ts';

/** A professional claim of about 1.5 KB. */
export function claim(random: Random, visit: Visit): Resource {
	const amount = round(random.normal(240, 60), 2);
	const [type] = visit.encounter.type as object[];
	return {
		resourceType: 'Claim',
		id: random.uuid(),
		status: 'active',
		type: { coding: [{ system: `${words.terminology}/claim-type`, code: 'professional' }] },
		use: 'claim',
		patient: { reference: visit.person.reference, display: visit.person.name },
		billablePeriod: visit.encounter.period,
		created: instant(visit.start + 2_700_000),
		provider: { reference: `Organization/${visit.organization.id}`, display: visit.organization.name },
		priority: { coding: [{ system: `${words.terminology}/processpriority`, code: 'normal' }] },
		insurance: [{ sequence: 1, focal: true, coverage: { display: random.pick(words.payers) } }],
		item: [
			{
				sequence: 1,
				productOrService: type,
				encounter: [{ reference: `Encounter/${visit.encounter.id}` }],
			},
			{
				sequence: 2,
				productOrService: concept(words.snomed, random.pick(words.procedures)),
				net: { value: round(amount / 3, 2), currency: 'USD' },
			},
		],
		total: { value: amount, currency: 'USD' },
	};
}

/** The payer's answer, of about 5 KB: every item with its adjudication. */
export function explanationOfBenefit(random: Random, visit: Visit, billed: Resource): Resource {
	const payer = (billed.insurance as { coverage: { display: string } }[])[0]?.coverage.display ?? 'Medicare';
	const total = (billed.total as { value: number }).value;
	return {
		resourceType: 'ExplanationOfBenefit',
		id: random.uuid(),
		contained: [
			{
				resourceType: 'Coverage',
				id: 'coverage',
				status: 'active',
				type: { text: payer },
				beneficiary: { reference: visit.person.reference },
				payor: [{ display: payer }],
			},
		],
		identifier: [
			{ system: 'https://heron.example/claim', value: billed.id },
			{ system: 'https://heron.example/claim-group', value: String(random.between(10_000_000, 99_999_999)) },
		],
		status: 'active',
		type: { coding: [{ system: `${words.terminology}/claim-type`, code: 'professional' }] },
		use: 'claim',
		patient: { reference: visit.person.reference },
		billablePeriod: visit.encounter.period,
		created: instant(visit.start + 2_700_000),
		insurer: { display: payer },
		provider: { reference: `Practitioner/${visit.practitioner.id}`, display: nameOf(visit.practitioner) },
		claim: { reference: `Claim/${billed.id}` },
		outcome: 'complete',
		careTeam: [
			{
				sequence: 1,
				provider: { reference: `Practitioner/${visit.practitioner.id}` },
				role: {
					coding: [{ system: `${words.terminology}/claimcareteamrole`, code: 'primary', display: 'Primary provider' }],
				},
			},
		],
		insurance: [{ focal: true, coverage: { reference: '#coverage', display: payer } }],
		item: [1, 2, 3].map((sequence) => item(random, visit, sequence, total)),
		total: [
			{
				category: { coding: [{ system: `${words.terminology}/adjudication`, code: 'submitted', display: 'Submitted Amount' }] },
				amount: { value: total, currency: 'USD' },
			},
		],
		payment: { amount: { value: round(total * 0.8, 2), currency: 'USD' } },
	};
}

function item(random: Random, visit: Visit, sequence: number, total: number): object {
	const part = round(total / 3, 2);
	const adjudication = (code: string, display: string, share: number): object => ({
		category: { coding: [{ system: `${words.terminology}/adjudication`, code, display }] },
		amount: { value: round(part * share, 2), currency: 'USD' },
	});
	return {
		sequence,
		category: { coding: [{ system: `${words.terminology}/ex-benefitcategory`, code: '1', display: 'Medical Care' }] },
		productOrService: concept(words.snomed, random.pick(words.procedures)),
		servicedPeriod: visit.encounter.period,
		locationCodeableConcept: {
			coding: [{ system: `${words.terminology}/ex-serviceplace`, code: '11', display: 'Office' }],
		},
		...(sequence === 1 ? { encounter: [{ reference: `Encounter/${visit.encounter.id}` }] } : {}),
		net: { value: part, currency: 'USD' },
		adjudication: [
			adjudication('submitted', 'Submitted Amount', 1),
			adjudication('eligible', 'Eligible Amount', 0.9),
			adjudication('copay', 'CoPay', 0.1),
			adjudication('benefit', 'Benefit Amount', 0.8),
		],
	};
}
