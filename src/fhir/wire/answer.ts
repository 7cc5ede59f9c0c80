// Finished JSON text as an answer in the format the client asked for.
import type { Reply, Request } from '#http/route.ts';
import { type AnswerFormat, answerFormat } from './negotiate.ts';
import { prettyJson } from './pretty.ts';
import { toXml } from './xml.ts';

/**
 * An answer whose body is a resource, given as JSON text. JSON that is not to be pretty is sent as it stands.
 * Throws Problem invalid `format-not-acceptable` (406); ask `answerFormat` first where work must not be done in vain.
 */
export function answer(
	request: Pick<Request, 'query' | 'headers'>,
	status: number,
	jsonText: string,
	headers?: Readonly<Record<string, string>>,
	format: AnswerFormat = answerFormat(request),
): Reply {
	return { status, headers: { 'content-type': format.contentType, ...headers }, body: render(jsonText, format) };
}

/** JSON text in a format. */
export function render(jsonText: string, { format, pretty }: AnswerFormat): string {
	if (format === 'xml') return toXml(jsonText, pretty);
	return pretty ? prettyJson(jsonText) : jsonText;
}
