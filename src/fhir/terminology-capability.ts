// What the server can do with codes and value sets, https://hl7.org/fhir/R4/terminologycapabilities.html (`/metadata?mode=terminology`).
import type { Fhir } from './ctx.ts';
import type { Resource } from './resource.ts';

/** The TerminologyCapabilities. */
export function terminologyCapabilities({ base }: Fhir, { software, releaseDate }: { software: object; releaseDate: string }): Resource {
	return {
		resourceType: 'TerminologyCapabilities',
		id: 'heron',
		url: `${base}/metadata?mode=terminology`,
		name: 'HeronTerminologyCapabilities',
		title: 'What this Heron server can do with codes and value sets',
		status: 'active',
		date: releaseDate,
		publisher: 'Heron',
		description:
			'Known are the value sets and code systems of FHIR R4, HL7 and US Core and of the packages added to the server, code systems that were loaded from their publishers, and the ValueSet and CodeSystem resources that are stored here.',
		kind: 'instance',
		software,
		implementation: { description: 'A Heron server', url: base },
		lockedDate: false,
		expansion: {
			hierarchical: false,
			paging: true,
			incomplete: false,
			parameter: ['url', 'valueSet', 'filter', 'offset', 'count', 'activeOnly', 'excludeNested'].map((name) => ({ name })),
			textFilter: 'Every word of the filter, in any case, begins a word of the code, of its display or of another of its names.',
		},
		codeSearch: 'explicit',
		validateCode: { translations: false },
		translation: { needsMap: false },
	};
}
