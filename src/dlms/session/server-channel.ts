/**
 * Between one association of a server and its frames: what comes is joined and then opened, what leaves is protected and
 * then cut into general blocks where both sides have them.
 */
import type { ServerTransport, Stations } from '../frame/transport.ts';
import type { Apdu } from '../xdlms/apdu.ts';
import { invocationOf } from './exchange.ts';
import { blockIn, GeneralBlocks } from './general-block.ts';
import { GENERAL_WINDOW_DEFAULT } from './limits.ts';
import type { ServerGuard } from './server-guard.ts';

/** The channel of one association. */
export class ServerChannel {
  readonly guard: ServerGuard;
  readonly #transport: ServerTransport;
  readonly #stations: Stations;
  #blocks: GeneralBlocks | null = null;

  constructor(guard: ServerGuard, transport: ServerTransport, stations: Stations) {
    this.guard = guard;
    this.#transport = transport;
    this.#stations = stations;
  }

  /** General blocks were agreed on: `peerPduMaxBytes` is the longest APDU of the client. */
  useBlocks(peerPduMaxBytes: number): void {
    const window = this.#transport.maxInFlight === 1 ? 1 : GENERAL_WINDOW_DEFAULT;
    this.#blocks = new GeneralBlocks({
      role: 'server',
      peerPduMaxBytes,
      window,
      sendWindowMax: window,
      repeatMs: null,
    });
  }

  /** The message that octets of the frames are or complete; null while more is to come. Throws DLMS_*, SECURITY_*, SESSION_BLOCKS. */
  hear(octets: Uint8Array, nowMs: number): Apdu | null {
    const blocks = this.#blocks;
    const plain = blocks === null ? null : blockIn(octets);
    const apdu = plain ?? this.guard.open(octets);
    if (blocks === null || apdu.apdu !== 'general-block-transfer') {
      blocks?.heardWhole(invocationOf(apdu), nowMs);
      return apdu;
    }
    try {
      const joined = blocks.accept(apdu, plain === null, nowMs);
      return joined === null ? null : this.guard.open(joined.octets, joined.isProtected);
    } finally {
      this.flush(nowMs);
    }
  }

  /** Sends an answer: protected, and in blocks when it is long. Throws SECURITY_COUNTER_*, SESSION_*. */
  answer(apdu: Apdu, nowMs: number): void {
    const octets = this.guard.seal(apdu);
    if (this.#blocks === null) {
      this.#transport.send(octets, this.#stations, nowMs);
      return;
    }
    this.#blocks.send(octets, invocationOf(apdu), nowMs);
    this.flush(nowMs);
  }

  /** What nobody asked for, as messages of the frames: protected, and in blocks without acknowledgement when it is long. */
  unasked(apdu: Apdu): Uint8Array[] {
    const octets = this.guard.sealUnasked(apdu);
    return this.#blocks === null ? [octets] : this.#blocks.pushed(octets);
  }

  /** Sends blocks that wait; false when there were none, so that a link with a token must be given it back. */
  flush(nowMs: number): boolean {
    const output = this.#blocks?.takeOutput() ?? [];
    for (const octets of output) this.#transport.send(octets, this.#stations, nowMs);
    return output.length > 0;
  }
}
