// A scanner that says yes, no, nothing, or is not there; by socket and by command.
import assert from 'node:assert/strict';
import { createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { Problem } from '#base/problem.ts';
import { createVirusScanner, virusScanShape } from './virus-scan.ts';

const infected = Buffer.from('a VIRUS in here');
const large = Buffer.alloc(3 * 1024 * 1024 + 17, 'clean ');

/** A clamd that knows one virus: reads INSTREAM as the protocol has it. */
function clamd(answer: (content: Buffer) => string | undefined): (socket: Socket) => void {
	return (socket) => {
		let got = Buffer.alloc(0);
		socket.on('error', () => undefined);
		socket.on('data', (data) => {
			got = Buffer.concat([got, data as Buffer]);
			const head = 'zINSTREAM\0'.length;
			const chunks: Buffer[] = [];
			for (let at = head; at + 4 <= got.length; ) {
				const size = got.readUInt32BE(at);
				if (size === 0) {
					const said = answer(Buffer.concat(chunks));
					if (said !== undefined) socket.end(said);
					return;
				}
				chunks.push(got.subarray(at + 4, at + 4 + size));
				at += 4 + size;
			}
		});
	};
}

async function withClamd(answer: (content: Buffer) => string | undefined, work: (setting: string) => Promise<void>): Promise<void> {
	const server = createServer(clamd(answer));
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	const address = server.address() as { port: number };
	try {
		await work(`clamd:127.0.0.1:${address.port}`);
	} finally {
		await new Promise((resolve) => server.close(resolve));
	}
}

const isUnavailable = (error: unknown): boolean =>
	error instanceof Problem && error.code === 'virus-scanner-unavailable' && error.status === 503;

test('clamd sees all of the content and says what it is', async () => {
	const verdict = (content: Buffer): string => (content.includes('VIRUS') ? 'stream: Some-Thing FOUND\0' : `stream: OK\0`);
	await withClamd(
		(content) => (content.length === large.length || content.length < 100 ? verdict(content) : 'stream: cut ERROR\0'),
		async (setting) => {
			const scanner = createVirusScanner(setting);
			assert.equal(await scanner?.isInfected(infected), true);
			assert.equal(await scanner?.isInfected(large), false);
			assert.equal(await scanner?.isInfected(Buffer.alloc(0)), false);
		},
	);
});

test('a clamd that cannot say, hangs or is not there refuses', async () => {
	await withClamd(
		() => 'INSTREAM size limit exceeded. ERROR\0',
		async (setting) => assert.rejects(async () => createVirusScanner(setting)?.isInfected(infected), isUnavailable),
	);
	await withClamd(
		() => undefined,
		async (setting) => assert.rejects(async () => createVirusScanner(setting, 50)?.isInfected(infected), isUnavailable),
	);
	await assert.rejects(async () => createVirusScanner('clamd:/nowhere/clamd.ctl')?.isInfected(infected), isUnavailable);
});

test('a command says it by how it ends', async () => {
	const scanner = createVirusScanner('command:/bin/grep -q -v VIRUS');
	assert.equal(await scanner?.isInfected(infected), true);
	assert.equal(await scanner?.isInfected(large), false);
	await assert.rejects(async () => createVirusScanner('command:/bin/grep --no-such-option')?.isInfected(large), isUnavailable);
	await assert.rejects(async () => createVirusScanner('command:/no/such/command -')?.isInfected(large), isUnavailable);
	await assert.rejects(async () => createVirusScanner('command:/bin/sleep 30', 50)?.isInfected(infected), isUnavailable);
});

test('the setting', () => {
	assert.equal(createVirusScanner('off'), undefined);
	for (const good of ['off', 'clamd:/run/clamav/clamd.ctl', 'clamd:localhost:3310', 'command:/usr/bin/clamdscan -'])
		assert.match(good, virusScanShape);
	for (const bad of ['', 'on', 'clamd:', 'clamd:localhost', 'command:', 'clamd:host:port']) assert.doesNotMatch(bad, virusScanShape);
});
