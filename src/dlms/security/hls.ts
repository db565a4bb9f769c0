/**
 * High-level authentication, passes 3 and 4: what each side computes over the other's challenge and how it is checked
 * (Green Book, HLS authentication mechanisms 2 to 7). Both roles use the same two functions with own and peer exchanged.
 */
import { createHash } from 'node:crypto';
import { ByteReader, ByteWriter, concat } from '../../base/bytes.ts';
import { SECURITY_CONTROL } from '../xdlms/ciphered.ts';
import type { CipherKeys } from './ciphering.ts';
import type { CounterReceiver, CounterSender } from './counters.ts';
import { isSignature, type KeyPair, signOctets } from './elliptic.ts';
import { securityError } from './errors.ts';
import { protect } from './gcm.ts';
import { CHALLENGE_ECDSA_MIN_BYTES, CHALLENGE_MAX_BYTES, CHALLENGE_MIN_BYTES, TAG_BYTES } from './limits.ts';
import { octetsOfKey, type SecretKey, sameSecret } from './secret-key.ts';
import { checkedTitle, curveOf, type SuiteId } from './suite.ts';

/** Numbers of the mechanisms in AARQ and AARE. */
export const HLS_MECHANISMS = {
  hls: 2,
  'hls-md5': 3,
  'hls-sha1': 4,
  'hls-gmac': 5,
  'hls-sha256': 6,
  'hls-ecdsa': 7,
} as const;

/** Name of a high-level mechanism. */
export type HlsMechanism = keyof typeof HLS_MECHANISMS;

/** What a party proves itself with. GMAC uses the keys of the association. */
export type HlsSecret =
  | { readonly mechanism: 'hls-md5' | 'hls-sha1'; readonly secret: SecretKey }
  /** `short`: SHA-256(challenge | secret), as one implementation does; default the form with titles. */
  | { readonly mechanism: 'hls-sha256'; readonly secret: SecretKey; readonly form?: 'short' }
  | { readonly mechanism: 'hls-gmac' }
  | { readonly mechanism: 'hls-ecdsa'; readonly own: KeyPair; readonly peerPublicKey: Uint8Array }
  /** A manufacturer's own: both functions come from the profile of the meter. */
  | {
      readonly mechanism: 'hls';
      readonly prove: (exchange: HlsExchange) => Uint8Array;
      readonly check: (proof: Uint8Array, exchange: HlsExchange) => boolean;
    };

/** One authentication as one side sees it. */
export interface HlsExchange {
  /** Null only when no title is known, which mechanisms 3 and 4 can do without. */
  readonly ownTitle: Uint8Array | null;
  readonly peerTitle: Uint8Array | null;
  /** The challenge that came from the peer. */
  readonly received: Uint8Array;
  /** The challenge that was sent to it. */
  readonly sent: Uint8Array;
}

/** Keys and counters of the association, for mechanism 5. */
export interface HlsContext {
  readonly suite: SuiteId;
  readonly keys: CipherKeys;
  readonly counter: CounterSender;
  readonly peerCounter: CounterReceiver;
}

/** A challenge that may be used: 8 to 64 octets, 32 for ECDSA, and not our own. Throws SECURITY_CHALLENGE. */
export function checkedChallenge(
  received: Uint8Array | null,
  sent: Uint8Array | null,
  mechanism: HlsMechanism,
): Uint8Array {
  const least = mechanism === 'hls-ecdsa' ? CHALLENGE_ECDSA_MIN_BYTES : CHALLENGE_MIN_BYTES;
  if (received === null) throw securityError('SECURITY_CHALLENGE', 'none');
  if (received.length < least || received.length > CHALLENGE_MAX_BYTES)
    throw securityError('SECURITY_CHALLENGE', `${received.length} octets, ${least} to ${CHALLENGE_MAX_BYTES} allowed`);
  if (sent !== null && sameSecret(received, sent)) throw securityError('SECURITY_CHALLENGE', 'our own one sent back');
  return received;
}

/** f(the peer's challenge). Takes one invocation counter for mechanism 5. */
export function proofOf(secret: HlsSecret, exchange: HlsExchange, context: HlsContext | null): Uint8Array {
  switch (secret.mechanism) {
    case 'hls-gmac':
      return gmacProof(contextOf(context), exchange);
    case 'hls-ecdsa':
      return signOctets(titledChallenges(exchange), secret.own);
    case 'hls':
      return secret.prove(exchange);
    default:
      return hashProof(secret, exchange);
  }
}

/**
 * Whether `proof` is the peer's f(our challenge), computed over our own values in constant time. Throws SECURITY_PROOF,
 * and SECURITY_REPLAY when the counter inside a GMAC is an old one.
 */
export function checkProof(
  proof: Uint8Array,
  secret: HlsSecret,
  exchange: HlsExchange,
  context: HlsContext | null,
): void {
  if (!fits(proof, secret, mirrored(exchange), context)) throw securityError('SECURITY_PROOF', secret.mechanism);
}

function fits(proof: Uint8Array, secret: HlsSecret, peers: HlsExchange, context: HlsContext | null): boolean {
  switch (secret.mechanism) {
    case 'hls-gmac':
      return isGmacProof(proof, contextOf(context), peers);
    case 'hls-ecdsa':
      return isSignature(proof, titledChallenges(peers), curveOf(contextOf(context).suite).name, secret.peerPublicKey);
    case 'hls':
      return secret.check(proof, peers);
    default:
      return sameSecret(proof, hashProof(secret, peers));
  }
}

/** The same authentication seen from the other side. */
function mirrored({ ownTitle, peerTitle, received, sent }: HlsExchange): HlsExchange {
  return { ownTitle: peerTitle, peerTitle: ownTitle, received: sent, sent: received };
}

function contextOf(context: HlsContext | null): HlsContext {
  if (context === null) throw securityError('SECURITY_MECHANISM', 'keys and system titles of the association');
  return context;
}

type HashSecret = Extract<HlsSecret, { secret: SecretKey }>;
const HASHES = { 'hls-md5': 'md5', 'hls-sha1': 'sha1', 'hls-sha256': 'sha256' } as const;

function hashProof(given: HashSecret, exchange: HlsExchange): Uint8Array {
  const secret = octetsOfKey(given.secret);
  const long = given.mechanism === 'hls-sha256' && given.form !== 'short';
  const octets = long ? [secret, titledChallenges(exchange)] : [exchange.received, secret];
  return Uint8Array.from(createHash(HASHES[given.mechanism]).update(concat(octets)).digest());
}

/** Own title, peer's title, challenge received, challenge sent: what mechanisms 6 and 7 run over. */
function titledChallenges({ ownTitle, peerTitle, received, sent }: HlsExchange): Uint8Array {
  return concat([checkedTitle(ownTitle, 'own'), checkedTitle(peerTitle, "the peer's"), received, sent]);
}

/** SC | IC | tag over the challenge, under the global key also when a dedicated one is in use. */
function gmacProof(context: HlsContext, exchange: HlsExchange): Uint8Array {
  const { suite, counter } = context;
  return gmacOf(context, exchange, suite | SECURITY_CONTROL.authenticated, counter.take());
}

function gmacOf({ keys }: HlsContext, exchange: HlsExchange, control: number, counter: number): Uint8Array {
  const text = protect(exchange.received, {
    securityControl: control,
    invocationCounter: counter,
    title: checkedTitle(exchange.ownTitle, 'prover'),
    encryptionKey: keys.encryption,
    authenticationKey: keys.authentication,
  });
  return new ByteWriter(5 + TAG_BYTES).u8(control).u32(counter).bytes(text.authenticationTag).finish();
}

function isGmacProof(proof: Uint8Array, context: HlsContext, peers: HlsExchange): boolean {
  if (proof.length !== 5 + TAG_BYTES) return false;
  const reader = new ByteReader(proof);
  const control = reader.u8();
  const counter = reader.u32();
  if (control !== (context.suite | SECURITY_CONTROL.authenticated)) return false;
  if (!sameSecret(proof, gmacOf(context, peers, control, counter))) return false;
  context.peerCounter.acceptInside(counter);
  return true;
}
