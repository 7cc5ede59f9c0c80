// What is posted or put to Binary: a Binary resource in a format of FHIR, or any content at all, which becomes the data of one.
// https://hl7.org/fhir/R4/binary.html#rest
import { Problem } from '#base/problem.ts';
import type { Fhir } from '#fhir/ctx.ts';
import type { Resource } from '#fhir/resource.ts';
import { parseResource } from '#fhir/wire/body.ts';
import { bodyFormat, isFhirMediaType } from '#fhir/wire/negotiate.ts';
import type { Request } from '#http/route.ts';
import { dataLimit, tooLarge } from './blob-data.ts';

/**
 * The Binary resource that a request sends, not yet validated. `id` is the one in the address of a PUT. The header X-Security-Context
 * becomes `securityContext`. JSON and XML of no declared FHIR type are content, except when they are a Binary resource.
 * Throws Problem invalid `content-type-invalid` (400), what parseResource throws, and too-much (413).
 */
export async function wrapRaw(fhir: Pick<Fhir, 'settings'>, request: Pick<Request, 'headers' | 'body'>, id?: string): Promise<Resource> {
	const contentType = headerOf(request, 'content-type')?.trim().replace(/\s+/g, ' ') ?? '';
	const bytes = await request.body(fhir.settings.bodyLimitBytes);
	if (isFhirMediaType(contentType)) return parseResource(bytes, bodyFormat(contentType));
	const sent = binaryResource(contentType, bytes);
	if (sent !== undefined) return sent;
	if (bytes.length > dataLimit) throw tooLarge();
	const context = headerOf(request, 'x-security-context');
	return {
		resourceType: 'Binary',
		...(id === undefined ? {} : { id }),
		contentType: checkedType(contentType),
		...(context === undefined ? {} : { securityContext: { reference: context } }),
		...(bytes.length === 0 ? {} : { data: bytes.toString('base64') }),
	};
}

function headerOf({ headers }: Pick<Request, 'headers'>, name: string): string | undefined {
	const value = headers[name];
	return Array.isArray(value) ? value.join(', ') : value;
}

/** A Binary resource that comes as plain JSON or XML, as many clients send it. */
function binaryResource(contentType: string, bytes: Buffer): Resource | undefined {
	const kind = contentType === '' ? 'json' : /^(?:application|text)\/(json|xml)\s*(?:;|$)/i.exec(contentType)?.[1]?.toLowerCase();
	const start = bytes.subarray(0, 512).toString('latin1');
	const likely = kind === 'json' ? /^\s*\{/.test(start) : kind === 'xml' && /<Binary[\s>]/.test(start);
	if (!likely) return undefined;
	try {
		const resource = parseResource(bytes, kind === 'xml' ? 'xml' : 'json');
		return resource.resourceType === 'Binary' ? resource : undefined;
	} catch {
		return undefined;
	}
}

function checkedType(contentType: string): string {
	if (contentType === '') return 'application/octet-stream';
	if (/^[\w!#$&^.+-]+\/[\w!#$&^.+-]+(\s*;.*)?$/.test(contentType)) return contentType;
	throw new Problem('invalid', 'content-type-invalid', `"${contentType.slice(0, 80)}" is not a media type.`);
}
