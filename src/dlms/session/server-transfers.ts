/**
 * Long values on their way through one association of a server, told apart by invoke id: answers that leave in blocks,
 * writes and method calls that arrive in blocks.
 */
import { DeltawattError, hasCode } from '../../base/errors.ts';
import type { Data } from '../axdr/data.ts';
import { dataFromOctets } from '../axdr/decode.ts';
import type { AttributeAccess, DataBlock, MethodDescriptor } from '../xdlms/service.ts';
import { BlockCutter, BlockJoiner } from './blocks.ts';
import { ANSWERS_KEPT_MAX, LONG_VALUE_MAX_BYTES } from './limits.ts';
import { RESULT } from './object-model.ts';
import { valuesFromOctets } from './raw-lists.ts';

/** A long write or method call that is arriving. */
export interface IncomingTransfer {
  readonly joiner: BlockJoiner;
  readonly attributes: readonly AttributeAccess[] | null;
  readonly methods: readonly MethodDescriptor[] | null;
  readonly list: boolean;
}

/** A long answer that is leaving. */
interface OutgoingTransfer {
  readonly service: 'get' | 'action';
  readonly cutter: BlockCutter;
}

/** What {@link ServerTransfers.resume} says: a block, or that the number makes no sense, or that there is no transfer. */
export type Resumed =
  | { readonly kind: 'block'; readonly block: DataBlock }
  | { readonly kind: 'no-transfer' }
  | { readonly kind: 'bad-number' };

/** The transfers of one association. */
export class ServerTransfers {
  readonly #outgoing = new Map<number, OutgoingTransfer>();
  readonly #incoming = new Map<number, IncomingTransfer>();

  /** Whether blocks of an answer are still to be asked for. */
  get isAnswering(): boolean {
    return [...this.#outgoing.values()].some(({ cutter }) => cutter.current?.lastBlock === false);
  }

  /** A long answer begins: its first block of at most `size` octets. */
  begin(service: 'get' | 'action', invokeId: number, octets: Uint8Array, size: number): DataBlock {
    const cutter = new BlockCutter(octets);
    // Answers that are out stay for a client that did not hear the last block; they are the first to make room.
    for (const [id, { cutter: other }] of this.#outgoing) {
      if (this.#outgoing.size >= ANSWERS_KEPT_MAX && other.current?.lastBlock === true) this.#outgoing.delete(id);
    }
    this.#outgoing.set(invokeId, { service, cutter });
    return cutter.next(size);
  }

  /**
   * The block after `heard`, the number of the last one that the client has; the same one again when it asks twice. Anything
   * else ends the transfer. A client with one answer under way may ask on under any invoke id.
   */
  resume(service: 'get' | 'action', invokeId: number, heard: number, size: number): Resumed {
    const [only] = this.#outgoing.keys();
    const id = this.#outgoing.has(invokeId) || this.#outgoing.size !== 1 ? invokeId : (only ?? invokeId);
    const outgoing = this.#outgoing.get(id);
    const current = outgoing?.cutter.current ?? null;
    if (outgoing?.service !== service || current === null) return { kind: 'no-transfer' };
    if (heard === current.blockNumber && !current.lastBlock)
      return { kind: 'block', block: outgoing.cutter.next(size) };
    // The client did not hear the block that it asked for: it asks with the number before.
    if (heard === current.blockNumber - 1) return { kind: 'block', block: current };
    this.#outgoing.delete(id);
    return { kind: 'bad-number' };
  }

  /** A long write or method call begins. */
  expect(invokeId: number, transfer: Omit<IncomingTransfer, 'joiner'>): void {
    this.#incoming.set(invokeId, { ...transfer, joiner: new BlockJoiner() });
  }

  /** The transfer that is arriving under an invoke id. */
  arriving(invokeId: number): IncomingTransfer | undefined {
    return this.#incoming.get(invokeId);
  }

  /** Takes a block; gives 0, or the result that ends the transfer. All that arrives together is bounded: the oldest goes. */
  take(invokeId: number, block: DataBlock): number {
    const result = takeBlock(this.#incoming.get(invokeId), block);
    const bytes = [...this.#incoming.values()].reduce((sum, { joiner }) => sum + joiner.bytes, 0);
    const oldest = [...this.#incoming.keys()].find((id) => id !== invokeId);
    if (bytes > LONG_VALUE_MAX_BYTES && oldest !== undefined) this.#incoming.delete(oldest);
    return result;
  }

  /** The transfer that was arriving is over. */
  forget(invokeId: number): void {
    this.#incoming.delete(invokeId);
  }
}

function takeBlock(incoming: IncomingTransfer | undefined, block: DataBlock): number {
  if (incoming === undefined) return RESULT.noLongTransfer;
  try {
    incoming.joiner.accept(block);
    return RESULT.success;
  } catch (error) {
    if (hasCode(error, 'SESSION_BLOCKS')) return RESULT.blockNumberInvalid;
    throw error;
  }
}

/** The values in a finished transfer, or null when they cannot be read. */
export function valuesOf({ joiner, list }: IncomingTransfer): readonly Data[] | null {
  try {
    return list ? valuesFromOctets(joiner.joined()) : [dataFromOctets(joiner.joined())];
  } catch (error) {
    if (error instanceof DeltawattError) return null;
    throw error;
  }
}
