// Who belongs to a patient, and who pays.
import type { Chart } from './chart.ts';
import { concept, concepts, hl7, home, type Link, linkTo, profiled } from './fhir.ts';
import { type Payer, phoneOf } from './practice.ts';
import { addMonths, dateOf, yearsBetween } from './time.ts';

/** A relative or friend: a parent of a child, somebody an old or ill person can lean on. Undefined for those who named nobody. */
export function addRelative(chart: Chart): Link | undefined {
	const { person, random } = chart;
	const { parent } = person;
	const years = yearsBetween(person.birth, chart.world.today);
	if (parent === undefined && years < 60 && !random.chance(0.35)) return undefined;
	const [kind, name] =
		parent === undefined
			? kinOf(chart, years)
			: ([parent.sex === 'female' ? 'MTH' : 'FTH', parent.sex === 'female' ? 'mother' : 'father'] as const);
	const sex = parent?.sex ?? (random.chance(0.6) ? 'female' : 'male');
	const given = parent?.given ?? [random.pick(sex === 'female' ? person.origin.women : person.origin.men)];
	const family = parent?.family ?? person.family;
	const relative = chart.add({
		resourceType: 'RelatedPerson',
		meta: profiled('us-core-relatedperson'),
		active: true,
		patient: person.link,
		relationship: [concept(`${hl7}/v3-RoleCode`, [kind, name])],
		name: [{ use: 'official', family, given }],
		telecom: [{ system: 'phone', value: parent?.phone ?? phoneOf(random), use: 'mobile' }],
		gender: sex,
		address: [{ use: 'home', ...person.address }],
	});
	return linkTo(relative, `${given[0]} ${family}`);
}

/** A spouse only for who is married. */
function kinOf({ random, resources }: Chart, years: number): readonly [string, string] {
	const [patient] = resources;
	const isMarried = (patient?.maritalStatus as { text?: string } | undefined)?.text === 'Married';
	const spouse = ['SPS', 'spouse'] as const;
	if (years < 60)
		return random.pick([isMarried ? spouse : (['SIB', 'sibling'] as const), ['SIB', 'sibling'], ['FRND', 'unrelated friend']] as const);
	return random.pick([['CHILD', 'child'], isMarried ? spouse : (['CHILD', 'child'] as const), ['NIECE', 'niece']] as const);
}

/** The insurance: public for the old and for children of families with little money, private else; some of the old have two. */
export function addInsurance(chart: Chart, relative: Link | undefined): void {
	const { person, random, world } = chart;
	const { payers } = world.practice;
	const years = yearsBetween(person.birth, world.today);
	const isPoor = person.traits.includes('hunger') || person.parent?.traits.includes('hunger') === true;
	const by = (key: string): Payer => payers.find((payer) => payer.key === key) as Payer;
	const first = years >= 65 ? by('medicare') : isPoor ? by('medicaid') : by(random.pick(['evergreen', 'summit']));
	const from = years >= 65 ? addMonths(person.birth, 65 * 12) : Math.max(person.birth, world.today - random.between(400, 2000));
	addCoverage(chart, first, from, 1, relative);
	if (first.key === 'medicare' && random.chance(0.6)) addCoverage(chart, by('summit'), from + 30, 2, relative);
	else if (years < 65 && from - 700 > person.birth && random.chance(0.2))
		addFormerCoverage(chart, by(random.pick(['evergreen', 'summit'])), from);
}

function addCoverage(chart: Chart, payer: Payer, from: number, order: number, relative: Link | undefined): void {
	const { person, random } = chart;
	const isChild = person.parent !== undefined && relative !== undefined;
	const member = `${payer.key.slice(0, 2).toUpperCase()}${random.between(100_000_000, 999_999_999)}`;
	const plan = random.pick(payer.plans);
	const group = random.pick(['Great Lakes Tool Company', 'Milwaukee Public Schools', 'Harbor Brewing Cooperative']);
	chart.add({
		resourceType: 'Coverage',
		meta: profiled('us-core-coverage'),
		identifier: [
			{
				type: concept(`${hl7}/v2-0203`, ['MB', 'Member Number']),
				system: `${home}/payer/${payer.key}/member`,
				value: member,
				assigner: payer.link,
			},
		],
		status: 'active',
		type: concepts(payer.type[1], ['https://nahdo.org/sopt', ...payer.type]),
		...(isChild ? { subscriber: relative } : { subscriber: person.link }),
		subscriberId: member,
		beneficiary: person.link,
		relationship: isChild
			? concept(`${hl7}/subscriber-relationship`, ['child', 'Child'])
			: concept(`${hl7}/subscriber-relationship`, ['self', 'Self']),
		period: { start: dateOf(from) },
		payor: [payer.link],
		class: [
			{ type: concept(`${hl7}/coverage-class`, ['group', 'Group']), value: String(random.between(1000, 9999)), name: group },
			{ type: concept(`${hl7}/coverage-class`, ['plan', 'Plan']), value: plan.toLowerCase().replaceAll(' ', '-'), name: plan },
		],
		order,
		...(payer.key === 'medicaid'
			? {}
			: {
					costToBeneficiary: [
						{
							type: concept(`${hl7}/coverage-copay-type`, ['gpvisit', 'GP Office Visit']),
							valueMoney: { value: random.pick([15, 20, 25, 30]), currency: 'USD' },
						},
					],
				}),
	});
}

function addFormerCoverage(chart: Chart, payer: Payer, until: number): void {
	const { person, random } = chart;
	chart.add({
		resourceType: 'Coverage',
		meta: profiled('us-core-coverage'),
		status: 'cancelled',
		type: concepts(payer.type[1], ['https://nahdo.org/sopt', ...payer.type]),
		subscriberId: `${random.between(100_000_000, 999_999_999)}`,
		beneficiary: person.link,
		relationship: concept(`${hl7}/subscriber-relationship`, ['self', 'Self']),
		period: { start: dateOf(until - 700), end: dateOf(until - 1) },
		payor: [payer.link],
	});
}
