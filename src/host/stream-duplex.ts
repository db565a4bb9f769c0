/** A Node stream (socket or serial port) as the house's {@link ByteDuplex}. */
import type { Duplex } from 'node:stream';
import type { ByteDuplex, DuplexListener } from '../base/env.ts';
import { hostError } from './errors.ts';
import { LINGER_MS } from './limits.ts';

/** What differs between the streams. */
export interface StreamDuplexOptions {
  /** What it is connected to, for people. */
  readonly peer: string;
  /** Called after the stream took a chunk; resolves when the octets have left. */
  readonly drained?: () => Promise<void>;
  /** Gives the thing behind the stream back, after which the stream tells `close`; absent = destroying the stream does. */
  readonly release?: () => void;
}

/**
 * Wraps an open stream. Octets that come before {@link ByteDuplex.listen} wait in the stream. A write resolves when the
 * operating system took the octets, so a writer that awaits feels the line's pace.
 */
export function streamDuplex(stream: Duplex, options: StreamDuplexOptions): ByteDuplex {
  return new StreamDuplex(stream, options);
}

class StreamDuplex implements ByteDuplex {
  readonly peer: string;
  readonly #stream: Duplex;
  readonly #drained: (() => Promise<void>) | undefined;
  readonly #release: () => void;
  #listener: DuplexListener | undefined;
  #reason: Error | undefined;
  #gone = false;
  #closing = false;
  /** Rejections of writes under way: a stream that dies does not call each of them back. */
  readonly #writes = new Set<(error: Error) => void>();

  constructor(stream: Duplex, options: StreamDuplexOptions) {
    this.peer = options.peer;
    this.#stream = stream;
    this.#drained = options.drained;
    this.#release = options.release ?? (() => void stream.destroy());
    stream.on('error', (error: Error) => {
      this.#reason ??= error;
    });
    stream.once('close', () => this.#end());
  }

  write(octets: Uint8Array): Promise<void> {
    if (this.#gone || this.#closing) return Promise.reject(this.#closedError());
    return new Promise<void>((resolve, reject) => {
      this.#writes.add(reject);
      const settle = (error?: Error | null): void => {
        this.#writes.delete(reject);
        if (error === undefined || error === null) resolve();
        else reject(hostError('DUPLEX_CLOSED', this.peer, error));
      };
      // A chunk is lent; the stream may keep it until the line is free.
      this.#stream.write(octets.slice(), (error) => {
        if (this.#drained === undefined || (error !== undefined && error !== null)) settle(error);
        else this.#drained().then(() => settle(), settle);
      });
    });
  }

  listen(listener: DuplexListener): void {
    this.#listener = listener;
    if (this.#gone) {
      queueMicrotask(() => listener.closed(this.#reason));
      return;
    }
    this.#stream.on('data', (chunk: Uint8Array) => {
      if (!this.#closing) listener.data(chunk);
    });
  }

  close(): void {
    if (this.#closing || this.#gone) return;
    this.#closing = true;
    // What was written is sent first; a peer that takes nothing is not waited for.
    const linger = setTimeout(() => this.#release(), LINGER_MS);
    this.#stream.once('close', () => clearTimeout(linger));
    this.#stream.end(() => this.#release());
  }

  #end(): void {
    this.#gone = true;
    for (const reject of this.#writes) reject(this.#closedError());
    this.#writes.clear();
    this.#listener?.closed(this.#reason);
  }

  #closedError(): Error {
    return hostError('DUPLEX_CLOSED', this.peer, this.#reason);
  }
}
