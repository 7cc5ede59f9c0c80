// Settings: what is taken, what is refused and in which words, and that the documentation shows the same table.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { Problem } from '#base/problem.ts';
import { usualTypes } from '#clinic/documents/content.ts';
import { defaultPeopleSettings } from '#oauth/accounts/people.ts';
import { readSettings, settingRows } from './settings.ts';

function refusal(environment: Record<string, string>): string {
	try {
		readSettings(environment);
	} catch (error) {
		assert.ok(error instanceof Problem);
		assert.equal(error.code, 'setting-wrong');
		return error.text;
	}
	assert.fail('it was taken');
}

test('nothing set gives the documented defaults', () => {
	const settings = readSettings({ PATH: '/usr/bin' });
	assert.deepEqual(settings, {
		dataDir: resolve('data'),
		databaseUrl: undefined,
		readDatabaseUrls: [],
		databaseConnections: 16,
		host: undefined,
		httpsPort: 9300,
		httpPort: 8300,
		publicUrl: 'https://localhost:9300',
		tlsCert: undefined,
		tlsKey: undefined,
		workers: 1,
		drainMs: 10_000,
		logLevel: 'info',
		bodyLimitBytes: 50 * 1024 * 1024,
		referentialIntegrity: true,
		validation: 'strict',
		provenance: true,
		corsOrigins: ['*'],
		openemrStatusCompat: false,
		metricsFrom: 'loopback',
		trustedProxies: [],
		blobStore: 'disk',
		documents: { limitBytes: 50 * 1024 * 1024, types: usualTypes, virusScan: 'off' },
		audit: 'all',
		defaultCount: 20,
		maxCount: 1000,
		adminPassword: undefined,
		bulk: { keepMs: 86_400_000, allowPrivateUrls: false, fetchBytes: 100 * 1024 ** 3 },
		demo: 'ask',
		oauth: {
			clientApproval: 'manual',
			requirePkce: 'public',
			allowPrivateUrls: false,
			assertionMaxAge: 86_400,
			accessTokenSeconds: 3600,
			serviceTokenSeconds: 60,
			refreshTokenSeconds: 92 * 86_400,
			passwordGrant: 'off',
			registrationsPerHour: 30,
			authorizationsPerHour: 1000,
		},
		people: defaultPeopleSettings,
		mail: undefined,
		signInProvider: undefined,
	});
});

test('the public URL follows the ports', () => {
	assert.equal(readSettings({ HERON_HTTPS_PORT: '443' }).publicUrl, 'https://localhost');
	assert.equal(readSettings({ HERON_HTTPS_PORT: '9443' }).publicUrl, 'https://localhost:9443');
	assert.equal(readSettings({ HERON_HTTPS_PORT: '0', HERON_HTTP_PORT: '80' }).publicUrl, 'http://localhost');
	assert.equal(readSettings({ HERON_PUBLIC_URL: 'https://ehr.example.org/' }).publicUrl, 'https://ehr.example.org');
});

const good: [Record<string, string>, string, unknown][] = [
	[{ HERON_DATA_DIR: '/srv/heron' }, 'dataDir', '/srv/heron'],
	[{ DATABASE_URL: 'postgres://u:p@db.example.org:5433/heron' }, 'databaseUrl', 'postgres://u:p@db.example.org:5433/heron'],
	[{ DATABASE_URL: 'postgresql://u@/heron?host=/run/postgresql' }, 'databaseUrl', 'postgresql://u@/heron?host=/run/postgresql'],
	[{ DATABASE_URL: 'postgresql:///heron?host=/run/postgresql' }, 'databaseUrl', 'postgresql:///heron?host=/run/postgresql'],
	[
		{ DATABASE_URL: 'postgres://p/x', HERON_READ_DATABASE_URLS: 'postgres://a/x  postgres://b/x' },
		'readDatabaseUrls',
		['postgres://a/x', 'postgres://b/x'],
	],
	[{ HERON_HOST: '::1' }, 'host', '::1'],
	[{ HERON_BODY_LIMIT_MB: '1' }, 'bodyLimitBytes', 1024 * 1024],
	[{ HERON_REFERENTIAL_INTEGRITY: 'off' }, 'referentialIntegrity', false],
	[{ HERON_VALIDATION: 'lenient' }, 'validation', 'lenient'],
	[
		{ HERON_CORS_ORIGINS: 'https://a.example.org, http://localhost:3000' },
		'corsOrigins',
		['https://a.example.org', 'http://localhost:3000'],
	],
	[{ HERON_OPENEMR_STATUS_COMPAT: '8' }, 'openemrStatusCompat', true],
	[{ HERON_METRICS_FROM: 'any' }, 'metricsFrom', 'any'],
	[{ HERON_METRICS_FROM: '10.0.0.1 10.0.0.2' }, 'metricsFrom', ['10.0.0.1', '10.0.0.2']],
	[{ HERON_TRUSTED_PROXIES: '10.0.0.1' }, 'trustedProxies', ['10.0.0.1']],
	[{ HERON_BLOB_STORE: 's3://bucket/prefix?region=eu-central-1' }, 'blobStore', 's3://bucket/prefix?region=eu-central-1'],
	[
		{ HERON_DOCUMENT_LIMIT_MB: '5', HERON_DOCUMENT_TYPES: 'application/pdf image/png', HERON_VIRUS_SCAN: 'clamd:localhost:3310' },
		'documents',
		{ limitBytes: 5 * 1024 * 1024, types: ['application/pdf', 'image/png'], virusScan: 'clamd:localhost:3310' },
	],
	[{ HERON_AUDIT: 'writes' }, 'audit', 'writes'],
	[{ HERON_DRAIN_SECONDS: '0' }, 'drainMs', 0],
	[{ HERON_LOG_LEVEL: ' warn ' }, 'logLevel', 'warn'],
	[{ HERON_WORKERS: '' }, 'workers', 1],
	[
		{ HERON_SMTP_URL: 'smtps://u:p@mail.example.org', HERON_MAIL_FROM: 'a@example.org' },
		'mail',
		{ url: 'smtps://u:p@mail.example.org', from: 'a@example.org' },
	],
	[
		{ HERON_SIGN_IN_ISSUER: 'https://id.example.org/x', HERON_SIGN_IN_CLIENT_ID: 'i', HERON_SIGN_IN_CLIENT_SECRET: 's' },
		'signInProvider',
		{ issuer: 'https://id.example.org/x', clientId: 'i', clientSecret: 's', name: 'id.example.org' },
	],
];

for (const [environment, name, expected] of good) {
	test(`taken: ${JSON.stringify(environment)}`, () => {
		assert.deepEqual(readSettings(environment)[name as 'dataDir'], expected);
	});
}

const bad: [Record<string, string>, RegExp][] = [
	[{ HERON_HTTPS_PORT: '65536' }, /HERON_HTTPS_PORT="65536": it may be a whole number from 0 to 65535/],
	[{ HERON_HTTPS_PORT: '0x10' }, /HERON_HTTPS_PORT/],
	[{ HERON_HTTPS_PORT: '1e3' }, /HERON_HTTPS_PORT/],
	[{ HERON_WORKERS: '-1' }, /HERON_WORKERS/],
	[{ HERON_WORKERS: '2.5' }, /HERON_WORKERS/],
	[{ HERON_HTTPS_PORT: '0', HERON_HTTP_PORT: '0' }, /listen nowhere/],
	[{ HERON_HTTPS_PORT: '8300' }, /both 8300/],
	[{ HERON_PUBLIC_URL: 'ehr.example.org' }, /HERON_PUBLIC_URL.*origin/],
	[{ HERON_PUBLIC_URL: 'https://ehr.example.org/heron' }, /without a path/],
	[{ HERON_PUBLIC_URL: 'ftp://ehr.example.org' }, /HERON_PUBLIC_URL/],
	[{ HERON_TLS_CERT: '/cert.pem' }, /go together/],
	[{ HERON_LOG_LEVEL: 'loud' }, /debug, info, warn, error, silent/],
	[{ HERON_VALIDATION: 'none' }, /strict, lenient/],
	[{ HERON_AUDIT: 'some' }, /off, writes, all/],
	[{ HERON_BLOB_STORE: 'ftp://x' }, /disk or s3/],
	[{ HERON_VIRUS_SCAN: 'yes' }, /clamd:host:port/],
	[{ HERON_DOCUMENT_TYPES: 'pdf' }, /application\/pdf/],
	[{ HERON_CORS_ORIGINS: 'example.org' }, /HERON_CORS_ORIGINS/],
	[{ HERON_METRICS_FROM: 'any 10.0.0.1' }, /HERON_METRICS_FROM/],
	[{ HERON_TRUSTED_PROXIES: 'proxy' }, /IP addresses/],
	[{ HERON_HOST: '10.0.0.1 10.0.0.2' }, /HERON_HOST/],
	[{ HERON_READ_DATABASE_URLS: 'postgres://a/b' }, /DATABASE_URL, which is not set/],
	[{ HERON_DEFAULT_COUNT: '50', HERON_MAX_COUNT: '10' }, /larger than/],
	[{ HERON_SMTP_URL: 'smtp://mail.example.org' }, /HERON_SMTP_URL and HERON_MAIL_FROM go together/],
	[{ HERON_SMTP_URL: 'mail.example.org', HERON_MAIL_FROM: 'a@example.org' }, /HERON_SMTP_URL is not/],
	[{ HERON_SIGN_IN_ISSUER: 'https://id.example.org' }, /go together/],
	[{ HERON_PASSWORD_MIN_LENGTH: '4' }, /from 8 to 64/],
	[{ HERON_HTTP_PROT: '80' }, /HERON_HTTP_PROT is not a setting/],
];

for (const [environment, words] of bad) {
	test(`refused: ${JSON.stringify(environment)}`, () => assert.match(refusal(environment), words));
}

test('all that is wrong is said at once', () => {
	const text = refusal({ HERON_WORKERS: 'x', HERON_LOG_LEVEL: 'x', HERON_NOT: 'x' });
	assert.equal(text.split('\n').length, 3);
});

test('the address of a database is never repeated, for it has a password', () => {
	for (const name of ['DATABASE_URL', 'HERON_READ_DATABASE_URLS']) {
		const text = refusal({ [name]: 'mysql://heron:s3cret@db/heron' });
		assert.match(text, new RegExp(name));
		assert.doesNotMatch(text, /s3cret/);
	}
});

test('docs/running.md shows every setting as it is', () => {
	const page = readFileSync(join(import.meta.dirname, '..', 'docs', 'running.md'), 'utf8');
	const shown = [...page.matchAll(/^\| `([A-Z_]+)` \| (.+?) \| (.+) \|$/gm)].map(([, name, fallback, means]) => ({
		name,
		fallback,
		means,
	}));
	assert.deepEqual(shown, settingRows);
});
