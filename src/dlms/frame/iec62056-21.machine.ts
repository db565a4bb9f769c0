/**
 * Sign-on of an optical head by IEC 62056-21, mode E: from the request in slow ASCII to HDLC at the agreed speed.
 *
 * Plan: request, identification, acknowledgement `06 32 Z 32`, then two changes of the line: to the new speed with seven
 * bits (where some meters repeat the acknowledgement), then to eight bits. The machine owns no port: it asks for other
 * settings with a `line` event and stands still until {@link SignOnClient.changed}. A meter that says nothing may be left
 * over from a broken session, so before each repetition it is told in HDLC and in ASCII to end it. What was given up: a
 * meter that answers only after its own inactivity time needs the next session's attempt.
 */
import { concat, fromHex } from '../../base/bytes.ts';
import type { SerialSettings } from '../../base/env.ts';
import type { DeltawattError } from '../../base/errors.ts';
import type { Machine } from '../../base/machine.ts';
import { type FrameErrorCode, frameError } from './errors.ts';
import { ALL_STATIONS, clientAddress } from './hdlc-address.ts';
import { encodeHdlcFrame } from './hdlc-frame.ts';
import { SIGN_ON_ADDRESS_MAX_CHARACTERS, SIGN_ON_ANSWER_MAX_BYTES } from './limits.ts';
import type { Discarded } from './scanner.ts';

/** Speeds in Bd by the character Z, `0` to `6` (IEC 62056-21, modes C and E). */
export const SIGN_ON_BAUDS: readonly number[] = [300, 600, 1_200, 2_400, 4_800, 9_600, 19_200];

/** What a meter says of itself. */
export interface Identification {
  /** Three letters of the maker; the third in lower case announces a reaction time of 20 ms instead of 200. */
  readonly maker: string;
  /** The character Z as sent. */
  readonly baudCharacter: string;
  /** Everything behind it, `\2` and the like included; printable characters. */
  readonly text: string;
}

/** Settings of {@link SignOnClient}; times in ms, all of them differ between meters and heads. */
export interface SignOnOptions {
  /** Speed of the first request, Bd; 300 but for some meters on RS-485. */
  readonly startBaud: number;
  /** Fastest speed that the head follows, Bd: a faster proposal is answered with this one. */
  readonly maxBaud: number;
  /** Device address in the request, up to 32 characters; empty = whoever listens. */
  readonly address: string;
  /** Octets 00 before the request: wakes heads and meters on batteries. */
  readonly wakeOctets: number;
  /** Pause after the port was opened. */
  readonly openMs: number;
  /** Wait for the first octet of the identification. */
  readonly reactionMs: number;
  /** Silence between two octets of it. */
  readonly gapMs: number;
  /** From the last bit of the acknowledgement to the change of speed. */
  readonly drainMs: number;
  /** Silence at the new speed after which no repeated acknowledgement is waited for. */
  readonly listenMs: number;
  /** Pause after the change to eight bits. */
  readonly settleMs: number;
  /** Pause after a meter was told to end what it does. */
  readonly recoverMs: number;
  /** Requests in all. */
  readonly attempts: number;
}

/** Values that suit most meters and heads. */
export const SIGN_ON_DEFAULTS: SignOnOptions = {
  startBaud: 300,
  maxBaud: 9_600,
  address: '',
  wakeOctets: 0,
  openMs: 0,
  reactionMs: 2_000,
  gapMs: 1_500,
  drainMs: 250,
  listenMs: 300,
  settleMs: 100,
  recoverMs: 1_500,
  attempts: 3,
};

/** What the sign-on tells. */
export type SignOnEvent =
  /** Give the line these settings, then call {@link SignOnClient.changed}. */
  | { readonly kind: 'line'; readonly settings: SerialSettings }
  /** HDLC may begin at this speed; `echo` when the head sends back what is written. */
  | {
      readonly kind: 'signed-on';
      readonly identification: Identification;
      readonly baud: number;
      readonly echo: boolean;
    }
  /** No sign-on: IEC_NO_ANSWER, IEC_GARBLED, IEC_NO_MODE_E. */
  | { readonly kind: 'failed'; readonly error: DeltawattError }
  | Discarded;

/** Settings of the ASCII part: 7E1. */
export function asciiSettings(baud: number): SerialSettings {
  return { baud, dataBits: 7, parity: 'even', stopBits: 1 };
}

/** Settings of the HDLC part: 8N1. */
export function binarySettings(baud: number): SerialSettings {
  return { baud, dataBits: 8, parity: 'none', stopBits: 1 };
}

/** One character for each octet, so that places in the text are places in the octets; what cannot be printed is a point. */
export function asciiText(octets: Uint8Array): string {
  return String.fromCharCode(...octets).replace(/[^ -~]/g, '.');
}

/** `SOH B0 ETX BCC`: end what you do (IEC 62056-21, break). */
export const BREAK_COMMAND = fromHex('0142300371');

/** A disconnect to all stations: a meter left in HDLC goes back to the sign-on. */
const HDLC_DISCONNECT = encodeHdlcFrame({
  segmented: false,
  destination: { upper: ALL_STATIONS.short, lower: null, length: 1 },
  source: clientAddress(16),
  control: { type: 'DISC', pollFinal: true },
  information: new Uint8Array(0),
});

/** 7E1 and 8N1 both take ten bits an octet. */
const BITS_PER_OCTET = 10;
const LINE_FEED = 0x0a;
/** Between two recovery commands: the last octet of the first must have passed whatever buffers the head has. */
const RECOVERY_STEP_MS = 50;
const ACKNOWLEDGEMENT_OCTETS = 6;
const ASCII_MASK = 0x7f;

type Phase =
  | 'waiting'
  | 'changing'
  | 'opening'
  | 'identifying'
  | 'reacting'
  | 'acknowledging'
  | 'listening'
  | 'settling'
  | 'recovering'
  | 'ended';

interface RecoveryStep {
  readonly settings: SerialSettings;
  readonly octets: Uint8Array;
}

/** The asking side. */
export class SignOnClient implements Machine<SignOnEvent> {
  readonly #options: SignOnOptions;
  readonly #request: string;
  readonly #recovery: readonly RecoveryStep[];
  #phase: Phase = 'waiting';
  #deadlineMs: number | null = null;
  #output: Uint8Array[] = [];
  #heard: Uint8Array = new Uint8Array(0);
  #afterChange: (nowMs: number) => SignOnEvent[] = () => [];
  #attempt = 0;
  #recovered = 0;
  #garbled = false;
  #echo = false;
  #chosen: { readonly identification: Identification; readonly index: number } | null = null;
  #repeated = 0;

  constructor(options: Partial<SignOnOptions> = {}) {
    this.#options = { ...SIGN_ON_DEFAULTS, ...options };
    this.#request = `/?${this.#options.address.slice(0, SIGN_ON_ADDRESS_MAX_CHARACTERS)}!`;
    const { startBaud, maxBaud } = this.#options;
    this.#recovery = [...new Set([startBaud, maxBaud])].flatMap((baud) => [
      { settings: binarySettings(baud), octets: HDLC_DISCONNECT },
      { settings: asciiSettings(baud), octets: BREAK_COMMAND },
    ]);
  }

  /** The line is open with {@link asciiSettings} of the first speed: begin. */
  start(nowMs: number): void {
    this.#wait('opening', nowMs + this.#options.openMs);
  }

  /** The line has the settings of the last `line` event. */
  changed(nowMs: number): SignOnEvent[] {
    return this.#phase === 'changing' ? this.#afterChange(nowMs) : [];
  }

  receive(chunk: Uint8Array, nowMs: number): SignOnEvent[] {
    if (this.#phase === 'identifying') return this.#identifying(chunk, nowMs);
    if (this.#phase !== 'listening') return [];
    this.#repeated += chunk.length;
    const complete = this.#repeated >= ACKNOWLEDGEMENT_OCTETS;
    this.#deadlineMs = complete ? nowMs : nowMs + this.#options.listenMs;
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

  tick(nowMs: number): SignOnEvent[] {
    if (this.#deadlineMs === null || nowMs < this.#deadlineMs) return [];
    this.#deadlineMs = null;
    switch (this.#phase) {
      case 'opening':
        return this.#ask(nowMs);
      case 'identifying':
        return this.#unanswered(nowMs);
      case 'reacting':
        return this.#acknowledge(nowMs);
      case 'acknowledging':
        return this.#change(asciiSettings(this.#baud()), (atMs) => this.#listen(atMs));
      case 'listening':
        return this.#change(binarySettings(this.#baud()), (atMs) => {
          this.#wait('settling', atMs + this.#options.settleMs);
          return [];
        });
      case 'settling':
        return this.#signedOn();
      case 'recovering':
        return this.#recover();
      default:
        return [];
    }
  }

  #wait(phase: Phase, untilMs: number): void {
    this.#phase = phase;
    this.#deadlineMs = untilMs;
  }

  #change(settings: SerialSettings, then: (nowMs: number) => SignOnEvent[]): SignOnEvent[] {
    this.#phase = 'changing';
    this.#deadlineMs = null;
    this.#afterChange = then;
    return [{ kind: 'line', settings }];
  }

  #ask(nowMs: number): SignOnEvent[] {
    this.#attempt++;
    this.#heard = new Uint8Array(0);
    this.#garbled = false;
    const octets = concat([new Uint8Array(this.#options.wakeOctets), ascii(`${this.#request}\r\n`)]);
    this.#output.push(octets);
    this.#wait('identifying', nowMs + lineMs(octets.length, this.#options.startBaud) + this.#options.reactionMs);
    return [];
  }

  #identifying(chunk: Uint8Array, nowMs: number): SignOnEvent[] {
    // Ports that were opened with eight bits hand the parity bit on.
    this.#heard = concat([this.#heard, chunk.map((octet) => octet & ASCII_MASK)]);
    this.#deadlineMs = Math.max(this.#deadlineMs ?? nowMs, nowMs + this.#options.gapMs);
    const events: SignOnEvent[] = [];
    for (let end = this.#lineEnd(); end >= 0 && this.#phase === 'identifying'; end = this.#lineEnd()) {
      const line = this.#heard.slice(0, end + 1);
      this.#heard = this.#heard.slice(end + 1);
      events.push(...this.#line(line, nowMs));
    }
    // A line that babbles is no meter: it must not keep the attempt open for ever.
    if (this.#phase === 'identifying' && this.#heard.length >= SIGN_ON_ANSWER_MAX_BYTES) this.#deadlineMs = nowMs;
    return events;
  }

  #lineEnd(): number {
    return this.#heard.subarray(0, SIGN_ON_ANSWER_MAX_BYTES).indexOf(LINE_FEED);
  }

  #line(line: Uint8Array, nowMs: number): SignOnEvent[] {
    const text = asciiText(line).replace(/\.{1,2}$/, '');
    if (!this.#echo && text.endsWith(this.#request)) {
      this.#echo = true;
      return this.#noise(line.slice(0, text.length - this.#request.length));
    }
    const found = /\/([A-Za-z]{3})([!-~])([ -~]*)$/.exec(text);
    if (found === null) return this.#noise(line);
    const [, maker = '', baudCharacter = '', rest = ''] = found;
    const identification: Identification = { maker, baudCharacter, text: rest };
    const events = this.#noise(line.slice(0, found.index));
    this.#heard = new Uint8Array(0);
    const offered = '0123456'.indexOf(baudCharacter);
    if (offered < 0) {
      const detail = `/${maker}${baudCharacter}${rest}`;
      return [...events, ...this.#fail('IEC_NO_MODE_E', detail)];
    }
    const followed = SIGN_ON_BAUDS.findLastIndex((baud) => baud <= this.#options.maxBaud);
    this.#chosen = { identification, index: Math.max(0, Math.min(offered, followed)) };
    const isQuick = maker.charAt(2) !== maker.charAt(2).toUpperCase();
    this.#wait('reacting', nowMs + (isQuick ? 20 : 200));
    return events;
  }

  #noise(octets: Uint8Array): SignOnEvent[] {
    if (octets.length === 0) return [];
    this.#garbled = true;
    return [{ kind: 'discarded', code: 'FRAME_NOISE', octets }];
  }

  #acknowledge(nowMs: number): SignOnEvent[] {
    const octets = ascii(`\x062${this.#chosen?.index ?? 0}2\r\n`);
    this.#output.push(octets);
    this.#wait('acknowledging', nowMs + lineMs(octets.length, this.#options.startBaud) + this.#options.drainMs);
    return [];
  }

  #listen(nowMs: number): SignOnEvent[] {
    this.#repeated = 0;
    this.#wait('listening', nowMs + this.#options.listenMs);
    return [];
  }

  #signedOn(): SignOnEvent[] {
    this.#phase = 'ended';
    const chosen = this.#chosen;
    if (chosen === null) return [];
    return [{ kind: 'signed-on', identification: chosen.identification, baud: this.#baud(), echo: this.#echo }];
  }

  #unanswered(nowMs: number): SignOnEvent[] {
    const events = this.#noise(this.#heard);
    this.#heard = new Uint8Array(0);
    if (this.#attempt < this.#options.attempts) {
      this.#recovered = 0;
      this.#wait('recovering', nowMs);
      return events;
    }
    return [...events, ...this.#fail(this.#garbled ? 'IEC_GARBLED' : 'IEC_NO_ANSWER', `${this.#attempt} requests`)];
  }

  /** One step of the recovery: after the last one the line goes back and the request is repeated. */
  #recover(): SignOnEvent[] {
    const step = this.#recovery[this.#recovered];
    if (step === undefined)
      return this.#change(asciiSettings(this.#options.startBaud), (nowMs) => {
        this.#wait('opening', nowMs + this.#options.recoverMs);
        return [];
      });
    this.#recovered++;
    return this.#change(step.settings, (nowMs) => {
      this.#output.push(step.octets);
      this.#wait('recovering', nowMs + lineMs(step.octets.length, step.settings.baud) + RECOVERY_STEP_MS);
      return [];
    });
  }

  #fail(code: FrameErrorCode, detail: string): SignOnEvent[] {
    this.#phase = 'ended';
    this.#deadlineMs = null;
    return [{ kind: 'failed', error: frameError(code, detail) }];
  }

  #baud(): number {
    return SIGN_ON_BAUDS[this.#chosen?.index ?? 0] ?? this.#options.startBaud;
  }
}

/** Time that octets need on the line, ms. */
function lineMs(octets: number, baud: number): number {
  return (octets * BITS_PER_OCTET * 1_000) / baud;
}

function ascii(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
