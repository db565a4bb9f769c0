/**
 * A key-value store in plain JavaScript, for machines on which LevelDB's native code does not load.
 *
 * One file, `log-<generation>`, to which batches are appended as frames: length (4), CRC-32C (4), payload; numbers big-endian.
 * A payload is, for each write, 01 or 00 (put or delete), varint key length, key, and for a put varint value length and
 * value. The keys and the places of their values are in memory. A batch is one frame, so it is there or not; a torn frame at
 * the end is what a power cut leaves and is cut off, a damaged one before the end is STORE_CORRUPT. When dead octets
 * outweigh live ones the live ones are written to the next generation, which counts from the moment it has its name.
 * Given up: memory grows with the number of keys (about 200 octets each), and opening reads the whole file.
 */
import { type FileHandle, mkdir, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { ByteReader, ByteWriter, toHex } from '../base/bytes.ts';
import { crc32C } from '../base/crc.ts';
import type { KeyValueStore, StoreRange, StoreWrite } from '../base/env.ts';
import { DeltawattError, reasonOf } from '../base/errors.ts';
import { hostError, systemCode } from './errors.ts';
import { LOG_STORE_DEAD_MIN_OCTETS, LOG_STORE_FRAME_MAX_OCTETS } from './limits.ts';

const FRAME_HEAD_OCTETS = 8;
const NAME = /^log-(\d{8})$/;

/** Where a value lies. */
interface Place {
  readonly key: Uint8Array;
  readonly at: number;
  readonly length: number;
  readonly file: LogFile;
}

/** A generation; it stays open while a scan may still read from it. */
interface LogFile {
  readonly path: string;
  readonly handle: FileHandle;
}

/** Opens the store in the folder `path`, making it when there is none. Errors: STORE_LOCKED, STORE_CORRUPT, STORE_FAILED, DISK_FULL. */
export async function openLogStore(path: string): Promise<KeyValueStore> {
  return translated(path, async () => {
    await mkdir(path, { recursive: true, mode: 0o700 });
    await takeLock(path);
    try {
      const generations = await generationsOf(path);
      const generation = generations.at(-1) ?? 1;
      // Older generations are left over from a compaction that was cut off after its last step.
      for (const old of generations.slice(0, -1)) await rm(fileOf(path, old), { force: true });
      const file = fileOf(path, generation);
      const store = new LogStore(path, generation, { path: file, handle: await open(file, 'a+', 0o600) });
      await store.load(false);
      await syncFolder(path);
      return store;
    } catch (error) {
      await freeLock(path);
      throw error;
    }
  });
}

/** Cuts a damaged store off before its first damaged frame: what stands before it can be read again. */
export async function repairLogStore(path: string): Promise<void> {
  await translated(path, async () => {
    const generation = (await generationsOf(path)).at(-1);
    if (generation === undefined) return;
    const file = fileOf(path, generation);
    const store = new LogStore(path, generation, { path: file, handle: await open(file, 'a+', 0o600) });
    await store.load(true);
    await store.close();
  });
}

/** Whether the folder holds a store of this kind. */
export async function isLogStore(path: string): Promise<boolean> {
  return (await generationsOf(path).catch(() => [])).length > 0;
}

async function generationsOf(path: string): Promise<number[]> {
  const names = await readdir(path);
  return names.flatMap((name) => Number(NAME.exec(name)?.[1] ?? Number.NaN) || []).sort((a, b) => a - b);
}

function fileOf(path: string, generation: number): string {
  return join(path, `log-${String(generation).padStart(8, '0')}`);
}

/** The lock names the process that holds it; one that is gone holds nothing. */
async function takeLock(path: string): Promise<void> {
  const lock = join(path, 'LOCK');
  try {
    await writeFile(lock, String(process.pid), { flag: 'wx', mode: 0o600 });
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw error;
    const holder = Number(await readFile(lock, 'utf8'));
    // The number of this process in a lock that it does not hold is that of an earlier life, as in containers.
    const held = holder === process.pid ? HELD.has(resolve(path)) : holder > 0 && isAlive(holder);
    if (held) throw hostError('STORE_LOCKED', path);
    await writeFile(lock, String(process.pid), { mode: 0o600 });
  }
  HELD.add(resolve(path));
}

/** Folders of the stores that this process has open. */
const HELD = new Set<string>();

async function freeLock(path: string): Promise<void> {
  await rm(join(path, 'LOCK'), { force: true });
  HELD.delete(resolve(path));
}

function isAlive(processId: number): boolean {
  try {
    process.kill(processId, 0);
    return true;
  } catch (error) {
    return systemCode(error) === 'EPERM';
  }
}

async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function translated<Value>(path: string, run: () => Promise<Value>): Promise<Value> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof DeltawattError) throw error;
    const code = systemCode(error);
    if (code === 'ENOSPC' || code === 'EDQUOT') throw hostError('DISK_FULL', path, error);
    if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') throw hostError('DISK_DENIED', path, error);
    throw hostError('STORE_FAILED', `${path}: ${reasonOf(error)}`, error);
  }
}

/** A value inside a payload. */
interface FrameEntry {
  readonly key: Uint8Array;
  /** Null = deleted. */
  readonly value: { readonly at: number; readonly length: number } | null;
}

function packWrites(writes: readonly StoreWrite[]): Uint8Array {
  const writer = new ByteWriter(1024);
  for (const write of writes) {
    writer
      .u8(write.kind === 'put' ? 1 : 0)
      .varint(write.key.length)
      .bytes(write.key);
    if (write.kind === 'put') writer.varint(write.value.length).bytes(write.value);
  }
  return writer.finish();
}

function* entriesOf(payload: Uint8Array): Generator<FrameEntry> {
  const reader = new ByteReader(payload);
  while (reader.remaining > 0) {
    const isPut = reader.u8() === 1;
    const key = reader.slice(reader.varint()).slice();
    if (!isPut) {
      yield { key, value: null };
      continue;
    }
    const length = reader.varint();
    yield { key, value: { at: payload.length - reader.remaining, length } };
    reader.skip(length);
  }
}

function frameOf(payload: Uint8Array): Uint8Array {
  return new ByteWriter(FRAME_HEAD_OCTETS + payload.length)
    .u32(payload.length)
    .u32(crc32C(payload))
    .bytes(payload)
    .finish();
}

class LogStore implements KeyValueStore {
  readonly #places = new Map<string, Place>();
  /** Keys in hex, in order. */
  readonly #order: string[] = [];
  #liveOctets = 0;
  #endsAt = 0;
  #open = true;
  /** A write failed and its remains could not be cut off. */
  #broken = false;
  #scans = 0;
  #retired: LogFile[] = [];
  #tail: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly path: string,
    private generation: number,
    private file: LogFile,
  ) {}

  /** Reads the file; a torn end is cut off, and with `cut` everything from the first damage on. */
  async load(cut: boolean): Promise<void> {
    const { size } = await this.file.handle.stat();
    while (this.#endsAt < size) {
      const payload = await this.#frameAt(this.#endsAt, size);
      if (payload === 'damaged' && !cut) throw hostError('STORE_CORRUPT', `${this.file.path}, octet ${this.#endsAt}`);
      if (typeof payload === 'string') break;
      this.#apply(payload, this.#endsAt + FRAME_HEAD_OCTETS, this.file);
      this.#endsAt += FRAME_HEAD_OCTETS + payload.length;
    }
    if (this.#endsAt < size) {
      await this.file.handle.truncate(this.#endsAt);
      await this.file.handle.sync();
    }
  }

  /** The payload at this offset. Torn is what reaches the end of the file; anything else that is wrong is damage. */
  async #frameAt(at: number, size: number): Promise<Uint8Array | 'torn' | 'damaged'> {
    if (size - at < FRAME_HEAD_OCTETS) return 'torn';
    const head = new ByteReader(await this.#read(this.file, at, FRAME_HEAD_OCTETS));
    const [length, crc] = [head.u32(), head.u32()];
    if (length > size - at - FRAME_HEAD_OCTETS) return 'torn';
    if (length > LOG_STORE_FRAME_MAX_OCTETS) return 'damaged';
    const payload = await this.#read(this.file, at + FRAME_HEAD_OCTETS, length);
    if (crc32C(payload) === crc && length > 0) return payload;
    const isLast = at + FRAME_HEAD_OCTETS + length === size;
    // Octets that never reached the medium read as zeros.
    const isBlank = length === 0 && crc === 0;
    return isLast || isBlank ? 'torn' : 'damaged';
  }

  async #read({ handle, path }: LogFile, at: number, length: number): Promise<Uint8Array> {
    const octets = new Uint8Array(length);
    const { bytesRead } = await handle.read(octets, 0, length, at);
    if (bytesRead !== length) throw hostError('STORE_CORRUPT', `${path}, octet ${at}`);
    return octets;
  }

  #apply(payload: Uint8Array, payloadAt: number, file: LogFile): void {
    for (const { key, value } of entriesOf(payload)) {
      const hex = toHex(key);
      const before = this.#places.get(hex);
      if (before !== undefined) this.#liveOctets -= before.key.length + before.length;
      if (value === null) {
        if (before === undefined) continue;
        this.#places.delete(hex);
        this.#order.splice(this.#indexOf(hex), 1);
        continue;
      }
      if (before === undefined) this.#order.splice(this.#indexOf(hex), 0, hex);
      this.#places.set(hex, { key, at: payloadAt + value.at, length: value.length, file });
      this.#liveOctets += key.length + value.length;
    }
  }

  /** Index of the first key that is not below `hex`. */
  #indexOf(hex: string): number {
    let [low, high] = [0, this.#order.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#order[middle] ?? '') < hex) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  async get(key: Uint8Array): Promise<Uint8Array | undefined> {
    this.#mustBeOpen();
    const place = this.#places.get(toHex(key));
    if (place === undefined) return undefined;
    return this.#reading(() => this.#read(place.file, place.at, place.length));
  }

  batch(writes: readonly StoreWrite[], options: { readonly sync: boolean }): Promise<void> {
    const payload = packWrites(writes);
    return this.#inTurn(async () => {
      if (payload.length > 0) await this.#append(payload, options.sync);
      if (this.#endsAt > 2 * this.#liveOctets + LOG_STORE_DEAD_MIN_OCTETS) await this.#compact();
    });
  }

  async #append(payload: Uint8Array, sync: boolean): Promise<void> {
    const { handle } = this.file;
    const frame = frameOf(payload);
    try {
      await handle.appendFile(frame);
      if (sync) await handle.datasync();
    } catch (error) {
      // Half a frame must not stand before the next one.
      await handle.truncate(this.#endsAt).catch(() => {
        this.#broken = true;
      });
      throw error;
    }
    this.#apply(payload, this.#endsAt + FRAME_HEAD_OCTETS, this.file);
    this.#endsAt += frame.length;
  }

  async *scan(range: StoreRange): AsyncIterable<readonly [key: Uint8Array, value: Uint8Array]> {
    this.#mustBeOpen();
    const from = range.from === undefined ? 0 : this.#indexOf(toHex(range.from));
    const below = range.below === undefined ? this.#order.length : this.#indexOf(toHex(range.below));
    const keys = this.#order.slice(from, Math.max(from, below));
    if (range.reverse === true) keys.reverse();
    const places = keys.slice(0, range.limit ?? keys.length).map((hex) => this.#places.get(hex));
    this.#scans++;
    try {
      for (const place of places) {
        this.#mustBeOpen();
        if (place === undefined) continue;
        const value = await translated(this.path, () => this.#read(place.file, place.at, place.length));
        yield [place.key.slice(), value];
      }
    } finally {
      this.#scans--;
      await this.#closeRetired();
    }
  }

  compact(): Promise<void> {
    return this.#inTurn(() => this.#compact());
  }

  /** Writes what lives into the next generation; the old one counts until the new one has its name. */
  async #compact(): Promise<void> {
    const temporary = join(this.path, 'next');
    const next = fileOf(this.path, this.generation + 1);
    await rm(temporary, { force: true });
    const handle = await open(temporary, 'ax+', 0o600);
    try {
      for (const hex of this.#order) {
        const place = this.#places.get(hex);
        if (place === undefined) continue;
        const value = await this.#read(place.file, place.at, place.length);
        await handle.appendFile(frameOf(packWrites([{ kind: 'put', key: place.key, value }])));
      }
      await handle.sync();
      await rename(temporary, next);
      await syncFolder(this.path);
    } catch (error) {
      await handle.close();
      await rm(temporary, { force: true });
      throw error;
    }
    const old = this.file;
    this.generation++;
    this.file = { path: next, handle };
    this.#places.clear();
    this.#order.length = 0;
    this.#liveOctets = 0;
    this.#endsAt = 0;
    await this.load(false);
    await rm(old.path, { force: true });
    this.#retired.push(old);
    await this.#closeRetired();
  }

  async #closeRetired(): Promise<void> {
    if (this.#scans > 0) return;
    for (const { handle } of this.#retired.splice(0)) await handle.close();
  }

  async close(): Promise<void> {
    if (!this.#open) return;
    this.#open = false;
    await this.#tail.catch(() => undefined);
    for (const { handle } of this.#retired.splice(0)) await handle.close();
    await this.file.handle.close();
    await freeLock(this.path);
  }

  /** A read that a compaction must not pull the file away from. */
  async #reading<Value>(read: () => Promise<Value>): Promise<Value> {
    this.#scans++;
    try {
      return await translated(this.path, read);
    } finally {
      this.#scans--;
      await this.#closeRetired();
    }
  }

  #inTurn(run: () => Promise<void>): Promise<void> {
    const turn = this.#tail
      .catch(() => undefined)
      .then(() => {
        this.#mustBeOpen();
        if (this.#broken) throw hostError('STORE_FAILED', `${this.path}: an earlier write failed; open it again`);
        return translated(this.path, run);
      });
    this.#tail = turn;
    turn.catch(() => undefined);
    return turn;
  }

  #mustBeOpen(): void {
    if (!this.#open) throw hostError('STORE_CLOSED', this.path);
  }
}
