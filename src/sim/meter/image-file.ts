/**
 * The firmware files of simulated meters: `DWSF`, one octet length and the version text, the program, and at the end the
 * maker's signature (ECDSA P-256, 64 octets) over all that comes before it. A meter accepts no other file, so one changed
 * bit anywhere is found when it verifies.
 */
import { ByteReader, concat } from '../../base/bytes.ts';
import { isSignature, keyPairOf, SecretKey, signOctets } from '../../dlms/index.ts';

const MAGIC = new TextEncoder().encode('DWSF');
const SIGNATURE_OCTETS = 64;
/** What everybody knows: the private number of the maker of simulated meters. It protects nothing but the simulation. */
const MAKER = keyPairOf('P-256', new SecretKey(new Uint8Array(32).fill(0x5a)));

/** A file of `sizeOctets` octets in all that brings `version`; the program in it is drawn from `fill`. */
export function simImage(version: string, sizeOctets: number, fill: (count: number) => Uint8Array): Uint8Array {
  const text = new TextEncoder().encode(version);
  const head = concat([MAGIC, Uint8Array.of(text.length), text]);
  const signed = concat([head, fill(Math.max(0, sizeOctets - head.length - SIGNATURE_OCTETS))]);
  return concat([signed, signOctets(signed, MAKER)]);
}

/** The version that a file brings, null when the file is not one of the maker's or was changed. */
export function simImageVersion(octets: Uint8Array): string | null {
  if (octets.length < MAGIC.length + 1 + SIGNATURE_OCTETS) return null;
  const signed = octets.subarray(0, octets.length - SIGNATURE_OCTETS);
  if (!isSignature(simImageSignature(octets), signed, 'P-256', MAKER.publicKey)) return null;
  const reader = new ByteReader(signed.subarray(MAGIC.length));
  const length = reader.u8();
  return length > reader.remaining ? null : new TextDecoder().decode(reader.slice(length));
}

/** The signature at the end of a file. */
export function simImageSignature(octets: Uint8Array): Uint8Array {
  return octets.subarray(Math.max(0, octets.length - SIGNATURE_OCTETS));
}
