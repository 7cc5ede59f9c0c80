// Conditional create by identifier under 150 connections: no doubles and no errors, whether all mean one identifier or each its own.
import { raw } from '#db/sql.ts';
import { type Finding, finding } from '../finding.ts';
import { interleave, rateOf, type Sample } from '../measure.ts';
import { ofType, post, unnamed } from '../requests.ts';
import type { Stage } from '../stage.ts';
import type { Workload } from './workload.ts';

export const conditional: Workload = { name: 'conditional', run: runConditional };

const connections = 150;
const system = 'https://heron.example/conditional';

async function runConditional(stage: Stage): Promise<Finding[]> {
	const { home, load, options } = stage;
	const { port } = home.heron;
	const people = ofType(home, 'Patient').map(unnamed);
	load.define('plain', { requests: people.map((patient) => post(home, 'Patient', patient)) });
	let made = 0;
	/** As many requests as a slice may need; `share` of them mean the same identifier. */
	const define = (name: string, share: number): void => {
		made = Math.ceil(made / connections) * connections;
		const requests = Array.from({ length: Math.ceil(4000 * options.seconds) }, () => {
			const value = `n${share}${String(Math.floor(made++ / share)).padStart(9, '0')}`;
			const body = { ...people[made % people.length], identifier: [{ system, value }] };
			return post(home, 'Patient', body, { 'if-none-exist': `identifier=${system}|${value}` });
		});
		load.define(name, { requests });
	};
	const burst = async (run: string, share?: number): Promise<Sample> => {
		if (share !== undefined) define(run, share);
		return rateOf(await load.run({ port, connections, seconds: options.seconds, run }));
	};
	const samples = await interleave(
		[
			{ name: 'plain', run: () => burst('plain') },
			{ name: 'different', run: () => burst('different', 1) },
			{ name: 'same', run: () => burst('same', connections) },
		],
		options.rounds,
	);
	const [row] = await home.db.rows(
		raw(`SELECT count(*) - count(DISTINCT value) FROM (
			SELECT substring(body from '"value":"(n[0-9]+)"') AS value FROM fhir.patient WHERE body LIKE '%${system}%' AND op <> 'D') made`),
	);
	const against = [{ to: 'plain create', samples: samples.plain, goal: { atLeast: 0.5 } as const }];
	return [
		finding({ workload: 'conditional', what: 'each its own identifier, 150 connections', unit: 'req/s' }, samples.different, against),
		finding({ workload: 'conditional', what: 'all the same identifier, 150 connections', unit: 'req/s' }, samples.same, against),
		finding({ workload: 'conditional', what: 'doubles', unit: '', goal: { atMost: 0 } }, [{ value: Number(row?.[0]) }]),
	];
}
