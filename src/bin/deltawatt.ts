#!/usr/bin/env node
/**
 * The one command. Finds the subcommand, gives it its arguments, and turns what happens into an exit code: 0 done,
 * 1 failed, 2 wrong usage. A subcommand's file is imported only when it is asked for, so that `edge` does not load the
 * collector and starts fast.
 */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { DeltawattError, hasCode } from '../base/errors.ts';
import { closest } from '../base/suggest.ts';
import { type Command, type CommandIo, helpOf, parseCommandLine } from './command.ts';
import { COMMANDS } from './commands.ts';
import { CommandError, EXIT, UsageError } from './errors.ts';

const IO: CommandIo = {
  print: (text) => process.stdout.write(text),
  printed: async () => {
    if (process.stdout.writableNeedDrain) await once(process.stdout, 'drain');
  },
  tell: (line) => process.stderr.write(`${line}\n`),
  readStdin: async () => {
    const chunks: Buffer[] = [];
    for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
    return new Uint8Array(Buffer.concat(chunks));
  },
};

async function main(args: readonly string[]): Promise<number> {
  const [name, ...rest] = args;
  if (name === '--version' || name === '-v') {
    IO.print(`${version()}\n`);
    return EXIT.done;
  }
  if (name === '--help' || name === '-h' || name === 'help') {
    const topic = rest[0];
    IO.print(topic === undefined ? overview() : helpOf(await load(topic)));
    return EXIT.done;
  }
  if (name === undefined) {
    IO.tell(overview());
    return EXIT.usage;
  }
  const command = await load(name);
  const end = rest.indexOf('--');
  if ((end === -1 ? rest : rest.slice(0, end)).some((word) => word === '--help' || word === '-h')) {
    IO.print(helpOf(command));
    return EXIT.done;
  }
  const { values, words } = parseCommandLine(command.options, rest);
  return command.run(values, words, IO);
}

async function load(name: string): Promise<Command> {
  const entry = COMMANDS.find((command) => command.name === name);
  if (entry !== undefined) return entry.load();
  const meant = closest(
    name,
    COMMANDS.map((command) => command.name),
  );
  throw new UsageError(`There is no command ${name}${meant === undefined ? '' : `; did you mean ${meant}?`}`);
}

function overview(): string {
  const width = Math.max(...COMMANDS.map((command) => command.name.length));
  const lines = COMMANDS.map((command) => `  ${command.name.padEnd(width)}  ${command.summary}`);
  return [
    'deltawatt COMMAND [options]',
    '',
    'Readings from meters to the people who need them, and commands back; loses neither.',
    '',
    ...lines,
    '',
    'deltawatt COMMAND --help says more about one. deltawatt --version prints the version.',
    'Exit codes: 0 done, 1 failed, 2 wrong usage. Results go to stdout, logs and progress to stderr.',
    '',
  ].join('\n');
}

/** From the package file, which lies two folders up in the sources and in what is installed. */
function version(): string {
  const file = new URL('../../package.json', import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}

function failed(error: unknown): number {
  if (error instanceof UsageError) {
    IO.tell(`deltawatt: ${error.message}`);
    IO.tell('deltawatt --help lists the commands, deltawatt COMMAND --help the options.');
    return EXIT.usage;
  }
  if (error instanceof CommandError || error instanceof DeltawattError) {
    IO.tell(`deltawatt: ${error.message}`);
    // An address is a word of the command line.
    return hasCode(error, 'LINK_URL') || hasCode(error, 'SIM_LISTEN') ? EXIT.usage : EXIT.failed;
  }
  IO.tell(
    `deltawatt: this should not have happened, please report it: ${error instanceof Error ? error.stack : error}`,
  );
  return EXIT.failed;
}

// A reader that closes our stdout early (`| head`) has what it wants.
process.stdout.on('error', (error: NodeJS.ErrnoException) =>
  process.exit(error.code === 'EPIPE' ? EXIT.done : EXIT.failed),
);

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.exitCode = failed(error);
}
