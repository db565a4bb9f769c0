/**
 * The one file that opens LevelDB.
 *
 * Keys and values are octets. A batch with `sync` is written to the log and fsynced before the promise resolves; without,
 * it survives a crash of the process but not of the machine. LevelDB allows one process per folder and holds a lock.
 * Known weak point: on a full disk LevelDB can neither delete nor reopen, so whoever fills it keeps a ballast file.
 */
import { ClassicLevel } from 'classic-level';
import type { KeyValueStore, StoreRange, StoreWrite } from '../base/env.ts';
import { type DeltawattError, reasonOf } from '../base/errors.ts';
import { type HostErrorCode, hostError, systemCode } from './errors.ts';
import { faultInTables, mendLevelTables } from './level-check.ts';
import { STORE_CACHE_OCTETS, STORE_OPEN_FILES_MAX, STORE_WRITE_BUFFER_OCTETS } from './limits.ts';

type Level = ClassicLevel<Uint8Array, Uint8Array>;

/** Opens the store in the folder `path`, making it when there is none. Errors: STORE_LOCKED, STORE_CORRUPT, STORE_FAILED, DISK_FULL. */
export async function openLevelStore(path: string): Promise<KeyValueStore> {
  let fault: string | null;
  try {
    fault = await faultInTables(path);
    if (fault === null) return new LevelStore(await openLevel(path), path);
  } catch (error) {
    throw storeError(path, error);
  }
  throw hostError('STORE_CORRUPT', `${path}: ${fault}`);
}

/** Making the object is enough to let LevelDB open the folder. */
async function openLevel(path: string): Promise<Level> {
  const level: Level = new ClassicLevel<Uint8Array, Uint8Array>(path, {
    keyEncoding: 'view',
    valueEncoding: 'view',
    cacheSize: STORE_CACHE_OCTETS,
    writeBufferSize: STORE_WRITE_BUFFER_OCTETS,
    maxOpenFiles: STORE_OPEN_FILES_MAX,
    // Blocks are packed already; compressing them again costs time and saves nothing.
    compression: false,
  });
  await level.open();
  return level;
}

/** Rebuilds what it can of a closed store: what still stands in its tables is kept, damaged parts are left out. */
export async function repairLevelStore(path: string): Promise<void> {
  try {
    await mendLevelTables(path);
    await ClassicLevel.repair(path);
  } catch (error) {
    throw storeError(path, error);
  }
}

class LevelStore implements KeyValueStore {
  readonly #level: Level;
  readonly #path: string;

  constructor(level: Level, path: string) {
    this.#level = level;
    this.#path = path;
  }

  async get(key: Uint8Array): Promise<Uint8Array | undefined> {
    const value = await this.#try(() => this.#level.get(key));
    return value === undefined ? undefined : plain(value);
  }

  async batch(writes: readonly StoreWrite[], options: { readonly sync: boolean }): Promise<void> {
    const operations = writes.map((write) =>
      write.kind === 'put'
        ? { type: 'put' as const, key: write.key, value: write.value }
        : { type: 'del' as const, key: write.key },
    );
    await this.#try(() => this.#level.batch(operations, { sync: options.sync }));
  }

  async *scan(range: StoreRange): AsyncIterable<readonly [key: Uint8Array, value: Uint8Array]> {
    const iterator = this.#opened().iterator({
      ...(range.from === undefined ? {} : { gte: range.from }),
      ...(range.below === undefined ? {} : { lt: range.below }),
      ...(range.limit === undefined ? {} : { limit: range.limit }),
      reverse: range.reverse === true,
    });
    try {
      for (;;) {
        const entry = await this.#try(() => iterator.next());
        if (entry === undefined) return;
        yield [plain(entry[0]), plain(entry[1])];
      }
    } finally {
      await iterator.close();
    }
  }

  async compact(): Promise<void> {
    // From the empty key to one above all keys that anybody uses.
    await this.#try(() => this.#level.compactRange(new Uint8Array(1), new Uint8Array(64).fill(0xff)));
  }

  async close(): Promise<void> {
    await this.#level.close();
  }

  #opened(): Level {
    if (this.#level.status !== 'open') throw hostError('STORE_CLOSED', this.#path);
    return this.#level;
  }

  async #try<T>(run: () => Promise<T>): Promise<T> {
    this.#opened();
    try {
      return await run();
    } catch (error) {
      throw storeError(this.#path, error);
    }
  }
}

/** classic-level says what happened in a code, or only in the words of LevelDB, some of them one cause below. */
function storeError(path: string, error: unknown): DeltawattError<HostErrorCode> {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  const words = reasonOf(cause);
  const code = systemCode(cause);
  if (code === 'LEVEL_LOCKED') return hostError('STORE_LOCKED', path, error);
  if (code === 'LEVEL_CORRUPTION') return hostError('STORE_CORRUPT', `${path}: ${words}`, error);
  if (/no space left/i.test(words)) return hostError('DISK_FULL', path, error);
  if (/permission denied/i.test(words)) return hostError('DISK_DENIED', path, error);
  return hostError('STORE_FAILED', `${path}: ${words}`, error);
}

function plain(octets: Uint8Array): Uint8Array {
  return new Uint8Array(octets.buffer, octets.byteOffset, octets.length);
}
