// Immunizations on the schedule of the CDC, in broad strokes, https://www.cdc.gov/vaccines/schedules/
import type { Chart, Visit } from './chart.ts';
import { type Coded, concept, concepts, cvx, hl7, ndc, profiled } from './fhir.ts';
import type { Life } from './life.ts';
import { type Day, dateOf, instantOf, later, yearsBetween } from './time.ts';

type Vaccine = {
	readonly code: Coded;
	readonly ndc?: Coded;
	/** Ages in months at which doses are due. */
	readonly months?: readonly number[];
	/** Every so many years from an age on. */
	readonly every?: readonly [years: number, from: number];
	/** Months of the year (0 is January) in which it is given. */
	readonly season?: true;
	readonly site: 'thigh' | 'arm' | 'mouth';
	readonly maker: string;
};

/** As many doses as are due by then, whatever was missed before the age of 19. */
const vaccines: Readonly<Record<string, Vaccine>> = {
	hepatitisB: { code: ['08', 'Hep B, adolescent or pediatric'], months: [0.5, 2, 6], site: 'thigh', maker: 'Merck' },
	rotavirus: { code: ['119', 'rotavirus, monovalent'], months: [2, 4], site: 'mouth', maker: 'GlaxoSmithKline' },
	dtap: { code: ['20', 'DTaP'], months: [2, 4, 6, 15, 48], site: 'thigh', maker: 'Sanofi Pasteur' },
	hib: { code: ['49', 'Hib (PRP-OMP)'], months: [2, 4, 12], site: 'thigh', maker: 'Merck' },
	pneumococcus: {
		code: ['216', 'Pneumococcal conjugate vaccine 20-valent (PCV20)'],
		months: [2, 4, 6, 12],
		site: 'thigh',
		maker: 'Pfizer',
	},
	polio: { code: ['10', 'IPV'], months: [2, 4, 6, 48], site: 'thigh', maker: 'Sanofi Pasteur' },
	measles: { code: ['03', 'MMR'], months: [12, 48], site: 'arm', maker: 'Merck' },
	varicella: { code: ['21', 'varicella'], months: [12, 48], site: 'arm', maker: 'Merck' },
	hepatitisA: { code: ['83', 'Hep A, ped/adol, 2 dose'], months: [12, 18], site: 'thigh', maker: 'GlaxoSmithKline' },
	hpv: { code: ['165', 'HPV9'], months: [132, 138], site: 'arm', maker: 'Merck' },
	meningococcus: { code: ['114', 'meningococcal MCV4P'], months: [132, 192], site: 'arm', maker: 'Sanofi Pasteur' },
	tdap: { code: ['115', 'Tdap'], every: [10, 11], site: 'arm', maker: 'Sanofi Pasteur' },
	zoster: { code: ['187', 'zoster recombinant'], months: [600, 606], site: 'arm', maker: 'GlaxoSmithKline' },
	pneumococcusAdult: { code: ['216', 'Pneumococcal conjugate vaccine 20-valent (PCV20)'], months: [780], site: 'arm', maker: 'Pfizer' },
	influenza: {
		code: ['140', 'Influenza, split virus, trivalent, PF'],
		every: [1, 0.5],
		season: true,
		site: 'arm',
		maker: 'Sanofi Pasteur',
	},
};

/** High-dose influenza vaccine for the old. */
const highDose: Vaccine = {
	code: ['197', 'influenza, high-dose, quadrivalent'],
	ndc: ['49281012165', 'FLUZONE High-Dose Quadrivalent'],
	site: 'arm',
	maker: 'Sanofi Pasteur',
};

const adultAge = 19;
const atOnce = 6;

/** Gives what is due; words for the note. */
export function vaccinate(life: Life, visit: Visit): string[] {
	const { chart } = life;
	const years = yearsBetween(chart.person.birth, visit.start.day);
	const given: string[] = [];
	for (const [name, vaccine] of Object.entries(vaccines)) {
		if (given.length === atOnce || !isDue(life, visit, name, vaccine, years)) continue;
		const used = name === 'influenza' && years >= 65 ? highDose : vaccine;
		life.vaccines.set(
			name,
			vaccine.months === undefined ? visit.start.day : (life.vaccines.get(name) ?? dosesBefore(vaccine, life, years)) + 1,
		);
		life.lastDoses.set(name, visit.start.day);
		if (chart.random.chance(name === 'influenza' ? 0.12 : 0.01)) refuse(chart, visit, used);
		else {
			give(chart, visit, used, life.vaccines.get(name) ?? 1, vaccine.months?.length);
			given.push(used.code[1]);
		}
	}
	return given;
}

/** Doses from before somebody came to the clinic: those of childhood that an adult has had, and what a child's papers say. */
function dosesBefore({ months = [] }: Vaccine, life: Life, years: number): number {
	if (years >= adultAge) return (months[0] ?? 0) / 12 < adultAge ? months.length : 0;
	const known = yearsBetween(life.chart.person.birth, life.known) * 12;
	return months.filter((month) => month < known - 1).length;
}

/** What a child was given elsewhere, as its papers say. */
export function addFormerVaccines(life: Life, visit: Visit): void {
	const { chart } = life;
	const { birth } = chart.person;
	const years = yearsBetween(birth, visit.start.day);
	if (years >= adultAge || life.known <= birth) return;
	for (const [name, vaccine] of Object.entries(vaccines)) {
		const late = chart.random.between(0, 12);
		for (let dose = 0; dose < dosesBefore(vaccine, life, years); dose++) {
			const { encounter: _, location: __, performer: ___, ...rest } = base(chart, visit, vaccine);
			const day = birth + Math.round((vaccine.months?.[dose] as number) * 30.44) + late;
			life.lastDoses.set(name, day);
			chart.add({
				...rest,
				status: 'completed',
				occurrenceDateTime: dateOf(day),
				primarySource: false,
				reportOrigin: concept('http://terminology.hl7.org/CodeSystem/immunization-origin', ['record', 'Written Record']),
				protocolApplied: [{ doseNumberPositiveInt: dose + 1 }],
			});
		}
	}
}

function isDue(life: Life, visit: Visit, name: string, vaccine: Vaccine, years: number): boolean {
	const { months, every, season } = vaccine;
	if (season === true && !isSeason(visit)) return false;
	if (months !== undefined) {
		const had = life.vaccines.get(name) ?? dosesBefore(vaccine, life, years);
		const isTooOld = name === 'rotavirus' && years > 0.7;
		return (
			!isTooOld &&
			had < months.length &&
			visit.start.day >= earliest(life, name, months, had) &&
			years * 12 >= (months[had] as number) - 0.3
		);
	}
	const [interval, from] = every as readonly [number, number];
	if (years < from) return false;
	const last = life.vaccines.get(name);
	if (last === undefined) return interval === 1 || life.chart.random.chance(years < adultAge ? 1 : 0.25);
	return yearsBetween(last, visit.start.day) >= interval * 0.75;
}

/** The first day on which the next dose may be given: some catch up, and doses are weeks or months apart all the same. */
function earliest({ lastDoses }: Life, name: string, months: readonly number[], had: number): Day {
	const gap = (months[had] ?? 0) - (months[had - 1] ?? 0);
	const days = gap <= 2 ? 28 : Math.min(gap, 6) * 30.44 - 2;
	return (lastDoses.get(name) ?? Number.NEGATIVE_INFINITY) + days;
}

function isSeason({ start }: Visit): boolean {
	const month = Number(dateOf(start.day).slice(5, 7));
	return month >= 9 || month <= 2;
}

function base(chart: Chart, visit: Visit, { code, ndc: package_ }: Vaccine) {
	return {
		resourceType: 'Immunization',
		meta: profiled('us-core-immunization'),
		vaccineCode: concepts(code[1], [cvx, ...code], ...(package_ === undefined ? [] : [[ndc, ...package_] as const])),
		patient: chart.person.link,
		encounter: visit.link,
		occurrenceDateTime: instantOf(later(visit.start, 22)),
		recorded: instantOf(later(visit.start, 24)),
		primarySource: true,
		location: visit.facility.location,
		performer: [{ function: concept(`${hl7}/v2-0443`, ['AP', 'Administering Provider']), actor: visit.nurse.link }],
	};
}

const sites: Readonly<Record<Vaccine['site'], { readonly site?: Coded; readonly route: Coded; readonly ml: number }>> = {
	thigh: { site: ['LT', 'left thigh'], route: ['IM', 'Injection, intramuscular'], ml: 0.5 },
	arm: { site: ['LA', 'left arm'], route: ['IM', 'Injection, intramuscular'], ml: 0.5 },
	mouth: { route: ['PO', 'Swallow, oral'], ml: 1.5 },
};

function give(chart: Chart, visit: Visit, vaccine: Vaccine, dose: number, doses: number | undefined): void {
	const { site, route, ml } = sites[vaccine.site];
	chart.add({
		...base(chart, visit, vaccine),
		status: 'completed',
		manufacturer: { display: vaccine.maker },
		lotNumber: `${chart.random.pick(['U', 'T', 'X'])}${chart.random.between(1000, 9999)}${chart.random.pick(['AA', 'AB', 'CA'])}`,
		expirationDate: dateOf(visit.start.day + chart.random.between(90, 500)),
		...(site === undefined ? {} : { site: concept(`${hl7}/v3-ActSite`, site) }),
		route: concept(`${hl7}/v3-RouteOfAdministration`, route),
		doseQuantity: { value: ml, unit: 'mL', system: 'http://unitsofmeasure.org', code: 'mL' },
		...(doses === undefined ? {} : { protocolApplied: [{ doseNumberPositiveInt: dose, seriesDosesPositiveInt: doses }] }),
	});
}

function refuse(chart: Chart, visit: Visit, vaccine: Vaccine): void {
	chart.add({
		...base(chart, visit, vaccine),
		status: 'not-done',
		statusReason: concept(`${hl7}/v3-ActReason`, ['PATOBJ', 'patient objection']),
	});
}
