/**
 * Meters that concentrators tell of are decided about as they come: commissioned, or put into the inbox. What concentrators say of
 * orders to read one comes back here too.
 *
 * What was told is a row until it was decided about, stored with the block that brought it, so a collector that dies between
 * the two leaves it to the next look. Deciding twice changes nothing.
 */
import type { Env, Timer } from '../../base/env.ts';
import { reasonOf } from '../../base/errors.ts';
import type { Commissioner, FindingStore, FoundAddress, ToldMeter } from '../commissioning-ports.ts';
import type { StoreChange } from '../ports.ts';
import { TOLD_LOOK_MS, TOLD_PAGE } from './limits.ts';

/** What the intake needs. */
export interface IntakeParts {
  readonly env: Pick<Env, 'timers' | 'log'>;
  readonly store: Pick<FindingStore, 'toldMeters' | 'forgetTold'> & {
    onChange(listener: (change: StoreChange) => void): void;
  };
  readonly commissioner: Pick<Commissioner, 'report' | 'notTaken'>;
}

/** See the head of the file. */
export class Intake {
  readonly #parts: IntakeParts;
  #timer: Timer | null = null;
  #looking: Promise<void> = Promise.resolve();
  #waits = false;
  #isClosed = false;

  constructor(parts: IntakeParts) {
    this.#parts = parts;
    parts.store.onChange((change) => this.#changed(change));
    this.#look();
  }

  /** Decides about nothing more; resolves when what is under way has ended. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#timer?.cancel();
    await this.#looking;
  }

  #changed(change: StoreChange): void {
    if (this.#isClosed) return;
    if (change.kind === 'found') this.#look();
    if (change.kind !== 'command') return;
    const { body, state, sentence, edgeId, meterId } = change.command;
    if (body.kind !== 'adopt' || (state !== 'refused' && state !== 'expired')) return;
    this.#then(() => this.#parts.commissioner.notTaken({ edgeId, meterId }, sentence));
  }

  /** One look at a time; what comes while one waits is found by it. */
  #look(): void {
    if (this.#waits) return;
    this.#waits = true;
    this.#then(async () => {
      this.#waits = false;
      await this.#decide();
    });
  }

  #then(work: () => Promise<void>): void {
    const { env } = this.#parts;
    this.#looking = this.#looking.then(async () => {
      if (this.#isClosed) return;
      await work().catch((error: unknown) => env.log.warn('commissioning.look-failed', { reason: reasonOf(error) }));
      if (this.#isClosed) return;
      this.#timer?.cancel();
      this.#timer = env.timers.after(TOLD_LOOK_MS, () => this.#look());
    });
  }

  async #decide(): Promise<void> {
    const { store, commissioner } = this.#parts;
    for (;;) {
      const page = await store.toldMeters(TOLD_PAGE);
      const lines = new Map<string, ToldMeter[]>();
      for (const told of page) {
        const line = `${told.edgeId} ${told.found.line}`;
        lines.set(line, [...(lines.get(line) ?? []), told]);
      }
      for (const [first, ...more] of lines.values()) {
        if (first === undefined) continue;
        const { edgeId, tenantId, found } = first;
        const actor = { name: `concentrator ${edgeId}`, tenantId };
        await commissioner.report(edgeId, found.line, [first, ...more].map(addressOf), actor);
      }
      await store.forgetTold(page);
      if (page.length < TOLD_PAGE) return;
    }
  }
}

function addressOf({ found }: ToldMeter): FoundAddress {
  const { line: _line, atMs: _atMs, ...told } = found;
  return told;
}
