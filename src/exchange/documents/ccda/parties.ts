// People and places in entries: authors, performers, locations.
import type { Concept, Contact, Entity, Name, Party, Place, PractitionerRole, Reference } from '#exchange/documents/shapes.ts';
import { entityWords } from '#exchange/documents/words.ts';
import type { Element } from '#formats/ccda/tree.ts';
import { oidOf } from '#formats/ccda/vocabulary.ts';
import { template } from '#formats/ccda/write/templates.ts';
import { addresses, code, fixed, nothing, personNames, telecoms, time } from '#formats/ccda/write/values.ts';
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
	if (found === undefined) return none;
	switch (found.resourceType) {
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
		default: {
			const roles = record.rolesOf(found);
			const [first] = roles;
			const places = new Set(roles.map(({ organization }) => organization?.reference));
			return {
				...none,
				person: found,
				// Who works at several places may have been at any of them.
				organization: places.size === 1 ? record.find<Party>(first?.organization, first) : undefined,
				role: roles.find((role) => conceptsOf(role).some(isTaxonomy)) ?? first,
			};
		}
	}
}

const conceptsOf = ({ specialty, code: work }: PractitionerRole): readonly Concept[] => [...(specialty ?? []), ...(work ?? [])];
const isTaxonomy = ({ coding }: Concept): boolean => coding?.some(({ system }) => system === taxonomy) === true;

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

/** How the Standard API keeps what a user is: a code of the taxonomy, or the practice's own word. */
const taxonomyUrl = 'https://heron-ehr.org/fhir/StructureDefinition/openemr-practitioner-taxonomy';
const kindUrl = 'https://heron-ehr.org/fhir/StructureDefinition/openemr-practitioner-physician_type';

/**
 * What somebody is: by the taxonomy of health care providers where anything says so, else in the words or codes of role, qualification or kind
 * of user; how a relative, or the patient, is related to the patient. Undefined when nobody knows.
 */
function workOf({ role, person, organization: at }: Who): Element | undefined {
	if (person?.resourceType === 'Patient') return fixed('code', relations, 'ONESELF', 'self');
	if (person?.resourceType === 'RelatedPerson') {
		const related =
			person.relationship?.find(({ coding }) => coding?.some(({ system }) => system === relations)) ?? person.relationship?.[0];
		return related === undefined ? undefined : code('code', related, { systems: [relations], only: true });
	}
	const said = (url: string): string | undefined => person?.extension?.find((one) => one.url === url)?.valueString;
	const [ofTaxonomy, kind] = [said(taxonomyUrl), said(kindUrl)];
	const concepts: readonly Concept[] = [
		...(role === undefined ? [] : conceptsOf(role)),
		...(person?.qualification ?? []).flatMap(({ code: concept }) => concept ?? []),
		...(ofTaxonomy === undefined ? [] : [{ coding: [{ system: taxonomy, code: ofTaxonomy }] }]),
		...(kind === undefined ? [] : [{ text: kind }]),
		...(person === undefined ? (list<Concept>(at?.type as Concept | undefined) ?? []).filter(isTaxonomy) : []),
	];
	const found = concepts.find(isTaxonomy) ?? concepts[0];
	return found === undefined ? undefined : code('code', found, { systems: [taxonomy], only: true });
}

const relations = 'http://terminology.hl7.org/CodeSystem/v3-RoleCode';

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

function assigned(draft: Draft, name: string, who: Who, work: Element | undefined = workOf(who)): Element {
	const { person, organization: at, role } = who;
	const isPerson = person !== undefined || at === undefined;
	const contacts: readonly Contact[] | undefined = role?.telecom ?? person?.telecom ?? at?.telecom;
	return element(
		name,
		{},
		partyIds(draft, person ?? at),
		work,
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
	return element(
		'author',
		{},
		template('author'),
		time('time', when),
		assigned(draft, 'assignedAuthor', who, workOf(who) ?? nothing('code')),
	);
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
