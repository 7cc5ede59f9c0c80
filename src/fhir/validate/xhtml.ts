// What a narrative's XHTML may hold, https://hl7.org/fhir/R4/narrative.html#xhtml (rules txt-1 and txt-2). One pass, no tree.

const words = (text: string): ReadonlySet<string> => new Set(text.trim().split(/\s+/));

/** Chapters 7 to 11 (without 9.4) and 15 of HTML 4.0 as far as they are not deprecated, links and images. */
const elements = words(`
	a abbr acronym address area b bdo big blockquote br caption cite code col colgroup dd dfn div dl dt em h1 h2 h3 h4 h5 h6 hr i img kbd li map
	ol p pre q samp small span strong sub sup table tbody td tfoot th thead tr tt ul var
`);

const attributes = words(`
	abbr accesskey align alt axis border cellpadding cellspacing char charoff charset cite class colspan coords dir frame headers height href
	hreflang id lang longdesc name nohref nowrap rel rev rowspan rules scope shape span src start style summary tabindex title type usemap valign
	value width xml:lang xmlns xml:space
`);

/** Character entities of HTML 4.0, chapter 24, and XML's own. */
const entities = words(`
	amp apos gt lt quot
	nbsp iexcl cent pound curren yen brvbar sect uml copy ordf laquo not shy reg macr deg plusmn sup2 sup3 acute micro para middot cedil sup1 ordm
	raquo frac14 frac12 frac34 iquest Agrave Aacute Acirc Atilde Auml Aring AElig Ccedil Egrave Eacute Ecirc Euml Igrave Iacute Icirc Iuml ETH
	Ntilde Ograve Oacute Ocirc Otilde Ouml times Oslash Ugrave Uacute Ucirc Uuml Yacute THORN szlig agrave aacute acirc atilde auml aring aelig
	ccedil egrave eacute ecirc euml igrave iacute icirc iuml eth ntilde ograve oacute ocirc otilde ouml divide oslash ugrave uacute ucirc uuml
	yacute thorn yuml
	fnof Alpha Beta Gamma Delta Epsilon Zeta Eta Theta Iota Kappa Lambda Mu Nu Xi Omicron Pi Rho Sigma Tau Upsilon Phi Chi Psi Omega alpha beta
	gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigmaf sigma tau upsilon phi chi psi omega thetasym upsih piv
	bull hellip prime Prime oline frasl weierp image real trade alefsym larr uarr rarr darr harr crarr lArr uArr rArr dArr hArr forall part exist
	empty nabla isin notin ni prod sum minus lowast radic prop infin ang and or cap cup int there4 sim cong asymp ne equiv le ge sub sup nsub
	sube supe oplus otimes perp sdot lceil rceil lfloor rfloor lang rang loz spades clubs hearts diams
	OElig oelig Scaron scaron Yuml circ tilde ensp emsp thinsp zwnj zwj lrm rlm ndash mdash lsquo rsquo sbquo ldquo rdquo bdquo dagger Dagger permil
	lsaquo rsaquo euro
`);

const startName = /<([a-z][a-z0-9]*)/y;
const attribute = /\s+([A-Za-z_][\w:.-]*)\s*=\s*(?:"([^<"]*)"|'([^<']*)')/y;
const startEnd = /\s*(\/?)>/y;
const endTag = /<\/([a-z][a-z0-9]*)\s*>/y;
const reference = /&(?:#(?:[0-9]{1,7}|x[0-9A-Fa-f]{1,6})|([A-Za-z][A-Za-z0-9]*));/y;
const activeScheme = /^(?:javascript|vbscript):/i;

/** Why the text is not the content of a narrative; undefined when it is. */
export function xhtmlProblem(text: string): string | undefined {
	const open: string[] = [];
	let filled = false;
	let at = 0;
	do {
		const next = text.indexOf('<', at);
		const between = text.slice(at, next < 0 ? text.length : next);
		if (between.trim() !== '') {
			if (open.length === 0) return 'it has text outside of its <div>';
			filled = true;
		}
		if (next < 0) return open.length > 0 ? `<${open.at(-1)}> is not closed` : 'it has no <div>';
		const wrong = wrongReference(between);
		if (wrong !== undefined) return wrong;
		if (text.startsWith('<!--', next)) {
			const end = text.indexOf('-->', next + 4);
			if (end < 0) return 'a comment is not closed';
			at = end + 3;
		} else if (text[next + 1] === '/') {
			const end = matchAt(endTag, text, next);
			if (end === null || open.pop() !== end[1]) return 'its tags do not match';
			at = endTag.lastIndex;
		} else {
			const tag = startTag(text, next, open.length === 0);
			if (typeof tag === 'string') return tag;
			if (!tag.empty) open.push(tag.name);
			if (tag.name === 'img') filled = true;
			at = tag.end;
		}
	} while (open.length > 0);
	if (text.slice(at).trim() !== '') return 'something follows its <div>';
	return filled ? undefined : 'it says nothing';
}

function matchAt(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
	pattern.lastIndex = at;
	return pattern.exec(text);
}

type Tag = { readonly name: string; readonly empty: boolean; readonly end: number };

function startTag(text: string, at: number, isRoot: boolean): Tag | string {
	const [, name] = matchAt(startName, text, at) ?? [];
	if (name === undefined) return 'it has something that is neither text nor a tag';
	if (isRoot && name !== 'div') return 'its root is not <div>';
	if (!elements.has(name)) return `<${name}> is not allowed`;
	let end = startName.lastIndex;
	let namespace: string | undefined;
	let seen: Set<string> | undefined;
	for (let match = matchAt(attribute, text, end); match !== null; match = matchAt(attribute, text, end)) {
		const [, key = '', double, single] = match;
		const value = double ?? single ?? '';
		if (!attributes.has(key)) return `the attribute ${key} is not allowed`;
		if (seen?.has(key) === true) return `the attribute ${key} is there twice`;
		seen = (seen ?? new Set()).add(key);
		if (key === 'xmlns') namespace = value;
		if ((key === 'href' || key === 'src') && activeScheme.test(decoded(value))) return 'a link runs a script';
		const wrong = wrongReference(value);
		if (wrong !== undefined) return wrong;
		end = attribute.lastIndex;
	}
	const close = matchAt(startEnd, text, end);
	if (close === null) return `the tag <${name}> is not well-formed`;
	if ((isRoot || namespace !== undefined) && namespace !== 'http://www.w3.org/1999/xhtml') return 'its <div> is not in the XHTML namespace';
	return { name, empty: close[1] === '/', end: startEnd.lastIndex };
}

/** Why a text's `&…;` are wrong, if one is. */
function wrongReference(text: string): string | undefined {
	for (let at = text.indexOf('&'); at >= 0; at = text.indexOf('&', at + 1)) {
		const match = matchAt(reference, text, at);
		if (match === null) return '"&" stands alone';
		if (match[1] !== undefined && !entities.has(match[1])) return `&${match[1]}; is not defined`;
	}
	return undefined;
}

/** The value with its numeric character references resolved and without what browsers skip: enough to see a scheme. */
function decoded(value: string): string {
	const text = value.replace(/&#(x[0-9A-Fa-f]{1,6}|[0-9]{1,7});/g, (_, code: string) => {
		const point = code.startsWith('x') ? Number.parseInt(code.slice(1), 16) : Number(code);
		return point <= 0x10ffff ? String.fromCodePoint(point) : '';
	});
	return text.replace(/[\s\p{Cc}]+/gu, '');
}

/** Whether a JSON value is XHTML fit for a narrative. */
export function isXhtml(value: unknown): boolean {
	return typeof value === 'string' && value.isWellFormed() && xhtmlProblem(value) === undefined;
}
