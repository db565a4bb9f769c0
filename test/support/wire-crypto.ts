/** The primitives that the pure room `wire` is handed, made of node:crypto. */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

export const sha256 = (octets: Uint8Array): Uint8Array => new Uint8Array(createHash('sha256').update(octets).digest());

export const envelopeCrypto = {
  hmacSha256: (key: Uint8Array, octets: Uint8Array): Uint8Array =>
    new Uint8Array(createHmac('sha256', key).update(octets).digest()),
  sameSecret: (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && timingSafeEqual(a, b),
};
