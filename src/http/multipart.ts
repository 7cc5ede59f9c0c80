// Forms with files: multipart/form-data, https://www.rfc-editor.org/rfc/rfc7578
import { Busboy } from '@fastify/busboy';
import { Problem } from '#base/problem.ts';
import type { Request } from './route.ts';

export type UploadedFile = {
	/** Of the field. */
	readonly field: string;
	/** As the client named it; it may be anything. */
	readonly name: string;
	readonly bytes: Buffer;
};

export type Form = { readonly fields: ReadonlyMap<string, string>; readonly files: readonly UploadedFile[] };

/** Room for the fields and headers of a form beside its files. */
const aroundBytes = 1024 * 1024;

/**
 * The fields and files of a form whose files have at most `limitBytes` together. Throws Problem invalid `form-expected` (400), `form-broken`
 * and too-much `body-too-large` (413).
 */
export async function readForm(request: Pick<Request, 'headers' | 'body'>, limitBytes: number): Promise<Form> {
	const { 'content-type': type } = request.headers;
	if (typeof type !== 'string' || !/^multipart\/form-data\s*;/i.test(type))
		throw new Problem('invalid', 'form-expected', 'A file is sent as multipart/form-data.');
	const bytes = await request.body(limitBytes + aroundBytes);
	return parse(type, bytes);
}

function parse(type: string, bytes: Buffer): Promise<Form> {
	return new Promise((resolve, reject) => {
		const broken = (cause?: unknown): void =>
			reject(new Problem('invalid', 'form-broken', 'The form is not valid multipart/form-data.', { cause }));
		const fields = new Map<string, string>();
		const files: UploadedFile[] = [];
		try {
			const parser = Busboy({ headers: { 'content-type': type }, limits: { fields: 100, files: 20, parts: 120, fieldSize: 65_536 } });
			parser.on('field', (name, value) => fields.set(name, value));
			parser.on('file', (field, stream, name) => {
				const chunks: Buffer[] = [];
				stream.on('data', (chunk: Buffer) => chunks.push(chunk));
				stream.on('error', broken);
				stream.on('end', () => files.push({ field, name: name ?? '', bytes: Buffer.concat(chunks) }));
			});
			for (const limit of ['partsLimit', 'filesLimit', 'fieldsLimit'] as const) parser.on(limit, () => broken());
			parser.on('error', broken);
			parser.on('finish', () => resolve({ fields, files }));
			parser.end(bytes);
		} catch (error) {
			broken(error);
		}
	});
}
