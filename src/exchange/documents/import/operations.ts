// $import-ccda, $match and $reconcile: C-CDA documents on their way in, over the API.
import { Problem } from '#base/problem.ts';
import { permit } from '#fhir/interactions/guard.ts';
import { define, input, output } from '#fhir/operations/define.ts';
import { answerParameters, badParameter, flagOf, missingParameter, textOf, textsOf } from '#fhir/operations/input.ts';
import type { Operation, OperationInput, OperationResult } from '#fhir/operations/operation.ts';
import { type Assignment, assign, type Decisions, decide, type Incoming, type Reviewed, receive, review } from './incoming.ts';
import { present } from './reading.ts';

const returned = [
	output('document', 'Reference', 'The DocumentReference under which it is kept, as it came.', { min: 1 }),
	output('known', 'boolean', 'Whether this document had come before; it is not stored twice.', { min: 1 }),
	output('state', 'code', 'unmatched (no patient yet), open (items wait for a decision) or done.', { min: 1 }),
	output('patient', 'Reference', 'The patient it is filed under.'),
	output('candidate', 'BackboneElement', 'Patients it could be about, with a grade (certain, probable, possible).', { max: '*' }),
	output(
		'section',
		'BackboneElement',
		'Each section: place, code, title, number of entries, keys of its items, whether only its words were kept.',
		{
			max: '*',
		},
	),
	output(
		'item',
		'BackboneElement',
		'Each fact: key, state (new, same, conflicting), decision, what of ours it is about, the differences, the resource.',
		{
			max: '*',
		},
	),
];

export const importCcda: Operation = {
	name: 'import-ccda',
	definition: define({
		id: 'DocumentReference-import-ccda',
		name: 'ImportCcda',
		title: 'Take in a C-CDA document',
		code: 'import-ccda',
		description:
			'Takes a C-CDA document (R1.1 or R2.1, from any vendor) as the body, keeps it as it came, files it under its patient or holds it until $match, and says section by section what it holds. Nothing but the document is added to the record until $reconcile decides, unless accept=new. When it is refused, nothing is kept; sent again, it is filed by what is said then.',
		affectsState: true,
		resource: ['DocumentReference'],
		type: true,
		parameter: [
			input('patient', 'id', 'Logical id of the patient it belongs to; without it the header is matched.'),
			input('create', 'boolean', 'Makes a new patient from the header when no patient is certain.'),
			input('confirm', 'boolean', 'Files it under `patient` although family name or date of birth differ.'),
			input('accept', 'code', '`new` takes over all that is new at once.'),
			...returned,
		],
	}),
	levels: { type: true },
	types: ['DocumentReference'],
	methods: ['POST'],
	rawBody: true,
	async run(ctx, given) {
		permit(ctx, 'DocumentReference', 'create');
		const body = await given.request.body(ctx.fhir.settings.bodyLimitBytes);
		if (body.length === 0)
			throw new Problem('invalid', 'document-missing', 'The body is empty; send the C-CDA document as application/xml.');
		const accept = textOf(given, 'accept');
		if (accept !== undefined && accept !== 'new') throw badParameter('accept', 'It can be new.');
		const patient = patientIn(given);
		const incoming = await receive(ctx, body, {
			...(patient === undefined ? {} : { patient }),
			create: flagOf(given, 'create') === true,
			confirm: flagOf(given, 'confirm') === true,
			acceptNew: accept === 'new',
		});
		return { ...answerOf(incoming), status: incoming.known ? 200 : 201 };
	},
};

export const matchDocument: Operation = {
	name: 'match',
	definition: define({
		id: 'DocumentReference-match',
		name: 'MatchDocument',
		title: 'File a held document under a patient',
		code: 'match',
		description: 'Says whose document it is: one of the patients we have, or a new one made from its header.',
		affectsState: true,
		resource: ['DocumentReference'],
		instance: true,
		parameter: [
			input('patient', 'id', 'Logical id of the patient.'),
			input('create', 'boolean', 'Makes a new patient from the header.'),
			input('confirm', 'boolean', 'Although family name or date of birth differ.'),
			...returned,
		],
	}),
	levels: { instance: true },
	types: ['DocumentReference'],
	methods: ['POST'],
	async run(ctx, given) {
		permit(ctx, 'DocumentReference', 'update');
		const id = given.id as string;
		await assign(ctx, id, assignmentOf(given));
		return answerOf(await review(ctx, id));
	},
};

export const reconcile: Operation = {
	name: 'reconcile',
	definition: define({
		id: 'DocumentReference-reconcile',
		name: 'ReconcileDocument',
		title: 'Go through an incoming document',
		code: 'reconcile',
		description:
			'GET says of each item whether it is new, the same as what the record has, or in conflict with it. POST takes items over (accept), puts them in place of ours (replace) or leaves them out (ignore), by their keys, all in one transaction and with Provenance.',
		affectsState: true,
		resource: ['DocumentReference'],
		instance: true,
		parameter: [
			input('accept', 'string', 'Key of an item to add to the record.', { max: '*' }),
			input('replace', 'string', 'Key of an item in conflict whose facts are to stand in place of ours.', { max: '*' }),
			input('ignore', 'string', 'Key of an item to leave out.', { max: '*' }),
			...returned,
		],
	}),
	levels: { instance: true },
	types: ['DocumentReference'],
	methods: ['GET', 'POST'],
	async run(ctx, given) {
		const id = given.id as string;
		if (given.request.method !== 'POST') return answerOf(await review(ctx, id));
		permit(ctx, 'DocumentReference', 'update');
		const decisions: Decisions = { accept: textsOf(given, 'accept'), replace: textsOf(given, 'replace'), ignore: textsOf(given, 'ignore') };
		if (Object.values(decisions).every((keys) => keys.length === 0))
			throw missingParameter('accept', 'Say what to accept, replace or ignore.');
		return answerOf(await decide(ctx, id, decisions));
	},
};

function patientIn(given: OperationInput): string | undefined {
	const text = textOf(given, 'patient')?.replace(/^Patient\//, '');
	if (text !== undefined && !/^[A-Za-z0-9.-]{1,64}$/.test(text)) throw badParameter('patient', 'It must be the id of a Patient.');
	return text;
}

function assignmentOf(given: OperationInput): Assignment {
	const patient = patientIn(given);
	if (patient !== undefined) return { patient, confirm: flagOf(given, 'confirm') === true };
	if (flagOf(given, 'create') === true) return { create: true };
	throw missingParameter('patient', 'Say which patient, or create=true.');
}

type Part = { readonly name: string; readonly [value: string]: unknown };

function answerOf({ document, known, state, patient, candidates, sections, items }: Incoming): OperationResult & { resource: object } {
	return {
		resource: answerParameters([
			{ name: 'document', valueReference: { reference: document } },
			{ name: 'known', valueBoolean: known },
			{ name: 'state', valueCode: state },
			...(patient === undefined ? [] : [{ name: 'patient', valueReference: { reference: `Patient/${patient}` } }]),
			...candidates.map(({ id, grade }) => ({
				name: 'candidate',
				part: [
					{ name: 'patient', valueReference: { reference: `Patient/${id}` } },
					{ name: 'grade', valueCode: grade },
				],
			})),
			...sections.map((section) => ({
				name: 'section',
				part: [
					{ name: 'place', valueString: section.place },
					...(section.code === undefined ? [] : [{ name: 'code', valueString: section.code }]),
					{ name: 'title', valueString: section.title },
					{ name: 'entries', valueInteger: section.entries },
					...section.items.map((key) => ({ name: 'item', valueString: key })),
					{ name: 'narrative-only', valueBoolean: section.narrativeOnly },
					...(section.narrative === undefined ? [] : [{ name: 'narrative', valueString: section.narrative }]),
				],
			})),
			...items.map(itemPart),
		]),
	};
}

function itemPart({ key, section, state, decision, existing, differences, refused, resource }: Reviewed): Part {
	return {
		name: 'item',
		part: [
			{ name: 'key', valueString: key },
			{ name: 'section', valueString: section },
			{ name: 'state', valueCode: state },
			...(decision === undefined ? [] : [{ name: 'decision', valueCode: decision }]),
			...(existing === undefined ? [] : [{ name: 'existing', valueReference: { reference: `${existing.resourceType}/${existing.id}` } }]),
			...differences.map(({ field, ours, theirs }) => ({
				name: 'difference',
				part: [
					{ name: 'field', valueString: field },
					{ name: 'ours', valueString: JSON.stringify(ours) },
					{ name: 'theirs', valueString: JSON.stringify(theirs) },
				],
			})),
			...refused.map((text) => ({ name: 'refused', valueString: text })),
			{ name: 'resource', resource: present(resource) },
		],
	};
}
