/** What the uplink's machine wants done, and what it wants sent. */

import type { RereadOrder } from '../../model/reread.ts';
import type { Lane } from '../../wire/lanes.ts';
import type { ImagePart } from '../../wire/messages.ts';

/** Something that the machine wants done, in this order. */
export type UplinkAction =
  /** Say hello with this session. */
  | { readonly kind: 'hello'; readonly session: Uint8Array }
  /** The session is open; the collector's clock said this. */
  | { readonly kind: 'opened'; readonly serverTimeMs: number }
  /** The collector's clock said this. */
  | { readonly kind: 'time'; readonly serverTimeMs: number }
  | { readonly kind: 'acknowledge'; readonly lane: Lane; readonly upTo: number }
  | { readonly kind: 'rewind'; readonly lane: Lane; readonly upTo: number }
  /** Send the dictionary with this hash (16 hex digits). */
  | { readonly kind: 'dictionary'; readonly hash: string }
  /** Tell `keyframeAt` of the machine where the keyframe group of this block begins. */
  | { readonly kind: 'find-keyframe'; readonly lane: Lane; readonly sequence: number }
  | ImagePart
  | { readonly kind: 'command'; readonly command: Uint8Array; readonly signature: Uint8Array }
  /** Intervals to be read again. */
  | { readonly kind: 'rereads'; readonly orders: readonly RereadOrder[] }
  /** Consider telling the collector about backlog and health. */
  | { readonly kind: 'status' }
  /** The message does not count; `counter` names why. */
  | { readonly kind: 'ignored'; readonly counter: string }
  /** A person should know: the sentence becomes the state of the uplink. */
  | { readonly kind: 'trouble'; readonly code: string; readonly sentence: string };

/** The next blocks to publish: read them from the journal and offer them with `admit` of the machine. */
export interface SendStep {
  readonly lane: Lane;
  readonly from: number;
  /** Octets of blocks that one PUBLISH may carry now. */
  readonly maxOctets: number;
  /** Guards against a session that changed while the journal was read. */
  readonly generation: number;
}
