/**
 * Exchanges with short names: READ and WRITE with their blocks, as the client sees them.
 *
 * The joined blocks of a request are the APDU without its tag; those of an answer are its list of results. One code base is
 * said to send the value of a single item alone: that is taken too, since the two cannot be mistaken for each other.
 */

import type { Data } from '../axdr/data.ts';
import { dataFromOctets } from '../axdr/decode.ts';
import { isDlmsError } from '../errors.ts';
import type { Apdu } from '../xdlms/apdu.ts';
import { encodeApdu } from '../xdlms/codec.ts';
import type { ReadResult, VariableAccess, WriteResult } from '../xdlms/short-name.ts';
import { BlockCutter, BlockJoiner, blockDataBytes } from './blocks.ts';
import { sessionError } from './errors.ts';
import type { Exchange, ExchangeLimits } from './exchange.ts';
import { readResultsFromOctets } from './raw-lists.ts';

/** A result of READ that is not a block. */
export type ReadValue = Extract<ReadResult, { kind: 'data' | 'error' }>;

/** Reads variables, plain or with parameters; long requests and long answers go in blocks. Throws SESSION_TOO_LONG. */
export function readExchange(items: readonly VariableAccess[], limits: ExchangeLimits): Exchange<readonly ReadValue[]> {
  const whole: Apdu = { apdu: 'read-request', items };
  const cutter = cutterFor(whole, limits);
  const joiner = new BlockJoiner();
  return {
    first: cutter === null ? whole : readBlock(cutter, limits),
    accept(answer) {
      if (answer.apdu !== 'read-response') throw unexpected(answer);
      const [only] = answer.items;
      if (answer.items.length === 1 && only?.kind === 'block-number') {
        if (cutter?.current == null || cutter.current.lastBlock) throw unexpected(answer);
        if (only.blockNumber !== cutter.current.blockNumber) return { kind: 'ignore' };
        return { kind: 'send', apdu: readBlock(cutter, limits) };
      }
      if (answer.items.length !== 1 || only?.kind !== 'data-block')
        return { kind: 'done', results: valuesOf(answer.items, items.length) };
      if (!joiner.accept(only)) return { kind: 'ignore' };
      if (only.lastBlock) return { kind: 'done', results: joinedResults(joiner.joined(), items.length) };
      const { blockNumber } = only;
      return { kind: 'send', apdu: { apdu: 'read-request', items: [{ kind: 'block-number', blockNumber }] } };
    },
  };
}

/** Writes variables; long requests go in blocks. The results are data-access-result codes. Throws SESSION_TOO_LONG. */
export function writeExchange(
  items: readonly VariableAccess[],
  values: readonly Data[],
  limits: ExchangeLimits,
): Exchange<readonly number[]> {
  const whole: Apdu = { apdu: 'write-request', items, values };
  const cutter = cutterFor(whole, limits);
  return {
    first: cutter === null ? whole : writeBlock(cutter, limits),
    accept(answer) {
      if (answer.apdu !== 'write-response') throw unexpected(answer);
      const [only] = answer.items;
      if (answer.items.length === 1 && only?.kind === 'block-number') {
        if (cutter?.current == null || cutter.current.lastBlock) throw unexpected(answer);
        if (only.blockNumber !== cutter.current.blockNumber) return { kind: 'ignore' };
        return { kind: 'send', apdu: writeBlock(cutter, limits) };
      }
      return { kind: 'done', results: checked(answer.items, items.length).map(codeOf) };
    },
  };
}

/** A cutter when the request must go in blocks, else null. */
function cutterFor(whole: Apdu, { pduMaxBytes, blocks }: ExchangeLimits): BlockCutter | null {
  const octets = encodeApdu(whole);
  if (pduMaxBytes === 0 || octets.length <= pduMaxBytes) return null;
  if (!blocks) throw sessionError('SESSION_TOO_LONG', `${whole.apdu} of ${octets.length} octets`);
  return new BlockCutter(octets.subarray(1));
}

function readBlock(cutter: BlockCutter, { pduMaxBytes }: ExchangeLimits): Apdu {
  return { apdu: 'read-request', items: [{ kind: 'read-data-block', ...cutter.next(blockDataBytes(pduMaxBytes)) }] };
}

function writeBlock(cutter: BlockCutter, { pduMaxBytes }: ExchangeLimits): Apdu {
  const { lastBlock, blockNumber, rawData } = cutter.next(blockDataBytes(pduMaxBytes));
  return {
    apdu: 'write-request',
    items: [{ kind: 'write-data-block', lastBlock, blockNumber }],
    values: [{ type: 'octet-string', value: rawData }],
  };
}

function joinedResults(octets: Uint8Array, count: number): readonly ReadValue[] {
  try {
    return valuesOf(readResultsFromOctets(octets), count);
  } catch (error) {
    if (count !== 1 || !isDlmsError(error)) throw error;
    return [{ kind: 'data', data: dataFromOctets(octets) }];
  }
}

function valuesOf(items: readonly ReadResult[], count: number): readonly ReadValue[] {
  return checked(items, count).map((item) => {
    if (item.kind === 'data' || item.kind === 'error') return item;
    throw sessionError('SESSION_ANSWER', `${item.kind} among results`);
  });
}

function codeOf(item: WriteResult): number {
  if (item.kind === 'block-number') throw sessionError('SESSION_ANSWER', `${item.kind} among results`);
  return item.kind === 'success' ? 0 : item.dataAccessError;
}

function checked<Item>(items: readonly Item[], count: number): readonly Item[] {
  if (items.length !== count) throw sessionError('SESSION_ANSWER', `${items.length} results for ${count} items`);
  return items;
}

function unexpected(answer: Apdu): Error {
  return sessionError('SESSION_ANSWER', answer.apdu);
}
