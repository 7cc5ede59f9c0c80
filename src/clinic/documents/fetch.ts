// Fetching a document as a file.
import { create as contentDisposition } from 'content-disposition';
import { rawBinary } from '#fhir/binary/binary.ts';
import type { FhirCtx } from '#fhir/ctx.ts';
import { read } from '#fhir/interactions/read.ts';
import type { Stored } from '#fhir/resource.ts';
import type { Reply, Request } from '#http/route.ts';
import { fileName } from './file.ts';
import { contentElsewhere } from './problems.ts';

type Document = {
	readonly status?: string;
	readonly content?: readonly { readonly attachment?: { readonly url?: string; readonly title?: string } }[];
};

/**
 * The content of a DocumentReference with the name it had, to be saved and never run (https://www.rfc-editor.org/rfc/rfc6266). Ranges are
 * given. Throws Problem not-found `document-content-elsewhere`, and what reading its Binary throws.
 */
export async function fetchDocument(ctx: FhirCtx, document: Pick<Stored, 'body'>, request: Pick<Request, 'headers'>): Promise<Reply> {
	const { content } = JSON.parse(document.body) as Document;
	const attachment = content?.[0]?.attachment;
	const id = binaryIn(ctx, attachment?.url);
	if (id === undefined) throw contentElsewhere();
	const reply = await rawBinary(ctx, await read(ctx, 'Binary', id), request);
	return {
		...reply,
		headers: {
			...reply.headers,
			'content-disposition': contentDisposition(fileName(attachment?.title ?? `document-${id}`)),
			'content-security-policy': "default-src 'none'; sandbox",
			'x-content-type-options': 'nosniff',
			'cache-control': 'no-store',
		},
	};
}

/** The id of the Binary of ours that an address names. */
function binaryIn({ fhir }: FhirCtx, url: string | undefined): string | undefined {
	const below = url?.startsWith(`${fhir.base}/`) === true ? url.slice(fhir.base.length + 1) : url;
	return below === undefined ? undefined : /^Binary\/([A-Za-z0-9\-.]{1,64})$/.exec(below)?.[1];
}
