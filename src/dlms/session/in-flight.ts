/**
 * Requests that are on their way, told apart by their invoke ids. How many there may be says the link: one where the sides
 * take turns, up to 16 on a connection that carries both ways at once.
 */
import { INVOKE_IDS } from '../frame/limits.ts';
import type { Job } from './job.ts';
import { Patience } from './patience.ts';

/** One request on its way. */
export interface Asked {
  readonly job: Job;
  readonly invokeId: number;
  readonly patience: Patience;
  /** When its first APDU went out. */
  readonly begunAtMs: number;
  retriesLeft: number;
}

/** The requests of one association that wait for an answer. */
export class InFlight {
  #most: number;
  readonly #timeoutMs: number;
  readonly #asked = new Map<number, Asked>();
  #lastId = 0;

  /** `most` requests at once, 1 to 16. */
  constructor(most: number, timeoutMs: number) {
    this.#most = Math.max(1, Math.min(most, INVOKE_IDS));
    this.#timeoutMs = timeoutMs;
  }

  /** From now on one at a time. */
  oneAtATime(): void {
    this.#most = 1;
  }

  /** Whether another request has to wait. */
  get isFull(): boolean {
    return this.#asked.size >= this.#most;
  }

  /** Whether nothing is on its way. */
  get isEmpty(): boolean {
    return this.#asked.size === 0;
  }

  /** Everything on its way, oldest first. */
  all(): readonly Asked[] {
    return [...this.#asked.values()];
  }

  /** An invoke id that nobody uses now. */
  nextInvokeId(): number {
    do this.#lastId = (this.#lastId + 1) % INVOKE_IDS;
    while (this.#asked.has(this.#lastId) && this.#asked.size < INVOKE_IDS);
    return this.#lastId;
  }

  /** A job goes out under an id of {@link nextInvokeId}. */
  put(job: Job, invokeId: number, retriesLeft: number, nowMs: number): Asked {
    const asked = { job, invokeId, retriesLeft, begunAtMs: nowMs, patience: new Patience(this.#timeoutMs) };
    this.#asked.set(invokeId, asked);
    return asked;
  }

  /** The request of a job. */
  ofJob(id: number): Asked | undefined {
    return this.all().find(({ job }) => job.id === id);
  }

  /** It is over. */
  remove({ invokeId }: Asked): void {
    this.#asked.delete(invokeId);
  }

  /** When the first wait is over, ms, or null. */
  get deadlineMs(): number | null {
    const due = this.all().flatMap(({ patience }) => patience.byMs ?? []);
    return due.length === 0 ? null : Math.min(...due);
  }

  /** Those that were waited for too long. */
  due(nowMs: number): readonly Asked[] {
    return this.all().filter(({ patience }) => patience.isOver(nowMs));
  }
}
