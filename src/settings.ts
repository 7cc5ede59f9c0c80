// Every setting of an installation: an environment variable, what it may be, and what it is when absent. docs/running.md shows the same
// table; a test compares them.
import { resolve } from 'node:path';
import type { LogLevel } from '#base/log.ts';
import { Problem } from '#base/problem.ts';

export type Settings = {
	readonly dataDir: string;
	/** A PostgreSQL of one's own; undefined starts the embedded one. */
	readonly databaseUrl: string | undefined;
	readonly readDatabaseUrls: readonly string[];
	readonly httpsPort: number;
	readonly httpPort: number;
	readonly publicUrl: string;
	readonly tlsCert: string | undefined;
	readonly tlsKey: string | undefined;
	readonly workers: number;
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
	{ name: 'HERON_READ_DATABASE_URLS', fallback: '(none)', means: 'replicas for searches and reads, separated by blanks' },
	{ name: 'HERON_HTTPS_PORT', fallback: '9300', means: 'port for https, 0 for none' },
	{ name: 'HERON_HTTP_PORT', fallback: '8300', means: 'port for http, 0 for none' },
	{ name: 'HERON_PUBLIC_URL', fallback: 'https://localhost:<https port>', means: 'origin of every absolute URL Heron gives out' },
	{ name: 'HERON_TLS_CERT', fallback: '(own)', means: 'certificate file (PEM, with its chain); with HERON_TLS_KEY' },
	{ name: 'HERON_TLS_KEY', fallback: '(own)', means: 'private key file (PEM)' },
	{ name: 'HERON_WORKERS', fallback: '1', means: 'server processes on this machine' },
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
	const errors: string[] = [];
	const text = (name: string): string | undefined => environment[name]?.trim() || undefined;
	const wrong = (name: string, may: string): undefined => {
		errors.push(`${name}="${environment[name]}": it may be ${may}`);
		return undefined;
	};
	const integer = (name: string, fallback: number, low: number, high: number): number => {
		const given = text(name);
		if (given === undefined) return fallback;
		const value = Number(given);
		return Number.isInteger(value) && value >= low && value <= high
			? value
			: (wrong(name, `a whole number from ${low} to ${high}`) ?? fallback);
	};
	const choice = <T extends string>(name: string, fallback: T, options: readonly T[]): T => {
		const given = text(name);
		if (given === undefined) return fallback;
		return options.find((option) => option === given) ?? wrong(name, options.join(', ')) ?? fallback;
	};
	const list = (name: string): string[] => text(name)?.split(/[\s,]+/) ?? [];
	const url = (name: string, protocols: readonly string[]): string | undefined => {
		const given = text(name);
		if (given === undefined) return undefined;
		return URL.canParse(given) && protocols.includes(new URL(given).protocol)
			? given
			: wrong(name, `a URL that starts with ${protocols.map((protocol) => `${protocol}//`).join(' or ')}`);
	};
	const httpsPort = integer('HERON_HTTPS_PORT', 9300, 0, 65_535);
	const httpPort = integer('HERON_HTTP_PORT', 8300, 0, 65_535);
	const publicUrl =
		url('HERON_PUBLIC_URL', ['http:', 'https:']) ?? (httpsPort === 0 ? `http://localhost:${httpPort}` : `https://localhost:${httpsPort}`);
	const metrics = list('HERON_METRICS_FROM');
	const blobStore = text('HERON_BLOB_STORE') ?? 'disk';
	if (blobStore !== 'disk' && !/^s3:\/\/[^/]+/.test(blobStore)) wrong('HERON_BLOB_STORE', 'disk or s3://bucket/prefix');
	if ((text('HERON_TLS_CERT') === undefined) !== (text('HERON_TLS_KEY') === undefined))
		errors.push('HERON_TLS_CERT and HERON_TLS_KEY go together: set both or none');
	const settings: Settings = {
		dataDir: resolve(text('HERON_DATA_DIR') ?? './data'),
		databaseUrl: url('DATABASE_URL', ['postgres:', 'postgresql:']),
		readDatabaseUrls: list('HERON_READ_DATABASE_URLS'),
		httpsPort,
		httpPort,
		publicUrl: publicUrl.replace(/\/+$/, ''),
		tlsCert: text('HERON_TLS_CERT'),
		tlsKey: text('HERON_TLS_KEY'),
		workers: integer('HERON_WORKERS', 1, 1, 128),
		logLevel: choice<LogLevel>('HERON_LOG_LEVEL', 'info', ['debug', 'info', 'warn', 'error', 'silent']),
		bodyLimitBytes: integer('HERON_BODY_LIMIT_MB', 50, 1, 2000) * 1024 * 1024,
		referentialIntegrity: choice('HERON_REFERENTIAL_INTEGRITY', 'on', ['on', 'off']) === 'on',
		validation: choice('HERON_VALIDATION', 'strict', ['strict', 'lenient']),
		corsOrigins: list('HERON_CORS_ORIGINS').length === 0 ? ['*'] : list('HERON_CORS_ORIGINS'),
		metricsFrom: metrics.length === 0 || metrics[0] === 'loopback' ? 'loopback' : metrics[0] === 'any' ? 'any' : metrics,
		trustedProxies: list('HERON_TRUSTED_PROXIES'),
		blobStore,
		defaultCount: integer('HERON_DEFAULT_COUNT', 20, 1, 10_000),
		maxCount: integer('HERON_MAX_COUNT', 1000, 1, 10_000),
	};
	if (settings.httpsPort === 0 && settings.httpPort === 0)
		errors.push('HERON_HTTPS_PORT and HERON_HTTP_PORT are both 0: Heron would listen nowhere');
	const unknown = Object.keys(environment).filter(
		(name) => name.startsWith('HERON_') && !settingRows.some((row) => row.name === name) && !internal.has(name),
	);
	for (const name of unknown) errors.push(`${name} is not a setting; the settings are listed in docs/running.md`);
	if (errors.length > 0) throw new Problem('invalid', 'setting-wrong', errors.join('\n'));
	return settings;
}

/** Variables Heron sets for its own processes. */
const internal = new Set(['HERON_BOOTSTRAP', 'HERON_TEST_CLUSTER', 'HERON_WORKER_DATABASE', 'HERON_FHIR_PACKAGES']);
