// document ↔ DocumentReference (https://hl7.org/fhir/R4/documentreference.html), filed and fetched by the rules of clinic/documents.
import { type Category, categoryAt, categorySystem, pathOf, readCategories } from '#clinic/documents/categories.ts';
import { usualTypes } from '#clinic/documents/content.ts';
import { fetchDocument } from '#clinic/documents/fetch.ts';
import { type DocumentRules, fileDocument } from '#clinic/documents/file.ts';
import type { FhirCtx } from '#fhir/ctx.ts';
import type { Resource, Stored } from '#fhir/resource.ts';
import type { Pair } from '#fhir/search/escape.ts';
import { type Form, readForm, type UploadedFile } from '#http/multipart.ts';
import { wholeDate } from './codec.ts';
import { list } from './list.ts';
import { field, type Mapping } from './mapping.ts';
import { at, isNode, type Place, which } from './place.ts';
import { json } from './problems.ts';
import { changeResource, type Found, type Shown, shown } from './records.ts';
import { find } from './references.ts';
import type { Answer, Call, StandardRow } from './row.ts';
import { isDate } from './rules.ts';
import { readingOf, signing } from './write.ts';

const name = 'document';

/** What may be filed when nothing is set. */
export const usualDocumentRules: DocumentRules = { limitBytes: 50 * 1024 * 1024, types: usualTypes };

const attachment = (element: string): Place => at('content', 0, 'attachment', element);
const created = attachment('creation');
const filed = at('date');

/** The day that the document is from; when nobody said, the day it was filed. */
const documentDay: Place = {
	path: `${created.path} | ${filed.path}`,
	get: (resource) => {
		const date = created.get(resource) ?? filed.get(resource);
		return date === undefined ? undefined : wholeDate(String(date));
	},
	set: created.set,
};

const isReadOnly = true;

export const documentMapping: Mapping = {
	resource: name,
	type: 'DocumentReference',
	numbers: ['id'],
	uuids: ['uuid'],
	fields: [
		field('filename', attachment('title'), { isReadOnly, note: 'the name of the file that was sent' }),
		field('mimetype', attachment('contentType'), { isReadOnly, filter: { param: 'contenttype' } }),
		field('docdate', documentDay, { kind: 'date', isReadOnly, sort: 'date' }),
		field('hash', attachment('hash'), { isReadOnly, note: 'SHA-1 in base64' }),
		field('size', attachment('size'), { kind: 'integer', isReadOnly, note: 'bytes' }),
		field('category', at('category', which({ coding: [{ system: categorySystem }] }), 'text'), { isReadOnly }),
		field('eid', at('context', 'encounter', 0, 'reference'), { to: ['Encounter'], isReadOnly }),
	],
	make: () => ({ resourceType: 'DocumentReference', status: 'current' }),
};

/** Documents as they are shown: with the path of their category. */
async function showDocuments(ctx: FhirCtx, categories: readonly Category[], found: readonly Found[]): Promise<Shown[]> {
	const resources = found.map(readingOf);
	const records = await shown(ctx, documentMapping, found, resources);
	return records.map((record, i) => {
		const code = codeIn(resources[i] as Resource);
		return { ...record, path: code === undefined ? '' : (pathOf(code, categories) ?? '') };
	});
}

function codeIn({ category }: Resource): string | undefined {
	const concepts = Array.isArray(category) ? category.filter(isNode) : [];
	const codings = concepts.flatMap(({ coding }) => (Array.isArray(coding) ? coding.filter(isNode) : []));
	const code = codings.find(({ system }) => system === categorySystem)?.code;
	return typeof code === 'string' ? code : undefined;
}

/** What is wrong, as OpenEMR words it on these routes: a list of sentences for a field. */
function refused(field: string, text: string, status = 400): Answer {
	return { status, data: { validationErrors: { [field]: [text] } } };
}

const noPatient = refused('pid', 'Invalid pid');
const noDocument = refused('did', 'Invalid did');

type Run = (ctx: FhirCtx, call: Call, patient: Stored) => Promise<Answer>;

/** The run of a row below a patient. */
function ofPatient(run: Run): StandardRow['run'] {
	return async (ctx, call) => {
		const patient = await find(ctx, 'Patient', call.params.pid as string);
		return patient === undefined ? noPatient : run(ctx, call, patient);
	};
}

const listed: Run = async (ctx, call, patient) => {
	const categories = await readCategories(ctx);
	const criteria: Pair[] = [
		['patient', `Patient/${patient.id}`],
		['status:not', 'entered-in-error'],
	];
	const asked = new Map(call.query);
	const path = asked.get('path') ?? '';
	if (path !== '') {
		const category = categoryAt(path, categories);
		if (category === undefined) return noCategory(path);
		criteria.push(['category', `${categorySystem}|${category.code}`]);
	}
	const visit = asked.get('eid') ?? '';
	if (visit !== '') {
		const encounter = await find(ctx, 'Encounter', visit);
		if (encounter === undefined) return refused('eid', 'Invalid eid');
		criteria.push(['encounter', `Encounter/${encounter.id}`]);
	}
	if (!asked.has('_sort')) criteria.push(['_sort', '-date']);
	const { records, links } = await list(ctx, documentMapping, call, {
		criteria,
		show: (own, found) => showDocuments(own, categories, found),
	});
	return { data: records, links };
};

function noCategory(path: string): Answer {
	return refused('path', `There is no category of documents "${path.slice(0, 120)}"`, 404);
}

/** Files what a form has in the field `document` or `file`; `path`, `date` and `eid` are fields of the form or of the address. */
function filing(rules: DocumentRules): Run {
	return async (ctx, { query, request }, patient) => {
		const form = await readForm(request, rules.limitBytes);
		const asked = new Map(query);
		const given = (field: string): string => (form.fields.get(field) ?? asked.get(field) ?? '').trim();
		const file = fileIn(form);
		if (file === undefined) return refused('document', 'A valid document file is required');
		const [path, date, visit] = [given('path'), given('date'), given('eid')];
		if (path === '') return refused('path', 'The path of a category is required');
		const category = categoryAt(path, await readCategories(ctx));
		if (category === undefined) return noCategory(path);
		if (date !== '' && !isDate(date)) return refused('date', 'date must be a valid date');
		const encounter = visit === '' ? undefined : await find(ctx, 'Encounter', visit);
		if (visit !== '' && encounter === undefined) return refused('eid', 'Invalid eid');
		const stored = await fileDocument(ctx, {
			rules,
			patient: patient.id,
			category,
			name: file.name,
			bytes: file.bytes,
			...(date === '' ? {} : { date }),
			...(encounter === undefined ? {} : { encounter: encounter.id }),
			settle: signing(ctx),
		});
		return { data: true, raw: json(200, true, { location: `${request.path}/${stored.rid}` }), about: stored };
	};
}

function fileIn({ files }: Form): UploadedFile | undefined {
	return files.find(({ field }) => field === 'document') ?? files.find(({ field }) => field === 'file');
}

/** The document that a number or UUID names, when it is one of the patient's. */
async function findDocument(ctx: FhirCtx, { params }: Call, patient: Stored): Promise<Stored | undefined> {
	const stored = await find(ctx, 'DocumentReference', params.did as string);
	if (stored === undefined) return undefined;
	const { status, subject } = readingOf(stored);
	const isOf = isNode(subject) && subject.reference === `Patient/${patient.id}`;
	return isOf && status !== 'entered-in-error' ? stored : undefined;
}

const fetched: Run = async (ctx, call, patient) => {
	const stored = await findDocument(ctx, call, patient);
	if (stored === undefined) return noDocument;
	return { data: undefined, raw: await fetchDocument(ctx, stored, call.request), about: stored };
};

const struck: Run = async (ctx, call, patient) => {
	const stored = await findDocument(ctx, call, patient);
	if (stored === undefined) return noDocument;
	const changed = await changeResource(ctx, 'DocumentReference', stored.id, (draft) => {
		draft.status = 'entered-in-error';
	});
	return { data: true, about: changed };
};

const [all, one] = ['/patient/:pid/document', '/patient/:pid/document/:did'] as const;

/** The rows of documents, with what may be filed here. */
export function documentRows(rules: DocumentRules): StandardRow[] {
	const common = {
		mapping: documentMapping,
		resource: name,
		right: 'patients.docs',
		type: 'DocumentReference',
		style: 'B',
		success: 200,
	} as const;
	return [
		{
			...common,
			method: 'GET',
			path: all,
			does: 'search',
			query: { path: 'the category, such as Lab Report' },
			summary: 'The documents of a patient, of one category when `path` is given',
			run: ofPatient(listed),
		},
		{
			...common,
			method: 'POST',
			path: all,
			does: 'create',
			level: 'add',
			isRaw: true,
			query: { path: 'the category, such as Lab Report', date: 'its day', eid: 'the visit, by number or UUID' },
			summary:
				'Files a document: multipart/form-data with the file in `document` or `file`; `path`, `date`, `eid` as fields or in the address',
			run: ofPatient(filing(rules)),
		},
		{ ...common, method: 'GET', path: one, does: 'read', summary: 'The file of a document', run: ofPatient(fetched) },
		{
			...common,
			method: 'DELETE',
			path: one,
			does: 'delete',
			right: 'patients.docs_rm',
			level: 'change',
			summary: 'Marks a document as entered in error',
			run: ofPatient(struck),
		},
	];
}
