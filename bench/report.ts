// Figures for people: a table on the terminal, the same as Markdown, and everything as JSON.
import { cpus, totalmem } from 'node:os';
import { type Finding, type Goal, isMet, type Ratio } from './finding.ts';
import { median } from './measure.ts';
import type { Options } from './options.ts';

export type Machine = {
	readonly processor: string;
	readonly cores: number;
	readonly memoryGb: number;
	readonly node: string;
	readonly postgres: string;
	/** Programs that wanted a processor when the run began: those of others. */
	readonly load: number;
};

export function machine(postgres: string, load: number): Machine {
	return {
		processor: cpus()[0]?.model.trim() ?? 'unknown',
		cores: cpus().length,
		memoryGb: Math.round(totalmem() / 1024 ** 3),
		node: process.version,
		postgres,
		load: Math.round(load * 10) / 10,
	};
}

const columns = ['workload', 'what', 'median', 'lowest – highest', 'p50 / p99 ms', 'against', 'ratio', 'lowest – highest', 'goal', 'met'];

/** Rows of text: one for a finding and one more for each further ratio. */
export function rowsOf(findings: readonly Finding[]): string[][] {
	return findings.flatMap((one) => {
		const { workload, what, unit, values, p50, p99, goal, ratios, failed } = one;
		const figure = `${figureText(median(values))} ${unit}`.trim();
		const times = p50 === undefined || p99 === undefined ? '' : `${figureText(p50)} / ${figureText(p99)}`;
		const own = goal === undefined ? [] : [['', '', '', goalText(goal, unit), metText(isMet(goal, values, failed))]];
		const rows = [...own, ...ratios.map((ratio) => ratioCells(ratio, failed))];
		const first = rows[0] ?? ['', '', '', '', ''];
		const trouble = failed === undefined ? '' : ` (${failed} failed)`;
		return [
			[workload, what + trouble, figure, spread(values), times, ...first],
			...rows.slice(1).map((cells) => ['', '', '', '', '', ...cells]),
		];
	});
}

function ratioCells({ to, values, goal }: Ratio, failed: number | undefined): string[] {
	return [
		to,
		median(values).toFixed(2),
		spread(values),
		goal === undefined ? '' : goalText(goal, ''),
		metText(isMet(goal, values, failed)),
	];
}

function goalText(goal: Goal, unit: string): string {
	return `${'atLeast' in goal ? `≥ ${goal.atLeast}` : `≤ ${goal.atMost}`} ${unit}`.trim();
}

function metText(met: boolean | undefined): string {
	return met === undefined ? '' : met ? 'yes' : 'NO';
}

function spread(values: readonly number[]): string {
	return values.length < 2 ? '' : `${figureText(Math.min(...values))} – ${figureText(Math.max(...values))}`;
}

function figureText(value: number): string {
	if (Number.isNaN(value)) return '–';
	if (value >= 1000) return Math.round(value).toLocaleString('en-US');
	return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

/** The table with columns of even width. */
export function asText(findings: readonly Finding[]): string {
	const rows = [columns, ...rowsOf(findings)];
	const widths = columns.map((_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)));
	return rows
		.map((row) =>
			row
				.map((cell, at) => cell.padEnd(widths[at] as number))
				.join('  ')
				.trimEnd(),
		)
		.join('\n');
}

/** The same for docs/performance.md. */
export function asMarkdown(findings: readonly Finding[], about: Machine, options: Options, date: string): string {
	const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
	const goals = findings.flatMap(({ goal, values, ratios, failed }) => [
		isMet(goal, values, failed),
		...ratios.map((ratio) => isMet(ratio.goal, ratio.values, failed)),
	]);
	const met = goals.filter((one) => one === true).length;
	const missed = goals.filter((one) => one === false).length;
	return [
		`Measured ${date} on ${about.cores} cores (${about.processor}), ${about.memoryGb} GB, Node ${about.node.slice(1)}, PostgreSQL ${about.postgres}, with ${about.load} other programs at work: ${options.patients.map((n) => n.toLocaleString('en-US')).join(' → ')} generated patients (seed ${options.seed}), ${options.rounds} rounds of ${options.seconds} s slices. ${met} goals met, ${missed} missed.`,
		'',
		line(columns),
		line(columns.map(() => '---')),
		...rowsOf(findings).map(line),
	].join('\n');
}
