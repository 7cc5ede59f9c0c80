// A Provenance of the server's own: who wrote these versions, for whom and when.
// https://hl7.org/fhir/us/core/STU8/StructureDefinition-us-core-provenance.html
import type { Resource } from '#fhir/resource.ts';
import type { Key } from '#fhir/store/layout.ts';

/** Codes of https://terminology.hl7.org/CodeSystem-v3-DataOperation.html */
export type Activity = 'CREATE' | 'UPDATE' | 'DELETE';

/** Who stands behind what a caller writes. */
export type Author = {
	readonly who: { readonly reference?: string; readonly display?: string };
	/** "Organization/id" that the author works for. */
	readonly organization?: string;
	/** The application in between. */
	readonly client?: string;
};

/** What was done to which versions. */
export type Deed = {
	/** "Type/id/_history/version". */
	readonly targets: readonly string[];
	/** The key of the resource, when it is one and its key is known. */
	readonly rk?: Key;
	/** Id of the one whose record they are part of. */
	readonly patient?: string | undefined;
	/** Epoch milliseconds. */
	readonly recorded: number;
};

export const profile = 'http://hl7.org/fhir/us/core/StructureDefinition/us-core-provenance';

/** R5's element `patient`, by which R5 has Provenance in the record of who it is about (https://hl7.org/fhir/R5/versions.html#extensions). */
export const patientUrl = 'http://hl7.org/fhir/5.0/StructureDefinition/extension-Provenance.patient';

const agentTypes = 'http://terminology.hl7.org/CodeSystem/provenance-participant-type';
const activities = 'http://terminology.hl7.org/CodeSystem/v3-DataOperation';

/** The whole resource; `claimed`: whether it says that it meets US Core's profile. */
export function draft(author: Author, activity: Activity, { targets, patient, recorded }: Deed, claimed: boolean): Resource {
	return {
		resourceType: 'Provenance',
		...(claimed ? { meta: { profile: [profile] } } : {}),
		...(patient === undefined ? {} : { extension: [{ url: patientUrl, valueReference: { reference: `Patient/${patient}` } }] }),
		target: targets.map((reference) => ({ reference })),
		recorded: new Date(recorded).toISOString(),
		...signature(author, activity),
	};
}

/** What is the same in all that an author does of a kind. */
export function signature(
	{ who, organization, client }: Author,
	activity: Activity,
): { readonly activity: object; readonly agent: object[] } {
	const agent = (code: string, rest: object): object => ({
		type: { coding: [{ system: agentTypes, code }] },
		...rest,
	});
	const onBehalfOf = organization === undefined ? {} : { onBehalfOf: { reference: organization } };
	return {
		activity: { coding: [{ system: activities, code: activity }] },
		agent: [
			agent('author', { who, ...onBehalfOf }),
			...(client === undefined ? [] : [agent('assembler', { who: { identifier: { value: client } } })]),
		],
	};
}
