/** The three LLC octets before every APDU in HDLC (IEC 62056-46 clause 5.3): only in the first segment. */
import { ByteReader, concat } from '../../base/bytes.ts';
import { LLC_BYTES } from './limits.ts';

/** Client to server, and server to client. */
export const LLC = { command: Uint8Array.of(0xe6, 0xe6, 0x00), response: Uint8Array.of(0xe6, 0xe7, 0x00) } as const;

/** An APDU with its LLC octets before it. */
export function withLlc(llc: Uint8Array, apdu: Uint8Array): Uint8Array {
  return concat([llc, apdu]);
}

/** The APDU behind LLC octets of either direction, or null when there are none. */
export function withoutLlc(information: Uint8Array): Uint8Array | null {
  return startsWithLlc(information) ? information.subarray(LLC_BYTES) : null;
}

/** Whether the octets begin with the LLC octets of either direction. */
export function startsWithLlc(information: Uint8Array): boolean {
  if (information.length < LLC_BYTES) return false;
  const head = new ByteReader(information).u24();
  return head === 0xe6e600 || head === 0xe6e700;
}
