/**
 * Commands: what an operator asks of a meter, and what became of it.
 *
 * A command is stored before it is sent, signed for one edge and one epoch, and expires. At the edge it goes
 * accepted -> started (on disk before the first octet to the meter) -> an end state; a started method is never repeated.
 */
import type { CommandId, EdgeId, MeterId } from './ids.ts';
import type { ExactInteger } from './number.ts';

/** States, in the order in which they can follow. Wire numbers are the index: append only. */
export const COMMAND_STATES = [
  /** Stored at the collector, not yet handed to the broker. */
  'stored',
  /** Handed to the broker. */
  'sent',
  /** The edge holds it on disk. */
  'accepted',
  /** The edge is about to talk, or talks, to the meter. */
  'started',
  'done',
  /** The meter or the edge refused; the reason is in the result. */
  'refused',
  /** The meter did not answer. */
  'failed',
  /** Its time ran out before the edge started it. */
  'expired',
  /** The edge restarted after `started`: the result says what was seen when the state was read back. */
  'uncertain',
  'cancelled',
] as const;

/** One of {@link COMMAND_STATES}. */
export type CommandState = (typeof COMMAND_STATES)[number];

/** States after which the edge has no more to say. */
export const END_STATES: ReadonlySet<CommandState> = new Set([
  'done',
  'refused',
  'failed',
  'expired',
  'uncertain',
  'cancelled',
]);

/**
 * Whether a command in `now` may become `next`: forward only, and an end is an end. Only `uncertain` gives way to what the
 * edge reports later: the collector says it too when an edge was silent for weeks, and the truth may still come.
 */
export function mayFollow(now: CommandState, next: CommandState): boolean {
  if (now === 'uncertain') return next !== 'uncertain' && END_STATES.has(next);
  return !END_STATES.has(now) && COMMAND_STATES.indexOf(next) > COMMAND_STATES.indexOf(now);
}

/** An attribute of a COSEM object. */
export interface ObjectReference {
  readonly classId: number;
  readonly obis: string;
  readonly attribute: number;
}

/** What is asked. */
export type CommandBody =
  | { readonly kind: 'read'; readonly objects: readonly ObjectReference[] }
  | { readonly kind: 'relay'; readonly action: 'disconnect' | 'reconnect' }
  | FirmwareBody
  | KeyRotationBody
  | PingBody
  | AdoptBody;

/** Whether the way to a meter is whole: concentrator, line, link to the meter, its association, its objects. */
export interface PingBody {
  readonly kind: 'ping';
}

/** Settings of a meter that was found in a network of the concentrator: it is read from then on. No password and no key is in it. */
export interface AdoptBody {
  readonly kind: 'adopt';
  /** Id of the line. */
  readonly line: string;
  /** Its model, `vendor/model`. */
  readonly profile: string;
  /** What its network knows it by: DLMS id, or EUI-48. */
  readonly node: string;
  /** IANA zone of its place; absent = that of the concentrator. */
  readonly timeZone?: string;
}

/** Global keys of a meter that can be changed from afar. Numbered as on the wire: append only. */
export const KEY_NAMES = ['encryption', 'authentication', 'master', 'broadcast'] as const;

/** One of {@link KEY_NAMES}. */
export type KeyName = (typeof KEY_NAMES)[number];

/** How a meter comes to a new key: under its master key, or agreed on by both (suites 1 and 2). Numbered as on the wire. */
export const KEY_WAYS = ['transfer', 'agreement'] as const;

/** One of {@link KEY_WAYS}. */
export type KeyWay = (typeof KEY_WAYS)[number];

/** A new key for a meter, drawn by its edge: no key travels with the command. */
export interface KeyRotationBody {
  readonly kind: 'key-rotation';
  readonly key: KeyName;
  /** Absent = transfer. The authentication key is never agreed on: see docs/adr/0038 and 0039. */
  readonly by?: KeyWay;
}

/** A new firmware for a meter: an image that the collector keeps. */
export interface FirmwareBody {
  readonly kind: 'firmware';
  /** SHA-256 of the image, hex. */
  readonly sha256: string;
  readonly sizeOctets: number;
  /** Names the image to the meter, hex of 1 to 64 octets. */
  readonly identifier: string;
  /** Not to be activated before, UTC ms; null = as soon as it is verified. */
  readonly activateAtMs: number | null;
}

/** A value that a meter answered, as data and in words. */
export interface ObjectValue extends ObjectReference {
  /** DLMS data-access-result, 0 = success. */
  readonly result: number;
  /** A scalar that is a metered value, when the object has a scaler and a unit. */
  readonly value?: ExactInteger;
  readonly exponent?: number;
  readonly unit?: string;
  /** Any other answer, as text. */
  readonly text?: string;
  /** The A-XDR octets of the answer. */
  readonly raw: Uint8Array;
  /** The octets go on from those of the last value of the part before; only in parts of a report. */
  readonly continued?: true;
}

/** Class 70 as read back: "armed" (control state 2) is not "connected". */
export interface RelayState {
  /** Output is closed: the load has supply. */
  readonly outputOn: boolean;
  /** 0 disconnected, 1 connected, 2 ready for reconnection (armed). */
  readonly controlState: number;
}

/** What the edge reports of a command, once per state that it enters. */
export interface CommandReport {
  readonly id: CommandId;
  readonly meterId: MeterId;
  readonly state: CommandState;
  /** Code of an error table, or empty. */
  readonly code: string;
  /** One sentence: the same in API, console and audit. */
  readonly sentence: string;
  readonly atMs: number;
  readonly values: readonly ObjectValue[];
  readonly relay?: RelayState;
  /** Which part of a report that no single record can hold; absent = the report is whole. */
  readonly part?: { readonly number: number; readonly of: number };
}

/** A command as the collector keeps it. */
export interface Command {
  readonly id: CommandId;
  readonly edgeId: EdgeId;
  /** Epoch of the edge for which it was signed, 16 hex digits. */
  readonly epoch: string;
  readonly meterId: MeterId;
  readonly body: CommandBody;
  readonly author: string;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
}
