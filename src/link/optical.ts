/**
 * Optical heads: `optical:///dev/ttyUSB0?baud=9600`. Opening the line runs the sign-on of IEC 62056-21 mode E, and what is
 * handed out speaks HDLC at the agreed speed; after each session the meter wants the sign-on anew.
 *
 * When a line was handed out and nothing came over it, the meter may still be in the middle of something: the next opening
 * waits `break` ms, as the standard's break does, and the sign-on's own recovery follows.
 */
import type { ByteDuplex, SerialSettings } from '../base/env.ts';
import { reasonOf } from '../base/errors.ts';
import {
  asciiSettings,
  binarySettings,
  SIGN_ON_DEFAULTS,
  SignOnClient,
  type SignOnEvent,
} from '../dlms/frame/iec62056-21.machine.ts';
import { SIGN_ON_ADDRESS_MAX_CHARACTERS } from '../dlms/frame/limits.ts';
import { LineDriver } from './drive.ts';
import { withoutEcho } from './echo.ts';
import { linkError } from './errors.ts';
import { LINK_PDU_MAX_BYTES, OPTICAL_PAUSE_MAX_MS } from './limits.ts';
import type { LineLink } from './link.ts';
import { type OptionRow, type OptionTable, type OptionValues, readOptions } from './options.ts';
import type { LinkAddress, LinkEnv, LinkScheme } from './scheme.ts';
import { deviceProblems, octetMsOf, openPort, SERIAL_OPTIONS } from './serial.ts';
import { SwitchedPort } from './switched-port.ts';

const pause = (about: string, standard: number) =>
  ({ kind: 'number', about, unit: 'ms', default: standard, min: 0, max: OPTICAL_PAUSE_MAX_MS }) satisfies OptionRow;

const BAUD_CHOICES = ['300', '600', '1200', '2400', '4800', '9600', '19200'];

/** Options of `optical://`. */
export const OPTICAL_OPTIONS = {
  baud: { kind: 'choice', about: 'Fastest speed of the head, Bd', default: '9600', of: BAUD_CHOICES },
  start: { kind: 'choice', about: 'Speed of the sign-on, Bd', default: '300', of: BAUD_CHOICES },
  address: {
    kind: 'number',
    about: 'Device address in the request; 0 = whoever listens',
    unit: '(digits)',
    default: 0,
    min: 0,
    max: 999_999_999,
  },
  direct: {
    kind: 'flag',
    about: 'The meter speaks HDLC at once at the speed of baud, without sign-on',
    default: false,
  },
  gap: SERIAL_OPTIONS.gap,
  attempts: { kind: 'number', about: 'Sign-on requests', unit: 'requests', default: 3, min: 1, max: 10 },
  wake: { kind: 'number', about: 'Octets 00 that wake head or meter', unit: 'octets', default: 0, min: 0, max: 255 },
  settle: pause('Pause after the port was opened', SIGN_ON_DEFAULTS.openMs),
  reaction: pause('Wait for the identification', SIGN_ON_DEFAULTS.reactionMs),
  drain: pause('From the acknowledgement to the new speed', SIGN_ON_DEFAULTS.drainMs),
  listen: pause('Silence at the new speed before eight bits', SIGN_ON_DEFAULTS.listenMs),
  ready: pause('From eight bits to the first frame', SIGN_ON_DEFAULTS.settleMs),
  recover: pause('Wait after a stuck meter was told to end', SIGN_ON_DEFAULTS.recoverMs),
  again: pause('Pause between two sessions', 500),
  break: pause('Wait after a session in which nothing came', 3_000),
} as const satisfies OptionTable;

type Values = OptionValues<typeof OPTICAL_OPTIONS>;

function makeOptical(address: LinkAddress, env: LinkEnv): LineLink | { readonly problems: readonly string[] } {
  const { values, problems } = readOptions(OPTICAL_OPTIONS, address.query);
  const all = [...deviceProblems(address), ...problems];
  if (all.length > 0) return { problems: all };
  const head = new OpticalHead(address.path, values, env);
  return {
    kind: 'line',
    purpose: 'ask',
    scheme: 'optical',
    url: address.url,
    framing: 'hdlc',
    capabilities: {
      maxInFlight: 1,
      maxPduBytes: LINK_PDU_MAX_BYTES,
      broadcast: false,
      joinEvents: false,
      rescan: false,
    },
    opensPerSession: !values.direct,
    get octetMs() {
      return octetMsOf(binarySettings(head.baud));
    },
    gapMs: values.gap,
    open: () => head.open(),
  };
}

/** The port with a head at it, and what it remembers from one opening to the next. */
class OpticalHead {
  /** Speed of the last sign-on, Bd; before the first one the fastest that is allowed. */
  baud: number;
  #last: { readonly port: SwitchedPort; readonly octets: number } | null = null;

  constructor(
    private readonly path: string,
    private readonly values: Values,
    private readonly env: LinkEnv,
  ) {
    this.baud = Number(values.baud);
  }

  async open(): Promise<ByteDuplex> {
    await this.#rest();
    const port = new SwitchedPort(this.path, (settings) => openPort(this.env, this.path, settings));
    if (this.values.direct) {
      this.#last = { port, octets: -1 };
      await port.set(binarySettings(this.baud));
      return port;
    }
    await port.set(asciiSettings(Number(this.values.start)));
    try {
      const { baud, echo } = await signOn(port, this.#machine(), this.env);
      this.baud = baud;
      this.#last = { port, octets: port.receivedOctets };
      return echo ? withoutEcho(port) : port;
    } catch (error) {
      port.close();
      this.#last = { port, octets: -1 };
      throw error;
    }
  }

  /** Waits until the port is free, and longer when the last session heard nothing. */
  async #rest(): Promise<void> {
    const last = this.#last;
    this.#last = null;
    if (last === null) return;
    last.port.close();
    await last.port.released();
    // The meter has to leave HDLC; a request that comes earlier is lost and costs a whole recovery.
    const isDeaf = last.port.receivedOctets === last.octets;
    await this.env.timers.sleep(isDeaf ? this.values.break : this.values.again);
  }

  #machine(): SignOnClient {
    const { values } = this;
    return new SignOnClient({
      startBaud: Number(values.start),
      maxBaud: Number(values.baud),
      address: values.address === 0 ? '' : String(values.address).slice(0, SIGN_ON_ADDRESS_MAX_CHARACTERS),
      wakeOctets: values.wake,
      openMs: values.settle,
      reactionMs: values.reaction,
      drainMs: values.drain,
      listenMs: values.listen,
      settleMs: values.ready,
      recoverMs: values.recover,
      attempts: values.attempts,
    });
  }
}

type SignedOn = Extract<SignOnEvent, { kind: 'signed-on' }>;

/** Runs the machine until it has signed on; rejects with LINK_OPEN, the sentence of what failed in the detail. */
function signOn(port: SwitchedPort, machine: SignOnClient, env: LinkEnv): Promise<SignedOn> {
  return new Promise((resolve, reject) => {
    const failed = (error: unknown) => {
      running.stop();
      reject(linkError('LINK_OPEN', `${port.peer}: ${reasonOf(error)}`, error));
    };
    const change = (settings: SerialSettings) => {
      port.set(settings).then(() => {
        hear(machine.changed(running.nowMs()));
        running.kick();
      }, failed);
    };
    const hear = (events: readonly SignOnEvent[]) => {
      for (const event of events) {
        if (event.kind === 'line') change(event.settings);
        else if (event.kind === 'failed') failed(event.error);
        else if (event.kind === 'signed-on') {
          running.stop();
          resolve(event);
        }
      }
    };
    const running = new LineDriver(port, env).run(machine, hear, (reason) => failed(reason ?? 'the line ended'));
    machine.start(running.nowMs());
    running.kick();
  });
}

/** Ports with an optical head. */
export const OPTICAL_SCHEMES: readonly LinkScheme[] = [
  { scheme: 'optical', example: 'optical:///dev/ttyUSB0?baud=9600', options: OPTICAL_OPTIONS, make: makeOptical },
];
