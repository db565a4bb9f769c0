/** The house's duplex as the Node stream that aedes wants, with the gate in between. */
import { Duplex } from 'node:stream';
import { concat } from '../../base/bytes.ts';
import type { ByteDuplex } from '../../base/env.ts';
import { CONNECTION_BACKLOG_BYTES } from './limits.ts';
import { PacketGate } from './packet-gate.ts';

/** One connection of the broker. */
export class ByteStream extends Duplex {
  readonly gate = new PacketGate();
  /** Who it is, once the password was right. */
  user: string | null = null;
  readonly #duplex: ByteDuplex;

  /** `commonName` is that of the peer's certificate, null on a plain connection. */
  constructor(
    duplex: ByteDuplex,
    private readonly commonName: string | null,
    cut: (reason: string) => void,
  ) {
    super({ allowHalfOpen: false });
    this.#duplex = duplex;
    duplex.listen({
      data: (chunk) => {
        if (this.destroyed) return;
        const fault = this.gate.check(chunk);
        const reason = fault ?? (this.readableLength > CONNECTION_BACKLOG_BYTES ? 'too far ahead' : null);
        if (reason === null) {
          // A chunk is lent.
          this.push(Buffer.from(chunk));
          return;
        }
        cut(reason);
        this.destroy();
      },
      closed: () => {
        if (!this.destroyed) this.push(null);
      },
    });
  }

  /** Whether the certificate, where there is one, is that of this user. */
  mayBe(user: string): boolean {
    return this.commonName === null || this.commonName === user;
  }

  get peer(): string {
    return this.#duplex.peer;
  }

  override _read(): void {}

  override _write(chunk: Uint8Array, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#duplex.write(chunk).then(() => done(), done);
  }

  /** The MQTT encoder writes a packet in small pieces: they leave as one. */
  override _writev(pieces: { chunk: Uint8Array }[], done: (error?: Error | null) => void): void {
    this.#duplex.write(concat(pieces.map((piece) => piece.chunk))).then(() => done(), done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#duplex.close();
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#duplex.close();
    done(error);
  }
}
