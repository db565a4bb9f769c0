/**
 * A TCP proxy that is the bad network between an edge and its broker: one fault at a time, named, with what it did counted.
 *
 * On a plain MQTT connection it knows packets, so that it can deliver a message twice; on TLS it sees octets only. What is
 * on its way when a fault begins or ends is treated by the fault that is on when it would leave.
 */
import { concat } from '../../base/bytes.ts';
import type { ByteDuplex, Env, Listener } from '../../base/env.ts';
import type { SeededRandom } from '../../base/seeded-random.ts';

/** What the network does. */
export type NetFault =
  | { readonly kind: 'none' }
  /** Connections end, new ones are refused. */
  | { readonly kind: 'down' }
  /** Nothing passes and nothing is said; connections that lost octets end with the fault. */
  | { readonly kind: 'half-open' }
  | { readonly kind: 'slow'; readonly octetsPerS: number }
  | { readonly kind: 'late'; readonly delayMs: number }
  /** A connection ends after about so many octets. */
  | { readonly kind: 'reset'; readonly everyOctets: number }
  /** One bit changes in about so many octets. */
  | { readonly kind: 'flip'; readonly everyOctets: number }
  /** Each PUBLISH goes out twice, both ways. */
  | { readonly kind: 'twice' };

/** What it did so far. */
export interface NetCounts {
  readonly connections: number;
  readonly refused: number;
  readonly cut: number;
  readonly droppedOctets: number;
  readonly delayedOctets: number;
  readonly flippedBits: number;
  readonly doubled: number;
}

interface Pipe {
  readonly to: ByteDuplex;
  readonly packets: PacketSplitter | null;
  readonly end: () => void;
  /** Chunks leave one after the other. */
  tail: Promise<void>;
  /** Octets until the next reset or flip. */
  left: number;
  broken: boolean;
}

const CONNECT_MS = 5_000;
const PUBLISH_TYPE = 3;

/** The proxy. */
export class BadNet {
  readonly #counts = {
    connections: 0,
    refused: 0,
    cut: 0,
    droppedOctets: 0,
    delayedOctets: 0,
    flippedBits: 0,
    doubled: 0,
  };
  readonly #pipes = new Set<Pipe>();
  #fault: NetFault = { kind: 'none' };
  #listener: Listener | null = null;

  /** `target` is asked at each connection: the broker may change. */
  constructor(
    private readonly env: Pick<Env, 'net' | 'timers' | 'clock'>,
    private readonly random: SeededRandom,
    private readonly target: () => { readonly port: number; readonly isPlain: boolean },
  ) {}

  get counts(): NetCounts {
    return { ...this.#counts };
  }

  /** How often a fault met something. */
  get struck(): number {
    const { refused, cut, droppedOctets, delayedOctets, flippedBits, doubled } = this.#counts;
    return refused + cut + droppedOctets + delayedOctets + flippedBits + doubled;
  }

  /** Listens on loopback; resolves to the port. */
  async start(port: number): Promise<void> {
    this.#listener = await this.env.net.listenTcp('127.0.0.1', port, (duplex) => void this.#accept(duplex));
  }

  /** From now on this is how the network is. */
  become(fault: NetFault): void {
    this.#fault = fault;
    for (const pipe of this.#pipes) {
      pipe.left = this.#interval();
      if (fault.kind === 'down' || pipe.broken) this.#cut(pipe);
    }
  }

  async stop(): Promise<void> {
    for (const pipe of this.#pipes) pipe.end();
    await this.#listener?.close();
  }

  async #accept(near: ByteDuplex): Promise<void> {
    if (this.#fault.kind === 'down') {
      this.#counts.refused += 1;
      near.close();
      return;
    }
    const { port, isPlain } = this.target();
    const far = await this.env.net.connectTcp('127.0.0.1', port, { timeoutMs: CONNECT_MS }).catch(() => null);
    if (far === null) {
      near.close();
      return;
    }
    this.#counts.connections += 1;
    const end = (): void => {
      near.close();
      far.close();
      this.#pipes.delete(up);
      this.#pipes.delete(down);
    };
    const [up, down] = [this.#pipe(far, isPlain, end), this.#pipe(near, isPlain, end)];
    near.listen({ data: (chunk) => this.#take(up, chunk), closed: end });
    far.listen({ data: (chunk) => this.#take(down, chunk), closed: end });
  }

  #pipe(to: ByteDuplex, isPlain: boolean, end: () => void): Pipe {
    const packets = isPlain ? new PacketSplitter() : null;
    const pipe = { to, packets, end, tail: Promise.resolve(), left: this.#interval(), broken: false };
    this.#pipes.add(pipe);
    return pipe;
  }

  #cut(pipe: Pipe): void {
    this.#counts.cut += 1;
    pipe.end();
  }

  /** A chunk is lent; it leaves when those before it have. */
  #take(pipe: Pipe, chunk: Uint8Array): void {
    const arrivedMs = this.env.clock.monotonicMs();
    for (const piece of pipe.packets?.split(chunk) ?? [chunk.slice()]) {
      pipe.tail = pipe.tail.then(() => this.#pass(pipe, piece, arrivedMs)).catch(() => pipe.end());
    }
  }

  async #pass(pipe: Pipe, piece: Uint8Array, arrivedMs: number): Promise<void> {
    const fault = this.#fault;
    switch (fault.kind) {
      case 'none':
        break;
      case 'down':
        return this.#cut(pipe);
      case 'half-open':
        this.#counts.droppedOctets += piece.length;
        pipe.broken = true;
        return;
      case 'slow':
        this.#counts.delayedOctets += piece.length;
        await this.env.timers.sleep((piece.length * 1_000) / fault.octetsPerS);
        break;
      case 'late':
        this.#counts.delayedOctets += piece.length;
        await this.env.timers.sleep(Math.max(0, arrivedMs + fault.delayMs - this.env.clock.monotonicMs()));
        break;
      case 'reset':
      case 'flip':
        pipe.left -= piece.length;
        if (pipe.left > 0) break;
        pipe.left = this.#interval();
        if (fault.kind === 'reset') return this.#cut(pipe);
        this.#flip(piece);
        break;
      case 'twice':
        if (pipe.packets === null || (piece[0] ?? 0) >> 4 !== PUBLISH_TYPE) break;
        this.#counts.doubled += 1;
        await pipe.to.write(piece);
        break;
    }
    await pipe.to.write(piece);
  }

  #flip(piece: Uint8Array): void {
    const at = this.random.below(piece.length);
    piece[at] = (piece[at] ?? 0) ^ (1 << this.random.below(8));
    this.#counts.flippedBits += 1;
  }

  /** Half to one and a half times the mean. */
  #interval(): number {
    const mean = 'everyOctets' in this.#fault ? this.#fault.everyOctets : 0;
    return Math.ceil(mean / 2) + this.random.below(mean + 1);
  }
}

/** Cuts a stream of MQTT packets (MQTT-2.2) into packets; the ends of a stream that is none come as they are. */
class PacketSplitter {
  #rest: Uint8Array = new Uint8Array(0);

  split(chunk: Uint8Array): Uint8Array[] {
    this.#rest = concat([this.#rest, chunk]);
    const packets: Uint8Array[] = [];
    for (let length = packetLength(this.#rest); length !== null; length = packetLength(this.#rest)) {
      packets.push(this.#rest.slice(0, length));
      this.#rest = this.#rest.slice(length);
    }
    return packets;
  }
}

/** Octets of the first packet, or null while it is not complete. */
function packetLength(octets: Uint8Array): number | null {
  let length = 0;
  for (let at = 1; at <= 4; at++) {
    const octet = octets[at];
    if (octet === undefined) return null;
    length += (octet & 0x7f) * 128 ** (at - 1);
    if (octet < 0x80) return at + 1 + length <= octets.length ? at + 1 + length : null;
  }
  return octets.length;
}
