/**
 * The envelope of every control message: body and authenticator, so that neither a broker nor another edge can speak in
 * the name of a collector or of this edge.
 *
 * Authenticator = first 16 octets of HMAC-SHA-256(edge key, 'U' or 'D' | edge id in ASCII | 00 | body). The direction octet
 * keeps a message from being played back the other way; the edge id keeps it from being played to another edge that was
 * given the same key by mistake.
 */
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { concat } from '../base/bytes.ts';
import type { Crypto } from '../base/env.ts';
import type { EdgeId } from '../model/ids.ts';
import { wireError } from './errors.ts';
import { EnvelopeSchema } from './gen/deltawatt_pb.ts';
import { AUTHENTICATOR_OCTETS, ENVELOPE_BODY_MAX_OCTETS } from './limits.ts';

/** The primitives that an envelope needs. */
export type EnvelopeCrypto = Pick<Crypto, 'hmacSha256' | 'sameSecret'>;

/** Who speaks: `up` = the edge, `down` = the collector. */
export type Direction = 'up' | 'down';

/** What the two sides share. */
export interface EnvelopeKey {
  readonly edgeId: EdgeId;
  /** Symmetric key of the edge, 32 octets. */
  readonly key: Uint8Array;
}

/** Octets of tags and lengths around body and authenticator. */
const FRAME_MAX_OCTETS = 32;

function authenticator(body: Uint8Array, direction: Direction, party: EnvelopeKey, crypto: EnvelopeCrypto): Uint8Array {
  const prefix = new TextEncoder().encode(`${direction === 'up' ? 'U' : 'D'}${party.edgeId}\0`);
  return crypto.hmacSha256(party.key, concat([prefix, body])).slice(0, AUTHENTICATOR_OCTETS);
}

/** Puts a body into an authenticated envelope. */
export function sealEnvelope(
  body: Uint8Array,
  direction: Direction,
  party: EnvelopeKey,
  crypto: EnvelopeCrypto,
): Uint8Array {
  if (body.length > ENVELOPE_BODY_MAX_OCTETS) throw wireError('WIRE_TOO_LONG', `a body of ${body.length} octets`);
  const message = create(EnvelopeSchema, { body, authenticator: authenticator(body, direction, party, crypto) });
  return toBinary(EnvelopeSchema, message);
}

/**
 * The body of an envelope whose authenticator is right. Throws WIRE_TOO_LONG before anything is parsed, WIRE_MALFORMED,
 * or WIRE_AUTHENTICATOR when key, direction, edge or body is not what was sealed.
 */
export function openEnvelope(
  octets: Uint8Array,
  direction: Direction,
  party: EnvelopeKey,
  crypto: EnvelopeCrypto,
): Uint8Array {
  if (octets.length > ENVELOPE_BODY_MAX_OCTETS + FRAME_MAX_OCTETS)
    throw wireError('WIRE_TOO_LONG', `an envelope of ${octets.length} octets`);
  const { body, authenticator: given } = parse(octets);
  if (given.length !== AUTHENTICATOR_OCTETS)
    throw wireError('WIRE_AUTHENTICATOR', `${given.length} octets instead of ${AUTHENTICATOR_OCTETS}`);
  if (!crypto.sameSecret(given, authenticator(body, direction, party, crypto)))
    throw wireError('WIRE_AUTHENTICATOR', `edge ${party.edgeId}, ${direction}`);
  return body;
}

function parse(octets: Uint8Array) {
  try {
    return fromBinary(EnvelopeSchema, octets);
  } catch (error) {
    throw wireError('WIRE_MALFORMED', 'envelope', error);
  }
}
