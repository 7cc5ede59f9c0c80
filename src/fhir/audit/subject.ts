// Whose record a resource is part of, found in its JSON text without reading all of it.
import type { Resource } from '#fhir/resource.ts';
import { refKey } from '#fhir/store/keys.ts';
import type { IndexRow } from '#fhir/store/layout.ts';

const mark = '"reference":"Patient/';

/**
 * The id of the patient whom a stored resource is about. Where the text refers to one patient only, that one; where it refers to several,
 * the one whose compartment the index puts it in.
 */
export function patientOf(type: string, id: string, body: string, extract: (resource: Resource) => IndexRow): string | undefined {
	if (type === 'Patient') return id;
	let found: string | undefined;
	for (let at = body.indexOf(mark); at >= 0; at = body.indexOf(mark, at + mark.length)) {
		const patient = idAt(body, at + mark.length);
		if (patient === undefined || patient === found) continue;
		if (found !== undefined) return oneOfSeveral(body, extract);
		found = patient;
	}
	return found;
}

function idAt(body: string, from: number): string | undefined {
	let end = from;
	while (end < body.length && end - from <= 64 && isIdCode(body.charCodeAt(end))) end++;
	return end > from && end - from <= 64 ? body.slice(from, end) : undefined;
}

/** A-Z a-z 0-9 - and . */
function isIdCode(code: number): boolean {
	return (code >= 97 && code <= 122) || (code >= 48 && code <= 57) || (code >= 65 && code <= 90) || code === 45 || code === 46;
}

function oneOfSeveral(body: string, extract: (resource: Resource) => IndexRow): string | undefined {
	try {
		const { pat, references } = extract(JSON.parse(body) as Resource);
		return references.find((reference) => reference.startsWith('Patient/') && refKey(reference) === pat)?.slice('Patient/'.length);
	} catch {
		return undefined;
	}
}
