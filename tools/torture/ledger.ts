// What the client knows it did: every write it sent and what came back. Kept in the memory of the torturing process, which is never killed.

/**
 * `open` until something comes back; `unknown` when the connection broke or the server said that its database is away: such a write may
 * have happened or not, but not by half.
 */
export type State = 'open' | 'acknowledged' | 'refused' | 'unknown';

export type Attempt = {
	readonly seq: number;
	/** Number of kills before it was sent. */
	readonly round: number;
	/** The JSON that was sent, or what a patch makes; undefined for a delete. */
	readonly text: string | undefined;
	state: State;
	/** The version that was acknowledged. */
	version?: number;
	/** Why it was refused. */
	answer?: string;
};

/** One resource with all that was tried on it, in the order sent. */
export type Chain = { readonly type: string; readonly key: string; id?: string; readonly attempts: Attempt[] };

/** One transaction: a Patient, Observations of it, and a write on a chain. */
export type Group = {
	readonly attempt: Attempt;
	readonly key: string;
	readonly observations: number;
	readonly chain: Chain;
	/** Its part in the chain. */
	readonly update: Attempt;
};

/** An identifier that several clients want to create a resource for, once. */
export type Claim = { readonly key: string; readonly attempts: Attempt[]; readonly ids: Set<string> };

export type Blob = { readonly attempt: Attempt; id?: string; readonly digest: string };

export type Ledger = {
	readonly chains: Chain[];
	readonly groups: Group[];
	readonly claims: Map<string, Claim>;
	readonly blobs: Blob[];
	round: number;
	/** Writes acknowledged, each entry of a transaction counted. */
	acknowledged: number;
	/** Answers that no client should ever get, e.g. 500. */
	readonly surprises: string[];
	/** The next sequence number. */
	next(): number;
	/** A new attempt of the present round. */
	attempt(text: string | undefined): Attempt;
};

export function createLedger(): Ledger {
	let last = 0;
	return {
		chains: [],
		groups: [],
		claims: new Map(),
		blobs: [],
		round: 0,
		acknowledged: 0,
		surprises: [],
		next: () => ++last,
		attempt(text) {
			return { seq: last, round: this.round, text, state: 'open' };
		},
	};
}
