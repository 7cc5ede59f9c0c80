// The browser bundle of `fhirclient`, the SMART JS client, as its authors published it. The package brings hundreds of others that the bundle
// does not need, so it is no dependency: the one file is taken out of the package, and has to be the one that is expected.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { extract } from 'tar-stream';

const version = '2.6.3';
const member = 'package/build/fhir-client.min.js';
const sha256 = 'eb76a8e9034fab4f07eb4e5ab7e0dfeabe09976fba5e2adfa5c834466d30fdce';

/** The path of the bundle; fetched with npm the first time. Throws when it is not the file it should be. */
export async function smartClient(): Promise<string> {
	const folder = join(import.meta.dirname, '..', '..', '.cache', 'e2e');
	const path = join(folder, `fhir-client-${version}.min.js`);
	if (!existsSync(path)) {
		mkdirSync(folder, { recursive: true });
		console.log(`Fetching fhirclient ${version} (once) …`);
		execFileSync('npm', ['pack', `fhirclient@${version}`, '--silent', '--pack-destination', folder], {
			stdio: ['ignore', 'ignore', 'inherit'],
		});
		const archive = join(folder, `fhirclient-${version}.tgz`);
		const bytes = await memberOf(gunzipSync(readFileSync(archive)));
		rmSync(archive);
		if (digest(bytes) !== sha256) throw new Error(`${member} of fhirclient ${version} is not the file that was expected.`);
		writeFileSync(path, bytes);
	}
	if (digest(readFileSync(path)) !== sha256) throw new Error(`${path} is not the file that was expected; remove it to fetch it again.`);
	return path;
}

function digest(bytes: Buffer): string {
	return createHash('sha256').update(bytes).digest('hex');
}

async function memberOf(archive: Buffer): Promise<Buffer> {
	const entries = extract();
	entries.end(archive);
	for await (const entry of entries) {
		const chunks: Buffer[] = [];
		for await (const chunk of entry) chunks.push(chunk as Buffer);
		if (entry.header.name === member) return Buffer.concat(chunks);
	}
	throw new Error(`The package has no ${member}.`);
}
