/** Control messages as programs use them; `codec.ts` turns them into octets and back. */
import type { RereadOrder, RereadResult } from '../model/reread.ts';
import type { ClockQuality } from './block.ts';
import type { Lane } from './lanes.ts';

/** Version of the control protocol, in the hello. */
export const PROTOCOL_VERSION = 1;

/** Session of a message that belongs to none: the collector says that it knows no session of the edge. */
export const NO_SESSION = new Uint8Array(16);

/** Instead of hours of autonomy: too little was stored to tell. */
export const AUTONOMY_UNKNOWN = -1;

/** What a journal holds of a lane; `first` > `last` means empty, `last` being the highest sequence ever given. */
export interface LaneSpanNotice {
  readonly lane: Lane;
  readonly first: number;
  readonly last: number;
  readonly lastKeyframe: number;
}

/** The edge introduces itself: after each connect, and when its oldest block waits too long for an ack. */
export interface Hello {
  /** 16 hex digits. */
  readonly epoch: string;
  /** 16 hex digits, new at each start of the machine. */
  readonly bootId: string;
  /** 16 random octets, new with each hello. */
  readonly session: Uint8Array;
  readonly lanes: readonly LaneSpanNotice[];
  /** Program and version. */
  readonly software: string;
  /** The edge's wall clock, UTC ms. */
  readonly wallTimeMs: number;
  readonly clockQuality: ClockQuality;
  /** {@link PROTOCOL_VERSION}. */
  readonly protocol: number;
}

/** What waits in a lane. */
export interface LaneBacklog {
  readonly lane: Lane;
  readonly octets: number;
  readonly blocks: number;
  /** Time of the earliest row or record that waits, UTC ms; 0 = none. */
  readonly oldestMs: number;
}

/** Health of an edge, for the console. */
export interface EdgeStatus {
  readonly lanes: readonly LaneBacklog[];
  readonly uptimeS: number;
  /** Hours until the journal is full when nothing is acknowledged; {@link AUTONOMY_UNKNOWN} while there is no rate. */
  readonly autonomyHours: number;
  readonly facts: readonly { readonly name: string; readonly state: string; readonly sentence: string }[];
}

/** Edge to collector, topic `c`. */
export type EdgeMessage =
  | { readonly kind: 'hello'; readonly hello: Hello }
  /** The octets whose hash blocks name. */
  | { readonly kind: 'dictionary'; readonly octets: Uint8Array }
  | { readonly kind: 'status'; readonly status: EdgeStatus }
  /** What became of orders to read again, 1 to `REREADS_MAX`. */
  | { readonly kind: 'rereads'; readonly results: readonly RereadResult[] }
  | ImageRequest;

/** Asks for octets of an image. */
export interface ImageRequest {
  readonly kind: 'image';
  /** Of the whole image, hex. */
  readonly sha256: string;
  readonly offset: number;
  /** Octets at most. */
  readonly length: number;
}

/** The collector holds a lane up to and including this block. */
export interface LaneUpTo {
  readonly lane: Lane;
  readonly upTo: number;
}

/** Octets of an image from an offset on; none = there is no such image for this concentrator. */
export interface ImagePart {
  readonly kind: 'image';
  /** Hex. */
  readonly sha256: string;
  readonly offset: number;
  readonly octets: Uint8Array;
}

/** What a collector says, without session, term and time. */
export type CollectorBody =
  | ImagePart
  | {
      readonly kind: 'answer';
      readonly lanes: readonly LaneUpTo[];
      /** Octets that may be outstanding beyond upTo, all lanes together. */
      readonly credit: number;
    }
  | {
      readonly kind: 'ack';
      /** 16 hex digits. */
      readonly epoch: string;
      /** One or more lanes, each at most once; upTo is cumulative. */
      readonly lanes: readonly LaneUpTo[];
      readonly credit: number;
    }
  /** The dictionary with this hash (16 hex digits) is unknown; upTo of the lane stays. */
  | { readonly kind: 'need-dictionary'; readonly hash: string; readonly lane: Lane }
  /** The keyframe group's start is missing or the chain broke; upTo stays. */
  | { readonly kind: 'need-keyframe'; readonly lane: Lane; readonly upTo: number }
  /** An encoded command and its Ed25519 signature over `commandSigningOctets`. */
  | { readonly kind: 'command'; readonly command: Uint8Array; readonly signature: Uint8Array }
  /** Intervals to be read from their meters again, 1 to `REREADS_MAX` orders. */
  | { readonly kind: 'rereads'; readonly orders: readonly RereadOrder[] }
  /** The collector will not take this edge's blocks; in {@link NO_SESSION}: not before another hello. */
  | { readonly kind: 'refusal'; readonly code: string; readonly sentence: string };

/** Collector to edge, topic `d`. */
export interface CollectorMessage {
  /** Session of the hello that it answers, 16 octets. */
  readonly session: Uint8Array;
  /** Store id (8 octets) and restore counter (4). */
  readonly term: Uint8Array;
  /** UTC ms. */
  readonly serverTimeMs: number;
  readonly body: CollectorBody;
}
