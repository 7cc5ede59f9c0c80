// The certificate: made, kept, renewed in time, and clear words for files that do not fit.
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { connect } from 'node:tls';
import { silentLog } from '#base/log.ts';
import { certificateEnds, givenCertificate, hostOf, openCertificate, ownCertificate } from './certificate.ts';
import { createHandler, listen } from './server.ts';

const folder = mkdtempSync(join(tmpdir(), 'heron-certificate-'));
after(() => rmSync(folder, { recursive: true }));
const day = 24 * 3600 * 1000;
const start = Date.parse('2026-01-01T00:00:00Z');
const at = (ms: number) => ({ now: () => new Date(ms) });

test('it names localhost and the public host, is for the owner alone, and stays', async () => {
	const dir = join(folder, 'made');
	const made = await ownCertificate(dir, ['ehr.example.org', '192.0.2.7'], at(start));
	const parsed = new X509Certificate(made.cert);
	for (const name of ['localhost', 'ehr.example.org']) assert.equal(parsed.checkHost(name), name);
	for (const address of ['127.0.0.1', '::1', '192.0.2.7']) assert.ok(parsed.checkIP(address));
	assert.equal(parsed.publicKey.asymmetricKeyType, 'ec');
	assert.equal(parsed.ca, false);
	assert.equal(statSync(join(dir, 'tls.pem')).mode & 0o777, 0o600);
	assert.deepEqual(readdirSync(dir), ['tls.pem']);
	assert.deepEqual(await ownCertificate(dir, ['ehr.example.org'], at(start + 300 * day)), made);
	assert.equal(certificateEnds(dir)?.getTime(), parsed.validToDate.getTime());
});

test('it is made anew when it is about to end, lacks a name, or is damaged', async () => {
	const dir = join(folder, 'renewed');
	const first = await ownCertificate(dir, [], at(start));
	const later = await ownCertificate(dir, [], at(start + 370 * day));
	assert.notEqual(later.cert, first.cert);
	assert.ok(new X509Certificate(later.cert).validToDate.getTime() > start + 700 * day);
	const renamed = await ownCertificate(dir, ['other.example.org'], at(start + 370 * day));
	assert.notEqual(renamed.cert, later.cert);
	writeFileSync(join(dir, 'tls.pem'), readFileSync(join(dir, 'tls.pem'), 'utf8').slice(0, 300));
	assert.ok(new X509Certificate((await ownCertificate(dir, [], at(start))).cert));
});

test('processes that start together show the same certificate', async () => {
	const dir = join(folder, 'together');
	const all = await Promise.all(Array.from({ length: 4 }, () => ownCertificate(dir, [], at(start))));
	assert.equal(new Set(all.map(({ cert }) => cert)).size, 1);
});

test("an operator's files are read, and what is wrong with them is said", async () => {
	const one = await ownCertificate(join(folder, 'one'), [], at(start));
	const two = await ownCertificate(join(folder, 'two'), [], at(start));
	const file = (name: string, text: string): string => {
		writeFileSync(join(folder, name), text);
		return join(folder, name);
	};
	const cert = file('cert.pem', one.cert);
	const key = file('key.pem', one.key);
	assert.deepEqual(givenCertificate(cert, key), one);
	assert.throws(() => givenCertificate(join(folder, 'none.pem'), key), /HERON_TLS_CERT: .*none\.pem cannot be read \(ENOENT\)/);
	assert.throws(() => givenCertificate(cert, file('other.pem', two.key)), /does not belong to the certificate/);
	assert.throws(() => givenCertificate(file('text.pem', 'no'), key), /holds no certificate/);
	assert.throws(() => givenCertificate(cert, file('text.pem', 'no')), /holds no private key/);
});

test('new connections get a renewed certificate while old ones go on', async (t) => {
	const options = { folder: join(folder, 'served'), hosts: [], clock: at(Date.now()), log: silentLog, given: undefined };
	const certificate = await openCertificate(options);
	const handler = createHandler({
		routes: [],
		authenticate: () => ({}),
		anonymous: () => ({}),
		dialects: [],
		cors: { origins: [] },
		bodyLimitBytes: 1000,
		trustedProxies: [],
		log: silentLog,
	});
	const server = await listen(handler, { port: 0, host: '127.0.0.1', tls: certificate.current() }, 100);
	t.after(async () => {
		certificate.close();
		await server.close();
	});
	const shown = (): Promise<string> =>
		new Promise((resolve, reject) => {
			const socket = connect({ port: server.port, host: '127.0.0.1', rejectUnauthorized: false }, () => {
				resolve(socket.getPeerX509Certificate()?.fingerprint256 ?? '');
				socket.end();
			});
			socket.on('error', reject);
		});
	const fingerprint = (cert: string): string => new X509Certificate(cert).fingerprint256;
	assert.equal(await shown(), fingerprint(certificate.current().cert));
	const next = await ownCertificate(join(folder, 'next'), [], at(Date.now()));
	server.renew(next);
	assert.equal(await shown(), fingerprint(next.cert));
});

test('hosts of URLs as certificates name them', () => {
	assert.equal(hostOf('https://[::1]:9300'), '::1');
	assert.equal(hostOf('https://ehr.example.org'), 'ehr.example.org');
});
