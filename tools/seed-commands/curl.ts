// Commands of curl as documentation prints them, made requests: what the options of those commands mean, and no more.
// https://curl.se/docs/manpage.html
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';

export type Sent = {
	readonly method: string;
	readonly url: string;
	readonly headers: Record<string, string>;
	readonly body?: string | FormData;
};

export type Answer = {
	readonly status: number;
	readonly headers: Headers;
	readonly text: string;
	/** The body as JSON; throws when it is none. */
	readonly json: Record<string, unknown>;
};

/** The words of a command line: blanks part them, single and double quotes keep them together, a backslash before a line's end joins lines. */
export function wordsOf(command: string): string[] {
	const words: string[] = [];
	for (const [, single, double, plain] of command.replace(/\\\n/g, ' ').matchAll(/'([^']*)'|"([^"]*)"|([^\s'"]+)/g))
		words.push(single ?? double ?? plain ?? '');
	return words;
}

/** What a command of curl sends. Throws for options that it does not know. */
export function requestOf(command: string): Sent {
	const [name, ...words] = wordsOf(command);
	if (name !== 'curl') throw new Error(`not a command of curl: ${name}`);
	const headers: Record<string, string> = {};
	const data: string[] = [];
	const form = new FormData();
	let [method, url, hasForm] = ['', '', false];
	while (words.length > 0) {
		const word = words.shift() as string;
		const value = (): string => words.shift() ?? '';
		if (word === '-X') method = value();
		else if (word === '-H') {
			const [, header = '', text = ''] = /^([^:]+):\s*(.*)$/s.exec(value()) ?? [];
			headers[header.toLowerCase()] = text;
		} else if (word === '--data') data.push(value());
		else if (word === '--data-urlencode') data.push(encoded(value()));
		else if (word === '-F') {
			hasForm = true;
			part(form, value());
		} else if (word === '-o') value();
		else if (word === '-k') continue;
		else if (word.startsWith('-')) throw new Error(`curl's option ${word} is not known here`);
		else url = word;
	}
	const body = hasForm ? form : data.length === 0 ? undefined : data.join('&');
	return { method: method || (body === undefined ? 'GET' : 'POST'), url, headers, ...(body === undefined ? {} : { body }) };
}

function encoded(text: string): string {
	const at = text.indexOf('=');
	return `${text.slice(0, at)}=${encodeURIComponent(text.slice(at + 1))}`;
}

function part(form: FormData, text: string): void {
	const at = text.indexOf('=');
	const [field, value] = [text.slice(0, at), text.slice(at + 1)];
	if (value.startsWith('@')) form.append(field, new Blob([new Uint8Array(readFileSync(value.slice(1)))]), basename(value.slice(1)));
	else form.append(field, value);
}

/** Does what the command does. */
export async function run(command: string): Promise<Answer> {
	const { url, ...init } = requestOf(command);
	const response = await fetch(url, init);
	const text = await response.text();
	return {
		status: response.status,
		headers: response.headers,
		text,
		get json() {
			return JSON.parse(text) as Record<string, unknown>;
		},
	};
}
