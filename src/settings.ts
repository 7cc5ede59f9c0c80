// Every setting of an installation: an environment variable, what it may be, and what it is when absent. docs/running.md shows the same
// table; a test compares them.
import { isIP } from 'node:net';
import { resolve } from 'node:path';
import type { LogLevel } from '#base/log.ts';
import { Problem } from '#base/problem.ts';

export type Settings = {
	readonly dataDir: string;
	/** A PostgreSQL of one's own; undefined starts the embedded one. */
	readonly databaseUrl: string | undefined;
	readonly readDatabaseUrls: readonly string[];
	/** Connections each process may open to the database. */
	readonly databaseConnections: number;
	/** The address to listen on; undefined for all. */
	readonly host: string | undefined;
	readonly httpsPort: number;
	readonly httpPort: number;
	readonly publicUrl: string;
	readonly tlsCert: string | undefined;
	readonly tlsKey: string | undefined;
	readonly workers: number;
	readonly drainMs: number;
	readonly logLevel: LogLevel;
	readonly bodyLimitBytes: number;
	readonly referentialIntegrity: boolean;
	readonly validation: 'strict' | 'lenient';
	readonly corsOrigins: readonly string[];
	readonly metricsFrom: 'loopback' | 'any' | readonly string[];
	readonly trustedProxies: readonly string[];
	readonly blobStore: string;
	readonly defaultCount: number;
	readonly maxCount: number;
};

export type SettingRow = { readonly name: string; readonly fallback: string; readonly means: string };

/** The rows of the table in docs/running.md. */
export const settingRows: readonly SettingRow[] = [
	{ name: 'HERON_DATA_DIR', fallback: './data', means: 'folder of the database, files, certificate and packages' },
	{
		name: 'DATABASE_URL',
		fallback: '(none)',
		means: 'a PostgreSQL 15 or newer of your own, `postgres://user:password@host:5432/name`; Heron then starts none',
	},
	{ name: 'HERON_READ_DATABASE_URLS', fallback: '(none)', means: 'replicas of DATABASE_URL for searches and reads, separated by blanks' },
	{ name: 'HERON_DATABASE_CONNECTIONS', fallback: '16', means: 'most connections of one server process to a database' },
	{ name: 'HERON_HOST', fallback: '(all)', means: 'address to listen on, e.g. `127.0.0.1`' },
	{ name: 'HERON_HTTPS_PORT', fallback: '9300', means: 'port for https, 0 for none' },
	{ name: 'HERON_HTTP_PORT', fallback: '8300', means: 'port for http, 0 for none' },
	{ name: 'HERON_PUBLIC_URL', fallback: 'https://localhost:<https port>', means: 'origin of every absolute URL Heron gives out' },
	{ name: 'HERON_TLS_CERT', fallback: '(own)', means: 'certificate file (PEM, with its chain); with HERON_TLS_KEY' },
	{ name: 'HERON_TLS_KEY', fallback: '(own)', means: 'private key file (PEM)' },
	{ name: 'HERON_WORKERS', fallback: '1', means: 'server processes on this machine' },
	{ name: 'HERON_DRAIN_SECONDS', fallback: '10', means: 'how long a stopping server lets running requests finish' },
	{ name: 'HERON_LOG_LEVEL', fallback: 'info', means: 'debug, info, warn, error or silent' },
	{ name: 'HERON_BODY_LIMIT_MB', fallback: '50', means: 'largest request body in megabytes' },
	{
		name: 'HERON_REFERENTIAL_INTEGRITY',
		fallback: 'on',
		means: 'on refuses references to what does not exist and deleting what is referred to; off takes both',
	},
	{
		name: 'HERON_VALIDATION',
		fallback: 'strict',
		means: 'strict refuses what breaks a rule of FHIR or of a named profile; lenient refuses only what is structurally wrong',
	},
	{ name: 'HERON_CORS_ORIGINS', fallback: '*', means: 'origins whose pages may call the API from a browser, separated by blanks' },
	{ name: 'HERON_METRICS_FROM', fallback: 'loopback', means: 'who may read /metrics: loopback, any, or addresses separated by blanks' },
	{
		name: 'HERON_TRUSTED_PROXIES',
		fallback: '(none)',
		means: 'addresses of proxies whose X-Forwarded-For is believed, separated by blanks',
	},
	{ name: 'HERON_BLOB_STORE', fallback: 'disk', means: 'where large binaries go: disk, or s3://bucket/prefix?region=…&endpoint=…' },
	{ name: 'HERON_DEFAULT_COUNT', fallback: '20', means: 'entries of a search page when the client does not say' },
	{ name: 'HERON_MAX_COUNT', fallback: '1000', means: 'most entries of a search page' },
];

type Environment = Readonly<Record<string, string | undefined>>;

/** Reads and checks the settings. Throws Problem invalid `setting-wrong` that lists every variable that is wrong and what it may be. */
export function readSettings(environment: Environment): Settings {
	const given = reader(environment);
	const { errors, text, integer, choice, list } = given;
	const httpsPort = integer('HERON_HTTPS_PORT', 9300, 0, 65_535);
	const httpPort = integer('HERON_HTTP_PORT', 8300, 0, 65_535);
	if (httpsPort === httpPort)
		errors.push(
			httpsPort === 0
				? 'HERON_HTTPS_PORT and HERON_HTTP_PORT are both 0: Heron would listen nowhere'
				: `HERON_HTTPS_PORT and HERON_HTTP_PORT are both ${httpsPort}: each needs its own`,
		);
	if ((text('HERON_TLS_CERT') === undefined) !== (text('HERON_TLS_KEY') === undefined))
		errors.push('HERON_TLS_CERT and HERON_TLS_KEY go together: set both or none');
	const origins = list(
		'HERON_CORS_ORIGINS',
		(origin) => origin === '*' || isOrigin(origin),
		'* or origins such as https://app.example.org',
	);
	const metrics = list('HERON_METRICS_FROM', (from, all) => isIP(from) > 0 || (all === 1 && /^(loopback|any)$/.test(from)), addresses);
	const databaseUrl = given.databases('DATABASE_URL')[0];
	const readDatabaseUrls = given.databases('HERON_READ_DATABASE_URLS');
	if (databaseUrl === undefined && readDatabaseUrls.length > 0)
		errors.push('HERON_READ_DATABASE_URLS names replicas of DATABASE_URL, which is not set');
	const settings: Settings = {
		dataDir: resolve(text('HERON_DATA_DIR') ?? './data'),
		databaseUrl,
		readDatabaseUrls,
		databaseConnections: integer('HERON_DATABASE_CONNECTIONS', 16, 4, 500),
		host: list('HERON_HOST', (host, all) => all === 1 && isIP(host) > 0, 'one IP address of this machine')[0],
		httpsPort,
		httpPort,
		publicUrl: given.origin('HERON_PUBLIC_URL') ?? ownOrigin(httpsPort, httpPort),
		tlsCert: text('HERON_TLS_CERT'),
		tlsKey: text('HERON_TLS_KEY'),
		workers: integer('HERON_WORKERS', 1, 1, 128),
		drainMs: integer('HERON_DRAIN_SECONDS', 10, 0, 3600) * 1000,
		logLevel: choice<LogLevel>('HERON_LOG_LEVEL', 'info', ['debug', 'info', 'warn', 'error', 'silent']),
		bodyLimitBytes: integer('HERON_BODY_LIMIT_MB', 50, 1, 500) * 1024 * 1024,
		referentialIntegrity: choice('HERON_REFERENTIAL_INTEGRITY', 'on', ['on', 'off']) === 'on',
		validation: choice('HERON_VALIDATION', 'strict', ['strict', 'lenient']),
		corsOrigins: origins.length === 0 ? ['*'] : origins,
		metricsFrom: metrics.length === 0 || metrics[0] === 'loopback' ? 'loopback' : metrics[0] === 'any' ? 'any' : metrics,
		trustedProxies: list('HERON_TRUSTED_PROXIES', (proxy) => isIP(proxy) > 0, 'IP addresses'),
		blobStore: given.matching('HERON_BLOB_STORE', 'disk', /^disk$|^s3:\/\/[a-z0-9][a-z0-9.-]{2,62}(\/|\?|$)/, 'disk or s3://bucket/prefix'),
		defaultCount: integer('HERON_DEFAULT_COUNT', 20, 1, 10_000),
		maxCount: integer('HERON_MAX_COUNT', 1000, 1, 10_000),
	};
	if (settings.defaultCount > settings.maxCount) errors.push('HERON_DEFAULT_COUNT is larger than HERON_MAX_COUNT');
	for (const name of Object.keys(environment).filter(isUnknown)) {
		errors.push(`${name} is not a setting; the settings are listed in docs/running.md`);
	}
	if (errors.length > 0) throw new Problem('invalid', 'setting-wrong', errors.join('\n'));
	return settings;
}

const addresses = 'loopback, any, or IP addresses';

function ownOrigin(httpsPort: number, httpPort: number): string {
	return new URL(httpsPort === 0 ? `http://localhost:${httpPort}` : `https://localhost:${httpsPort}`).origin;
}

function isOrigin(text: string): boolean {
	return /^https?:/.test(text) && URL.canParse(text) && new URL(text).origin === text.replace(/\/$/, '');
}

/** Looks variables up and gathers what is wrong with them. What a database's address says is never repeated: it has a password. */
function reader(environment: Environment) {
	const errors: string[] = [];
	const text = (name: string): string | undefined => environment[name]?.trim() || undefined;
	const wrong = (name: string, may: string): undefined => {
		errors.push(`${name}="${text(name)}": it may be ${may}`);
		return undefined;
	};
	const words = (name: string): string[] => text(name)?.split(/[\s,]+/) ?? [];
	return {
		errors,
		text,
		integer(name: string, fallback: number, low: number, high: number): number {
			const given = text(name);
			if (given === undefined) return fallback;
			const value = /^\d{1,9}$/.test(given) ? Number(given) : Number.NaN;
			return value >= low && value <= high ? value : (wrong(name, `a whole number from ${low} to ${high}`) ?? fallback);
		},
		choice<T extends string>(name: string, fallback: T, options: readonly T[]): T {
			const given = text(name);
			if (given === undefined) return fallback;
			return options.find((option) => option === given) ?? wrong(name, options.join(', ')) ?? fallback;
		},
		matching(name: string, fallback: string, pattern: RegExp, may: string): string {
			const given = text(name) ?? fallback;
			return pattern.test(given) ? given : (wrong(name, may) ?? fallback);
		},
		list(name: string, fits: (word: string, all: number) => boolean, may: string): string[] {
			const given = words(name);
			return given.every((word) => fits(word, given.length)) ? given : (wrong(name, may) ?? []);
		},
		origin(name: string): string | undefined {
			const given = text(name);
			if (given === undefined) return undefined;
			return isOrigin(given) ? new URL(given).origin : wrong(name, 'an origin: https://host or https://host:port, without a path');
		},
		databases(name: string): string[] {
			const given = words(name);
			// A socket's folder is given as ?host=/folder, with no host before the path.
			const fits = (url: string): boolean =>
				/^postgres(ql)?:\/\//.test(url) && URL.canParse(url.replace(/^(\w+:\/\/(?:[^/]*@)?)\//, '$1localhost/'));
			if (given.every(fits)) return given;
			errors.push(`${name} is not what it may be: postgres://user:password@host:5432/database`);
			return [];
		},
	};
}

function isUnknown(name: string): boolean {
	return (
		name.startsWith('HERON_') &&
		!/^HERON_(BENCH|TEST|TORTURE)_/.test(name) &&
		!settingRows.some((row) => row.name === name) &&
		!internal.has(name)
	);
}

/** Variables Heron sets for its own processes. */
const internal = new Set(['HERON_BOOTSTRAP', 'HERON_FHIR_PACKAGES']);
