// What a person reads of a clinical document: who and what it is about, and its sections. HTML and PDF are two ways to show this.

import { dateWords } from '#exchange/documents/words.ts';
import { type ClinicalDocument, readDocument, type Section } from '#formats/ccda/document.ts';
import { at, child, childrenOf, type Element, textOf } from '#formats/ccda/tree.ts';
import { timeOf } from '#formats/ccda/values.ts';

export type Fact = { readonly label: string; readonly words: string };

export type Part = { readonly title: string; readonly narrative: Element | undefined; readonly parts: readonly Part[] };

export type Outline = {
	readonly title: string;
	readonly language: string;
	/** The patient's name, and what else tells who it is. */
	readonly patient: string;
	readonly about: readonly Fact[];
	readonly document: readonly Fact[];
	readonly parts: readonly Part[];
	/** The text of a document without sections. */
	readonly plain: string | undefined;
};

/** Social Security and Medicare numbers are nobody's reading. */
const unshown = new Set(['2.16.840.1.113883.4.1', '2.16.840.1.113883.4.927', '2.16.840.1.113883.4.572']);
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Reads a document of any release of C-CDA. Throws what readDocument throws. */
export function outlineOf(bytes: Buffer): Outline {
	const document = readDocument(bytes);
	const { root } = document;
	const role = at(root, 'recordTarget', 'patientRole');
	const patient = child(role, 'patient');
	const language = child(root, 'languageCode')?.attributes.code;
	return {
		title: textOf(child(root, 'title')) ?? child(root, 'code')?.attributes.displayName ?? 'Clinical document',
		language: language !== undefined && /^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$/.test(language) ? language : 'en',
		patient: nameWords(patient) || 'Unknown patient',
		about: facts([
			['Born', timeWords(child(patient, 'birthTime'))],
			['Died', timeWords(child(patient, 'sdtc:deceasedTime'))],
			['Sex', codeWords(child(patient, 'administrativeGenderCode'))],
			[
				'Race',
				childrenOf(patient)
					.filter(({ name }) => name === 'raceCode' || name === 'sdtc:raceCode')
					.map(codeWords)
					.filter(Boolean)
					.join(', '),
			],
			['Ethnicity', codeWords(child(patient, 'ethnicGroupCode'))],
			[
				'Languages',
				childrenOf(patient, 'languageCommunication')
					.map((one) => languageWords(child(one, 'languageCode')))
					.filter(Boolean)
					.join(', '),
			],
			['Address', addressWords(child(role, 'addr'))],
			['Contact', contactWords(role)],
			[
				'Numbers',
				childrenOf(role, 'id')
					.filter(({ attributes }) => !unshown.has(attributes.root ?? ''))
					.map(({ attributes }) => attributes.extension ?? '')
					.filter((number) => number !== '' && !uuid.test(number))
					.join(', '),
			],
		]),
		document: facts([
			['Made', timeWords(child(root, 'effectiveTime'))],
			[
				'Author',
				childrenOf(root, 'author')
					.map((one) => authorWords(child(one, 'assignedAuthor')))
					.filter(Boolean)
					.join('; '),
			],
			['Kept by', textOf(at(root, 'custodian', 'assignedCustodian', 'representedCustodianOrganization', 'name')) ?? ''],
			['Care', intervalWords(at(root, 'documentationOf', 'serviceEvent', 'effectiveTime'))],
			['Visit', intervalWords(at(root, 'componentOf', 'encompassingEncounter', 'effectiveTime'))],
			['Number', idWords(child(root, 'id'))],
		]),
		parts: document.sections.map(partOf),
		plain: plainOf(document),
	};
}

function facts(pairs: readonly (readonly [string, string])[]): Fact[] {
	return pairs.filter(([, words]) => words !== '').map(([label, words]) => ({ label, words }));
}

function partOf({ title, code, narrative, sections }: Section): Part {
	return { title: title ?? code?.attributes.displayName ?? 'Section', narrative, parts: sections.map(partOf) };
}

function plainOf({ unstructured }: ClinicalDocument): string | undefined {
	if (unstructured === undefined) return undefined;
	const { mediaType, base64, content } = unstructured;
	if (!mediaType.startsWith('text/')) return `The document holds ${mediaType}, which is not shown here.`;
	return base64 ? Buffer.from(content, 'base64').toString('utf8') : content;
}

function nameWords(holder: Element | undefined): string {
	const name = childrenOf(holder, 'name').find(({ attributes }) => attributes.nullFlavor === undefined);
	if (name === undefined) return '';
	const parts = childrenOf(name)
		.filter(({ name: part }) => part !== 'validTime')
		.map(textOf)
		.filter((words) => words !== undefined);
	return parts.length > 0 ? parts.join(' ') : (textOf(name) ?? '');
}

function authorWords(author: Element | undefined): string {
	const words = [
		nameWords(child(author, 'assignedPerson')),
		textOf(at(author, 'assignedAuthoringDevice', 'softwareName')) ?? '',
		textOf(at(author, 'representedOrganization', 'name')) ?? '',
	];
	return words.filter((one) => one !== '').join(', ');
}

function codeWords(code: Element | undefined): string {
	return code?.attributes.displayName ?? code?.attributes.code ?? '';
}

/** The name of a language by its tag. */
function languageWords(language: Element | undefined): string {
	const words = codeWords(language);
	return /^[a-z]{2,3}(-[a-z0-9]{2,8})*$/i.test(words) ? (new Intl.DisplayNames('en', { type: 'language' }).of(words) ?? words) : words;
}

function addressWords(address: Element | undefined): string {
	return childrenOf(address)
		.map(textOf)
		.filter((words) => words !== undefined)
		.join(', ');
}

function contactWords(role: Element | undefined): string {
	return childrenOf(role, 'telecom')
		.map(({ attributes }) => (attributes.value ?? '').replace(/^(tel|mailto):/i, ''))
		.filter(Boolean)
		.join(', ');
}

function idWords(id: Element | undefined): string {
	return [id?.attributes.root, id?.attributes.extension].filter(Boolean).join(' ');
}

/** A TS as people read it: as precise as it is. */
function timeWords(time: Element | undefined): string {
	return dateWords(timeOf(time?.attributes.value, ''));
}

function intervalWords(interval: Element | undefined): string {
	const [low, high] = [timeWords(child(interval, 'low')), timeWords(child(interval, 'high'))];
	if (low === '' && high === '') return timeWords(interval);
	return [low, high].filter((words) => words !== '').join(' – ');
}
