/**
 * Reader of meters that speak nothing but ASCII (IEC 62056-21, modes A, B and C): sign-on, then the data message, or, in
 * programming mode, answers to commands.
 *
 * The character behind the maker's letters says the mode: 0 to 6 = C (acknowledged, then the new speed), A to F = B (the
 * speed changes by itself), anything else = A (no change). The machine owns no port: it asks for other settings with a `line`
 * event and stands still until {@link AsciiClient.changed}. What comes while it waits for its own octets to leave is kept: a
 * quick meter begins before the line has the new speed. A wrong block check is answered with NAK in mode C, and with a new
 * sign-on in modes A and B, which know none. A meter that says nothing may be left over from a session that broke: before each
 * repetition it is told to end it at both speeds. Given up: read-outs without a block check, and mode D.
 */
import { concat } from '../../base/bytes.ts';
import type { Machine } from '../../base/machine.ts';
import { type FrameErrorCode, frameError, isFrameError } from '../frame/errors.ts';
import {
  asciiSettings,
  asciiText,
  BREAK_COMMAND,
  type Identification,
  SIGN_ON_BAUDS,
} from '../frame/iec62056-21.machine.ts';
import {
  ASCII_MESSAGE_MAX_BYTES,
  ASCII_PARTS_MAX,
  SIGN_ON_ADDRESS_MAX_CHARACTERS,
  SIGN_ON_ANSWER_MAX_BYTES,
} from '../frame/limits.ts';
import { type AsciiMessage, asciiOctets, decodeAsciiMessage, encodeAsciiMessage } from './message.ts';
import { ASCII_DEFAULTS, type AsciiEvent, type AsciiOptions, type AsciiTask } from './task.ts';

/** Speeds of mode B by the characters A to F, Bd. */
const MODE_B_BAUDS = [600, 1_200, 2_400, 4_800, 9_600, 19_200];
const MODE_B_LETTERS = 'ABCDEF';
const MODE_C_DIGITS = '0123456';
const BITS_PER_OCTET = 10;
const ASCII_MASK = 0x7f;
const LINE_FEED = 0x0a;
/** Reaction times that a meter wants, by the case of its third letter (IEC 62056-21, 6.3.2). */
const REACTION_MS = { quick: 20, usual: 200 } as const;
const RECOVERY_STEP_MS = 50;
const ERROR_TEXT = /^\(ER[^)]*\)/;

type Phase =
  | 'idle'
  | 'changing'
  | 'opening'
  | 'identifying'
  | 'reacting'
  | 'acknowledging'
  | 'receiving'
  | 'broken'
  | 'recovering';

/** What the next message must be. */
type Wanted = 'data' | 'password-request' | 'password-answer' | 'answer';

/** See the head of the file. */
export class AsciiClient implements Machine<AsciiEvent> {
  readonly #options: AsciiOptions;
  #task: AsciiTask = { kind: 'read-out', address: '' };
  #phase: Phase = 'idle';
  #deadlineMs: number | null = null;
  #output: Uint8Array[] = [];
  #heard: Uint8Array = new Uint8Array(0);
  #heardOctets = 0;
  #afterChange: (nowMs: number) => AsciiEvent[] = () => [];
  #reaction: (nowMs: number) => AsciiEvent[] = () => [];
  #attempt = 0;
  #recovered = 0;
  #repeated = 0;
  #baud: number;
  #identification: Identification = { maker: '', baudCharacter: '', text: '' };
  #isModeC = false;
  #wanted: Wanted = 'data';
  #texts: string[] = [];
  #restUntilMs = Number.NEGATIVE_INFINITY;
  #parts: string[] = [];
  #why: FrameErrorCode = 'IEC_NO_ANSWER';

  constructor(options: Partial<AsciiOptions> = {}) {
    this.#options = { ...ASCII_DEFAULTS, ...options };
    this.#baud = this.#options.startBaud;
  }

  /** Begins; its end is an event. One thing at a time. */
  start(task: AsciiTask, nowMs: number): void {
    this.#task = task;
    this.#attempt = 0;
    this.#heardOctets = 0;
    this.#why = 'IEC_NO_ANSWER';
    this.#baud = this.#options.startBaud;
    // Nobody is told to end: the meter waits for a sign-on, but for the moment in which its data message can be asked for again.
    this.#recovered = this.#recovery().length;
    this.#wait('recovering', Math.max(nowMs, this.#restUntilMs));
  }

  /** The line has the settings of the last `line` event. */
  changed(nowMs: number): AsciiEvent[] {
    return this.#phase === 'changing' ? this.#afterChange(nowMs) : [];
  }

  receive(chunk: Uint8Array, nowMs: number): AsciiEvent[] {
    if (this.#phase === 'idle') return [];
    this.#heardOctets += chunk.length;
    // Ports that were opened with eight bits hand the parity bit on.
    const octets = concat([this.#heard, chunk.map((octet) => octet & ASCII_MASK)]);
    this.#heard = octets.subarray(-2 * ASCII_MESSAGE_MAX_BYTES);
    switch (this.#phase) {
      case 'identifying':
        return this.#identifying(nowMs);
      case 'receiving':
        return this.#receiving(nowMs);
      case 'broken':
        this.#deadlineMs = nowMs + this.#options.drainMs;
        return [];
      default:
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

  tick(nowMs: number): AsciiEvent[] {
    if (this.#deadlineMs === null || nowMs < this.#deadlineMs) return [];
    this.#deadlineMs = null;
    switch (this.#phase) {
      case 'opening':
        return this.#request(nowMs);
      case 'identifying':
        this.#note(this.#heard.length > 0 ? 'IEC_GARBLED' : 'IEC_NO_ANSWER');
        return this.#again(nowMs);
      case 'reacting':
        return this.#reaction(nowMs);
      case 'acknowledging':
        return this.#change(this.#baud, (atMs) => this.#listen(atMs));
      case 'receiving':
        this.#note(this.#heard.length > 0 ? 'IEC_GARBLED' : 'IEC_NO_ANSWER');
        return this.#repeat(nowMs);
      case 'broken':
        return this.#repeat(nowMs);
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

  #change(baud: number, then: (nowMs: number) => AsciiEvent[]): AsciiEvent[] {
    this.#phase = 'changing';
    this.#deadlineMs = null;
    this.#afterChange = then;
    return [{ kind: 'line', settings: asciiSettings(baud) }];
  }

  #send(octets: Uint8Array, baud: number, nowMs: number): number {
    this.#output.push(octets);
    return nowMs + lineMs(octets.length, baud);
  }

  /** What the attempt is said to have failed of: octets that came say more than silence. */
  #note(code: FrameErrorCode): void {
    if (code !== 'IEC_NO_ANSWER' || this.#why === 'IEC_NO_ANSWER') this.#why = code;
  }

  #request(nowMs: number): AsciiEvent[] {
    this.#attempt++;
    this.#heard = new Uint8Array(0);
    this.#texts = [];
    this.#parts = [];
    const { startBaud, wakeOctets, reactionMs } = this.#options;
    const address = this.#task.address.slice(0, SIGN_ON_ADDRESS_MAX_CHARACTERS);
    const octets = concat([new Uint8Array(wakeOctets), asciiOctets(`/?${address}!\r\n`)]);
    this.#wait('identifying', this.#send(octets, startBaud, nowMs) + reactionMs);
    return [];
  }

  #identifying(nowMs: number): AsciiEvent[] {
    this.#deadlineMs = Math.max(this.#deadlineMs ?? nowMs, nowMs + this.#options.gapMs);
    for (let end = this.#heard.indexOf(LINE_FEED); end >= 0; end = this.#heard.indexOf(LINE_FEED)) {
      const line = asciiText(this.#heard.slice(0, end)).replace(/\.$/, '');
      this.#heard = this.#heard.slice(end + 1);
      const found = /\/([A-Za-z]{3})([!-~])([ -~]*)$/.exec(line);
      if (found !== null) return this.#identified(found, nowMs);
    }
    // A line that babbles is no meter: it must not keep the attempt open for ever.
    if (this.#heard.length >= SIGN_ON_ANSWER_MAX_BYTES) this.#deadlineMs = nowMs;
    return [];
  }

  #identified([, maker = '', baudCharacter = '', text = '']: readonly string[], nowMs: number): AsciiEvent[] {
    this.#identification = { maker, baudCharacter, text };
    this.#repeated = 0;
    const offered = MODE_C_DIGITS.indexOf(baudCharacter);
    this.#isModeC = offered >= 0;
    this.#wanted = 'data';
    if (this.#isModeC) {
      const followed = SIGN_ON_BAUDS.findLastIndex((baud) => baud <= this.#options.maxBaud);
      const index = Math.max(0, Math.min(offered, followed));
      return this.#react(nowMs, (atMs) => this.#acknowledge(index, atMs));
    }
    if (this.#task.kind === 'commands') return this.#fail('IEC_REFUSED', `/${maker}${baudCharacter}${text}: no mode C`);
    const baud = MODE_B_BAUDS[MODE_B_LETTERS.indexOf(baudCharacter)];
    this.#baud = baud ?? this.#options.startBaud;
    if (baud === undefined) return this.#listen(nowMs);
    return this.#change(baud, (atMs) => this.#listen(atMs));
  }

  /** Does something after the pause that the meter wants between what it says and what it hears. */
  #react(nowMs: number, then: (nowMs: number) => AsciiEvent[]): AsciiEvent[] {
    const third = this.#identification.maker.charAt(2);
    this.#reaction = then;
    this.#wait('reacting', nowMs + (third === third.toLowerCase() ? REACTION_MS.quick : REACTION_MS.usual));
    return [];
  }

  #acknowledge(index: number, nowMs: number): AsciiEvent[] {
    const mode = this.#task.kind === 'commands' ? 1 : 0;
    this.#wanted = mode === 1 ? 'password-request' : 'data';
    const sentMs = this.#send(asciiOctets(`\x060${index}${mode}\r\n`), this.#options.startBaud, nowMs);
    this.#baud = SIGN_ON_BAUDS[index] ?? this.#options.startBaud;
    this.#wait('acknowledging', sentMs + this.#options.drainMs);
    return [];
  }

  /** What came meanwhile counts. */
  #listen(nowMs: number): AsciiEvent[] {
    this.#wait('receiving', nowMs + this.#options.reactionMs);
    return this.#heard.length === 0 ? [] : this.#receiving(nowMs);
  }

  #receiving(nowMs: number): AsciiEvent[] {
    this.#deadlineMs = Math.max(this.#deadlineMs ?? nowMs, nowMs + this.#options.gapMs);
    try {
      const found = decodeAsciiMessage(this.#heard);
      if (found === null) return [];
      this.#heard = this.#heard.slice(found.used);
      this.#repeated = 0;
      return this.#message(found.message, nowMs);
    } catch (error) {
      if (!isFrameError(error)) throw error;
      this.#note(error.code as FrameErrorCode);
      // The altered octet may have looked like an end: the rest of the message is let pass before it is asked for again.
      this.#wait('broken', nowMs + this.#options.drainMs);
      return [];
    }
  }

  #message(message: AsciiMessage, nowMs: number): AsciiEvent[] {
    const task = this.#task;
    if (message.kind === 'data' && this.#wanted !== 'password-request') {
      if (task.kind === 'commands' && ERROR_TEXT.test(message.text))
        return this.#fail(
          this.#wanted === 'password-answer' ? 'IEC_PASSWORD' : 'IEC_REFUSED',
          message.text.slice(0, 40),
        );
      if (this.#wanted !== 'password-answer') return this.#data(message, nowMs);
    }
    if (task.kind === 'commands' && message.kind === 'command') {
      if (message.name === 'B0')
        return this.#fail(this.#wanted === 'password-answer' ? 'IEC_PASSWORD' : 'IEC_REFUSED', 'break');
      if (message.name === 'P0' && this.#wanted === 'password-request')
        return this.#react(nowMs, (atMs) => this.#signIn(atMs));
    }
    if (this.#wanted === 'password-answer') {
      if (message.kind === 'acknowledge') return this.#react(nowMs, (atMs) => this.#command(atMs));
      if (message.kind === 'repeat') return this.#fail('IEC_PASSWORD', 'NAK');
    }
    if (message.kind === 'repeat' && this.#wanted === 'answer') return this.#fail('IEC_REFUSED', 'NAK');
    // Something else, such as the end of an echo: what is wanted may stand behind it.
    return this.#heard.length === 0 ? [] : this.#receiving(nowMs);
  }

  #data({ text, isPart }: AsciiMessage & { readonly kind: 'data' }, nowMs: number): AsciiEvent[] {
    this.#parts.push(text);
    if (isPart && this.#parts.length >= ASCII_PARTS_MAX) return this.#fail('IEC_TOO_LONG', `${ASCII_PARTS_MAX} parts`);
    if (isPart)
      return this.#react(nowMs, (atMs) => this.#ask(encodeAsciiMessage({ kind: 'acknowledge' }), this.#wanted, atMs));
    this.#texts.push(this.#parts.join(''));
    this.#parts = [];
    const task = this.#task;
    if (task.kind === 'commands' && this.#texts.length < task.commands.length)
      return this.#react(nowMs, (atMs) => this.#command(atMs));
    if (task.kind === 'commands') this.#output.push(BREAK_COMMAND);
    else if (this.#isModeC) this.#restUntilMs = nowMs + this.#options.recoverMs;
    return this.#ended({ kind: 'read', identification: this.#identification, texts: this.#texts });
  }

  #signIn(nowMs: number): AsciiEvent[] {
    const task = this.#task;
    if (task.kind !== 'commands' || task.password === null) return this.#command(nowMs);
    const text = `(${task.password})`;
    return this.#ask(encodeAsciiMessage({ kind: 'command', name: 'P1', text }), 'password-answer', nowMs);
  }

  #command(nowMs: number): AsciiEvent[] {
    const task = this.#task;
    const command = task.kind === 'commands' ? task.commands[this.#texts.length] : undefined;
    if (command === undefined) return this.#ended({ kind: 'read', identification: this.#identification, texts: [] });
    return this.#ask(encodeAsciiMessage({ kind: 'command', ...command }), 'answer', nowMs);
  }

  #ask(octets: Uint8Array, wanted: Wanted, nowMs: number): AsciiEvent[] {
    this.#wanted = wanted;
    // What came before it was asked for is no answer to it.
    this.#heard = new Uint8Array(0);
    return this.#listen(this.#send(octets, this.#baud, nowMs));
  }

  /** Says NAK where the mode knows it and there is something to repeat, else signs on anew. */
  #repeat(nowMs: number): AsciiEvent[] {
    const isRepeatable = this.#isModeC && this.#heard.length > 0 && this.#repeated < this.#options.repeats;
    if (!isRepeatable) return this.#again(nowMs);
    this.#repeated++;
    return this.#ask(encodeAsciiMessage({ kind: 'repeat' }), this.#wanted, nowMs);
  }

  #again(nowMs: number): AsciiEvent[] {
    if (this.#attempt >= this.#options.attempts) return this.#fail(this.#why, `${this.#attempt} requests`);
    this.#recovered = 0;
    this.#wait('recovering', nowMs);
    return [];
  }

  #recovery(): readonly number[] {
    return [...new Set([this.#baud, this.#options.startBaud, this.#options.maxBaud])];
  }

  /** Tells the meter to end what it does, at one speed after the other; then the request is repeated. */
  #recover(): AsciiEvent[] {
    const baud = this.#recovery()[this.#recovered];
    const { startBaud, recoverMs, openMs } = this.#options;
    if (baud === undefined)
      return this.#change(startBaud, (nowMs) => {
        this.#wait('opening', nowMs + (this.#attempt === 0 ? openMs : recoverMs));
        return [];
      });
    this.#recovered++;
    return this.#change(baud, (nowMs) => {
      this.#wait('recovering', this.#send(BREAK_COMMAND, baud, nowMs) + RECOVERY_STEP_MS);
      return [];
    });
  }

  #fail(code: FrameErrorCode, detail: string): AsciiEvent[] {
    if (this.#task.kind === 'commands' && this.#isModeC) this.#output.push(BREAK_COMMAND);
    return this.#ended({ kind: 'failed', error: frameError(code, detail), heard: this.#heardOctets });
  }

  #ended(event: AsciiEvent): AsciiEvent[] {
    this.#phase = 'idle';
    this.#deadlineMs = null;
    this.#heard = new Uint8Array(0);
    return [event];
  }
}

/** Time that octets need on the line, ms. */
function lineMs(octets: number, baud: number): number {
  return (octets * BITS_PER_OCTET * 1_000) / baud;
}
