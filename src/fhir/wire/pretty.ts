// Pretty printing of JSON text as text: nothing is parsed, so every number and string stays as it is written.

/** The same JSON with a line per member, two blanks a level. */
export function prettyJson(json: string): string {
	const parts: string[] = [];
	let depth = 0;
	let empty = false;
	for (const [token] of json.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g)) {
		const closes = token === '}' || token === ']';
		if (closes) {
			depth--;
			if (!empty) parts.push(newLine(depth));
		} else if (empty) parts.push(newLine(depth));
		empty = token === '{' || token === '[';
		if (empty) depth++;
		parts.push(token);
		if (token === ',') parts.push(newLine(depth));
		else if (token === ':') parts.push(' ');
	}
	return parts.join('');
}

function newLine(depth: number): string {
	return `\n${'  '.repeat(depth)}`;
}
