/**
 * A virtual world: one clock, one seed, one trace, and an `Env` for each program in it.
 *
 * Every program has its own disk and its machine's wall clock (an offset that can jump); the net and the broker are shared.
 * Primitives of cryptography are the host's, with seeded randomness: keys of a virtual world are no secrets.
 */

import { concat } from '../base/bytes.ts';
import type {
  AppendFile,
  ByteDuplex,
  Crypto,
  Disk,
  Env,
  KeyValueStore,
  Listener,
  MqttConnector,
  MqttListener,
  Net,
  SerialPorts,
  SerialSettings,
  Timer,
  Timers,
} from '../base/env.ts';
import type { Log, LogFields } from '../base/log.ts';
import { SeededRandom } from '../base/seeded-random.ts';
import { MemoryBroker } from './memory-broker.ts';
import { MemoryNet } from './memory-net.ts';
import { MemoryStore } from './memory-store.ts';
import type { LineShape } from './paced-way.ts';
import { Trace } from './trace.ts';
import { VirtualClock } from './virtual-clock.ts';

/** 2026-03-01T00:00:00Z: the day on which virtual worlds begin. */
export const WORLD_START_MS = 1_772_323_200_000;

/** What a world is made of. */
export interface WorldOptions {
  readonly seed: number;
  /** The host's primitives; `signingKeyFrom` makes an Ed25519 pair from 32 octets. */
  readonly crypto: Crypto & { signingKeyFrom(seed: Uint8Array): ReturnType<Crypto['newSigningKey']> };
  readonly startMs?: number;
  /** How the lines to an address behave; without it 1 ms and no pace. */
  readonly shapeOf?: (address: string) => LineShape;
  /** Shows log lines; the trace notes them in any case. */
  readonly showLog?: (program: string, level: string, event: string, fields: LogFields | undefined) => void;
}

/** The wall clock of a machine, kept over restarts of its programs: how far it is from the world's. */
export class MachineClock {
  constructor(public aheadMs = 0) {}
}

/** A program's place in the world. */
export interface VirtualProgram {
  readonly env: Env;
  readonly disk: MemoryDisk;
  /** Moves the wall clock of the program's machine, not the monotonic one. */
  jumpWallMs(byMs: number): void;
  /**
   * Ends the program as kill -9 does: its timers never fire, its connections end, whatever it still asks for never comes.
   * The disk stays; `disk.crash()` is a power cut.
   */
  kill(): void;
}

/** The world itself. */
export class VirtualWorld {
  readonly clock = new VirtualClock();
  readonly random: SeededRandom;
  readonly trace: Trace;
  readonly net: MemoryNet;
  readonly broker: MemoryBroker;
  readonly startMs: number;
  readonly #options: WorldOptions;

  constructor(options: WorldOptions) {
    this.#options = options;
    this.startMs = options.startMs ?? WORLD_START_MS;
    this.random = new SeededRandom(options.seed);
    this.trace = new Trace(options.crypto);
    const note = (line: string) => this.trace.note(`${this.clock.nowMs} ${line}`);
    this.net = new MemoryNet(this.clock, note, options.shapeOf);
    this.broker = new MemoryBroker(this.clock, note);
  }

  /** Wall time of the world, UTC ms. */
  get nowMs(): number {
    return this.startMs + this.clock.nowMs;
  }

  /** A program; `disk` and `machine` may be those that an earlier program of the same name left behind (a restart). */
  program(name: string, disk = new MemoryDisk(), machine = new MachineClock()): VirtualProgram {
    const random = this.random.fork(name);
    const crypto = this.#options.crypto;
    const life = new Life(this.clock);
    const env: Env = {
      clock: { nowMs: () => Math.floor(this.nowMs + machine.aheadMs), monotonicMs: () => this.clock.nowMs },
      timers: life,
      random,
      crypto: {
        sha256: (octets) => crypto.sha256(octets),
        hmacSha256: (key, octets) => crypto.hmacSha256(key, octets),
        sameSecret: (a, b) => crypto.sameSecret(a, b),
        sign: (key, octets) => crypto.sign(key, octets),
        verify: (key, octets, signature) => crypto.verify(key, octets, signature),
        newSigningKey: () => crypto.signingKeyFrom(random.bytes(32)),
      },
      disk,
      net: life.net(this.net.of(name)),
      serial: NO_SERIAL,
      mqtt: life.mqtt(this.broker),
      log: this.#log(name, {}),
    };
    return {
      env,
      disk,
      jumpWallMs: (byMs) => {
        machine.aheadMs += byMs;
      },
      kill: () => life.end(),
    };
  }

  #log(program: string, fixed: LogFields): Log {
    const write = (level: string) => (event: string, fields?: LogFields) => {
      const all = { ...fixed, ...fields };
      this.trace.note(`${this.clock.nowMs} ${program} ${level} ${event} ${JSON.stringify(all)}`);
      this.#options.showLog?.(program, level, event, all);
    };
    return {
      error: write('error'),
      warn: write('warn'),
      info: write('info'),
      debug: write('debug'),
      trace: () => {},
      child: (fields) => this.#log(program, { ...fixed, ...fields }),
    };
  }
}

/** One run of a program: when it ends, nothing reaches it and nothing leaves it any more. */
class Life implements Timers {
  readonly #timers: Timers;
  readonly #ends = new Set<() => void>();
  #isOver = false;

  constructor(timers: Timers) {
    this.#timers = timers;
  }

  after(delayMs: number, run: () => void): Timer {
    return this.#timers.after(delayMs, () => {
      if (!this.#isOver) run();
    });
  }

  async sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    await this.#timers.sleep(delayMs, signal);
    if (this.#isOver) await never();
  }

  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    for (const end of this.#ends) end();
    this.#ends.clear();
  }

  net(net: Net): Net {
    return {
      connectTcp: async (host, port, options) =>
        this.#duplex(await this.#living(() => net.connectTcp(host, port, options), close)),
      listenTcp: (host, port, accept) =>
        this.#listener(() => net.listenTcp(host, port, (duplex) => accept(this.#duplex(duplex)))),
      listenTls: (host, port, tls, accept) =>
        this.#listener(() =>
          net.listenTls(host, port, tls, (duplex, commonName) => accept(this.#duplex(duplex), commonName)),
        ),
      serveHttp: (host, port, answer) => this.#listener(() => net.serveHttp(host, port, answer)),
    };
  }

  mqtt(broker: MqttConnector): MqttConnector {
    return {
      connect: async (options, listener) => {
        const ears: MqttListener = {
          message: (topic, payload) => (this.#isOver ? never() : listener.message(topic, payload)),
          closed: (reason) => {
            if (!this.#isOver) listener.closed(reason);
          },
        };
        const connection = await this.#living(() => broker.connect(options, ears), close);
        const end = () => void connection.close();
        this.#ends.add(end);
        return {
          ...connection,
          publish: (topic, payload, delivery) => this.#living(() => connection.publish(topic, payload, delivery)),
          close: () => {
            this.#ends.delete(end);
            return connection.close();
          },
        };
      },
    };
  }

  /** What a dead program asks for, or waited for when it died, never comes. */
  async #living<Result>(ask: () => Promise<Result>, discard: (late: Result) => void = () => {}): Promise<Result> {
    if (this.#isOver) return never();
    const result = await ask();
    if (!this.#isOver) return result;
    discard(result);
    return never();
  }

  async #listener(listen: () => Promise<Listener>): Promise<Listener> {
    const listener = await this.#living(listen, close);
    const end = () => void listener.close();
    this.#ends.add(end);
    return {
      ...listener,
      close: () => {
        this.#ends.delete(end);
        return listener.close();
      },
    };
  }

  #duplex(duplex: ByteDuplex): ByteDuplex {
    const end = () => duplex.close();
    this.#ends.add(end);
    return {
      peer: duplex.peer,
      write: (octets) => (this.#isOver ? never() : duplex.write(octets)),
      listen: (listener) =>
        duplex.listen({
          data: (chunk) => {
            if (!this.#isOver) listener.data(chunk);
          },
          closed: (reason) => {
            this.#ends.delete(end);
            if (!this.#isOver) listener.closed(reason);
          },
        }),
      close: end,
    };
  }
}

function close(late: { close(): unknown }): void {
  late.close();
}

function never<Result>(): Promise<Result> {
  return new Promise<Result>(() => {});
}

const NO_SERIAL: SerialPorts = {
  open: (path: string, _settings: SerialSettings): Promise<ByteDuplex> =>
    Promise.reject(new Error(`the virtual world has no serial port ${path}: use a memory link`)),
};

/** Files and stores of one program, kept over its restarts. */
export class MemoryDisk implements Disk {
  /** A file as the chunks that were appended: joined when somebody reads it. */
  readonly #files = new Map<string, Uint8Array[]>();
  readonly #modes = new Map<string, number>();
  readonly #stores = new Map<string, MemoryStore>();

  openStore(path: string): Promise<KeyValueStore> {
    const opened = this.#stores.get(path)?.reopen() ?? new MemoryStore();
    this.#stores.set(path, opened);
    return Promise.resolve(opened);
  }

  repairStore(): Promise<void> {
    return Promise.resolve();
  }

  rename(from: string, to: string): Promise<void> {
    const store = this.#stores.get(from);
    if (store !== undefined) this.#stores.set(to, store);
    this.#stores.delete(from);
    const chunks = this.#files.get(from);
    if (chunks !== undefined) this.#files.set(to, chunks);
    this.#files.delete(from);
    return Promise.resolve();
  }

  /** The machine lost power: open stores are dead, and what was not synced is gone. */
  crash(): void {
    for (const store of this.#stores.values()) store.crash();
  }

  /** Everything in a folder is gone. */
  forget(folder: string): void {
    for (const kept of [this.#files, this.#modes, this.#stores])
      for (const path of kept.keys()) if (path.startsWith(`${folder}/`)) kept.delete(path);
  }

  readFile(path: string): Promise<Uint8Array | undefined> {
    const chunks = this.#files.get(path);
    if (chunks === undefined) return Promise.resolve(undefined);
    const joined = concat(chunks);
    this.#files.set(path, [joined]);
    return Promise.resolve(joined);
  }

  /** As they were written; 0600 unless said otherwise. */
  permissions(path: string): Promise<number | undefined> {
    return Promise.resolve(this.#files.has(path) ? (this.#modes.get(path) ?? 0o600) : undefined);
  }

  writeFile(path: string, octets: Uint8Array, mode = 0o600): Promise<void> {
    this.#files.set(path, [octets.slice()]);
    this.#modes.set(path, mode);
    return Promise.resolve();
  }

  openAppend(path: string): Promise<AppendFile> {
    return Promise.resolve({
      append: (octets) => {
        const chunks = this.#files.get(path);
        if (chunks === undefined) this.#files.set(path, [octets.slice()]);
        else chunks.push(octets.slice());
        return Promise.resolve();
      },
      close: () => Promise.resolve(),
    });
  }

  list(path: string): Promise<string[]> {
    const prefix = path.endsWith('/') ? path : `${path}/`;
    const names = [...this.#files.keys(), ...this.#stores.keys()].filter((name) => name.startsWith(prefix));
    return Promise.resolve([...new Set(names.map((name) => name.slice(prefix.length).split('/')[0] as string))].sort());
  }

  makeFolder(): Promise<void> {
    return Promise.resolve();
  }

  remove(path: string): Promise<void> {
    this.#files.delete(path);
    this.#stores.delete(path);
    return Promise.resolve();
  }
}
