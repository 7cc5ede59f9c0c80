// Files as they come: plain, gzipped, in archives, in folders, several to a file, and broken ones that stop nothing.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';
import { filesOf, kindOf, textsOf } from './files.ts';

const folder = mkdtempSync(join(tmpdir(), 'heron-files-'));
after(() => rmSync(folder, { recursive: true }));

function put(name: string, content: string | Buffer): string {
	const path = join(folder, name);
	mkdirSync(join(path, '..'), { recursive: true });
	writeFileSync(path, content);
	return path;
}

async function tar(files: Readonly<Record<string, string | Buffer>>): Promise<Buffer> {
	const archive = pack();
	for (const [name, content] of Object.entries(files)) archive.entry({ name }, content);
	archive.finalize();
	const chunks: Buffer[] = [];
	for await (const chunk of archive) chunks.push(chunk as Buffer);
	return Buffer.concat(chunks);
}

/** What a file holds, as [file below the folder, line, text or code of the problem]. */
async function read(path: string): Promise<[string, number | undefined, string][]> {
	const found: [string, number | undefined, string][] = [];
	let bytes = 0;
	const [file] = await filesOf([path]);
	assert.ok(file);
	const texts = textsOf(file, (read) => {
		bytes += read;
	});
	for await (const text of texts) {
		const name = text.file.slice(folder.length + 1);
		found.push('problem' in text ? [name, undefined, text.problem.code] : [name, text.line, text.bytes.toString()]);
	}
	if (!found.some(([, , text]) => text === 'file-broken')) assert.equal(bytes, file.size);
	return found;
}

test('kinds by name', () => {
	assert.deepEqual(kindOf('a.json'), { kind: 'json', gzip: false });
	assert.deepEqual(kindOf('a.json"'), { kind: 'json', gzip: false });
	assert.deepEqual(kindOf('A.NDJSON.GZ'), { kind: 'lines', gzip: true });
	assert.deepEqual(kindOf('a.tar.gz'), { kind: 'tar', gzip: true });
	assert.deepEqual(kindOf('a.tgz'), { kind: 'tar', gzip: true });
	for (const name of ['a.xml', 'json', 'a.json.zip', 'a.gz']) assert.equal(kindOf(name), undefined, name);
});

test('a text, and lines', async () => {
	assert.deepEqual(await read(put('a.json', '{"a":\n1}')), [['a.json', undefined, '{"a":\n1}']]);
	assert.deepEqual(await read(put('a.json.gz', gzipSync('{}'))), [['a.json.gz', undefined, '{}']]);
	const lines = '{"a":1}\r\n\n  \n{"b":2}\n{"c":3}';
	const expected = [1, 4, 5].map((line, i) => ['l.ndjson', line, ['{"a":1}\r', '{"b":2}', '{"c":3}'][i]]);
	assert.deepEqual(await read(put('l.ndjson', lines)), expected);
	assert.deepEqual(await read(put('lines.json', '{"a":1}\n{"b":2}\n')), [
		['lines.json', 1, '{"a":1}'],
		['lines.json', 2, '{"b":2}'],
	]);
});

test('lines that are cut by the pieces they are read in', async () => {
	const long = `{"a":"${'x'.repeat(300_000)}"}`;
	const found = await read(put('long.ndjson.gz', gzipSync(`${long}\n${long}\n`)));
	assert.deepEqual(
		found.map(([, line, text]) => [line, text === long]),
		[
			[1, true],
			[2, true],
		],
	);
});

test('archives', async () => {
	const archive = await tar({
		'in/a.json': '{"a":1}',
		'in/b.ndjson.gz': gzipSync('{"b":1}\n{"b":2}'),
		'in/readme.txt': 'no',
		'in/._a.json': 'no',
	});
	const inside = (name: string): [string, number | undefined, string][] => [
		[`${name}:in/a.json`, undefined, '{"a":1}'],
		[`${name}:in/b.ndjson.gz`, 1, '{"b":1}'],
		[`${name}:in/b.ndjson.gz`, 2, '{"b":2}'],
	];
	assert.deepEqual(await read(put('x.tar', archive)), inside('x.tar'));
	assert.deepEqual(await read(put('x.tar.gz', gzipSync(archive))), inside('x.tar.gz'));
	assert.deepEqual(await read(put('x.tgz', gzipSync(archive))), inside('x.tgz'));
});

test('a broken file is reported after what could be read of it', async () => {
	const whole = gzipSync('{"a":1}\n'.repeat(20_000));
	const cut = await read(put('cut.ndjson.gz', whole.subarray(0, whole.length - 20)));
	assert.equal(cut.at(-1)?.[2], 'file-broken');
	assert.deepEqual(await read(put('not.json.gz', 'plain')), [['not.json.gz', undefined, 'file-broken']]);
	const archive = await tar({ 'a.json': '{"a":1}', 'b.json': `{"b":"${'x'.repeat(5000)}"}` });
	const found = await read(put('cut.tar', archive.subarray(0, 2000)));
	assert.deepEqual(found[0], ['cut.tar:a.json', undefined, '{"a":1}']);
	assert.equal(found.at(-1)?.[2], 'file-broken');
});

test('folders with what may hold FHIR in them, first what others refer to', async () => {
	for (const name of [
		'Observation.ndjson',
		'Patient.ndjson',
		'sub/Organization.ndjson.gz',
		'hospitalInformation1.json',
		'note.txt',
		'Patient.history.ndjson.gz',
	])
		put(`many/${name}`, '');
	const names = (await filesOf([join(folder, 'many')])).map(({ path }) => path.slice(join(folder, 'many').length + 1));
	assert.deepEqual(names, ['hospitalInformation1.json', 'sub/Organization.ndjson.gz', 'Patient.ndjson', 'Observation.ndjson']);
});

test('paths that lead to nothing are refused', async () => {
	await assert.rejects(filesOf([join(folder, 'none.json')]), { code: 'file-not-readable' });
	await assert.rejects(filesOf([put('a.xml', '<a/>')]), { code: 'file-kind-unknown' });
	mkdirSync(join(folder, 'empty'));
	await assert.rejects(filesOf([join(folder, 'empty')]), { code: 'nothing-to-read' });
});
