// What can go wrong, as values every room shares; each API renders them in its own dialect at one place.

export type ProblemKind =
	| 'invalid'
	| 'unauthenticated'
	| 'forbidden'
	| 'not-found'
	| 'gone'
	| 'conflict'
	| 'stale'
	| 'unsupported'
	| 'too-much'
	| 'unavailable'
	| 'fault';

/** One thing that is wrong, as a validator or parser reports it. `path` is a FHIRPath expression or field name. */
export type Issue = {
	readonly severity: 'fatal' | 'error' | 'warning' | 'information';
	/** FHIR IssueType code, https://hl7.org/fhir/R4/valueset-issue-type.html */
	readonly type: string;
	/** Stable code of Heron's own, for clients to branch on. */
	readonly code: string;
	/** For people; never carries patient data beyond what the client itself sent. */
	readonly text: string;
	readonly path?: string;
};

/** Whether something is wrong, rather than worth telling. */
export function isError({ severity }: Pick<Issue, 'severity'>): boolean {
	return severity === 'error' || severity === 'fatal';
}

export type ProblemInit = {
	readonly issues?: readonly Issue[];
	readonly path?: string;
	readonly cause?: unknown;
	/** HTTP status when the kind's usual one is not right (e.g. 415, 406, 412). */
	readonly status?: number;
	readonly headers?: Readonly<Record<string, string>>;
};

/** An expected failure that ends the request. Codes are for ever, texts may change. */
export class Problem extends Error {
	readonly kind: ProblemKind;
	readonly code: string;
	readonly text: string;
	readonly issues: readonly Issue[];
	readonly path: string | undefined;
	readonly status: number;
	readonly headers: Readonly<Record<string, string>>;

	constructor(kind: ProblemKind, code: string, text: string, init: ProblemInit = {}) {
		super(`${code}: ${text}`, init.cause === undefined ? undefined : { cause: init.cause });
		this.name = 'Problem';
		this.kind = kind;
		this.code = code;
		this.text = text;
		this.path = init.path;
		this.issues = init.issues ?? [];
		this.status = init.status ?? statusOf[kind];
		this.headers = init.headers ?? {};
	}
}

const statusOf: Readonly<Record<ProblemKind, number>> = {
	invalid: 400,
	unauthenticated: 401,
	forbidden: 403,
	'not-found': 404,
	gone: 410,
	conflict: 409,
	stale: 412,
	unsupported: 501,
	'too-much': 413,
	unavailable: 503,
	fault: 500,
};
