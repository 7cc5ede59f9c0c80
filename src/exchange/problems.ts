// How the exchange of files is refused. The codes are for ever.
import { Problem } from '#base/problem.ts';

/** A path that was named is not there or cannot be read. */
export function notReadable(path: string, code: string | undefined): Problem {
	const why = code === 'ENOENT' ? 'there is no such file or folder' : `it cannot be read (${code})`;
	return new Problem('invalid', 'file-not-readable', `${path}: ${why}.`);
}

/** A file whose name does not say that it may hold FHIR. */
export function fileKindUnknown(path: string): Problem {
	return new Problem('invalid', 'file-kind-unknown', `${path}: its name must end in .json, .ndjson, .tar or .tgz, each also with .gz.`);
}

/** A folder or list of files with nothing to read in it. */
export function nothingToRead(): Problem {
	return new Problem('invalid', 'nothing-to-read', 'There is no file to import there (.json, .ndjson, .tar, .tgz, each also with .gz).');
}

/** A file that ends too early or is not what its name says. */
export function fileBroken(cause: unknown): Problem {
	return new Problem('invalid', 'file-broken', `The file cannot be read to its end: ${(cause as Error).message}.`, { cause });
}

/** A text that does not fit into memory as one value. */
export function textTooLarge(): Problem {
	return new Problem(
		'too-much',
		'file-too-large',
		'The file is larger than 400 MB as one JSON text; write it as NDJSON, one resource a line.',
	);
}

/** An export wants a folder of its own. */
export function folderNotEmpty(folder: string): Problem {
	return new Problem('conflict', 'folder-not-empty', `${folder} is not empty; an export wants a folder of its own.`);
}
