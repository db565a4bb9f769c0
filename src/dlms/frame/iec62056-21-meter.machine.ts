/**
 * The meter's side of the sign-on by IEC 62056-21, in front of an HDLC station: for the simulator and for tests.
 *
 * It answers requests, takes the acknowledgement of mode E and then hands octets through in both directions, watching for
 * the disconnect after which a meter waits for the next sign-on. A meter that hears nothing for its inactivity time goes
 * back by itself; until then it is deaf for requests, as real ones are.
 */
import { concat } from '../../base/bytes.ts';
import type { SerialSettings } from '../../base/env.ts';
import type { Machine } from '../../base/machine.ts';
import { HDLC_RULE, type HdlcFrame } from './hdlc-frame.ts';
import { asciiSettings, asciiText, binarySettings, SIGN_ON_BAUDS } from './iec62056-21.machine.ts';
import { FRAME_GAP_DEFAULT_MS, SIGN_ON_ANSWER_MAX_BYTES } from './limits.ts';
import { FrameScanner } from './scanner.ts';

/** How the meter behaves; times in ms. */
export interface SignOnMeterOptions {
  /** Three letters, as the maker would write them. */
  readonly maker: string;
  /** Text behind the speed, without `\2`. */
  readonly text: string;
  /** Its device address: requests for another one are not answered. Leading zeros do not count. */
  readonly address: string;
  readonly startBaud: number;
  /** Speed it offers, one of {@link SIGN_ON_BAUDS}. */
  readonly offeredBaud: number;
  /** From a request to the answer. */
  readonly reactionMs: number;
  /** From the acknowledgement to the new speed. */
  readonly switchMs: number;
  /** Silence in HDLC after which it waits for a sign-on again. */
  readonly inactivityMs: number;
  /** Repeats the acknowledgement at the new speed, as some meters do. */
  readonly repeats: boolean;
}

/** A believable meter. */
export const SIGN_ON_METER_DEFAULTS: SignOnMeterOptions = {
  maker: 'DWT',
  text: 'SIM',
  address: '',
  startBaud: 300,
  offeredBaud: 9_600,
  reactionMs: 200,
  switchMs: 300,
  inactivityMs: 30_000,
  repeats: true,
};

/** What the meter's side tells. */
export type SignOnMeterEvent =
  /** Give the line these settings, then call {@link SignOnMeter.changed}. */
  | { readonly kind: 'line'; readonly settings: SerialSettings }
  /** Octets for the HDLC station behind it. */
  | { readonly kind: 'data'; readonly octets: Uint8Array };

type Phase = 'idle' | 'reacting' | 'offered' | 'switching' | 'changing' | 'repeating' | 'hdlc' | 'leaving';

/** A meter waits this long for an acknowledgement, then for the next request. */
const ACKNOWLEDGEMENT_MS = 1_500;
/** After a disconnect: time for the station's answer to leave. */
const LEAVE_MS = 100;
const BITS_PER_OCTET = 10;
const ASCII_MASK = 0x7f;
const LINE_FEED = 0x0a;

/** See the head of the file. */
export class SignOnMeter implements Machine<SignOnMeterEvent> {
  readonly #options: SignOnMeterOptions;
  #phase: Phase = 'idle';
  #deadlineMs: number | null = null;
  #output: Uint8Array[] = [];
  #heard: Uint8Array = new Uint8Array(0);
  #baud: number;
  #afterChange: (nowMs: number) => SignOnMeterEvent[] = () => [];
  #watch = newWatch();

  constructor(options: Partial<SignOnMeterOptions> = {}) {
    this.#options = { ...SIGN_ON_METER_DEFAULTS, ...options };
    this.#baud = this.#options.startBaud;
  }

  /** Whether octets go through to the station. */
  get isBinary(): boolean {
    return this.#phase === 'hdlc' || this.#phase === 'leaving';
  }

  /** Octets of the station; before the sign-on nobody would hear them, so they are lost. */
  send(octets: Uint8Array, nowMs: number): void {
    if (!this.isBinary) return;
    this.#output.push(octets);
    const sentMs = nowMs + (octets.length * BITS_PER_OCTET * 1_000) / this.#baud;
    this.#deadlineMs = sentMs + (this.#phase === 'leaving' ? LEAVE_MS : this.#options.inactivityMs);
  }

  /** The line has the settings of the last `line` event. */
  changed(nowMs: number): SignOnMeterEvent[] {
    return this.#phase === 'changing' ? this.#afterChange(nowMs) : [];
  }

  receive(chunk: Uint8Array, nowMs: number): SignOnMeterEvent[] {
    if (this.#phase === 'hdlc') return this.#binary(chunk, nowMs);
    if (this.#phase === 'idle' || this.#phase === 'offered') this.#ascii(chunk, nowMs);
    return [];
  }

  takeOutput(): Uint8Array[] {
    const output = this.#output;
    this.#output = [];
    return output;
  }

  deadlineMs(): number | null {
    return this.#deadlineMs;
  }

  tick(nowMs: number): SignOnMeterEvent[] {
    if (this.#deadlineMs === null || nowMs < this.#deadlineMs) return [];
    this.#deadlineMs = null;
    switch (this.#phase) {
      case 'reacting':
        this.#offer(nowMs);
        return [];
      case 'offered':
        this.#phase = 'idle';
        return [];
      case 'switching':
        return this.#change(asciiSettings(this.#baud), (atMs) => this.#repeat(atMs));
      case 'repeating':
        return this.#change(binarySettings(this.#baud), (atMs) => this.#begin(atMs));
      case 'hdlc':
      case 'leaving':
        return this.#leave();
      default:
        return [];
    }
  }

  #change(settings: SerialSettings, then: (nowMs: number) => SignOnMeterEvent[]): SignOnMeterEvent[] {
    this.#phase = 'changing';
    this.#afterChange = then;
    return [{ kind: 'line', settings }];
  }

  #ascii(chunk: Uint8Array, nowMs: number): void {
    this.#heard = concat([this.#heard, chunk.map((octet) => octet & ASCII_MASK)]);
    for (let end = this.#heard.indexOf(LINE_FEED); end >= 0; end = this.#heard.indexOf(LINE_FEED)) {
      const line = lastOf(this.#heard.slice(0, end));
      this.#heard = this.#heard.slice(end + 1);
      if (this.#line(asciiText(line), nowMs)) return;
    }
    this.#heard = lastOf(this.#heard);
  }

  /** Whether the line was for this meter; what came behind it is not heard while the meter gets ready. */
  #line(text: string, nowMs: number): boolean {
    const asked = /\/\?([ -~]*)!\.?$/.exec(text);
    const taken = /2([0-6])2\.?$/.exec(text);
    if (asked !== null && this.#isMine(asked[1] ?? '')) {
      this.#wait('reacting', nowMs + this.#options.reactionMs);
      return true;
    }
    if (taken === null || this.#phase !== 'offered') return false;
    this.#baud = SIGN_ON_BAUDS[Number(taken[1])] ?? this.#options.startBaud;
    this.#wait('switching', nowMs + this.#options.switchMs);
    return true;
  }

  #isMine(address: string): boolean {
    const bare = (text: string) => text.replace(/^0+/, '');
    return address === '' || bare(address) === bare(this.#options.address);
  }

  #wait(phase: Phase, untilMs: number): void {
    this.#phase = phase;
    this.#deadlineMs = untilMs;
    this.#heard = new Uint8Array(0);
  }

  #offer(nowMs: number): void {
    const { maker, text, offeredBaud, startBaud } = this.#options;
    const octets = new TextEncoder().encode(`/${maker}${SIGN_ON_BAUDS.indexOf(offeredBaud)}\\2${text}\r\n`);
    this.#output.push(octets);
    this.#wait('offered', nowMs + (octets.length * BITS_PER_OCTET * 1_000) / startBaud + ACKNOWLEDGEMENT_MS);
  }

  #repeat(nowMs: number): SignOnMeterEvent[] {
    if (!this.#options.repeats) return this.#change(binarySettings(this.#baud), (atMs) => this.#begin(atMs));
    const octets = new TextEncoder().encode(`\x062${SIGN_ON_BAUDS.indexOf(this.#baud)}2\r\n`);
    // The other side waits longer before it changes; what is said earlier is not heard.
    this.#output.push(octets);
    this.#wait('repeating', nowMs + (octets.length * BITS_PER_OCTET * 1_000) / this.#baud);
    return [];
  }

  #begin(nowMs: number): SignOnMeterEvent[] {
    this.#watch = newWatch();
    this.#wait('hdlc', nowMs + this.#options.inactivityMs);
    return [];
  }

  #binary(chunk: Uint8Array, nowMs: number): SignOnMeterEvent[] {
    const leaves = this.#watch
      .receive(chunk, nowMs)
      .some((found) => found.kind === 'frame' && found.frame.control.type === 'DISC');
    if (leaves) this.#wait('leaving', nowMs + LEAVE_MS);
    else this.#deadlineMs = nowMs + this.#options.inactivityMs;
    return [{ kind: 'data', octets: chunk }];
  }

  #leave(): SignOnMeterEvent[] {
    this.#baud = this.#options.startBaud;
    return this.#change(asciiSettings(this.#baud), () => {
      this.#phase = 'idle';
      this.#heard = new Uint8Array(0);
      return [];
    });
  }
}

function lastOf(octets: Uint8Array): Uint8Array {
  return octets.slice(Math.max(0, octets.length - SIGN_ON_ANSWER_MAX_BYTES));
}

function newWatch(): FrameScanner<HdlcFrame> {
  return new FrameScanner<HdlcFrame>([HDLC_RULE], FRAME_GAP_DEFAULT_MS);
}
