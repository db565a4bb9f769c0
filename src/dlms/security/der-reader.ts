/**
 * Reading the small part of DER (ITU-T X.690) that certificates of smart meters need: tag, definite length, content, one
 * level at a time and bounded by the enclosing element; what is not asked for is stepped over. `base/der.ts` writes.
 */
import { ByteReader, TruncatedError } from '../../base/bytes.ts';
import { securityError } from './errors.ts';

/** Tags that are asked for. */
export const DER_TAG = {
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  objectId: 0x06,
  utcTime: 0x17,
  sequence: 0x30,
  context0: 0xa0,
  context3: 0xa3,
} as const;

const LONG_FORM = 0x80;

/** One element read. */
export interface DerElement {
  readonly tag: number;
  readonly content: Uint8Array;
  /** The element with its tag and length. */
  readonly whole: Uint8Array;
}

/** The elements inside octets. Throws SECURITY_CERTIFICATE for anything that is not DER of at most 64 KiB. */
export function derElements(octets: Uint8Array): DerElement[] {
  const reader = new ByteReader(octets);
  const elements: DerElement[] = [];
  try {
    while (reader.remaining > 0) {
      const from = reader.offset;
      const tag = reader.u8();
      const content = reader.slice(readLength(reader));
      elements.push({ tag, content, whole: octets.subarray(from, reader.offset) });
    }
  } catch (error) {
    if (error instanceof TruncatedError) throw securityError('SECURITY_CERTIFICATE', 'not DER', error);
    throw error;
  }
  return elements;
}

function readLength(reader: ByteReader): number {
  const first = reader.u8();
  if (first < LONG_FORM) return first;
  if (first === (LONG_FORM | 1)) return reader.u8();
  if (first === (LONG_FORM | 2)) return reader.u16();
  throw securityError('SECURITY_CERTIFICATE', `a length of form ${first.toString(16)} hex`);
}

/** The elements of the one element that octets are, which must have the tag. Throws SECURITY_CERTIFICATE. */
export function derInside(octets: Uint8Array, tag: number): DerElement[] {
  const [only, more] = derElements(octets);
  if (only === undefined || more !== undefined || only.tag !== tag)
    throw securityError('SECURITY_CERTIFICATE', `tag ${only?.tag.toString(16)}, ${tag.toString(16)} hex expected`);
  return derElements(only.content);
}

/** The element at a place, which must have the tag; throws SECURITY_CERTIFICATE. */
export function derAt(elements: readonly DerElement[], at: number, tag: number): DerElement {
  const element = elements.at(at);
  if (element?.tag === tag) return element;
  throw securityError('SECURITY_CERTIFICATE', `element ${at} has tag ${element?.tag.toString(16)}`);
}
