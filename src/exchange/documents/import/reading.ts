// A C-CDA document on its way to FHIR: what has been read so far, and the words all parts of the reader share.
// The mapping follows https://hl7.org/fhir/us/ccda/ where it speaks; templates are told by their root, so every release is read alike.
import { createHash } from 'node:crypto';
import type { Resource } from '#fhir/resource.ts';
import { type ClinicalDocument, type Related, relatedOf, templateIdsOf } from '#formats/ccda/document.ts';
import { at, child, childrenOf, type Element } from '#formats/ccda/tree.ts';
import {
	type CodeableConcept,
	conceptOf,
	identifiersOf,
	isInterval,
	nameOf,
	type Period,
	periodOf,
	referredText,
	timeOf,
	zoneOf,
} from '#formats/ccda/values.ts';
import { keptUrl } from '#formats/ccda/vocabulary.ts';

/** A resource that a document tells of. References among items are the urns of `fullUrl`; the patient is `patientUrn`. */
export type Item = {
	/** Stable within a document: the place of its section and its number there, such as `3/2`. */
	readonly key: string;
	readonly fullUrl: string;
	readonly section: string;
	readonly resource: Resource;
};

/** Where a statement stands. */
export type Where = {
	readonly section: string;
	/** LOINC code of the section. */
	readonly sectionCode: string | undefined;
	/** Urn of the resource whose statement holds this one, when its own mapping had no place for it. */
	readonly parent?: string;
	/** Urn of the visit that it belongs to. */
	readonly encounter?: string;
	/** Category of a Condition, when what is around it tells. */
	readonly conditionCategory?: string;
	/** What kind of concern a problem is part of, when that says more than that it is one. */
	readonly concernKind?: CodeableConcept | undefined;
	/** Status of the concern that a problem or allergy is part of. */
	readonly concern?: string;
};

export const patientUrn = 'urn:uuid:00000000-0000-4000-8000-000000000001';

export type Reading = {
	readonly document: ClinicalDocument;
	readonly zone: string;
	readonly items: Item[];
	/** Adds a resource and gives its urn. */
	readonly add: (where: Where, resource: Resource) => string;
	/** Reads one statement; gives the urns of the resources that stand for it. */
	readonly read: (statement: Element, where: Where) => string[];
};

export type Maker = (reading: Reading, statement: Element, where: Where) => string[];

export function createReading(document: ClinicalDocument, read: Maker): Reading {
	const items: Item[] = [];
	const counts = new Map<string, number>();
	const seed = createHash('sha1').update(
		identifiersOf(document.root)
			.map(({ system, value }) => `${system}|${value}`)
			.join(' '),
	);
	const reading: Reading = {
		document,
		zone: zoneOf(document),
		items,
		add({ section }, resource) {
			const number = (counts.get(section) ?? 0) + 1;
			counts.set(section, number);
			const key = `${section}/${number}`;
			const fullUrl = `urn:uuid:${uuidOf(seed.copy().update(key).digest())}`;
			items.push({ key, fullUrl, section, resource });
			return fullUrl;
		},
		read: (statement, where) => read(reading, statement, where),
	};
	return reading;
}

/** A name-based UUID (version 5, https://www.rfc-editor.org/rfc/rfc9562#section-5.5) of a hash. */
function uuidOf(hash: Buffer): string {
	const bytes = Buffer.from(hash.subarray(0, 16));
	bytes[6] = ((bytes[6] as number) & 0x0f) | 0x50;
	bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80;
	const hex = bytes.toString('hex');
	return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

/** The statements within a statement: those a mapping takes for its own elements, and the others. */
export type Inner = {
	/** Takes the statements with one of the templates (roots without the common `2.16.840.1.113883.10.20.`). */
	readonly take: (...templates: readonly string[]) => Element[];
	readonly takeWhere: (test: (related: Related) => boolean) => Related[];
	/** Reads what nobody took; each is kept as a resource of its own that points to `parent`. */
	readonly readOthers: (parent: string | undefined, where: Where) => string[];
};

export const common = '2.16.840.1.113883.10.20.';

export function innerOf(reading: Reading, statement: Element): Inner {
	let rest = relatedOf(statement);
	const takeWhere = (test: (related: Related) => boolean): Related[] => {
		const taken = rest.filter(test);
		rest = rest.filter((one) => !taken.includes(one));
		return taken;
	};
	return {
		takeWhere,
		take: (...templates) => takeWhere(({ statement: inner }) => is(inner, ...templates)).map((one) => one.statement),
		readOthers(parent, where) {
			const others = rest;
			rest = [];
			return others.flatMap((one) => reading.read(one.statement, parent === undefined ? where : { ...where, parent }));
		},
	};
}

export function is(statement: Element, ...templates: readonly string[]): boolean {
	const ids = templateIdsOf(statement);
	if (ids.length > 0) return templates.some((template) => ids.includes(common + template));
	const code = codeIn(child(statement, 'code'));
	return code !== undefined && templates.some((template) => codes[template] === code);
}

/** What statements within others are told by when they have no template at all. */
const codes: Readonly<Record<string, string>> = {
	'22.4.6': '33999-4',
	'22.4.28': '33999-4',
	'22.4.8': 'SEV',
	'22.4.31': '445518008',
	'22.4.64': '48767-8',
	'22.4.118': '416118004',
	'22.4.145': '82606-5',
	'22.4.147': '76662-6',
};

/** Code of an element, when it is one of the given ones or at all. */
export function codeIn(element: Element | undefined): string | undefined {
	return element?.attributes.code;
}

export function statusOf(statement: Element): string | undefined {
	return child(statement, 'statusCode')?.attributes.code?.toLowerCase();
}

export function moodOf(statement: Element): string {
	return statement.attributes.moodCode ?? 'EVN';
}

export function isNegated(statement: Element): boolean {
	return statement.attributes.negationInd === 'true';
}

/** The concept of the statement's element of that name. */
export function conceptAt(reading: Reading, statement: Element, name = 'code'): CodeableConcept | undefined {
	return conceptOf(child(statement, name), reading.document);
}

export function effectivePeriod(reading: Reading, statement: Element): Period | undefined {
	return ordered(periodOf(child(statement, 'effectiveTime'), reading.zone));
}

/** A period that does not end before it begins. */
export function ordered(period: Period | undefined): Period | undefined {
	const { start, end } = period ?? {};
	return start !== undefined && end !== undefined && Date.parse(start) > Date.parse(end) ? { start } : period;
}

/** `effective`, `performed` or the like, as a dateTime for a point and a Period for an interval. */
export function timed(reading: Reading, statement: Element, name: string): Readonly<Record<string, unknown>> {
	const element = child(statement, 'effectiveTime');
	const period = effectivePeriod(reading, statement);
	if (period === undefined) return {};
	return !isInterval(element) && period.start !== undefined ? { [`${name}DateTime`]: period.start } : { [`${name}Period`]: period };
}

/** `identifier` of what has ids of its own, so that it is known again when it comes in another document. */
export function identified(statement: Element): Readonly<Record<string, unknown>> {
	const identifier = identifiersOf(statement);
	return identifier.length === 0 ? {} : { identifier };
}

/** An object without the members that are undefined or empty lists. */
export function present<T extends object>(members: T): T {
	return Object.fromEntries(
		Object.entries(members).filter(([, value]) => value !== undefined && !(Array.isArray(value) && value.length === 0)),
	) as T;
}

/** A reference to somebody by what the document says of them: nobody is added to the directory. */
export type Actor = { readonly type?: string | undefined; readonly identifier?: object | undefined; readonly display?: string | undefined };

/** The person, or failing that the organization, of an author, performer or informant. */
export function actorOf(holder: Element | undefined): Actor | undefined {
	const role = childrenOf(holder).find(({ name }) => /^(assigned|intended|associated|related|participant|play)/i.test(name));
	const person =
		at(role, 'assignedPerson') ?? at(role, 'informationRecipient') ?? at(role, 'associatedPerson') ?? at(role, 'playingEntity');
	const organization = at(role, 'representedOrganization') ?? at(role, 'scopingOrganization');
	const display = displayOf(nameOf(child(person, 'name'))) ?? displayOf(nameOf(child(organization, 'name')));
	const identifier = [...identifiersOf(role), ...identifiersOf(organization)][0];
	if (display === undefined && identifier === undefined) return undefined;
	const type = child(person, 'name') === undefined ? 'Organization' : 'Practitioner';
	return present({ type, identifier, display });
}

export function displayOf(name: Readonly<Record<string, unknown>> | undefined): string | undefined {
	if (name === undefined) return undefined;
	if (typeof name.text === 'string') return name.text;
	const parts = [name.prefix, name.given, name.family, name.suffix].flat().filter((part) => typeof part === 'string');
	return parts.length === 0 ? undefined : parts.join(' ');
}

/** Somebody where FHIR wants a person: a nameless author of an organization is somebody in a role there. */
export function personOf(actors: readonly Actor[]): Actor | undefined {
	const [actor] = actors;
	return actor?.type === 'Organization' ? { ...actor, type: 'PractitionerRole' } : actor;
}

export function actorsOf(statement: Element, name: 'author' | 'performer'): Actor[] {
	return childrenOf(statement, name)
		.map(actorOf)
		.filter((one) => one !== undefined);
}

/** When the first author wrote it. */
export function authoredOn(reading: Reading, statement: Element): string | undefined {
	return timeOf(at(statement, 'author', 'time')?.attributes.value, reading.zone);
}

/** Comments within a statement (template 22.4.64) and its own text where that is not in a resource otherwise. */
export function notesOf(reading: Reading, inner: Inner): { text: string }[] {
	return inner
		.takeWhere(({ statement }) => is(statement, '22.4.64') || (statement.name === 'act' && codeIn(child(statement, 'code')) === '48767-8'))
		.map(({ statement }) => referredText(child(statement, 'text'), reading.document))
		.filter((text) => text !== undefined)
		.map((text) => ({ text }));
}

/** Where coded facts go that FHIR has no element for. */
export function extra(field: string, concept: CodeableConcept | undefined): object[] {
	return concept === undefined ? [] : [{ url: keptUrl(field), valueCodeableConcept: concept }];
}

export function concept(system: string, code: string, display?: string): { coding: { system: string; code: string; display?: string }[] } {
	return { coding: [{ system, code, ...(display === undefined ? {} : { display }) }] };
}

export const subject = { reference: patientUrn };
