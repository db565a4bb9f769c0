/**
 * DER (X.690), writing only: the few types that certificates and requests for them are made of. Lengths are in their
 * shortest form (10.1); what comes from outside is read by the platform, never here.
 */
import { concat } from './bytes.ts';
import { assert } from './errors.ts';
import { isoText } from './time.ts';

const TAGS = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  objectIdentifier: 0x06,
  utf8String: 0x0c,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

/** Context-specific class; with {@link CONSTRUCTED} for explicit tags. */
const CONTEXT = 0x80;
const CONSTRUCTED = 0x20;
/** First year that UTCTime cannot say without doubt (RFC 5280, 4.1.2.5). */
const GENERALIZED_FROM_YEAR = 2050;

/** Tag, length, contents. */
export function der(tag: number, ...contents: readonly Uint8Array[]): Uint8Array {
  const body = concat(contents);
  const digits = base256(body.length);
  const length = body.length < 0x80 ? digits : [0x80 | digits.length, ...digits];
  return concat([Uint8Array.of(tag, ...length), body]);
}

/** SEQUENCE. */
export function derSequence(...parts: readonly Uint8Array[]): Uint8Array {
  return der(TAGS.sequence, ...parts);
}

/** SET of one element; more would have to be sorted. */
export function derSet(element: Uint8Array): Uint8Array {
  return der(TAGS.set, element);
}

/** BOOLEAN. */
export function derBoolean(value: boolean): Uint8Array {
  return der(TAGS.boolean, Uint8Array.of(value ? 0xff : 0));
}

/** INTEGER that is not negative: a number, or octets with the most significant first. */
export function derInteger(value: number | Uint8Array): Uint8Array {
  const octets = typeof value === 'number' ? base256(value) : [...value];
  while (octets.length > 1 && octets[0] === 0) octets.shift();
  if ((octets[0] ?? 0) >= 0x80) octets.unshift(0);
  return der(TAGS.integer, Uint8Array.from(octets));
}

/** BIT STRING; `unusedBits` of the last octet do not count. */
export function derBitString(octets: Uint8Array, unusedBits = 0): Uint8Array {
  return der(TAGS.bitString, Uint8Array.of(unusedBits), octets);
}

/** OCTET STRING. */
export function derOctetString(octets: Uint8Array): Uint8Array {
  return der(TAGS.octetString, octets);
}

/** UTF8String. */
export function derText(text: string): Uint8Array {
  return der(TAGS.utf8String, new TextEncoder().encode(text));
}

/** OBJECT IDENTIFIER in dotted form, `2.5.4.3`. */
export function derObjectIdentifier(dotted: string): Uint8Array {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  const octets = [first * 40 + second, ...rest].flatMap((arc) => {
    const digits = [arc % 128];
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128)) digits.unshift(0x80 | (left % 128));
    return digits;
  });
  return der(TAGS.objectIdentifier, Uint8Array.from(octets));
}

/** A time as RFC 5280 wants it: UTCTime until 2049, GeneralizedTime from then on; whole seconds, rounded down. */
export function derTime(atMs: number): Uint8Array {
  const digits = isoText(atMs).replace(/\.\d+/, '').replace(/[-:T]/g, '');
  assert(/^\d{14}Z$/.test(digits), `a year of four digits, not ${atMs} ms`);
  const isGeneralized = Number(digits.slice(0, 4)) >= GENERALIZED_FROM_YEAR;
  const text = new TextEncoder().encode(isGeneralized ? digits : digits.slice(2));
  return der(isGeneralized ? TAGS.generalizedTime : TAGS.utcTime, text);
}

/** [number] EXPLICIT: the whole of another element inside. */
export function derExplicit(number: number, element: Uint8Array): Uint8Array {
  return der(CONTEXT | CONSTRUCTED | number, element);
}

/** [number] IMPLICIT of a primitive type: its contents only. */
export function derImplicit(number: number, contents: Uint8Array): Uint8Array {
  return der(CONTEXT | number, contents);
}

/** Digits to the base of 256, most significant first; at least one. */
function base256(value: number): number[] {
  const octets = [value % 256];
  for (let left = Math.floor(value / 256); left > 0; left = Math.floor(left / 256)) octets.unshift(left % 256);
  return octets;
}
