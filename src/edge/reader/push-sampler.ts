/**
 * Pushes come every few seconds, billing wants one a period: the latest of each list waits in memory and is stored once a
 * period. The first one is stored at once, so that a new meter is seen; a list that comes more slowly is stored as it comes.
 * Pure. Given up: what came in between; on a power cut, the latest of each list.
 */
import { PUSH_LISTS_MAX } from '../limits.ts';

interface Sampled<Content> {
  storedAtMs: number;
  latest: Content | null;
}

/** Keeps the latest content of each list. */
export class PushSampler<Content> {
  readonly #lists = new Map<string, Sampled<Content>>();

  constructor(private readonly periodMs: number) {}

  /** A list came; gives it back when it is to be stored now. */
  offer(list: string, content: Content, nowMs: number): Content | null {
    const known = this.#lists.get(list);
    if (known === undefined || nowMs - known.storedAtMs >= this.periodMs) {
      if (known === undefined && this.#lists.size >= PUSH_LISTS_MAX) return content;
      this.#lists.set(list, { storedAtMs: nowMs, latest: null });
      return content;
    }
    known.latest = content;
    return null;
  }

  /** What is due to be stored. */
  due(nowMs: number): readonly Content[] {
    const contents: Content[] = [];
    for (const known of this.#lists.values()) {
      if (known.latest === null || nowMs - known.storedAtMs < this.periodMs) continue;
      contents.push(known.latest);
      known.latest = null;
      known.storedAtMs = nowMs;
    }
    return contents;
  }

  /** Everything that waits, for a graceful stop. */
  rest(): readonly Content[] {
    const contents = [...this.#lists.values()].flatMap(({ latest }) => (latest === null ? [] : [latest]));
    for (const known of this.#lists.values()) known.latest = null;
    return contents;
  }

  /** When {@link due} has something, or null. */
  dueAtMs(): number | null {
    const times = [...this.#lists.values()].flatMap((known) =>
      known.latest === null ? [] : [known.storedAtMs + this.periodMs],
    );
    return times.length === 0 ? null : Math.min(...times);
  }
}
