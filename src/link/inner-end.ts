/** An end of a line whose other side is inside the program: octets are delivered to it instead of read. */
import type { ByteDuplex, DuplexListener } from '../base/env.ts';
import { linkError } from './errors.ts';
import { EARLY_PIECES_MAX } from './limits.ts';

/** What is written goes to `send`; what is delivered before somebody listens waits, within bounds. */
export class InnerEnd implements ByteDuplex {
  onClose: () => void = () => {};
  readonly #send: (octets: Uint8Array) => Promise<void> | void;
  #listener: DuplexListener | null = null;
  #early: Uint8Array[] = [];
  #open = true;

  constructor(
    readonly peer: string,
    send: (octets: Uint8Array) => Promise<void> | void,
  ) {
    this.#send = send;
  }

  async write(octets: Uint8Array): Promise<void> {
    if (!this.#open) throw linkError('LINK_CLOSED', this.peer);
    await this.#send(octets);
  }

  listen(listener: DuplexListener): void {
    this.#listener = listener;
    for (const octets of this.#early.splice(0)) listener.data(octets);
    if (!this.#open) listener.closed();
  }

  /** Hands octets to whoever listens; those to an end that has ended are dropped. */
  deliver(octets: Uint8Array): void {
    if (!this.#open) return;
    if (this.#listener !== null) this.#listener.data(octets);
    else if (this.#early.length < EARLY_PIECES_MAX) this.#early.push(octets);
  }

  close(): void {
    this.end();
  }

  /** Ends it, as a cable that is pulled. */
  end(): void {
    if (!this.#open) return;
    this.#open = false;
    this.onClose();
    this.#listener?.closed();
  }
}
