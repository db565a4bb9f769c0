/**
 * Changes for browsers and programs: server-sent events (HTML standard, 9.2).
 *
 * Every change gets a number in a ring. A client that comes back with its last number gets what it missed; when the ring
 * no longer holds it (or the collector was restarted), it gets one `resync` and reads again what it shows. A client that
 * does not read is cut, never waited for.
 */
import { Readable } from 'node:stream';
import { toHex } from '../../base/bytes.ts';
import type { Env, Timer } from '../../base/env.ts';
import { reasonOf } from '../../base/errors.ts';
import { ApiError } from './errors.ts';
import { HEARTBEAT_MS, STREAM_BACKLOG_CHARS, STREAM_CLIENTS, STREAM_RING } from './limits.ts';

interface Entry {
  readonly number: number;
  readonly text: string;
}

/** The hub of all open streams. */
export class ChangeStream {
  readonly #env: Pick<Env, 'timers' | 'log'>;
  /** Tells one run of the collector from another. */
  readonly #run: string;
  readonly #ring: Entry[] = [];
  /** Each with the question whether its caller may still listen. */
  readonly #clients = new Map<Readable, () => Promise<boolean>>();
  #last = 0;
  #heartbeat: Timer | null = null;

  constructor(env: Pick<Env, 'timers' | 'random' | 'log'>) {
    this.#env = env;
    this.#run = toHex(env.random.bytes(4));
  }

  /** Streams open now. */
  get clients(): number {
    return this.#clients.size;
  }

  /** Sends a change to all and keeps it for those who come back. */
  publish(event: string, data: unknown): void {
    this.#last += 1;
    const text = `id: ${this.#run}-${this.#last}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
    this.#ring.push({ number: this.#last, text });
    if (this.#ring.length > STREAM_RING) this.#ring.shift();
    for (const client of this.#clients.keys()) this.#push(client, text);
  }

  /**
   * A new stream; `lastEventId` is what the client saw last. `mayListen` is asked at every heartbeat, so that a revoked
   * token ends its streams too. Throws STREAMS_FULL.
   */
  open(lastEventId: string | undefined, mayListen: () => Promise<boolean>): Readable {
    if (this.#clients.size >= STREAM_CLIENTS) throw new ApiError('STREAMS_FULL', '#');
    const client = new Readable({ read() {}, highWaterMark: STREAM_BACKLOG_CHARS });
    this.#clients.set(client, mayListen);
    client.once('close', () => this.#clients.delete(client));
    this.#push(client, this.#greeting(lastEventId));
    this.#beat();
    return client;
  }

  /** Ends all streams. */
  close(): void {
    this.#heartbeat?.cancel();
    this.#heartbeat = null;
    for (const client of this.#clients.keys()) client.push(null);
    this.#clients.clear();
  }

  #greeting(lastEventId: string | undefined): string {
    const hello = `retry: 2000\nid: ${this.#run}-${this.#last}\nevent: hello\ndata: {}\n\n`;
    if (lastEventId === undefined) return hello;
    const missed = this.#since(lastEventId);
    if (missed === null) return `retry: 2000\nid: ${this.#run}-${this.#last}\nevent: resync\ndata: {}\n\n`;
    return missed.length === 0 ? hello : `retry: 2000\n${missed.map((entry) => entry.text).join('')}`;
  }

  /** What came after an id, or null when that is not known any more. */
  #since(lastEventId: string): readonly Entry[] | null {
    const [run, number] = lastEventId.split('-');
    const seen = Number(number);
    if (run !== this.#run || !Number.isInteger(seen) || seen > this.#last) return null;
    const oldest = this.#ring[0]?.number ?? this.#last + 1;
    if (seen < oldest - 1) return null;
    return this.#ring.filter((entry) => entry.number > seen);
  }

  #push(client: Readable, text: string): void {
    if (client.destroyed) return;
    if (client.readableLength > STREAM_BACKLOG_CHARS) {
      this.#env.log.warn('api.stream-client-cut', { backlogBytes: client.readableLength });
      client.destroy();
      return;
    }
    client.push(text);
  }

  #beat(): void {
    if (this.#heartbeat !== null) return;
    this.#heartbeat = this.#env.timers.after(HEARTBEAT_MS, () => {
      this.#heartbeat = null;
      for (const [client, mayListen] of this.#clients) this.#greet(client, mayListen);
      if (this.#clients.size > 0) this.#beat();
    });
  }

  /** A sign of life, or the end. A question that fails leaves the stream open: the store may be away for a moment. */
  #greet(client: Readable, mayListen: () => Promise<boolean>): void {
    this.#push(client, ': still here\n\n');
    mayListen().then(
      (may) => {
        if (!may) client.push(null);
      },
      (error: unknown) => this.#env.log.warn('api.stream-check-failed', { reason: reasonOf(error) }),
    );
  }
}
