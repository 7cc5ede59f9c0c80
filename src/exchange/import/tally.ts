// What became of the entries of an import: counts, and the reasons of refusals gathered by code and place in the resource.
import { type Issue, isError, type Problem } from '#base/problem.ts';
import { issuesOf } from '#fhir/outcome.ts';

export type Outcome = 'created' | 'updated' | 'unchanged' | 'refused' | 'left-out';

/** One line of the report: an entry that was not taken, or was taken though a rule is broken (lenient). */
export type ReportLine = {
	readonly place: string;
	readonly type?: string;
	readonly id?: string;
	readonly outcome: 'refused' | 'left-out' | 'taken-with-issues';
	readonly issues: readonly Pick<Issue, 'code' | 'text' | 'path'>[];
};

/** Issues of one code at one place of a type, however often. */
export type Reason = {
	readonly code: string;
	/** e.g. `Claim.item.category`: a FHIRPath without indexes, else the type, else nothing. */
	readonly path: string;
	/** The words of the first. */
	readonly text: string;
	count: number;
	/** Where the first few stand. */
	readonly examples: string[];
};

export type Counts = Record<Outcome, number>;

export type Summary = {
	readonly entries: number;
	readonly counts: Counts;
	readonly byType: ReadonlyMap<string, Counts>;
	/** Most frequent first. */
	readonly refusals: readonly Reason[];
	/** Broken rules of what was taken all the same. */
	readonly remarks: readonly Reason[];
};

export type Item = { readonly place: string; readonly type?: string; readonly id?: string };

export type Tally = {
	count(type: string, outcome: Outcome): void;
	refuse(item: Item, problem: Problem): void;
	leaveOut(item: Item, code: string, text: string): void;
	/** Rules that an entry breaks which is taken all the same. */
	remark(item: Item, issues: readonly Issue[]): void;
	readonly done: number;
	summary(): Summary;
};

const examplesKept = 3;
const none: Counts = { created: 0, updated: 0, unchanged: 0, refused: 0, 'left-out': 0 };

/** Counts from nothing. `report` hears of every entry that is not simply taken. */
export function createTally(report: (line: ReportLine) => void = () => undefined): Tally {
	const counts: Counts = { ...none };
	const byType = new Map<string, Counts>();
	const refusals = new Map<string, Reason>();
	const remarks = new Map<string, Reason>();
	let done = 0;
	const count = (type: string | undefined, outcome: Outcome): void => {
		done++;
		counts[outcome]++;
		if (type === undefined) return;
		const own = byType.get(type) ?? { ...none };
		byType.set(type, own);
		own[outcome]++;
	};
	return {
		count,
		refuse(item, problem) {
			const issues = issuesOf(problem).filter(isError);
			count(item.type, 'refused');
			gather(refusals, item, issues);
			report({ ...item, outcome: 'refused', issues: issues.map(brief) });
		},
		leaveOut(item, code, text) {
			count(item.type, 'left-out');
			gather(refusals, item, [{ code, text }]);
			report({ ...item, outcome: 'left-out', issues: [{ code, text }] });
		},
		remark(item, issues) {
			if (issues.length === 0) return;
			gather(remarks, item, issues);
			report({ ...item, outcome: 'taken-with-issues', issues: issues.map(brief) });
		},
		get done() {
			return done;
		},
		summary: () => ({ entries: done, counts, byType, refusals: sorted(refusals), remarks: sorted(remarks) }),
	};
}

type Brief = ReportLine['issues'][number];

function brief({ code, text, path }: Issue): Brief {
	return { code, text, ...(path === undefined ? {} : { path }) };
}

/** An entry counts once for a reason, however many of its elements give it. */
function gather(reasons: Map<string, Reason>, item: Item, issues: readonly Brief[]): void {
	const seen = new Set<string>();
	for (const { code, text, path } of issues) {
		const place = placeless(path) ?? item.type ?? '';
		const key = `${code} ${place}`;
		if (seen.has(key)) continue;
		seen.add(key);
		const reason = reasons.get(key) ?? { code, path: place, text, count: 0, examples: [] };
		reasons.set(key, reason);
		reason.count++;
		if (reason.examples.length < examplesKept) reason.examples.push(item.place);
	}
}

function placeless(path: string | undefined): string | undefined {
	return path?.replace(/\[\d+\]/g, '');
}

function sorted(reasons: ReadonlyMap<string, Reason>): Reason[] {
	return [...reasons.values()].sort((a, b) => b.count - a.count || (a.code < b.code ? -1 : 1));
}
