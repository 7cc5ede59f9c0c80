// One way into the XML parser, with everything shut that XML can do beyond elements: no document types (so no entities of its own and
// nothing external), UTF-8 only, no deep nesting.
import { SaxesParser, type SaxesTagNS } from 'saxes';
import { malformedXml } from './problems.ts';
import { maxDepth } from './scan.ts';

export const fhirNamespace = 'http://hl7.org/fhir';
export const xhtmlNamespace = 'http://www.w3.org/1999/xhtml';

export type Tag = SaxesTagNS;

/** What hears of the parts of a text. `fail` throws the Problem for the present place. */
export type XmlHandler = {
	readonly open: (tag: Tag, position: number) => void;
	readonly close: (tag: Tag, position: number) => void;
	readonly text: (text: string) => void;
};

export type Fail = (why: string) => Error;

/**
 * Reads a whole text. `make` is given the function that turns a reason into the Problem, and gives the handler.
 * Throws Problem invalid `xml-malformed` (400) with line and column.
 */
export function readXml(text: string, make: (fail: Fail) => XmlHandler): void {
	const parser = new SaxesParser({ xmlns: true, position: true });
	const fail = (why: string): Error => malformedXml(parser.line, parser.column, why);
	const handler = make(fail);
	let depth = 0;
	parser.on('error', (error) => {
		throw fail(error.message.replace(/^\d+:\d+: /, '').replace(/\.$/, ''));
	});
	parser.on('xmldecl', ({ version, encoding }) => {
		if (version !== undefined && version !== '1.0') throw fail('only XML 1.0 is taken');
		if (encoding !== undefined && !/^(utf-?8|us-ascii)$/i.test(encoding)) throw fail('the encoding must be UTF-8');
	});
	parser.on('doctype', () => {
		throw fail('a document type (DOCTYPE) is not allowed');
	});
	parser.on('opentag', (tag) => {
		if (++depth > maxDepth) throw fail(`it is nested deeper than ${maxDepth} levels`);
		handler.open(tag, parser.position);
	});
	parser.on('closetag', (tag) => {
		depth--;
		handler.close(tag, parser.position);
	});
	parser.on('text', handler.text);
	parser.on('cdata', handler.text);
	parser.write(text).close();
}
