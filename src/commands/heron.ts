// `npm run heron -- <command>`.
import { runCommand } from './cli.ts';

process.title = 'heron';
process.exitCode = await runCommand(process.argv.slice(2), { out: console.log, err: console.error });
