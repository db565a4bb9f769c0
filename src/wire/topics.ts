/**
 * Topics: `dw/<shard>/<edge id>/<leaf>`; leaves `b` (blocks up), `c` (control up), `d` (control down).
 *
 * The shard is the first octet of SHA-256(edge id), two hex digits: collectors share a fleet by shards without help of the
 * broker. An edge needs three topics and no wildcard; a collector needs one filter per shard.
 */
import { ByteReader, ByteWriter, toHex } from '../base/bytes.ts';
import { type EdgeId, parseEdgeId } from '../model/ids.ts';
import { wireError } from './errors.ts';
import { BATCH_MAX_BLOCKS, BATCH_MAX_OCTETS, BLOCK_MAX_OCTETS } from './limits.ts';

/** A digest function: SHA-256. */
export type Sha256 = (octets: Uint8Array) => Uint8Array;

/** What travels on a topic: blocks up, control up, control down. */
export const LEAVES = { blocks: 'b', controlUp: 'c', controlDown: 'd' } as const;

/** One of {@link LEAVES}. */
export type Leaf = (typeof LEAVES)[keyof typeof LEAVES];

/** Shards of a fleet, fixed for good. */
export const SHARD_COUNT = 256;

/** A topic, taken apart. */
export interface TopicParts {
  /** 0-255. */
  readonly shard: number;
  readonly edgeId: EdgeId;
  readonly leaf: Leaf;
}

const TOPIC = /^dw\/([0-9a-f]{2})\/([A-Za-z0-9_-]{1,32})\/([bcd])$/;

/** The shard of an edge, 0-255. */
export function shardOf(edgeId: EdgeId, sha256: Sha256): number {
  return new ByteReader(sha256(new TextEncoder().encode(edgeId))).u8();
}

/** The topic of one kind of message of one edge. */
export function topicOf(edgeId: EdgeId, leaf: Leaf, sha256: Sha256): string {
  return `dw/${toHex(Uint8Array.of(shardOf(edgeId, sha256)))}/${edgeId}/${leaf}`;
}

/** Takes a topic apart; null when it is not one of ours or the shard is not the edge's own. */
export function parseTopic(topic: string, sha256: Sha256): TopicParts | null {
  const parts = TOPIC.exec(topic);
  const edgeId = parseEdgeId(parts?.[2] ?? '');
  if (edgeId === null) return null;
  const shard = Number.parseInt(parts?.[1] ?? '', 16);
  if (shard !== shardOf(edgeId, sha256)) return null;
  return { shard, edgeId, leaf: parts?.[3] as Leaf };
}

/** What an edge subscribes: its own control topic, nothing else. */
export function edgeFilters(edgeId: EdgeId, sha256: Sha256): string[] {
  return [topicOf(edgeId, LEAVES.controlDown, sha256)];
}

/** What a collector subscribes for the shards that it holds; all of them give two filters instead of 512. */
export function collectorFilters(shards: readonly number[]): string[] {
  const leaves = [LEAVES.blocks, LEAVES.controlUp];
  if (new Set(shards).size === SHARD_COUNT) return leaves.map((leaf) => `dw/+/+/${leaf}`);
  return shards.flatMap((shard) => leaves.map((leaf) => `dw/${toHex(Uint8Array.of(shard))}/+/${leaf}`));
}

/** The broker's access list: an edge publishes its own `b` and `c` and subscribes its own `d`, and nothing else. */
export function edgeMay(
  action: 'publish' | 'subscribe',
  edgeId: EdgeId,
  topicOrFilter: string,
  sha256: Sha256,
): boolean {
  const parts = parseTopic(topicOrFilter, sha256);
  if (parts === null || parts.edgeId !== edgeId) return false;
  return (parts.leaf === LEAVES.controlDown) === (action === 'subscribe');
}

/** Format octet of a message on `b`. */
const BATCH_FORMAT = 1;

/** Joins consecutive blocks of one lane into the payload of a message on `b`. */
export function joinBatch(blocks: readonly Uint8Array[]): Uint8Array {
  const writer = new ByteWriter(BLOCK_MAX_OCTETS + 8, BATCH_MAX_OCTETS);
  writer.u8(BATCH_FORMAT);
  for (const block of blocks) writer.varint(block.length).bytes(block);
  return writer.finish();
}

/** Splits the payload of a message on `b` into its blocks (views, not copies); throws WIRE_MALFORMED or WIRE_TOO_LONG. */
export function splitBatch(payload: Uint8Array): Uint8Array[] {
  if (payload.length > BATCH_MAX_OCTETS) throw wireError('WIRE_TOO_LONG', `${payload.length} octets of blocks`);
  const blocks: Uint8Array[] = [];
  try {
    const reader = new ByteReader(payload);
    const format = reader.u8();
    if (format !== BATCH_FORMAT) throw wireError('WIRE_MALFORMED', `batch format ${format}`);
    while (reader.remaining > 0) {
      if (blocks.length === BATCH_MAX_BLOCKS) throw wireError('WIRE_TOO_LONG', `more than ${BATCH_MAX_BLOCKS} blocks`);
      const length = reader.varint();
      if (length === 0 || length > BLOCK_MAX_OCTETS) throw wireError('WIRE_MALFORMED', `a block of ${length} octets`);
      blocks.push(reader.slice(length));
    }
  } catch (error) {
    if (error instanceof RangeError || (error instanceof Error && error.name === 'TruncatedError'))
      throw wireError('WIRE_MALFORMED', error.message, error);
    throw error;
  }
  if (blocks.length === 0) throw wireError('WIRE_MALFORMED', 'no block');
  return blocks;
}
