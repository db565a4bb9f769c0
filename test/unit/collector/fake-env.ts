/** A small outside world for tests of the collector: a clock that moves when told, real crypto, files in memory. */
import { createHash } from 'node:crypto';
import type { Disk, Env, Random, Timer, Timers } from '../../../src/base/env.ts';
import { SILENT_LOG } from '../../../src/base/log.ts';
import { HOST_CRYPTO } from '../../../src/host/crypto.ts';

/** Time of the tests. */
export const START_MS = Date.UTC(2026, 2, 1, 12, 0, 0);

/** A clock and timers that move only by `advance`. */
export class FakeTime {
  #elapsedMs = 0;
  readonly #timers = new Map<number, { atMs: number; run: () => void }>();
  #next = 1;

  readonly clock = { nowMs: () => START_MS + this.#elapsedMs, monotonicMs: () => this.#elapsedMs };
  readonly timers: Timers = {
    after: (delayMs, run): Timer => {
      const id = this.#next++;
      this.#timers.set(id, { atMs: this.#elapsedMs + delayMs, run });
      return { cancel: () => this.#timers.delete(id) };
    },
    sleep: (delayMs) => new Promise((resolve) => this.timers.after(delayMs, resolve)),
  };

  /** Moves on; timers run in order, promises of each settle before the next. */
  async advance(byMs: number): Promise<void> {
    const endMs = this.#elapsedMs + byMs;
    for (;;) {
      const due = [...this.#timers].filter(([, timer]) => timer.atMs <= endMs).sort((a, b) => a[1].atMs - b[1].atMs)[0];
      if (due === undefined) break;
      this.#timers.delete(due[0]);
      this.#elapsedMs = Math.max(this.#elapsedMs, due[1].atMs);
      due[1].run();
      await settled();
    }
    this.#elapsedMs = endMs;
  }

  /** Timers that wait. */
  get waiting(): number {
    return this.#timers.size;
  }
}

/** Lets every promise that can settle do so. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** Deterministic octets. */
export function fakeRandom(seed = 1): Random {
  let count = 0;
  const bytes = (length: number): Uint8Array => {
    const parts: Buffer[] = [];
    while (Buffer.concat(parts).length < length) parts.push(createHash('sha256').update(`${seed}/${count++}`).digest());
    return new Uint8Array(Buffer.concat(parts).subarray(0, length));
  };
  return { bytes, below: (below) => Buffer.from(bytes(6)).readUIntBE(0, 6) % below };
}

/** Files in a map, with their modes. */
export class FakeDisk implements Pick<Disk, 'readFile' | 'writeFile' | 'list'> {
  readonly files = new Map<string, { octets: Uint8Array; mode: number }>();
  async readFile(path: string): Promise<Uint8Array | undefined> {
    return this.files.get(path)?.octets;
  }
  async writeFile(path: string, octets: Uint8Array, mode = 0o600): Promise<void> {
    this.files.set(path, { octets, mode });
  }
  async list(path: string): Promise<string[]> {
    return [...this.files.keys()]
      .filter((name) => name.startsWith(`${path}/`))
      .map((name) => name.slice(path.length + 1));
  }
}

/** Everything together. */
export function fakeEnv(seed = 1) {
  const time = new FakeTime();
  const disk = new FakeDisk();
  const env = {
    clock: time.clock,
    timers: time.timers,
    random: fakeRandom(seed),
    crypto: HOST_CRYPTO,
    disk: disk as unknown as Disk,
    log: SILENT_LOG,
  } satisfies Partial<Env>;
  return { env, time, disk };
}
