// What a command of `npm run heron` is, how its words are read and its help is written.
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';

/** An option: a flag, or one that takes a value, whose name in the help is `value`. */
export type Option = { readonly name: string; readonly value?: string; readonly repeats?: true; readonly means: string };

export type Command = {
	/** Words after the command's name, e.g. `<files or folders> [options]`. */
	readonly usage: string;
	/** Paragraphs of its help. */
	readonly about: string;
	readonly options: readonly Option[];
	/** Does it and gives the exit code: 0 all is well, 1 something is not. Throws UsageError, or a Problem. */
	readonly run: (given: Given) => Promise<number>;
};

/** The words a command was given. */
export type Given = {
	readonly words: readonly string[];
	readonly has: (option: string) => boolean;
	readonly value: (option: string) => string | undefined;
	readonly values: (option: string) => readonly string[];
};

/** The command was called in a way it does not understand: exit code 2. */
export class UsageError extends Error {}

/** Takes words apart. Throws UsageError for options the command does not have and values that are missing. */
export function readWords(command: Command, args: readonly string[]): Given {
	const options = Object.fromEntries(
		command.options.map(({ name, value, repeats }) => [
			name,
			{ type: value === undefined ? ('boolean' as const) : ('string' as const), multiple: repeats === true },
		]),
	);
	let parsed: { values: Record<string, unknown>; positionals: string[] };
	try {
		parsed = parseArgs({ args: [...args], options, allowPositionals: true, strict: true });
	} catch (error) {
		throw new UsageError((error as Error).message.split('. To specify')[0] as string);
	}
	const { values, positionals } = parsed;
	return {
		words: positionals,
		has: (option) => values[option] !== undefined,
		value: (option) => values[option] as string | undefined,
		values: (option) => (values[option] as string[] | undefined) ?? [],
	};
}

/** The help of one command. */
export function helpOf(name: string, { usage, about, options }: Command): string {
	const rows = [...options.map((option) => [shown(option), option.means] as const), ['--help', 'shows this'] as const];
	return `Usage: npm run heron -- ${`${name} ${usage}`.trim()}\n\n${about.trim()}\n\nOptions:\n${columns(rows)}\n`;
}

function shown({ name, value }: Option): string {
	return value === undefined ? `--${name}` : `--${name} <${value}>`;
}

/** Two columns, the first as wide as its widest. */
export function columns(rows: readonly (readonly [string, string])[]): string {
	const width = Math.max(...rows.map(([first]) => first.length));
	return rows.map(([first, second]) => `  ${first.padEnd(width)}  ${second}`.trimEnd()).join('\n');
}

/** The known word that was probably meant. */
export function nearest(word: string, known: readonly string[]): string | undefined {
	const [best] = known.map((one) => ({ one, far: distance(word, one) })).sort((a, b) => a.far - b.far);
	return best !== undefined && best.far <= Math.max(1, Math.floor(best.one.length / 3)) ? best.one : undefined;
}

/** Levenshtein's distance. */
function distance(a: string, b: string): number {
	let row = Array.from({ length: b.length + 1 }, (_, i) => i);
	for (let i = 1; i <= a.length; i++) {
		const next = [i];
		for (let j = 1; j <= b.length; j++) {
			const change = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
			next.push(Math.min(change, (row[j] as number) + 1, (next[j - 1] as number) + 1));
		}
		row = next;
	}
	return row[b.length] as number;
}

/** A path as the user meant it: npm runs commands in the project's folder, wherever they were typed. */
export function pathOf(word: string): string {
	return resolve(process.env.HERON_BOOTSTRAP === undefined ? '' : (process.env.INIT_CWD ?? ''), word);
}
