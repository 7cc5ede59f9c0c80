// Names that Heron gives to what FHIR has no word for, https://hl7.org/fhir/R4/extensibility.html.

const home = 'https://heron-ehr.org/fhir';

/** The canonical URL of an extension of Heron's. */
export function extensionUrl(name: string): string {
	return `${home}/StructureDefinition/${name}`;
}

/** The URL of a code system of Heron's. */
export function codeSystemUrl(name: string): string {
	return `${home}/CodeSystem/${name}`;
}

/** The system of identifiers that Heron gives out. */
export function identifierSystem(name: string): string {
	return `${home}/sid/${name}`;
}
