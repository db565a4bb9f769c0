/**
 * Between a client session and its frames: what leaves is protected and then cut into general blocks where both sides have
 * them; what comes is joined and then opened. A block inside a ciphered message is taken too: the tag that is met decides.
 */
import type { DeltawattError } from '../../base/errors.ts';
import type { ClientTransport } from '../frame/transport.ts';
import type { GeneralBlockTransfer } from '../xdlms/block-transfer.ts';
import type { ClientGuard, Heard } from './client-guard.ts';
import { isNotification, tellsUnasked } from './client-words.ts';
import { asError, invocationOf } from './exchange.ts';
import { blockIn, GeneralBlocks, type JoinedMessage } from './general-block.ts';
import { GENERAL_RETRIES } from './limits.ts';

/** What came of octets that the frames brought. */
export type ChannelEvent =
  | { readonly kind: 'message'; readonly heard: Heard; readonly octets: Uint8Array; readonly unsolicited: boolean }
  | {
      readonly kind: 'unreadable';
      readonly error: DeltawattError;
      readonly octets: Uint8Array;
      readonly unsolicited: boolean;
    }
  /** Part of a message was taken. */
  | { readonly kind: 'progress' }
  /** A transfer in blocks was given up: whatever is on its way will not be answered. */
  | { readonly kind: 'broken'; readonly error: DeltawattError };

/** The channel of one association. */
export class ClientChannel {
  readonly #transport: ClientTransport;
  readonly #guard: ClientGuard;
  readonly #timeoutMs: number;
  #blocks: GeneralBlocks | null = null;

  /** `timeoutMs` is the silence after which the session gives a request up; blocks are repeated well before. */
  constructor(transport: ClientTransport, guard: ClientGuard, timeoutMs: number) {
    this.#transport = transport;
    this.#guard = guard;
    this.#timeoutMs = timeoutMs;
  }

  /** General blocks were agreed on: `peerPduMaxBytes` is the longest APDU of the server, `window` is ours. */
  useBlocks(peerPduMaxBytes: number, window: number): void {
    const most = this.#transport.maxInFlight === 1 ? 1 : window;
    const repeatMs = this.#transport.reliable ? null : Math.floor(this.#timeoutMs / (GENERAL_RETRIES + 2));
    this.#blocks = new GeneralBlocks({ role: 'client', peerPduMaxBytes, window: most, sendWindowMax: most, repeatMs });
  }

  /** Sends a message that is protected already. Throws SESSION_TOO_LONG. */
  send(octets: Uint8Array, nowMs: number): void {
    if (this.#blocks === null) this.#transport.send(octets, nowMs);
    else {
      this.#blocks.send(octets, null, nowMs);
      this.#flush(nowMs);
    }
  }

  /** Takes an APDU of the frames. */
  hear(octets: Uint8Array, unsolicited: boolean, nowMs: number): ChannelEvent {
    try {
      const block = this.#blocks === null ? null : blockIn(octets);
      if (block !== null) return this.#block(block, false, octets, nowMs);
      const heard = this.#guard.open(octets);
      const { apdu } = heard;
      if (apdu.apdu === 'general-block-transfer' && this.#blocks !== null)
        return this.#block(apdu, true, octets, nowMs);
      if (!unsolicited && !isNotification(apdu)) this.#blocks?.heardWhole(invocationOf(apdu), nowMs);
      this.#flush(nowMs);
      return { kind: 'message', heard, octets, unsolicited };
    } catch (error) {
      // A notification that may not be believed takes no request with it, or anybody could end one by sending nonsense.
      return { kind: 'unreadable', error: asError(error), octets, unsolicited: unsolicited || tellsUnasked(octets) };
    }
  }

  #block(block: GeneralBlockTransfer, isProtected: boolean, octets: Uint8Array, nowMs: number): ChannelEvent {
    let joined: JoinedMessage | null = null;
    try {
      joined = this.#blocks?.accept(block, isProtected, nowMs) ?? null;
    } catch (error) {
      this.#flush(nowMs);
      const broken = asError(error);
      // A pushed message that was lost takes nothing else with it.
      const isPush = block.streaming && block.window === 0;
      return isPush
        ? { kind: 'unreadable', error: broken, octets, unsolicited: true }
        : { kind: 'broken', error: broken };
    }
    this.#flush(nowMs);
    if (joined === null) return { kind: 'progress' };
    const heard = this.#guard.open(joined.octets, joined.isProtected);
    return { kind: 'message', heard, octets: joined.octets, unsolicited: joined.isPushed };
  }

  /** When {@link tick} must be called, ms, or null. */
  get deadlineMs(): number | null {
    return this.#blocks?.deadlineMs() ?? null;
  }

  /** Repeats what was not answered; a `broken` event after the last time. */
  tick(nowMs: number): ChannelEvent | null {
    try {
      this.#blocks?.tick(nowMs);
      return null;
    } catch (error) {
      return { kind: 'broken', error: asError(error) };
    } finally {
      this.#flush(nowMs);
    }
  }

  #flush(nowMs: number): void {
    for (const output of this.#blocks?.takeOutput() ?? []) this.#transport.send(output, nowMs);
  }
}
