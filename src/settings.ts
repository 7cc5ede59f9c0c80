// Every setting of an installation: an environment variable, what it may be, and what it is when absent. docs/running.md shows the same
// table; a test compares them.
import { isIP } from 'node:net';
import { resolve } from 'node:path';
import type { LogLevel } from '#base/log.ts';
import { Problem } from '#base/problem.ts';
import { usualTypes } from '#clinic/documents/content.ts';
import { type BulkSettings, usualBulk } from '#exchange/bulk/operations.ts';
import { defaultPeopleSettings, type PeopleSettings } from '#oauth/accounts/people.ts';
import type { OAuthSettings } from '#oauth/provider/configuration.ts';
import { virusScanShape } from '#outside/virus-scan.ts';

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
	readonly provenance: boolean;
	readonly corsOrigins: readonly string[];
	/** The Standard API answers with the statuses of OpenEMR 8. */
	readonly openemrStatusCompat: boolean;
	readonly metricsFrom: 'loopback' | 'any' | readonly string[];
	readonly trustedProxies: readonly string[];
	readonly blobStore: string;
	readonly audit: 'off' | 'writes' | 'all';
	readonly defaultCount: number;
	readonly maxCount: number;
	/** Of the administrator that the first start makes; undefined for a random one. */
	readonly adminPassword: string | undefined;
	/** Whether an empty installation starts with the demo clinic; `ask` asks at a first start in a terminal. */
	readonly demo: 'yes' | 'no' | 'ask';
	/** What may be filed in a chart. */
	readonly documents: { readonly limitBytes: number; readonly types: readonly string[]; readonly virusScan: string };
	/** The authorization server. */
	readonly oauth: OAuthSettings;
	/** Accounts and how they sign in. */
	readonly people: Omit<PeopleSettings, 'publicUrl'>;
	/** Bulk data. */
	readonly bulk: Omit<BulkSettings, 'served'>;
	/** The mail server; undefined when no mail is sent. */
	readonly mail: { readonly url: string; readonly from: string } | undefined;
	/** An OpenID provider elsewhere that people may sign in with. */
	readonly signInProvider:
		| { readonly issuer: string; readonly clientId: string; readonly clientSecret: string; readonly name: string }
		| undefined;
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
	{
		name: 'HERON_PROVENANCE',
		fallback: 'on',
		means: 'on has every write of a record leave a Provenance that says who wrote it, and for which organization; off has none made',
	},
	{ name: 'HERON_CORS_ORIGINS', fallback: '*', means: 'origins whose pages may call the API from a browser, separated by blanks' },
	{
		name: 'HERON_OPENEMR_STATUS_COMPAT',
		fallback: '(none)',
		means: '8 makes the Standard API answer 200 where OpenEMR 8 does instead of 201, 400 and 404',
	},
	{ name: 'HERON_METRICS_FROM', fallback: 'loopback', means: 'who may read /metrics: loopback, any, or addresses separated by blanks' },
	{
		name: 'HERON_TRUSTED_PROXIES',
		fallback: '(none)',
		means: 'addresses of proxies whose X-Forwarded-For is believed, separated by blanks',
	},
	{ name: 'HERON_BLOB_STORE', fallback: 'disk', means: 'where large binaries go: disk, or s3://bucket/prefix?region=…&endpoint=…' },
	{ name: 'HERON_DOCUMENT_LIMIT_MB', fallback: '50', means: 'largest document that may be filed, in megabytes' },
	{
		name: 'HERON_DOCUMENT_TYPES',
		fallback: '(usual)',
		means:
			'media types that may be filed, separated by blanks; what a file is, its content says. Usual are PDF, DICOM, ZIP, XML, GIF, JPEG, PNG, TIFF, CSV and plain text',
	},
	{
		name: 'HERON_VIRUS_SCAN',
		fallback: 'off',
		means:
			'who looks at documents before they are filed: off, `clamd:/run/clamav/clamd.ctl`, `clamd:host:port`, or `command:/usr/bin/clamdscan -` (content on its input; it ends with 0 for clean, 1 for infected). Nothing is filed while nobody can say',
	},
	{
		name: 'HERON_AUDIT',
		fallback: 'all',
		means: 'which accesses are kept in the audit: all, writes (and refusals, not what was only read), or off',
	},
	{ name: 'HERON_DEFAULT_COUNT', fallback: '20', means: 'entries of a search page when the client does not say' },
	{ name: 'HERON_MAX_COUNT', fallback: '1000', means: 'most entries of a search page' },
	{ name: 'HERON_BULK_HOURS', fallback: '24', means: 'how long the files of an export or import in bulk are kept' },
	{
		name: 'HERON_ADMIN_PASSWORD',
		fallback: '(random)',
		means: 'password of the administrator `admin` that the first start makes; a random one is printed once and has to be changed',
	},
	{
		name: 'HERON_DEMO',
		fallback: '(asks)',
		means:
			'1 lets an empty installation start with the demo clinic, 0 does not; when absent, a first start in a terminal asks, and without a terminal nothing is loaded',
	},
	{
		name: 'HERON_CLIENT_APPROVAL',
		fallback: 'manual',
		means:
			'manual lets applications that want a user’s or the system’s data wait for `npm run heron -- clients enable`; automatic lets none wait',
	},
	{
		name: 'HERON_REQUIRE_PKCE',
		fallback: 'public',
		means: 'applications that have to use PKCE: public ones, or all',
	},
	{
		name: 'HERON_ALLOW_PRIVATE_URLS',
		fallback: '0',
		means: '1 takes http, loopback and private addresses of applications (redirects, keys) and of files to import; for development',
	},
	{ name: 'HERON_ASSERTION_MAX_AGE', fallback: '86400', means: 'seconds that the assertion of a backend service may live' },
	{ name: 'HERON_ACCESS_TOKEN_SECONDS', fallback: '3600', means: 'life of an access token' },
	{ name: 'HERON_SERVICE_TOKEN_SECONDS', fallback: '60', means: 'life of an access token of a backend service' },
	{ name: 'HERON_REFRESH_TOKEN_DAYS', fallback: '92', means: 'life of a refresh token that is not used' },
	{
		name: 'HERON_PASSWORD_GRANT',
		fallback: 'off',
		means: 'whose passwords applications may ask for themselves and send: off, users, patients or all',
	},
	{
		name: 'HERON_REGISTRATIONS_PER_HOUR',
		fallback: '30',
		means: 'applications that may register from one address within an hour, 0 for no limit',
	},
	{
		name: 'HERON_AUTHORIZATIONS_PER_HOUR',
		fallback: '1000',
		means:
			'requests of applications for access that may begin from one address within an hour before anybody has signed in, 0 for no limit',
	},
	{
		name: 'HERON_PASSWORD_MIN_LENGTH',
		fallback: '12',
		means: 'fewest characters of a new password',
	},
	{
		name: 'HERON_PASSWORD_CLASSES',
		fallback: '3',
		means: 'how many of small letters, capitals, digits and other signs a new password needs',
	},
	{
		name: 'HERON_PASSWORD_HISTORY',
		fallback: '5',
		means: 'how many of the last passwords, with the present one, may not come back',
	},
	{
		name: 'HERON_PASSWORD_MAX_AGE_DAYS',
		fallback: '0',
		means: 'days until a password has to be changed at sign-in, 0 for never',
	},
	{
		name: 'HERON_PASSWORD_GRACE_DAYS',
		fallback: '30',
		means: 'days after that until it no longer opens the door at all',
	},
	{
		name: 'HERON_SIGN_IN_TRIES',
		fallback: '10',
		means: 'failed tries to sign in as one user before the door stays shut',
	},
	{
		name: 'HERON_SIGN_IN_TRIES_ADDRESS',
		fallback: '100',
		means: 'the same for one address, over all users',
	},
	{
		name: 'HERON_SIGN_IN_WINDOW_MINUTES',
		fallback: '15',
		means: 'how long tries are counted, and the door stays shut',
	},
	{
		name: 'HERON_IDLE_STAFF_MINUTES',
		fallback: '120',
		means: 'minutes without use after which a user of the practice is signed out',
	},
	{
		name: 'HERON_IDLE_PATIENT_MINUTES',
		fallback: '30',
		means: 'the same for patients',
	},
	{
		name: 'HERON_RESET_MINUTES',
		fallback: '60',
		means: 'how long a link that sets a new password works',
	},
	{
		name: 'HERON_SMTP_URL',
		fallback: '(none)',
		means: 'mail server, `smtp://user:password@host:587` or `smtps://…:465`; without one, links are made by `npm run heron -- users reset`',
	},
	{
		name: 'HERON_MAIL_FROM',
		fallback: '(none)',
		means: 'sender of mail, e.g. `Clinic <no-reply@clinic.example>`; with HERON_SMTP_URL',
	},
	{
		name: 'HERON_SIGN_IN_ISSUER',
		fallback: '(none)',
		means: 'address of an OpenID provider that people may sign in with too',
	},
	{
		name: 'HERON_SIGN_IN_CLIENT_ID',
		fallback: '(none)',
		means: 'Heron’s client there',
	},
	{
		name: 'HERON_SIGN_IN_CLIENT_SECRET',
		fallback: '(none)',
		means: 'and its secret',
	},
	{
		name: 'HERON_SIGN_IN_NAME',
		fallback: '(none)',
		means: 'what the button says; the issuer’s host when absent',
	},
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
	const types = list('HERON_DOCUMENT_TYPES', (type) => /^[\w.+-]+\/[\w.+-]+$/.test(type), 'media types such as application/pdf');
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
		provenance: choice('HERON_PROVENANCE', 'on', ['on', 'off']) === 'on',
		corsOrigins: origins.length === 0 ? ['*'] : origins,
		openemrStatusCompat: choice('HERON_OPENEMR_STATUS_COMPAT', 'none', ['none', '8']) === '8',
		metricsFrom: metrics.length === 0 || metrics[0] === 'loopback' ? 'loopback' : metrics[0] === 'any' ? 'any' : metrics,
		trustedProxies: list('HERON_TRUSTED_PROXIES', (proxy) => isIP(proxy) > 0, 'IP addresses'),
		blobStore: given.matching('HERON_BLOB_STORE', 'disk', /^disk$|^s3:\/\/[a-z0-9][a-z0-9.-]{2,62}(\/|\?|$)/, 'disk or s3://bucket/prefix'),
		documents: {
			limitBytes: integer('HERON_DOCUMENT_LIMIT_MB', 50, 1, 250) * 1024 * 1024,
			types: types.length === 0 ? usualTypes : types,
			virusScan: given.matching('HERON_VIRUS_SCAN', 'off', virusScanShape, 'off, clamd:/path, clamd:host:port or command:/path arguments'),
		},
		audit: choice('HERON_AUDIT', 'all', ['off', 'writes', 'all']),
		defaultCount: integer('HERON_DEFAULT_COUNT', 20, 1, 10_000),
		maxCount: integer('HERON_MAX_COUNT', 1000, 1, 10_000),
		adminPassword: text('HERON_ADMIN_PASSWORD'),
		demo: demoOf(given),
		oauth: {
			clientApproval: choice('HERON_CLIENT_APPROVAL', 'manual', ['manual', 'automatic']),
			requirePkce: choice('HERON_REQUIRE_PKCE', 'public', ['public', 'all']),
			allowPrivateUrls: choice('HERON_ALLOW_PRIVATE_URLS', '0', ['0', '1']) === '1',
			assertionMaxAge: integer('HERON_ASSERTION_MAX_AGE', 86_400, 30, 86_400),
			accessTokenSeconds: integer('HERON_ACCESS_TOKEN_SECONDS', 3600, 60, 86_400),
			serviceTokenSeconds: integer('HERON_SERVICE_TOKEN_SECONDS', 60, 10, 3600),
			refreshTokenSeconds: integer('HERON_REFRESH_TOKEN_DAYS', 92, 1, 365) * 86_400,
			passwordGrant: choice('HERON_PASSWORD_GRANT', 'off', ['off', 'users', 'patients', 'all']),
			registrationsPerHour: integer('HERON_REGISTRATIONS_PER_HOUR', 30, 0, 100_000),
			authorizationsPerHour: integer('HERON_AUTHORIZATIONS_PER_HOUR', 1000, 0, 1_000_000),
		},
		people: peopleOf(given),
		bulk: {
			keepMs: integer('HERON_BULK_HOURS', 24, 1, 168) * 3_600_000,
			fetchBytes: usualBulk.fetchBytes,
			allowPrivateUrls: choice('HERON_ALLOW_PRIVATE_URLS', '0', ['0', '1']) === '1',
		},
		mail: mailOf(given),
		signInProvider: signInProviderOf(given),
	};
	if (settings.defaultCount > settings.maxCount) errors.push('HERON_DEFAULT_COUNT is larger than HERON_MAX_COUNT');
	for (const name of Object.keys(environment).filter(isUnknown)) {
		errors.push(`${name} is not a setting; the settings are listed in docs/running.md`);
	}
	if (errors.length > 0) throw new Problem('invalid', 'setting-wrong', errors.join('\n'));
	return settings;
}

type Reader = ReturnType<typeof reader>;

function demoOf({ text, choice }: Reader): Settings['demo'] {
	if (text('HERON_DEMO') === undefined) return 'ask';
	return choice('HERON_DEMO', '0', ['0', '1']) === '1' ? 'yes' : 'no';
}

function peopleOf({ integer }: Reader): Settings['people'] {
	const { policy, tries, idleMs, resetMs } = defaultPeopleSettings;
	const minuteMs = 60_000;
	return {
		policy: {
			...policy,
			minLength: integer('HERON_PASSWORD_MIN_LENGTH', policy.minLength, 8, 64),
			classes: integer('HERON_PASSWORD_CLASSES', policy.classes, 1, 4),
			history: integer('HERON_PASSWORD_HISTORY', policy.history, 0, 24),
			maxAgeDays: integer('HERON_PASSWORD_MAX_AGE_DAYS', policy.maxAgeDays, 0, 3650),
			graceDays: integer('HERON_PASSWORD_GRACE_DAYS', policy.graceDays, 0, 3650),
		},
		tries: {
			user: integer('HERON_SIGN_IN_TRIES', tries.user, 1, 1000),
			address: integer('HERON_SIGN_IN_TRIES_ADDRESS', tries.address, 1, 1_000_000),
			windowMs: integer('HERON_SIGN_IN_WINDOW_MINUTES', tries.windowMs / minuteMs, 1, 1440) * minuteMs,
		},
		idleMs: {
			user: integer('HERON_IDLE_STAFF_MINUTES', idleMs.user / minuteMs, 1, 1440) * minuteMs,
			patient: integer('HERON_IDLE_PATIENT_MINUTES', idleMs.patient / minuteMs, 1, 1440) * minuteMs,
		},
		resetMs: integer('HERON_RESET_MINUTES', resetMs / minuteMs, 5, 10_080) * minuteMs,
	};
}

/** The address of a mail server has a password: it is never repeated. */
function mailOf({ text, errors }: Reader): Settings['mail'] {
	const url = text('HERON_SMTP_URL');
	const from = text('HERON_MAIL_FROM');
	if ((url === undefined) !== (from === undefined)) errors.push('HERON_SMTP_URL and HERON_MAIL_FROM go together: set both or none');
	if (url === undefined || from === undefined) return undefined;
	if (!/^smtps?:\/\//.test(url) || !URL.canParse(url)) errors.push('HERON_SMTP_URL is not what it may be: smtp://user:password@host:587');
	return { url, from };
}

function signInProviderOf({ text, errors }: Reader): Settings['signInProvider'] {
	const issuer = text('HERON_SIGN_IN_ISSUER');
	const clientId = text('HERON_SIGN_IN_CLIENT_ID');
	const clientSecret = text('HERON_SIGN_IN_CLIENT_SECRET');
	if (issuer === undefined && clientId === undefined && clientSecret === undefined) return undefined;
	if (issuer === undefined || clientId === undefined || clientSecret === undefined) {
		errors.push('HERON_SIGN_IN_ISSUER, HERON_SIGN_IN_CLIENT_ID and HERON_SIGN_IN_CLIENT_SECRET go together: set all or none');
		return undefined;
	}
	if (!/^https?:\/\//.test(issuer) || !URL.canParse(issuer)) {
		errors.push(`HERON_SIGN_IN_ISSUER="${issuer}": it may be the address of an OpenID provider`);
		return undefined;
	}
	return { issuer, clientId, clientSecret, name: text('HERON_SIGN_IN_NAME') ?? new URL(issuer).host };
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
