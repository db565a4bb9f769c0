/**
 * Acks of one edge that wait for each other: blocks of several lanes leave an edge together and come as messages of their
 * own, and one ack for several lanes costs little more than one for one lane.
 */
import type { Lane } from '../../wire/lanes.ts';
import type { LaneUpTo } from '../../wire/messages.ts';
import { ACKS_HELD_BATCHES } from './limits.ts';

/** What is stored and not yet acknowledged. */
export class HeldAcks {
  readonly #upTo = new Map<Lane, number>();
  #batches = 0;

  /** A lane is stored up to here. */
  hold(lane: Lane, upTo: number): void {
    this.#upTo.set(lane, upTo);
  }

  /** After each batch: what is to be told now; nothing while more blocks wait, for {@link ACKS_HELD_BATCHES} batches at most. */
  settle(moreWait: boolean): readonly LaneUpTo[] {
    this.#batches += 1;
    return moreWait && this.#batches <= ACKS_HELD_BATCHES ? [] : this.take();
  }

  /** Everything that is held; nothing is held afterwards. */
  take(): readonly LaneUpTo[] {
    const lanes = [...this.#upTo].map(([lane, upTo]) => ({ lane, upTo }));
    this.#upTo.clear();
    this.#batches = 0;
    return lanes;
  }
}
