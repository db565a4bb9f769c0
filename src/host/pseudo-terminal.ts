/**
 * A pseudo-terminal without a native add-on: `script` (package bsdutils, which every Debian has) opens one and copies its
 * own standard input and output to the master side; the program under test opens the slave by its path like a serial port.
 *
 * A pty ignores baud rate and parity: whoever writes must pace. Known weak point: `script` reads in its own chunks, so
 * chunk borders at the slave are not ours (machines must not care, and a test shows that they do not).
 */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import type { ByteDuplex, DuplexListener } from '../base/env.ts';

/** A pair: `path` for the program that opens a serial port, `master` for the one who plays the device. */
export interface PseudoTerminal {
  /** `/dev/pts/N`. */
  readonly path: string;
  readonly master: ByteDuplex;
  /** Ends the pair and the process behind it; resolves when it is gone. */
  close(): Promise<void>;
}

const OPEN_TIMEOUT_MS = 5_000;
/** raw, no echo, then nothing that reads; the process keeps the slave open between two openings. */
const HOLD_COMMAND = 'stty raw -echo; tty; exec sleep 1000000';

/** Opens a pair; rejects when `script` is missing or gives no terminal within 5 s. */
export async function openPseudoTerminal(): Promise<PseudoTerminal> {
  const child = spawn('setpriv', ['--pdeathsig', 'TERM', 'script', '-qefc', HOLD_COMMAND, '/dev/null'], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const gone = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const path = await terminalPath(child);
  const master = new ChildDuplex(child, path);
  return {
    path,
    master,
    close: async () => {
      child.kill('SIGTERM');
      await gone;
    },
  };
}

function terminalPath(child: ChildProcessWithoutNullStreams): Promise<string> {
  return new Promise((resolve, reject) => {
    const fail = (reason: string) => {
      child.kill('SIGKILL');
      reject(new Error(`no pseudo-terminal: ${reason}. The programs setpriv and script (util-linux) are needed.`));
    };
    const timer = setTimeout(() => fail(`no answer in ${OPEN_TIMEOUT_MS} ms`), OPEN_TIMEOUT_MS);
    let text = '';
    const onData = (chunk: Buffer) => {
      text += chunk.toString('latin1');
      const line = /(\/dev\/\S+)\r?\n/.exec(text);
      if (line?.[1] === undefined) return;
      clearTimeout(timer);
      child.stdout.off('data', onData);
      child.stdout.pause();
      resolve(line[1]);
    };
    child.stdout.on('data', onData);
    child.once('error', (error) => fail(error.message));
    child.once('exit', (code) => fail(`script ended with ${code}`));
  });
}

class ChildDuplex implements ByteDuplex {
  #open = true;

  constructor(
    private readonly child: ChildProcessWithoutNullStreams,
    readonly peer: string,
  ) {
    // `script` remarks on its own end; what it says is no concern of the line.
    child.stderr.resume();
    child.removeAllListeners('exit');
    child.removeAllListeners('error');
    child.on('error', () => {});
    child.stdin.on('error', () => {});
  }

  write(octets: Uint8Array): Promise<void> {
    if (!this.#open) return Promise.reject(new Error(`${this.peer} is closed`));
    return new Promise((resolve, reject) => {
      this.child.stdin.write(octets, (error) => (error ? reject(error) : resolve()));
    });
  }

  listen(listener: DuplexListener): void {
    this.child.stdout.on('data', (chunk: Buffer) => listener.data(chunk));
    this.child.once('close', () => {
      this.#open = false;
      listener.closed();
    });
    this.child.stdout.resume();
  }

  close(): void {
    this.#open = false;
    this.child.kill('SIGTERM');
  }
}
