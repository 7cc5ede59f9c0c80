// What the command line may say.
import { parseArgs } from 'node:util';

export type Options = {
	/** Workloads to run; empty for all. */
	readonly names: readonly string[];
	/** Patients of each step of the ladder, ascending. */
	readonly patients: readonly number[];
	readonly rounds: number;
	/** Length of each measured slice. */
	readonly seconds: number;
	readonly seed: number;
	/** Real bundles for the import: files or archives. */
	readonly bundles: readonly string[];
	readonly writeDocs: boolean;
	/** Where the figures go as JSON. */
	readonly json: string;
	/** Keep the loaded databases for the next run. */
	readonly keep: boolean;
};

export const usage = `npm run bench -- [workloads] [options]
  --patients 1000,4000,16000   patients of each step of the ladder (default 1000)
  --rounds 5                   rounds; every figure is the median over them
  --seconds 2                  length of a measured slice
  --seed 1                     seed of the generated data
  --bundles file.tar.gz        real bundles for the import workload; may be repeated
  --json file                  where the figures go (default .cache/bench.json)
  --keep                       keep the loaded databases for the next run
  --write-docs                 write the table into docs/performance.md`;

/** Reads the arguments; throws an Error that says what is wrong. */
export function readOptions(args: readonly string[], known: readonly string[]): Options {
	const { values, positionals } = parseArgs({
		args: [...args],
		allowPositionals: true,
		options: {
			patients: { type: 'string', default: '1000' },
			rounds: { type: 'string', default: '5' },
			seconds: { type: 'string', default: '2' },
			seed: { type: 'string', default: '1' },
			bundles: { type: 'string', multiple: true, default: [] },
			json: { type: 'string', default: '.cache/bench.json' },
			keep: { type: 'boolean', default: false },
			'write-docs': { type: 'boolean', default: false },
		},
	});
	const names = positionals.flatMap((text) => text.split(','));
	for (const name of names) if (!known.includes(name)) throw new Error(`There is no workload "${name}"; there are ${known.join(', ')}.`);
	const number = (name: 'rounds' | 'seconds' | 'seed', low: number): number => {
		const value = Number(values[name]);
		if (!(value >= low)) throw new Error(`--${name} must be a number from ${low} up`);
		return value;
	};
	const patients = values.patients.split(',').map(Number);
	if (patients.some((count, at) => !Number.isInteger(count) || count < 100 || count <= (patients[at - 1] ?? 0)))
		throw new Error('--patients must be ascending whole numbers from 100 up, separated by commas');
	return {
		names,
		patients,
		rounds: Math.floor(number('rounds', 1)),
		seconds: number('seconds', 0.1),
		seed: number('seed', 0),
		bundles: values.bundles,
		json: values.json,
		keep: values.keep,
		writeDocs: values['write-docs'],
	};
}
