/**
 * Joins general-block-transfer blocks of a message that was pushed without asking for acknowledgement (window 0).
 *
 * Nobody repeats a lost block of a push, so the rule is hard: blocks count 1, 2, 3 ... to the last one, and anything else
 * drops the whole message until the next block 1. No message is better than a wrong one.
 */
import { ByteReader, concat, TruncatedError } from '../../base/bytes.ts';
import type { FrameErrorCode } from './errors.ts';
import { PUSH_MESSAGE_MAX_BYTES } from './limits.ts';

/** Tag of general-block-transfer. */
export const GENERAL_BLOCK_TRANSFER = 0xe0;

/** What became of a block. */
export type BlockOutcome =
  | { readonly kind: 'more' }
  | { readonly kind: 'message'; readonly apdu: Uint8Array }
  | { readonly kind: 'dropped'; readonly code: FrameErrorCode; readonly octets: Uint8Array };

interface Block {
  readonly last: boolean;
  readonly number: number;
  readonly data: Uint8Array;
}

/** Joins the blocks of one sender. */
export class BlockJoin {
  #parts: Uint8Array[] = [];
  #bytes = 0;
  /** Block number that must come next; 1 when no message is open. */
  #next = 1;

  /** Whether a message is half there. */
  get isOpen(): boolean {
    return this.#next > 1;
  }

  /** Takes one block APDU, tag included. A dropped outcome may leave a new message open when `apdu` is a block 1. */
  accept(apdu: Uint8Array): BlockOutcome {
    const block = readBlock(apdu);
    if (block === null) return { kind: 'dropped', code: 'GBT_MALFORMED', octets: apdu };
    if (block.number !== this.#next) return this.#outOfOrder(block);
    return this.#append(block);
  }

  /** Gives up and returns what was there. */
  abandon(): Uint8Array {
    const octets = concat(this.#parts);
    this.#parts = [];
    this.#bytes = 0;
    this.#next = 1;
    return octets;
  }

  #append(block: Block): BlockOutcome {
    this.#parts.push(block.data);
    this.#bytes += block.data.length;
    this.#next++;
    if (this.#bytes > PUSH_MESSAGE_MAX_BYTES)
      return { kind: 'dropped', code: 'APDU_TOO_LONG', octets: this.abandon().subarray(0, 16) };
    return block.last ? { kind: 'message', apdu: this.abandon() } : { kind: 'more' };
  }

  #outOfOrder(block: Block): BlockOutcome {
    const octets = this.isOpen ? this.abandon() : block.data;
    if (block.number === 1) this.#append(block);
    return { kind: 'dropped', code: 'GBT_ORDER', octets };
  }
}

function readBlock(apdu: Uint8Array): Block | null {
  try {
    const reader = new ByteReader(apdu);
    if (reader.u8() !== GENERAL_BLOCK_TRANSFER) return null;
    const control = reader.u8();
    const number = reader.u16();
    reader.skip(2);
    const length = readLength(reader);
    return reader.remaining === length ? { last: (control & 0x80) !== 0, number, data: reader.rest() } : null;
  } catch (error) {
    if (error instanceof TruncatedError) return null;
    throw error;
  }
}

/** An A-XDR length of up to 3 octets behind the first, or -1. */
function readLength(reader: ByteReader): number {
  const first = reader.u8();
  if (first < 0x80) return first;
  if (first === 0x81) return reader.u8();
  if (first === 0x82) return reader.u16();
  return first === 0x83 ? reader.u24() : -1;
}
