// How the wire refuses what it cannot read or write. The codes are for ever.
import { Problem } from '#base/problem.ts';

/** 400 `json-malformed` at a byte of the text. */
export function malformedJson(bytes: Buffer, at: number, why: string): Problem {
	const before = bytes.subarray(0, at);
	const lineStart = before.lastIndexOf(0x0a) + 1;
	let line = 1;
	for (let next = before.indexOf(0x0a); next >= 0; next = before.indexOf(0x0a, next + 1)) line++;
	const column = before.subarray(lineStart).toString().length + 1;
	return malformed('json-malformed', `The JSON cannot be read at line ${line}, column ${column}: ${why}.`);
}

/** 400 `xml-malformed` at a place of the text. */
export function malformedXml(line: number, column: number, why: string): Problem {
	return malformed('xml-malformed', `The XML cannot be read at line ${line}, column ${column}: ${why}.`);
}

/** 400 for a body that is well-formed but no resource. */
export function notAResource(text: string): Problem {
	return malformed('not-a-resource', text);
}

function malformed(code: string, text: string): Problem {
	return new Problem('invalid', code, text, { issues: [{ severity: 'fatal', type: 'structure', code, text }] });
}

/** 415: the body is in a format that is not taken here. */
export function unsupportedBody(contentType: string, taken: string): Problem {
	return media('content-type-unsupported', 415, `A body of type "${clip(contentType)}" is not taken here; send ${taken}.`);
}

/** 406: no format the client would take is one Heron writes. */
export function notAcceptable(asked: string): Problem {
	return media(
		'format-not-acceptable',
		406,
		`Heron cannot answer in "${clip(asked)}"; ask for application/fhir+json or application/fhir+xml (FHIR version 4.0).`,
	);
}

function media(code: string, status: number, text: string): Problem {
	return new Problem('invalid', code, text, { status, issues: [{ severity: 'error', type: 'not-supported', code, text }] });
}

function clip(text: string): string {
	return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
