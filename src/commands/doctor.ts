// `heron doctor`: looks at everything and says what is wrong.
import { systemClock } from '#base/clock.ts';
import { Problem } from '#base/problem.ts';
import { compose, openSource } from '#compose.ts';
import { clusterOf } from '#db/embedded/place.ts';
import { readSettings, type Settings } from '#settings.ts';
import { type Command, UsageError } from './command.ts';
import { type Finding, failure, note } from './doctor/finding.ts';
import { machineFindings } from './doctor/machine.ts';
import { deepFindings, recordFindings } from './doctor/record.ts';
import { commandLog } from './installation.ts';
import { createMeter } from './meter.ts';

export const doctorCommand: Command = {
	usage: '[options]',
	about: `
Says what is wrong with this installation: settings, data folder, disk space, processes, ports, certificate, database, migrations,
replicas, large binaries. With --deep it reads every resource, computes its index anew and compares, and checks the content of large
binaries. Changes nothing. The exit code is 0 when nothing has failed, else 1.`,
	options: [{ name: 'deep', means: 'read and compare everything; takes a while' }],
	async run(given) {
		if (given.words.length > 0) throw new UsageError('doctor takes no words.');
		const settings = readSettings(process.env);
		const findings = [
			...(await machineFindings(settings, systemClock.now().getTime())),
			...(await databaseFindings(settings, given.has('deep'))),
		];
		for (const { level, what, text } of findings) console.log(`${marks[level]}  ${what.padEnd(12)} ${text}`);
		const failures = findings.filter(({ level }) => level === 'failure').length;
		console.log(failures === 0 ? '\nNothing is wrong.' : `\n${failures === 1 ? 'One thing is' : `${failures} things are`} wrong.`);
		return failures === 0 ? 0 : 1;
	},
};

const marks: Readonly<Record<Finding['level'], string>> = { fine: 'ok     ', note: 'note   ', warning: 'warning', failure: 'WRONG  ' };

async function databaseFindings(settings: Settings, isDeep: boolean): Promise<Finding[]> {
	if (settings.databaseUrl === undefined && clusterOf(settings.dataDir) === undefined)
		return [note('database', 'there is none yet; the first start makes it')];
	try {
		const log = commandLog(settings);
		const source = await openSource(settings, log, 'share', { migrate: false });
		try {
			const installation = await compose(settings, source.config, log);
			try {
				const found = await recordFindings(installation);
				if (!isDeep) return found;
				const meter = createMeter(process.stderr);
				found.push(...(await deepFindings(installation, (done) => meter.show({ done, of: 'resources' }))));
				meter.end();
				return found;
			} finally {
				await installation.close();
			}
		} finally {
			await source.close();
		}
	} catch (error) {
		if (!(error instanceof Problem)) throw error;
		return [failure('database', error.text)];
	}
}
