/**
 * One line over a port whose speed and parity change on the way: the port is closed and opened again, the line stays.
 *
 * Parity and data bits of an open port cannot be changed by every driver, so each change is a new opening; it takes less
 * than a millisecond and what arrives meanwhile is lost, as it is while a real interface settles.
 */
import type { ByteDuplex, DuplexListener, SerialSettings } from '../base/env.ts';
import { linkError } from './errors.ts';

/** See the head of the file; it is closed until the first {@link SwitchedPort.set}. */
export class SwitchedPort implements ByteDuplex {
  /** Octets received since the line began. */
  receivedOctets = 0;
  readonly #open: (settings: SerialSettings) => Promise<ByteDuplex>;
  #port: { readonly duplex: ByteDuplex; readonly closed: Promise<void> } | null = null;
  #listener: DuplexListener | null = null;
  #written: Promise<void> = Promise.resolve();
  #switching = false;
  #ended = false;
  #told = false;

  /** `open` opens the port; its rejections are those of {@link SwitchedPort.set}. */
  constructor(
    readonly peer: string,
    open: (settings: SerialSettings) => Promise<ByteDuplex>,
  ) {
    this.#open = open;
  }

  /** Gives the port other settings, after everything written has left; rejects when it cannot be opened, and the line ends. */
  async set(settings: SerialSettings): Promise<void> {
    this.#switching = true;
    try {
      await this.#written;
      await this.#closePort();
      const duplex = await this.#open(settings);
      this.#attach(duplex);
    } catch (error) {
      this.#end(error instanceof Error ? error : undefined);
      throw error;
    } finally {
      this.#switching = false;
    }
    if (!this.#ended) return;
    await this.#closePort();
    throw linkError('LINK_CLOSED', this.peer);
  }

  write(octets: Uint8Array): Promise<void> {
    if (this.#ended || this.#switching || this.#port === null)
      return Promise.reject(linkError('LINK_CLOSED', this.peer));
    const writing = this.#port.duplex.write(octets);
    this.#written = writing.catch(() => undefined);
    return writing;
  }

  /** A later listener takes the place of the one before: the sign-on hands the line over. */
  listen(listener: DuplexListener): void {
    this.#listener = listener;
  }

  close(): void {
    this.#port?.duplex.close();
    this.#end(undefined);
  }

  /** Resolves when the port has been given back. */
  async released(): Promise<void> {
    await this.#port?.closed;
  }

  #attach(duplex: ByteDuplex): void {
    let over = () => {};
    const closed = new Promise<void>((resolve) => {
      over = resolve;
    });
    this.#port = { duplex, closed };
    duplex.listen({
      data: (chunk) => {
        if (this.#ended || this.#port?.duplex !== duplex) return;
        this.receivedOctets += chunk.length;
        this.#listener?.data(chunk);
      },
      closed: (reason) => {
        over();
        if (this.#port?.duplex === duplex && !this.#switching) this.#end(reason);
      },
    });
  }

  async #closePort(): Promise<void> {
    const port = this.#port;
    if (port === null) return;
    port.duplex.close();
    await port.closed;
    this.#port = null;
  }

  #end(reason: Error | undefined): void {
    this.#ended = true;
    if (this.#told) return;
    this.#told = true;
    this.#listener?.closed(reason);
  }
}
