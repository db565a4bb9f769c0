/** Checks that the protobuf layer does not make: ranges of times, counters and table indexes, lengths of identifiers. */
import { toHex } from '../base/bytes.ts';
import type { ObjectReference } from '../model/command.ts';
import { wireError } from './errors.ts';
import type { ObjectReference as WireObjectReference } from './gen/deltawatt_pb.ts';
import { LANE_ORDER, type Lane } from './lanes.ts';
import { TIME_MAX_MS } from './limits.ts';

const OBIS = /^\d{1,3}-\d{1,3}:\d{1,3}\.\d{1,3}\.\d{1,3}\*\d{1,3}$/;

/** The index of a member in a table of the model, to be sent; throws WIRE_VALUE. */
export function indexOf<Member>(table: readonly Member[], member: Member): number {
  const index = table.indexOf(member);
  if (index < 0) throw wireError('WIRE_VALUE', String(member));
  return index;
}

/** The member of a table at a received index; throws WIRE_MALFORMED naming `what`. */
export function memberAt<Member>(table: readonly Member[], index: number, what: string): Member {
  const member = table[index];
  if (member === undefined) throw wireError('WIRE_MALFORMED', `${what} ${index}`);
  return member;
}

/** A received time in UTC ms; throws WIRE_MALFORMED beyond ±2^51. */
export function timeFromWire(timeMs: bigint): number {
  const time = Number(timeMs);
  if (Math.abs(time) > TIME_MAX_MS) throw wireError('WIRE_MALFORMED', `time ${timeMs}`);
  return time;
}

/** A received count, 0 to 2^53 - 1; throws WIRE_MALFORMED. */
export function countFromWire(count: bigint): number {
  if (count > BigInt(Number.MAX_SAFE_INTEGER)) throw wireError('WIRE_MALFORMED', `count ${count}`);
  return Number(count);
}

/** A received lane number; throws WIRE_MALFORMED. */
export function laneFromWire(lane: number): Lane {
  const known = LANE_ORDER.find((candidate) => candidate === lane);
  if (known === undefined) throw wireError('WIRE_MALFORMED', `lane ${lane}`);
  return known;
}

/** Received octets of a fixed length; throws WIRE_MALFORMED naming `what`. */
export function octetsOfLength(octets: Uint8Array, length: number, what: string): Uint8Array {
  if (octets.length !== length) throw wireError('WIRE_MALFORMED', `${what} of ${octets.length} octets`);
  return octets;
}

/** Received octets of a fixed length as hex digits; throws WIRE_MALFORMED naming `what`. */
export function hexOfLength(octets: Uint8Array, length: number, what: string): string {
  return toHex(octetsOfLength(octets, length, what));
}

/** A received object reference; throws WIRE_MALFORMED. */
export function objectReference(wire: WireObjectReference | undefined): ObjectReference {
  if (wire === undefined || !OBIS.test(wire.obis) || wire.classId > 0xffff || Math.abs(wire.attribute) > 0xff)
    throw wireError('WIRE_MALFORMED', `object ${wire?.obis.slice(0, 32) ?? 'absent'}`);
  return { classId: wire.classId, obis: wire.obis, attribute: wire.attribute };
}
