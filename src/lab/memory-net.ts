/**
 * TCP in memory: listeners by host and port, connections as pairs of queues with latency and, when asked, a pace.
 *
 * Octets arrive in order, in the chunks in which they were written. Faults are set per world: `cut` ends connections,
 * `refuse` makes connecting fail; both are what a dead host looks like from outside.
 */
import type { ByteDuplex, DuplexListener, HttpAnswer, Listener, Net, Timers } from '../base/env.ts';
import { DeltawattError } from '../base/errors.ts';
import { type LineShape, PacedWay } from './paced-way.ts';

const REFUSED = {
  side: 'path',
  retry: 'later',
  sentence: 'Nobody listens at this address. Start the other side or correct the address.',
} as const;

const CLOSED = {
  side: 'path',
  retry: 'later',
  sentence: 'The connection is closed. Open it again.',
} as const;

class MemoryEnd implements ByteDuplex {
  other: MemoryEnd | undefined;
  #listener: DuplexListener | undefined;
  #early: Uint8Array[] = [];
  #open = true;
  readonly #way: PacedWay;

  constructor(
    readonly peer: string,
    private readonly timers: Timers & { readonly nowMs: number },
    shape: LineShape,
    private readonly note: (octets: Uint8Array) => void,
    private readonly forget: (end: MemoryEnd) => void = () => {},
  ) {
    this.#way = new PacedWay(timers, shape);
  }

  write(octets: Uint8Array): Promise<void> {
    if (!this.#open) return Promise.reject(new DeltawattError('LINE_CLOSED', CLOSED, this.peer));
    const copy = octets.slice();
    this.timers.after(this.#way.take(copy.length), () => this.other?.deliver(copy));
    return Promise.resolve();
  }

  deliver(octets: Uint8Array): void {
    if (!this.#open) return;
    this.note(octets);
    if (this.#listener === undefined) this.#early.push(octets);
    else this.#listener.data(octets);
  }

  listen(listener: DuplexListener): void {
    this.#listener = listener;
    const early = this.#early;
    this.#early = [];
    for (const octets of early) listener.data(octets);
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.forget(this);
    const other = this.other;
    this.timers.after(this.#way.emptyMs(), () => other?.ended());
    this.timers.after(0, () => this.#listener?.closed());
  }

  ended(): void {
    if (!this.#open) return;
    this.#open = false;
    this.forget(this);
    this.#listener?.closed();
  }
}

/** The wires between all programs of a virtual world. */
export class MemoryNet {
  readonly #listeners = new Map<string, (duplex: ByteDuplex) => void>();
  readonly #connections = new Map<string, Set<MemoryEnd>>();
  readonly #refused = new Set<string>();
  #nextPort = 40_000;

  constructor(
    private readonly timers: Timers & { readonly nowMs: number },
    private readonly note: (line: string) => void,
    private readonly shapeOf: (address: string) => LineShape = () => ({ latencyMs: 1 }),
  ) {}

  /** The `Net` of one program; `name` is its host name for the others. */
  of(name: string): Net {
    return {
      connectTcp: (host, port) => this.#connect(name, `${host}:${port}`),
      listenTcp: (host, port, accept) => this.#listen(host, port, accept),
      listenTls: () => Promise.reject(new Error('the net in memory has no TLS')),
      serveHttp: (host, port, answer) => this.#serveHttp(host, port, answer),
    };
  }

  /** Ends every connection to the address. */
  cut(address: string): void {
    for (const end of [...(this.#connections.get(address) ?? [])]) end.close();
  }

  /** From now on connecting fails (or works again). */
  refuse(address: string, refused: boolean): void {
    if (refused) this.#refused.add(address);
    else this.#refused.delete(address);
  }

  #connect(from: string, address: string): Promise<ByteDuplex> {
    const accept = this.#listeners.get(address);
    const shape = this.shapeOf(address);
    if (accept === undefined || this.#refused.has(address)) {
      return Promise.reject(new DeltawattError('LINE_REFUSED', REFUSED, address));
    }
    const ends = this.#connections.get(address) ?? new Set();
    this.#connections.set(address, ends);
    const near = new MemoryEnd(
      address,
      this.timers,
      shape,
      (o) => this.note(`net ${address}>${from} ${o.length}`),
      (end) => ends.delete(end),
    );
    const far = new MemoryEnd(from, this.timers, shape, (o) => this.note(`net ${from}>${address} ${o.length}`));
    near.other = far;
    far.other = near;
    ends.add(near);
    return this.timers.sleep(shape.latencyMs).then(() => {
      accept(far);
      return near;
    });
  }

  #listen(host: string, port: number, accept: (duplex: ByteDuplex) => void): Promise<Listener> {
    const taken = port === 0 ? this.#nextPort++ : port;
    const address = `${host}:${taken}`;
    if (this.#listeners.has(address)) throw new Error(`${address} is taken`);
    this.#listeners.set(address, accept);
    return Promise.resolve({
      host,
      port: taken,
      close: () => {
        this.#listeners.delete(address);
        return Promise.resolve();
      },
    });
  }

  /** HTTP is not played in the virtual system: the listener exists so that programs start, nobody can reach it. */
  #serveHttp(host: string, port: number, _answer: (path: string) => Promise<HttpAnswer>): Promise<Listener> {
    return this.#listen(host, port, (duplex) => duplex.close());
  }
}
