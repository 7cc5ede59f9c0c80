// `npm run seed-commands`: every command of OpenEMR's documentation, in order, against a server that is started for it.
import { setTimeout as sleep } from 'node:timers/promises';
import { type Command, commands } from './commands.ts';
import { run } from './curl.ts';
import { type World, withWorld } from './world.ts';

/** Does one command and checks its answer. */
export async function perform(world: World, { command, with: substitutes, check, untilDone }: Command): Promise<void> {
	let text = command.replaceAll('https://localhost:9300', world.origin);
	for (const [word, here] of Object.entries((await substitutes?.(world)) ?? {})) text = text.replaceAll(word, here);
	let answer = await run(text);
	while (untilDone === true && answer.status === 202) {
		await sleep(100);
		answer = await run(text);
	}
	await check(answer, world);
}

if (import.meta.main) {
	await withWorld(async (world) => {
		for (const [i, one] of commands.entries()) {
			await perform(world, one);
			console.log(`${String(i + 1).padStart(2)}  ${one.shows}`);
		}
	});
	console.log(`All ${commands.length} commands answer as they should.`);
}
