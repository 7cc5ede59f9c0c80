// A page of text as PDF 1.4 (ISO 32000-1), with one of the fonts every reader has.

export type Page = { readonly title: string; readonly lines: readonly string[] };

const perLine = 88;

/** The file. Letters outside of Latin-1 become a question mark. */
export function pdfOf({ title, lines }: Page): Buffer {
	const rows = lines.flatMap((line) => wrapped(line));
	const text = [
		'BT /F2 16 Tf 56 770 Td',
		`(${quoted(title)}) Tj`,
		'/F1 11 Tf 0 -30 Td 16 TL',
		...rows.map((row) => `(${quoted(row)}) Tj T*`),
		'ET',
	].join('\n');
	const font = (name: string): string => `<< /Type /Font /Subtype /Type1 /BaseFont /${name} /Encoding /WinAnsiEncoding >>`;
	return file([
		'<< /Type /Catalog /Pages 2 0 R >>',
		'<< /Type /Pages /Kids [3 0 R] /Count 1 >>',
		'<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R /F2 6 0 R >> >> >>',
		`<< /Length ${Buffer.byteLength(text, 'latin1')} >>\nstream\n${text}\nendstream`,
		font('Helvetica'),
		font('Helvetica-Bold'),
		`<< /Title (${quoted(title)}) /Producer (Heron) >>`,
	]);
}

function file(objects: readonly string[]): Buffer {
	let text = '%PDF-1.4\n';
	const offsets = objects.map((object, i) => {
		const at = text.length;
		text += `${i + 1} 0 obj\n${object}\nendobj\n`;
		return `${String(at).padStart(10, '0')} 00000 n \n`;
	});
	const table = text.length;
	text += `xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${offsets.join('')}`;
	text += `trailer\n<< /Size ${objects.length + 1} /Root 1 0 R /Info ${objects.length} 0 R >>\nstartxref\n${table}\n%%EOF\n`;
	return Buffer.from(text, 'latin1');
}

function quoted(text: string): string {
	return text.replaceAll(/[^\x20-\x7e\xa0-\xff]/g, '?').replaceAll(/[\\()]/g, '\\$&');
}

function wrapped(line: string): string[] {
	const rows = [''];
	for (const word of line.split(' ')) {
		const last = rows.at(-1) as string;
		if (last.length + word.length + 1 > perLine) rows.push(word);
		else rows[rows.length - 1] = last === '' ? word : `${last} ${word}`;
	}
	return rows;
}
