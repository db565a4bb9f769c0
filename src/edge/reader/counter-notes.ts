/**
 * Second notes of the invocation counters of each key, in a file beside the journal: a damaged store does not take all there is with
 * it.
 *
 * Two numbers a key. Where the last life of the edge began: a journal that knows of less lost the reservations of that life, though it
 * may look sound, and would begin where that life began. And a ceiling, a long step above the last reservation, so that the file is
 * written once a start and then once in months of reading: whoever lost reservations begins there, for no number from there on was
 * ever used. The file carries its own digest; a damaged one counts as none. Of each meter the newest few keys are kept.
 */
import { toHex } from '../../base/bytes.ts';
import type { Disk, Env } from '../../base/env.ts';
import { reasonOf } from '../../base/errors.ts';
import { COUNTER_MAX } from '../../dlms/index.ts';
import { COUNTER_CEILING_STEP, COUNTER_KEYS_KEPT } from '../limits.ts';
import type { Health } from '../ports.ts';

/** What the notes need of their surroundings. */
export interface NotesHome {
  readonly env: Pick<Env, 'crypto' | 'log'> & { readonly disk: Pick<Disk, 'readFile' | 'writeFile'> };
  readonly health: Pick<Health, 'count'>;
  /** The file. */
  readonly path: string;
}

/** A key as the counters name it, `counter:<meter>:<print>`, and what is reserved in this life of the edge. */
export interface Reservation {
  readonly key: string;
  /** The first number of this life. */
  readonly from: number;
  /** The first number that is not reserved. */
  readonly bound: number;
}

interface Note {
  readonly from: number;
  /** No number from here on was reserved. */
  readonly below: number;
}

/** The notes of one edge. */
export class CounterNotes {
  #notes: ReadonlyMap<string, Note> = new Map();
  #isLoaded = false;

  constructor(private readonly home: NotesHome) {}

  /**
   * Where a key begins whose reservations were lost: `kept` is what the journal knows, null = nothing. Null when nothing was
   * lost, or nothing is noted.
   */
  async beginAfterLoss(key: string, kept: number | null): Promise<number | null> {
    await this.#load();
    const note = this.#notes.get(key);
    return note !== undefined && (kept === null || kept < note.from) ? note.below : null;
  }

  /**
   * Notes what the journal has stored, before it is used. A file that cannot be written is counted and tried again with the next
   * reservation: meters are read on, as they were without it.
   */
  async note(reservations: readonly Reservation[]): Promise<void> {
    await this.#load();
    const next = new Map(this.#notes);
    for (const { key, from, bound } of reservations) {
      const known = next.get(key);
      if (known?.from === from && bound <= known.below) continue;
      // The newest stand last.
      next.delete(key);
      const below = Math.max(known?.below ?? 0, bound);
      next.set(key, { from, below: below > bound ? below : Math.min(COUNTER_MAX, bound + COUNTER_CEILING_STEP) });
    }
    if (reservations.every(({ key }) => next.get(key) === this.#notes.get(key))) return;
    forgetOld(next);
    const { env, health, path } = this.home;
    try {
      await env.disk.writeFile(path, octetsOf(next, env.crypto));
      this.#notes = next;
    } catch (error) {
      health.count('counter_notes_not_written');
      env.log.warn('reader.counter-notes-not-written', { path, reason: reasonOf(error) });
    }
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
      health.count('counter_notes_damaged');
      env.log.warn('reader.counter-notes-damaged', { path });
    }
    this.#notes = new Map(noted ?? []);
  }
}

/** The digest of all that follows, then on each line where the last life began, the ceiling, and the key. */
function octetsOf(notes: ReadonlyMap<string, Note>, crypto: Env['crypto']): Uint8Array {
  const body = [...notes].map(([key, { from, below }]) => `${from} ${below} ${key}\n`).join('');
  const digest = toHex(crypto.sha256(new TextEncoder().encode(body)));
  return new TextEncoder().encode(`${digest}\n${body}`);
}

/** Null when it is not what was written. */
function notedIn(octets: Uint8Array, crypto: Env['crypto']): [string, Note][] | null {
  const text = new TextDecoder().decode(octets);
  const end = text.indexOf('\n') + 1;
  const body = text.slice(end);
  if (text.slice(0, end).trimEnd() !== toHex(crypto.sha256(new TextEncoder().encode(body)))) return null;
  return body
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [from, below, ...key] = line.split(' ');
      return [key.join(' '), { from: Number(from), below: Number(below) }];
    });
}

/** Of each meter the newest keys stay. */
function forgetOld(notes: Map<string, Note>): void {
  const kept = new Map<string, number>();
  for (const key of [...notes.keys()].reverse()) {
    const owner = key.slice(0, key.lastIndexOf(':'));
    const count = (kept.get(owner) ?? 0) + 1;
    kept.set(owner, count);
    if (count > COUNTER_KEYS_KEPT) notes.delete(key);
  }
}
