/**
 * The edge's own cap, in a document signed by a second key that the collector does not hold: a taken-over collector or
 * broker cannot cut off a town.
 *
 * The file is JSON: `limits` is the text that was signed, as it is, so that no rule of canonical JSON is needed;
 * `signature` is Ed25519 over "deltawatt limits v1" | 00 | the text in UTF-8. The text is JSON again:
 * {"edgeId": "e17", "disconnectsPerHour": 20}. No document, or one that does not verify: the built-in cap holds.
 */
import { concat, fromHex, toHex } from '../../base/bytes.ts';
import type { Crypto } from '../../base/env.ts';
import { edgeError } from '../errors.ts';
import { DISCONNECTS_PER_HOUR_DEFAULT, DISCONNECTS_PER_HOUR_MAX } from '../limits.ts';

/** What the edge allows. */
export interface EdgeLimits {
  readonly edgeId: string;
  /** Relays that may be opened within any 60 minutes. */
  readonly disconnectsPerHour: number;
}

const CONTEXT = 'deltawatt limits v1\0';
const SIGNATURE_OCTETS = 64;

/** What holds without a document. */
export function builtInLimits(edgeId: string): EdgeLimits {
  return { edgeId, disconnectsPerHour: DISCONNECTS_PER_HOUR_DEFAULT };
}

/** The octets of a signed document. */
export function signLimits(limits: EdgeLimits, privateKey: Uint8Array, crypto: Pick<Crypto, 'sign'>): Uint8Array {
  const text = JSON.stringify(limits);
  const signature = toHex(crypto.sign(privateKey, signedOctets(text)));
  return new TextEncoder().encode(`${JSON.stringify({ limits: text, signature }, null, 2)}\n`);
}

/** The limits of a document; throws LIMITS_MALFORMED, LIMITS_SIGNATURE or LIMITS_OTHER_EDGE. */
export function readLimits(
  octets: Uint8Array,
  edgeId: string,
  publicKey: Uint8Array,
  crypto: Pick<Crypto, 'verify'>,
): EdgeLimits {
  const document = parseObject(new TextDecoder().decode(octets));
  const { limits: text, signature } = document;
  if (typeof text !== 'string' || typeof signature !== 'string' || !/^[0-9a-f]{128}$/.test(signature)) {
    throw edgeError('LIMITS_MALFORMED', `limits and a signature of ${SIGNATURE_OCTETS} octets in hex are wanted`);
  }
  if (!crypto.verify(publicKey, signedOctets(text), fromHex(signature))) throw edgeError('LIMITS_SIGNATURE');
  const limits = parseObject(text);
  const { disconnectsPerHour } = limits;
  if (typeof disconnectsPerHour !== 'number' || !Number.isInteger(disconnectsPerHour) || disconnectsPerHour < 0) {
    throw edgeError('LIMITS_MALFORMED', 'disconnectsPerHour is not a whole number');
  }
  if (limits['edgeId'] !== edgeId) throw edgeError('LIMITS_OTHER_EDGE', String(limits['edgeId']));
  return { edgeId, disconnectsPerHour: Math.min(disconnectsPerHour, DISCONNECTS_PER_HOUR_MAX) };
}

function signedOctets(text: string): Uint8Array {
  const encoder = new TextEncoder();
  return concat([encoder.encode(CONTEXT), encoder.encode(text)]);
}

function parseObject(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch (error) {
    throw edgeError('LIMITS_MALFORMED', 'not JSON', error);
  }
  throw edgeError('LIMITS_MALFORMED', 'not an object');
}
