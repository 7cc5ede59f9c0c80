// Regular expressions of matches() and its relatives. A pattern may come from a client, and JavaScript's engine backtracks: one that could
// take for ever runs against the clock.
import { type Context, createContext, Script } from 'node:vm';
import { Problem } from '#base/problem.ts';

const capacity = 500;

type Pattern = {
	/** Undefined, as below, when the engine cannot run the pattern. */
	readonly test: (text: string) => boolean | undefined;
	readonly replace: (text: string, substitution: string) => string | undefined;
};

/** Compiles patterns and remembers the last ones; undefined for a text that is no regular expression. */
export function createPatterns(): (source: string) => Pattern | undefined {
	const kept = new Map<string, Pattern | undefined>();
	const withinTime = createTimeLimit();
	return (source) => {
		if (kept.has(source)) return kept.get(source);
		if (kept.size >= capacity) kept.clear();
		const pattern = patternOf(source, withinTime);
		kept.set(source, pattern);
		return pattern;
	};
}

type TimeLimit = <T>(work: () => T) => T;

function patternOf(source: string, withinTime: TimeLimit): Pattern | undefined {
	const [one, all] = [compiled(source, ''), compiled(source, 'g')];
	if (one === undefined || all === undefined) return undefined;
	const bounded = isBounded(source);
	const run = <T>(text: string, work: () => T): T | undefined => {
		try {
			return bounded && text.length <= shortText ? work() : withinTime(work);
		} catch (error) {
			if (error instanceof Problem) throw error;
			// What is too large to compile is only refused when it runs.
			return undefined;
		}
	};
	return {
		test: (text) => run(text, () => one.test(text)),
		replace: (text, substitution) => run(text, () => text.replace(all, substitution)),
	};
}

/** Single-line mode; Unicode mode only where it is needed, because it refuses escapes that the definitions use. */
function compiled(source: string, flags: string): RegExp | undefined {
	const unicode = /\\p\{|\\u\{|[\ud800-\udfff]/.test(source);
	try {
		return new RegExp(source, `s${flags}${unicode ? 'u' : ''}`);
	} catch {
		return undefined;
	}
}

const shortText = 1000;

/** Whether a pattern has at most one thing that repeats, and so takes no more than quadratic time. */
function isBounded(source: string): boolean {
	const bare = source
		.replace(/\\./g, 'x')
		.replace(/\[[^\]]*\]/g, 'x')
		.replace(/\(\?/g, '(');
	const repeats = bare.match(/[*+?]|\{\d+,|\)\{/g)?.length ?? 0;
	return repeats === 0 || (repeats === 1 && !bare.includes('|'));
}

const limitMs = 500;

/** Runs what may take long. Throws Problem too-much `fhirpath-cost` when it takes too long. */
function createTimeLimit(): TimeLimit {
	const script = new Script('work()');
	let context: Context | undefined;
	return <T>(work: () => T): T => {
		context ??= createContext();
		context.work = work;
		try {
			return script.runInContext(context, { timeout: limitMs }) as T;
		} catch (error) {
			// The error belongs to the other context: it is no Error of ours.
			if ((error as { code?: unknown } | null)?.code === 'ERR_SCRIPT_EXECUTION_TIMEOUT')
				throw new Problem('too-much', 'fhirpath-cost', 'A regular expression of the FHIRPath expression takes too long.');
			throw error;
		} finally {
			context.work = undefined;
		}
	};
}

/** `${name}` of the specification's example, as JavaScript writes it. */
export function substitution(text: string): string {
	return text.replace(/\$\{(\w+)\}/g, (_, name: string) => (/^\d+$/.test(name) ? `$${name}` : `$<${name}>`));
}
