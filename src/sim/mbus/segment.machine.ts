/**
 * A piece of wired M-Bus with its meters: hears the master's frames and gives their answers. Where several speak at once, their
 * octets lie over one another as currents add up on the wire: a space of any is a space of all.
 */
import { concat } from '../../base/bytes.ts';
import type { Machine } from '../../base/machine.ts';
import { isMbusError } from '../../mbus/errors.ts';
import { decodeLinkFrame, encodeLinkFrame, type MbusLinkFrame } from '../../mbus/frame.ts';
import { FRAME_MAX_OCTETS } from '../../mbus/limits.ts';
import type { MbusSlave } from './slave.ts';

/** A frame of the master was heard, and answered by so many. */
export interface SegmentEvent {
  readonly kind: 'heard';
  readonly answers: number;
}

/** What is wrong with the wire. */
export interface SegmentFaults {
  /** The next so many answers are lost. */
  loseAnswers: number;
  /** The next so many answers have an octet altered. */
  alterAnswers: number;
}

/** See the head of the file. */
export class MbusSegment implements Machine<SegmentEvent> {
  readonly faults: SegmentFaults = { loseAnswers: 0, alterAnswers: 0 };
  #heard: Uint8Array = new Uint8Array(0);
  #silentAtMs: number | null = null;
  #output: Uint8Array[] = [];

  constructor(
    private readonly slaves: readonly MbusSlave[],
    /** Silence after which what was heard is no frame any more, ms. */
    private readonly gapMs: number,
  ) {}

  receive(chunk: Uint8Array, nowMs: number): SegmentEvent[] {
    this.#heard = concat([this.#heard, chunk]).subarray(-FRAME_MAX_OCTETS);
    this.#silentAtMs = nowMs + this.gapMs;
    const events: SegmentEvent[] = [];
    for (;;) {
      const frame = this.#take();
      if (frame === null) return events;
      events.push({ kind: 'heard', answers: this.#answer(frame) });
    }
  }

  takeOutput(): Uint8Array[] {
    const output = this.#output;
    this.#output = [];
    return output;
  }

  deadlineMs(): number | null {
    return this.#silentAtMs;
  }

  tick(nowMs: number): SegmentEvent[] {
    if (this.#silentAtMs === null || nowMs < this.#silentAtMs) return [];
    this.#silentAtMs = null;
    this.#heard = new Uint8Array(0);
    return [];
  }

  #take(): MbusLinkFrame | null {
    try {
      const decoded = decodeLinkFrame(this.#heard);
      if (decoded === null) return null;
      this.#heard = this.#heard.subarray(decoded.used);
      return decoded.frame;
    } catch (error) {
      if (!isMbusError(error)) throw error;
      this.#heard = new Uint8Array(0);
      return null;
    }
  }

  #answer(frame: MbusLinkFrame): number {
    const answers = this.slaves.flatMap((slave) => {
      const answer = slave.hear(frame);
      return answer === null ? [] : [encodeLinkFrame(answer)];
    });
    if (answers.length === 0) return 0;
    if (this.faults.loseAnswers > 0) {
      this.faults.loseAnswers--;
      return answers.length;
    }
    const laid = overlaid(answers);
    if (this.faults.alterAnswers > 0) {
      this.faults.alterAnswers--;
      this.#output.push(laid.map((octet, at) => (at === laid.length >> 1 ? octet ^ 0x10 : octet)));
    } else this.#output.push(laid);
    return answers.length;
  }
}

function overlaid(answers: readonly Uint8Array[]): Uint8Array {
  const length = Math.max(...answers.map((answer) => answer.length));
  return Uint8Array.from({ length }, (_, at) => answers.reduce((octet, answer) => octet & (answer[at] ?? 0xff), 0xff));
}
