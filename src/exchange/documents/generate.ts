// A document made from the record and kept: a Binary with its XML and a DocumentReference to it. Asked for again while the record says the
// same, it is the one that is there.
import { createHash } from 'node:crypto';
import type { Caller } from '#access/ctx.ts';
import { detachBlob } from '#fhir/binary/binary.ts';
import type { FhirCtx } from '#fhir/ctx.ts';
import { writeWithin } from '#fhir/interactions/guard.ts';
import { check } from '#fhir/interactions/prepare.ts';
import type { Resource } from '#fhir/resource.ts';
import type { Hit } from '#fhir/search/bundle.ts';
import { search } from '#fhir/search/search.ts';
import type { Write } from '#fhir/store/store.ts';
import { uuidOf } from '#formats/ccda/uuid.ts';
import { type DocumentKind, documents } from '#formats/ccda/vocabulary.ts';
import { documentOf, draftOf, type MadeKind } from './ccda/document.ts';
import type { Draft } from './ccda/draft.ts';
import { generatedTag, type PatientRecord } from './record.ts';
import type { Period } from './shapes.ts';

/** Raised when documents come to look different, so that none from before is handed out again. */
const revision = 1;

export type Wanted = { readonly kind: MadeKind; readonly period: Period };

/**
 * The DocumentReference of a document over what the caller sees of the record; undefined when it cannot be made (a note about a visit
 * without a visit). Throws what a write throws.
 */
export async function generate(asking: FhirCtx, record: PatientRecord, { kind, period }: Wanted): Promise<Hit | undefined> {
	const now = asking.clock.now();
	const draft = draftOf({ kind, record, base: asking.fhir.base, now, period });
	if (draft === undefined) return undefined;
	const ctx: FhirCtx = { ...asking, caller: keeping(asking.caller, record.patient.id as string) };
	const fingerprint = fingerprintOf(ctx, draft, kind, period);
	const there = await found(ctx, fingerprint);
	if (there !== undefined) return there;
	const writes = await writesOf(ctx, draft, kind, fingerprint);
	return ctx.fhir.store.transact(ctx, async (unit) => {
		await unit.lock([`${generatedTag.system}|${fingerprint}`]);
		const meanwhile = await found(ctx, fingerprint, unit.tx);
		if (meanwhile !== undefined) return meanwhile;
		const written = await writeWithin(ctx, unit, writes, () => 'create');
		const [, reference] = written;
		await ctx.fhir.provenances.sign(ctx, unit, reference === undefined ? [] : [reference]);
		return reference === undefined ? undefined : { type: reference.type, id: reference.id, body: reference.body };
	});
}

/** Who asks may have the document kept, whatever else he may write; what is in it he may see anyway. */
function keeping(caller: Caller, patient: string): Caller {
	return {
		...caller,
		grants: [
			...caller.grants,
			{ type: 'DocumentReference', interactions: ['create', 'read', 'search'], patient },
			{ type: 'Binary', interactions: ['create'] },
		],
	};
}

/** One for each state of what the caller sees, kind, time and day: appointments that were to come have been by tomorrow. */
function fingerprintOf({ fhir, clock }: FhirCtx, { record }: Draft, kind: MadeKind, period: Period): string {
	const state = [revision, fhir.base, kind, period.start ?? '', period.end ?? '', clock.now().toISOString().slice(0, 10), record.versions];
	return createHash('sha256').update(JSON.stringify(state)).digest('hex');
}

async function found(ctx: FhirCtx, fingerprint: string, tx?: Parameters<typeof search>[1]['tx']): Promise<Hit | undefined> {
	const { matches } = await search(ctx, {
		type: 'DocumentReference',
		query: [
			['identifier', `${generatedTag.system}|${fingerprint}`],
			['status', 'current'],
			['_count', '1'],
		],
		handling: 'strict',
		...(tx === undefined ? {} : { tx }),
	});
	return matches[0];
}

async function writesOf(ctx: FhirCtx, draft: Draft, kind: MadeKind, fingerprint: string): Promise<Write[]> {
	const { base } = ctx.fhir;
	const [documentId, binaryId, referenceId] = [ctx.ids.next(), ctx.ids.next(), ctx.ids.next()];
	const subject = { reference: `Patient/${draft.record.patient.id}` };
	const xml = Buffer.from(documentOf(draft, kind, { id: documentId, setId: uuidOf(`${base}/${subject.reference}/${kind}`) }));
	const binary: Resource = {
		resourceType: 'Binary',
		contentType: 'application/xml',
		securityContext: subject,
		data: xml.toString('base64'),
	};
	const reference = referenceOf(draft, documents[kind], {
		identifier: [{ system: generatedTag.system, value: fingerprint }],
		masterIdentifier: { system: 'urn:ietf:rfc:3986', value: `urn:uuid:${documentId}` },
		subject,
		attachment: {
			contentType: 'application/xml',
			url: `${base}/Binary/${binaryId}`,
			size: xml.length,
			hash: createHash('sha1').update(xml).digest('base64'),
			title: documents[kind].title,
			creation: draft.now,
		},
	});
	for (const resource of [binary, reference]) check(ctx, resource.resourceType, resource);
	return [
		{ type: 'Binary', id: binaryId, op: 'C', resource: await detachBlob(ctx.fhir, binary) },
		{ type: 'DocumentReference', id: referenceId, op: 'C', resource: reference },
	];
}

type Parts = {
	readonly identifier: readonly object[];
	readonly masterIdentifier: object;
	readonly subject: object;
	readonly attachment: object;
};

/** https://hl7.org/fhir/us/core/STU8/StructureDefinition-us-core-documentreference.html */
function referenceOf({ now, period, encounter }: Draft, kind: DocumentKind, { attachment, subject, ...identifiers }: Parts): Resource {
	const type = { coding: [{ system: 'http://loinc.org', code: kind.code, display: kind.display }], text: kind.title };
	const hasPeriod = period.start !== undefined || period.end !== undefined;
	return {
		resourceType: 'DocumentReference',
		meta: {
			profile: ['http://hl7.org/fhir/us/core/StructureDefinition/us-core-documentreference'],
			tag: [{ ...generatedTag, display: 'Made from the record' }],
		},
		...identifiers,
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
		subject,
		date: now,
		author: [{ display: 'Heron' }],
		description: kind.title,
		content: [
			{
				attachment,
				format: {
					system: 'http://terminology.hl7.org/CodeSystem/v3-HL7DocumentFormatCodes',
					code: 'urn:hl7-org:sdwg:ccda-structuredBody:2.1',
					display: 'C-CDA R2.1 with a structured body',
				},
			},
		],
		...(hasPeriod || encounter !== undefined
			? {
					context: {
						...(encounter === undefined ? {} : { encounter: [{ reference: `Encounter/${encounter.id}` }] }),
						...(hasPeriod ? { period } : {}),
					},
				}
			: {}),
	};
}
