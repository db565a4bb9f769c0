/**
 * Keys that were changed in meters since their key files were written: which key a meter is signed on with, and how a new
 * one takes the place of the old one without a moment in which neither is known.
 *
 * Plan: one small file a meter in the keys folder, beside the journal and not in it. A new key is drawn here and written
 * there, synced, before the meter hears of it. From then on both keys are tried at a sign-on, the newer one first; a sign-on
 * that succeeds with it is the proof, and only then the old one is forgotten. When the old one is found to work, the new one
 * goes behind it and stays: it is what the next change transfers, so that a meter is never more than two keys away.
 *
 * Keys are kept wrapped under the meter's master key (AES key wrap, RFC 3394), which is in the key file: the folder alone
 * opens nothing, damage is noticed, and the collector can be told the same octets (docs/adr/0035).
 *
 * Given up: the master key is never changed from here. Known weak point: a key file that gets another encryption or
 * authentication key begins anew, and what the folder holds for that meter counts no longer; it is said so.
 */
import { fromHex, toHex } from '../../base/bytes.ts';
import type { Env } from '../../base/env.ts';
import { assert, reasonOf } from '../../base/errors.ts';
import { SecretKey, SUITES, unwrapKey, wrapKey } from '../../dlms/index.ts';
import { withKey } from '../../dlms/security/key-file.ts';
import type { KeyName } from '../../model/command.ts';
import type { MeterId } from '../../model/ids.ts';
import { edgeError } from '../errors.ts';
import type { Health, Meter, MeterSecurity, ReadingStage } from '../ports.ts';
import { type KeptKeys, keptKeysIn, keptKeysText } from './kept-keys.ts';

/** Code and name of the event that tells of a proof in the edge's own log. */
const PROVEN = { code: 4, name: 'key-proven' } as const;

/** The keys of one meter. */
interface Held {
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

/** What the ring is made of. */
export interface KeyRingOptions {
  readonly env: Pick<Env, 'disk' | 'random' | 'clock' | 'log'>;
  /** Made when the first key is changed. */
  readonly folder: string;
  readonly health: Health;
  /** Takes the event that tells of a proof. */
  readonly stage: Pick<ReadingStage, 'add'>;
}

/** See the head of the file. */
export class KeyRing {
  readonly #options: KeyRingOptions;
  readonly #held = new Map<MeterId, Promise<Held>>();

  constructor(options: KeyRingOptions) {
    this.#options = options;
  }

  /** What to sign on with, in this order; empty when the meter has no keys. Rejects with errors of the disk. */
  async tries(meter: Meter): Promise<readonly KeyTry[]> {
    const held = await this.#of(meter);
    if (held === null) return [];
    const current = { security: held.current, follows: null };
    if (held.next === null) return [current];
    const next = { security: held.next, follows: held.current };
    return held.kept.next?.isBehind === true ? [current, next] : [next, current];
  }

  /** A sign-on with one of {@link tries} succeeded. Never rejects: what cannot be stored now is found out again. */
  async worked(meter: Meter, security: MeterSecurity): Promise<void> {
    const held = await this.#of(meter);
    const next = held?.kept.next;
    if (held === null || next === undefined) return;
    const { key, wrapped, commandId, isBehind } = next;
    if (security === held.next) {
      const { next: _proven, ...rest } = held.kept;
      held.kept = { ...rest, keys: { ...rest.keys, [key]: wrapped }, proved: commandId };
      held.current = held.next;
      held.next = null;
      this.#options.env.log.info('reader.key-proven', { meterId: meter.meterId, key, commandId });
      this.#options.health.count('reader_keys_proven');
      await this.#tell(meter, key);
    } else if (!isBehind) held.kept = { ...held.kept, next: { ...next, isBehind: true } };
    else return;
    await this.#store(meter, held.kept).catch((error: unknown) => {
      this.#options.env.log.warn('reader.key-not-stored', { meterId: meter.meterId, reason: reasonOf(error) });
    });
  }

  /** A proof may come long after its command has ended as uncertain: whoever ordered it hears of it all the same. */
  async #tell({ meterId, line }: Meter, key: KeyName): Promise<void> {
    const { env, stage } = this.#options;
    const atMs = env.clock.nowMs();
    const sentence = `The meter answers to its new ${key} key; the old one is forgotten.`;
    const event = { meterId, log: 'edge', ...PROVEN, sentence, atMs, severity: 'info' } as const;
    const records = [{ kind: 'event', event } as const];
    await stage
      .add({ line, groups: [], records, watermarks: [], keep: [], readAtMs: atMs })
      .catch((error: unknown) => env.log.warn('reader.event-not-stored', { meterId, reason: reasonOf(error) }));
  }

  /**
   * The key that the meter is about to be given, wrapped under its master key, on the disk when this resolves; one that waits
   * for its proof is given again. Rejects with COMMAND_NO_MASTER_KEY, COMMAND_KEY_WAITS and errors of the disk.
   */
  async prepare(meter: Meter, key: KeyName, commandId: string): Promise<Uint8Array> {
    const held = await this.#of(meter);
    const master = held?.current.keys.master;
    if (held === null || master === undefined) throw edgeError('COMMAND_NO_MASTER_KEY', meter.meterId);
    const waiting = held.kept.next;
    if (waiting !== undefined && waiting.key !== key) throw edgeError('COMMAND_KEY_WAITS', waiting.key);
    const { suite } = held.current;
    const secret =
      waiting === undefined
        ? new SecretKey(this.#options.env.random.bytes(SUITES[suite].keyBytes))
        : unwrapKey(fromHex(waiting.wrapped), master, suite);
    const wrapped = wrapKey(secret, master, suite);
    const kept = { ...held.kept, next: { key, wrapped: toHex(wrapped), commandId, isBehind: false } };
    await this.#store(meter, kept);
    held.kept = kept;
    held.next = withKey(held.current, key, secret);
    return wrapped;
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
function heldOf(kept: KeptKeys, given: MeterSecurity): Held {
  const { master } = given.keys;
  if (master === undefined) throw new Error('the key file has no masterKey');
  const unwrapped = (wrapped: string) => unwrapKey(fromHex(wrapped), master, given.suite);
  let current = given;
  for (const key of ['encryption', 'authentication'] as const) {
    const wrapped = kept.keys[key];
    if (wrapped !== undefined) current = withKey(current, key, unwrapped(wrapped));
  }
  const next = kept.next === undefined ? null : withKey(current, kept.next.key, unwrapped(kept.next.wrapped));
  return { kept, current, next };
}

/** Tells the keys of one key file from those of another. */
function baseOf({ keyPrints }: MeterSecurity): string {
  assert(keyPrints.length > 0, 'a key file has keys');
  return keyPrints.map(toHex).join('.');
}
