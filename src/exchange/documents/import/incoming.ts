// A document that came in: taken, given to a patient, and gone through item by item. Its state is a Task that points to it; the items are
// read from the stored document each time, so there is no second copy of them that could differ.
import { createHash } from 'node:crypto';
import { Problem } from '#base/problem.ts';
import { restoreBody } from '#fhir/binary/binary.ts';
import type { FhirCtx } from '#fhir/ctx.ts';
import { read } from '#fhir/interactions/read.ts';
import type { Resource } from '#fhir/resource.ts';
import { escaped } from '#fhir/search/escape.ts';
import { parseJson } from '#fhir/wire/json.ts';
import { checked } from './check.ts';
import { type Comparison, compareAll } from './compare.ts';
import type { Header } from './header.ts';
import { type Candidate, candidatesFor } from './matching.ts';
import { decisionUnknown, documentUnknown, noPatient, patientDiffers, patientSettled, unmatched } from './problems.ts';
import { type ReadDocument, readCcda } from './read.ts';
import { type Item, patientUrn, present } from './reading.ts';
import { findAll, resourceIn, type Step, writeTogether } from './record.ts';

const taskSystem = 'https://heron-ehr.org/fhir/CodeSystem/task';
const taskCode = 'incoming-document';

export type State = 'unmatched' | 'open' | 'done';
const statusOfTask: Readonly<Record<State, string>> = { unmatched: 'requested', open: 'in-progress', done: 'completed' };

/** What was decided about an item: taken over, put in place of ours, or left out. */
export type Decision = 'accept' | 'replace' | 'ignore';

export type Reviewed = Item & Comparison & { readonly decision: Decision | undefined; readonly refused: readonly string[] };

export type Incoming = {
	/** Reference of the DocumentReference. */
	readonly document: string;
	readonly task: Resource;
	readonly state: State;
	readonly patient: string | undefined;
	readonly candidates: readonly Candidate[];
	readonly items: readonly Reviewed[];
	readonly sections: ReadDocument['sections'];
	/** Whether the same document had come before. */
	readonly known: boolean;
};

export type Receiving = {
	/** Logical id of the patient it belongs to. */
	readonly patient?: string;
	/** Makes a patient from the document when none of ours is certain. */
	readonly create?: boolean;
	/** Takes over all that is new at once. */
	readonly acceptNew?: boolean;
	/** Files it under `patient` although name or date of birth differ. */
	readonly confirm?: boolean;
};

/**
 * Takes a document: stores it as it came, finds its patient or holds it, and says what is in it. A document that came before is not stored
 * again. Throws Problem invalid for what is no C-CDA (see readCcda) and `document-without-patient`, conflict `document-patient-differs` when
 * it is about somebody else than `patient`, and what a read of the patient and a write of the resources throw: nothing is stored then.
 */
export async function receive(ctx: FhirCtx, bytes: Buffer, options: Receiving = {}): Promise<Incoming> {
	const parsed = parse(ctx, bytes);
	const known = await knownDocument(ctx, parsed.header, bytes);
	if (known?.subject !== undefined && options.patient !== undefined && subjectOf(known) !== options.patient) throw patientSettled();
	const filing = known?.subject === undefined ? await filingFor(ctx, parsed, options) : undefined;
	const id = known?.id ?? (await store(ctx, bytes, parsed, filing));
	if (known !== undefined && filing !== undefined) await file(ctx, await load(ctx, id, parsed), filing);
	const incoming = await review(ctx, id, parsed);
	const accept = incoming.items
		.filter(({ state, refused, decision }) => state === 'new' && refused.length === 0 && decision === undefined)
		.map(({ key }) => key);
	const isOpen = incoming.patient !== undefined && incoming.state !== 'done';
	const takesOver = options.acceptNew === true || !incoming.items.some(isLeft);
	const decided = isOpen && takesOver ? await decide(ctx, id, options.acceptNew === true ? { accept } : {}, parsed) : incoming;
	return { ...decided, known: known !== undefined };
}

/** Where a document that comes goes, as far as that is sure. */
async function filingFor(ctx: FhirCtx, parsed: Parsed, { patient, create, confirm = false }: Receiving): Promise<Filing | undefined> {
	const certain = patient ?? (await certainPatient(ctx, parsed));
	if (certain !== undefined) return filingOf(ctx, parsed, { patient: certain, confirm });
	return create === true ? filingOf(ctx, parsed, { create: true }) : undefined;
}

/** Keeps the document, and files it, in one transaction. Gives the id of its DocumentReference. */
async function store(ctx: FhirCtx, bytes: Buffer, parsed: Parsed, filing: Filing | undefined): Promise<string> {
	const binary: Step = {
		fullUrl: 'urn:uuid:00000000-0000-4000-8000-000000000002',
		resource: { resourceType: 'Binary', contentType: 'application/xml', data: bytes.toString('base64') },
		request: { method: 'POST', url: 'Binary' },
	};
	const made = documentReference(parsed, bytes, binary.fullUrl as string, ctx.clock.now().toISOString());
	const reference: Step = {
		fullUrl: 'urn:uuid:00000000-0000-4000-8000-000000000003',
		resource: filing === undefined ? made : filedUnder(ctx, made, filing),
		request: { method: 'POST', url: 'DocumentReference' },
	};
	const held = taskOf(ctx, reference.fullUrl as string);
	const task: Step = {
		resource: filing === undefined ? held : opened(ctx, held, parsed, filing),
		request: { method: 'POST', url: 'Task' },
	};
	const [document = ''] = await writeTogether(ctx, [reference, binary, task, ...(filing?.steps ?? [])]);
	return document.slice('DocumentReference/'.length);
}

/** A document as it was read, and of each item whether it can be stored. */
type Parsed = Omit<ReadDocument, 'items'> & { readonly items: readonly (Item & { readonly refused: readonly string[] })[] };

function parse(ctx: FhirCtx, bytes: Buffer): Parsed {
	const read = readCcda(bytes);
	const items = read.items.map((item) => {
		const { resource, errors } = checked(ctx.fhir.validator, item.resource);
		return { ...item, resource, refused: errors.map(({ path, text }) => `${path ?? resource.resourceType}: ${text}`) };
	});
	return { ...read, items };
}

async function knownDocument(ctx: FhirCtx, { identifier }: Header, bytes: Buffer): Promise<(Resource & { id: string }) | undefined> {
	if (identifier === undefined) return undefined;
	const { system, value } = identifier;
	const found = await findAll(ctx, 'DocumentReference', [
		['identifier', `${system}|${escaped(value)}`],
		['_tag', `${taskSystem}|${taskCode}`],
	]);
	const hash = hashOf(bytes);
	return found.find((one): one is Resource & { id: string } => JSON.stringify(one.content).includes(hash));
}

function hashOf(bytes: Buffer): string {
	return createHash('sha1').update(bytes).digest('base64');
}

/** https://hl7.org/fhir/us/core/StructureDefinition-us-core-documentreference.html */
function documentReference({ header, document }: Parsed, bytes: Buffer, url: string, now: string): Resource {
	const { identifier, type, date, author, custodian, confidentiality, title } = header;
	return present({
		resourceType: 'DocumentReference',
		meta: { tag: [{ system: taskSystem, code: taskCode }] },
		masterIdentifier: identifier,
		identifier: identifier === undefined ? [] : [identifier],
		status: 'current',
		type,
		category: [
			{
				coding: [
					{
						system: 'http://hl7.org/fhir/us/core/CodeSystem/us-core-documentreference-category',
						code: 'clinical-note',
						display: 'Clinical Note',
					},
				],
			},
		],
		date: date?.includes('T') ? date : now,
		author: author === undefined ? [] : [author],
		custodian: custodian === undefined ? undefined : { display: custodian },
		description: title,
		securityLabel:
			confidentiality === undefined
				? []
				: [{ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality', code: confidentiality }] }],
		content: [
			{
				attachment: present({ contentType: 'application/xml', url, size: bytes.length, hash: hashOf(bytes), title, creation: date }),
				format: {
					system: 'http://ihe.net/fhir/ihe.formatcode.fhir/CodeSystem/formatcode',
					code: document.unstructured === undefined ? 'urn:hl7-org:sdwg:ccda-structuredBody:2.1' : 'urn:hl7-org:sdwg:ccda-nonXMLBody:2.1',
				},
			},
		],
	});
}

function taskOf(ctx: FhirCtx, focus: string): Resource {
	const now = ctx.clock.now().toISOString();
	return {
		resourceType: 'Task',
		status: statusOfTask.unmatched,
		businessStatus: { text: 'unmatched' },
		intent: 'order',
		code: { coding: [{ system: taskSystem, code: taskCode, display: 'Go through an incoming document' }] },
		focus: { reference: focus },
		authoredOn: now,
		lastModified: now,
	};
}

async function certainPatient(ctx: FhirCtx, { patient }: Parsed): Promise<string | undefined> {
	if (patient === undefined) return undefined;
	const certain = (await candidatesFor(ctx, patient)).filter(({ grade }) => grade === 'certain');
	return certain.length === 1 ? certain[0]?.id : undefined;
}

export type Assignment = { readonly patient: string; readonly confirm?: boolean } | { readonly create: true };

/** What filing a document under a patient takes: who that is, and what is to be written first. */
type Filing = { readonly subject: string; readonly steps: readonly Step[] };

/**
 * Files a held document under a patient, or under one made from its header. Throws Problem conflict `document-patient-settled` when it has a
 * patient already, `document-patient-differs` when the names or dates of birth do, invalid `document-without-patient`.
 */
export async function assign(ctx: FhirCtx, documentId: string, assignment: Assignment): Promise<void> {
	const loaded = await load(ctx, documentId);
	if (loaded.reference.subject !== undefined) throw patientSettled();
	await file(ctx, loaded, await filingOf(ctx, loaded.parsed, assignment));
}

async function file(ctx: FhirCtx, { reference, task, parsed }: Loaded, filing: Filing): Promise<void> {
	await writeTogether(ctx, [...filing.steps, updateOf(filedUnder(ctx, reference, filing)), updateOf(opened(ctx, task, parsed, filing))]);
}

async function filingOf(ctx: FhirCtx, { patient }: Parsed, assignment: Assignment): Promise<Filing> {
	if ('create' in assignment) {
		if (patient === undefined) throw noPatient();
		const resource = checked(ctx.fhir.validator, patient).resource;
		return { subject: patientUrn, steps: [{ fullUrl: patientUrn, resource, request: { method: 'POST', url: 'Patient' } }] };
	}
	const ours = resourceIn(await read(ctx, 'Patient', assignment.patient));
	if (assignment.confirm !== true && patient !== undefined && differs(patient, ours)) throw patientDiffers();
	return { subject: `Patient/${assignment.patient}`, steps: [] };
}

function filedUnder(ctx: FhirCtx, reference: Resource, { subject }: Filing): Resource {
	return checked(ctx.fhir.validator, { ...reference, subject: { reference: subject } }).resource;
}

function opened(ctx: FhirCtx, task: Resource, { items }: Parsed, { subject }: Filing): Resource {
	return { ...stated(ctx, task, items.length === 0 ? 'done' : 'open'), for: { reference: subject } };
}

function differs(theirs: Resource, ours: Resource): boolean {
	if (theirs.birthDate !== undefined && ours.birthDate !== undefined && theirs.birthDate !== ours.birthDate) return true;
	const families = (patient: Resource) =>
		((patient.name as { family?: string }[] | undefined) ?? [])
			.map(({ family }) => family?.toLowerCase())
			.filter((one) => one !== undefined);
	const known = families(ours);
	return known.length > 0 && families(theirs).length > 0 && !families(theirs).some((family) => known.includes(family));
}

function stated(ctx: FhirCtx, task: Resource, state: State): Resource {
	return { ...task, status: statusOfTask[state], businessStatus: { text: state }, lastModified: ctx.clock.now().toISOString() };
}

/** An update of what was read: whoever was faster wins, and this is refused. */
function updateOf(resource: Resource): Step {
	const { meta, ...rest } = resource;
	const { versionId, lastUpdated: _, ...kept } = meta ?? {};
	return {
		resource: (Object.keys(kept).length === 0 ? rest : { ...rest, meta: kept }) as Resource,
		request: {
			method: 'PUT',
			url: `${resource.resourceType}/${resource.id}`,
			...(versionId === undefined ? {} : { ifMatch: `W/"${versionId}"` }),
		},
	};
}

type Loaded = { readonly reference: Resource; readonly task: Resource; readonly parsed: Parsed };

/** `sent` is the document as it came with this request, which need not be read again. */
async function load(ctx: FhirCtx, documentId: string, sent?: Parsed): Promise<Loaded> {
	const reference = resourceIn(await read(ctx, 'DocumentReference', documentId));
	const [task] = await findAll(ctx, 'Task', [
		['focus', `DocumentReference/${documentId}`],
		['code', `${taskSystem}|${taskCode}`],
	]);
	const url = (reference.content as { attachment?: { url?: string } }[] | undefined)?.[0]?.attachment?.url;
	if (task === undefined || url === undefined) throw documentUnknown();
	if (sent !== undefined) return { reference, task, parsed: sent };
	const binary = parseJson(Buffer.from(await restoreBody(ctx.fhir, await read(ctx, 'Binary', url.replace(/^.*Binary\//, ''))))) as Resource;
	return { reference, task, parsed: parse(ctx, Buffer.from(binary.data as string, 'base64')) };
}

/** What a document that came in holds, and what of it was decided. Throws Problem not-found `document-not-incoming` for any other. */
export async function review(ctx: FhirCtx, documentId: string, sent?: Parsed): Promise<Incoming> {
	return reviewOf(ctx, documentId, await load(ctx, documentId, sent));
}

async function reviewOf(ctx: FhirCtx, documentId: string, { reference, task, parsed }: Loaded): Promise<Incoming> {
	const patient = subjectOf(reference);
	const compared: readonly Comparison[] =
		patient === undefined ? parsed.items.map(() => ({ state: 'new', differences: [] })) : await compareAll(ctx, patient, parsed.items);
	const decisions = decisionsOf(task);
	const items = parsed.items.map(
		(item, index): Reviewed => ({ ...item, ...(compared[index] as Comparison), decision: decisions.get(item.key) }),
	);
	return {
		document: `DocumentReference/${documentId}`,
		task,
		state: (Object.keys(statusOfTask) as State[]).find((state) => statusOfTask[state] === task.status) ?? 'open',
		patient,
		candidates: patient === undefined && parsed.patient !== undefined ? await candidatesFor(ctx, parsed.patient) : [],
		items,
		sections: parsed.sections,
		known: false,
	};
}

function subjectOf({ subject }: Resource): string | undefined {
	return (subject as { reference?: string } | undefined)?.reference?.replace(/^Patient\//, '');
}

function decisionsOf(task: Resource): Map<string, Decision> {
	const outputs = (task.output as { type: { text: Decision }; valueString: string }[] | undefined) ?? [];
	return new Map(outputs.map(({ type, valueString }) => [valueString, type.text]));
}

/** Keys of items by what is to be done with them. */
export type Decisions = { readonly [decision in Decision]?: readonly string[] };

/**
 * Carries out decisions in one transaction, with a Provenance that names the document as the source. An item is decided once; what is the
 * same as ours needs no decision. Throws Problem invalid `document-item-unknown`, `document-item-refused`, conflict `document-unmatched` when
 * it has no patient yet, and stale when somebody else decided at the same time.
 */
export async function decide(ctx: FhirCtx, documentId: string, decisions: Decisions, sent?: Parsed): Promise<Incoming> {
	const loaded = await load(ctx, documentId, sent);
	const incoming = await reviewOf(ctx, documentId, loaded);
	if (incoming.patient === undefined) throw unmatched();
	const byKey = new Map(incoming.items.map((item) => [item.key, item]));
	const chosen = (['accept', 'replace', 'ignore'] as const).flatMap((decision) =>
		(decisions[decision] ?? []).map((key) => {
			const item = byKey.get(key);
			if (item === undefined || item.decision !== undefined) throw decisionUnknown(key, item?.decision);
			if (decision !== 'ignore' && item.refused.length > 0)
				throw new Problem('invalid', 'document-item-refused', `The item ${key} cannot be stored: ${item.refused[0]}`);
			if (decision === 'replace' && item.existing?.resourceType !== item.resource.resourceType) throw decisionUnknown(key, undefined);
			return { item, decision };
		}),
	);
	const references = referencesOf(incoming.items, chosen, incoming.patient);
	const writes = chosen.filter(({ item, decision }) => decision !== 'ignore' && !(decision === 'accept' && item.state === 'same'));
	const steps = writes.map(({ item, decision }): Step => {
		const resource = relinked(item.resource, references) as Resource;
		if (decision === 'replace') return updateOf(merged(item.existing as Resource, resource));
		return { fullUrl: item.fullUrl, resource, request: { method: 'POST', url: resource.resourceType } };
	});
	if (steps.length > 0) steps.push(provenanceOf(ctx, loaded, steps));
	const output = [
		...((loaded.task.output as object[] | undefined) ?? []),
		...chosen.map(({ item, decision }) => ({ type: { text: decision }, valueString: item.key })),
	];
	const left = incoming.items.filter((one) => isLeft(one) && !chosen.some(({ item }) => item.key === one.key));
	steps.push(updateOf({ ...stated(ctx, loaded.task, left.length === 0 ? 'done' : 'open'), ...(output.length === 0 ? {} : { output }) }));
	await writeTogether(ctx, steps);
	return review(ctx, documentId, loaded.parsed);
}

/** Whether somebody has to decide about an item. */
function isLeft({ state, refused, decision }: Reviewed): boolean {
	return state !== 'same' && refused.length === 0 && decision === undefined;
}

/** What each urn of the document becomes: what is written now keeps it, what we have is ours, the rest has no reference. */
function referencesOf(
	items: readonly Reviewed[],
	chosen: readonly { item: Reviewed; decision: Decision }[],
	patient: string,
): ReadonlyMap<string, string> {
	const references = new Map([[patientUrn, `Patient/${patient}`]]);
	const written = new Set(
		chosen.filter(({ decision, item }) => decision === 'accept' && item.state !== 'same').map(({ item }) => item.fullUrl),
	);
	for (const { fullUrl, existing } of items) {
		if (written.has(fullUrl)) references.set(fullUrl, fullUrl);
		else if (existing !== undefined) references.set(fullUrl, `${existing.resourceType}/${existing.id}`);
	}
	return references;
}

/** The value with its urns replaced; references to what is not there are left out, with what would be empty without them. */
function relinked(value: unknown, references: ReadonlyMap<string, string>): unknown {
	if (Array.isArray(value)) {
		const list = value.map((one) => relinked(one, references)).filter((one) => one !== undefined);
		return list.length === 0 && value.length > 0 ? undefined : list;
	}
	if (value === null || typeof value !== 'object' || value instanceof Number) return value;
	const entries = Object.entries(value).flatMap(([name, one]): [string, unknown][] => {
		if (name === 'reference' && typeof one === 'string' && one.startsWith('urn:uuid:')) {
			const reference = references.get(one);
			return reference === undefined ? [] : [[name, reference]];
		}
		const made = relinked(one, references);
		return made === undefined ? [] : [[name, made]];
	});
	return entries.length === 0 && Object.keys(value).length > 0 ? undefined : Object.fromEntries(entries);
}

/** Ours with what the document says otherwise, under our id and with the identifiers of both. */
function merged(ours: Resource, theirs: Resource): Resource {
	const { meta: _, identifier, extension, ...facts } = theirs;
	const list = (a: unknown, b: unknown) => {
		const all = [...((a as object[] | undefined) ?? []), ...((b as object[] | undefined) ?? [])];
		return all.filter((one, index) => all.findIndex((other) => JSON.stringify(other) === JSON.stringify(one)) === index);
	};
	return present({ ...ours, ...facts, identifier: list(ours.identifier, identifier), extension: list(ours.extension, extension) });
}

/** https://hl7.org/fhir/us/core/StructureDefinition-us-core-provenance.html */
function provenanceOf(ctx: FhirCtx, { reference, parsed }: Loaded, steps: readonly Step[]): Step {
	const { author, custodian } = parsed.header;
	const kind = (code: string) => ({ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/provenance-participant-type', code }] });
	const organization = custodian === undefined ? undefined : { type: 'Organization', display: custodian };
	const by = ctx.caller.fhirUser === undefined ? { display: ctx.caller.name } : { reference: ctx.caller.fhirUser };
	return {
		resource: {
			resourceType: 'Provenance',
			target: steps.map(({ fullUrl, request }) => ({ reference: fullUrl ?? request.url })),
			recorded: ctx.clock.now().toISOString(),
			activity: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-DataOperation', code: 'CREATE' }] },
			agent: [
				present({ type: kind('author'), who: author ?? organization ?? { display: 'Unknown' }, onBehalfOf: organization }),
				present({ type: kind('assembler'), who: by, onBehalfOf: undefined }),
			],
			entity: [{ role: 'source', what: { reference: `DocumentReference/${reference.id}` } }],
		},
		request: { method: 'POST', url: 'Provenance' },
	};
}
