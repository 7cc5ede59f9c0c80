// What a server says of itself at /metrics.
import type { Outcome } from './load/job.ts';
import type { Sample } from './measure.ts';

/** A figure of the server's own page of metrics. */
export async function figureOf(port: number, name: string): Promise<number> {
	const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
	const line = text.split('\n').find((one) => one.startsWith(`${name} `));
	if (line === undefined) throw new Error(`/metrics does not tell ${name}`);
	return Number(line.slice(name.length + 1));
}

/** Processor time the server has used. */
export function cpuSeconds(port: number): Promise<number> {
	return figureOf(port, 'process_cpu_seconds_total');
}

/** Runs a burst and gives it with the processor time of the server for each good answer, in microseconds. */
export async function costed(read: () => Promise<number>, run: () => Promise<Outcome>): Promise<{ outcome: Outcome; cpu: Sample }> {
	const before = await read();
	const outcome = await run();
	return { outcome, cpu: { value: ((await read()) - before) * (1e6 / outcome.ok) } };
}

/** Memory the server holds, in megabytes. */
export async function residentMegabytes(port: number): Promise<number> {
	return (await figureOf(port, 'process_resident_memory_bytes')) / 1024 / 1024;
}
