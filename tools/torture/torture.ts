// `npm run torture`: shows that nothing acknowledged is lost when the server or its PostgreSQL is killed. See README.md.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { isWell, type TortureResult, torture } from './run.ts';

const usage = `npm run torture -- [options]
  --rounds 50    kills
  --seed n       decides who is killed when and what is written (default 1)
  --writers 12   clients
  --pause 1500   longest time between two kills, in milliseconds
  --keep         leave the data folder for a look`;

const { values } = parseArgs({
	options: {
		rounds: { type: 'string', default: '50' },
		seed: { type: 'string', default: '1' },
		writers: { type: 'string', default: '12' },
		pause: { type: 'string', default: '1500' },
		keep: { type: 'boolean', default: false },
		help: { type: 'boolean', default: false },
	},
});
if (values.help) console.log(usage);
else {
	const dataDir = join(import.meta.dirname, '..', '..', '.cache', `torture-${process.pid}`);
	const started = performance.now();
	const result = await torture({
		rounds: Number(values.rounds),
		seed: Number(values.seed),
		writers: Number(values.writers),
		pauseMs: Number(values.pause),
		dataDir,
		say: (text) => console.log(text),
	});
	tell(result, (performance.now() - started) / 1000);
	if (isWell(result) && !values.keep) rmSync(dataDir, { recursive: true, force: true });
	else console.log(`The data are in ${dataDir}`);
	process.exit(isWell(result) ? 0 : 1);
}

function tell({ kills, acknowledged, unknown, refused, surprises, verdict, doctor }: TortureResult, seconds: number): void {
	const rounds = Object.values(kills).reduce((sum, some) => sum + some, 0);
	console.log(`
rounds                 ${rounds} in ${seconds.toFixed(0)} s
killed                 ${Object.entries(kills)
		.map(([kind, count]) => `${kind} ${count}`)
		.join(', ')}
writes acknowledged    ${acknowledged}
of unknown outcome     ${unknown}, of which written ${verdict.unheard}
refused (version)      ${refused}
read back and compared ${verdict.checked}
lost                   ${verdict.lost.length}
wrong or by half       ${verdict.wrong.length}
doubled                ${verdict.doubled.length}
answers 500 and such   ${surprises.length}
doctor --deep          ${doctor.well ? 'all well' : 'not well'}`);
	for (const [name, list] of Object.entries({ ...verdict, surprises })) {
		if (Array.isArray(list)) for (const text of list.slice(0, 20)) console.log(`${name}: ${text}`);
	}
	if (!doctor.well) console.log(doctor.words);
}
