/**
 * Files on the real disk. A replaced file is either the old one or the new one after a power cut, never half of it; an
 * appended and synced octet is on the medium.
 */
import { randomBytes } from 'node:crypto';
import { type FileHandle, mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { concat } from '../base/bytes.ts';
import type { AppendFile, Disk } from '../base/env.ts';
import { type DeltawattError, reasonOf } from '../base/errors.ts';
import { type HostErrorCode, hostError, systemCode } from './errors.ts';
import { APPEND_PENDING_MAX_OCTETS } from './limits.ts';
import { openHostStore, repairHostStore } from './store.ts';

const FILE_MODE = 0o600;
const PERMISSION_BITS = 0o777;
const FOLDER_MODE = 0o700;

/** The machine's disk. Errors: DISK_FULL, DISK_DENIED, DISK_FAILED, and those of the store. */
export const HOST_DISK: Disk = {
  openStore: (path, kind) => openHostStore(path, kind),

  repairStore: (path) => repairHostStore(path),

  readFile: async (path) => {
    try {
      const octets = await readFile(path);
      return new Uint8Array(octets.buffer, octets.byteOffset, octets.length);
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return undefined;
      throw diskError(path, error);
    }
  },

  permissions: async (path) => {
    try {
      return (await stat(path)).mode & PERMISSION_BITS;
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return undefined;
      throw diskError(path, error);
    }
  },

  writeFile: (path, octets, mode = FILE_MODE) => named(path, () => replaceFile(path, octets, mode)),

  openAppend: (path) =>
    named(path, async () => {
      const handle = await open(path, 'a', FILE_MODE);
      await syncFolder(dirname(path));
      return new HostAppendFile(handle, path);
    }),

  list: async (path) => {
    try {
      return (await readdir(path)).sort();
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return [];
      throw diskError(path, error);
    }
  },

  makeFolder: (path, mode = FOLDER_MODE) =>
    named(path, async () => {
      await mkdir(path, { recursive: true, mode });
    }),

  remove: (path) =>
    named(path, async () => {
      await rm(path, { recursive: true, force: true });
      await syncFolder(dirname(path));
    }),

  rename: (from, to) =>
    named(from, async () => {
      await rename(from, to);
      await syncFolder(dirname(to));
    }),
};

async function replaceFile(path: string, octets: Uint8Array, mode: number): Promise<void> {
  const temporary = `${path}.new-${randomBytes(6).toString('hex')}`;
  try {
    const handle = await open(temporary, 'wx', mode);
    try {
      await handle.writeFile(octets);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncFolder(dirname(path));
}

/** A new name is on the medium only when its folder is. */
async function syncFolder(path: string): Promise<void> {
  let handle: FileHandle;
  try {
    handle = await open(path, 'r');
  } catch (error) {
    // A removed path may take its folder along; then there is nothing to keep.
    if (systemCode(error) === 'ENOENT') return;
    throw error;
  }
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

interface Pending {
  readonly octets: Uint8Array;
  readonly sync: boolean;
  resolve(): void;
  reject(error: unknown): void;
}

/** Appends in call order. Those that wait while the disk is busy go in one write and, if one asks, one sync. */
class HostAppendFile implements AppendFile {
  readonly #handle: FileHandle;
  readonly #path: string;
  #pending: Pending[] = [];
  #pendingOctets = 0;
  #writing: Promise<void> | undefined;
  #closed = false;

  constructor(handle: FileHandle, path: string) {
    this.#handle = handle;
    this.#path = path;
  }

  append(octets: Uint8Array, options: { readonly sync: boolean }): Promise<void> {
    if (this.#closed) return Promise.reject(hostError('DISK_FAILED', `${this.#path} is closed`));
    if (this.#pendingOctets + octets.length > APPEND_PENDING_MAX_OCTETS) {
      return Promise.reject(hostError('APPEND_BACKLOG', this.#path));
    }
    this.#pendingOctets += octets.length;
    return new Promise((resolve, reject) => {
      // The caller may use its buffer again before the disk comes to it.
      this.#pending.push({ octets: octets.slice(), sync: options.sync, resolve, reject });
      this.#writing ??= this.#writeAll();
    });
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#writing;
    await named(this.#path, () => this.#handle.close());
  }

  async #writeAll(): Promise<void> {
    while (this.#pending.length > 0) {
      const group = this.#pending;
      this.#pending = [];
      const octets = concat(group.map((one) => one.octets));
      try {
        await this.#handle.appendFile(octets);
        if (group.some((one) => one.sync)) await this.#handle.datasync();
        for (const one of group) one.resolve();
      } catch (error) {
        for (const one of group) one.reject(diskError(this.#path, error));
      }
      this.#pendingOctets -= octets.length;
    }
    this.#writing = undefined;
  }
}

async function named<T>(path: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw diskError(path, error);
  }
}

function diskError(path: string, error: unknown): DeltawattError<HostErrorCode> {
  const code = systemCode(error);
  if (code === 'ENOSPC' || code === 'EDQUOT') return hostError('DISK_FULL', path, error);
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') return hostError('DISK_DENIED', path, error);
  return hostError('DISK_FAILED', `${path}: ${reasonOf(error)}`, error);
}
