// Finds the command, reads its words, says what went wrong, gives the exit code: 0 done, 1 something is not as it should be, 2 not
// understood, 130 interrupted.
import { Problem } from '#base/problem.ts';
import { type Command, columns, helpOf, nearest, readWords, UsageError } from './command.ts';

type Row = { readonly name: string; readonly does: string; readonly load: () => Promise<Command> };

const commands: readonly Row[] = [
	{ name: 'import', does: 'takes FHIR files into the record', load: async () => (await import('./import.ts')).importCommand },
	{ name: 'export', does: 'writes the record as NDJSON, a file per type', load: async () => (await import('./export.ts')).exportCommand },
	{ name: 'backup', does: 'writes everything into one file', load: async () => (await import('./backup.ts')).backupCommand },
	{ name: 'restore', does: 'brings a backup back', load: async () => (await import('./restore.ts')).restoreCommand },
	{
		name: 'users',
		does: 'adds, lists and changes the people who may sign in',
		load: async () => (await import('./users.ts')).usersCommand,
	},
	{ name: 'token', does: 'mints, lists and revokes access tokens', load: async () => (await import('./token.ts')).tokenCommand },
	{ name: 'clients', does: 'lists applications and lets them in', load: async () => (await import('./clients.ts')).clientsCommand },
	{ name: 'keys', does: 'lists and rotates signing keys', load: async () => (await import('./keys.ts')).keysCommand },
	{ name: 'audit', does: 'verifies the audit, lists who did what', load: async () => (await import('./audit.ts')).auditCommand },
	{ name: 'packages', does: 'adds, lists and removes FHIR packages', load: async () => (await import('./packages.ts')).packagesCommand },
	{
		name: 'terminology',
		does: 'loads code systems from their publishers',
		load: async () => (await import('./terminology.ts')).terminologyCommand,
	},
	{ name: 'demo', does: 'fills an empty installation with a made-up clinic', load: async () => (await import('./demo.ts')).demoCommand },
	{ name: 'doctor', does: 'says what is wrong with this installation', load: async () => (await import('./doctor.ts')).doctorCommand },
	{ name: 'reindex', does: 'computes the search index anew', load: async () => (await import('./reindex.ts')).reindexCommand },
];

/** Where help and errors go. */
export type Say = { readonly out: (text: string) => void; readonly err: (text: string) => void };

/** Runs what the words ask for and gives the exit code. */
export async function runCommand([name, ...args]: readonly string[], say: Say): Promise<number> {
	if (name === undefined || name === 'help' || name === '--help' || name === '-h') {
		const [asked] = name === 'help' ? args : [];
		if (asked !== undefined) return runCommand([asked, '--help'], say);
		say.out(overview());
		return name === undefined ? 2 : 0;
	}
	const row = commands.find((one) => one.name === name);
	if (row === undefined) {
		const meant = nearest(
			name,
			commands.map((one) => one.name),
		);
		say.err(`There is no command "${name}".${meant === undefined ? '' : ` Did you mean "${meant}"?`}\n\n${overview()}`);
		return 2;
	}
	const command = await row.load();
	if (args.includes('--help') || args.includes('-h')) {
		say.out(helpOf(name, command));
		return 0;
	}
	try {
		return await command.run(readWords(command, args));
	} catch (error) {
		return explain(name, error, say);
	}
}

function overview(): string {
	return `Usage: npm run heron -- <command> [options]\n\nCommands:\n${columns(commands.map(({ name, does }) => [name, does]))}\n\nEach has its own help: npm run heron -- <command> --help\n`;
}

function explain(name: string, error: unknown, say: Say): number {
	if (error instanceof UsageError) {
		say.err(`${error.message}\nHelp: npm run heron -- ${name} --help`);
		return 2;
	}
	say.err(error instanceof Problem ? error.text : String((error as Error)?.stack ?? error));
	return 1;
}
