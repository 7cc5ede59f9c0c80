// `heron demo`: a made-up clinic to look at.
import { systemClock } from '#base/clock.ts';
import { here, showClinic, textOf, usualClinic } from '#demo/show.ts';
import { type Command, type Given, UsageError } from './command.ts';
import { withInstallation } from './installation.ts';
import { createMeter } from './meter.ts';

export const demoCommand: Command = {
	usage: '[options]',
	about: `
Fills an empty installation with a made-up family practice: three facilities, a staff with all roles, patients of all ages with years of
visits, results, prescriptions, immunizations, notes, pictures, insurance and appointments, and today's board half way through the day.
Prints who can sign in, and their password.

Refuses when there is anything in the record already, unless --beside is said; a demo whose loading was interrupted is completed. The same
seed and day give the same clinic. Works while the server runs and while it does not. Never use it in an installation that is to hold real
patients.`,
	options: [
		{ name: 'patients', value: 'number', means: `how many patients, ${usualClinic.patients} unless said` },
		{ name: 'seed', value: 'number', means: 'another clinic of the same kind' },
		{ name: 'today', value: 'date', means: 'the day on which it is in the clinic, e.g. 2026-11-25; today unless said' },
		{ name: 'beside', means: 'loads it beside what is there' },
	],
	async run(given) {
		if (given.words.length > 0) throw new UsageError(`"${given.words[0]}" is not understood.`);
		const options = {
			seed: numberOf(given, 'seed', usualClinic.seed, 0),
			patients: numberOf(given, 'patients', usualClinic.patients, 1),
			...here(systemClock.now()),
			...dayOf(given),
		};
		return withInstallation(async (installation, signal) => {
			const meter = createMeter(process.stderr);
			const shown = await showClinic(installation, options, {
				signal,
				beside: given.has('beside'),
				onProgress: (share, done) => meter.show({ done, of: 'patients', share }),
			});
			meter.end();
			if (shown === undefined) {
				console.error('The record is not empty. "--beside" loads the demo clinic beside what is there.');
				return 1;
			}
			if (signal.aborted) {
				console.log(`Interrupted after ${shown.patients} patients. Run the same command again to go on.`);
				return 130;
			}
			console.log(textOf(shown));
			return 0;
		});
	},
};

function numberOf(given: Given, option: string, usual: number, least: number): number {
	const text = given.value(option);
	if (text === undefined) return usual;
	const value = Number(text);
	if (!/^\d{1,7}$/.test(text) || value < least) throw new UsageError(`--${option} is a whole number from ${least} to 9999999.`);
	return value;
}

function dayOf(given: Given): { readonly today?: string } {
	const text = given.value('today');
	if (text === undefined) return {};
	const isDay = /^(19|20)\d\d-\d\d-\d\d$/.test(text) && !Number.isNaN(Date.parse(text)) && new Date(text).toISOString().startsWith(text);
	if (!isDay) throw new UsageError('--today is a date such as 2026-11-25.');
	return { today: text };
}
