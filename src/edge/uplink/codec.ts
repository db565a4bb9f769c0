/** The octets of the uplink behind an interface, so that the rules can be tried without them. */

import type { RereadResult } from '../../model/reread.ts';
import type { CollectorMessage, ImageRequest } from '../../wire/messages.ts';
import type { LaneSpan } from '../ports.ts';

/** What a hello says. */
export interface HelloFields {
  readonly session: Uint8Array;
  readonly lanes: readonly LaneSpan[];
  readonly wallTimeMs: number;
}

/** What a status message says. */
export interface StatusFields {
  readonly lanes: readonly LaneSpan[];
  readonly uptimeS: number;
  /** Hours until the journal is full, or null while that is not known. */
  readonly autonomyHours: number | null;
  readonly facts: readonly StatusFact[];
}

/** One sentence of health for the console. */
export interface StatusFact {
  readonly name: string;
  readonly state: string;
  readonly sentence: string;
}

/** The octets of the uplink: topics, sealed control messages, batches of blocks. */
export interface UplinkCodec {
  readonly topics: { readonly blocks: string; readonly controlUp: string; readonly controlDown: string };
  hello(fields: HelloFields): Uint8Array;
  /** `octets` is an encoded dictionary as the journal keeps it. */
  dictionary(octets: Uint8Array): Uint8Array;
  status(fields: StatusFields): Uint8Array;
  image(request: ImageRequest): Uint8Array;
  /** At most `REREADS_MAX` results. */
  rereads(results: readonly RereadResult[]): Uint8Array;
  batch(blocks: readonly Uint8Array[]): Uint8Array;
  /** Checks the authenticator and decodes; throws a WIRE_* error. */
  notice(payload: Uint8Array): CollectorMessage;
  /** The sequence of the first block of the keyframe group to which the block belongs. */
  keyframeOf(block: Uint8Array): number;
  /** Hash of the dictionary that the block names, 16 hex digits; null when it needs none. */
  dictionaryOf(block: Uint8Array): string | null;
}
