/** Reading a settings file for a command: every problem at once, each with its path and the way out; exit code 2. */
import { readFile } from 'node:fs/promises';
import type { TSchema } from 'typebox';
import type { ConfigOf, ParsedConfig } from '../base/config.ts';
import { reasonOf } from '../base/errors.ts';
import { UsageError } from './errors.ts';

/** The settings of a file; throws {@link UsageError} with all that is wrong with it. */
export async function readConfigFile<Schema extends TSchema>(
  path: string,
  parse: (text: string) => ParsedConfig<Schema>,
): Promise<ConfigOf<Schema>> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw new UsageError(`The settings cannot be read: ${reasonOf(error)}.`);
  }
  const parsed = parse(text);
  if (parsed.ok) return parsed.config;
  const lines = parsed.problems.map(({ path: key, sentence }) => `  ${key === '' ? '' : `${key}: `}${sentence}`);
  throw new UsageError(`${path} is not right:\n${lines.join('\n')}`);
}
