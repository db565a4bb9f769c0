/** The octets of the uplink as `wire` defines them: sealed control messages, batches, topics. */
import type { Crypto } from '../../base/env.ts';
import type { EdgeId } from '../../model/ids.ts';
import { type ClockQuality, decodeHeader } from '../../wire/block.ts';
import { decodeCollectorMessage, encodeEdgeMessage } from '../../wire/codec.ts';
import { openEnvelope, sealEnvelope } from '../../wire/envelope.ts';
import { AUTONOMY_UNKNOWN, type EdgeMessage, PROTOCOL_VERSION } from '../../wire/messages.ts';
import { joinBatch, LEAVES, topicOf } from '../../wire/topics.ts';
import type { UplinkCodec } from './codec.ts';

/** What the messages of one edge have in common. */
export interface EdgeIdentity {
  readonly edgeId: EdgeId;
  /** Key of the authenticators, 32 octets. */
  readonly key: Uint8Array;
  /** 16 hex digits. */
  readonly epoch: string;
  /** 16 hex digits, new at each start of the machine. */
  readonly bootId: string;
  /** Program and version. */
  readonly software: string;
  readonly clockQuality: () => ClockQuality;
}

/** Makes the codec of an edge. */
export function wireCodec(identity: EdgeIdentity, crypto: Crypto): UplinkCodec {
  const { edgeId, epoch, bootId, software } = identity;
  const topic = (leaf: (typeof LEAVES)[keyof typeof LEAVES]) => topicOf(edgeId, leaf, crypto.sha256);
  const seal = (message: EdgeMessage) => sealEnvelope(encodeEdgeMessage(message), 'up', identity, crypto);
  return {
    topics: {
      blocks: topic(LEAVES.blocks),
      controlUp: topic(LEAVES.controlUp),
      controlDown: topic(LEAVES.controlDown),
    },
    hello: ({ session, lanes, wallTimeMs }) => {
      const spans = lanes.map(({ lane, first, last, lastKeyframe }) => ({ lane, first, last, lastKeyframe }));
      const clockQuality = identity.clockQuality();
      const hello = { epoch, bootId, session, lanes: spans, software, wallTimeMs, clockQuality };
      return seal({ kind: 'hello', hello: { ...hello, protocol: PROTOCOL_VERSION } });
    },
    dictionary: (octets) => seal({ kind: 'dictionary', octets }),
    status: ({ lanes, uptimeS, autonomyHours, facts }) => {
      const waiting = lanes.filter((span) => span.pendingBlocks > 0);
      const backlog = waiting.map((span) => ({
        lane: span.lane,
        octets: span.pendingOctets,
        blocks: span.pendingBlocks,
        oldestMs: span.oldestPendingMs ?? 0,
      }));
      const status = { lanes: backlog, uptimeS, autonomyHours: autonomyHours ?? AUTONOMY_UNKNOWN, facts };
      return seal({ kind: 'status', status });
    },
    image: (request) => seal(request),
    rereads: (results) => seal({ kind: 'rereads', results }),
    batch: joinBatch,
    notice: (payload) => decodeCollectorMessage(openEnvelope(payload, 'down', identity, crypto)),
    keyframeOf: (block) => decodeHeader(block).keyframe,
    dictionaryOf: (block) => decodeHeader(block).dictionaryHash,
  };
}
