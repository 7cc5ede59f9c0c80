// Filing a document: checked, then stored as a Binary with a DocumentReference over it.
// https://hl7.org/fhir/us/core/StructureDefinition-us-core-documentreference.html
import { createHash } from 'node:crypto';
import { detachBlob } from '#fhir/binary/binary.ts';
import type { FhirCtx } from '#fhir/ctx.ts';
import { permit, writeWithin } from '#fhir/interactions/guard.ts';
import { check } from '#fhir/interactions/prepare.ts';
import { read } from '#fhir/interactions/read.ts';
import type { Resource } from '#fhir/resource.ts';
import type { Unit, Write, Written } from '#fhir/store/store.ts';
import type { VirusScanner } from '#outside/virus-scan.ts';
import { type Category, categorySystem } from './categories.ts';
import { contentTypeOf } from './content.ts';
import { documentInfected, documentTooLarge, emptyDocument, encounterForeign, typeNotAllowed } from './problems.ts';

export type DocumentRules = {
	readonly limitBytes: number;
	/** Media types that may be filed. */
	readonly types: readonly string[];
	readonly scanner?: VirusScanner | undefined;
};

export type FileInput = {
	readonly rules: DocumentRules;
	/** Id of the Patient. */
	readonly patient: string;
	readonly category: Category;
	/** The name the file had; folders in it are dropped. */
	readonly name: string;
	readonly bytes: Buffer;
	/** The day the document is from, `YYYY-MM-DD`. */
	readonly date?: string;
	/** Id of the Encounter it belongs to. */
	readonly encounter?: string;
	/** Comes last in the transaction. */
	readonly settle?: (unit: Unit, written: readonly Written[]) => Promise<void>;
};

const profile = 'http://hl7.org/fhir/us/core/StructureDefinition/us-core-documentreference';

/**
 * Files a document and gives back its DocumentReference. Throws Problem invalid `document-empty`, `document-type-refused`,
 * `document-infected`, `encounter-foreign`; too-much `document-too-large` (413); unavailable `virus-scanner-unavailable` (503); forbidden.
 */
export async function fileDocument(ctx: FhirCtx, input: FileInput): Promise<Written> {
	permit(ctx, 'DocumentReference', 'create');
	permit(ctx, 'Binary', 'create');
	const { patient, encounter, settle } = input;
	if (encounter !== undefined) await requireEncounterOf(ctx, encounter, patient);
	const contentType = await checked(input);
	const ids = { document: ctx.ids.next(), binary: ctx.ids.next() };
	const binary: Resource = {
		resourceType: 'Binary',
		contentType,
		securityContext: { reference: `DocumentReference/${ids.document}` },
		data: input.bytes.toString('base64'),
	};
	const document = claiming(ctx, documentOf(ctx, input, contentType, ids.binary));
	check(ctx, 'Binary', binary);
	check(ctx, 'DocumentReference', document);
	const writes: Write[] = [
		{ type: 'Binary', id: ids.binary, op: 'C', resource: await detachBlob(ctx.fhir, binary) },
		{ type: 'DocumentReference', id: ids.document, op: 'C', resource: document },
	];
	return ctx.fhir.store.transact(ctx, async (unit) => {
		const written = await writeWithin(ctx, unit, writes, () => 'create');
		await settle?.(unit, written);
		return written[1] as Written;
	});
}

/** The media type of what may be filed. */
async function checked({ rules, bytes, name }: FileInput): Promise<string> {
	if (bytes.length === 0) throw emptyDocument();
	if (bytes.length > rules.limitBytes) throw documentTooLarge(rules.limitBytes);
	const type = await contentTypeOf(bytes, name);
	if (!rules.types.includes(type)) throw typeNotAllowed(type, rules.types);
	if ((await rules.scanner?.isInfected(bytes)) === true) throw documentInfected();
	return type;
}

async function requireEncounterOf(ctx: FhirCtx, encounter: string, patient: string): Promise<void> {
	const { subject } = JSON.parse((await read(ctx, 'Encounter', encounter)).body) as { subject?: { reference?: string } };
	if (subject?.reference !== `Patient/${patient}`) throw encounterForeign();
}

const nothingKnown = { system: 'http://terminology.hl7.org/CodeSystem/v3-NullFlavor', code: 'UNK', display: 'unknown' };

function documentOf(ctx: FhirCtx, input: FileInput, contentType: string, binary: string): Resource {
	const { category, bytes, date, encounter, patient } = input;
	const { caller } = ctx;
	const isSigned =
		caller.fhirUser !== undefined && /^(Practitioner|PractitionerRole|Patient|RelatedPerson|Organization|Device)\//.test(caller.fhirUser);
	return {
		resourceType: 'DocumentReference',
		status: 'current',
		type: {
			coding: [category.loinc === undefined ? nothingKnown : { system: 'http://loinc.org', code: category.loinc }],
			text: category.name,
		},
		category: [
			categoryConcept(category),
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
		subject: { reference: `Patient/${patient}` },
		date: ctx.clock.now().toISOString(),
		...(isSigned ? { author: [{ reference: caller.fhirUser, display: caller.name }] } : {}),
		content: [
			{
				attachment: {
					contentType,
					url: `Binary/${binary}`,
					size: bytes.length,
					// https://hl7.org/fhir/R4/datatypes.html#Attachment: SHA-1.
					hash: createHash('sha1').update(bytes).digest('base64'),
					title: fileName(input.name),
					...(date === undefined ? {} : { creation: date }),
				},
			},
		],
		...(encounter === undefined ? {} : { context: { encounter: [{ reference: `Encounter/${encounter}` }] } }),
	};
}

/** The category as DocumentReference.category. */
export function categoryConcept({ code, name }: Category): object {
	return { coding: [{ system: categorySystem, code, display: name }], text: name };
}

/** US Core's profile when the document meets it. */
function claiming(ctx: FhirCtx, document: Resource): Resource {
	const claimed = { ...document, meta: { profile: [profile] } };
	const meets = ctx.fhir.validator.validate(claimed).every(({ severity }) => severity !== 'error' && severity !== 'fatal');
	return meets ? claimed : document;
}

/** A name without folders and control characters, short enough for any disk. */
export function fileName(given: string): string {
	const name = given
		.split(/[/\\]/)
		.at(-1)
		?.replace(/\p{Cc}|\p{Cf}|\p{Zl}|\p{Zp}/gu, '')
		.trim();
	return name === undefined || name === '' ? 'document' : [...name].slice(-200).join('');
}
