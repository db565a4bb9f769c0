/** Watches the silence on a connection for {@link KeepAlive} and keeps what it learnt over restarts. */
import type { Log } from '../../base/log.ts';
import { KeepAlive, type KeepAliveMemory } from './keep-alive.ts';

/** Key under which the journal keeps what was learnt. */
export const KEEP_ALIVE_KEY = 'uplink/keep-alive';

/** A new value costs a sign-on: at most one an hour is tried. */
const RELEARN_INTERVAL_MS = 3_600_000;

/** See the head of the file. */
export class KeepAliveKeeper {
  #strategy = new KeepAlive();
  #quietSinceMs = 0;
  #relearntAtMs: number | null = null;

  constructor(
    private readonly log: Log,
    private readonly keep: (key: string, value: unknown) => void,
  ) {}

  /** Takes what was kept; anything else than our own shape starts learning anew. */
  load(kept: unknown): void {
    this.#strategy = new KeepAlive(isMemory(kept) ? kept : undefined);
  }

  /** Seconds for the next CONNECT. */
  get currentS(): number {
    return this.#strategy.currentS;
  }

  /** Something was sent or received. */
  traffic(nowMs: number): void {
    this.#quietSinceMs = nowMs;
  }

  /** When a quiet stretch, one missed answer to a ping included, is over. */
  get dueMs(): number {
    return this.#quietSinceMs + this.#strategy.currentS * 2_000;
  }

  /** A stretch may be over; true when a longer value should be tried with a new connection. */
  due(nowMs: number, busy: boolean): boolean {
    if (nowMs < this.dueMs) return false;
    this.#quietSinceMs = nowMs;
    this.#strategy.survived();
    const candidateS = this.#strategy.candidateS();
    if (candidateS === null || busy) return false;
    if (this.#relearntAtMs !== null && nowMs - this.#relearntAtMs < RELEARN_INTERVAL_MS) return false;
    this.#relearntAtMs = nowMs;
    this.#strategy.adopt(candidateS);
    this.log.info('uplink.keep-alive-tried', { keepAliveS: candidateS });
    this.keep(KEEP_ALIVE_KEY, this.#strategy.memory());
    return true;
  }

  /** The connection was lost without our doing. */
  lost(nowMs: number): void {
    const beforeS = this.#strategy.currentS;
    this.#strategy.lost(nowMs - this.#quietSinceMs);
    if (this.#strategy.currentS === beforeS) return;
    this.log.info('uplink.keep-alive-shortened', { keepAliveS: this.#strategy.currentS });
    this.keep(KEEP_ALIVE_KEY, this.#strategy.memory());
  }
}

function isMemory(value: unknown): value is KeepAliveMemory {
  if (typeof value !== 'object' || value === null) return false;
  const { currentS, goodS, badS } = value as Record<string, unknown>;
  return typeof currentS === 'number' && typeof goodS === 'number' && (badS === null || typeof badS === 'number');
}
