// People and places in entries: authors, performers, locations.
import type { Concept, Contact, Entity, Name, Party, Place, PractitionerRole, Reference } from '#exchange/documents/shapes.ts';
import { entityWords } from '#exchange/documents/words.ts';
import type { Element } from '#formats/ccda/tree.ts';
import { oidOf } from '#formats/ccda/vocabulary.ts';
import { template } from '#formats/ccda/write/templates.ts';
import { addresses, code, nothing, personNames, telecoms, time } from '#formats/ccda/write/values.ts';
import { element } from '#formats/ccda/write/xml.ts';
import { type Draft, ownId } from './draft.ts';

const taxonomy = 'http://nucc.org/provider-taxonomy';
const npi = 'http://hl7.org/fhir/sid/us-npi';

/** Who a reference names: a person, an organization, or a person in an organization. */
type Who = {
	readonly person: Party | undefined;
	readonly organization: Party | undefined;
	readonly role: PractitionerRole | undefined;
	readonly display: string | undefined;
};

function whoOf({ record }: Draft, reference: Reference | undefined, from?: Entity): Who {
	const found = record.find<Party>(reference, from);
	const none = { person: undefined, organization: undefined, role: undefined, display: reference?.display };
	switch (found?.resourceType) {
		case undefined:
			return none;
		case 'Organization':
			return { ...none, organization: found };
		case 'PractitionerRole': {
			const role = found as Entity as PractitionerRole;
			return {
				...none,
				role,
				person: record.find<Party>(role.practitioner, role),
				organization: record.find<Party>(role.organization, role),
				display: reference?.display ?? role.practitioner?.display,
			};
		}
		default:
			return { ...none, person: found };
	}
}

/** The name of whom a reference names; empty when nobody knows. */
export function whoWords(draft: Draft, reference: Reference | undefined, from?: Entity): string {
	const { person, organization, display } = whoOf(draft, reference, from);
	return entityWords(person) || display || entityWords(organization);
}

/** Ids of an entity: those of systems with an OID (a practitioner's NPI …), else its own. */
export function partyIds(draft: Draft, party: Entity | undefined): Element[] {
	if (party === undefined) return [nothing('id', 'NI')];
	const known = (party.identifier ?? []).flatMap(({ system, value }) => {
		const root = oidOf(system);
		return root === undefined || value === undefined || value === '' ? [] : [{ system, node: element('id', { root, extension: value }) }];
	});
	const sorted = known.toSorted((a, b) => Number(b.system === npi) - Number(a.system === npi));
	return [...sorted.map(({ node }) => node), ownId(draft, party)];
}

function list<T>(value: T | readonly T[] | undefined): readonly T[] | undefined {
	return value === undefined ? undefined : ((Array.isArray(value) ? value : [value]) as readonly T[]);
}

const personName = (who: Who): Element[] =>
	personNames(
		Array.isArray(who.person?.name)
			? (who.person.name as readonly Name[])
			: who.display === undefined
				? undefined
				: [{ text: who.display }],
	);

function taxonomyOf({ role, person }: Who): Element | undefined {
	const concepts = [
		...(role?.specialty ?? []),
		...(role?.code ?? []),
		...(person?.qualification ?? []).flatMap(({ code: concept }) => concept ?? []),
	];
	const found = concepts.find((concept) => concept.coding?.some(({ system }) => system === taxonomy));
	return found === undefined ? undefined : code('code', found, { systems: [taxonomy], only: true });
}

/** An organization under whatever name the place gives it. */
export function organization(draft: Draft, name: string, party: Party | undefined, display?: string): Element {
	const words = entityWords(party) || display;
	return element(
		name,
		{},
		partyIds(draft, party),
		words === undefined || words === '' ? nothing('name') : element('name', {}, words),
		telecoms(party?.telecom, 1),
		addresses(list<Place>(party?.address)).slice(0, 1),
	);
}

/** Whether anything is known of whom a reference names. */
export function isKnown(draft: Draft, reference: Reference | undefined, from?: Entity): boolean {
	return whoWords(draft, reference, from) !== '';
}

function assigned(draft: Draft, name: string, who: Who): Element {
	const { person, organization: at, role } = who;
	const isPerson = person !== undefined || at === undefined;
	const contacts: readonly Contact[] | undefined = role?.telecom ?? person?.telecom ?? at?.telecom;
	return element(
		name,
		{},
		partyIds(draft, person ?? at),
		taxonomyOf(who),
		addresses(list<Place>(person?.address ?? at?.address)).slice(0, 1),
		telecoms(contacts, 3),
		isPerson ? element('assignedPerson', {}, personName(who)) : undefined,
		at === undefined ? undefined : organization(draft, 'representedOrganization', at),
	);
}

/** Author of an entry (Author Participation); undefined when neither who nor when is known. */
export function author(draft: Draft, reference: Reference | undefined, when: string | undefined, from?: Entity): Element | undefined {
	if (!isKnown(draft, reference, from) && when === undefined) return undefined;
	const who = whoOf(draft, reference, from);
	return element('author', {}, template('author'), time('time', when), assigned(draft, 'assignedAuthor', who));
}

/** Author of the whole document: when, and who. */
export function documentAuthor(draft: Draft, reference: Reference, when: string): Element {
	return element('author', {}, time('time', when), assigned(draft, 'assignedAuthor', whoOf(draft, reference)));
}

/** An entity that did something. */
export function performer(draft: Draft, reference: Reference | undefined, from?: Entity, typeCode?: string): Element | undefined {
	if (!isKnown(draft, reference, from)) return undefined;
	return element('performer', { typeCode }, assigned(draft, 'assignedEntity', whoOf(draft, reference, from)));
}

export function assignedEntity(draft: Draft, reference: Reference | undefined, from?: Entity): Element {
	return assigned(draft, 'assignedEntity', whoOf(draft, reference, from));
}

/** Where something was: a Location, or the organization that ran it. */
export function serviceLocation(draft: Draft, reference: Reference | undefined, from?: Entity, toldKind?: Concept): Element | undefined {
	const place = draft.record.find<Party>(reference, from);
	const words = entityWords(place, reference);
	if (words === '' && toldKind === undefined) return undefined;
	const types = list(place?.type) ?? [];
	const kind = toldKind ?? types.find((concept) => concept.coding?.some(({ system }) => system === hsloc)) ?? types[0];
	return element(
		'participant',
		{ typeCode: 'LOC' },
		element(
			'participantRole',
			{ classCode: 'SDLOC' },
			template('service location'),
			partyIds(draft, place),
			kind === undefined ? nothing('code') : code('code', kind, { systems: [hsloc], only: true }),
			addresses(list<Place>(place?.address)).slice(0, 1),
			telecoms(place?.telecom, 1),
			words === '' ? undefined : element('playingEntity', { classCode: 'PLC' }, element('name', {}, words)),
		),
	);
}

const hsloc = 'https://www.cdc.gov/nhsn/cdaportal/terminology/codesystem/hsloc.html';
