// Which format a body is in and which one an answer shall have: https://hl7.org/fhir/R4/http.html#mime-type and #parameters.
import type { Request } from '#http/route.ts';
import { notAcceptable, unsupportedBody } from './problems.ts';

export type Format = 'json' | 'xml';

/** How to write an answer. `contentType` is complete, with its charset. */
export type AnswerFormat = { readonly format: Format; readonly pretty: boolean; readonly contentType: string };

/** A media type as sent: lower-case name and parameters. */
export type MediaType = { readonly name: string; readonly params: Readonly<Record<string, string>> };

const fhirJson = 'application/fhir+json; charset=utf-8';
const fhirXml = 'application/fhir+xml; charset=utf-8';
const plainJson: AnswerFormat = { format: 'json', pretty: false, contentType: fhirJson };

/** Media types that mean a format. The generic ones are answered by their own name, as the specification asks. */
const formats: ReadonlyMap<string, { readonly format: Format; readonly contentType: string }> = new Map([
	['application/fhir+json', { format: 'json', contentType: fhirJson }],
	['application/json', { format: 'json', contentType: 'application/json; charset=utf-8' }],
	['text/json', { format: 'json', contentType: 'text/json; charset=utf-8' }],
	['application/json+fhir', { format: 'json', contentType: fhirJson }],
	['application/fhir+xml', { format: 'xml', contentType: fhirXml }],
	['application/xml', { format: 'xml', contentType: 'application/xml; charset=utf-8' }],
	['text/xml', { format: 'xml', contentType: 'text/xml; charset=utf-8' }],
	['application/xml+fhir', { format: 'xml', contentType: fhirXml }],
]);

const shortNames: ReadonlyMap<string, Format> = new Map([
	['json', 'json'],
	['xml', 'xml'],
]);

const wildcards = new Set(['*/*', 'application/*', 'text/*', '*']);

/** Reads a Content-Type header, or one range of an Accept header. */
export function mediaType(text: string): MediaType {
	const [name = '', ...rest] = text.split(';');
	const params: Record<string, string> = Object.create(null);
	for (const part of rest) {
		const equals = part.indexOf('=');
		if (equals < 0) continue;
		params[part.slice(0, equals).trim().toLowerCase()] = part
			.slice(equals + 1)
			.trim()
			.replace(/^"(.*)"$/, '$1');
	}
	return { name: name.trim().toLowerCase(), params };
}

/** Whether a media type, or a `_format`, is one of FHIR's own for resources; a Binary is then given as a resource. */
export function isFhirMediaType(contentType: string): boolean {
	return /^application\/(fhir\+json|fhir\+xml|json\+fhir|xml\+fhir)$/.test(mediaType(contentType).name);
}

/**
 * The format of a body that is a resource; JSON when its type is not said.
 * Throws Problem invalid `content-type-unsupported` (415) for another media type, FHIR version or charset.
 */
export function bodyFormat(contentType: string | undefined): Format {
	if (contentType === undefined || contentType === 'application/fhir+json' || contentType.trim() === '') return 'json';
	const { name, params } = mediaType(contentType);
	const found = formats.get(name);
	if (found === undefined) throw unsupportedBody(contentType, 'application/fhir+json or application/fhir+xml');
	checkParams(contentType, params);
	return found.format;
}

/**
 * The format of a patch: `json-patch`, or the format of a Parameters resource for FHIRPath Patch; see https://hl7.org/fhir/R4/http.html#patch.
 * Throws Problem invalid `content-type-unsupported` (415) for others, XML Patch among them.
 */
export function patchFormat(contentType: string | undefined): 'json-patch' | Format {
	const { name, params } = mediaType(contentType ?? '');
	if (name !== 'application/json-patch+json') {
		const found = formats.get(name);
		if (found === undefined)
			throw unsupportedBody(contentType ?? '', 'application/json-patch+json, or a Parameters resource as application/fhir+json');
		checkParams(contentType ?? '', params);
		return found.format;
	}
	checkParams(contentType ?? '', params);
	return 'json-patch';
}

/** Whether a body is a form, as POST _search takes it. */
export function isForm(contentType: string | undefined): boolean {
	return contentType !== undefined && mediaType(contentType).name === 'application/x-www-form-urlencoded';
}

function checkParams(contentType: string, params: MediaType['params']): void {
	const charset = params.charset?.toLowerCase() ?? 'utf-8';
	if (charset !== 'utf-8' && charset !== 'utf8' && charset !== 'us-ascii') throw unsupportedBody(contentType, 'UTF-8');
	if (!isOurVersion(params.fhirversion)) throw unsupportedBody(contentType, 'FHIR version 4.0');
}

function isOurVersion(version: string | undefined): boolean {
	return version === undefined || version === '4.0' || version === '4.0.1';
}

/**
 * The format of the answer: `_format` wins over Accept, and neither means JSON. `form` holds parameters that came in a body (POST _search).
 * Throws Problem invalid `format-not-acceptable` (406) when the client takes neither JSON nor XML of FHIR 4.0.
 */
export function answerFormat(request: Pick<Request, 'query' | 'headers'>, form?: URLSearchParams): AnswerFormat {
	const { query } = request;
	const accept = request.headers.accept as string | undefined;
	const params = form ?? (query.includes('_format') || query.includes('_pretty') ? new URLSearchParams(query) : undefined);
	const pretty = params?.get('_pretty') === 'true';
	const asked = params?.getAll('_format').find((value) => value.trim() !== '');
	const chosen = asked === undefined ? byAccept(accept) : byParameter(asked);
	return pretty ? { ...chosen, pretty } : chosen;
}

/** As answerFormat, but JSON when the client asks for what cannot be had: for answers that must be given all the same. */
export function answerFormatOrJson(request: Pick<Request, 'query' | 'headers'>): AnswerFormat {
	try {
		return answerFormat(request);
	} catch {
		return plainJson;
	}
}

function byParameter(asked: string): AnswerFormat {
	// A "+" that was not percent-encoded arrives as a blank.
	const { name, params } = mediaType(asked.trim().replace(/ (?=json|xml|fhir)/i, '+'));
	const format = shortNames.get(name) ?? formats.get(name)?.format;
	if (format === undefined || !isOurVersion(params.fhirversion)) throw notAcceptable(asked);
	return { format, pretty: false, contentType: format === 'json' ? fhirJson : fhirXml };
}

function byAccept(accept: string | undefined): AnswerFormat {
	if (accept === undefined || accept === '*/*' || accept === 'application/fhir+json' || accept.trim() === '') return plainJson;
	let best: AnswerFormat | undefined;
	let bestRank = 0;
	for (const range of accept.split(',')) {
		const { name, params } = mediaType(range);
		const wild = wildcards.has(name);
		const found = wild ? plainJson : formats.get(name);
		const quality = params.q === undefined ? 1 : Number(params.q);
		if (found === undefined || !(quality > 0) || !isOurVersion(params.fhirversion)) continue;
		// Of equal qualities, what is named wins over a wildcard, and the first over the later ones.
		const rank = Math.min(quality, 1) * 2 + (wild ? 0 : 0.0001);
		if (rank > bestRank) {
			bestRank = rank;
			best = { ...found, pretty: false };
		}
	}
	if (best === undefined) throw notAcceptable(accept);
	return best;
}
