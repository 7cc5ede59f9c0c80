// The ladder: the same requests to servers over more and more patients, in turn, and how the median time grows from the first to the last.
import { type Finding, finding } from '../finding.ts';
import { interleave, type Lane, type Sample, timeOf } from '../measure.ts';
import { familyOf, get, ofType, post, put, unnamed } from '../requests.ts';
import type { Stage, Step } from '../stage.ts';
import type { Workload } from './workload.ts';

export const growth: Workload = { name: 'growth', run: runGrowth };

const connections = 64;

type Kind = { readonly what: string; readonly atMost: number; readonly requests: (step: Step) => Buffer[] };

const ids = (step: Step): string[] => step.charts.map(([patient]) => patient?.id as string);
const loinc = 'http://loinc.org%7C';

const kinds: readonly Kind[] = [
	{ what: 'read by id', atMost: 1.3, requests: (step) => ids(step).map((id) => get(step, `Patient/${id}`)) },
	{
		what: 'create',
		atMost: 1.3,
		requests: (step) =>
			ofType(step, 'Observation')
				.slice(0, 2000)
				.map((one) => post(step, 'Observation', unnamed(one))),
	},
	{
		what: 'update',
		atMost: 1.3,
		requests: (step) =>
			['first', 'second'].flatMap((text) =>
				ofType(step, 'Observation')
					.slice(0, 1000)
					.map((one) => put(step, { ...one, note: [{ text }] })),
			),
	},
	{
		what: 'patient search by date',
		atMost: 1.3,
		requests: (step) => ids(step).map((id) => get(step, `Observation?patient=${id}&category=vital-signs&_sort=-date&_count=50`)),
	},
	{
		what: 'conditions of a patient',
		atMost: 1.3,
		requests: (step) => ids(step).map((id) => get(step, `Condition?patient=${id}`)),
	},
	{ what: 'first page, hot token', atMost: 1.5, requests: (step) => [get(step, `Observation?code=${loinc}8867-4&_count=20`)] },
	{
		what: 'first page, hot token by date',
		atMost: 1.5,
		requests: (step) => [get(step, `Observation?code=${loinc}8867-4&_sort=-date&_count=20`)],
	},
	{ what: 'first page, other token', atMost: 1.5, requests: (step) => [get(step, 'Observation?category=laboratory&_count=20')] },
	{ what: 'first page, date', atMost: 1.5, requests: (step) => [get(step, 'Observation?date=ge2020-01-01&_count=20')] },
	{
		what: 'identifier',
		atMost: 1.5,
		requests: (step) => ids(step).map((id) => get(step, `Patient?identifier=https://heron.example/person%7C${id}`)),
	},
	{
		what: 'first page, name prefix',
		atMost: 1.5,
		requests: (step) => step.charts.slice(0, 50).map(([patient]) => get(step, `Patient?name=${familyOf(patient).slice(0, 3)}&_count=20`)),
	},
];

async function runGrowth(stage: Stage): Promise<Finding[]> {
	const { steps, options, load } = stage;
	if (steps.length < 2) return [];
	const first = steps[0] as Step;
	const last = stage.home;
	const found: Finding[] = [];
	for (const { what, atMost, requests } of kinds) {
		const lanes = steps.map((step): Lane => {
			load.define(`${what} ${step.patients}`, { requests: requests(step) });
			return {
				name: String(step.patients),
				run: async () =>
					timeOf(await load.run({ port: step.heron.port, connections, seconds: options.seconds, run: `${what} ${step.patients}` })),
			};
		});
		const samples = await interleave(lanes, options.rounds);
		for (const step of steps) load.forget(`${what} ${step.patients}`);
		const of = (step: Step): Sample[] => samples[String(step.patients)] as Sample[];
		found.push(
			finding({ workload: 'growth', what: `${what}, ${last.patients} patients`, unit: 'ms' }, of(last), [
				{ to: `${first.patients} patients`, samples: of(first), goal: { atMost } },
			]),
		);
	}
	return found;
}
