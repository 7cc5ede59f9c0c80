// `heron keys`: the keys that sign id tokens.

import type { Keys } from '#oauth/provider/keys.ts';
import { type Command, columns, type Given, UsageError } from './command.ts';
import { tellOf, withInstallation } from './installation.ts';

export const keysCommand: Command = {
	usage: 'list | rotate',
	about: `
The keys by which applications check who signed in. rotate makes new ones: they are published at once and sign after a minute, so that
everybody has seen them; former ones stay published for a day, until nothing they signed is valid any more, and are removed by a later
rotation.`,
	options: [],
	run: (given) =>
		withInstallation(async (installation) => {
			const code = await runKeys({ keys: installation.authorization.keys, print: console.log }, given);
			if (given.words[0] === 'rotate')
				await tellOf(installation, 'keys', {
					kind: 'configuration',
					interaction: 'keys-rotated',
					action: 'U',
					detail: 'keys of id tokens',
				});
			return code;
		}),
};

/** Does what the words say. Throws UsageError. */
export async function runKeys(
	{ keys, print }: { readonly keys: Keys; readonly print: (text: string) => void },
	given: Given,
): Promise<number> {
	const [act, ...more] = given.words;
	if (more.length > 0 || (act !== 'list' && act !== 'rotate')) throw new UsageError('Say list or rotate.');
	await keys.load();
	if (act === 'rotate') print(`New keys: ${(await keys.rotate()).join(' ')}`);
	const rows = (await keys.list()).map(({ kid, alg, useFrom }) => [kid, `${alg}, signs from ${useFrom.toISOString()}`] as const);
	print(columns([['id', 'kind and time'], ...rows]));
	return 0;
}
