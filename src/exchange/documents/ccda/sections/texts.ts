// Sections of words: notes, assessments, reasons, the course of a stay.
import {
	type Draft,
	isWithin,
	latestFirst,
	lines,
	marked,
	ownId,
	pointer,
	rowId,
	type Section,
	tableSection,
	textSection,
} from '#exchange/documents/ccda/draft.ts';
import { indications, loinc, reasonWords, related, snomed, status } from '#exchange/documents/ccda/entries.ts';
import { kept } from '#exchange/documents/ccda/kept.ts';
import { author, performer, whoWords } from '#exchange/documents/ccda/parties.ts';
import type { Attachment, ClinicalImpression, Concept, DocumentReference, Report, ServiceRequest } from '#exchange/documents/shapes.ts';
import { anyHasCode, codeWords, conceptWords, dateWords, hasCode, notesWords, periodOf, whenWords } from '#exchange/documents/words.ts';
import type { Element } from '#formats/ccda/tree.ts';
import { isReportCategory, type SectionKey } from '#formats/ccda/vocabulary.ts';
import { template } from '#formats/ccda/write/templates.ts';
import { code, fixed, time } from '#formats/ccda/write/values.ts';
import { element } from '#formats/ccda/write/xml.ts';
import { isDirective } from './directives.ts';
import { isReferral } from './plan.ts';

type Note = {
	readonly entity: DocumentReference | Report;
	readonly kind: Concept | undefined;
	readonly date: string | undefined;
	readonly by: { readonly reference?: string; readonly display?: string } | undefined;
	readonly text: string;
};

export function notes(draft: Draft): Section {
	return tableSection(
		'notes',
		['Note', 'Date', 'By', 'Text'],
		notesOf(draft).map(({ entity, kind, date, by, text }) => {
			const id = rowId('notes', entity);
			return {
				id,
				cells: [
					conceptWords(kind) || 'Note',
					dateWords(date),
					whoWords(draft, by, entity),
					element('content', { ID: `${id}_text` }, lines(text)),
				],
				entry: element(
					'act',
					{ classCode: 'ACT', moodCode: 'EVN' },
					template('note'),
					ownId(draft, entity, 'note'),
					element('code', fixed('code', loinc, '34109-9', 'Note').attributes, noteKind(kind), reportKinds(entity)),
					pointer(`${id}_text`),
					status('completed'),
					time('effectiveTime', date),
					kept(entity, 'detail'),
					author(draft, by, date, entity) ?? author(draft, { display: 'Unknown' }, date, entity),
				),
			};
		}),
	);
}

function noteKind(kind: Concept | undefined): Element | undefined {
	const known = kind?.coding?.find(({ system, code: value }) => system === loinc && value !== '34109-9');
	return known === undefined ? undefined : code('translation', { coding: [known] });
}

/** US Core's categories of reports that are notes, which tell them from other notes. */
function reportKinds(entity: DocumentReference | Report): Element[] {
	if (entity.resourceType !== 'DiagnosticReport') return [];
	const codings = (entity.category ?? []).flatMap(({ coding }) => coding ?? []).filter((one) => isReportCategory(one.code));
	return codings.map((coding) => code('translation', { coding: [coding] }));
}

/** Clinical notes, and reports that are words and not values. */
function notesOf(draft: Draft): Note[] {
	const documents = draft.record
		.list<DocumentReference>('DocumentReference')
		.filter((one) => one.status !== 'superseded' && anyHasCode(one.category, ['clinical-note']) && !isDirective(one))
		.map((entity): Note => {
			const date = entity.context?.period?.start ?? entity.date;
			return {
				entity,
				kind: entity.type,
				date,
				by: entity.author?.[0],
				text: contentWords(
					(entity.content ?? []).map(({ attachment }) => attachment),
					entity.description,
				),
			};
		});
	const reports = draft.record
		.list<Report>('DiagnosticReport')
		.filter(
			(one) =>
				((one.result ?? []).length === 0 || reportKinds(one).length > 0) &&
				((one.presentedForm ?? []).length > 0 || one.conclusion !== undefined),
		)
		.map(
			(entity): Note => ({
				entity,
				kind: entity.code,
				date: periodOf(entity).start ?? entity.issued,
				by: entity.performer?.[0],
				text: contentWords(entity.presentedForm, entity.conclusion),
			}),
		);
	const within = [...documents, ...reports].filter(({ date }) => isWithin(draft, date === undefined ? {} : { start: date, end: date }));
	return latestFirst(within, ({ date }) => date);
}

/** Words of attachments as far as they are text and at hand; others are named. */
function contentWords(attachments: readonly (Attachment | undefined)[] | undefined, otherwise: string | undefined): string {
	const texts = (attachments ?? []).flatMap((attachment) => {
		const type = attachment?.contentType?.split(';')[0]?.trim().toLowerCase();
		if (attachment?.data === undefined || type === undefined || !type.startsWith('text/')) return [];
		const text = Buffer.from(attachment.data, 'base64').toString('utf8');
		return [type === 'text/html' ? plain(text) : text.trim()];
	});
	if (texts.length > 0) return texts.join('\n\n');
	const named = (attachments ?? []).map((attachment) => attachment?.title ?? '').filter((title) => title !== '');
	return [otherwise ?? '', ...named].filter((words) => words !== '').join('\n') || 'The note is kept as a document of its own.';
}

function plain(html: string): string {
	const entities: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', nbsp: ' ', '#39': "'" };
	return html
		.replace(/<(script|style)\b[\s\S]*?<\/\1\s*>/gi, ' ')
		.replace(/<(br|\/p|\/div|\/li|\/h\d|\/tr)\b[^>]*>/gi, '\n')
		.replace(/<[^>]*>/g, '')
		.replace(/&(lt|gt|amp|quot|nbsp|#39);/g, (_, name: string) => entities[name] ?? '')
		.replace(/[ \t]+/g, ' ')
		.replace(/\n\s*\n\s*/g, '\n')
		.trim();
}

/** What was concluded: clinical impressions of the visit, or of the time that was asked for. */
export function assessment(draft: Draft): Section {
	const { encounter } = draft;
	const all = draft.record
		.list<ClinicalImpression>('ClinicalImpression')
		.filter((one) => (encounter === undefined ? isWithin(draft, one) : one.encounter?.reference === `Encounter/${encounter.id}`));
	const sorted = latestFirst(all, (one) => one.date ?? periodOf(one).start);
	return textSection(
		'assessment',
		sorted.map((one) => ({
			id: rowId('assessment', one),
			title: [dateWords(one.date) || whenWords(one), whoWords(draft, one.assessor, one)].filter((words) => words !== '').join(', '),
			text: [one.description ?? '', one.summary ?? ''].filter((words) => words !== '').join('\n') || 'No summary.',
		})),
	);
}

/** Why the patient is sent to somebody else. */
export function reasonForReferral(draft: Draft): Section {
	const referrals = draft.record
		.list<ServiceRequest>('ServiceRequest')
		.filter((one) => isReferral(one) && one.status !== 'revoked' && one.status !== 'draft');
	return tableSection(
		'reason-for-referral',
		['Referral', 'Reason', 'To', 'Status', 'When', 'By', 'Notes'],
		latestFirst(referrals, ({ authoredOn }) => authoredOn).map((request) => {
			const id = rowId('reason-for-referral', request);
			const to = (request.performer ?? [])
				.map((who) => whoWords(draft, who, request))
				.filter((words) => words !== '')
				.join(', ');
			return {
				id,
				cells: [
					marked(`${id}_name`, conceptWords(request.code) || 'Referral'),
					reasonWords(draft, request),
					to || conceptWords(request.performerType),
					codeWords(request.status),
					dateWords(request.authoredOn),
					whoWords(draft, request.requester, request),
					notesWords(request.note),
				],
				entry: referral(draft, request, id),
			};
		}),
	);
}

function referral(draft: Draft, request: ServiceRequest, id: string): Element {
	const isKnown = hasCode(request.code, ['3457005', '306206005', '44383000', '261102001']);
	return element(
		'act',
		{ classCode: 'PCPR', moodCode: request.intent === 'plan' || request.intent === 'proposal' ? 'INT' : 'RQO' },
		template('patient referral'),
		ownId(draft, request),
		isKnown
			? code('code', request.code, { systems: [snomed] })
			: element('code', fixed('code', snomed, '3457005', 'Patient referral').attributes, referralTranslations(request)),
		pointer(id),
		status('active'),
		time('effectiveTime', periodOf(request).start ?? request.authoredOn),
		kept(request, 'priority', 'instruction', 'location-type', 'detail'),
		(request.performer ?? []).slice(0, 1).map((who) => performer(draft, who, request)),
		author(draft, request.requester, request.authoredOn, request),
		indications(draft, request).map((reason) => related('RSON', reason)),
	);
}

function referralTranslations({ code: what }: ServiceRequest): (Element | string)[] {
	return code('code', what === undefined ? undefined : { ...(what.coding === undefined ? {} : { coding: what.coding }) }, {
		systems: [],
		only: true,
	}).children.slice();
}

/** Why the patient came, of the visit that the document is about. */
export function reasonForVisit(draft: Draft): Section {
	const { encounter } = draft;
	const words = encounter === undefined ? '' : reasonWords(draft, encounter);
	return textSection('reason-for-visit', words === '' ? [] : [{ text: words }]);
}

/** LOINC codes of notes that tell of a stay. */
const courseCodes = ['8648-8', '18842-5', '11506-3', '34117-2'];

/** The course of the stay, from its notes. */
export function hospitalCourse(draft: Draft): Section {
	return fromNotes(draft, 'hospital-course', courseCodes);
}

function fromNotes(draft: Draft, key: SectionKey, codes: readonly string[]): Section {
	const { encounter } = draft;
	const own = notesOf(draft).filter(({ entity, kind }) => {
		const of = 'context' in entity ? entity.context?.encounter?.[0]?.reference : (entity as Report).encounter?.reference;
		return encounter !== undefined && of === `Encounter/${encounter.id}` && hasCode(kind, codes);
	});
	return textSection(
		key,
		own.map(({ entity, kind, date, text }) => ({
			id: rowId(key, entity),
			title: [conceptWords(kind), dateWords(date)].filter((words) => words !== '').join(', '),
			text,
		})),
	);
}
