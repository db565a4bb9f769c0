/** A small outside world for tests of the collector: a clock that moves when told, real crypto, files in memory. */
import {
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  sign,
  timingSafeEqual,
  verify,
} from 'node:crypto';
import type { Crypto, Disk, Env, Random, Timer, Timers } from '../../../src/base/env.ts';
import { SILENT_LOG } from '../../../src/base/log.ts';

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

const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex');
const SPKI = Buffer.from('302a300506032b6570032100', 'hex');

/** Node's crypto behind the port. */
export const REAL_CRYPTO: Crypto = {
  sha256: (octets) => new Uint8Array(createHash('sha256').update(octets).digest()),
  hmacSha256: (key, octets) => new Uint8Array(createHmac('sha256', key).update(octets).digest()),
  sameSecret: (a, b) => a.length === b.length && timingSafeEqual(a, b),
  newSigningKey() {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    return {
      publicKey: new Uint8Array(publicKey.export({ format: 'der', type: 'spki' }).subarray(12)),
      privateKey: new Uint8Array(privateKey.export({ format: 'der', type: 'pkcs8' }).subarray(16)),
    };
  },
  sign: (privateKey, octets) =>
    new Uint8Array(
      sign(null, octets, createPrivateKey({ key: Buffer.concat([PKCS8, privateKey]), format: 'der', type: 'pkcs8' })),
    ),
  verify: (publicKey, octets, signature) =>
    verify(
      null,
      octets,
      createPublicKey({ key: Buffer.concat([SPKI, publicKey]), format: 'der', type: 'spki' }),
      signature,
    ),
};

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
    crypto: REAL_CRYPTO,
    disk: disk as unknown as Disk,
    log: SILENT_LOG,
  } satisfies Partial<Env>;
  return { env, time, disk };
}
