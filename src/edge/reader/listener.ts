/**
 * A port on which meters speak by themselves: a customer port with its one meter, or a place where meters connect to. It
 * sends nothing but confirmations that were asked for. Where several meters push to one place, their system titles tell them
 * apart, and whoever has none that is known is not heard. Noise and malformed frames are counted by code and the line goes
 * on; a line that ends is opened again. A port of P1 telegrams has one meter and what hangs on it: gas and water meters are told
 * apart by their equipment identifiers; one of SML has one meter.
 */
import { toHex } from '../../base/bytes.ts';
import type { ByteDuplex, Listener, Timer } from '../../base/env.ts';
import { assert, DeltawattError, reasonOf } from '../../base/errors.ts';
import { type PushEvent, PushMachine } from '../../dlms/frame/push.machine.ts';
import type { Stations } from '../../dlms/frame/transport.ts';
import { WrapperServer } from '../../dlms/frame/wrapper.machine.ts';
import {
  type Apdu,
  decodeApdu,
  parseP1Telegram,
  parseSmlTelegram,
  partsOfTelegram,
  type Telegram,
  telegramBody,
} from '../../dlms/index.ts';
import { LineDriver } from '../../link/drive.ts';
import type { Link } from '../../link/link.ts';
import { BABBLE_OCTETS, REOPEN_MAX_MS, REOPEN_MIN_MS } from '../limits.ts';
import type { Meter } from '../ports.ts';
import { type Heard, PushedMeter, type PushedMeterOptions } from './pushed-meter.ts';

/** What a listener is made of. */
export interface PushListenerOptions extends Omit<PushedMeterOptions, 'meter'> {
  /** One meter, or several at a place where they connect to, each with a title of its own. */
  readonly meters: readonly Meter[];
  readonly link: Link;
}

/** Sends an APDU back to where a push came from. */
type Answer = (apdu: Uint8Array, stations: Stations) => void;

/** The actor. */
export class PushListener {
  readonly #options: PushListenerOptions;
  readonly #meters: readonly PushedMeter[];
  readonly #byTitle: ReadonlyMap<string, PushedMeter>;
  readonly #drivers = new Set<LineDriver>();
  #listener: Listener | null = null;
  #reopenMs = REOPEN_MIN_MS;
  #reopenTimer: Timer | null = null;
  #noiseOctets = 0;
  #stopped = false;

  constructor(options: PushListenerOptions) {
    this.#options = options;
    this.#meters = options.meters.map((meter) => new PushedMeter({ ...options, meter }));
    this.#byTitle = new Map(
      options.meters.flatMap(({ security }, at) => {
        const meter = this.#meters[at];
        const title = security?.meterTitle ?? null;
        return title === null || meter === undefined ? [] : [[toHex(title), meter] as const];
      }),
    );
  }

  /** Opens the line and listens until {@link stop}. */
  async start(): Promise<void> {
    for (const meter of this.#meters) await meter.start();
    await this.#open();
  }

  /** Stores what waits and closes the line. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#reopenTimer?.cancel();
    for (const driver of this.#drivers) driver.close();
    await this.#listener?.close();
    for (const meter of this.#meters) await meter.stop();
  }

  async #open(): Promise<void> {
    const { link, health, line } = this.#options;
    try {
      if (link.kind === 'listener') this.#listener = await link.listen((duplex) => this.#attach(duplex));
      else this.#attach(await link.open());
      health.state(`line ${line}`, 'ok', 'Listening.');
    } catch (error) {
      this.#reopenLater(error);
    }
  }

  #reopenLater(error: unknown): void {
    if (this.#stopped) return;
    const { env, health, line } = this.#options;
    health.count('reader_line_failures');
    health.state(`line ${line}`, 'failed', `The line cannot be used and is tried again: ${reasonOf(error)}`);
    env.log.warn('reader.line-failed', { line, reason: reasonOf(error), retryMs: this.#reopenMs });
    this.#reopenTimer = env.timers.after(this.#reopenMs, () => void this.#open());
    this.#reopenMs = Math.min(REOPEN_MAX_MS, this.#reopenMs * 2);
  }

  #attach(duplex: ByteDuplex): void {
    const { env, link } = this.#options;
    const driver = new LineDriver(duplex, env);
    this.#drivers.add(driver);
    const machine = machineOf(link);
    // Customer ports have one direction: only where meters connect to is there somebody to answer.
    const answer: Answer = (apdu, stations) => {
      if (!(machine instanceof WrapperServer)) return;
      machine.send(apdu, stations, running.nowMs());
      running.kick();
    };
    const running = driver.run(
      machine,
      (events) => {
        for (const event of events) this.#hear(event, answer);
      },
      (reason) => {
        this.#drivers.delete(driver);
        if (link.kind === 'line') this.#reopenLater(reason ?? new Error('the line ended'));
      },
    );
    running.kick();
  }

  #hear(event: PushEvent, answer: Answer): void {
    if (event.kind === 'discarded') this.#discarded(event.code, event.octets.length, this.#meters.at(0));
    else if (event.kind === 'telegram') this.#telegram(event.octets);
    else if (event.kind === 'unsolicited' || event.kind === 'apdu') this.#message(event.apdu, event.stations, answer);
  }

  #message(octets: Uint8Array, stations: Stations, answer: Answer): void {
    const [only] = this.#meters.length === 1 ? this.#meters : [];
    const outer = decoded(octets);
    if (typeof outer === 'string') {
      this.#discarded(outer, octets.length, only);
      return;
    }
    const meter = only ?? this.#senderOf(outer);
    if (meter === undefined) {
      this.#discarded('READER_PUSH_UNKNOWN_SENDER', octets.length, undefined);
      return;
    }
    const heard = meter.hear(outer, (apdu) => answer(apdu, stations));
    this.#heard(heard, octets.length, meter);
  }

  #heard(heard: Heard, octets: number, meter: PushedMeter): void {
    if (heard.kind === 'discarded') this.#discarded(heard.code, octets, meter);
    if (heard.kind !== 'read') return;
    this.#noiseOctets = 0;
    this.#reopenMs = REOPEN_MIN_MS;
  }

  /** What is of a sub-meter that is listed goes to it, the rest to the meter whose port this is. */
  #telegram(octets: Uint8Array): void {
    const encoding = this.#options.link.framing === 'sml' ? 'sml' : 'p1';
    const telegram = told(octets, encoding);
    if (typeof telegram === 'string') {
      this.#discarded(telegram, octets.length, this.#meters.at(0));
      return;
    }
    const parts = partsOfTelegram(
      telegram,
      this.#options.meters.flatMap(({ equipmentId }) => equipmentId ?? []),
    );
    this.#options.meters.forEach(({ equipmentId }, at) => {
      const values = parts.get(equipmentId ?? null);
      const meter = this.#meters[at];
      if (values === undefined || meter === undefined) return;
      const message = { encoding, dateTime: telegram.dateTime, body: telegramBody(values) } as const;
      this.#heard(meter.hearTelegram(message), octets.length, meter);
    });
  }

  /** Who sent it, by its title. */
  #senderOf(outer: Apdu): PushedMeter | undefined {
    return this.#byTitle.get('systemTitle' in outer ? toHex(outer.systemTitle) : '');
  }

  #discarded(code: string, octets: number, meter: PushedMeter | undefined): void {
    this.#options.health.count(`reader_discarded_${code.toLowerCase()}`);
    this.#noiseOctets += octets;
    if (this.#noiseOctets < BABBLE_OCTETS) return;
    const sentence = `${this.#noiseOctets} octets came in a row that belong to no frame; look at cabling, baud rate and parity.`;
    this.#noiseOctets = 0;
    // At a place where anybody may connect to, it need not be the meter.
    if (this.#meters.length === 1 || this.#options.link.kind === 'line') meter?.seen('babbling', sentence);
  }
}

function machineOf({ framing, gapMs, reassemblyMs }: Link): WrapperServer | PushMachine {
  if (framing === 'wrapper') return new WrapperServer({ gapMs });
  assert(
    framing !== 'ascii' && framing !== 'modbus-rtu' && framing !== 'modbus-tcp',
    'a line that pushes has frames or telegrams',
  );
  return new PushMachine({ framing, gapMs, ...(reassemblyMs === undefined ? {} : { reassemblyMs }) });
}

/** A telegram, or the code of why it is none. */
function told(octets: Uint8Array, encoding: 'p1' | 'sml'): Telegram | string {
  return tried(() => (encoding === 'sml' ? parseSmlTelegram(octets) : parseP1Telegram(octets)));
}

/** A message as it came, or the code of why it is none. */
function decoded(octets: Uint8Array): Apdu | string {
  return tried(() => decodeApdu(octets));
}

function tried<Message>(read: () => Message): Message | string {
  try {
    return read();
  } catch (error) {
    return error instanceof DeltawattError ? error.code : 'READER_CRASHED';
  }
}
