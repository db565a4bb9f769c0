/** Fuzz targets of the wire: blocks, tombstones, batches, control messages, dictionaries, commands, envelopes. */
import { sameOctets, toHex } from '../../base/bytes.ts';
import type { EdgeId } from '../../model/ids.ts';
import { decodeBlock, decodeHeader } from '../../wire/block.ts';
import {
  decodeCollectorMessage,
  decodeCommand,
  decodeEdgeMessage,
  encodeCollectorMessage,
  encodeCommand,
  encodeEdgeMessage,
} from '../../wire/codec.ts';
import { decodeDictionary, encodeDictionary } from '../../wire/dictionary.ts';
import { openEnvelope } from '../../wire/envelope.ts';
import { emptyLaneState, type LaneState, parseLaneState, serializeLaneState } from '../../wire/lane-state.ts';
import { BLOCK_MAX_ROWS, BLOCK_MAX_VALUES } from '../../wire/limits.ts';
import { decodeRecordBody, encodeRecordBody } from '../../wire/record-body.ts';
import type { DictionaryGroup } from '../../wire/rows.ts';
import { splitBatch } from '../../wire/topics.ts';
import { quiet, stable } from './parsers.ts';
import { type Feed, type FuzzTarget, must, parser } from './target.ts';

/** A chain of blocks that is known good. */
export interface FuzzChain {
  readonly dictionary: Uint8Array;
  readonly blocks: readonly Uint8Array[];
}

/**
 * A block is packed: a row that is as expected takes less than an octet, so its bound is that of rows and values, not of
 * octets. A row costs about 300 octets, a value 40.
 */
const BLOCK_HEAP_MAX_BYTES = BLOCK_MAX_ROWS * 300 + BLOCK_MAX_VALUES * 40;
const PARTY = { edgeId: 'edge-1' as EdgeId, key: new Uint8Array(32) };
/** An authenticator that every envelope of zeros has: the way behind it is open. */
const CRYPTO = { hmacSha256: () => new Uint8Array(32), sameSecret: sameOctets };

/** Targets of the wire; the chains give the dictionaries and states that blocks are decoded with. */
export function wireTargets(chains: readonly FuzzChain[]): FuzzTarget[] {
  const dictionaries = new Map<string | null, readonly DictionaryGroup[]>();
  const states = new Map<string, LaneState>();
  for (const chain of chains) {
    const groups = chain.dictionary.length === 0 ? [] : decodeDictionary(chain.dictionary);
    let state = emptyLaneState();
    for (const octets of chain.blocks) {
      const { dictionaryHash, prevHash } = decodeHeader(octets);
      dictionaries.set(dictionaryHash, groups);
      states.set(toHex(prevHash), state);
      state = decodeBlock(octets, state, groups).state;
    }
  }
  const decodedBlock: Feed = (octets) => {
    const { dictionaryHash, prevHash } = decodeHeader(octets);
    const before = states.get(toHex(prevHash)) ?? emptyLaneState();
    const { state } = decodeBlock(octets, before, dictionaries.get(dictionaryHash) ?? []);
    return () => {
      const kept = serializeLaneState(state);
      must(sameOctets(serializeLaneState(parseLaneState(kept)), kept), 'a lane state changes when it is stored');
    };
  };
  return [
    { ...parser('block', ['block'], 3, decodedBlock), heapBaseBytes: BLOCK_HEAP_MAX_BYTES },
    parser('batch', ['batch'], 2, (octets) => {
      for (const block of splitBatch(octets)) decodeHeader(block);
      return null;
    }),
    parser('lane-state', ['block', 'protobuf'], 1, quiet(parseLaneState)),
    parser('records', ['protobuf'], 2, stable(decodeRecordBody, encodeRecordBody)),
    parser('dictionary', ['protobuf'], 2, stable(decodeDictionary, encodeDictionary)),
    parser('edge-message', ['protobuf'], 3, stable(decodeEdgeMessage, encodeEdgeMessage)),
    parser('collector-message', ['protobuf'], 4, stable(decodeCollectorMessage, encodeCollectorMessage)),
    parser('command', ['protobuf'], 4, stable(decodeCommand, encodeCommand)),
    parser(
      'envelope',
      ['protobuf'],
      2,
      quiet((octets) => openEnvelope(octets, 'up', PARTY, CRYPTO)),
    ),
  ];
}
