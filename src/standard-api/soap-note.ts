// soap_note: a progress note of four sections, as a Composition (docs/decisions/0011-soap-notes.md). https://hl7.org/fhir/R4/composition.html
import type { FhirCtx } from '#fhir/ctx.ts';
import type { Resource } from '#fhir/resource.ts';
import {
	author,
	change,
	type Entry,
	enter,
	findInPath,
	firstOf,
	linkIn,
	listEntries,
	type Present,
	showEntry,
	strike,
	usernameOf,
} from './chart.ts';
import { type RowOptions, rowOf } from './chart-rows.ts';
import { codeSystems } from './codes.ts';
import { encounterIn } from './encounter.ts';
import { extra, field, type Mapping } from './mapping.ts';
import { at, isNode, type Place, which } from './place.ts';
import { keptAt } from './places.ts';
import { notThere } from './problems.ts';
import { narrativeOf, textOf } from './prose.ts';
import type { Call, StandardRow } from './row.ts';
import type { Read } from './write.ts';

const name = 'soap_note';
const progressNote = { system: codeSystems.loinc, code: '11506-3', display: 'Progress note' };

/** The sections of C-CDA that the four parts are. */
const sections = {
	subjective: ['61150-9', 'Subjective'],
	objective: ['61149-1', 'Objective'],
	assessment: ['51848-0', 'Assessment'],
	plan: ['18776-5', 'Plan'],
} as const;

/** The text of a section: people's words are kept as typed, and other narratives are shown as text until they are changed. */
function sectionAt(part: keyof typeof sections): Place {
	const [code, title] = sections[part];
	const coding = [{ system: codeSystems.loinc, code }];
	const text = at('section', which({ code: { coding } }, { title }), 'text');
	return {
		path: text.path,
		get(composition) {
			const narrative = text.get(composition);
			return isNode(narrative) && typeof narrative.div === 'string' ? textOf(narrative.div) || undefined : undefined;
		},
		set: (composition, value) => text.set(composition, value === undefined ? undefined : narrativeOf(String(value))),
	};
}

const signed = ['final', 'amended'];

/** Authorised is what was signed. */
const authorizedPlace: Place = {
	path: `(status = 'final' or status = 'amended')`,
	get: (composition) => signed.includes(String((composition as Resource).status)),
	set(composition, value) {
		(composition as Resource).status = value === true ? 'final' : 'preliminary';
	},
};

export const soapNoteMapping: Mapping = {
	resource: name,
	type: 'Composition',
	numbers: ['id'],
	uuids: ['uuid'],
	fields: [
		field('date', keptAt(at('date')), { kind: 'datetime', sort: 'date' }),
		field('pid', at('subject', 'reference'), { to: ['Patient'], isReadOnly: true }),
		field('encounter', at('encounter', 'reference'), { to: ['Encounter'], isReadOnly: true }),
		extra(name, 'groupname', { length: [1, 255] }),
		field('authorized', authorizedPlace, { kind: 'flag' }),
		...(Object.keys(sections) as (keyof typeof sections)[]).map((part) => field(part, sectionAt(part), { length: [2, 65_535] })),
		field('last_updated', at('meta', 'lastUpdated'), { kind: 'datetime', isReadOnly: true, sort: '_lastUpdated' }),
	],
	make: () => ({ resourceType: 'Composition', status: 'preliminary', type: { coding: [{ ...progressNote }] }, title: 'SOAP note' }),
};

const present: Present = (record, { author: authors }, related) => {
	const first = firstOf(authors);
	return { ...record, user: usernameOf(related.get(linkIn(first))) ?? (isNode(first) ? (first.display ?? '') : ''), activity: 1 };
};

const soapNote: Entry = {
	mapping: soapNoteMapping,
	owner: 'subject',
	order: '-date',
	criteria: [
		['type', `${progressNote.system}|${progressNote.code}`],
		['status:not', 'entered-in-error'],
	],
	isOne: ({ status, type }) =>
		status !== 'entered-in-error' &&
		at('coding', which({ system: progressNote.system, code: progressNote.code })).get((type ?? {}) as object) !== undefined,
	entered: (ctx) => ({
		date: ctx.clock.now().toISOString(),
		author: [author(ctx) ?? { display: ctx.caller.name || ctx.caller.id }],
	}),
	strike: (composition) => {
		composition.status = 'entered-in-error';
	},
	present,
	links: ({ author: authors }) => [linkIn(firstOf(authors))],
};

/** A note that was signed and is changed is amended, unless the change is about the signature. */
const changing: Entry = {
	...soapNote,
	settle(composition) {
		if (composition.status === 'final') composition.status = 'amended';
	},
};

async function noteIn(ctx: FhirCtx, call: Call): Promise<Read> {
	const looking = findInPath(ctx, soapNote, call, 'sid');
	looking.catch(() => undefined);
	const { encounter } = await encounterIn(ctx, call);
	const { stored } = await looking;
	if (linkIn(stored.resource.encounter) !== `Encounter/${encounter.id}`) throw notThere();
	return stored;
}

const options: RowOptions = {
	entry: soapNote,
	name,
	param: 'sid',
	style: 'B',
	words: { one: 'a SOAP note', many: 'SOAP notes' },
	reading: 'encounters.notes',
	writing: 'encounters.notes',
};

const list = '/patient/:pid/encounter/:eid/soap_note';
const one = `${list}/:sid`;

export const soapNoteRows: readonly StandardRow[] = [
	rowOf(options, 'GET', list, 'search', 'The SOAP notes of a visit', async (ctx, call) => {
		const { patient, encounter } = await encounterIn(ctx, call);
		const { records, links } = await listEntries(ctx, soapNote, call, patient, [['encounter', `Encounter/${encounter.id}`]]);
		return { data: records, links };
	}),
	rowOf(options, 'POST', list, 'create', 'Enters a SOAP note', async (ctx, call) => {
		const { patient, encounter } = await encounterIn(ctx, call);
		const stored = await enter(ctx, soapNote, patient, call.body, { encounter: { reference: `Encounter/${encounter.id}` } });
		return { data: { sid: stored.rid, fid: stored.rid, uuid: stored.id }, about: stored };
	}),
	rowOf(options, 'GET', one, 'read', 'Shows a SOAP note', async (ctx, call) => {
		const stored = await noteIn(ctx, call);
		return { data: await showEntry(ctx, soapNote, stored), about: stored };
	}),
	rowOf(options, 'PUT', one, 'update', 'Changes what is sent of a SOAP note', async (ctx, call) => {
		const note = await noteIn(ctx, call);
		const isSigning = call.body.authorized !== undefined && !signed.includes(String(note.resource.status));
		const stored = await change(ctx, isSigning ? soapNote : changing, note, call.body);
		return { data: { sid: stored.rid }, about: stored };
	}),
	rowOf(options, 'DELETE', one, 'delete', 'Marks a SOAP note as entered in error', async (ctx, call) => ({
		data: true,
		about: await strike(ctx, soapNote, await noteIn(ctx, call)),
	})),
];
