// A clinical document as a page of HTML: our own stylesheet, no script, nothing loaded, no markup of the document's own.
import { escapedHtml, narrativeHtml } from '#formats/ccda/narrative.ts';
import type { Fact, Outline, Part } from './outline.ts';

/** What such a page may do in a browser: be shown. */
export const pagePolicy =
	"default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'; sandbox allow-same-origin";

/** The page. Every text is escaped; narratives are written anew from elements that are known to be harmless. */
export function htmlOf(outline: Outline): string {
	const { title, language, patient, about, document, parts, plain } = outline;
	return `<!DOCTYPE html>
<html lang="${escapedHtml(language)}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapedHtml(title)}: ${escapedHtml(patient)}</title>
<style>${style}</style>
</head>
<body>
<header>
<p class="kind">${escapedHtml(title)}</p>
<h1>${escapedHtml(patient)}</h1>
<div class="facts">${factsHtml(about)}${factsHtml(document)}</div>
</header>
<div class="page">
${parts.length > 1 ? `<nav aria-label="Sections"><ol>${parts.map((part, i) => `<li><a href="#part-${i + 1}">${escapedHtml(part.title)}</a></li>`).join('')}</ol></nav>` : ''}
<main>
${parts.map((part, i) => partHtml(part, `part-${i + 1}`, 2)).join('\n')}${plain === undefined ? '' : `<pre>${escapedHtml(plain)}</pre>`}
</main>
</div>
</body>
</html>
`;
}

function factsHtml(facts: readonly Fact[]): string {
	return `<dl>${facts.map(({ label, words }) => `<div><dt>${escapedHtml(label)}</dt><dd>${escapedHtml(words)}</dd></div>`).join('')}</dl>`;
}

function partHtml({ title, narrative, parts }: Part, id: string, level: number): string {
	const heading = `h${Math.min(level, 6)}`;
	const inner = narrative === undefined ? '' : labelled(narrativeHtml(narrative));
	return `<section id="${id}"><${heading}>${escapedHtml(title)}</${heading}>${inner}${parts.map((part, i) => partHtml(part, `${id}-${i + 1}`, level + 1)).join('')}</section>`;
}

/** Tables with one row of headings and plain cells have each cell say what it is, so that a narrow page can show rows as lists. */
function labelled(html: string): string {
	return html.replace(/<table[\s>][\s\S]*?<\/table>/g, (table) => {
		const head = /<thead[^>]*>([\s\S]*?)<\/thead>/.exec(table)?.[1] ?? '';
		const labels = [...head.matchAll(/<th[^>]*>([\s\S]*?)<\/th>/g)].map(([, words = '']) => words.replace(/<[^>]*>/g, ' ').trim());
		const isPlain = labels.length > 0 && head.split('<tr').length === 2 && !/ (col|row)span=/.test(table) && !/<table/.test(table.slice(1));
		if (!isPlain) return table;
		const row = (text: string): string => {
			let place = 0;
			return text.replace(/<td/g, () => `<td data-label="${labels[place++] ?? ''}"`);
		};
		return table.replace('<table', '<table class="rows"').replace(/<tr[\s\S]*?<\/tr>/g, row);
	});
}

const style = `
:root { color-scheme: light dark; --ink: #1b2733; --quiet: #566573; --line: #d5dce3; --ground: #fff; --band: #f3f6f9; --accent: #0b5c8a; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6ebf0; --quiet: #9fb0c0; --line: #33414f; --ground: #12181f; --band: #1b242d; --accent: #7cc4ee; } }
* { box-sizing: border-box; }
body { margin: 0; font: 15px/1.5 system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; color: var(--ink); background: var(--ground); }
header { padding: 1.5rem 2rem; background: var(--band); border-bottom: 3px solid var(--accent); }
.kind { margin: 0; color: var(--accent); font-weight: 600; letter-spacing: .02em; }
h1 { margin: .1rem 0 .8rem; font-size: 1.8rem; line-height: 1.2; }
.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(20rem, 1fr)); gap: 0 2rem; }
dl { margin: 0; }
dl div { display: flex; gap: .75rem; padding: .12rem 0; }
dt { flex: 0 0 6rem; color: var(--quiet); }
dd { margin: 0; overflow-wrap: anywhere; }
.page { display: grid; grid-template-columns: 13rem minmax(0, 1fr); gap: 1.5rem; padding: 0 2rem 3rem; }
nav { position: sticky; top: 0; align-self: start; max-height: 100vh; overflow: auto; padding: 1.5rem 0; }
nav ol { list-style: none; margin: 0; padding: 0; border-left: 2px solid var(--line); }
nav a { display: block; padding: .2rem .8rem; color: inherit; text-decoration: none; }
nav a:hover, nav a:focus { color: var(--accent); text-decoration: underline; }
main { min-width: 0; padding-top: .5rem; }
section { padding-top: 1rem; scroll-margin-top: .5rem; }
h2 { margin: 0 0 .5rem; padding-bottom: .25rem; font-size: 1.2rem; color: var(--accent); border-bottom: 1px solid var(--line); }
h3, h4, h5, h6 { margin: .8rem 0 .4rem; font-size: 1.05rem; }
section > div { overflow-x: auto; }
table { width: 100%; border-collapse: collapse; font-size: .87rem; line-height: 1.4; }
caption { text-align: left; font-weight: 600; padding: .4rem 0; }
th, td { padding: .35rem .45rem; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line); }
thead th { color: var(--quiet); font-weight: 600; background: var(--band); }
tbody tr:hover { background: var(--band); }
tr:target, span:target { outline: 2px solid var(--accent); }
p { margin: .4rem 0; }
pre { white-space: pre-wrap; }
a { color: var(--accent); }
@media (max-width: 60rem) { .page { display: block; padding: 0 1rem 2rem; } header { padding: 1rem; } nav { position: static; max-height: none; padding: 1rem 0 0; } nav ol { columns: 10rem; column-gap: .5rem; border-left: 0; } nav a { padding: .3rem 0; } }
@media (max-width: 40rem) {
.rows, .rows tbody, .rows tr, .rows td { display: block; }
.rows thead { display: none; }
.rows tr { padding: .5rem 0; border-bottom: 1px solid var(--line); }
.rows td { position: relative; min-height: 1.4em; padding: .1rem 0 .1rem 7.5rem; border: 0; overflow-wrap: anywhere; }
.rows td::before { content: attr(data-label); position: absolute; left: 0; width: 7rem; color: var(--quiet); }
.rows td:first-child { padding-left: 0; font-weight: 600; }
.rows td:first-child::before { content: none; }
.rows td:empty, .rows td:has(> span:only-child:empty) { display: none; }
}
@media print { nav { display: none; } .page { display: block; padding: 0; } header { padding: 0 0 1rem; background: none; } body { font-size: 10pt; } table { font-size: 8pt; } td, dd { overflow-wrap: anywhere; } section > div { overflow: visible; } tr, h2 { break-inside: avoid; } thead { display: table-header-group; } }
`;
