/**
 * Keys that were changed in meters since their key files were written: which key a meter is signed on with, and how a new
 * one takes the place of the old one without a moment in which neither is known.
 *
 * Plan: one small file a meter in the keys folder, beside the journal and not in it. A new key is drawn here and written
 * there, synced, before the meter hears of it. From then on both keys are tried at a sign-on, the newer one first; a sign-on
 * that succeeds with it is the proof, and only then the old one is forgotten. When the old one is found to work, the new one
 * goes behind it and stays: it is what the next change transfers, so that a meter is never more than two keys away.
 *
 * Keys are kept wrapped under the master key of the key file (AES key wrap, RFC 3394): the folder alone opens nothing, damage
 * is noticed, and the collector can be told the same octets (docs/adr/0035). A new master key too: what stands in the folder
 * needs the key file only, however often it was changed (docs/adr/0036). No sign-on shows which master or broadcast key a
 * meter has, so one that waits for its proof is never tried at one. A broadcast key is one for all meters of a line that share
 * it: broadcast-keys.ts.
 *
 * Known weak point: a key file that gets another encryption or
 * authentication key begins anew, and what the folder holds for that meter counts no longer; it is said so.
 */

import { fromHex, toHex } from '../../base/bytes.ts';
import type { Env } from '../../base/env.ts';
import { assert, reasonOf } from '../../base/errors.ts';
import { type CurveName, type KeyPair, newKeyPair, SecretKey, SUITES, unwrapKey, wrapKey } from '../../dlms/index.ts';
import { withKey } from '../../dlms/security/key-file.ts';
import { KEY_NAMES, type KeyName } from '../../model/command.ts';
import type { MeterId } from '../../model/ids.ts';
import { entryWith } from '../entry.ts';
import { edgeError } from '../errors.ts';
import { provenWords } from '../key-words.ts';
import type { Health, Meter, MeterSecurity, ReadingStage } from '../ports.ts';
import {
  broadcastGroupOf,
  type DrawnKey,
  newestBroadcastKey,
  newestRound,
  type RoundHolder,
} from './broadcast-keys.ts';
import { type KeptKeys, keptKeysIn, keptKeysText } from './kept-keys.ts';

/** Code and name of the event that tells of a proof in the edge's own log. */
const PROVEN = { code: 4, name: 'key-proven' } as const;

/** Keys of which a sign-on says nothing. */
const NOT_SIGNED_ON_WITH: ReadonlySet<KeyName> = new Set(['master', 'broadcast']);

/** The keys of one meter. */
interface Held extends RoundHolder {
  kept: KeptKeys;
  /** What it is known to answer to. */
  current: MeterSecurity;
  /** With the new key that waits for its proof, null = none. */
  next: MeterSecurity | null;
}

/** Keys to sign on with. */
export interface KeyTry {
  readonly security: MeterSecurity;
  /** The older keys, below whose counters these must not begin; null = these are the oldest. */
  readonly follows: MeterSecurity | null;
}

/** A key on its way to a meter. */
export interface PreparedKey {
  /** Wrapped under the master key of the key file: what is kept and reported. */
  readonly stored: Uint8Array;
  /** Wrapped under the master key that the meter has. */
  readonly sent: Uint8Array;
}

/** A transfer that changes nothing and tells by its answer which master key the meter has. */
export interface MasterProbe {
  /** The key in `wrapped`, which the meter has already. */
  readonly name: 'encryption' | 'authentication';
  readonly wrapped: Uint8Array;
  /** Whether it is under the master key that waits for its proof. */
  readonly isNew: boolean;
}

/** What the ring is made of. */
export interface KeyRingOptions {
  readonly env: Pick<Env, 'disk' | 'random' | 'clock' | 'log'>;
  /** Made when the first key is changed. */
  readonly folder: string;
  readonly health: Health;
  /** Takes the event that tells of a proof. */
  readonly stage: Pick<ReadingStage, 'add'>;
  /** All meters: those of a line that share a broadcast key are given the same new one. Absent = each is alone. */
  readonly meters?: readonly Meter[];
}

/** See the head of the file. */
export class KeyRing {
  readonly #options: KeyRingOptions;
  readonly #held = new Map<MeterId, Promise<Held>>();
  /** Two meters of a group that are given a broadcast key at once must get the same. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: KeyRingOptions) {
    this.#options = options;
  }

  /** What to sign on with, in this order; empty when the meter has no keys. Rejects with errors of the disk. */
  async tries(meter: Meter): Promise<readonly KeyTry[]> {
    const held = await this.#of(meter);
    if (held === null) return [];
    const current = { security: held.current, follows: null };
    const waits = held.kept.next;
    if (held.next === null || waits === undefined || NOT_SIGNED_ON_WITH.has(waits.key)) return [current];
    const next = { security: held.next, follows: held.current };
    return waits.isBehind || waits.isRepair === true ? [current, next] : [next, current];
  }

  /** A sign-on with one of {@link tries} succeeded. Never rejects: what cannot be stored now is found out again. */
  async worked(meter: Meter, security: MeterSecurity): Promise<void> {
    const held = await this.#of(meter);
    const next = held?.kept.next;
    if (held === null || next === undefined || NOT_SIGNED_ON_WITH.has(next.key)) return;
    const { key, isBehind } = next;
    if (security === held.next) {
      this.#proven(meter, held);
      await this.#tell(meter, key);
    } else if (next.isRepair === true) this.#notAgreed(held);
    else if (!isBehind) held.kept = { ...held.kept, next: { ...next, isBehind: true } };
    else return;
    await this.#store(meter, held.kept).catch((error: unknown) => {
      this.#options.env.log.warn('reader.key-not-stored', { meterId: meter.meterId, reason: reasonOf(error) });
    });
  }

  /** The meter did not agree, and was not given what would have mended it either. */
  #notAgreed(held: Held): void {
    const { next: _, ...rest } = held.kept;
    held.kept = rest;
    held.next = null;
  }

  /** What waited takes the place of what it was given for; the caller stores it. */
  #proven({ meterId, security }: Meter, held: Held): void {
    const { next, ...rest } = held.kept;
    assert(next !== undefined && held.next !== null, 'a key waits for its proof');
    const { key, wrapped, commandId, round } = next;
    const group = broadcastGroupOf(security);
    const broadcast = round === undefined || group === null ? {} : { broadcast: { group, round } };
    held.kept = { ...rest, ...broadcast, keys: { ...rest.keys, [key]: wrapped }, proved: commandId };
    held.current = held.next;
    held.next = null;
    this.#options.env.log.info('reader.key-proven', { meterId, key, commandId });
    this.#options.health.count('reader_keys_proven');
  }

  /**
   * The transfers that tell which master key a meter has, the new one's first: a key that it has already, wrapped under each.
   * One alone = no master key waits. Empty when the meter has no master key.
   */
  async masterProbes(meter: Meter): Promise<readonly MasterProbe[]> {
    const held = await this.#of(meter);
    if (held === null) return [];
    const { keys, suite } = held.current;
    const waits = held.kept.next?.key === 'master' ? held.next?.keys.master : undefined;
    const name = keys.authentication === null ? 'encryption' : 'authentication';
    return [waits, keys.master].flatMap((master): MasterProbe[] =>
      master === undefined
        ? []
        : [{ name, wrapped: wrapKey(keys[name] ?? keys.encryption, master, suite), isNew: master === waits }],
    );
  }

  /** An answer showed which key the meter has, of those that no sign-on shows. Rejects with errors of the disk. */
  async found(meter: Meter, key: 'master' | 'broadcast', isNew: boolean): Promise<void> {
    const held = await this.#of(meter);
    const next = held?.kept.next;
    if (held === null || next?.key !== key) return;
    if (isNew) this.#proven(meter, held);
    else held.kept = { ...held.kept, next: { ...next, isBehind: true } };
    await this.#store(meter, held.kept);
    if (isNew) await this.#tell(meter, key);
  }

  /** The key that both agreed on, on the disk when this resolves; wrapped under the key file's master key. Rejects as {@link prepare}. */
  async agreed(meter: Meter, key: KeyName, secret: SecretKey, commandId: string): Promise<Uint8Array> {
    if (key !== 'broadcast') return (await this.#keep(meter, key, commandId, () => ({ secret }))).stored;
    return await this.#alone(async () => {
      const drawn = { secret, round: newestRound(await this.#group(meter)) + 1 };
      return (await this.#keep(meter, key, commandId, () => drawn)).stored;
    });
  }

  /** A fresh pair for one agreement. */
  drawPair(curve: CurveName): KeyPair {
    return newKeyPair(curve, (count) => this.#options.env.random.bytes(count));
  }

  /** A proof may come long after its command has ended as uncertain: whoever ordered it hears of it all the same. */
  async #tell({ meterId, line }: Meter, key: KeyName): Promise<void> {
    const { env, stage } = this.#options;
    const atMs = env.clock.nowMs();
    const sentence = provenWords(key);
    const event = { meterId, log: 'edge', ...PROVEN, sentence, atMs, severity: 'info' } as const;
    const records = [{ kind: 'event', event } as const];
    await stage
      .add(entryWith(atMs, { line, records }))
      .catch((error: unknown) => env.log.warn('reader.event-not-stored', { meterId, reason: reasonOf(error) }));
  }

  /**
   * The key that the meter is about to be given, on the disk when this resolves; one that waits for its proof is given again.
   * Rejects with COMMAND_NO_MASTER_KEY, COMMAND_KEY_WAITS and errors of the disk.
   */
  async prepare(meter: Meter, key: KeyName, commandId: string): Promise<PreparedKey> {
    const { suite } = meter.security ?? { suite: 0 };
    const fresh = () => new SecretKey(this.#options.env.random.bytes(SUITES[suite].keyBytes));
    if (key !== 'broadcast')
      return await this.#keep(meter, key, commandId, (waiting) => ({ secret: waiting ?? fresh() }));
    return await this.#alone(async () => {
      const drawn = newestBroadcastKey(await this.#group(meter), meter.meterId, fresh);
      return await this.#keep(meter, key, commandId, () => drawn);
    });
  }

  /** The meters of the line that share this one's broadcast key, itself among them. Rejects with errors of the disk. */
  async #group(meter: Meter): Promise<ReadonlyMap<MeterId, RoundHolder>> {
    const group = broadcastGroupOf(meter.security);
    const { meters = [] } = this.#options;
    const others = meters.filter(({ line, security }) => line === meter.line && broadcastGroupOf(security) === group);
    const holders = new Map<MeterId, RoundHolder>();
    for (const each of [meter, ...others]) {
      const held = await this.#of(each);
      if (held !== null) holders.set(each.meterId, held);
    }
    return holders;
  }

  /** One after the other. */
  async #alone<Result>(work: () => Promise<Result>): Promise<Result> {
    const mine = this.#turn.then(work);
    this.#turn = mine.catch(() => undefined);
    return await mine;
  }

  /**
   * The encryption key that mends an agreement on it whose answer gets lost, on the disk before the meter is asked to agree. Rejects as
   * {@link prepare} does.
   */
  async prepareRepair(meter: Meter, commandId: string): Promise<void> {
    const { suite } = meter.security ?? { suite: 0 };
    const secret = new SecretKey(this.#options.env.random.bytes(SUITES[suite].keyBytes));
    await this.#keep(meter, 'encryption', commandId, () => ({ secret, isRepair: true }));
  }

  /**
   * The encryption key to give a meter that answers to none of {@link tries}, wrapped under its master key; null = nobody asked it to
   * agree on one. Rejects with errors of the disk.
   */
  async repair(meter: Meter): Promise<Uint8Array | null> {
    const next = (await this.#of(meter))?.kept.next;
    return next?.isRepair === true ? await this.waiting(meter, 'encryption', next.commandId) : null;
  }

  /** Rejects with COMMAND_KEY_WAITS while a key of another kind, or of an agreement before, waits for its proof. */
  async mayChange(meter: Meter, key: KeyName, commandId: string): Promise<void> {
    const waiting = (await this.#of(meter))?.kept.next;
    if (waiting === undefined) return;
    const isInDoubt = waiting.isRepair === true && waiting.commandId !== commandId;
    if (waiting.key !== key || isInDoubt) throw edgeError('COMMAND_KEY_WAITS', waiting.key);
  }

  async #keep(
    meter: Meter,
    key: KeyName,
    commandId: string,
    drawn: (waiting: SecretKey | null) => DrawnKey,
  ): Promise<PreparedKey> {
    await this.mayChange(meter, key, commandId);
    const held = await this.#of(meter);
    const filed = meter.security?.keys.master;
    const master = held?.current.keys.master;
    if (held === null || master === undefined || filed === undefined)
      throw edgeError('COMMAND_NO_MASTER_KEY', meter.meterId);
    const { suite } = held.current;
    const waiting = held.kept.next;
    const { secret, ...rest } = drawn(waiting === undefined ? null : unwrapKey(fromHex(waiting.wrapped), filed, suite));
    const stored = wrapKey(secret, filed, suite);
    const kept = { ...held.kept, next: { key, wrapped: toHex(stored), commandId, isBehind: false, ...rest } };
    await this.#store(meter, kept);
    held.kept = kept;
    held.next = withKey(held.current, key, secret);
    return { stored, sent: wrapKey(secret, master, suite) };
  }

  /** The key of this command that waits for its proof, wrapped under the master key that the meter has; null = none does. */
  async waiting(meter: Meter, key: KeyName, commandId: string): Promise<Uint8Array | null> {
    const held = await this.#of(meter);
    const waits = held?.kept.next;
    const secret = held?.next?.keys[key];
    const master = held?.current.keys.master;
    const isMeant = waits?.key === key && waits.commandId === commandId;
    if (held === null || !isMeant || secret === null || secret === undefined || master === undefined) return null;
    return wrapKey(secret, master, held.current.suite);
  }

  /** The key that a command brought, as it is kept; null = none is. */
  async wrapped(meter: Meter, key: KeyName, commandId: string): Promise<Uint8Array | null> {
    const kept = (await this.#of(meter))?.kept;
    const waits = kept?.next?.commandId === commandId ? kept.next.wrapped : undefined;
    const wrapped = waits ?? (kept?.proved === commandId ? kept.keys[key] : undefined);
    return wrapped === undefined ? null : fromHex(wrapped);
  }

  /** Whether the meter was found to answer to the key that this command brought. */
  async isProved(meter: Meter, commandId: string): Promise<boolean> {
    return (await this.#of(meter))?.kept.proved === commandId;
  }

  async #of(meter: Meter): Promise<Held | null> {
    const { security, meterId } = meter;
    if (security === undefined || security === null) return null;
    const held = this.#held.get(meterId) ?? this.#load(meterId, security);
    this.#held.set(meterId, held);
    // A disk that could not be read is asked again.
    held.catch(() => this.#held.delete(meterId));
    return await held;
  }

  async #load(meterId: MeterId, given: MeterSecurity): Promise<Held> {
    const path = this.#pathOf(meterId);
    const octets = await this.#options.env.disk.readFile(path);
    const base = baseOf(given);
    if (octets !== undefined) {
      try {
        return heldOf(keptKeysIn(octets, base), given);
      } catch (error) {
        // The meter is tried with its key file: a damaged file of ours must not stop the others.
        const sentence = `The changed keys of ${path} cannot be used (${reasonOf(error)}); those of the key file are tried.`;
        this.#options.health.state(`keys ${meterId}`, 'failed', sentence);
        this.#options.env.log.error('reader.keys-unusable', { meterId, reason: reasonOf(error) });
      }
    }
    return { kept: { version: 1, base, keys: {} }, current: given, next: null };
  }

  async #store({ meterId }: Meter, kept: KeptKeys): Promise<void> {
    const { env, folder } = this.#options;
    await env.disk.makeFolder(folder, 0o700);
    await env.disk.writeFile(this.#pathOf(meterId), keptKeysText(kept), 0o600);
  }

  #pathOf(meterId: MeterId): string {
    return `${this.#options.folder}/${meterId}`;
  }
}

/** Throws SECURITY_UNWRAP, and in words when the key file has no master key. */
function heldOf(read: KeptKeys, given: MeterSecurity): Held {
  const { master } = given.keys;
  const kept = withoutForeignBroadcast(read, broadcastGroupOf(given));
  if (master === undefined) throw new Error('the key file has no masterKey');
  const unwrapped = (wrapped: string) => unwrapKey(fromHex(wrapped), master, given.suite);
  let current = given;
  for (const key of KEY_NAMES) {
    const wrapped = kept.keys[key];
    if (wrapped !== undefined) current = withKey(current, key, unwrapped(wrapped));
  }
  const next = kept.next === undefined ? null : withKey(current, kept.next.key, unwrapped(kept.next.wrapped));
  return { kept, current, next };
}

/** A key file that got another broadcast key begins anew with that one, whatever else was changed. */
function withoutForeignBroadcast(kept: KeptKeys, group: string | null): KeptKeys {
  if (group !== null && (kept.broadcast === undefined || kept.broadcast.group === group)) return kept;
  const { broadcast: _, next, keys, ...rest } = kept;
  const { broadcast: __, ...others } = keys;
  return { ...rest, keys: others, ...(next === undefined || next.key === 'broadcast' ? {} : { next }) };
}

/** Tells the keys of one key file from those of another. */
function baseOf({ keyPrints }: MeterSecurity): string {
  assert(keyPrints.length > 0, 'a key file has keys');
  return keyPrints.map(toHex).join('.');
}
