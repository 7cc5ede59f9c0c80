// `heron clients`: applications that registered, and which of them an administrator lets in.
import type { Actor } from '#access/audit/event.ts';
import type { ClientRow, ClientStore } from '#oauth/clients/clients.ts';
import { type Command, columns, type Given, UsageError } from './command.ts';
import { operator, withInstallation } from './installation.ts';

export const clientsCommand: Command = {
	usage: 'list | show <id> | enable <id> | disable <id> | trust <id> | distrust <id> | remove <id>',
	about: `
Applications register themselves at /oauth2/default/registration. Those that want a user's or the system's data wait until they are enabled
here. Disabling one ends its tokens within a second. A trusted application is one of your own: nobody is asked to consent to it.`,
	options: [{ name: 'waiting', means: 'with list: only those that are not enabled' }],
	run: (given) =>
		withInstallation(({ authorization }) =>
			runClients({ clients: authorization.clients, by: operator('clients'), print: console.log }, given),
		),
};

type Desk = { readonly clients: ClientStore; readonly by: Actor; readonly print: (text: string) => void };

/** Does what the words say. Throws UsageError. */
export async function runClients({ clients, by, print }: Desk, given: Given): Promise<number> {
	const [act, id, ...more] = given.words;
	if (act === 'list' && id === undefined) {
		const all = (await clients.list()).filter(({ enabled }) => !given.has('waiting') || !enabled);
		print(
			all.length === 0
				? 'There is no application.'
				: columns([['id', 'name, state, kind'], ...all.map((one) => [one.id, line(one)] as const)]),
		);
		return 0;
	}
	const change = act !== undefined && Object.hasOwn(changes, act) ? changes[act] : undefined;
	if (change === undefined || id === undefined || more.length > 0)
		throw new UsageError('Say list, or show, enable, disable, trust, distrust or remove and the id of an application.');
	const client = await clients.find(id);
	if (client === undefined) {
		print(`There is no application ${id}.`);
		return 1;
	}
	print(await change(clients, client, by));
	return 0;
}

type Change = (clients: ClientStore, client: ClientRow, by: Actor) => Promise<string>;

const changes: Readonly<Record<string, Change>> = {
	show: async (_clients, client) => shown(client),
	async enable(clients, { id, name }, by) {
		await clients.setEnabled(id, true, by);
		return `${name} is enabled.`;
	},
	async disable(clients, { id, name }, by) {
		await clients.setEnabled(id, false, by);
		return `${name} is disabled; its tokens end within a second.`;
	},
	async trust(clients, { id, name }, by) {
		await clients.setTrusted(id, true, by);
		return `Nobody is asked to consent to ${name} any more.`;
	},
	async distrust(clients, { id, name }, by) {
		await clients.setTrusted(id, false, by);
		return `Everybody is asked to consent to ${name}.`;
	},
	async remove(clients, { id, name }, by) {
		await clients.remove(id, by);
		return `${name} is removed.`;
	},
};

function line({ name, enabled, trusted, isPublic, createdAt }: ClientRow): string {
	return [
		name,
		enabled ? 'enabled' : 'waits',
		isPublic ? 'public' : 'confidential',
		...(trusted ? ['trusted'] : []),
		createdAt.toISOString().slice(0, 10),
	].join(', ');
}

function shown(client: ClientRow): string {
	return columns([
		['id', client.id],
		['name', client.name],
		['state', `${client.enabled ? 'enabled' : 'waits to be enabled'}${client.trusted ? ', trusted' : ''}`],
		['kind', client.isPublic ? 'public' : 'confidential'],
		['scopes', client.scopes.join(' ')],
		['goes back to', client.redirectUris.join(' ')],
		['launched at', client.launchUri ?? '(not from the chart)'],
		['registered', client.createdAt.toISOString()],
	]);
}
