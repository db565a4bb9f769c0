/** Long values in numbered blocks: cutting on one side, joining on the other, the same for GET, SET and ACTION. */
import { concat } from '../../base/bytes.ts';
import type { DataBlock } from '../xdlms/service.ts';
import { sessionError } from './errors.ts';
import { BLOCK_OVERHEAD_BYTES, BLOCKS_MAX, LONG_VALUE_MAX_BYTES, PDU_MIN_BYTES } from './limits.ts';

/** Octets of raw data in a block of a PDU of at most `pduMaxBytes` (0 = no limit) whose head takes `headBytes` more. */
export function blockDataBytes(pduMaxBytes: number, headBytes = 0): number {
  const pdu = pduMaxBytes === 0 ? Number.MAX_SAFE_INTEGER : Math.max(pduMaxBytes, PDU_MIN_BYTES);
  return Math.max(1, Math.min(pdu, 0xffff) - BLOCK_OVERHEAD_BYTES - headBytes);
}

/** Cuts a value into blocks that are numbered from 1. */
export class BlockCutter {
  readonly #octets: Uint8Array;
  #at = 0;
  #number = 0;
  #current: DataBlock | null = null;

  constructor(octets: Uint8Array) {
    this.#octets = octets;
  }

  /** The block given last, to be given again when the peer did not hear it; null before the first. */
  get current(): DataBlock | null {
    return this.#current;
  }

  /** The next block of at most `size` octets. */
  next(size: number): DataBlock {
    const rawData = this.#octets.subarray(this.#at, this.#at + size);
    this.#at += rawData.length;
    this.#current = { lastBlock: this.#at >= this.#octets.length, blockNumber: ++this.#number, rawData };
    return this.#current;
  }
}

/** Joins blocks; they must come as 1, 2, 3 ..., each with something in it, and not for ever. */
export class BlockJoiner {
  #parts: Uint8Array[] = [];
  #bytes = 0;
  #number = 0;

  /** Number of the block taken last, 0 before the first. */
  get number(): number {
    return this.#number;
  }

  /** Octets so far. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Takes a block: true when it was new, false when it is the last one again; throws SESSION_BLOCKS. */
  accept(block: DataBlock): boolean {
    if (block.blockNumber === this.#number && this.#number > 0) return false;
    if (block.blockNumber !== this.#number + 1) {
      throw sessionError('SESSION_BLOCKS', `block ${block.blockNumber} after ${this.#number}`);
    }
    if (block.rawData.length === 0 && !block.lastBlock)
      throw sessionError('SESSION_BLOCKS', `block ${block.blockNumber} is empty and not the last`);
    if (block.blockNumber > BLOCKS_MAX) throw sessionError('SESSION_BLOCKS', `more than ${BLOCKS_MAX} blocks`);
    this.#number = block.blockNumber;
    this.#parts.push(block.rawData);
    this.#bytes += block.rawData.length;
    if (this.#bytes > LONG_VALUE_MAX_BYTES)
      throw sessionError('SESSION_BLOCKS', `more than ${LONG_VALUE_MAX_BYTES} octets`);
    return true;
  }

  /** All octets so far. */
  joined(): Uint8Array {
    return concat(this.#parts);
  }
}
