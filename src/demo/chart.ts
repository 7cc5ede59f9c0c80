// A chart in the making: resources in the order in which they can be loaded, and who made them.
import type { Random } from '#base/random.ts';
import { patientUrl } from '#fhir/provenance/draft.ts';
import type { Resource } from '#fhir/resource.ts';
import { concepts, hl7, type Link, linkTo, profiled, usCoreCodes } from './fhir.ts';
import type { Person, World } from './people.ts';
import type { Facility, Staff } from './practice.ts';
import { instantOf, later, type Moment } from './time.ts';

export type Chart = {
	readonly world: World;
	readonly person: Person;
	readonly random: Random;
	readonly resources: Resource[];
	/** Adds a resource, which gets its id. */
	add(resource: Resource): Resource;
	/** Adds what the laboratory made. */
	addFromLaboratory(resource: Resource): Resource;
	/** Says who made, for which organization, what was added since the last time; what the laboratory made it signs itself. */
	sign(at: Moment, author: Link, organization: Link): void;
};

/** A visit of the patient: what everything that comes of it needs to know. */
export type Visit = {
	readonly encounter: Resource;
	readonly link: Link;
	readonly start: Moment;
	readonly end: Moment;
	readonly clinician: Staff;
	readonly nurse: Staff;
	readonly facility: Facility;
};

/** An empty chart. */
export function createChart(world: World, person: Person, random: Random): Chart {
	const resources: Resource[] = [];
	let unsigned: Resource[] = [];
	let fromLaboratory: Resource[] = [];
	const signed = { world, person };
	const add = (resource: Resource, to: Resource[]): Resource => {
		const added = { ...resource, id: resource.id ?? random.uuid() };
		resources.push(added);
		to.push(added);
		return added;
	};
	return {
		world,
		person,
		random,
		resources,
		add: (resource) => add(resource, unsigned),
		addFromLaboratory: (resource) => add(resource, fromLaboratory),
		sign(at, author, organization) {
			const { laboratory } = world.practice;
			if (unsigned.length > 0) resources.push(provenance(random.uuid(), unsigned, { at, author, organization, ...signed }));
			if (fromLaboratory.length > 0)
				resources.push(
					provenance(random.uuid(), fromLaboratory, { at: later(at, 400), author: laboratory, organization: laboratory, ...signed }),
				);
			unsigned = [];
			fromLaboratory = [];
		},
	};
}

type Signature = {
	readonly at: Moment;
	readonly author: Link;
	readonly organization: Link;
	readonly world: World;
	readonly person: Person;
};

/** https://hl7.org/fhir/us/core/STU8/StructureDefinition-us-core-provenance.html */
function provenance(id: string, targets: readonly Resource[], { at, author, organization, world, person }: Signature): Resource {
	const agent = (system: string, code: string, display: string, who: Link, onBehalfOf?: Link): object => ({
		type: concepts(display, [system, code, display]),
		who,
		...(onBehalfOf === undefined ? {} : { onBehalfOf }),
	});
	return {
		resourceType: 'Provenance',
		id,
		meta: profiled('us-core-provenance'),
		// So that the patient sees it with his record.
		extension: [{ url: patientUrl, valueReference: person.link }],
		target: targets.map((target) => linkTo(target)),
		recorded: instantOf(at),
		agent: [
			agent(`${hl7}/provenance-participant-type`, 'author', 'Author', author, organization),
			agent(`${usCoreCodes}/us-core-provenance-participant-type`, 'transmitter', 'Transmitter', organization, world.practice.organization),
		],
	};
}

/** The elements that most clinical resources of a visit begin with. */
export function ofVisit(chart: Chart, visit: Visit): { readonly subject: Link; readonly encounter: Link } {
	return { subject: chart.person.link, encounter: visit.link };
}
