/**
 * Where simulated meters can be reached: `tcp://` (wrapper), `tcp+hdlc://` (HDLC in a socket, as behind a gateway),
 * `prime-tcp://` (all of them behind one PRIME base node), `g3-serial://` (behind one G3 modem, on a port or in a socket), `serial://` (a port or a pseudo-terminal, kept to the line's pace) and
 * `optical://` (the same behind the sign-on of mode E).
 *
 * A `tcp://` place gives each meter a port of its own, counted up from the one given (0 = free ones), unless `meters=N` puts
 * several behind one port; the other two are lines on which meters are told apart by their HDLC addresses. `baud=N` gives a
 * socket the pace of the serial line that may lie behind it.
 */
import type { ByteDuplex, Env, Listener, SerialSettings } from '../../base/env.ts';
import { SeededRandom } from '../../base/seeded-random.ts';
import { OPTICAL_OPTIONS } from '../../link/optical.ts';
import { type OptionTable, readOptions } from '../../link/options.ts';
import { addressOf } from '../../link/registry.ts';
import type { LinkAddress } from '../../link/scheme.ts';
import { deviceProblems, octetMsOf, openPort, SERIAL_OPTIONS, serialSettings } from '../../link/serial.ts';
import { simError } from '../errors.ts';
import { addressOnLine, type ServedLine, type SimMeter, serveLine } from '../fleet.ts';
import type { Ledger } from '../ledger.ts';
import { METERS_PER_LINE_MAX } from '../limits.ts';
import { PLC_OPTIONS, type PlcPlan, planOf } from '../plc/habits.ts';
import { BaseNode, behindBaseNode } from './base-node.ts';
import { liveBaseNode } from './base-node-life.ts';
import type { BusFraming } from './bus.machine.ts';
import { G3SimModem, simEui64 } from './g3-modem.ts';
import { openOpticalFront } from './optical-front.ts';
import { PacedDuplex } from './paced-duplex.ts';

const METERS_OPTION = {
  meters: {
    kind: 'number',
    about: 'Meters on this line; 0 = as the scheme has it',
    unit: 'meters',
    default: 0,
    min: 0,
    max: METERS_PER_LINE_MAX,
  },
} as const satisfies OptionTable;

const TCP_LISTEN_OPTIONS = {
  ...METERS_OPTION,
  baud: {
    kind: 'number',
    about: 'Pace of the line behind the socket, 8 data bits without parity; 0 = as fast as it goes',
    unit: 'Bd',
    default: 0,
    min: 0,
    max: 921_600,
  },
} as const satisfies OptionTable;

/** Bit times of an octet at a pace: start, eight data bits, stop. */
const OCTET_BITS = 10;

const SERIAL_LISTEN_OPTIONS = {
  ...SERIAL_OPTIONS,
  ...METERS_OPTION,
  pace: { kind: 'flag', about: 'Keep the pace of the line: no where a real UART keeps it', default: true },
} as const satisfies OptionTable;

const G3_LISTEN_OPTIONS = {
  ...SERIAL_OPTIONS,
  baud: { ...SERIAL_OPTIONS.baud, default: 115_200 },
  ...PLC_OPTIONS,
} as const satisfies OptionTable;
/** The PAN in addresses that are told; the modem starts whichever it is asked for. */
const G3_PAN = '781D';

const OPTICAL_LISTEN_OPTIONS = {
  start: OPTICAL_OPTIONS.start,
  baud: { ...OPTICAL_OPTIONS.baud, about: 'Speed that the meter offers, Bd' },
  pace: SERIAL_LISTEN_OPTIONS.pace,
} as const satisfies OptionTable;

/** Where the serial port of a G3 modem is: a device, or a socket as behind a serial server. */
type G3Port =
  | { readonly host: string; readonly port: number }
  | { readonly path: string; readonly settings: SerialSettings };

/** A place as it was written, checked. */
export interface ListenPlace {
  readonly url: string;
  readonly framing: BusFraming;
  /** Meters on one line; 0 = one each under the wrapper, all of them on an HDLC line. */
  readonly meters: number;
  readonly at:
    | { readonly kind: 'given'; readonly duplex: ByteDuplex; readonly octetMs: number }
    | { readonly kind: 'tcp'; readonly host: string; readonly port: number; readonly octetMs: number }
    | { readonly kind: 'base-node'; readonly host: string; readonly port: number; readonly plan: PlcPlan }
    | { readonly kind: 'g3-modem'; readonly port: G3Port; readonly plan: PlcPlan }
    | {
        readonly kind: 'serial';
        readonly path: string;
        readonly octetMs: number;
        readonly open: ReturnType<typeof serialSettings>;
      }
    | {
        readonly kind: 'optical';
        readonly path: string;
        readonly startBaud: number;
        readonly offeredBaud: number;
        readonly paced: boolean;
      };
}

/** A meter and how to reach it. */
export interface ReachedMeter {
  readonly meter: SimMeter;
  /** Address that an edge puts into its configuration. */
  readonly url: string;
  readonly framing: BusFraming;
  /** HDLC physical address, or wPort. */
  readonly address: number;
}

/** A line that is open already, kept to its pace: the other end of it is what an edge opens under `url`. */
export interface GivenLine {
  readonly url: string;
  readonly duplex: ByteDuplex;
  /** Time of an octet, ms. */
  readonly octetMs: number;
}

/** A place for meters on a line that is open already; they speak HDLC, or telegrams. */
export function placeOn({ url, duplex, octetMs }: GivenLine): ListenPlace {
  return { url, framing: 'hdlc', meters: 0, at: { kind: 'given', duplex, octetMs } };
}

/** Reads an address; throws `SIM_LISTEN` with every problem. */
export function parseListen(url: string): ListenPlace {
  const address = addressOf(url);
  const scheme = url.split('://', 1).at(0);
  if (address === null) throw simError('SIM_LISTEN', `${url} is no address`);
  if (scheme === 'tcp' || scheme === 'tcp+hdlc') return tcpPlace(address, scheme === 'tcp' ? 'wrapper' : 'hdlc');
  if (scheme === 'prime-tcp') return baseNodePlace(address);
  if (scheme === 'g3-serial') return g3Place(address);
  if (scheme === 'serial') return serialPlace(address);
  if (scheme === 'optical') return opticalPlace(address);
  throw simError('SIM_LISTEN', `${url}: tcp, tcp+hdlc, prime-tcp, g3-serial, serial and optical are known`);
}

function tcpPlace(address: LinkAddress, framing: BusFraming): ListenPlace {
  const { values, problems } = readOptions(TCP_LISTEN_OPTIONS, address.query);
  const { host, port } = address;
  const octetMs = values.baud === 0 ? 0 : (OCTET_BITS * 1000) / values.baud;
  const missing = host === '' || port === null ? ['host and port are wanted, as in tcp://127.0.0.1:4059'] : [];
  refuse(address.url, [...problems, ...missing]);
  return { url: address.url, framing, meters: values.meters, at: { kind: 'tcp', host, port: port ?? 0, octetMs } };
}

function baseNodePlace(address: LinkAddress): ListenPlace {
  const { values, problems } = readOptions(PLC_OPTIONS, address.query);
  const { host, port } = address;
  const missing = host === '' || port === null ? ['host and port are wanted, as in prime-tcp://127.0.0.1:4059'] : [];
  refuse(address.url, [...problems, ...missing]);
  const plan = planOf(values, (option) => address.query.has(option));
  const at = { kind: 'base-node', host, port: port ?? 0, plan } as const;
  return { url: address.url, framing: 'wrapper', meters: 0, at };
}

function g3Place(address: LinkAddress): ListenPlace {
  const { values, problems } = readOptions(G3_LISTEN_OPTIONS, address.query);
  const { host, port, path, url } = address;
  const isPlace = host === '' ? path.length > 1 : port !== null;
  const wanted = 'a device or host and port are wanted, as in g3-serial:///dev/pts/3 or g3-serial://127.0.0.1:4001';
  refuse(url, [...problems, ...(isPlace ? [] : [wanted])]);
  const plan = planOf(values, (option) => address.query.has(option));
  const at = host === '' ? { path, settings: serialSettings(values) } : { host, port: port ?? 0 };
  return { url, framing: 'wrapper', meters: 0, at: { kind: 'g3-modem', port: at, plan } };
}

function serialPlace(address: LinkAddress): ListenPlace {
  const { values, problems } = readOptions(SERIAL_LISTEN_OPTIONS, address.query);
  const missing = address.path.startsWith('/') ? [] : ['a device is wanted, as in serial:///dev/pts/3?baud=9600'];
  refuse(address.url, [...problems, ...missing]);
  const open = serialSettings(values);
  const octetMs = values.pace ? octetMsOf(open) : 0;
  return {
    url: address.url,
    framing: 'hdlc',
    meters: values.meters,
    at: { kind: 'serial', path: address.path, octetMs, open },
  };
}

function opticalPlace(address: LinkAddress): ListenPlace {
  const { values, problems } = readOptions(OPTICAL_LISTEN_OPTIONS, address.query);
  refuse(address.url, [...problems, ...deviceProblems(address)]);
  const [startBaud, offeredBaud] = [Number(values.start), Number(values.baud)];
  const at = { kind: 'optical', path: address.path, startBaud, offeredBaud, paced: values.pace } as const;
  return { url: address.url, framing: 'hdlc', meters: 1, at };
}

function refuse(url: string, problems: readonly string[]): void {
  if (problems.length > 0) throw simError('SIM_LISTEN', `${url}: ${problems.join('; ')}`);
}

/** Places with meters at them. */
export class SimListeners {
  readonly #listeners: Listener[] = [];
  readonly #lines = new Set<ServedLine>();
  /** What calls off the further life of base nodes. */
  readonly #lives: (() => void)[] = [];

  constructor(
    private readonly env: Pick<Env, 'clock' | 'timers' | 'net' | 'serial' | 'log'>,
    private readonly ledger: Ledger | null,
  ) {}

  /** Opens a place for meters; tells where each one is. Rejects with `SIM_LISTEN`, or when the place is taken. */
  async open(place: ListenPlace, meters: readonly SimMeter[]): Promise<ReachedMeter[]> {
    if (place.at.kind === 'serial') return this.#openSerial(place, place.at, meters);
    if (place.at.kind === 'optical') return this.#openOptical(place, place.at, meters);
    if (place.at.kind === 'base-node') return this.#openBaseNode(place.at, meters);
    if (place.at.kind === 'g3-modem') return this.#openG3Modem(place.at, meters);
    if (place.at.kind === 'given') {
      this.#serve(this.#paced(place.at.duplex, place.at.octetMs), meters, 'hdlc');
      return reachedOn(meters, place.url, 'hdlc');
    }
    const { host, port, octetMs } = place.at;
    const perLine = place.meters > 0 ? place.meters : place.framing === 'wrapper' ? 1 : METERS_PER_LINE_MAX;
    const reached: ReachedMeter[] = [];
    for (let at = 0, line = 0; at < meters.length; at += perLine, line++) {
      const own = meters.slice(at, at + perLine);
      const listener = await this.env.net.listenTcp(host, port === 0 ? 0 : port + line, (duplex) => {
        this.#serve(this.#paced(duplex, octetMs), own, place.framing);
      });
      this.#listeners.push(listener);
      const scheme = place.framing === 'wrapper' ? 'tcp' : 'tcp+hdlc';
      const url = `${scheme}://${listener.host}:${listener.port}`;
      reached.push(...reachedOn(own, url, place.framing));
    }
    return reached;
  }

  #paced(duplex: ByteDuplex, octetMs: number): ByteDuplex {
    return octetMs === 0 ? duplex : new PacedDuplex(duplex, octetMs, this.env);
  }

  async #openBaseNode(
    { host, port, plan }: Extract<ListenPlace['at'], { kind: 'base-node' }>,
    meters: readonly SimMeter[],
  ): Promise<ReachedMeter[]> {
    const random = new SeededRandom(`base-node/${plan.seed}`);
    const node = new BaseNode(behindBaseNode(meters), this.env, plan.habits, random.fork('node'));
    const listener = await this.env.net.listenTcp(host, port, (duplex) => {
      this.#serve(node.attach(duplex), meters, 'wrapper');
    });
    this.#lives.push(liveBaseNode(node, plan, this.env, random.fork('life')));
    this.#listeners.push(listener);
    const url = `prime-tcp://${listener.host}:${listener.port}`;
    // To whoever names one of them it is alone on its line.
    return meters.flatMap((meter) => reachedOn([meter], `${url}/${meter.device.serial}`, 'wrapper'));
  }

  async #openG3Modem(
    { port, plan }: Extract<ListenPlace['at'], { kind: 'g3-modem' }>,
    meters: readonly SimMeter[],
  ): Promise<ReachedMeter[]> {
    const random = new SeededRandom(`g3-modem/${plan.seed}`);
    const modem = new G3SimModem(behindBaseNode(meters), this.env, plan.habits, random.fork('modem'));
    const serve = (duplex: ByteDuplex) => this.#serve(modem.attach(duplex), meters, 'wrapper');
    let where = '';
    if ('path' in port) {
      serve(await openPort(this.env, port.path, port.settings));
      where = port.path;
    } else {
      const listener = await this.env.net.listenTcp(port.host, port.port, serve);
      this.#listeners.push(listener);
      where = `${listener.host}:${listener.port}`;
    }
    this.#lives.push(liveBaseNode(modem, plan, this.env, random.fork('life')));
    const url = (serial: string) => `g3-serial://${where}?pan=${G3_PAN}&meter=${simEui64(serial)}`;
    return meters.flatMap((meter) => reachedOn([meter], url(meter.device.serial), 'wrapper'));
  }

  async #openSerial(
    place: ListenPlace,
    at: Extract<ListenPlace['at'], { kind: 'serial' }>,
    meters: readonly SimMeter[],
  ): Promise<ReachedMeter[]> {
    const port = await openPort(this.env, at.path, at.open);
    this.#serve(this.#paced(port, at.octetMs), meters, 'hdlc');
    const framing = telegramFramingOf(meters);
    return reachedOn(meters, framing === null ? place.url : portUrl(at, framing), 'hdlc');
  }

  async #openOptical(
    place: ListenPlace,
    at: Extract<ListenPlace['at'], { kind: 'optical' }>,
    meters: readonly SimMeter[],
  ): Promise<ReachedMeter[]> {
    refuse(place.url, meters.length > 1 ? [`${meters.length} meters at one optical head`] : []);
    const open = async (settings: SerialSettings) => {
      const port = await openPort(this.env, at.path, settings);
      return at.paced ? new PacedDuplex(port, octetMsOf(settings), this.env) : port;
    };
    const { startBaud, offeredBaud } = at;
    const address = meters[0]?.device.serial ?? '';
    const front = await openOpticalFront(at.path, open, this.env, { startBaud, offeredBaud, address, text: address });
    this.#serve(front, meters, 'hdlc');
    return reachedOn(meters, place.url, 'hdlc');
  }

  #serve(duplex: Parameters<typeof serveLine>[0], meters: readonly SimMeter[], framing: BusFraming): void {
    const line = serveLine(duplex, meters, framing, this.env, this.ledger, {
      event: (meter, event) => {
        if (event.kind === 'served') return;
        this.env.log.debug(`sim.${event.kind}`, { meterId: meter.device.meterId });
      },
      ended: () => void this.#lines.delete(line),
    });
    this.#lines.add(line);
  }

  /** Ends every line and gives the places back. */
  async close(): Promise<void> {
    for (const end of this.#lives.splice(0)) end();
    for (const listener of this.#listeners) await listener.close();
    for (const line of this.#lines) line.close();
    this.#lines.clear();
  }
}

/** The address of a port of telegrams, as an edge listens to it. */
function portUrl({ path, open }: Extract<ListenPlace['at'], { kind: 'serial' }>, framing: string): string {
  const { baud, parity, dataBits } = open;
  return `push+serial://${path}?baud=${baud}&parity=${parity}${dataBits === 7 ? '&data=7' : ''}&framing=${framing}`;
}

/** What comes on a port of meters that send telegrams; null = theirs are asked. */
function telegramFramingOf(meters: readonly SimMeter[]): 'p1' | 'sml' | null {
  const encodings = meters.flatMap(({ device }) => device.profile.push.map(({ encoding }) => encoding));
  return encodings.find((encoding) => encoding !== 'notification') ?? null;
}

function reachedOn(meters: readonly SimMeter[], url: string, framing: BusFraming): ReachedMeter[] {
  return meters.map((meter, at) => ({ meter, url, framing, address: addressOnLine(meter, at, framing) }));
}
