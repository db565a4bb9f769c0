/** How meters without associations are asked: what each protocol brings, and what it works with. */
import type { ByteDuplex } from '../../base/env.ts';
import type { LineDriver } from '../../link/drive.ts';
import type { LineLink } from '../../link/link.ts';
import type { ReadJob } from '../../profile/plan.ts';
import type { ReadContext, ReadoutProblem } from '../../profile/readout.ts';
import type { Entry, Meter, ReadingStage } from '../ports.ts';

/** What is said to the meters of a line, and what becomes of it. */
export interface PlainWay {
  /** Runs one slice of a job; true when more is waiting. Rejects with whatever kept it from its end. */
  run(meter: Meter, job: ReadJob, desk: PlainDesk): Promise<boolean>;
}

/** What a way works with. */
export interface PlainDesk {
  readonly link: LineLink;
  /** The line, opened by `open` when it is not. Rejects with LINK_OPEN. */
  line(open: () => Promise<ByteDuplex>): Promise<LineDriver>;
  /** Gives the line up: the next job opens it anew. */
  closeLine(): void;
  /** What a reading is made with; throws READER_CLOCK_UNSET while nobody knows the time. */
  context(meter: Meter): ReadContext & { readonly nowMs: number };
  /** Hands something to the stage. */
  put(part: Partial<Entry>): Promise<void>;
  watermark: ReadingStage['watermark'];
  /** Counts and logs what of an answer could not be used. */
  tell(meter: Meter, problems: readonly ReadoutProblem[]): void;
  /** Another meter answers where this one is entered: told once by an event. Throws READER_SUB_METER_GONE. */
  exchanged(meter: Meter, wanted: string, other: string): Promise<never>;
  /** The right one answers. */
  isThere(meter: Meter): void;
}
