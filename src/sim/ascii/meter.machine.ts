/**
 * A simulated meter that speaks nothing but ASCII (IEC 62056-21): modes A, B and C, read-out and programming mode with password
 * and load profile in one piece (R5) or in parts (R6). It repeats its last message on NAK, ends on a break, and falls back to the
 * sign-on when it hears nothing.
 */
import { concat } from '../../base/bytes.ts';
import type { SerialSettings } from '../../base/env.ts';
import type { Machine } from '../../base/machine.ts';
import { type AsciiMessage, asciiOctets, decodeAsciiMessage, encodeAsciiMessage } from '../../dlms/ascii/message.ts';
import { isFrameError } from '../../dlms/frame/errors.ts';
import { asciiSettings, asciiText, SIGN_ON_BAUDS } from '../../dlms/frame/iec62056-21.machine.ts';

/** What a meter is; times in ms. */
export interface AsciiMeterOptions {
  readonly mode: 'A' | 'B' | 'C';
  /** Device address; leading zeros do not count. */
  readonly address: string;
  readonly startBaud: number;
  /** Speed that it offers, and takes by itself in mode B. */
  readonly offeredBaud: number;
  /** From a request to its answer. */
  readonly reactionMs: number;
  /** Silence after which it waits for a sign-on again. */
  readonly inactivityMs: number;
  /** Password of the programming mode, null = it wants none. */
  readonly password: string | null;
  /** Its data message up to and including the `!`. */
  readonly readOut: () => string;
  /** Answer to the data of a formatted read; null = it does not have that. */
  readonly answer: (text: string) => string | null;
  /** Characters of a part that R6 is answered with. */
  readonly partCharacters: number;
}

/** A believable meter. */
export const ASCII_METER_DEFAULTS = {
  mode: 'C',
  address: '',
  startBaud: 300,
  offeredBaud: 9_600,
  reactionMs: 200,
  inactivityMs: 30_000,
  password: null,
  partCharacters: 256,
} as const;

/** What it tells. */
export type AsciiMeterEvent =
  /** Give the line these settings, then call {@link AsciiMeter.changed}. */
  | { readonly kind: 'line'; readonly settings: SerialSettings }
  /** It has begun to say what it counted. */
  | { readonly kind: 'told' };

/** What goes wrong; each counts down. */
export interface AsciiFaults {
  /** Messages with an octet altered. */
  alterMessages: number;
  /** Answers that are not sent. */
  loseAnswers: number;
}

type Phase = 'idle' | 'reacting' | 'offered' | 'changing' | 'talking' | 'stuck';

const MODE_B_LETTERS = 'ABCDEF';
const BITS_PER_OCTET = 10;
const LINE_FEED = 0x0a;
const ACKNOWLEDGEMENT_MS = 1_500;
/** After a data message: time in which it can be asked for again. */
const AGAIN_MS = 1_000;
const HEARD_MAX_OCTETS = 1_024;
const ASCII_MASK = 0x7f;

/** See the head of the file. */
export class AsciiMeter implements Machine<AsciiMeterEvent> {
  readonly faults: AsciiFaults = { alterMessages: 0, loseAnswers: 0 };
  /** Answers nothing while this is set: it is broken, or its wires are. */
  isDead = false;
  readonly #options: AsciiMeterOptions;
  #phase: Phase = 'idle';
  #deadlineMs: number | null = null;
  #output: Uint8Array[] = [];
  #heard: Uint8Array = new Uint8Array(0);
  #baud: number;
  #then: (nowMs: number) => AsciiMeterEvent[] = () => [];
  #last: Uint8Array = new Uint8Array(0);
  #parts: string[] = [];
  #isSignedIn = false;
  #isProgramming = false;

  constructor(options: Pick<AsciiMeterOptions, 'readOut' | 'answer'> & Partial<AsciiMeterOptions>) {
    this.#options = { ...ASCII_METER_DEFAULTS, ...options };
    this.#baud = this.#options.startBaud;
  }

  /** Speed at which it speaks and hears now, Bd. */
  get baud(): number {
    return this.#baud;
  }

  /** Hangs in a session that somebody left, until a break comes or its inactivity time is over. */
  hang(nowMs: number): void {
    this.#wait('stuck', nowMs + this.#options.inactivityMs);
  }

  /** The line has the settings of the last `line` event. */
  changed(nowMs: number): AsciiMeterEvent[] {
    return this.#phase === 'changing' ? this.#then(nowMs) : [];
  }

  receive(chunk: Uint8Array, nowMs: number): AsciiMeterEvent[] {
    if (this.isDead || this.#phase === 'reacting' || this.#phase === 'changing') return [];
    this.#heard = concat([this.#heard, chunk.map((octet) => octet & ASCII_MASK)]).subarray(-HEARD_MAX_OCTETS);
    if (this.#phase === 'talking' || this.#phase === 'stuck') return this.#messages(nowMs);
    for (let end = this.#heard.indexOf(LINE_FEED); end >= 0; end = this.#heard.indexOf(LINE_FEED)) {
      const line = asciiText(this.#heard.slice(0, end));
      this.#heard = this.#heard.slice(end + 1);
      const asked = /\/\?([ -~]*)!\.?$/.exec(line);
      const taken = /0([0-6])([01])\.?$/.exec(line);
      if (asked !== null && this.#isMine(asked[1] ?? '')) return this.#react(nowMs, (atMs) => this.#identify(atMs));
      if (taken !== null && this.#phase === 'offered') return this.#taken(Number(taken[1]), taken[2] === '1', nowMs);
    }
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

  tick(nowMs: number): AsciiMeterEvent[] {
    if (this.#deadlineMs === null || nowMs < this.#deadlineMs) return [];
    this.#deadlineMs = null;
    return this.#phase === 'reacting' ? this.#then(nowMs) : this.#leave();
  }

  #wait(phase: Phase, untilMs: number): void {
    this.#phase = phase;
    this.#deadlineMs = untilMs;
    this.#heard = new Uint8Array(0);
  }

  #react(nowMs: number, then: (nowMs: number) => AsciiMeterEvent[]): AsciiMeterEvent[] {
    return this.#reactAt(nowMs + this.#options.reactionMs, then);
  }

  #reactAt(atMs: number, then: (nowMs: number) => AsciiMeterEvent[]): AsciiMeterEvent[] {
    this.#then = then;
    this.#wait('reacting', atMs);
    return [];
  }

  #change(baud: number, then: (nowMs: number) => AsciiMeterEvent[]): AsciiMeterEvent[] {
    this.#phase = 'changing';
    this.#deadlineMs = null;
    this.#baud = baud;
    this.#then = then;
    return [{ kind: 'line', settings: asciiSettings(baud) }];
  }

  #isMine(address: string): boolean {
    const bare = (text: string) => text.replace(/^0+/, '');
    return address === '' || bare(address) === bare(this.#options.address);
  }

  #identify(nowMs: number): AsciiMeterEvent[] {
    const { mode, offeredBaud } = this.#options;
    const index = SIGN_ON_BAUDS.indexOf(offeredBaud);
    const character = mode === 'C' ? String(index) : mode === 'B' ? MODE_B_LETTERS.charAt(index - 1) : '/';
    const sentMs = this.#send(asciiOctets(`/DWT${character}ASCII\r\n`), nowMs);
    if (mode === 'B')
      return this.#reactAt(sentMs + this.#options.reactionMs, () =>
        this.#change(offeredBaud, (atMs) => this.#tell(atMs)),
      );
    if (mode === 'A') return this.#reactAt(sentMs + this.#options.reactionMs, (atMs) => this.#tell(atMs));
    this.#wait('offered', sentMs + ACKNOWLEDGEMENT_MS);
    return [];
  }

  #taken(index: number, isProgramming: boolean, nowMs: number): AsciiMeterEvent[] {
    this.#isSignedIn = this.#options.password === null;
    this.#isProgramming = isProgramming;
    return this.#react(nowMs, () =>
      this.#change(SIGN_ON_BAUDS[index] ?? this.#options.startBaud, (atMs) =>
        isProgramming
          ? this.#say({ kind: 'command', name: 'P0', text: `(${this.#options.address})` }, atMs)
          : this.#tell(atMs),
      ),
    );
  }

  /** Begins its data message; it can be asked for again for a moment in mode C, then the sign-on is waited for. */
  #tell(nowMs: number): AsciiMeterEvent[] {
    const text = `${this.#options.readOut()}\r\n`;
    this.#isProgramming = false;
    return [{ kind: 'told' }, ...this.#say({ kind: 'data', text, isPart: false }, nowMs)];
  }

  #say(message: AsciiMessage, nowMs: number): AsciiMeterEvent[] {
    this.#last = encodeAsciiMessage(message);
    return this.#sayAgain(nowMs);
  }

  #sayAgain(nowMs: number): AsciiMeterEvent[] {
    const { faults } = this;
    let octets = this.#last;
    if (faults.alterMessages > 0 && octets.length > 1) {
      faults.alterMessages--;
      octets = octets.map((octet, at) => (at === octets.length >> 1 ? octet ^ 0x10 : octet));
    }
    const patienceMs = this.#isProgramming ? this.#options.inactivityMs : AGAIN_MS;
    this.#wait('talking', this.#send(octets, nowMs) + (this.#options.mode === 'C' ? patienceMs : 0));
    return [];
  }

  #send(octets: Uint8Array, nowMs: number): number {
    if (this.faults.loseAnswers > 0) this.faults.loseAnswers--;
    else this.#output.push(octets);
    return nowMs + (octets.length * BITS_PER_OCTET * 1_000) / this.#baud;
  }

  #messages(nowMs: number): AsciiMeterEvent[] {
    try {
      const found = decodeAsciiMessage(this.#heard);
      if (found === null) return [];
      this.#heard = this.#heard.slice(found.used);
      return this.#message(found.message, nowMs);
    } catch (error) {
      if (!isFrameError(error)) throw error;
      this.#heard = new Uint8Array(0);
      return this.#phase === 'talking' ? this.#react(nowMs, (atMs) => this.#refuse(atMs)) : [];
    }
  }

  #message(message: AsciiMessage, nowMs: number): AsciiMeterEvent[] {
    if (message.kind === 'command' && message.name === 'B0') return this.#leave();
    if (this.#phase === 'stuck') return [];
    switch (message.kind) {
      case 'repeat':
        return this.#react(nowMs, (atMs) => this.#sayAgain(atMs));
      case 'acknowledge':
        return this.#parts.length === 0 ? [] : this.#react(nowMs, (atMs) => this.#nextPart(atMs));
      case 'command':
        return this.#react(nowMs, (atMs) => this.#command(message.name, message.text ?? '', atMs));
      case 'data':
        return [];
    }
  }

  #command(name: string, text: string, nowMs: number): AsciiMeterEvent[] {
    const { password, answer, partCharacters } = this.#options;
    if (name === 'P1') {
      this.#isSignedIn = text === `(${password ?? ''})` || password === null;
      if (this.#isSignedIn) return this.#say({ kind: 'acknowledge' }, nowMs);
      return this.#say({ kind: 'data', text: '(ER01)', isPart: false }, nowMs);
    }
    const told = this.#isSignedIn && /^R[56]$/.test(name) ? answer(text) : null;
    if (told === null) return this.#say({ kind: 'data', text: '(ER02)', isPart: false }, nowMs);
    this.#parts = name === 'R5' ? [told] : (told.match(new RegExp(`[^]{1,${partCharacters}}`, 'g')) ?? ['']);
    return [{ kind: 'told' }, ...this.#nextPart(nowMs)];
  }

  #nextPart(nowMs: number): AsciiMeterEvent[] {
    const text = this.#parts.shift() ?? '';
    return this.#say({ kind: 'data', text, isPart: this.#parts.length > 0 }, nowMs);
  }

  #refuse(nowMs: number): AsciiMeterEvent[] {
    this.#wait('talking', this.#send(encodeAsciiMessage({ kind: 'repeat' }), nowMs) + this.#options.inactivityMs);
    return [];
  }

  #leave(): AsciiMeterEvent[] {
    this.#parts = [];
    return this.#change(this.#options.startBaud, () => {
      this.#phase = 'idle';
      this.#heard = new Uint8Array(0);
      return [];
    });
  }
}
