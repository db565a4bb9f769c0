/**
 * The file of a meter in the keys folder, as JSON. Written whole, in one step; what it holds was checked by whoever wrote it,
 * or was typed by a person who restores a key from the collector's record (docs/operations.md).
 */
import { isRecord } from '../../base/record.ts';
import { KEY_NAMES, type KeyName } from '../../model/command.ts';

/** A new key that waits for its proof. */
interface WaitingKey {
  readonly key: KeyName;
  /** Under the master key, hex. */
  readonly wrapped: string;
  /** The command that brought it. */
  readonly commandId: string;
  /** The old key was found to work: this one is tried after it. */
  readonly isBehind: boolean;
  /** Of a broadcast key: see {@link BroadcastRound}. */
  readonly round?: number;
  /** The meter was asked to agree on another key, and may have one that nobody here knows: this one mends that. */
  readonly isRepair?: true;
}

/** Which of the broadcast keys of its line a meter has. */
export interface BroadcastRound {
  /** Print of the key file's broadcast key: meters of a line that have it share the later ones too. */
  readonly group: string;
  /** From 1: how often a new key was drawn for the group. */
  readonly round: number;
}

/** What is kept of a meter. */
export interface KeptKeys {
  readonly version: 1;
  /** Prints of the keys in the key file on which the changes rest. */
  readonly base: string;
  /** Keys that took the place of the key file's, under the master key, hex. */
  readonly keys: Readonly<Partial<Record<KeyName, string>>>;
  /** The command whose key was proven last. */
  readonly proved?: string;
  readonly next?: WaitingKey;
  /** Absent = the broadcast key was not changed, or typed in by a person. */
  readonly broadcast?: BroadcastRound;
}

const WRAPPED = /^(?:[0-9a-f]{48}|[0-9a-f]{80})$/;

/** Octets of the file. */
export function keptKeysText(kept: KeptKeys): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify(kept, null, 2)}\n`);
}

/** What a file says, for a key file with these prints; a file without `base` is for any. Throws an Error in words. */
export function keptKeysIn(octets: Uint8Array, base: string): KeptKeys {
  const value: unknown = JSON.parse(new TextDecoder().decode(octets));
  if (!isRecord(value) || value['version'] !== 1) throw new Error('it is no file of keys of version 1');
  if (value['base'] !== undefined && value['base'] !== base) throw new Error('the key file has other keys since then');
  const { proved } = value;
  const next = waitingIn(value['next']);
  return {
    version: 1,
    base,
    keys: keysIn(value['keys']),
    ...(typeof proved === 'string' ? { proved } : {}),
    ...(next === null ? {} : { next }),
    ...(value['broadcast'] === undefined ? {} : { broadcast: broadcastIn(value['broadcast']) }),
  };
}

function keysIn(value: unknown): KeptKeys['keys'] {
  if (!isRecord(value)) throw new Error('keys is missing');
  const keys: Partial<Record<KeyName, string>> = {};
  for (const [name, wrapped] of Object.entries(value)) keys[nameIn(name)] = wrappedIn(wrapped);
  return keys;
}

function waitingIn(value: unknown): WaitingKey | null {
  if (value === undefined) return null;
  if (!isRecord(value) || typeof value['commandId'] !== 'string') throw new Error('next is damaged');
  const { key, wrapped, commandId, isBehind, round, isRepair } = value;
  return {
    key: nameIn(key),
    wrapped: wrappedIn(wrapped),
    commandId,
    isBehind: isBehind === true,
    ...(round === undefined ? {} : { round: roundIn(round) }),
    ...(isRepair === true ? { isRepair } : {}),
  };
}

function broadcastIn(value: unknown): BroadcastRound {
  if (!isRecord(value) || typeof value['group'] !== 'string') throw new Error('broadcast is damaged');
  return { group: value['group'], round: roundIn(value['round']) };
}

function roundIn(value: unknown): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 1) throw new Error('round is damaged');
  return value;
}

function nameIn(value: unknown): KeyName {
  const name = KEY_NAMES.find((each) => each === value);
  if (name === undefined) throw new Error('it names a key that is not changed from here');
  return name;
}

function wrappedIn(value: unknown): string {
  if (typeof value !== 'string' || !WRAPPED.test(value)) throw new Error('a wrapped key has 48 or 80 hex digits');
  return value;
}
