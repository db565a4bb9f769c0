/**
 * A line that takes its time. A pseudo-terminal passes octets at once whatever its baud rate says, so the simulator keeps
 * the pace: an octet arrives when its last bit would have, in both directions, and both share one pair of wires.
 *
 * Plan: what is due is handed on in pieces of a few milliseconds; the schedule is absolute (start of the burst + octets x
 * time of one), so that late timers do not add up and the line reaches its full rate over a burst.
 */
import type { ByteDuplex, DuplexListener, Env, Timer } from '../../base/env.ts';
import { simError } from '../errors.ts';
import { PACED_PENDING_MAX_OCTETS } from '../limits.ts';

/** Pieces of this length: shorter than any timeout of a client, long enough for a timer. */
const PIECE_MS = 4;

interface Piece {
  readonly octets: Uint8Array;
  readonly deliver: (octets: Uint8Array) => void;
}

/** A paced line around another one. */
export class PacedDuplex implements ByteDuplex {
  readonly #queue: Piece[] = [];
  #pendingOctets = 0;
  #freeAtMs = 0;
  #timer: Timer | null = null;

  constructor(
    private readonly inner: ByteDuplex,
    private readonly octetMs: number,
    private readonly env: Pick<Env, 'clock' | 'timers'>,
  ) {}

  get peer(): string {
    return this.inner.peer;
  }

  write(octets: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      const pieces = this.#cut(octets);
      pieces.forEach((piece, at) => {
        this.#enqueue(piece, (due) => {
          const written = this.inner.write(due);
          if (at === pieces.length - 1) written.then(resolve, reject);
          else written.catch(reject);
        });
      });
      if (pieces.length === 0) resolve();
    });
  }

  listen(listener: DuplexListener): void {
    this.inner.listen({
      data: (chunk) => {
        for (const piece of this.#cut(chunk)) this.#enqueue(piece, (due) => listener.data(due));
      },
      closed: (reason) => {
        this.#stop();
        listener.closed(reason);
      },
    });
  }

  close(): void {
    this.#stop();
    this.inner.close();
  }

  #cut(octets: Uint8Array): Uint8Array[] {
    const size = Math.max(1, Math.floor(PIECE_MS / this.octetMs));
    const pieces: Uint8Array[] = [];
    for (let at = 0; at < octets.length; at += size) pieces.push(octets.slice(at, at + size));
    return pieces;
  }

  #enqueue(octets: Uint8Array, deliver: (octets: Uint8Array) => void): void {
    this.#pendingOctets += octets.length;
    if (this.#pendingOctets > PACED_PENDING_MAX_OCTETS)
      throw simError('SIM_OVERRUN', `${this.peer}: ${this.#pendingOctets} octets wait`);
    this.#queue.push({ octets, deliver });
    if (this.#timer === null) this.#arm();
  }

  #arm(): void {
    const piece = this.#queue[0];
    if (piece === undefined) return;
    const nowMs = this.env.clock.monotonicMs();
    const dueMs = Math.max(nowMs, this.#freeAtMs) + piece.octets.length * this.octetMs;
    this.#timer = this.env.timers.after(Math.max(0, dueMs - nowMs), () => this.#deliver(piece, dueMs));
  }

  #deliver(piece: Piece, dueMs: number): void {
    this.#timer = null;
    this.#queue.shift();
    this.#pendingOctets -= piece.octets.length;
    // A burst goes on from when this piece was due, not from when the timer came.
    this.#freeAtMs = dueMs;
    piece.deliver(piece.octets);
    if (this.#timer === null) this.#arm();
  }

  #stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#queue.length = 0;
  }
}
