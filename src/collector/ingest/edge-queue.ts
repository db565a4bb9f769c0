/**
 * Messages of one edge that wait to be dealt with. Blocks of an urgent lane overtake those of lanes that can wait, for each
 * lane is a chain of its own; nothing overtakes a control message, nor a message of its own rank.
 */
import { decodeHeader } from '../../wire/block.ts';
import { LANES } from '../../wire/lanes.ts';
import { splitBatch } from '../../wire/topics.ts';
import type { Rank } from './turns.ts';

/** A message as it came, on the topic leaf of blocks (`b`) or of control (`c`). */
export interface Task {
  readonly leaf: 'b' | 'c';
  readonly payload: Uint8Array;
  readonly rank: Rank;
  /** It is dealt with. */
  readonly done: () => void;
}

/** The queue; bounds are the owner's. */
export class EdgeQueue {
  readonly #tasks: Task[] = [];

  /** Messages that wait. */
  get length(): number {
    return this.#tasks.length;
  }

  /** What comes next, or undefined. */
  get first(): Task | undefined {
    return this.#tasks[0];
  }

  /** The most urgent that waits, wherever it stands: what is ahead of a control message is in its way. */
  get rank(): Rank {
    return this.#tasks.some(({ rank }) => rank === 0) ? 0 : 1;
  }

  /** Adds a message behind those that it may not overtake. */
  add(task: Task): void {
    let at = this.#tasks.length;
    if (task.leaf === 'b') while (at > 0 && mayOvertake(task, this.#tasks[at - 1])) at--;
    this.#tasks.splice(at, 0, task);
  }

  /** Takes the next control message, or the block messages of one rank that stand first, up to `maxOctets` but one at least. */
  take(maxOctets: number): readonly Task[] {
    const first = this.#tasks.shift();
    if (first === undefined) return [];
    const batch = [first];
    let octets = first.payload.length;
    while (first.leaf === 'b') {
      const next = this.#tasks[0];
      if (next?.leaf !== 'b' || next.rank !== first.rank || octets + next.payload.length > maxOctets) break;
      this.#tasks.shift();
      batch.push(next);
      octets += next.payload.length;
    }
    return batch;
  }
}

function mayOvertake(task: Task, other: Task | undefined): boolean {
  return other?.leaf === 'b' && task.rank < other.rank;
}

/** Control messages and lanes 0 and 1 are urgent; octets that are no block are not. */
export function rankOf(leaf: Task['leaf'], payload: Uint8Array): Rank {
  if (leaf === 'c') return 0;
  try {
    const [first] = splitBatch(payload);
    return first !== undefined && decodeHeader(first).lane <= LANES.results ? 0 : 1;
  } catch {
    return 1;
  }
}
