// The Standard API: what a front desk and a chart ask for, over the ladder, and what a read costs beside the FHIR read beneath.
import type { Resource } from '#fhir/resource.ts';
import { type Finding, finding } from '../finding.ts';
import { type Connection, createConnection, requestBytes } from '../load/connection.ts';
import { interleave, type Lane, median, type Sample, timeOf } from '../measure.ts';
import { familyOf, get, ofType, post } from '../requests.ts';
import type { Stage, Step } from '../stage.ts';
import type { Workload } from './workload.ts';

export const standard: Workload = { name: 'standard', run: runStandard };

const connections = 16;
/** Appointments of a day, however large the clinic is; a larger one has more days. */
const perDay = 40;
const most = 8000;

const api = (step: Step, path: string): Buffer => requestBytes('GET', `/apis/default/api/${path}`, { authorization: step.authorization });
const people = (step: Step): Resource[] => step.charts.flatMap(([patient]) => (patient === undefined ? [] : [patient]));
const asked = encodeURIComponent;

type Person = {
	readonly id: string;
	readonly birthDate: string;
	readonly gender: string;
	readonly name: readonly { readonly given: readonly string[] }[];
	readonly telecom: readonly { readonly value: string }[];
	readonly address: readonly { readonly city: string; readonly line: readonly string[]; readonly postalCode?: string }[];
};

type Filter = (person: Person, resource: Resource) => string;

const filters: Readonly<Record<string, Filter>> = {
	'family name, a part': (_, resource) => `lname=${asked(familyOf(resource).slice(0, 4))}`,
	'family and first name': ({ name }, resource) => `lname=${asked(familyOf(resource))}&fname=${asked(name[0]?.given[0] ?? '')}`,
	'date of birth': ({ birthDate }) => `DOB=${birthDate}`,
	'home phone': ({ telecom }) => `phone_home=${asked(telecom[0]?.value ?? '')}`,
	email: ({ telecom }) => `email=${asked(telecom[1]?.value ?? '')}`,
	city: ({ address }) => `city=${asked(address[0]?.city ?? '')}`,
	street: ({ address }) => `street=${asked(address[0]?.line[0] ?? '')}`,
	sex: ({ gender }) => `sex=${gender === 'male' ? 'Male' : 'Female'}`,
};

/** What a list is asked for at each step; `what` is told once the steps are known. */
type Kind = { readonly what: string; readonly requests: ReadonlyMap<Step, Buffer[]> };

const usual = 20;

async function kindsOf(steps: readonly Step[]): Promise<Kind[]> {
	const found: Kind[] = [];
	for (const [what, filter] of Object.entries(filters)) found.push(await evenly(steps, what, filter));
	const each = (what: string, paths: (step: Step) => string[]): Kind => ({
		what,
		requests: new Map(steps.map((step) => [step, paths(step).map((path) => api(step, path))])),
	});
	return [
		...found,
		each('a day’s appointments', (step) => days(step).map((day) => `appointment?pc_eventDate=${day}`)),
		each('a patient’s encounters', (step) => people(step).map(({ id }) => `patient/${id}/encounter?_limit=50`)),
		each('a patient’s vital signs', (step) => people(step).map(({ id }) => `patient/${id}/vital?_limit=50`)),
	];
}

/**
 * A filter by the values of people of each step, with pages of one length. A larger clinic has more people of a name: a page of twenty would be
 * held against one of the single person whom a small clinic has, and the time of reading nineteen more be taken for growth. So pages are as
 * long everywhere as half of the answers of the first step are at least, and only people are asked for whose answer fills such a page. What
 * is left is what the size of the clinic costs: finding the page among more that match, and among more that do not.
 */
async function evenly(steps: readonly Step[], what: string, filter: Filter): Promise<Kind> {
	const answers = new Map<Step, { readonly query: string; readonly shown: number }[]>();
	for (const step of steps) {
		const asked: { query: string; shown: number }[] = [];
		const connection = createConnection({ port: step.heron.port, keepBody: true });
		for (const one of people(step).slice(0, 100)) {
			const query = filter(one as unknown as Person, one);
			asked.push({ query, shown: await shownBy(connection, api(step, `patient?${query}&_limit=${usual}`)) });
		}
		connection.close();
		answers.set(step, asked);
	}
	const length = Math.max(1, Math.floor(median((answers.get(steps[0] as Step) ?? []).map(({ shown }) => shown))));
	const requests = [...answers].map(([step, asked]): [Step, Buffer[]] => [
		step,
		asked.filter(({ shown }) => shown >= length).map(({ query }) => api(step, `patient?${query}&_limit=${length}`)),
	]);
	return { what: `patients by ${what}, pages of ${length}`, requests: new Map(requests) };
}

/** How many records an answer has. */
async function shownBy(connection: Connection, request: Buffer): Promise<number> {
	const { status, body } = await connection.send(request);
	if (status !== 200) throw new Error(`a list was answered with ${status}: ${body}`);
	return (JSON.parse(body.toString()) as { data: unknown[] }).data.length;
}

function days({ patients }: Step): string[] {
	return Array.from({ length: Math.ceil(Math.min(patients, most) / perDay) }, (_, day) => dayOf(day));
}

function dayOf(day: number): string {
	return new Date(Date.UTC(2027, 0, 4) + day * 86_400_000).toISOString().slice(0, 10);
}

/** Books appointments, one a patient up to a limit, as a client would. */
async function book({ load }: Stage, step: Step): Promise<void> {
	const booked = people(step);
	const [practitioner] = ofType(step, 'Encounter').flatMap(({ participant }) =>
		((participant ?? []) as { individual?: { reference?: string } }[]).map(({ individual }) => individual?.reference),
	);
	const requests = Array.from({ length: Math.min(step.patients, most) }, (_, i) => {
		const start = `${dayOf(Math.floor(i / perDay))}T${String(9 + (i % 8)).padStart(2, '0')}:00:00Z`;
		const actors = [`Patient/${booked[i % booked.length]?.id}`, ...(practitioner === undefined ? [] : [practitioner])];
		return post(step, 'Appointment', {
			resourceType: 'Appointment',
			status: 'booked',
			start,
			end: start.replace(':00:00Z', ':30:00Z'),
			minutesDuration: 30,
			participant: actors.map((reference) => ({ actor: { reference }, status: 'accepted' })),
		});
	});
	load.define('appointments', { requests });
	await load.run({ port: step.heron.port, connections, requests: requests.length, run: 'appointments' });
	load.forget('appointments');
}

async function runStandard(stage: Stage): Promise<Finding[]> {
	for (const step of stage.steps) await book(stage, step);
	return [...(await besideFhir(stage)), ...(await overTheLadder(stage))];
}

/** What records of visits show besides: who was there, and where. */
const included = ['participant', 'location', 'service-provider'].map((name) => `&_include=Encounter:${name}`).join('');

/** The same records through both APIs, on the same server in the same rounds. */
async function besideFhir({ home, load, options }: Stage): Promise<Finding[]> {
	const ids = people(home).map(({ id }) => id as string);
	load.define('fhir patient', { requests: ids.map((id) => get(home, `Patient/${id}`)) });
	load.define('standard patient', { requests: ids.map((id) => api(home, `patient/${id}`)) });
	load.define('fhir encounters', { requests: ids.map((id) => get(home, `Encounter?patient=${id}&_sort=-date&_count=50${included}`)) });
	load.define('standard encounters', { requests: ids.map((id) => api(home, `patient/${id}/encounter?_limit=50`)) });
	const lane = (name: string): Lane => ({
		name,
		run: async () => timeOf(await load.run({ port: home.heron.port, connections, seconds: options.seconds, run: name })),
	});
	const names = ['fhir patient', 'standard patient', 'fhir encounters', 'standard encounters'];
	const samples = await interleave(names.map(lane), options.rounds);
	const of = (name: string): Sample[] => samples[name] as Sample[];
	const about = (what: string): { workload: string; what: string; unit: string } => ({ workload: 'standard', what, unit: 'ms' });
	return [
		finding(about('a patient by UUID'), of('standard patient'), [
			{ to: 'the FHIR read', samples: of('fhir patient'), goal: { atMost: 1.5 } },
		]),
		finding(about('a patient’s encounters'), of('standard encounters'), [
			{ to: 'the FHIR search with what they show', samples: of('fhir encounters'), goal: { atMost: 1.5 } },
		]),
	];
}

async function overTheLadder({ steps, home, load, options }: Stage): Promise<Finding[]> {
	const found: Finding[] = [];
	const first = steps[0] as Step;
	for (const { what, requests } of await kindsOf(steps)) {
		const lanes = steps.map((step): Lane => {
			const run = `${what} ${step.patients}`;
			load.define(run, { requests: requests.get(step) ?? [] });
			return {
				name: String(step.patients),
				run: async () => timeOf(await load.run({ port: step.heron.port, connections, seconds: options.seconds, run })),
			};
		});
		const samples = await interleave(lanes, options.rounds);
		for (const step of steps) load.forget(`${what} ${step.patients}`);
		const of = (step: Step): Sample[] => samples[String(step.patients)] as Sample[];
		const against = steps.length < 2 ? [] : [{ to: `${first.patients} patients`, samples: of(first), goal: { atMost: 1.3 } }];
		found.push(finding({ workload: 'standard', what: `${what}, ${home.patients} patients`, unit: 'ms' }, of(home), against));
	}
	return found;
}
