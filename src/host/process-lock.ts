/** A lock of one running program per folder: a file with the process id, which a dead process leaves behind harmlessly. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { systemCode } from './errors.ts';

/** The outcome of {@link takeLock}. */
export type Lock =
  | { readonly kind: 'taken'; release(): void }
  /** Another process holds it; `note` is what it wrote. */
  | { readonly kind: 'held'; readonly pid: number; readonly note: string };

/** Attempts when stale locks are being removed by several at once. */
const ATTEMPTS_MAX = 5;

/** Takes the lock at `path`, removing one whose process is gone. `note` is shown to whoever comes second. */
export function takeLock(path: string, note: string): Lock {
  mkdirSync(dirname(path), { recursive: true });
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    try {
      writeFileSync(path, `${process.pid}\n${note}\n`, { flag: 'wx', mode: 0o600 });
      return { kind: 'taken', release: () => releaseOwn(path) };
    } catch (error) {
      if (systemCode(error) !== 'EEXIST') throw error;
    }
    const [pid, held] = readHolder(path);
    if (pid !== null && isAlive(pid)) return { kind: 'held', pid, note: held };
    rmSync(path, { force: true });
  }
  throw new Error(`${path} cannot be locked: it comes back each time it is removed`);
}

/** Changes what the lock says to whoever comes second. */
export function noteLock(path: string, note: string): void {
  writeFileSync(path, `${process.pid}\n${note}\n`, { mode: 0o600 });
}

function releaseOwn(path: string): void {
  if (readHolder(path)[0] === process.pid) rmSync(path, { force: true });
}

function readHolder(path: string): [pid: number | null, note: string] {
  try {
    const [pid, note] = readFileSync(path, 'utf8').split('\n');
    const number = Number(pid);
    return [Number.isInteger(number) && number > 0 ? number : null, note ?? ''];
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return [null, ''];
    throw error;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemCode(error) === 'EPERM';
  }
}
