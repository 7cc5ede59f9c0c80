// DocumentReference/$docref: documents of a patient, also such as are made now.
// https://hl7.org/fhir/us/core/STU8/OperationDefinition-docref.html
import { Problem } from '#base/problem.ts';
import { onlyPatient } from '#fhir/audit/note.ts';
import type { FhirCtx } from '#fhir/ctx.ts';
import { define, input, output } from '#fhir/operations/define.ts';
import { badParameter, flagOf, missingParameter, textOf, textsOf } from '#fhir/operations/input.ts';
import type { Operation, OperationInput } from '#fhir/operations/operation.ts';
import { bundleText, type Hit, searchUrl } from '#fhir/search/bundle.ts';
import { type Pair, pairsOf } from '#fhir/search/escape.ts';
import { notAllowed } from '#fhir/search/problems.ts';
import { within } from '#fhir/search/restrict.ts';
import { search } from '#fhir/search/search.ts';
import { dateRange } from '#fhir/store/dates.ts';
import { type DocumentKey, documents } from '#formats/ccda/vocabulary.ts';
import { isMadeKind, type MadeKind } from './ccda/document.ts';
import { generate } from './generate.ts';
import { generatedTag, type PatientRecord, readRecord } from './record.ts';
import type { Period } from './shapes.ts';

const loinc = 'http://loinc.org';

type Type = { readonly system: string; readonly code: string };

type Asked = {
	readonly patient: string;
	readonly period: Period;
	readonly types: readonly Type[];
	readonly onlyMade: boolean;
	readonly profiles: readonly string[];
	/** What was given, for the link to itself. */
	readonly applied: readonly Pair[];
};

const makes = Object.keys(documents)
	.filter(isMadeKind)
	.map((kind) => `${documents[kind].title} (${documents[kind].code})`)
	.join(', ');

export const docref: Operation = {
	name: 'docref',
	definition: define({
		id: 'DocumentReference-docref',
		name: 'FetchDocumentReference',
		title: "A patient's documents",
		code: 'docref',
		base: 'http://hl7.org/fhir/us/core/OperationDefinition/docref',
		description: `The DocumentReferences of a patient that meet the parameters: those made from the record now, and those that are there. Made are, by type: ${makes}; without a type the first of them. A note about a visit is about the latest in the time that was asked for. A document tells what the caller may see, and is kept; while that says the same, the same document is given again that day. Without start and end, of the documents that are there only the latest of each type comes. Attachments are read at Binary; $render shows them as HTML or PDF.`,
		affectsState: true,
		resource: ['DocumentReference'],
		type: true,
		parameter: [
			input('patient', 'id', 'Logical id of the patient. May be left out by callers who are limited to one.', { min: 1 }),
			input('start', 'dateTime', 'Care from then on.'),
			input('end', 'dateTime', 'Care until then.'),
			input('type', 'Coding', 'Type of document; in a query as `system|code` or a LOINC code alone. Several are any of them.', {
				max: '*',
			}),
			input('on-demand', 'boolean', 'true: only documents that are made now.'),
			input('profile', 'canonical', `Only made documents of these profiles, such as ${documents.ccd.profile}.`, { max: '*' }),
			output('return', 'Bundle', 'A searchset of DocumentReference.'),
		],
	}),
	levels: { type: true },
	types: ['DocumentReference'],
	methods: ['GET', 'POST'],
	async run(ctx, given) {
		if (within(ctx, 'DocumentReference') === undefined) throw notAllowed('DocumentReference');
		const asked = readAsked(ctx, given);
		const record = await recordIfThere(ctx, asked.patient);
		const hits = record === undefined ? [] : [...(await made(ctx, record, asked)), ...(await stored(ctx, asked))];
		return {
			json: bundleText(ctx.fhir.base, {
				id: ctx.ids.next(),
				updated: ctx.clock.now(),
				links: { self: searchUrl(ctx.fhir.base, 'DocumentReference/$docref', asked.applied) },
				total: hits.length,
				matches: hits,
				included: [],
				issues: [],
			}),
		};
	},
};

function readAsked(ctx: FhirCtx, given: OperationInput): Asked {
	const patient = textOf(given, 'patient')?.replace(/^Patient\//, '') ?? onlyPatient(ctx);
	if (patient === undefined) throw missingParameter('patient', 'It is the logical id of a patient.');
	const [start, end] = [dateOf(given, 'start'), dateOf(given, 'end')];
	const types = typesOf(given);
	const onDemand = flagOf(given, 'on-demand');
	const profiles = textsOf(given, 'profile').map((text) => text.split('|')[0] as string);
	const pair = (name: string, value: string | undefined): Pair[] => (value === undefined ? [] : [[name, value]]);
	return {
		patient,
		period: { ...(start === undefined ? {} : { start }), ...(end === undefined ? {} : { end }) },
		types,
		onlyMade: onDemand === true,
		profiles,
		applied: [
			...pair('patient', patient),
			...pair('start', start),
			...pair('end', end),
			...types.flatMap(({ system, code }) => pair('type', `${system}|${code}`)),
			...pair('on-demand', onDemand === undefined ? undefined : String(onDemand)),
			...profiles.flatMap((profile) => pair('profile', profile)),
		],
	};
}

function dateOf(given: OperationInput, name: string): string | undefined {
	const text = textOf(given, name);
	if (text === undefined) return undefined;
	// A plus of a time zone that was not escaped in a query arrives as a space.
	const date = text.replace(/ (\d\d:\d\d)$/, '+$1');
	if (dateRange(date) === undefined) throw badParameter(name, 'Write a date such as 2024-05-01, or a time with its zone.');
	return date;
}

function typesOf(given: OperationInput): Type[] {
	const asked = pairsOf(given.query)
		.filter(([name, value]) => name === 'type' && value !== '')
		.flatMap(([, value]) => value.split(','))
		.map((text): Type => {
			const [system, code] = text.includes('|') ? text.split('|') : [loinc, text];
			return { system: system === undefined || system === '' ? loinc : system, code: code ?? '' };
		});
	const parts = given.parameters?.parameter;
	const codings = (Array.isArray(parts) ? (parts as Record<string, unknown>[]) : [])
		.filter((part) => part?.name === 'type')
		.map((part): Type => {
			const coding = (part.valueCoding ?? (part.valueCodeableConcept as { coding?: unknown[] } | undefined)?.coding?.[0]) as
				| Partial<Type>
				| undefined;
			const code = coding?.code ?? part.valueCode ?? part.valueString;
			return { system: typeof coding?.system === 'string' ? coding.system : loinc, code: typeof code === 'string' ? code : '' };
		});
	const types = [...asked, ...codings];
	if (types.some(({ code }) => !/^[^\s|,\\$]{1,64}$/.test(code)))
		throw badParameter('type', 'It needs a code, as valueCoding or as system|code in the query.');
	return types;
}

async function recordIfThere(ctx: FhirCtx, patient: string): Promise<PatientRecord | undefined> {
	try {
		return await readRecord(ctx, patient);
	} catch (error) {
		if (error instanceof Problem && (error.kind === 'not-found' || error.kind === 'gone')) return undefined;
		throw error;
	}
}

/** The kinds of document that are to be made. */
function kindsOf({ types, profiles }: Asked): MadeKind[] {
	const all = (Object.keys(documents) as DocumentKey[]).filter(isMadeKind);
	const ofType = all.filter((kind) => types.some(({ system, code }) => system === loinc && code === documents[kind].code));
	const ofProfile = all.filter((kind) => profiles.includes(documents[kind].profile));
	if (types.length > 0) return profiles.length > 0 ? ofType.filter((kind) => ofProfile.includes(kind)) : ofType;
	return profiles.length > 0 ? ofProfile : ['ccd'];
}

async function made(ctx: FhirCtx, record: PatientRecord, asked: Asked): Promise<Hit[]> {
	const hits: Hit[] = [];
	for (const kind of kindsOf(asked)) {
		const hit = await generate(ctx, record, { kind, period: asked.period });
		if (hit !== undefined) hits.push(hit);
	}
	return hits;
}

/** Documents that are there and were not made here. Nobody can say what profile they follow. */
async function stored(ctx: FhirCtx, { patient, period, types, onlyMade, profiles }: Asked): Promise<Hit[]> {
	if (onlyMade || profiles.length > 0) return [];
	const { start, end } = period;
	const isOpen = start === undefined && end === undefined;
	// Without a time the document made now is the current one of its type.
	const wanted = types.filter(
		({ system, code }) =>
			!isOpen || system !== loinc || !Object.entries(documents).some(([kind, one]) => isMadeKind(kind) && one.code === code),
	);
	const asking = types.length === 0 ? (isOpen ? [] : [undefined]) : wanted;
	const hits = new Map<string, Hit>();
	for (const type of asking) {
		const query: Pair[] = [
			['patient', `Patient/${patient}`],
			['status', 'current'],
			['_tag:not', `${generatedTag.system}|${generatedTag.code}`],
			['_sort', '-date'],
			['_count', isOpen ? '1' : String(ctx.fhir.settings.maxCount)],
			...(type === undefined ? [] : [['type', `${type.system}|${type.code}`] as Pair]),
			...(start === undefined ? [] : [['period', `ge${start}`] as Pair]),
			...(end === undefined ? [] : [['period', `le${end}`] as Pair]),
		];
		for (const hit of (await search(ctx, { type: 'DocumentReference', query, handling: 'strict' })).matches) hits.set(hit.id, hit);
	}
	return [...hits.values()];
}
