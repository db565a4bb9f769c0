/**
 * A second note of how far the invocation counters of each key may have come, in a file beside the journal: a store of which
 * nothing can be read any more does not take all there is with it.
 *
 * A ceiling lies a long step above the last reservation, so that the file is written once in months of reading. Whoever lost
 * the reservations begins there: no number below was left to use. The file carries its own digest; a damaged one counts as
 * none. Keys come and go with rotations, and of each meter the newest few are kept.
 */
import { toHex } from '../../base/bytes.ts';
import type { Disk, Env } from '../../base/env.ts';
import { reasonOf } from '../../base/errors.ts';
import { COUNTER_MAX } from '../../dlms/index.ts';
import { COUNTER_CEILING_STEP, COUNTER_KEYS_KEPT } from '../limits.ts';
import type { Health } from '../ports.ts';

/** What the notes need of their surroundings. */
export interface CeilingsHome {
  readonly env: Pick<Env, 'crypto' | 'log'> & { readonly disk: Pick<Disk, 'readFile' | 'writeFile'> };
  readonly health: Pick<Health, 'count'>;
  /** The file. */
  readonly path: string;
}

/** A key as the counters name it, `counter:<meter>:<print>`, and the first number that is not reserved. */
export interface CounterBound {
  readonly key: string;
  readonly bound: number;
}

/** The notes of one edge. */
export class CounterCeilings {
  readonly #below = new Map<string, number>();
  #isLoaded = false;

  constructor(private readonly home: CeilingsHome) {}

  /** From where on no number of this key was ever reserved; null = nothing is noted. */
  async of(key: string): Promise<number | null> {
    await this.#load();
    return this.#below.get(key) ?? null;
  }

  /**
   * Notes new ceilings for the keys whose reservations are about to pass theirs; call it before they are stored. A file that
   * cannot be written is counted and tried again with the next reservation: meters are read on, as they were without it.
   */
  async cover(bounds: readonly CounterBound[]): Promise<void> {
    await this.#load();
    const passing = bounds.filter(({ key, bound }) => bound > (this.#below.get(key) ?? 0));
    if (passing.length === 0) return;
    const next = new Map(this.#below);
    for (const { key, bound } of passing) {
      // The newest stand last.
      next.delete(key);
      next.set(key, Math.min(COUNTER_MAX, bound + COUNTER_CEILING_STEP));
    }
    forgetOld(next);
    const { env, health, path } = this.home;
    try {
      await env.disk.writeFile(path, octetsOf(next, env.crypto));
    } catch (error) {
      health.count('counter_ceilings_not_written');
      env.log.warn('reader.counter-ceilings-not-written', { path, reason: reasonOf(error) });
      return;
    }
    this.#below.clear();
    for (const [key, below] of next) this.#below.set(key, below);
  }

  async #load(): Promise<void> {
    if (this.#isLoaded) return;
    const { env, health, path } = this.home;
    const octets = await env.disk.readFile(path);
    // Whoever waited as well found it loaded meanwhile.
    if (this.#isLoaded) return;
    this.#isLoaded = true;
    const noted = octets === undefined ? [] : notedIn(octets, env.crypto);
    if (noted === null) {
      health.count('counter_ceilings_damaged');
      env.log.warn('reader.counter-ceilings-damaged', { path });
    }
    for (const [key, below] of noted ?? []) this.#below.set(key, below);
  }
}

/** The digest of all that follows, then a key and its ceiling on each line. */
function octetsOf(below: ReadonlyMap<string, number>, crypto: Env['crypto']): Uint8Array {
  const body = [...below].map(([key, value]) => `${key} ${value}\n`).join('');
  const digest = toHex(crypto.sha256(new TextEncoder().encode(body)));
  return new TextEncoder().encode(`${digest}\n${body}`);
}

/** Null when it is not what was written. */
function notedIn(octets: Uint8Array, crypto: Env['crypto']): [string, number][] | null {
  const text = new TextDecoder().decode(octets);
  const end = text.indexOf('\n') + 1;
  const body = text.slice(end);
  if (text.slice(0, end).trimEnd() !== toHex(crypto.sha256(new TextEncoder().encode(body)))) return null;
  return body
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const gap = line.lastIndexOf(' ');
      return [line.slice(0, gap), Number(line.slice(gap + 1))];
    });
}

/** Of each meter the newest keys stay. */
function forgetOld(below: Map<string, number>): void {
  const kept = new Map<string, number>();
  for (const key of [...below.keys()].reverse()) {
    const owner = key.slice(0, key.lastIndexOf(':'));
    const count = (kept.get(owner) ?? 0) + 1;
    kept.set(owner, count);
    if (count > COUNTER_KEYS_KEPT) below.delete(key);
  }
}
