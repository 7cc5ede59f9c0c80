// How codes and their names are compared and found.
import { normalise } from '#fhir/store/keys.ts';

/** A name as it is sorted and compared. */
export function sortKey(text: string): string {
	return normalise(text.replace(/[-/,;:()[\]]+/g, ' ')).slice(0, 500);
}

/** A code as it is compared: without case and the dots and dashes that people leave out (E11.9 is E119). */
export function codeKey(code: string): string {
	return code.toLowerCase().replace(/[.\-\s]/g, '');
}

/** The words of a text, without accents and case. */
export function wordsOf(text: string): string[] {
	return sortKey(text)
		.split(/[^\p{L}\p{N}%+<>=]+/u)
		.filter((word) => word !== '')
		.map((word) => word.slice(0, 60));
}

/** Whether a word is one of a language, which many names share, not a number that is one code's alone. */
export function isSpoken(word: string): boolean {
	return /^[^0-9%+<>=]/.test(word);
}

/** A word as the index of one system has it. */
export function lexeme(system: number, word: string): string {
	return `${system}/${word}`;
}

/** A word of the index, taken apart. */
export function partsOf(name: string): { readonly system: number; readonly word: string } {
	const mark = name.indexOf('/');
	return { system: Number(name.slice(0, mark)), word: name.slice(mark + 1) };
}
