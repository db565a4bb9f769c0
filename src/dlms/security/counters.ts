/**
 * Invocation counters: 32 bits, one for each key and direction, never the same twice.
 *
 * A sender takes numbers from a block that its owner has stored as used before the first of them is sent, so a power cut
 * loses numbers and never repeats one. A receiver keeps the last number it believed; "nothing seen yet" is a state of its
 * own, because a peer may begin at 0.
 */
import { securityError } from './errors.ts';
import { COUNTER_BLOCK, COUNTER_JUMP_MAX, COUNTER_MAX } from './limits.ts';

/** Numbers of our own messages under one key. */
export class CounterSender {
  #next: number;
  #reservedBelow: number;

  /** `next` is the first number to send, `reservedBelow` the first one not yet stored as used; equal = nothing reserved. */
  constructor(next: number, reservedBelow: number = next) {
    this.#next = Math.max(0, next);
    this.#reservedBelow = Math.min(COUNTER_MAX, Math.max(next, reservedBelow));
  }

  /** A sender whose owner keeps no store: simulators and tests. */
  static unreserved(next: number): CounterSender {
    return new CounterSender(next, COUNTER_MAX);
  }

  /** The number that {@link take} gives next. */
  get next(): number {
    return this.#next;
  }

  /** Numbers that may be used before a new block is needed. */
  get left(): number {
    return Math.max(0, this.#reservedBelow - this.#next);
  }

  /** Whether less than half a block is left: store {@link reservation}, then call {@link extend}. */
  get isLow(): boolean {
    return this.left < COUNTER_BLOCK / 2 && this.#reservedBelow < COUNTER_MAX;
  }

  /** What to store before a block of `count` more may be used: after a restart the sender begins there. */
  reservation(count: number = COUNTER_BLOCK): number {
    return Math.min(COUNTER_MAX, Math.max(this.#next, this.#reservedBelow) + count);
  }

  /** The bound was stored: numbers below it may be used. A lower bound than before changes nothing. */
  extend(reservedBelow: number): void {
    this.#reservedBelow = Math.min(COUNTER_MAX, Math.max(this.#reservedBelow, reservedBelow));
  }

  /** The next number, once. Throws SECURITY_COUNTER_SPENT at the last one, SECURITY_COUNTER_RESERVED without a block. */
  take(): number {
    if (this.#next >= COUNTER_MAX) throw securityError('SECURITY_COUNTER_SPENT', `${COUNTER_MAX}`);
    if (this.#next >= this.#reservedBelow) throw securityError('SECURITY_COUNTER_RESERVED', `${this.#next}`);
    return this.#next++;
  }

  /**
   * The meter says which number it expects; that comes unauthenticated. Moves up to `expected` + 1, so that both readings
   * of the field fit (the last one accepted, or the lowest acceptable). A lower number changes nothing: counters never go
   * back. Throws SECURITY_COUNTER_JUMP beyond `jumpMax`. A block may have to be reserved again.
   */
  raise(expected: number, jumpMax: number = COUNTER_JUMP_MAX): void {
    if (expected - this.#next > jumpMax)
      throw securityError('SECURITY_COUNTER_JUMP', `ours ${this.#next}, the meter's ${expected}`);
    this.#next = Math.min(COUNTER_MAX, Math.max(this.#next, expected + 1));
    // Beyond the stored bound nothing is reserved: `left` is 0 until the next block is stored.
    this.#reservedBelow = Math.max(this.#reservedBelow, this.#next);
  }
}

/** Numbers of a peer's messages under one key. */
export class CounterReceiver {
  #last: number | null;
  #before: number | null;

  /** `last` is the number believed last, null when nothing was seen yet. */
  constructor(last: number | null = null) {
    this.#last = last;
    this.#before = last;
  }

  /** The number believed last, or null. */
  get last(): number | null {
    return this.#last;
  }

  /** The lowest number that would be believed. */
  get expected(): number {
    return this.#last === null ? 0 : Math.min(COUNTER_MAX, this.#last + 1);
  }

  /** Throws SECURITY_REPLAY when the number is not greater than the last one. Call it before opening. */
  check(counter: number): void {
    if (this.#last !== null && counter <= this.#last)
      throw securityError('SECURITY_REPLAY', `${counter} after ${this.#last}`);
  }

  /** Believes a number: call it when the message was opened. Throws SECURITY_REPLAY. */
  accept(counter: number): void {
    this.check(counter);
    this.#before = this.#last;
    this.#last = counter;
  }

  /**
   * Believes the number inside a proof of HLS 5, which was taken before or after that of the message around it: greater
   * than all before that message, and another one. Throws SECURITY_REPLAY.
   */
  acceptInside(counter: number): void {
    const old = this.#before !== null && counter <= this.#before;
    if (old || counter === this.#last)
      throw securityError('SECURITY_REPLAY', `${counter} inside a message with ${this.#last}`);
    this.#last = Math.max(this.#last ?? 0, counter);
  }
}
