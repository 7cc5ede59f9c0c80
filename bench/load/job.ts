// What the bench asks of the load generator, and what it answers.

/** Requests that connections take in turn, again from the start when the last was sent. */
export type Pool = {
	readonly requests: readonly Uint8Array[];
	/** Kind of each request, to tell their times apart; all of one kind when absent. */
	readonly kinds?: readonly number[];
};

/** The create-read-update-delete cycle; texts hold `{Type}` where the id of the resource made in this cycle goes. */
export type Cycle = {
	readonly base: string;
	readonly authorization: string;
	readonly steps: readonly { readonly type: string; readonly create: string; readonly update: string }[];
};

export type Job = {
	readonly port: number;
	readonly connections: number;
	/** Sends new requests for so long. */
	readonly seconds?: number;
	/** Or so many. */
	readonly requests?: number;
	/** Name of a pool or cycle defined before. */
	readonly run: string;
};

export type Times = { readonly count: number; readonly p50: number; readonly p90: number; readonly p99: number };

/** `ok` counts 2xx and 304 answers only; times are those of these, in milliseconds. */
export type Outcome = Times & {
	readonly seconds: number;
	readonly ok: number;
	readonly perSecond: number;
	/** Answers that were not ok, by status; `lost` for connections that broke. */
	readonly failed: Readonly<Record<string, number>>;
	/** The body of one failed answer, to tell what went wrong. */
	readonly complaint?: string;
	readonly kinds: readonly Times[];
};

export type ToGenerator =
	| { readonly define: string; readonly pool: Pool }
	| { readonly define: string; readonly cycle: Cycle }
	| { readonly forget: string }
	| { readonly id: number; readonly job: Job };

export type FromGenerator = { readonly id: number; readonly outcome?: Outcome; readonly error?: string };
