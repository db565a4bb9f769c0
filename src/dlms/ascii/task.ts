/** What a reader of ASCII meters is asked for, how it goes about it, and what it tells (IEC 62056-21, modes A, B and C). */
import type { SerialSettings } from '../../base/env.ts';
import type { DeltawattError } from '../../base/errors.ts';
import type { Identification } from '../frame/iec62056-21.machine.ts';

/** What is wanted of a meter. */
export type AsciiTask = {
  /** Device address, up to 32 characters; empty = whoever listens. */
  readonly address: string;
} & (
  | { readonly kind: 'read-out' }
  | {
      readonly kind: 'commands';
      /** For P1; null = none is given. */
      readonly password: string | null;
      /** Sent one after the other, each when the one before was answered. */
      readonly commands: readonly AsciiCommand[];
    }
);

/** A command of the programming mode: `R5` or `R6` with its data, as `P.01(02603010000;02603020000)`. */
export interface AsciiCommand {
  readonly name: string;
  readonly text: string;
}

/** Settings; times in ms. */
export interface AsciiOptions {
  /** Speed of the request, Bd. */
  readonly startBaud: number;
  /** Fastest speed that head and line follow, Bd. */
  readonly maxBaud: number;
  /** Octets 00 before the request: wakes heads and meters on batteries. */
  readonly wakeOctets: number;
  /** Pause before the first request. */
  readonly openMs: number;
  /** Wait for the first octet of an answer. */
  readonly reactionMs: number;
  /** Silence inside an answer after which it is given up. */
  readonly gapMs: number;
  /** From the last octet that was sent to the change of speed, and the silence before a broken message is asked for again. */
  readonly drainMs: number;
  /** Pause after a meter was told to end what it does. */
  readonly recoverMs: number;
  /** Sign-ons in all. */
  readonly attempts: number;
  /** NAKs for one message. */
  readonly repeats: number;
}

/** Values that suit most meters. */
export const ASCII_DEFAULTS: AsciiOptions = {
  startBaud: 300,
  maxBaud: 9_600,
  wakeOctets: 0,
  openMs: 0,
  reactionMs: 2_000,
  gapMs: 1_500,
  drainMs: 100,
  recoverMs: 1_500,
  attempts: 3,
  repeats: 2,
};

/** What it tells. */
export type AsciiEvent =
  /** Give the line these settings, then call `changed`. */
  | { readonly kind: 'line'; readonly settings: SerialSettings }
  /** The data message, or one text for each command. */
  | { readonly kind: 'read'; readonly identification: Identification; readonly texts: readonly string[] }
  /** IEC_NO_ANSWER, IEC_GARBLED, IEC_CHECK, IEC_TOO_LONG, IEC_REFUSED, IEC_PASSWORD. `heard` = octets that came. */
  | { readonly kind: 'failed'; readonly error: DeltawattError; readonly heard: number };
