/** Long values of a recorded session: blocks of GET, SET and ACTION joined to the value that they are. */
import { DeltawattError, reasonOf } from '../../../base/errors.ts';
import { dataFromOctets } from '../../axdr/decode.ts';
import { BlockJoiner } from '../../session/blocks.ts';
import { actionResultsFromOctets, getResultsFromOctets, valuesFromOctets } from '../../session/raw-lists.ts';
import type { Apdu } from '../../xdlms/apdu.ts';
import type { DataBlock } from '../../xdlms/service.ts';
import { shapeOfData } from '../data-shape.ts';
import type { Json, JsonObject } from '../json.ts';
import { actionResult, getResult } from '../part-shape.ts';
import { JOINS_MAX } from './limits.ts';

/** Joins the blocks of one association. */
export class BlockJoins {
  readonly #open = new Map<string, BlockJoiner>();
  /** Whether the request under an invoke id was a list. */
  readonly #lists = new Map<number, boolean>();

  /** Looks at a plain APDU; gives the whole value behind its last block, or null. */
  take(apdu: Apdu): JsonObject | null {
    if (!('invokeId' in apdu)) return null;
    if (/^(get|set|action)-request-(normal|with-list|with-first|with-list-and-first)/.test(apdu.apdu))
      this.#lists.set(apdu.invokeId, apdu.apdu.includes('-with-list'));
    const block = blockIn(apdu);
    return block === null ? null : this.#join(apdu.apdu, apdu.invokeId, block);
  }

  #join(name: Apdu['apdu'], invokeId: number, block: DataBlock): JsonObject | null {
    const kind = name.split('-').slice(0, 2).join('-');
    const key = `${kind} ${invokeId}`;
    try {
      const joiner = block.blockNumber === 1 ? new BlockJoiner() : this.#open.get(key);
      if (joiner === undefined) return { problem: 'blocks before this one are not in the capture' };
      if (this.#open.size < JOINS_MAX || this.#open.has(key)) this.#open.set(key, joiner);
      if (!joiner.accept(block) || !block.lastBlock) return null;
      this.#open.delete(key);
      return { blocks: joiner.number, ...joinedValue(kind, this.#lists.get(invokeId) === true, joiner.joined()) };
    } catch (error) {
      if (!(error instanceof DeltawattError)) throw error;
      this.#open.delete(key);
      return { problem: reasonOf(error) };
    }
  }
}

function blockIn(apdu: Apdu): DataBlock | null {
  if (apdu.apdu === 'get-response-with-datablock') {
    const { lastBlock, blockNumber, block } = apdu;
    return 'rawData' in block ? { lastBlock, blockNumber, rawData: block.rawData } : null;
  }
  if (!('rawData' in apdu) || !('blockNumber' in apdu) || !('lastBlock' in apdu)) return null;
  const { lastBlock, blockNumber, rawData } = apdu;
  return { lastBlock, blockNumber, rawData };
}

function joinedValue(kind: string, list: boolean, octets: Uint8Array): { readonly [name: string]: Json } {
  if (kind === 'action-response') return { results: actionResultsFromOctets(octets, list).map(actionResult) };
  if (!list) return { value: shapeOfData(dataFromOctets(octets)) };
  if (kind === 'get-response') return { results: getResultsFromOctets(octets).map(getResult) };
  return { values: valuesFromOctets(octets).map(shapeOfData) };
}
