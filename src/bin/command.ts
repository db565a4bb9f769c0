/** What a subcommand is: arguments as a table, and a run. The table parses the arguments and writes the help. */
import { parseArgs } from 'node:util';
import { reasonOf } from '../base/errors.ts';
import { closest } from '../base/suggest.ts';
import { UsageError } from './errors.ts';

/** One option of a command. */
export interface OptionSpec {
  /** `flag` is there or not; `text` takes a value; `texts` may be given several times. */
  readonly kind: 'flag' | 'text' | 'texts';
  /** How the value is called in the help, `N` or `FILE`. */
  readonly value?: string;
  /** What it does, in one line; say the default. */
  readonly what: string;
}

/** Options by name, without the dashes. */
export type OptionTable = Readonly<Record<string, OptionSpec>>;

/** What {@link parseCommandLine} made of the arguments. */
export type OptionValues<Table extends OptionTable> = {
  readonly [Name in keyof Table]: Table[Name]['kind'] extends 'flag'
    ? boolean
    : Table[Name]['kind'] extends 'texts'
      ? readonly string[]
      : string | undefined;
};

/** Where a command writes. stdout is for its result alone; everything else goes to stderr. */
export interface CommandIo {
  /** Writes to stdout as it is. */
  print(text: string): void;
  /** Resolves when whoever reads stdout has taken what was printed: for answers longer than fits into memory. */
  printed?(): Promise<void>;
  /** Writes a line to stderr. */
  tell(line: string): void;
  /** All of stdin; for `-`. */
  readStdin(): Promise<Uint8Array>;
}

/** A subcommand. */
export interface Command<Table extends OptionTable = OptionTable> {
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** What stands after the name, `[NAME...] [options]`. */
  readonly arguments: string;
  /** Further words for the help; may be empty. */
  readonly details: string;
  readonly options: Table;
  /** Does it; resolves to the exit code. */
  run(values: OptionValues<Table>, words: readonly string[], io: CommandIo): Promise<number>;
}

/** Keeps the types of a command's options; the value is the argument. */
export function defineCommand<const Table extends OptionTable>(command: Command<Table>): Command<Table> {
  return command;
}

/** Arguments to options and words. Errors: {@link UsageError} with the option that was probably meant. */
export function parseCommandLine<Table extends OptionTable>(
  table: Table,
  args: readonly string[],
): { values: OptionValues<Table>; words: string[] } {
  const options = Object.fromEntries(
    Object.entries(table).map(([name, spec]) => [
      name,
      { type: spec.kind === 'flag' ? ('boolean' as const) : ('string' as const), multiple: spec.kind === 'texts' },
    ]),
  );
  refuseUnknown(table, args);
  try {
    const parsed = parseArgs({ args: [...args], options, allowPositionals: true, strict: true });
    const values = Object.fromEntries(
      Object.entries(table).map(([name, spec]) => [name, parsed.values[name] ?? absent(spec)]),
    );
    return { values: values as OptionValues<Table>, words: parsed.positionals };
  } catch (error) {
    throw new UsageError(`${firstSentence(reasonOf(error))}.`);
  }
}

function absent(spec: OptionSpec): boolean | readonly string[] | undefined {
  if (spec.kind === 'flag') return false;
  return spec.kind === 'texts' ? [] : undefined;
}

function refuseUnknown(table: OptionTable, args: readonly string[]): void {
  const end = args.indexOf('--');
  for (const argument of end === -1 ? args : args.slice(0, end)) {
    const name = /^--([^=]+)/.exec(argument)?.[1];
    if (name === undefined || Object.hasOwn(table, name)) continue;
    const meant = closest(name, Object.keys(table));
    throw new UsageError(`There is no option --${name}${meant === undefined ? '' : `; did you mean --${meant}?`}`);
  }
}

function firstSentence(words: string): string {
  return words.split('. ')[0] ?? words;
}

/** A whole number given as text. Errors: {@link UsageError} naming the option and its range. */
export function wholeNumber(option: string, given: string, from: number, to: number): number {
  const value = /^-?\d+$/.test(given) ? Number(given) : Number.NaN;
  if (!Number.isSafeInteger(value) || value < from || value > to) {
    throw new UsageError(`--${option} takes a whole number from ${from} to ${to}, not ${JSON.stringify(given)}.`);
  }
  return value;
}

/** The help of one command. */
export function helpOf(command: Command): string {
  const rows = Object.entries({ ...command.options, help: { kind: 'flag' as const, what: 'this text' } }).map(
    ([name, spec]: [string, OptionSpec]) =>
      [`--${name}${spec.kind === 'flag' ? '' : ` ${spec.value ?? 'TEXT'}`}`, spec.what] as const,
  );
  const width = Math.max(...rows.map(([left]) => left.length));
  const details = command.details === '' ? '' : `\n${command.details}\n`;
  const lines = rows.map(([left, what]) => `  ${left.padEnd(width)}  ${what}`);
  return `deltawatt ${command.name} ${command.arguments}\n\n${command.summary}.\n${details}\nOptions:\n${lines.join('\n')}\n`;
}
