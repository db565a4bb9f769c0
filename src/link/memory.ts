/**
 * Lines in memory: `memory:bus1`. A bus with one asking end and any number of devices, paced like a wire, with faults from
 * a seed: for the virtual system, for tests and for benches.
 *
 * One medium: what both sides write goes out one after the other, each octet taking its time; a piece arrives when its
 * last octet has passed. Every device hears the asking end, the asking end hears every device; devices do not hear each
 * other. Given up: collisions, which a master with one request in flight does not cause.
 */
import type { ByteDuplex, Listener, Random, Timers } from '../base/env.ts';
import { linkError } from './errors.ts';
import { InnerEnd } from './inner-end.ts';
import { LINK_PDU_MAX_BYTES, MEMORY_BUS_DEVICES_MAX } from './limits.ts';
import type { LineLink, LinkFraming } from './link.ts';
import { type OptionTable, readOptions } from './options.ts';
import type { LinkAddress, LinkEnv, LinkScheme } from './scheme.ts';

/** What a line does wrong; probabilities from 0 to 1 for each piece that passes. */
export interface MemoryFaults {
  /** The piece is lost. */
  readonly lose?: number;
  /** One bit of it is altered. */
  readonly flip?: number;
  /** Share of all bits that are altered, each for itself: a bit error rate. */
  readonly bitErrors?: number;
  /** Random octets, up to 40, come before it. */
  readonly babble?: number;
  /** Largest piece, octets: writes are cut at random places below it. */
  readonly pieceBytes?: number;
}

/** How a line is made. */
export interface MemoryLineShape {
  /** Octets a second; absent = as fast as it comes. 9,600 Bd 8N1 are 960. */
  readonly octetsPerS?: number;
  /** Pause before a device's answer begins to leave, ms. */
  readonly turnaroundMs?: number;
  /** Devices that send at once spoil each other's octets; absent = they take turns. */
  readonly collides?: boolean;
  readonly faults?: MemoryFaults;
  readonly framing?: LinkFraming;
  readonly purpose?: 'ask' | 'push';
}

/** Fineness of what a distance between errors is drawn from. */
const DRAWS = 2 ** 30;

interface LineEnv {
  readonly timers: Timers;
  readonly clock: { monotonicMs(): number };
  readonly random: Random;
}

/** All memory lines of one world, by name. */
export class MemoryLines {
  readonly #lines = new Map<string, MemoryLine>();

  constructor(private readonly env: LineEnv) {}

  /** Makes a line (again: the old one is cut). */
  create(name: string, shape: MemoryLineShape = {}): MemoryLine {
    this.#lines.get(name)?.cut();
    const line = new MemoryLine(name, shape, this.env);
    this.#lines.set(name, line);
    return line;
  }

  /** The line, or undefined. */
  find(name: string): MemoryLine | undefined {
    return this.#lines.get(name);
  }
}

/** One line. */
export class MemoryLine {
  readonly shape: MemoryLineShape;
  readonly #devices = new Set<InnerEnd>();
  #asking: InnerEnd | null = null;
  #freeAtMs = 0;
  /** What a device is sending: spoilt when another one begins meanwhile. */
  #sending: { readonly from: InnerEnd; untilMs: number; isSpoilt: boolean } | null = null;
  #accept: ((duplex: ByteDuplex) => void) | null = null;
  #faults: MemoryFaults;
  /** Octets that have passed, both ways, without babble. */
  octets = 0;
  /** Hears when something is written and when its last octet will have passed, monotonic ms, and who wrote it. */
  onCarry: ((writtenAtMs: number, passedAtMs: number, from: 'asking' | 'device') => void) | null = null;

  constructor(
    readonly name: string,
    shape: MemoryLineShape,
    private readonly env: LineEnv,
  ) {
    this.shape = shape;
    this.#faults = shape.faults ?? {};
  }

  /** From now on the line errs like this. */
  setFaults(faults: MemoryFaults): void {
    this.#faults = faults;
  }

  /** The asking end; a second opening ends the first. */
  open(): ByteDuplex {
    this.#asking?.end();
    const end = new InnerEnd(`memory:${this.name}`, (octets) =>
      this.#carry(octets, 'asking', () => [...this.#devices]),
    );
    this.#asking = end;
    this.#accept?.(this.attach());
    return end;
  }

  /** One more device on the line. */
  attach(): ByteDuplex {
    if (this.#devices.size >= MEMORY_BUS_DEVICES_MAX)
      throw linkError('LINK_OPEN', `${MEMORY_BUS_DEVICES_MAX} devices on ${this.name}`);
    const toAsking = () => (this.#asking === null ? [] : [this.#asking]);
    const end: InnerEnd = new InnerEnd(`memory:${this.name}`, (octets) => this.#answer(octets, end, toAsking));
    this.#devices.add(end);
    end.onClose = () => this.#devices.delete(end);
    return end;
  }

  /** Serves the line like a listening socket: every opening of the asking end gives a new device end. */
  listen(accept: (duplex: ByteDuplex) => void): Listener {
    this.#accept = accept;
    return {
      host: this.name,
      port: 0,
      close: () => {
        this.#accept = null;
        return Promise.resolve();
      },
    };
  }

  /** Ends every end, as a cable that is pulled. */
  cut(): void {
    this.#asking?.end();
    for (const device of [...this.#devices]) device.end();
    this.#devices.clear();
    this.#asking = null;
  }

  /** A device sends. One that begins while another one does is lost, and spoils what the other one sends. */
  #answer(octets: Uint8Array, from: InnerEnd, receivers: () => readonly InnerEnd[]): void {
    const nowMs = this.env.clock.monotonicMs();
    const sending = this.#sending;
    if (this.shape.collides === true && sending !== null && sending.from !== from && nowMs < sending.untilMs) {
      sending.isSpoilt = true;
      return;
    }
    const own = { from, untilMs: Number.POSITIVE_INFINITY, isSpoilt: false };
    this.#sending = own;
    this.#carry(octets, 'device', receivers, () => own.isSpoilt);
    own.untilMs = this.#freeAtMs;
  }

  #carry(
    octets: Uint8Array,
    from: 'asking' | 'device',
    receivers: () => readonly InnerEnd[],
    isSpoilt = () => false,
  ): void {
    this.octets += octets.length;
    const turnaroundMs = from === 'device' ? (this.shape.turnaroundMs ?? 0) : 0;
    const nowMs = this.env.clock.monotonicMs();
    let atMs = Math.max(nowMs + turnaroundMs, this.#freeAtMs);
    for (const piece of this.#pieces(octets)) {
      atMs += this.shape.octetsPerS === undefined ? 0 : (piece.length * 1_000) / this.shape.octetsPerS;
      for (const passed of this.#spoilt(piece)) {
        this.env.timers.after(atMs - nowMs, () => {
          if (isSpoilt()) alter(passed, this.env.random.below(passed.length * 8));
          for (const receiver of receivers()) receiver.deliver(passed);
        });
      }
    }
    this.#freeAtMs = atMs;
    this.onCarry?.(nowMs, atMs, from);
  }

  #pieces(octets: Uint8Array): Uint8Array[] {
    const most = this.#faults.pieceBytes;
    if (most === undefined) return [octets.slice()];
    const pieces: Uint8Array[] = [];
    for (let at = 0; at < octets.length; ) {
      const length = 1 + this.env.random.below(most);
      pieces.push(octets.slice(at, at + length));
      at += length;
    }
    return pieces;
  }

  #spoilt(piece: Uint8Array): Uint8Array[] {
    const { lose = 0, flip = 0, bitErrors = 0, babble = 0 } = this.#faults;
    const passed = this.#chance(babble) ? [this.env.random.bytes(1 + this.env.random.below(40))] : [];
    if (this.#chance(lose)) return passed;
    const arrived = piece.slice();
    if (this.#chance(flip)) alter(arrived, this.env.random.below(arrived.length * 8));
    if (bitErrors > 0)
      for (let bit = this.#toNextError(bitErrors); bit < arrived.length * 8; bit += 1 + this.#toNextError(bitErrors))
        alter(arrived, bit);
    return [...passed, arrived];
  }

  /** Bits that pass unharmed before the next one that does not. */
  #toNextError(rate: number): number {
    const drawn = (this.env.random.below(DRAWS) + 1) / DRAWS;
    return Math.floor(Math.log(drawn) / Math.log1p(-rate));
  }

  #chance(probability: number): boolean {
    return probability > 0 && this.env.random.below(1_000_000) < probability * 1_000_000;
  }
}

function alter(octets: Uint8Array, bit: number): void {
  octets[bit >>> 3] = (octets[bit >>> 3] ?? 0) ^ (1 << (bit & 7));
}

const OPTIONS = {
  framing: {
    kind: 'choice',
    about: 'Frames on the line',
    default: 'hdlc',
    of: ['hdlc', 'wrapper', 'mbus', 'auto', 'ascii', 'modbus-rtu', 'modbus-tcp'],
  },
  gap: {
    kind: 'number',
    about: 'Silence inside a frame after which it is given up',
    unit: 'ms',
    default: 250,
    min: 20,
    max: 600_000,
  },
} as const satisfies OptionTable;

function make(address: LinkAddress, env: LinkEnv): LineLink | { readonly problems: readonly string[] } {
  const { values, problems } = readOptions(OPTIONS, address.query);
  if (env.lines === undefined)
    return { problems: ['memory lines exist only inside one process, in the virtual system and in tests'] };
  if (address.path === '') return { problems: [...problems, 'the name of the line is missing, as in memory:bus1'] };
  if (problems.length > 0) return { problems };
  const { lines } = env;
  const shape = lines.find(address.path)?.shape;
  return {
    kind: 'line',
    purpose: shape?.purpose ?? 'ask',
    scheme: 'memory',
    url: address.url,
    framing: (address.query.has('framing') ? (values.framing as LinkFraming) : shape?.framing) ?? 'hdlc',
    capabilities: {
      maxInFlight: 1,
      maxPduBytes: LINK_PDU_MAX_BYTES,
      broadcast: true,
      joinEvents: false,
      rescan: false,
    },
    octetMs: shape?.octetsPerS === undefined ? 0 : 1_000 / shape.octetsPerS,
    gapMs: values.gap,
    open: () => {
      const line = lines.find(address.path);
      if (line === undefined) return Promise.reject(linkError('LINK_NO_LINE', address.path));
      return Promise.resolve(line.open());
    },
  };
}

/** Lines inside the process. */
export const MEMORY_SCHEMES: readonly LinkScheme[] = [
  { scheme: 'memory', example: 'memory:bus1', options: OPTIONS, make },
];
