/**
 * Master of a wired M-Bus (EN 13757-2): one request at a time, repeated when nobody answers or the answer is broken, with a
 * frame count bit that tells a meter whether it is asked again for the same telegram or for the next one.
 *
 * A read-out initialises the meter (SND_NKE), or selects it by its identity, and asks (REQ_UD2) until it has no more
 * telegrams. Selecting with F in some digits is how meters are searched for (search.ts): then broken answers say that there
 * are several. Given up: other baud rates, REQ_UD1 (alarms), user data to meters.
 */
import { ByteWriter, concat } from '../base/bytes.ts';
import type { DeltawattError } from '../base/errors.ts';
import type { Machine } from '../base/machine.ts';
import { isMbusError, mbusError } from './errors.ts';
import {
  ADDRESS,
  CONTROL,
  decodeLinkFrame,
  encodeLinkFrame,
  FRAME_COUNT_BIT,
  INFORMATION,
  type MbusLinkFrame,
} from './frame.ts';
import type { MbusIdentity } from './identity.ts';
import {
  ANSWER_BASE_MS,
  ANSWER_BITS,
  ANSWER_SLACK_MS,
  FRAME_MAX_OCTETS,
  REPEATS_MAX,
  TELEGRAMS_MAX,
} from './limits.ts';
import { decodeTelegram, type MbusTelegram, writeIdentity } from './telegram.ts';

/** Whom to read: by primary address (1 to 250, 254 = the only one), or by identity, F in its number for any digit. */
export type MbusTarget = { readonly primary: number } | { readonly secondary: MbusIdentity };

/** How a read-out ended. */
export type MbusEvent =
  | { readonly kind: 'read'; readonly telegrams: readonly MbusTelegram[] }
  /** `wasHeard` = octets came that were no answer: several meters speak, or the line is bad. */
  | { readonly kind: 'failed'; readonly error: DeltawattError; readonly wasHeard: boolean };

/** What a line is like. */
export interface MbusLineOptions {
  /** Time of one octet, ms; 0 = no telling. */
  readonly octetMs: number;
  /** Longest silence inside a frame, ms. */
  readonly gapMs: number;
  /** Repeats of a request; absent = {@link REPEATS_MAX}. */
  readonly repeats?: number;
}

/** Bit times of an octet on an M-Bus: start, eight data bits, parity, stop. */
const OCTET_BITS = 11;

type Step = 'deselect' | 'initialize' | 'select' | 'read';

interface Task {
  readonly address: number;
  readonly target: MbusTarget;
  readonly telegrams: MbusTelegram[];
  step: Step;
  attempts: number;
  frameCount: boolean;
  wasHeard: boolean;
}

/** See the head of the file. */
export class MbusMaster implements Machine<MbusEvent> {
  readonly #options: MbusLineOptions;
  readonly #answerMs: number;
  #task: Task | null = null;
  #output: Uint8Array[] = [];
  #heard: Uint8Array = new Uint8Array(0);
  #deadlineMs: number | null = null;

  constructor(options: MbusLineOptions) {
    this.#options = options;
    this.#answerMs = ANSWER_BASE_MS + ANSWER_SLACK_MS + (ANSWER_BITS / OCTET_BITS) * options.octetMs;
  }

  /** Whether a read-out is under way. */
  get isBusy(): boolean {
    return this.#task !== null;
  }

  /** Begins a read-out; its end is an event. */
  read(target: MbusTarget, nowMs: number): void {
    const isPrimary = 'primary' in target;
    const address = isPrimary ? target.primary : ADDRESS.selected;
    const step = isPrimary ? 'initialize' : 'deselect';
    this.#task = { address, target, telegrams: [], step, attempts: 0, frameCount: true, wasHeard: false };
    this.#send(this.#task, nowMs);
  }

  receive(chunk: Uint8Array, nowMs: number): MbusEvent[] {
    const task = this.#task;
    if (task === null) return [];
    task.wasHeard = true;
    // More than a frame is noise; what was heard is judged when it falls silent.
    this.#heard = concat([this.#heard, chunk]).subarray(-FRAME_MAX_OCTETS);
    this.#deadlineMs = nowMs + Math.max(this.#options.gapMs, this.#options.octetMs * 2);
    try {
      const decoded = decodeLinkFrame(this.#heard);
      return decoded === null || decoded.used < this.#heard.length ? [] : this.#answered(task, decoded.frame, nowMs);
    } catch (error) {
      if (!isMbusError(error)) throw error;
      return [];
    }
  }

  takeOutput(): Uint8Array[] {
    const output = this.#output;
    this.#output = [];
    return output;
  }

  deadlineMs(): number | null {
    return this.#deadlineMs;
  }

  tick(nowMs: number): MbusEvent[] {
    const task = this.#task;
    if (task === null || this.#deadlineMs === null || nowMs < this.#deadlineMs) return [];
    const heard = this.#heard;
    // Nobody needs to answer when nobody was selected.
    if (task.step === 'deselect') return this.#next(task, 'select', nowMs);
    if (task.attempts <= (this.#options.repeats ?? REPEATS_MAX)) {
      this.#send(task, nowMs);
      return [];
    }
    return this.#fail(task, heard);
  }

  #answered(task: Task, frame: MbusLinkFrame, nowMs: number): MbusEvent[] {
    if (task.step !== 'read') {
      if (frame.kind !== 'acknowledge') return [];
      return this.#next(task, task.step === 'deselect' ? 'select' : 'read', nowMs);
    }
    if (frame.kind !== 'long' || (frame.control & 0x0f) !== CONTROL.respond) return [];
    try {
      task.telegrams.push(decodeTelegram(frame.information, frame.data));
    } catch (error) {
      if (!isMbusError(error)) throw error;
      return this.#ended({ kind: 'failed', error, wasHeard: true });
    }
    const last = task.telegrams.at(-1);
    if (last?.moreFollows !== true || task.telegrams.length >= TELEGRAMS_MAX)
      return this.#ended({ kind: 'read', telegrams: task.telegrams });
    task.frameCount = !task.frameCount;
    return this.#next(task, 'read', nowMs);
  }

  #next(task: Task, step: Step, nowMs: number): MbusEvent[] {
    task.step = step;
    task.attempts = 0;
    task.wasHeard = false;
    this.#send(task, nowMs);
    return [];
  }

  #send(task: Task, nowMs: number): void {
    task.attempts++;
    this.#heard = new Uint8Array(0);
    const octets = encodeLinkFrame(requestOf(task));
    this.#output.push(octets);
    this.#deadlineMs = nowMs + octets.length * this.#options.octetMs + this.#answerMs;
  }

  #fail(task: Task, heard: Uint8Array): MbusEvent[] {
    const { wasHeard } = task;
    const words = `${task.step}, ${task.attempts} times`;
    const error = wasHeard
      ? mbusError('MBUS_FRAME', `offset 0: ${heard.length} octets that are no answer (${words})`)
      : mbusError('MBUS_NO_ANSWER', words);
    return this.#ended({ kind: 'failed', error, wasHeard });
  }

  #ended(event: MbusEvent): MbusEvent[] {
    this.#task = null;
    this.#deadlineMs = null;
    this.#heard = new Uint8Array(0);
    return [event];
  }
}

function requestOf({ step, address, target, frameCount }: Task): MbusLinkFrame {
  switch (step) {
    case 'deselect':
    case 'initialize':
      return { kind: 'short', control: CONTROL.initialize, address };
    case 'select': {
      const writer = new ByteWriter(8);
      if ('secondary' in target) writeIdentity(writer, target.secondary);
      const data = writer.finish();
      return { kind: 'long', control: CONTROL.sendData, address, information: INFORMATION.select, data };
    }
    case 'read':
      return { kind: 'short', control: CONTROL.requestData | (frameCount ? FRAME_COUNT_BIT : 0), address };
  }
}
