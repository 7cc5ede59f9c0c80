// The load generator: a process of its own, so that it runs on another core than the server it measures. Closed loop: every connection
// sends its next request when the answer to the one before is whole.
import { type Connection, createConnection, headerOf, requestBytes } from './connection.ts';
import type { Cycle, FromGenerator, Job, Outcome, Pool, Times, ToGenerator } from './job.ts';

type Defined = { readonly pool: Pool } | { readonly cycle: Cycle };

const defined = new Map<string, Defined>();

process.on('message', (message: ToGenerator) => {
	if ('forget' in message) defined.delete(message.forget);
	else if ('define' in message) defined.set(message.define, message);
	else {
		run(message.job).then(
			(outcome) => reply({ id: message.id, outcome }),
			(error: Error) => reply({ id: message.id, error: error.stack ?? error.message }),
		);
	}
});
process.on('disconnect', () => process.exit());

function reply(message: FromGenerator): void {
	process.send?.(message);
}

/** Counts and times of one run. */
type Tally = {
	readonly times: number[];
	readonly kinds: number[][];
	readonly failed: Record<string, number>;
	complaint?: string;
};

async function run(job: Job): Promise<Outcome> {
	const what = defined.get(job.run);
	if (what === undefined) throw new Error(`nothing is called ${job.run}`);
	const tally: Tally = { times: [], kinds: [], failed: {} };
	const connections = Array.from({ length: job.connections }, () => createConnection({ port: job.port }));
	const started = performance.now();
	const deadline = job.seconds === undefined ? Number.POSITIVE_INFINITY : started + job.seconds * 1000;
	let issued = 0;
	/** Whose turn it is; undefined when all is sent. */
	const next = (): number | undefined =>
		performance.now() < deadline && issued < (job.requests ?? Number.POSITIVE_INFINITY) ? issued++ : undefined;
	const pause = watchPauses();
	const work = 'pool' in what ? takeTurns(what.pool, next, tally) : goRound(what.cycle, next, tally);
	await Promise.all(connections.map(work));
	const seconds = (performance.now() - started) / 1000;
	const longest = pause.end();
	if (tally.complaint !== undefined && longest > 5000)
		tally.complaint += ` (this program itself stood still for ${(longest / 1000).toFixed(0)} s meanwhile: the machine did)`;
	for (const connection of connections) connection.close();
	return {
		...summary(tally.times),
		seconds,
		ok: tally.times.length,
		perSecond: tally.times.length / seconds,
		failed: tally.failed,
		...(tally.complaint === undefined ? {} : { complaint: tally.complaint }),
		kinds: Array.from(tally.kinds, (times) => summary(times ?? [])),
	};
}

/** How long this process was not let run at a stretch, in milliseconds: what fails during that says nothing about the server. */
function watchPauses(): { end(): number } {
	const everyMs = 250;
	let longest = 0;
	let last = performance.now();
	const look = (): void => {
		const now = performance.now();
		longest = Math.max(longest, now - last - everyMs);
		last = now;
	};
	const timer = setInterval(look, everyMs);
	return {
		end() {
			clearInterval(timer);
			look();
			return longest;
		},
	};
}

function takeTurns(pool: Pool, next: () => number | undefined, tally: Tally): (connection: Connection) => Promise<void> {
	const { requests, kinds } = pool;
	return async (connection) => {
		for (let turn = next(); turn !== undefined; turn = next()) {
			const at = turn % requests.length;
			await timed(connection, requests[at] as Uint8Array, kinds?.[at] ?? 0, tally);
		}
	};
}

/** One connection goes through whole cycles: create all, read all, update all, delete all in reverse. */
function goRound(cycle: Cycle, next: () => number | undefined, tally: Tally): (connection: Connection) => Promise<void> {
	const headers = { authorization: cycle.authorization };
	const withBody = { ...headers, 'content-type': 'application/fhir+json' };
	return async (connection) => {
		while (next() !== undefined) {
			const ids: Record<string, string> = {};
			const fill = (text: string): string => text.replace(/\{([A-Z][A-Za-z]+)\}/g, (_, type: string) => ids[type] ?? 'none');
			for (const { type, create } of cycle.steps) {
				const answer = await timed(connection, requestBytes('POST', `${cycle.base}/${type}`, withBody, fill(create)), 0, tally);
				const location = answer && headerOf(answer, 'location');
				const id = new RegExp(`/${type}/([^/]+)`).exec(location ?? '')?.[1];
				if (id !== undefined) ids[type] = id;
			}
			const made = cycle.steps.filter(({ type }) => ids[type] !== undefined);
			for (const { type } of made) await timed(connection, requestBytes('GET', `${cycle.base}/${type}/${ids[type]}`, headers), 1, tally);
			for (const { type, update } of made) {
				await timed(connection, requestBytes('PUT', `${cycle.base}/${type}/${ids[type]}`, withBody, fill(update)), 2, tally);
			}
			for (const { type } of made.toReversed()) {
				await timed(connection, requestBytes('DELETE', `${cycle.base}/${type}/${ids[type]}`, headers), 3, tally);
			}
		}
	};
}

/** Sends one request and books it; undefined when the connection broke. */
async function timed(
	connection: Connection,
	request: Uint8Array,
	kind: number,
	tally: Tally,
): Promise<Awaited<ReturnType<Connection['send']>> | undefined> {
	const started = performance.now();
	try {
		const answer = await connection.send(request);
		const took = performance.now() - started;
		if ((answer.status >= 200 && answer.status < 300) || answer.status === 304) {
			tally.times.push(took);
			const times = tally.kinds[kind];
			if (times === undefined) tally.kinds[kind] = [took];
			else times.push(took);
			return answer;
		}
		tally.failed[answer.status] = (tally.failed[answer.status] ?? 0) + 1;
		tally.complaint ??= `${Buffer.from(request).toString('latin1', 0, 200).split('\r\n')[0]} -> ${answer.head.split('\r\n')[0]} ${answer.body.subarray(0, 600)}`;
		return answer;
	} catch (error) {
		tally.failed.lost = (tally.failed.lost ?? 0) + 1;
		tally.complaint ??= (error as Error).message;
		return undefined;
	}
}

function summary(times: number[]): Times {
	const sorted = Float64Array.from(times).sort();
	const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
	return { count: sorted.length, p50: at(0.5), p90: at(0.9), p99: at(0.99) };
}
