// Stays in the hospital next door, with what was done there, what was left in the body, and the discharge summary.
import type { Chart, Visit } from './chart.ts';
import { type Coded, concept, hl7, home, linkTo, profiled, snomed } from './fhir.ts';
import { addFile, addNote } from './files.ts';
import { endOf, type Life } from './life.ts';
import type { Trait } from './people.ts';
import type { Staff } from './practice.ts';
import { prescribe } from './prescriptions.ts';
import { type Day, dateOf, instantOf } from './time.ts';
import { addProcedure, participant } from './visits.ts';

type Stay = {
	readonly trait: Trait;
	readonly reason: Coded;
	readonly icd10: Coded;
	readonly type: Coded;
	readonly days: number;
	readonly disposition: Coded;
	readonly procedure?: Coded;
	readonly device?: { readonly code: Coded; readonly maker: string; readonly model: string; readonly di: string };
	/** What else was written, on which day of the stay, before the summary. */
	readonly notes: readonly { readonly type: Coded; readonly day: number; readonly minute: number; readonly text: string }[];
	readonly story: string;
};

const stays: readonly Stay[] = [
	{
		trait: 'heart',
		reason: ['84114007', 'Heart failure'],
		icd10: ['I50.23', 'Acute on chronic systolic (congestive) heart failure'],
		type: ['183452005', 'Encounter Inpatient'],
		days: 5,
		disposition: ['home', 'Home'],
		procedure: ['307280005', 'Implantation of cardiac pacemaker'],
		device: { code: ['14106009', 'Cardiac pacemaker'], maker: 'Northwind Cardiac', model: 'Pulse DR', di: '00844588003288' },
		notes: [
			{
				type: ['34111-5', 'Emergency department Note'],
				day: 0,
				minute: 630,
				text: 'Brought by ambulance with shortness of breath at rest since the night. Sits upright, rales to the middle of both lungs, legs swollen to the knees. Oxygen, furosemide by vein. Admitted to cardiology.',
			},
			{
				type: ['11488-4', 'Consult note'],
				day: 1,
				minute: 480,
				text: 'Asked about pauses on telemetry. Sinus arrest of up to four seconds with dizziness. A dual chamber pacemaker is advised and accepted.',
			},
			{
				type: ['11504-8', 'Surgical operation note'],
				day: 1,
				minute: 720,
				text: 'Dual chamber pacemaker by the left cephalic vein under local anesthesia. Thresholds and sensing good, pocket dry. No complication.',
			},
		],
		story:
			'Admitted with shortness of breath and swollen legs. Diuresis of 6 liters with furosemide by vein. Pauses of up to four seconds on telemetry; a dual chamber pacemaker was implanted on the second day without complication.',
	},
	{
		trait: 'bones',
		reason: ['239873007', 'Osteoarthritis of knee'],
		icd10: ['M17.11', 'Unilateral primary osteoarthritis, right knee'],
		type: ['183452005', 'Encounter Inpatient'],
		days: 3,
		disposition: ['snf', 'Skilled nursing facility'],
		procedure: ['609588000', 'Total knee replacement'],
		device: { code: ['109228008', 'Knee joint prosthesis'], maker: 'Alder Orthopedics', model: 'Stride II', di: '00886444551234' },
		notes: [
			{
				type: ['11488-4', 'Consult note'],
				day: 0,
				minute: 700,
				text: 'Seen before the operation by anesthesiology: walks two blocks, no chest pain. Spinal anesthesia agreed on.',
			},
			{
				type: ['11504-8', 'Surgical operation note'],
				day: 1,
				minute: 740,
				text: 'Total replacement of the right knee by a medial parapatellar approach, cemented. Tourniquet 62 minutes, blood loss 150 ml. Stable, bends to 120 degrees.',
			},
		],
		story:
			'Elective total replacement of the right knee under spinal anesthesia. Walked with a frame on the first day, bends the knee to 90 degrees. Wound dry. Rehabilitation follows.',
	},
	{
		trait: 'delivered',
		reason: ['77386006', 'Pregnant'],
		icd10: ['O80', 'Encounter for full-term uncomplicated delivery'],
		type: ['177184002', 'Normal delivery procedure (procedure)'],
		days: 2,
		disposition: ['home', 'Home'],
		procedure: ['177184002', 'Normal delivery procedure'],
		notes: [],
		story: 'Spontaneous labor at term, vaginal birth of a healthy boy. Blood loss 300 ml. Both well, breastfeeding begun.',
	},
];

/** Adds the stays of a person that the clinic knows of. */
export function addStays(life: Life): void {
	const { chart } = life;
	const { person, world, random } = chart;
	for (const stay of stays) {
		if (!person.traits.includes(stay.trait)) continue;
		let day = stay.trait === 'delivered' ? (person.delivery as number) : endOf(world, person) - random.between(200, 700);
		while (stay.trait !== 'delivered' && isSeenBetween(chart, day, day + stay.days)) day -= 7;
		addStay(life, stay, day);
	}
}

/** Whether there is a visit from one day to another: nobody comes from the hospital. */
function isSeenBetween({ resources }: Chart, from: Day, to: Day): boolean {
	return resources.some(({ resourceType, period }) => {
		const { start } = (period ?? {}) as { start?: string };
		return resourceType === 'Encounter' && start !== undefined && start.slice(0, 10) >= dateOf(from) && start.slice(0, 10) <= dateOf(to);
	});
}

function addStay(life: Life, stay: Stay, day: Day): void {
	const { chart } = life;
	const visit = admit(chart, stay, day);
	const condition = chart.add({
		resourceType: 'Condition',
		meta: profiled('us-core-condition-encounter-diagnosis'),
		clinicalStatus: concept(`${hl7}/condition-clinical`, ['resolved', 'Resolved']),
		verificationStatus: concept(`${hl7}/condition-ver-status`, ['confirmed', 'Confirmed']),
		category: [concept(`${hl7}/condition-category`, ['encounter-diagnosis', 'Encounter Diagnosis'])],
		code: {
			coding: [
				{ system: snomed, code: stay.reason[0], display: stay.reason[1] },
				{ system: 'http://hl7.org/fhir/sid/icd-10-cm', code: stay.icd10[0], display: stay.icd10[1] },
			],
			text: stay.reason[1],
		},
		subject: chart.person.link,
		encounter: visit.link,
		onsetDateTime: dateOf(day),
		abatementDateTime: dateOf(day + stay.days),
		recordedDate: dateOf(day),
		recorder: visit.clinician.link,
	});
	visit.encounter.reasonReference = [linkTo(condition)];
	const device = stay.device === undefined ? undefined : addDevice(chart, stay.device, day);
	if (stay.procedure !== undefined)
		addProcedure(chart, { ...visit, start: { day: day + Math.min(1, stay.days - 1), minute: 600 } }, stay.procedure, 90, {
			...(device === undefined
				? {}
				: {
						focalDevice: [
							{
								action: concept('http://hl7.org/fhir/device-action', ['implanted', 'Implanted']),
								manipulated: { reference: `Device/${device}` },
							},
						],
					}),
		});
	if (stay.trait === 'bones')
		prescribe(life, { ...visit, start: visit.end }, 'oxycodone', { days: 3, reason: condition, toldBy: visit.clinician.link });
	for (const { type, text, day: after, minute } of stay.notes) {
		const at = { day: day + after, minute };
		addNote(chart, { ...visit, start: at, end: at }, type, type[1], text);
	}
	const summary = [
		'DISCHARGE SUMMARY',
		`Admitted ${dateOf(day)}, discharged ${dateOf(day + stay.days)}.`,
		stay.story,
		`Discharged to: ${stay.disposition[1].toLowerCase()}. Follow-up at Lakeside within two weeks.`,
	];
	addNote(chart, visit, ['18842-5', 'Discharge summary'], 'Discharge summary', summary.join('\n\n'));
	addFile(chart, visit, {
		title: 'Discharge letter',
		category: 'Medical Record',
		type: ['18842-5', 'Discharge summary'],
		paragraphs: summary.slice(1),
	});
	chart.sign(visit.end, visit.clinician.link, visit.facility.organization);
}

function admit(chart: Chart, stay: Stay, day: Day): Visit {
	const { world, person } = chart;
	const facility = world.practice.hospital;
	const [clinician] =
		stay.trait === 'heart'
			? world.practice.caring('heart', 0)
			: stay.trait === 'delivered'
				? world.practice.caring('women', 0)
				: [person.clinician];
	const [nurse] = world.practice.caring('nurse', 0);
	const start = { day, minute: 615 };
	const end = { day: day + stay.days, minute: 660 };
	const encounter = chart.add({
		resourceType: 'Encounter',
		meta: profiled('us-core-encounter'),
		identifier: [{ use: 'official', system: `${home}/encounter`, value: `H${person.n}-${day}` }],
		status: 'finished',
		class: { system: `${hl7}/v3-ActCode`, code: 'IMP', display: 'inpatient encounter' },
		type: [concept(snomed, stay.type)],
		subject: person.link,
		participant: [participant((clinician as Staff).link, start, end)],
		period: { start: instantOf(start), end: instantOf(end) },
		length: { value: stay.days, unit: 'days', system: 'http://unitsofmeasure.org', code: 'd' },
		reasonCode: [concept(snomed, stay.reason)],
		hospitalization: { dischargeDisposition: concept(`${hl7}/discharge-disposition`, stay.disposition) },
		location: [{ location: facility.location, status: 'completed' }],
		serviceProvider: facility.organization,
	});
	return { encounter, link: linkTo(encounter), start, end, clinician: clinician as Staff, nurse: nurse as Staff, facility };
}

/** https://hl7.org/fhir/us/core/STU8/StructureDefinition-us-core-implantable-device.html */
function addDevice(chart: Chart, { code, maker, model, di }: NonNullable<Stay['device']>, day: Day): string {
	const { random } = chart;
	const made = day - random.between(100, 300);
	const expires = made + 5 * 365;
	const [lot, serial] = [`${random.between(1000, 9999)}B`, `SN${random.between(100_000, 999_999)}`];
	const short = (date: string): string => date.replaceAll('-', '').slice(2);
	const [madeOn, expiresOn] = [dateOf(made), dateOf(expires)];
	const device = chart.add({
		resourceType: 'Device',
		meta: profiled('us-core-implantable-device'),
		udiCarrier: [
			{
				deviceIdentifier: di,
				issuer: 'http://hl7.org/fhir/NamingSystem/gs1-di',
				jurisdiction: 'http://hl7.org/fhir/NamingSystem/fda-udi',
				carrierHRF: `(01)${di}(11)${short(madeOn)}(17)${short(expiresOn)}(10)${lot}(21)${serial}`,
				entryType: 'barcode',
			},
		],
		status: 'active',
		distinctIdentifier: `${di}${serial}`,
		manufacturer: maker,
		manufactureDate: madeOn,
		expirationDate: expiresOn,
		lotNumber: lot,
		serialNumber: serial,
		deviceName: [{ name: `${maker} ${model}`, type: 'model-name' }],
		type: concept(snomed, code),
		patient: chart.person.link,
		safety: [{ text: 'Safe in a magnetic resonance scanner under conditions' }],
	});
	return device.id as string;
}
