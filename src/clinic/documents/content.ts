// What a document is, by its content: a name can say anything.
import { fileTypeFromBuffer } from 'file-type';

/** What may be filed when the practice has not said otherwise. */
export const usualTypes: readonly string[] = [
	'application/pdf',
	'application/dicom',
	'application/zip',
	'application/xml',
	'image/gif',
	'image/jpeg',
	'image/png',
	'image/tiff',
	'text/csv',
	'text/plain',
];

/** The media type of content, application/octet-stream when it is nothing known. The name only tells tables from other text. */
export async function contentTypeOf(bytes: Buffer, name: string): Promise<string> {
	const found = await fileTypeFromBuffer(bytes);
	if (found !== undefined) return found.mime === 'text/xml' ? 'application/xml' : found.mime;
	const text = textOf(bytes);
	if (text === undefined) return 'application/octet-stream';
	const start = text.slice(0, 1024).trimStart();
	if (/^<(!doctype\s+html|html|head|body|script|iframe)\b/i.test(start)) return 'text/html';
	if (/^<(\?xml|svg|!doctype\s+svg)\b/i.test(start)) return /<svg[\s>]/i.test(start) ? 'image/svg+xml' : 'application/xml';
	return /\.(csv|tsv)$/i.test(name) && isTable(text) ? 'text/csv' : 'text/plain';
}

/** Text in UTF-8 without control characters; undefined for anything else, also for nothing at all. */
function textOf(bytes: Buffer): string | undefined {
	if (bytes.length === 0) return undefined;
	try {
		const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
		// biome-ignore lint/suspicious/noControlCharactersInRegex: they tell text from other content
		return /[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]/.test(text) ? undefined : text;
	} catch {
		return undefined;
	}
}

/** Whether the first lines have columns, https://www.rfc-editor.org/rfc/rfc4180 */
function isTable(text: string): boolean {
	const lines = text.split(/\r?\n/, 5).filter((line) => line !== '');
	return [',', ';', '\t'].some((mark) => lines.every((line) => line.includes(mark)));
}
