// A clinical document as PDF: pages of A4 or Letter with the patient's name on each, sections with their tables, letters of most scripts.
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import PDFDocument from 'pdfkit';
import { childrenOf, type Element, textOf } from '#formats/ccda/tree.ts';
import type { Fact, Outline, Part } from './outline.ts';

type Doc = InstanceType<typeof PDFDocument>;

const margin = 48;
const accent = '#0b5c8a';
const quiet = '#566573';
const line = '#d5dce3';
const band = '#f3f6f9';

/** Fonts with Latin, Greek, Cyrillic, Arabic, Hebrew and more; letters they lack are drawn as boxes. */
const fonts = join(dirname(createRequire(import.meta.url).resolve('dejavu-fonts-ttf/package.json')), 'ttf');

/** The bytes of the PDF. */
export async function pdfOf(outline: Outline, size: 'A4' | 'LETTER' = 'LETTER'): Promise<Buffer> {
	const doc = new PDFDocument({
		size,
		margins: { top: margin + 16, bottom: margin + 8, left: margin, right: margin },
		bufferPages: true,
		lang: outline.language,
		displayTitle: true,
		info: { Title: `${outline.title}: ${outline.patient}`, Producer: 'Heron', Creator: 'Heron' },
	});
	doc.registerFont('text', join(fonts, 'DejaVuSansCondensed.ttf'));
	doc.registerFont('strong', join(fonts, 'DejaVuSansCondensed-Bold.ttf'));
	const parts: Buffer[] = [];
	const done = new Promise<void>((resolve, reject) => {
		doc.on('data', (part: Buffer) => parts.push(part));
		doc.on('end', resolve);
		doc.on('error', reject);
	});
	head(doc, outline);
	for (const part of outline.parts) section(doc, part, 0);
	if (outline.plain !== undefined) paragraph(doc, outline.plain);
	runningHeads(doc, outline);
	doc.end();
	await done;
	return Buffer.concat(parts);
}

function widthOf(doc: Doc): number {
	return doc.page.width - 2 * margin;
}

/** Begins a new page unless so much fits on this one. */
function room(doc: Doc, height: number): void {
	if (doc.y + height > doc.page.height - doc.page.margins.bottom) doc.addPage();
}

function head(doc: Doc, { title, patient, about, document }: Outline): void {
	doc.font('strong').fontSize(10).fillColor(accent).text(title, margin, margin);
	doc.fontSize(18).fillColor('black').text(patient);
	doc.moveDown(0.4);
	for (const fact of [...about, ...document]) factLine(doc, fact);
	doc.moveDown(0.5);
}

function factLine(doc: Doc, { label, words }: Fact): void {
	doc.fontSize(9);
	const width = widthOf(doc) - 80;
	room(doc, doc.font('text').heightOfString(words, { width }));
	const top = doc.y;
	doc.fillColor(quiet).text(label, margin, top, { width: 76 });
	doc.fillColor('black').text(words, margin + 80, top, { width });
	doc.x = margin;
}

function section(doc: Doc, { title, narrative, parts }: Part, depth: number): void {
	doc.x = margin;
	room(doc, 60);
	doc.moveDown(0.6);
	doc
		.font('strong')
		.fontSize(depth === 0 ? 13 : 11)
		.fillColor(accent)
		.text(title);
	if (depth === 0)
		doc
			.moveTo(margin, doc.y)
			.lineTo(margin + widthOf(doc), doc.y)
			.lineWidth(0.7)
			.strokeColor(accent)
			.stroke();
	doc.moveDown(0.3);
	doc.outline.addItem(title);
	if (narrative !== undefined) blocks(doc, narrative);
	for (const part of parts) section(doc, part, depth + 1);
}

const blockNames = new Set(['table', 'list', 'paragraph', 'text']);

/** Tables, lists and paragraphs one below the other; what is text between them becomes paragraphs. */
function blocks(doc: Doc, holder: Element): void {
	let inline: (Element | string)[] = [];
	const flush = (): void => {
		const words = wordsOf({ name: 'paragraph', attributes: {}, children: inline });
		if (words !== '') paragraph(doc, words);
		inline = [];
	};
	for (const one of holder.children) {
		if (typeof one === 'string' || !blockNames.has(one.name)) {
			inline.push(one);
			continue;
		}
		flush();
		if (one.name === 'table') table(doc, one);
		else if (one.name === 'list') list(doc, one);
		else blocks(doc, one);
	}
	flush();
}

/** The words of an element with its line ends. */
function wordsOf(element: Element): string {
	const parts: string[] = [];
	const walk = (node: Element): void => {
		for (const one of node.children) {
			if (typeof one === 'string') parts.push(one.replace(/\s+/g, ' '));
			else if (one.name === 'br') parts.push('\n');
			else {
				walk(one);
				if (one.name === 'paragraph' || one.name === 'item') parts.push('\n');
			}
		}
	};
	walk(element);
	return parts
		.join('')
		.replace(/ *\n */g, '\n')
		.trim();
}

function paragraph(doc: Doc, words: string): void {
	doc
		.font('text')
		.fontSize(9)
		.fillColor('black')
		.text(words, margin, doc.y, { width: widthOf(doc) });
	doc.moveDown(0.4);
}

function list(doc: Doc, element: Element): void {
	for (const [i, item] of childrenOf(element, 'item').entries()) {
		const mark = element.attributes.listType === 'ordered' ? `${i + 1}. ` : '• ';
		paragraph(doc, mark + wordsOf(item));
	}
}

type Row = { readonly cells: readonly string[]; readonly isHead: boolean };

function table(doc: Doc, element: Element): void {
	const caption = textOf(childrenOf(element, 'caption')[0]);
	if (caption !== undefined) paragraph(doc, caption);
	const rows = rowsOf(element);
	const count = Math.max(0, ...rows.map(({ cells }) => cells.length));
	if (count === 0) return;
	const widths = columnWidths(doc, rows, count);
	const heads = rows.filter(({ isHead }) => isHead);
	for (const row of rows) {
		const height = heightOf(doc, row, widths);
		const top = doc.y;
		// A head does not stand alone at the end of a page.
		const next = row.isHead ? rows.find((one) => !one.isHead) : undefined;
		const needed = height + (next === undefined ? 0 : heightOf(doc, next, widths));
		room(doc, Math.min(needed, doc.page.height / 2));
		if (doc.y < top && !row.isHead) for (const one of heads) drawRow(doc, one, widths, heightOf(doc, one, widths));
		drawRow(doc, row, widths, height);
	}
	doc.x = margin;
	doc.moveDown(0.5);
}

function rowsOf(element: Element): Row[] {
	const direct = childrenOf(element, 'tr').map((row) => rowOf(row, false));
	const grouped = childrenOf(element)
		.filter(({ name }) => name === 'thead' || name === 'tbody' || name === 'tfoot')
		.flatMap((group) => childrenOf(group, 'tr').map((row) => rowOf(row, group.name === 'thead')));
	return [...direct, ...grouped].toSorted((a, b) => Number(b.isHead) - Number(a.isHead));
}

/** A cell that spans several columns is followed by empty ones. */
function rowOf(row: Element, isHead: boolean): Row {
	const cells = childrenOf(row)
		.filter(({ name }) => name === 'td' || name === 'th')
		.flatMap((cell) => [wordsOf(cell), ...Array.from({ length: Math.min(Number(cell.attributes.colspan ?? 1) || 1, 20) - 1 }, () => '')]);
	return { cells, isHead };
}

const cellPadding = 3;
const cellSize = 8;

/** Columns as wide as their longest word, and what is left by how much is in them. */
function columnWidths(doc: Doc, rows: readonly Row[], count: number): number[] {
	const some = rows.slice(0, 200);
	const total = widthOf(doc);
	doc.font('strong').fontSize(cellSize);
	const columns = Array.from({ length: count }, (_, i) => {
		const cells = some.map(({ cells: all }) => all[i] ?? '');
		const mean = cells.reduce((sum, words) => sum + Math.min(words.length, 60), 0) / Math.max(1, cells.length);
		const longest = cells.flatMap((words) => words.split(/\s+/)).reduce((a, b) => (b.length > a.length ? b : a), '');
		return { least: Math.min(doc.widthOfString(longest) + 2 * cellPadding + 1, 90), want: Math.max(4, mean) };
	});
	const least = columns.reduce((sum, column) => sum + column.least, 0);
	if (least >= total) return columns.map((column) => (column.least / least) * total);
	const wants = columns.reduce((sum, { want }) => sum + want, 0);
	return columns.map((column) => column.least + (column.want / wants) * (total - least));
}

function heightOf(doc: Doc, { cells, isHead }: Row, widths: readonly number[]): number {
	doc.font(isHead ? 'strong' : 'text').fontSize(cellSize);
	return Math.max(...cells.map((words, i) => doc.heightOfString(words, { width: (widths[i] ?? 40) - 2 * cellPadding }))) + 2 * cellPadding;
}

function drawRow(doc: Doc, row: Row, widths: readonly number[], height: number): void {
	const top = doc.y;
	const bottom = doc.page.height - doc.page.margins.bottom;
	if (top + height > bottom) {
		drawLongRow(doc, row);
		return;
	}
	if (row.isHead) doc.rect(margin, top, widthOf(doc), height).fill(band);
	let left = margin;
	for (const [i, words] of row.cells.entries()) {
		const width = widths[i] ?? 40;
		doc
			.font(row.isHead ? 'strong' : 'text')
			.fontSize(cellSize)
			.fillColor(row.isHead ? quiet : 'black')
			.text(words, left + cellPadding, top + cellPadding, { width: width - 2 * cellPadding });
		left += width;
	}
	doc
		.moveTo(margin, top + height)
		.lineTo(margin + widthOf(doc), top + height)
		.lineWidth(0.4)
		.strokeColor(line)
		.stroke();
	doc.x = margin;
	doc.y = top + height;
}

/** A row that fits no page is written as paragraphs, which flow over pages. */
function drawLongRow(doc: Doc, { cells }: Row): void {
	for (const words of cells) if (words !== '') paragraph(doc, words);
}

function runningHeads(doc: Doc, { title, patient }: Outline): void {
	const { start, count } = doc.bufferedPageRange();
	for (let i = start; i < start + count; i++) {
		doc.switchToPage(i);
		const { bottom, top } = doc.page.margins;
		// Text outside the margins would begin a page of its own.
		doc.page.margins.bottom = 0;
		doc.page.margins.top = 0;
		doc.font('text').fontSize(8).fillColor(quiet);
		if (i > start) doc.text(`${patient} · ${title}`, margin, margin - 14, { width: widthOf(doc), lineBreak: false });
		doc.text(`Page ${i - start + 1} of ${count}`, margin, doc.page.height - margin + 4, {
			width: widthOf(doc),
			align: 'right',
			lineBreak: false,
		});
		doc.page.margins.bottom = bottom;
		doc.page.margins.top = top;
	}
}
