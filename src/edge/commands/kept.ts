/**
 * Commands as the journal keeps them, under `command/<id>`: JSON, octets as {"$x": hex}, integers beyond 2^53 - 1 as
 * {"$n": decimal}. They are read back after a restart and when an id comes again.
 */
import { fromHex, toHex } from '../../base/bytes.ts';
import type { CommandBody, CommandReport } from '../../model/command.ts';
import type { MeterId } from '../../model/ids.ts';
import { exact } from '../../model/number.ts';

/** A command and how far it came. */
export interface KeptCommand {
  readonly version: 1;
  readonly meterId: MeterId;
  readonly author: string;
  readonly body: CommandBody;
  readonly expiresAtMs: number;
  /** Collector time at which it was started, null before. */
  readonly startedAtMs: number | null;
  /** The last thing reported: its state, and what a repeat of the id is answered. */
  readonly report: CommandReport;
}

/** Octets of answers that are kept with a command: in hexadecimal digits half of what the journal keeps under one key. */
const ANSWER_KEPT_MAX_OCTETS = 16 * 1024;
const PREFIX = 'command/';

/** Prefix of all keys of kept commands. */
export const KEPT_COMMANDS = PREFIX;

/** The key of a command. */
export function keyOf(id: string): string {
  return PREFIX + id;
}

/** Octets of a kept command. */
export function encodeKept(command: KeptCommand): Uint8Array {
  return new TextEncoder().encode(
    JSON.stringify(command, (_key, value: unknown) => {
      if (typeof value === 'bigint') return { $n: value.toString() };
      return value instanceof Uint8Array ? { $x: toHex(value) } : value;
    }),
  );
}

/**
 * What is kept of a command whose answer is long: the answer itself is in the journal's results and goes up with them, so a
 * repeat of the id needs only how it ended.
 */
export function withoutLongAnswer(command: KeptCommand): KeptCommand {
  const { report } = command;
  const octets = report.values.reduce((sum, { raw }) => sum + raw.length, 0);
  if (octets <= ANSWER_KEPT_MAX_OCTETS) return command;
  const sentence = `${report.sentence} The values were sent with the first answer.`;
  return { ...command, report: { ...report, sentence, values: [] } };
}

/** A kept command, or null when the octets are not one of a version that we know. */
export function decodeKept(octets: Uint8Array): KeptCommand | null {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(octets), (_key, inner: unknown) => revive(inner));
    return typeof value === 'object' && value !== null && 'version' in value && value.version === 1
      ? (value as KeptCommand)
      : null;
  } catch {
    return null;
  }
}

function revive(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if ('$x' in value && typeof value.$x === 'string') return fromHex(value.$x);
  return '$n' in value && typeof value.$n === 'string' ? exact(BigInt(value.$n)) : value;
}
