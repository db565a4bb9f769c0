/**
 * Blocks of an image to several meters of a line at once.
 *
 * A command that may do so takes a seat when it begins, and says when its meter is ready: begun with the image, blocks of
 * such a size. When no seat was taken for a while and everybody who sits is ready, or the patience with those who are not is
 * over, one round begins: the blocks that any of them needs go to all stations, in slices below periodic reading. Then each
 * command goes on alone: its meter is asked what it has. One that is ready alone gets its blocks alone.
 *
 * Nothing of it is kept: after a restart every meter says which blocks it has, and a new round brings what is left.
 */
import type { Env, Timer } from '../../base/env.ts';
import { reasonOf } from '../../base/errors.ts';
import type { MeterId } from '../../model/ids.ts';
import {
  BACKGROUND_SLICE_MS,
  BACKGROUND_WAIT_MS,
  ROUND_FAILURES_MAX,
  ROUND_GATHER_MAX_MS,
  ROUND_RETRY_MS,
  ROUND_SETTLE_MS,
} from '../limits.ts';
import type { Dispatcher, Health, ImageBlocks, StationsAccess } from '../ports.ts';

/** What is around the rounds. */
export interface RoundsSurroundings {
  readonly env: Pick<Env, 'clock' | 'timers' | 'log'>;
  readonly dispatcher: Pick<Dispatcher, 'withAll'>;
  readonly health: Pick<Health, 'count'>;
  readonly signal: AbortSignal;
}

/** What a meter waits for. */
export interface WantedBlocks extends ImageBlocks {
  /** Numbers of the blocks that it needs. */
  readonly numbers: readonly number[];
  /** Hears how far the round is, in a sentence. */
  progress(sentence: string): void;
}

/** A command that may wait for a round. */
export interface RoundSeat {
  /** The meter is ready: resolves with true when the blocks went to all, with false when it gets them alone. */
  ready(wanted: WantedBlocks): Promise<boolean>;
  /** It waits for nothing any more; also when it never did. */
  leave(): void;
}

interface Sitting {
  readonly meterId: MeterId;
  wanted: WantedBlocks | null;
  answer: (sent: boolean) => void;
}

/** One that is ready, with what it waited for when the round began. */
interface Ready {
  readonly sitting: Sitting;
  readonly wanted: WantedBlocks;
}

interface Table {
  readonly seats: Set<Sitting>;
  /** Monotonic ms at which the last seat was taken. */
  takenAtMs: number;
  /** Monotonic ms since when somebody is ready, null = nobody is. */
  readySinceMs: number | null;
  timer: Timer | null;
  isSending: boolean;
}

/** See the head of the file. */
export class ImageRounds {
  readonly #around: RoundsSurroundings;
  readonly #tables = new Map<string, Table>();

  constructor(around: RoundsSurroundings) {
    this.#around = around;
    around.signal.addEventListener('abort', () => {
      for (const { timer } of this.#tables.values()) timer?.cancel();
    });
  }

  /** A seat for a meter; those of the same place that want the same image are served together. */
  seat(place: string, sha256: string, meterId: MeterId): RoundSeat {
    const key = `${place}/${sha256}`;
    const table = this.#tables.get(key) ?? {
      seats: new Set(),
      takenAtMs: 0,
      readySinceMs: null,
      timer: null,
      isSending: false,
    };
    this.#tables.set(key, table);
    const sitting: Sitting = { meterId, wanted: null, answer: () => undefined };
    table.seats.add(sitting);
    table.takenAtMs = this.#nowMs();
    return {
      ready: (wanted) =>
        new Promise((resolve) => {
          sitting.wanted = wanted;
          sitting.answer = resolve;
          table.readySinceMs ??= this.#nowMs();
          wanted.progress(
            'The meter waits for the others of its line: the blocks of a new firmware go to all at once.',
          );
          this.#look(table);
        }),
      leave: () => {
        table.seats.delete(sitting);
        if (table.seats.size > 0) this.#look(table);
        else {
          table.timer?.cancel();
          if (this.#tables.get(key) === table) this.#tables.delete(key);
        }
      },
    };
  }

  #nowMs(): number {
    return this.#around.env.clock.monotonicMs();
  }

  /** Begins a round, or looks again when it may begin. */
  #look(table: Table): void {
    table.timer?.cancel();
    table.timer = null;
    const ready = readyAt(table);
    if (ready.length === 0) table.readySinceMs = null;
    if (table.isSending || table.readySinceMs === null || this.#around.signal.aborted) return;
    const isEverybody = ready.length === table.seats.size;
    const settledAtMs = table.takenAtMs + ROUND_SETTLE_MS;
    const patientUntilMs = table.readySinceMs + ROUND_GATHER_MAX_MS;
    const waitMs = (isEverybody ? settledAtMs : Math.max(settledAtMs, patientUntilMs)) - this.#nowMs();
    if (waitMs > 0) {
      table.timer = this.#around.env.timers.after(waitMs, () => this.#look(table));
      return;
    }
    table.isSending = true;
    void this.#round(table, ready).finally(() => {
      table.isSending = false;
      if (table.readySinceMs !== null) table.readySinceMs = this.#nowMs();
      this.#look(table);
    });
  }

  async #round(table: Table, ready: readonly Ready[]): Promise<void> {
    const [first] = ready;
    // Meters that want blocks of another size have a round of their own.
    const together = ready.filter(({ wanted }) => wanted.blockOctets === first?.wanted.blockOctets);
    const sent = together.length > 1 && (await this.#send(table, together));
    if (this.#around.signal.aborted) return;
    for (const { sitting } of together) {
      sitting.wanted = null;
      sitting.answer(sent);
    }
  }

  /** Whether all blocks went out; false when the line did not take them, or nobody waits any more. Never rejects. */
  async #send(table: Table, together: readonly Ready[]): Promise<boolean> {
    const { env, dispatcher, health, signal } = this.#around;
    const numbers = [...new Set(together.flatMap(({ wanted }) => wanted.numbers))].sort((a, b) => a - b);
    const [first] = together;
    if (first === undefined) return false;
    const { wanted } = first;
    const { meterId } = first.sitting;
    health.count('image_rounds');
    const slice = { at: 0 };
    const options = { timeoutMs: BACKGROUND_WAIT_MS, started: () => Promise.resolve() };
    for (let failures = 0; slice.at < numbers.length; ) {
      if (signal.aborted || !together.some(({ sitting }) => table.seats.has(sitting))) return false;
      for (const { wanted: each } of together)
        each.progress(
          `The blocks of a new firmware go to ${together.length} meters at once: ${slice.at} of ${numbers.length}.`,
        );
      const before = slice.at;
      const turn = await dispatcher.withAll(meterId, options, (all) => this.#slice(all, wanted, numbers, slice));
      health.count('image_blocks_to_all', slice.at - before);
      if (turn.ok) continue;
      env.log.warn('commands.round-interrupted', { meterId, code: turn.failure.code, sentence: turn.failure.sentence });
      if (++failures >= ROUND_FAILURES_MAX) return false;
      await env.timers.sleep(ROUND_RETRY_MS, signal).catch((error: unknown) => {
        env.log.debug('commands.round-stopped', { reason: reasonOf(error) });
      });
    }
    return true;
  }

  /** One turn on the line. */
  async #slice(
    all: StationsAccess,
    blocks: ImageBlocks,
    numbers: readonly number[],
    slice: { at: number },
  ): Promise<void> {
    const endMs = this.#nowMs() + BACKGROUND_SLICE_MS;
    do {
      const number = numbers[slice.at];
      if (number === undefined) return;
      await all.sendBlock(blocks, number);
      slice.at++;
    } while (this.#nowMs() < endMs && !all.isWanted() && !this.#around.signal.aborted);
  }
}

function readyAt({ seats }: Table): readonly Ready[] {
  return [...seats].flatMap((sitting) => (sitting.wanted === null ? [] : [{ sitting, wanted: sitting.wanted }]));
}
