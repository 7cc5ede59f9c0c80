// Forms as clients send them, and as nobody should.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Problem } from '#base/problem.ts';
import { readForm } from './multipart.ts';

async function requestOf(form: FormData): Promise<Parameters<typeof readForm>[0]> {
	const request = new Request('http://heron.test', { method: 'POST', body: form });
	const bytes = Buffer.from(await request.arrayBuffer());
	return { headers: { 'content-type': request.headers.get('content-type') ?? '' }, body: async () => bytes };
}

test('fields and files, whatever their names and bytes', async () => {
	const form = new FormData();
	form.append('path', 'Lab Reports');
	form.append('date', '2024-01-15');
	const bytes = Buffer.from(Array.from({ length: 70_000 }, (_, i) => (i * 7) & 255));
	form.append('file', new Blob([bytes]), 'Befund Müller.pdf');
	form.append('document', new Blob([]), 'empty.txt');
	const { fields, files } = await readForm(await requestOf(form), 100_000);
	assert.deepEqual(
		[...fields],
		[
			['path', 'Lab Reports'],
			['date', '2024-01-15'],
		],
	);
	assert.deepEqual(
		files.map(({ field, name, bytes: { length } }) => [field, name, length]),
		[
			['file', 'Befund Müller.pdf', 70_000],
			['document', 'empty.txt', 0],
		],
	);
	assert.deepEqual(files[0]?.bytes, bytes);
});

const form = (boundary: string, body: string): Parameters<typeof readForm>[0] => ({
	headers: { 'content-type': `multipart/form-data; boundary=${boundary}` },
	body: async () => Buffer.from(body),
});
const broken: readonly (readonly [name: string, request: Parameters<typeof readForm>[0], code: string])[] = [
	['JSON', { headers: { 'content-type': 'application/json' }, body: async () => Buffer.from('{}') }, 'form-expected'],
	['no type', { headers: {}, body: async () => Buffer.from('') }, 'form-expected'],
	['no boundary', { headers: { 'content-type': 'multipart/form-data; charset=x' }, body: async () => Buffer.from('') }, 'form-broken'],
	['a form that ends early', form('x', '--x\r\ncontent-disposition: form-data; name="file"; filename="a"\r\n\r\nabc'), 'form-broken'],
	['no form at all', form('x', 'hello'), 'form-broken'],
	['too many fields', form('x', `${'--x\r\ncontent-disposition: form-data; name="a"\r\n\r\n1\r\n'.repeat(200)}--x--`), 'form-broken'],
];
for (const [name, request, code] of broken) {
	test(`${name} is refused`, () =>
		assert.rejects(readForm(request, 1000), (error) => error instanceof Problem && error.code === code && error.status === 400));
}
