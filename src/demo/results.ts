// Orders and their results: laboratory panels, tests that answer in words, films and electrocardiograms.
import type { Resource } from '#fhir/resource.ts';
import { type Chart, ofVisit, type Visit } from './chart.ts';
import { type Analyte, type AnalyteName, analytes, type Panel, type PanelName, panels, wordTests } from './data/laboratory.ts';
import { type Coded, concept, hl7, home, type Link, linkTo, loinc, profiled, quantity, snomed } from './fhir.ts';
import { addFile, addPdf, type File } from './files.ts';
import { type Life, valuesOn } from './life.ts';
import { pictureOf } from './pictures.ts';
import { instantOf, later, type Moment } from './time.ts';

const specimens = {
	serum: { code: ['119364003', 'Serum specimen'], tube: 'Serum separator tube' },
	blood: { code: ['258580003', 'Whole blood specimen'], tube: 'EDTA tube' },
	urine: { code: ['122575003', 'Urine specimen'], tube: 'Urine cup' },
} as const;

const normal: Coded = ['N', 'Normal'];

/** Orders a panel, draws the specimen, and has the results back the same evening. Gives a line for the note. */
export function addPanel(life: Life, visit: Visit, name: PanelName): string {
	const { chart } = life;
	const panel: Panel = panels[name];
	const order = addOrder(chart, visit, panel.code, panel.title, 'laboratory');
	const specimen = addSpecimen(chart, visit, specimens[panel.specimen].code, specimens[panel.specimen].tube);
	const values = valuesOn(life, panel.analytes, visit.start.day);
	const results = [...values].map(([analyte, value]) => addValue(life, visit, analyte, value, specimen));
	addReport(chart, visit, {
		code: panel.code,
		title: panel.title,
		order,
		specimen,
		results: results.map(({ resource }) => resource),
		maker: laboratoryOf(chart),
	});
	return `${panel.title}: ${results.map(({ text }) => text).join(', ')}`;
}

/** A test whose answer is a finding; rapid ones are done by the nurse. */
export function addWordTest(chart: Chart, visit: Visit, name: keyof typeof wordTests): void {
	const { code, specimen: kind, answer, rapid } = wordTests[name];
	const order = addOrder(chart, visit, code, code[1], 'laboratory');
	const specimen = addSpecimen(chart, visit, kind, 'Sterile container');
	const maker = rapid ? { add: chart.add, performer: visit.nurse.link } : laboratoryOf(chart);
	const spoiled = chart.random.chance(0.12);
	const spelled = chart.random.chance(0.25);
	const result = maker.add({
		...labBase(chart, visit, code, specimen, maker),
		...(spoiled
			? { dataAbsentReason: concept(`${hl7}/data-absent-reason`, ['error', 'Error']), note: [{ text: 'The specimen leaked on the way.' }] }
			: spelled
				? { valueString: answer[1] }
				: { valueCodeableConcept: concept(snomed, answer) }),
		interpretation: [concept(`${hl7}/v3-ObservationInterpretation`, answer[0] === '260415000' ? normal : ['A', 'Abnormal'])],
		referenceRange: [{ text: 'Not detected' }],
	});
	addReport(chart, visit, { code, title: code[1], order, specimen, results: [result], maker });
}

/** Who makes results: what they make is signed for them. */
type Maker = { readonly add: Chart['add']; readonly performer: Link };

function laboratoryOf({ addFromLaboratory: add, world }: Chart): Maker {
	return { add, performer: world.practice.laboratory };
}

function labBase(chart: Chart, visit: Visit, code: Coded, specimen: Link, { performer }: Maker): Resource {
	return {
		resourceType: 'Observation',
		meta: profiled('us-core-observation-lab'),
		status: 'final',
		category: [concept(`${hl7}/observation-category`, ['laboratory', 'Laboratory'])],
		code: concept(loinc, code),
		...ofVisit(chart, visit),
		effectiveDateTime: instantOf(later(visit.start, 20)),
		issued: instantOf(later(visit.start, 400)),
		performer: [performer],
		specimen,
	};
}

function addValue(
	life: Life,
	visit: Visit,
	name: AnalyteName,
	value: number,
	specimen: Link,
): { readonly resource: Resource; readonly text: string } {
	const { code, display, unit, low, high }: Analyte = analytes[name];
	const flag: Coded = high !== undefined && value > high ? ['H', 'High'] : low !== undefined && value < low ? ['L', 'Low'] : normal;
	const resource = life.chart.addFromLaboratory({
		...labBase(life.chart, visit, [code, display], specimen, laboratoryOf(life.chart)),
		valueQuantity: quantity(value, unit),
		interpretation: [concept(`${hl7}/v3-ObservationInterpretation`, flag)],
		referenceRange: [
			{
				...(low === undefined ? {} : { low: quantity(low, unit) }),
				...(high === undefined ? {} : { high: quantity(high, unit) }),
				type: concept(`${hl7}/referencerange-meaning`, ['normal', 'Normal Range']),
			},
		],
	});
	const short = display.split(' [')[0] as string;
	return { resource, text: `${short} ${value} ${unit}${flag === normal ? '' : ` (${flag[1].toLowerCase()})`}` };
}

const orderKinds = {
	laboratory: ['108252007', 'Laboratory procedure'],
	imaging: ['363679005', 'Imaging'],
	procedure: ['387713003', 'Surgical procedure'],
	counseling: ['409063005', 'Counseling'],
	social: ['410606002', 'Social service procedure'],
} as const;

/** An order of a visit, https://hl7.org/fhir/us/core/STU8/StructureDefinition-us-core-servicerequest.html */
export function addOrder(
	chart: Chart,
	visit: Visit,
	code: Coded,
	title: string,
	kind: keyof typeof orderKinds,
	{ system = loinc, status = 'completed' }: { readonly system?: string; readonly status?: string } = {},
): Link {
	const span = kind === 'laboratory' ? { start: instantOf(visit.start), end: instantOf(visit.end) } : undefined;
	return linkTo(
		chart.add({
			resourceType: 'ServiceRequest',
			meta: profiled('us-core-servicerequest'),
			status,
			intent: 'order',
			category: [concept(snomed, orderKinds[kind])],
			priority: 'routine',
			code: concept(system, code, title),
			...ofVisit(chart, visit),
			...(span === undefined ? { occurrenceDateTime: instantOf(visit.end) } : { occurrencePeriod: span }),
			authoredOn: instantOf(later(visit.start, 15)),
			requester: visit.clinician.link,
			...whyOf(visit),
		}),
		title,
	);
}

/** An order that waits: what it is for is still to be done. */
export function addOpenOrder(chart: Chart, code: Coded, made: Moment, wanted: Moment): void {
	const { person } = chart;
	chart.add({
		resourceType: 'ServiceRequest',
		meta: profiled('us-core-servicerequest'),
		status: 'active',
		intent: 'order',
		category: [concept(snomed, orderKinds.procedure)],
		priority: 'routine',
		code: concept(snomed, code),
		subject: person.link,
		occurrenceDateTime: instantOf(wanted),
		authoredOn: instantOf(made),
		requester: person.clinician.link,
	});
}

/** Why something is ordered: the diagnosis once there is one, else what the visit is about. */
function whyOf({ encounter }: Visit): object {
	const { reasonReference, reasonCode } = encounter;
	return reasonReference === undefined ? { reasonCode } : { reasonReference };
}

function addSpecimen(chart: Chart, visit: Visit, code: Coded, tube: string): Link {
	const accession = `${visit.start.day}-${String(chart.random.below(100_000)).padStart(5, '0')}`;
	const specimen = chart.addFromLaboratory({
		resourceType: 'Specimen',
		meta: profiled('us-core-specimen'),
		identifier: [{ system: `${home}/specimen`, value: `S${accession}` }],
		accessionIdentifier: { system: `${home}/accession`, value: accession },
		status: 'available',
		type: concept(snomed, code),
		subject: chart.person.link,
		collection: {
			collector: visit.nurse.link,
			collectedDateTime: instantOf(later(visit.start, 20)),
			...(tube === 'EDTA tube' ? { bodySite: concept(snomed, ['368209003', 'Right upper arm structure']) } : {}),
		},
		container: [{ type: { text: tube } }],
		...(chart.random.chance(0.05) ? { condition: [concept(`${hl7}/v2-0493`, ['HEM', 'Hemolyzed'])] } : {}),
	});
	return linkTo(specimen, code[1]);
}

type Report = {
	readonly code: Coded;
	readonly title: string;
	readonly order: Link;
	readonly specimen: Link;
	readonly results: readonly Resource[];
	readonly maker: Maker;
};

function addReport(chart: Chart, visit: Visit, { code, title, order, specimen, results, maker }: Report): void {
	maker.add({
		resourceType: 'DiagnosticReport',
		meta: profiled('us-core-diagnosticreport-lab'),
		basedOn: [order],
		status: 'final',
		category: [concept(`${hl7}/v2-0074`, ['LAB', 'Laboratory'])],
		code: concept(loinc, code, title),
		...ofVisit(chart, visit),
		effectiveDateTime: instantOf(later(visit.start, 20)),
		issued: instantOf(later(visit.start, 400)),
		performer: [maker.performer],
		resultsInterpreter: [visit.clinician.link],
		specimen: [specimen],
		result: results.map((result) => linkTo(result)),
	});
}

const resultKinds = { imaging: 'Imaging', procedure: 'Procedure', laboratory: 'Laboratory' } as const;

type Study = {
	readonly category: Coded;
	readonly code: Coded;
	readonly title: string;
	readonly order: 'imaging' | 'procedure';
	readonly results: readonly { readonly code: Coded; readonly value: object }[];
	readonly kind: keyof typeof resultKinds;
	readonly text: string;
	readonly picture: 'chest' | 'ankle' | 'ecg' | 'slide';
};

const findings = (text: string): { readonly code: Coded; readonly value: object } => ({
	code: ['18782-3', 'Radiology Study observation (narrative)'],
	value: { valueString: text },
});
const impression = (text: string): { readonly code: Coded; readonly value: object } => ({
	code: ['19005-8', 'Radiology Imaging study [Impression] (narrative)'],
	value: { valueString: text },
});

const studies = {
	chest: {
		category: ['LP29684-5', 'Radiology'],
		code: ['30746-2', 'Portable XR Chest Views'],
		title: 'Chest film',
		order: 'imaging',
		kind: 'imaging',
		results: [findings('Heart of normal size. Lungs clear, no effusion.'), impression('No pneumonia.')],
		text: 'Chest film, two views. Heart of normal size. Lungs clear, no effusion, no pneumothorax. Impression: no pneumonia.',
		picture: 'chest',
	},
	ankle: {
		category: ['LP29684-5', 'Radiology'],
		code: ['24540-7', 'XR Ankle Views'],
		title: 'Ankle film',
		order: 'imaging',
		kind: 'imaging',
		results: [findings('Soft tissue swelling at the outer ankle. Joint in line.'), impression('No fracture.')],
		text: 'Ankle, three views. Soft tissue swelling at the outer ankle, joint in line. Impression: no fracture.',
		picture: 'ankle',
	},
	ecg: {
		category: ['LP29708-2', 'Cardiology'],
		code: ['11524-6', 'EKG study'],
		title: 'Electrocardiogram',
		order: 'procedure',
		kind: 'procedure',
		results: [
			{ code: ['8884-9', 'Heart rate rhythm'], value: { valueCodeableConcept: concept(snomed, ['49436004', 'Atrial fibrillation']) } },
			{ code: ['44973-6', 'QRS dur {EKG lead}'], value: { valueQuantity: quantity(92, 'ms') } },
			{
				code: ['44976-9', 'P-R interval {EKG lead}'],
				value: { dataAbsentReason: concept(`${hl7}/data-absent-reason`, ['not-applicable', 'Not Applicable']) },
			},
		],
		text: 'Electrocardiogram, twelve leads. Atrial fibrillation, ventricular rate in the 80s, QRS 92 ms, no acute ST changes.',
		picture: 'ecg',
	},
	polyp: {
		category: ['LP7839-6', 'Pathology'],
		code: ['11526-1', 'Pathology study'],
		title: 'Pathology of a colon polyp',
		order: 'procedure',
		kind: 'laboratory',
		results: [{ code: ['33756-8', 'Polyp size greatest dimension by CAP cancer protocols'], value: { valueQuantity: quantity(6, 'mm') } }],
		text: 'Colon polyp, snare removal. Tubular adenoma of 6 mm without high grade dysplasia, removed completely.',
		picture: 'slide',
	},
} as const satisfies Record<string, Study>;

/** A study with a picture, what was seen, and a report as text and as PDF. */
export function addStudy(chart: Chart, visit: Visit, name: keyof typeof studies): void {
	const study: Study = studies[name];
	const order = addOrder(chart, visit, study.code, study.title, study.order);
	const results = study.results.map(({ code, value }) =>
		chart.add({
			resourceType: 'Observation',
			meta: profiled(study.kind === 'laboratory' ? 'us-core-observation-lab' : 'us-core-observation-clinical-result'),
			status: 'final',
			category: [concept(`${hl7}/observation-category`, [study.kind, resultKinds[study.kind]])],
			code: concept(loinc, code),
			...ofVisit(chart, visit),
			effectiveDateTime: instantOf(later(visit.start, 25)),
			performer: [visit.clinician.link],
			...value,
		}),
	);
	const picture = addPicture(chart, visit, study);
	// The report and the document stand for the same file, https://hl7.org/fhir/us/core/STU8/clinical-notes.html
	const paragraphs = [study.text, `Read by ${visit.clinician.name}.`];
	const url = addPdf(chart, visit, study.title, paragraphs);
	const report = chart.add({
		resourceType: 'DiagnosticReport',
		meta: profiled('us-core-diagnosticreport-note'),
		basedOn: [order],
		status: 'final',
		category: [concept(loinc, study.category)],
		code: concept(loinc, study.code, study.title),
		...ofVisit(chart, visit),
		effectiveDateTime: instantOf(later(visit.start, 25)),
		issued: instantOf(later(visit.start, 120)),
		performer: [visit.clinician.link, visit.facility.organization],
		resultsInterpreter: [visit.clinician.link],
		result: results.map((result) => linkTo(result)),
		media: [{ comment: study.title, link: picture }],
		conclusion: study.results.length > 1 ? study.text.split('. ').at(-1) : study.text,
		presentedForm: [{ contentType: 'application/pdf', url, title: study.title }],
	});
	const file: File = {
		title: study.title,
		category: study.kind === 'imaging' ? 'Imaging report' : 'Lab Report',
		type: study.category[0] === 'LP7839-6' ? ['11526-1', 'Pathology study'] : ['18748-4', 'Diagnostic imaging study'],
		paragraphs,
		related: linkTo(report),
	};
	addFile(chart, visit, file, url);
}

function addPicture(chart: Chart, visit: Visit, { picture, title }: Study): Link {
	const image = pictureOf(picture);
	const media = chart.add({
		resourceType: 'Media',
		status: 'completed',
		type: concept(`${hl7}/media-type`, ['image', 'Image']),
		...ofVisit(chart, visit),
		createdDateTime: instantOf(later(visit.start, 25)),
		issued: instantOf(later(visit.start, 30)),
		operator: visit.nurse.link,
		content: { contentType: 'image/png', data: image.toString('base64'), title, creation: instantOf(later(visit.start, 25)) },
	});
	return linkTo(media, title);
}
