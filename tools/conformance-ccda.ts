// `npm run conformance -- ccda <folder>`: reads every C-CDA document (`.xml`) of a folder and says, section by section, what became of it, which
// codes no resource has, which resources are not valid, and which codes are missing once all of it is written as a CCD and read again.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Problem } from '#base/problem.ts';
import { checked } from '#exchange/documents/import/check.ts';
import { type ReadDocument, readCcda, type SectionReport } from '#exchange/documents/import/read.ts';
import { type Lost, recordFrom, roundTrip, unreadIn } from '#exchange/documents/testing/round-trip.ts';
import type { Validator } from '#fhir/validate/validator.ts';

/** Checks the documents of a folder. Gives the number of those that could not be read or lost something. */
export function checkCcda(folder: string, validator: Validator): number {
	const names = readdirSync(folder)
		.filter((name) => name.toLowerCase().endsWith('.xml'))
		.sort();
	const wrong = names.filter((name) => !checkDocument(name, readFileSync(join(folder, name)), validator)).length;
	console.log(`\n${names.length} documents: ${names.length - wrong} without loss, ${wrong} with losses`);
	return wrong;
}

function checkDocument(name: string, bytes: Buffer, validator: Validator): boolean {
	console.log(`\n${name}`);
	try {
		return checkRead(readCcda(bytes), validator);
	} catch (error) {
		if (!(error instanceof Problem)) throw error;
		console.log(`  cannot be read: ${error.message}`);
		return false;
	}
}

function checkRead(document: ReadDocument, validator: Validator): boolean {
	const byKey = new Map(document.items.map((item) => [item.key, item.resource]));
	for (const section of document.sections) console.log(`  ${sectionWords(section, (key) => byKey.get(key)?.resourceType ?? '')}`);
	const invalid = document.items.flatMap(({ key, resource }) =>
		checked(validator, resource).errors.map(({ path, text }) => `${key} ${resource.resourceType}: ${path ?? ''} ${text}`),
	);
	const unread = unreadIn(document);
	const { lost } = roundTrip(
		recordFrom(document),
		document.items.map(({ resource }) => resource),
	);
	list('codes that no resource has', unread.map(words));
	list('resources that are not valid', invalid);
	list('codes that a CCD of it does not bring back', lost.map(words));
	return unread.length + invalid.length + lost.length === 0;
}

function sectionWords({ place, title, code, entries, items, narrativeOnly }: SectionReport, typeOf: (key: string) => string): string {
	const head = `${place} ${title} (${code ?? 'no code'})`;
	if (narrativeOnly) return `${head}: kept as words${entries === 0 ? '' : `, ${entries} entries without a fact`}`;
	const counts = Map.groupBy(items.map(typeOf), (type) => type);
	return `${head}: ${entries} entries, ${[...counts].map(([type, list]) => `${list.length} ${type}`).join(', ')}`;
}

const words = ({ code, where }: Lost): string => `${code}, ${where}`;

function list(title: string, lines: readonly string[]): void {
	if (lines.length > 0) console.log(`  ${lines.length} ${title}`);
	for (const line of lines) console.log(`    ${line}`);
}
