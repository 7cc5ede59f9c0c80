// What a validation has found so far, and where it stands.
import { type Issue, isError } from '#base/problem.ts';
import type { ExtensionContext } from './extensions.ts';
import type { ResourceScope } from './scope.ts';

/** The most issues of a kind (errors, others) that one validation reports. */
export const maxIssues = 100;

/** How many elements may lie inside each other. */
export const maxDepth = 100;

/**
 * An issue in the making. The path is relative to the element at work and grows at its front on the way out, so that sound elements cost no
 * path at all.
 */
export type Found = {
	readonly severity: Issue['severity'];
	readonly type: string;
	readonly code: string;
	readonly text: string;
	path: string;
	/** Of an extension: where it may stand. Settled when the path up to the resource is known. */
	readonly context?: ExtensionContext;
};

/** Collects issues. One for each validation; `fork` gives another for a question that must not report. */
export class Findings {
	readonly issues: Found[] = [];
	/** Errors so far, also those that were too many to keep. */
	errors = 0;
	/** How often content had another shape than its type's: what builds on the shape (invariants, profiles) is not asked then. */
	shape = 0;
	depth = 0;
	scope: ResourceScope;
	/** Whether values conform to profiles, as far as it has been asked; undefined also while the question is open. */
	readonly conforming: Map<string, Map<unknown, boolean | undefined>>;
	#notes = 0;

	constructor(scope: ResourceScope, conforming = new Map<string, Map<unknown, boolean | undefined>>()) {
		this.scope = scope;
		this.conforming = conforming;
	}

	add(severity: Found['severity'], type: string, code: string, text: string, path = ''): void {
		if ((isError({ severity }) ? this.errors++ : this.#notes++) < maxIssues) this.issues.push({ severity, type, code, text, path });
	}

	/** Keeps the question whether an extension may stand where the path up to the resource will say it stands. */
	ask(context: ExtensionContext): void {
		if (this.issues.length < 10 * maxIssues)
			this.issues.push({ severity: 'error', type: 'extension', code: '', text: '', path: '', context });
	}

	/** Puts a step before the paths of the issues from number `from` on. */
	under(from: number, step: string): void {
		for (let i = from; i < this.issues.length; i++) {
			const issue = this.issues[i] as Found;
			issue.path = step + issue.path;
		}
	}

	/** Whether more errors would only be counted: no text need be made for them. */
	get isFull(): boolean {
		return this.errors >= maxIssues;
	}

	/** Another collector that stands at the same place. */
	fork(): Findings {
		const fork = new Findings(this.scope, this.conforming);
		fork.depth = this.depth;
		return fork;
	}
}
