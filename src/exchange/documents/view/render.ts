// DocumentReference/[id]/$render: a C-CDA document as people read it.
import { Problem } from '#base/problem.ts';
import type { Attachment, DocumentReference } from '#exchange/documents/shapes.ts';
import { restoreBody } from '#fhir/binary/binary.ts';
import type { FhirCtx } from '#fhir/ctx.ts';
import { read } from '#fhir/interactions/read.ts';
import { define, input, output } from '#fhir/operations/define.ts';
import { badParameter, textOf } from '#fhir/operations/input.ts';
import type { Operation, OperationInput } from '#fhir/operations/operation.ts';
import { htmlOf, pagePolicy } from './html.ts';
import { outlineOf } from './outline.ts';
import { pdfOf } from './pdf.ts';

export const render: Operation = {
	name: 'render',
	definition: define({
		id: 'DocumentReference-render',
		name: 'RenderDocument',
		title: 'A C-CDA document as people read it',
		code: 'render',
		description:
			'The C-CDA document that the DocumentReference leads to, as a page of HTML or as PDF: `as` says which, or else what Accept likes best; HTML unless PDF is wanted. Works for documents that were made here and for those that came from elsewhere.',
		resource: ['DocumentReference'],
		instance: true,
		parameter: [
			input('as', 'code', '`html` or `pdf`.'),
			input('size', 'code', 'Paper of the PDF: `letter` (the default) or `a4`.'),
			output('return', 'Binary', 'text/html or application/pdf.'),
		],
	}),
	levels: { instance: true },
	types: ['DocumentReference'],
	methods: ['GET'],
	async run(ctx, given) {
		const form = formOf(given);
		const size = textOf(given, 'size') ?? 'letter';
		if (size !== 'letter' && size !== 'a4') throw badParameter('size', 'It may be letter or a4.');
		const outline = outlineOf(await xmlOf(ctx, given.id ?? ''));
		const headers = {
			'x-content-type-options': 'nosniff',
			'cache-control': 'private, no-store',
			'content-security-policy': pagePolicy,
			vary: 'accept',
		};
		if (form === 'html') return { headers, raw: htmlOf(outline), contentType: 'text/html; charset=utf-8' };
		return {
			headers: { ...headers, 'content-disposition': 'inline; filename="document.pdf"' },
			raw: await pdfOf(outline, size === 'a4' ? 'A4' : 'LETTER'),
			contentType: 'application/pdf',
		};
	},
};

function formOf(given: OperationInput): 'html' | 'pdf' {
	const as = textOf(given, 'as');
	if (as === 'html' || as === 'pdf') return as;
	if (as !== undefined) throw badParameter('as', 'It may be html or pdf.');
	const accept = String(given.request.headers.accept ?? '');
	const quality = (type: string): number => {
		const range = accept.split(',').find((one) => one.trim().toLowerCase().startsWith(type));
		return range === undefined ? 0 : Number(/;\s*q=([\d.]+)/.exec(range)?.[1] ?? 1);
	};
	return quality('application/pdf') > quality('text/html') ? 'pdf' : 'html';
}

/** The bytes of the first attachment that is XML. */
async function xmlOf(ctx: FhirCtx, id: string): Promise<Buffer> {
	const { body } = await read(ctx, 'DocumentReference', id);
	const { content = [] } = JSON.parse(body) as DocumentReference;
	const attachment = content.map((one) => one.attachment).find((one) => isXml(one?.contentType));
	if (attachment === undefined) throw notShown('No attachment of the DocumentReference is XML.');
	return attachment.data === undefined ? dataOf(ctx, attachment) : Buffer.from(attachment.data, 'base64');
}

function isXml(contentType: string | undefined): boolean {
	return /^(application|text)\/([\w.-]+\+)?xml\s*(;|$)/i.test(contentType ?? '');
}

async function dataOf(ctx: FhirCtx, { url = '' }: Attachment): Promise<Buffer> {
	const { base } = ctx.fhir;
	const local = url.startsWith(`${base}/`) ? url.slice(base.length + 1) : url;
	const id = /^Binary\/([A-Za-z0-9\-.]{1,64})$/.exec(local)?.[1];
	if (id === undefined) throw notShown('The attachment is kept elsewhere.');
	const { data } = JSON.parse(await restoreBody(ctx.fhir, await read(ctx, 'Binary', id))) as { data?: string };
	return Buffer.from(data ?? '', 'base64');
}

function notShown(text: string): Problem {
	return new Problem('invalid', 'document-not-shown', text, {
		status: 422,
		issues: [{ severity: 'error', type: 'not-supported', code: 'document-not-shown', text }],
	});
}
