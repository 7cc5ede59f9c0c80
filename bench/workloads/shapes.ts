// Two public search workloads in our words: thirty shapes taken alike by 64 connections, and strings, dates and tokens by 30.
import type { Resource } from '#fhir/resource.ts';
import { createRandom } from '#testing/random.ts';
import { type Finding, finding } from '../finding.ts';
import { median, rateOf, type Sample } from '../measure.ts';
import { familyOf, get, mixed, ofType } from '../requests.ts';
import type { Stage, Step } from '../stage.ts';
import type { Workload } from './workload.ts';

export const shapes: Workload = { name: 'shapes', run: (stage) => measure(stage, 'shapes', thirtyShapes(stage.home), 64) };
export const strings: Workload = { name: 'strings', run: (stage) => measure(stage, 'strings', stringsDatesTokens(), 30) };

type Shapes = Readonly<Record<string, readonly string[]>>;

/** The median time of each shape within the mix (green is 100 ms or less), and alone on one connection. */
async function measure(stage: Stage, workload: string, list: Shapes, connections: number): Promise<Finding[]> {
	const { home, load, options } = stage;
	const names = Object.keys(list);
	const requests = Object.values(list).map((paths) => paths.map((path) => get(home, path.replaceAll('|', '%7C'))));
	load.define(workload, mixed(requests));
	const mix: Sample[] = [];
	const kinds: Sample[][] = names.map(() => []);
	const alone: Sample[][] = names.map(() => []);
	for (let round = -1; round < options.rounds; round++) {
		const seconds = options.seconds * 2;
		const outcome = await load.run({ port: home.heron.port, connections, seconds, run: workload });
		const single = await load.run({ port: home.heron.port, connections: 1, seconds: options.seconds, run: workload });
		if (round < 0) continue;
		mix.push(rateOf(outcome));
		for (const [kind, samples] of kinds.entries()) {
			const times = outcome.kinds[kind];
			samples.push({ value: times?.p50 ?? Number.NaN, p50: times?.p50 ?? Number.NaN, p99: times?.p99 ?? Number.NaN });
			alone[kind]?.push({ value: single.kinds[kind]?.p50 ?? Number.NaN });
		}
	}
	return [
		finding({ workload, what: `all in turn, ${connections} connections`, unit: 'req/s' }, mix),
		...names.map((name, kind) => {
			const what = `${name} (alone ${median((alone[kind] as Sample[]).map(({ value }) => value)).toFixed(1)} ms)`;
			return finding({ workload, what, unit: 'ms', goal: { atMost: 100 } }, kinds[kind] as Sample[]);
		}),
	];
}

function thirtyShapes(step: Step): Shapes {
	const ids = step.charts.slice(0, 100).map(([patient]) => patient?.id as string);
	const families = step.charts.slice(0, 60).map(([patient]) => familyOf(patient));
	const each = (values: readonly string[], path: (value: string) => string): string[] => values.map(path);
	const one = (path: string): string[] => [path];
	const codes = (type: string): string[] => {
		const found = ofType(step, type).map(({ code }) => (code as { coding: { system: string; code: string }[] }).coding[0]);
		return [...new Set(found.map((coding) => `${coding?.system}|${coding?.code}`))].slice(0, 20);
	};
	const practitioners = referencesOf(step, ({ participant }) => participant, 'Practitioner');
	const locations = referencesOf(step, ({ location }) => location, 'Location');
	const loinc = 'http://loinc.org|';
	return {
		metadata: one('metadata'),
		'Observation first page': one('Observation?_count=10'),
		'Observation total': one('Observation?_count=1&_total=accurate'),
		'code 8480-6 total': one(`Observation?code=${loinc}8480-6&_count=1&_total=accurate`),
		'combo-code 8480-6 total': one(`Observation?combo-code=${loinc}8480-6&_count=1&_total=accurate`),
		'gender total': one('Patient?gender=male&_count=5&_total=accurate'),
		'family=S': one('Patient?family=S&_count=5'),
		'given=A': one('Patient?given=A&_count=5'),
		'gender & family=B': one('Patient?gender=female&family=B&_count=5'),
		'code 8302-2 total': one(`Observation?code=${loinc}8302-2&_count=5&_total=accurate`),
		'code 29463-7 total': one(`Observation?code=${loinc}29463-7&_count=5&_total=accurate`),
		'code 72514-3 total': one(`Observation?code=${loinc}72514-3&_count=5&_total=accurate`),
		'date=ge2020': one('Observation?date=ge2020-01-01&_count=5'),
		'Patient by id': each(ids, (id) => `Patient/${id}`),
		'family={}': each(families, (family) => `Patient?family=${family}`),
		'Observation of patient': each(ids, (id) => `Observation?patient=${id}&_count=20`),
		'Condition of patient': each(ids, (id) => `Condition?patient=${id}`),
		'Condition code={}': each(codes('Condition'), (code) => `Condition?code=${code}`),
		'Procedure code={}': each(codes('Procedure'), (code) => `Procedure?code=${code}`),
		'Encounter of patient': each(ids, (id) => `Encounter?patient=${id}`),
		'MedicationRequest of patient': each(ids, (id) => `MedicationRequest?patient=${id}&_count=10`),
		'Encounter of practitioner': each(practitioners, (reference) => `Encounter?participant=${reference}`),
		'Encounter at location': each(locations, (reference) => `Encounter?location=${reference}`),
		'Patient _content': one('Patient?_content=Smith'),
		'Observation _content': one('Observation?_content=blood'),
		'Condition _content': one('Condition?_content=hypertension'),
		'name:text': one('Patient?name:text=ohn'),
		'address:text': one('Patient?address:text=Boston'),
		'Patient _text': one('Patient?_text=Smith'),
		'code:text': one('Condition?code:text=hypertensive'),
	};
}

function referencesOf(step: Step, pick: (encounter: Resource) => unknown, type: string): string[] {
	const text = JSON.stringify(ofType(step, 'Encounter').slice(0, 400).map(pick));
	return [...new Set(text.match(new RegExp(`${type}/[0-9a-f-]{36}`, 'g')))].slice(0, 40);
}

function stringsDatesTokens(): Shapes {
	const random = createRandom(20);
	const names = ['Smith', 'Johnson', 'Maria', 'James', 'Lu', 'And', 'Schmidt', 'Walker', 'Anna', 'Zz-nobody'];
	const places = ['Boston', 'Lynn', 'Main', 'Oak', 'Spring', 'Lowell', '02108', 'Lake', 'Quincy', 'Nowhere'];
	const owners = ['Medical', 'Family', 'Smith', 'Hospital', 'Boston', 'Health', 'Clinic', 'Nothing'];
	const plainOr = (words: readonly string[], path: (modifier: string, word: string) => string): string[] =>
		Array.from({ length: 20 }, (_, turn) => path(turn % 2 === 0 ? '' : ':contains', words[turn % words.length] as string));
	const prefixes = ['', 'eq', 'lt', 'gt', 'ge', 'le', 'sa', 'eb'];
	const dates = (path: string, low: number, high: number): string[] =>
		Array.from({ length: 20 }, (_, turn) => {
			const year = turn === 19 ? 2070 : random.between(low, high);
			const month = String(random.between(1, 12)).padStart(2, '0');
			const text = turn % 3 === 0 ? `${year}` : turn % 3 === 1 ? `${year}-${month}` : `${year}-${month}-1${random.below(9)}`;
			return `${path}=${prefixes[turn % prefixes.length]}${text}&_count=20`;
		});
	const category = 'http://terminology.hl7.org/CodeSystem/observation-category|';
	return {
		'Patient?name': plainOr(names, (modifier, word) => `Patient?name${modifier}=${word}&_count=20`),
		'Patient?address': plainOr(places, (modifier, word) => `Patient?address${modifier}=${word}&_count=20`),
		'Organization?name': plainOr(owners, (modifier, word) => `Organization?name${modifier}=${word}&_count=20`),
		'Patient?birthdate': dates('Patient?birthdate', 1930, 2018),
		'Observation?date': dates('Observation?date', 2012, 2025),
		'Encounter?date': dates('Encounter?date', 2012, 2025),
		'Observation?category': ['laboratory', `${category}vital-signs`, `${category}laboratory`, 'social-history', 'no-such-category'].map(
			(code) => `Observation?category=${code}&_count=20`,
		),
		'Observation?value-quantity': ['gt180', '60', 'lt50', '7'].map(
			(value) => `Observation?code=http://loinc.org|8867-4&value-quantity=${value}&_count=20`,
		),
	};
}
