// Single reads of the Standard API beside the FHIR reads of the same content, in processor time of the server: what a record shows of
// several resources, a FHIR client has to ask for in several reads or in a search with _include.
import type { Resource } from '#fhir/resource.ts';
import { type Finding, finding } from '../finding.ts';
import { requestBytes } from '../load/connection.ts';
import { interleave, type Lane, type Sample } from '../measure.ts';
import { costed, cpuSeconds } from '../metrics.ts';
import { get, ofType } from '../requests.ts';
import type { Stage, Step } from '../stage.ts';
import type { Workload } from './workload.ts';

export const standardReads: Workload = { name: 'standard-reads', run: runStandardReads };

const connections = 16;
/** Records of each kind that are asked for in turn. */
const many = 200;
/** Of kinds that the data have none of, so many are made. */
const made = 40;

/** A record by its path below the Standard API, and the FHIR requests that tell the same. */
type Pair = { readonly record: string; readonly beneath: readonly string[] };

type Kind = { readonly what: string; readonly how: string; readonly pairs: (step: Step) => Pair[] | Promise<Pair[]> };

type Element = { readonly reference?: string };

const linkIn = (element: unknown): string => (element as Element | undefined)?.reference ?? '';
const idIn = (element: unknown): string => linkIn(element).split('/')[1] ?? '';

function loaded(type: string, pair: (resource: Resource) => Pair): Kind['pairs'] {
	return (step) => ofType(step, type).slice(0, many).map(pair);
}

const included = (type: string, ...names: readonly string[]): string => names.map((name) => `&_include=${type}:${name}`).join('');

const kinds: readonly Kind[] = [
	{
		what: 'a patient',
		how: 'the FHIR read',
		pairs: loaded('Patient', ({ id }) => ({ record: `patient/${id}`, beneath: [`Patient/${id}`] })),
	},
	{
		what: 'a visit',
		how: 'the FHIR search with who and where',
		pairs: loaded('Encounter', ({ id, subject }) => ({
			record: `patient/${idIn(subject)}/encounter/${id}`,
			beneath: [`Encounter?_id=${id}${included('Encounter', 'participant', 'location', 'service-provider')}`],
		})),
	},
	{
		what: 'an immunization',
		how: 'the FHIR reads of it, of who gave it and where',
		pairs: loaded('Immunization', ({ id, performer, location }) => ({
			record: `immunization/${id}`,
			beneath: [`Immunization/${id}`, linkIn((performer as { actor: Element }[])[0]?.actor), linkIn(location)],
		})),
	},
	{
		what: 'a prescription',
		how: 'the FHIR read',
		pairs: loaded('MedicationRequest', ({ id }) => ({ record: `prescription/${id}`, beneath: [`MedicationRequest/${id}`] })),
	},
	{
		what: 'a procedure',
		how: 'the FHIR read',
		pairs: loaded('Procedure', ({ id }) => ({ record: `procedure/${id}`, beneath: [`Procedure/${id}`] })),
	},
	{
		what: 'an allergy',
		how: 'the FHIR read',
		pairs: (step) =>
			posted(step, 'allergy', { title: 'Penicillin', begdate: '2020-01-02', reaction: 'Hives', severity_al: 'severe' }, (id) => ({
				record: `allergy/${id}`,
				beneath: [`AllergyIntolerance/${id}`],
			})),
	},
	{
		what: 'a problem',
		how: 'the FHIR read',
		pairs: (step) =>
			posted(step, 'medical_problem', { title: 'Asthma', begdate: '2020-01-02', diagnosis: 'ICD10:J45.909' }, (id) => ({
				record: `medical_problem/${id}`,
				beneath: [`Condition/${id}`],
			})),
	},
	{
		what: 'vital signs of a panel',
		how: 'the FHIR search of the panel with its members',
		pairs: (step) =>
			posted(step, 'vital', { bps: '120', bpd: '80', weight: '180', height: '70', pulse: '72', temperature: '98.6' }, (id, patient) => ({
				record: `patient/${patient}/vital/${id}`,
				beneath: [`Observation?_id=${id}${included('Observation', 'has-member', 'performer')}`],
			})),
	},
	{
		what: 'an appointment',
		how: 'the FHIR search with who and where',
		pairs: booked,
	},
	{
		what: 'a member of the staff',
		how: 'the FHIR read',
		pairs: (step) =>
			named(step, ({ participant }) => linkIn((participant as { individual: Element }[])[0]?.individual)).map((link) => ({
				record: `user/${link.split('/')[1]}`,
				beneath: [link],
			})),
	},
	{
		what: 'a facility',
		how: 'the FHIR read',
		pairs: (step) =>
			named(step, ({ serviceProvider }) => linkIn(serviceProvider)).map((link) => ({
				record: `facility/${link.split('/')[1]}`,
				beneath: [link],
			})),
	},
];

/** What visits name, each once. */
function named(step: Step, link: (encounter: Resource) => string): string[] {
	return [...new Set(ofType(step, 'Encounter').map(link))].slice(0, many);
}

async function send(step: Step, path: string, body: object): Promise<Record<string, unknown>> {
	const answer = await fetch(`http://127.0.0.1:${step.heron.port}/apis/default/${path}`, {
		method: 'POST',
		headers: { authorization: step.authorization, 'content-type': path.startsWith('fhir/') ? 'application/fhir+json' : 'application/json' },
		body: JSON.stringify(body),
	});
	const text = await answer.text();
	if (!answer.ok) throw new Error(`${path} answered ${answer.status}: ${text.slice(0, 300)}`);
	const value = JSON.parse(text) as Record<string, unknown>;
	return (value.data ?? value) as Record<string, unknown>;
}

/** Records below some patients, one each. */
async function posted(step: Step, resource: string, body: object, pair: (id: string, patient: string) => Pair): Promise<Pair[]> {
	const pairs: Pair[] = [];
	for (const { id: patient = '' } of ofType(step, 'Patient').slice(0, made)) {
		const { uuid } = await send(step, `api/patient/${patient}/${resource}`, body);
		pairs.push(pair(String(uuid), patient));
	}
	return pairs;
}

async function booked(step: Step): Promise<Pair[]> {
	const pairs: Pair[] = [];
	for (const [i, { subject, participant, location }] of ofType(step, 'Encounter').slice(0, made).entries()) {
		const actors = [
			subject,
			(participant as { individual: Element }[])[0]?.individual,
			(location as { location: Element }[])[0]?.location,
		].map(linkIn);
		const day = new Date(Date.UTC(2035, 0, 1) + i * 86_400_000).toISOString().slice(0, 10);
		const { id } = await send(step, 'fhir/Appointment', {
			resourceType: 'Appointment',
			status: 'booked',
			start: `${day}T09:00:00Z`,
			end: `${day}T09:30:00Z`,
			participant: actors.map((reference) => ({ actor: { reference }, status: 'accepted' })),
		});
		const shown = `${included('Appointment', 'patient', 'practitioner', 'location')}&_include:iterate=Location:organization`;
		pairs.push({ record: `appointment/${id}`, beneath: [`Appointment?_id=${id}${shown}`] });
	}
	return pairs;
}

async function runStandardReads({ home, load, options }: Stage): Promise<Finding[]> {
	const found: Finding[] = [];
	const cpu = (): Promise<number> => cpuSeconds(home.heron.port);
	/** Processor time for what `each` requests of a pool tell together. */
	const lane = (name: string, each: number): Lane => ({
		name,
		async run() {
			const job = { port: home.heron.port, connections, seconds: options.seconds, run: name };
			const { outcome, cpu: used } = await costed(cpu, () => load.run(job));
			const failed = Object.values(outcome.failed).reduce((sum, some) => sum + some, 0);
			const { complaint } = outcome;
			return { value: used.value * each, ...(failed === 0 ? {} : { failed }), ...(complaint === undefined ? {} : { complaint }) };
		},
	});
	for (const { what, how, pairs } of kinds) {
		const all = await pairs(home);
		const [first] = all;
		if (first === undefined) continue;
		const { authorization } = home;
		load.define('record', { requests: all.map(({ record }) => requestBytes('GET', `/apis/default/api/${record}`, { authorization })) });
		load.define('beneath', { requests: all.flatMap(({ beneath }) => beneath.map((path) => get(home, path))) });
		const samples = await interleave([lane('record', 1), lane('beneath', first.beneath.length)], options.rounds);
		for (const name of ['record', 'beneath']) load.forget(name);
		found.push(
			finding({ workload: 'standard-reads', what: `${what}: Node CPU`, unit: 'µs' }, samples.record as Sample[], [
				{ to: how, samples: samples.beneath as Sample[], goal: { atMost: 1.5 } },
			]),
		);
	}
	return found;
}
