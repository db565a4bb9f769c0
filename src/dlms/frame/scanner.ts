/**
 * Finds frames in a stream of octets, and loses nothing: every octet is in a frame, in fill between frames, or in a
 * `discarded` event.
 *
 * Plan: a rule (HDLC, wrapper, M-Bus) looks at a candidate that begins with its start octet and says accept, reject or
 * more. A rejected candidate loses its first octet only, and the search goes on in the octets that it had claimed, so a
 * good frame behind (or inside) a bad one is always found. Decisions depend on octets alone, so any split of the stream
 * gives the same events. What was given up: a broken frame with a good header holds the following one back until its
 * declared length has arrived or the line has been silent for `gapMs`.
 */

import type { FrameErrorCode } from './errors.ts';
import { NOISE_RUN_MAX_BYTES } from './limits.ts';
import { ReceiveBuffer } from './receive-buffer.ts';

/** What a rule says about a candidate. */
export type Verdict<Frame> =
  /** Undecided until `total` octets are there; `settled` when the candidate may as well be fill and need not be missed. */
  | { readonly kind: 'more'; readonly total: number; readonly settled?: boolean }
  /** Fill between frames, not noise. */
  | { readonly kind: 'idle'; readonly used: number }
  /** Not a frame; `extent` is how many octets it claimed. */
  | { readonly kind: 'reject'; readonly code: FrameErrorCode; readonly extent: number }
  /** A frame of `used` octets, of which the last `shared` may also begin the next one. */
  | { readonly kind: 'accept'; readonly frame: Frame; readonly used: number; readonly shared: number };

/** How one kind of frame is recognised. */
export interface FrameRule<Frame> {
  /** The first octet of every frame. */
  readonly start: number;
  /** Judges the octets from a start octet on; the view is lent. */
  examine(view: Uint8Array): Verdict<Frame>;
}

/** Octets that belong to no frame, and why. */
export interface Discarded {
  readonly kind: 'discarded';
  readonly code: FrameErrorCode;
  readonly octets: Uint8Array;
}

/** A frame with its octets as they came. */
export interface ScannedFrame<Frame> {
  readonly kind: 'frame';
  readonly frame: Frame;
}

/** Codes that say "probably never was a frame": they do not begin a new `discarded` event inside a run of noise. */
const WEAK: ReadonlySet<FrameErrorCode> = new Set([
  'FRAME_NOISE',
  'HDLC_FORMAT',
  'HDLC_LENGTH',
  'MBUS_START',
  'WRAPPER_VERSION',
]);

/** A chunk is looked at in slices of one frame, so the search for start octets stays linear in what arrives. */
const SLICE_BYTES = 2_048;

/** Splits a stream into frames and noise. */
export class FrameScanner<Frame> {
  readonly #rules: readonly FrameRule<Frame>[];
  readonly #gapMs: number;
  readonly #buffer = new ReceiveBuffer();
  readonly #noise = new ReceiveBuffer();
  #noiseCode: FrameErrorCode = 'FRAME_NOISE';
  /** Why the frame was rejected whose octets come next: its first one may be the end of a good frame and no noise. */
  #rejected: FrameErrorCode | null = null;
  /** Octets at the start of the buffer that were already part of a frame or fill. */
  #free = 0;
  /** Octets still inside the claim of a rejected candidate. */
  #suspect = 0;
  /** Octets that the candidate at the start of the buffer wants before it is looked at again. */
  #wanted = 0;
  #settled = true;
  #lastAtMs = 0;

  constructor(rules: readonly FrameRule<Frame>[], gapMs: number) {
    this.#rules = rules;
    this.#gapMs = gapMs;
  }

  /** Whether a frame has begun and not ended, and its last octet is younger than the gap. */
  isInside(nowMs: number): boolean {
    return !this.#settled && this.#buffer.length > 0 && nowMs - this.#lastAtMs < this.#gapMs;
  }

  /** Takes octets as they came. */
  receive(chunk: Uint8Array, nowMs: number): (ScannedFrame<Frame> | Discarded)[] {
    const events: (ScannedFrame<Frame> | Discarded)[] = [];
    if (chunk.length > 0) this.#lastAtMs = nowMs;
    for (let at = 0; at < chunk.length; at += SLICE_BYTES) {
      this.#buffer.append(chunk.subarray(at, at + SLICE_BYTES));
      if (this.#buffer.length >= this.#wanted) this.#scan(false, events);
    }
    return events;
  }

  /** When {@link tick} gives up what is unfinished, or null. */
  deadlineMs(): number | null {
    const pending = this.#noise.length > 0 || (!this.#settled && this.#buffer.length > 0);
    return pending ? this.#lastAtMs + this.#gapMs : null;
  }

  /** Gives up what is unfinished when the gap has passed. */
  tick(nowMs: number): (ScannedFrame<Frame> | Discarded)[] {
    const deadline = this.deadlineMs();
    return deadline === null || nowMs < deadline ? [] : this.flush();
  }

  /** Gives up what is unfinished now, as after the end of a stream. */
  flush(): (ScannedFrame<Frame> | Discarded)[] {
    const events: (ScannedFrame<Frame> | Discarded)[] = [];
    this.#scan(true, events);
    this.#flushNoise(events);
    return events;
  }

  #scan(ended: boolean, events: (ScannedFrame<Frame> | Discarded)[]): void {
    this.#wanted = 0;
    this.#settled = true;
    while (this.#buffer.length > 0) {
      const view = this.#buffer.view();
      const [at, rule] = this.#candidate(view);
      if (rule === undefined || at > 0) {
        this.#discard(rule === undefined ? view.length : at, 'FRAME_NOISE', events);
        continue;
      }
      const verdict = rule.examine(view);
      if (verdict.kind === 'more') {
        if (!ended || verdict.settled === true) {
          this.#wanted = verdict.total;
          this.#settled = verdict.settled === true;
          break;
        }
        this.#reject('FRAME_GAP', view.length, events);
      } else if (verdict.kind === 'reject') this.#reject(verdict.code, verdict.extent, events);
      else this.#take(verdict, events);
    }
  }

  #candidate(view: Uint8Array): [at: number, rule: FrameRule<Frame> | undefined] {
    let at = view.length;
    let rule: FrameRule<Frame> | undefined;
    for (const candidate of this.#rules) {
      const found = view.subarray(0, at).indexOf(candidate.start);
      if (found >= 0 && found < at) {
        at = found;
        rule = candidate;
      }
    }
    return [at, rule];
  }

  #take(
    verdict: Extract<Verdict<Frame>, { kind: 'accept' | 'idle' }>,
    events: (ScannedFrame<Frame> | Discarded)[],
  ): void {
    if (verdict.kind === 'idle') {
      this.#drop(verdict.used);
      this.#free = Math.max(this.#free, 1);
      return;
    }
    this.#flushNoise(events);
    this.#rejected = null;
    this.#drop(verdict.used - verdict.shared);
    this.#free = verdict.shared;
    this.#suspect = 0;
    events.push({ kind: 'frame', frame: verdict.frame });
  }

  #reject(code: FrameErrorCode, extent: number, events: (ScannedFrame<Frame> | Discarded)[]): void {
    if (!WEAK.has(code) && this.#suspect === 0) {
      this.#flushNoise(events);
      this.#suspect = extent;
      this.#rejected = code;
    }
    this.#discard(1, code, events);
  }

  /** Moves octets from the buffer to the current run of noise. */
  #discard(count: number, code: FrameErrorCode, events: (ScannedFrame<Frame> | Discarded)[]): void {
    let at = Math.min(this.#free, count);
    const octets = this.#buffer.view();
    while (at < count) {
      if (this.#noise.length === 0) this.#noiseCode = this.#rejected ?? code;
      this.#rejected = null;
      const piece = Math.min(count - at, NOISE_RUN_MAX_BYTES - this.#noise.length);
      this.#noise.append(octets.subarray(at, at + piece));
      at += piece;
      if (this.#noise.length === NOISE_RUN_MAX_BYTES) this.#flushNoise(events);
    }
    this.#drop(count);
  }

  #drop(count: number): void {
    this.#buffer.drop(count);
    this.#free = Math.max(0, this.#free - count);
    this.#suspect = Math.max(0, this.#suspect - count);
  }

  #flushNoise(events: (ScannedFrame<Frame> | Discarded)[]): void {
    if (this.#noise.length === 0) return;
    events.push({ kind: 'discarded', code: this.#noiseCode, octets: this.#noise.view().slice() });
    this.#noise.drop(this.#noise.length);
  }
}
