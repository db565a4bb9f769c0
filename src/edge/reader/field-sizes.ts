/**
 * How long the information fields of HDLC frames to and from a meter may be: as its profile says on a quiet line, shorter on
 * a noisy one. One bit that is altered costs a whole frame, so long frames hardly pass where short ones do.
 *
 * Two frames with wrong checksums within one association halve the length for the next one, or that of the longest of them; a day without any doubles it
 * again, up to the profile's. After a restart it goes on where it was: see known-ways.ts.
 */
import type { FrameErrorCode } from '../../dlms/frame/errors.ts';
import { HDLC_INFORMATION_MIN_BYTES } from '../../dlms/frame/limits.ts';
import type { MeterId } from '../../model/ids.ts';

const FAILURES_TO_HALVE = 2;
const QUIET_MS = 86_400_000;

const CHECKSUMS: ReadonlySet<string> = new Set<FrameErrorCode>(['HDLC_HCS_MISMATCH', 'HDLC_FCS_MISMATCH']);

interface Learnt {
  octets: number;
  /** Wrong checksums since the association began. */
  failures: number;
  /** Octets of the longest of these frames. */
  longest: number;
  /** When the last one came, or the length was raised, monotonic ms. */
  quietSinceMs: number;
}

/** Lengths of the meters of one line that are not as their profiles say. */
export class FieldSizes {
  readonly #learnt = new Map<MeterId, Learnt>();

  /** What was learnt before a restart, octets. */
  recall(meterId: MeterId, octets: number, nowMs: number): void {
    if (!this.#learnt.has(meterId)) this.#learnt.set(meterId, { octets, failures: 0, longest: 0, quietSinceMs: nowMs });
  }

  /** Length for the association that begins now, octets; `most` is the profile's. */
  begin(meterId: MeterId, most: number, nowMs: number): number {
    const learnt = this.#learnt.get(meterId);
    if (learnt === undefined) return most;
    if (learnt.failures >= FAILURES_TO_HALVE)
      // Where short frames fail already, the way down from the profile's length is left out.
      learnt.octets = Math.max(HDLC_INFORMATION_MIN_BYTES, Math.min(most, learnt.octets, learnt.longest) >>> 1);
    else if (nowMs - learnt.quietSinceMs >= QUIET_MS) {
      learnt.octets = Math.min(most, learnt.octets * 2);
      learnt.quietSinceMs = nowMs;
    }
    learnt.failures = 0;
    learnt.longest = 0;
    return Math.min(most, learnt.octets);
  }

  /** So many octets came during the meter's association that could not be used. */
  discarded(meterId: MeterId, code: string, octets: number, nowMs: number): void {
    if (!CHECKSUMS.has(code)) return;
    const unlearnt = { octets: Number.MAX_SAFE_INTEGER, failures: 0, longest: 0, quietSinceMs: nowMs };
    const learnt = this.#learnt.get(meterId) ?? unlearnt;
    learnt.failures++;
    learnt.longest = Math.max(learnt.longest, octets);
    learnt.quietSinceMs = nowMs;
    this.#learnt.set(meterId, learnt);
  }
}
