/**
 * Notices that an epoch is back which an edge had left for another one. One journal never takes an old epoch up again, so two
 * devices say hello in turn under one identity, or an old copy of a journal was played back. Both are for people.
 */
import type { Clock } from '../../base/env.ts';
import type { Log } from '../../base/log.ts';
import type { MeterEvent } from '../../model/event.ts';
import type { EdgeRecord, JournalStore } from '../ports.ts';
import { RETURN_TOLD_MS } from './limits.ts';

/** What it needs of the outside. */
export interface EpochWatchParts {
  readonly store: Pick<JournalStore, 'cursors' | 'raise'>;
  readonly clock: Clock;
  readonly log: Log;
}

/** The watch over one edge. */
export class EpochWatch {
  /** Monotonic ms. */
  #toldAtMs = Number.NEGATIVE_INFINITY;

  constructor(private readonly parts: EpochWatchParts) {}

  /** Raises the alarm when blocks of the epoch of this hello are stored from before the one that was left for it. */
  async note({ edgeId, epoch: before }: Pick<EdgeRecord, 'edgeId' | 'epoch'>, epoch: string): Promise<void> {
    const { store, clock, log } = this.parts;
    if (before === undefined || before === epoch || clock.monotonicMs() - this.#toldAtMs < RETURN_TOLD_MS) return;
    if ((await store.cursors(edgeId, epoch)).length === 0) return;
    this.#toldAtMs = clock.monotonicMs();
    log.error('ingest.epoch-returned', { edgeId, epoch });
    await store.raise(edgeId, returnedEvent(epoch, clock.nowMs()));
  }
}

function returnedEvent(epoch: string, atMs: number): MeterEvent {
  return {
    meterId: null,
    log: 'collector',
    code: 0,
    name: 'clone-suspected',
    sentence: `Hello came with the epoch ${epoch}, which had been left for another one: two devices may use this identity, or an old copy of a journal was played back.`,
    atMs,
    severity: 'alarm',
  };
}
