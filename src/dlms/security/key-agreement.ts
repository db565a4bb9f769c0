/**
 * Key agreement of suites 1 and 2: ECDH and the one-step key derivation of NIST SP 800-56A, for the agreed keys of
 * general-ciphering and for the methods of Security setup.
 *
 * Known weak point: no public witness of a whole suite 2 agreement exists, and of suite 1 only its parts are published.
 */
import { createHash } from 'node:crypto';
import { ByteReader, ByteWriter, concat } from '../../base/bytes.ts';
import { writeOctets } from '../axdr/length.ts';
import { isSignature, type KeyPair, sharedSecret, signOctets } from './elliptic.ts';
import { securityError } from './errors.ts';
import { octetsOfKey, SecretKey } from './secret-key.ts';
import { CURVES, type CurveName, curveOf, SUITES, type SuiteId } from './suite.ts';

/** What an agreed key is for: a message key or transferred key (AES-GCM), or a key encryption key (AES wrap). */
export type AgreedKeyUse = 'ciphering' | 'wrapping';

/** The two parties as they enter the derivation: U is who began. */
export interface Parties {
  readonly partyU: Uint8Array;
  readonly partyV: Uint8Array;
}

const ALGORITHM_ID = Uint8Array.of(0x60, 0x85, 0x74, 0x05, 0x08, 0x03);
/** Last octet of the algorithm identifier, for keys of 128 and of 256 bits. */
const ALGORITHMS = { ciphering: { 16: 0, 32: 1 }, wrapping: { 16: 2, 32: 3 } } as const;
const FIRST_ROUND = Uint8Array.of(0, 0, 0, 1);

/** hash(00000001 | Z | AlgorithmID | PartyU | PartyV), its first 16 or 32 octets. Throws SECURITY_SUITE for suite 0. */
export function deriveKey(z: SecretKey, suite: SuiteId, use: AgreedKeyUse, { partyU, partyV }: Parties): SecretKey {
  const { hash } = curveOf(suite);
  const { keyBytes } = SUITES[suite];
  const algorithm = concat([ALGORITHM_ID, Uint8Array.of(ALGORITHMS[use][keyBytes])]);
  const digest = createHash(hash)
    .update(concat([FIRST_ROUND, octetsOfKey(z), algorithm, partyU, partyV]))
    .digest();
  return new SecretKey(digest.subarray(0, keyBytes));
}

/** The PartyU of the static scheme: the originator's title and the transaction id with its length. */
export function staticPartyU(originatorTitle: Uint8Array, transactionId: Uint8Array): Uint8Array {
  if (transactionId.length === 0) throw securityError('SECURITY_AGREEMENT', 'static scheme without transaction id');
  const writer = new ByteWriter(32).bytes(originatorTitle);
  writeOctets(writer, transactionId);
  return writer.finish();
}

/** Key-parameters of general-ciphering: one ephemeral key of the originator, or two static ones. */
export const KEY_PARAMETERS = { onePass: 0x01, static: 0x02 } as const;

/**
 * X | Y | R | S: an ephemeral public key, signed together with the octet that says what it is for (the key id in Security
 * setup, the key-parameters octet in general-ciphering).
 */
export function signedEphemeralKey(octet: number, ephemeralPublicKey: Uint8Array, signer: KeyPair): Uint8Array {
  const signed = concat([Uint8Array.of(octet), ephemeralPublicKey]);
  return concat([ephemeralPublicKey, signOctets(signed, signer)]);
}

/** The ephemeral public key of {@link signedEphemeralKey}, when its signature fits; throws SECURITY_SIGNATURE. */
export function checkedEphemeralKey(
  octet: number,
  keyData: Uint8Array,
  curve: CurveName,
  signerPublicKey: Uint8Array,
): Uint8Array {
  const { bytes } = CURVES[curve];
  if (keyData.length !== bytes * 4) throw securityError('SECURITY_AGREEMENT', `key data of ${keyData.length} octets`);
  const reader = new ByteReader(keyData);
  const publicKey = reader.slice(bytes * 2);
  const signed = concat([Uint8Array.of(octet), publicKey]);
  if (!isSignature(reader.rest(), signed, curve, signerPublicKey))
    throw securityError('SECURITY_SIGNATURE', 'ephemeral public key');
  return publicKey;
}

/** Keys for agreements with one peer. */
export interface AgreementKeys {
  /** Our static key agreement pair. */
  readonly own: KeyPair;
  /** The peer's static key agreement key, X | Y. */
  readonly peerPublicKey: Uint8Array;
  /** Our signing pair: needed by the originator of the one-pass scheme. */
  readonly signing?: KeyPair;
  /** The peer's signing key, X | Y: needed by the recipient of the one-pass scheme. */
  readonly peerSigningKey?: Uint8Array;
  /** Agreement in suite 2 has no public witness: only with this switch, once a meter has proved it. */
  readonly suite2Agreement?: boolean;
}

/** Refuses an agreement in suite 2 without its switch; throws SECURITY_AGREEMENT. */
export function allowAgreement(suite: SuiteId, { suite2Agreement }: Pick<AgreementKeys, 'suite2Agreement'>): void {
  if (suite === 2 && suite2Agreement !== true)
    throw securityError('SECURITY_AGREEMENT', 'key agreement in suite 2 is switched off (suite2Agreement)');
}

/** The titles and the transaction of one agreement. */
export interface AgreementContext {
  readonly originatorTitle: Uint8Array;
  readonly recipientTitle: Uint8Array;
  readonly transactionId: Uint8Array;
}

/** What is sent of an agreement. */
export interface AgreementOnWire {
  readonly keyParameters: Uint8Array;
  readonly keyCipheredData: Uint8Array;
}

/** The originator's half: the message key, and what the recipient needs to find it. `ephemeral` only for one-pass. */
export function offerAgreement(
  suite: SuiteId,
  keys: AgreementKeys,
  context: AgreementContext,
  ephemeral: KeyPair | null,
): AgreementOnWire & { readonly key: SecretKey } {
  allowAgreement(suite, keys);
  const { originatorTitle, recipientTitle, transactionId } = context;
  if (ephemeral === null) {
    const partyU = staticPartyU(originatorTitle, transactionId);
    const z = sharedSecret(keys.own, keys.peerPublicKey);
    return {
      key: deriveKey(z, suite, 'ciphering', { partyU, partyV: recipientTitle }),
      keyParameters: Uint8Array.of(KEY_PARAMETERS.static),
      keyCipheredData: new Uint8Array(0),
    };
  }
  if (keys.signing === undefined) throw securityError('SECURITY_KEY_MISSING', 'signing key of the originator');
  const z = sharedSecret(ephemeral, keys.peerPublicKey);
  return {
    key: deriveKey(z, suite, 'ciphering', { partyU: originatorTitle, partyV: recipientTitle }),
    keyParameters: Uint8Array.of(KEY_PARAMETERS.onePass),
    keyCipheredData: signedEphemeralKey(KEY_PARAMETERS.onePass, ephemeral.publicKey, keys.signing),
  };
}

/** The recipient's half: the message key. Throws SECURITY_AGREEMENT, SECURITY_SIGNATURE, SECURITY_KEY_MISSING. */
export function acceptAgreement(
  suite: SuiteId,
  keys: AgreementKeys,
  context: AgreementContext,
  { keyParameters, keyCipheredData }: AgreementOnWire,
): SecretKey {
  allowAgreement(suite, keys);
  const { originatorTitle, recipientTitle, transactionId } = context;
  const scheme = keyParameters.length === 1 ? keyParameters.at(0) : undefined;
  if (scheme === KEY_PARAMETERS.static && keyCipheredData.length === 0) {
    const partyU = staticPartyU(originatorTitle, transactionId);
    return deriveKey(sharedSecret(keys.own, keys.peerPublicKey), suite, 'ciphering', {
      partyU,
      partyV: recipientTitle,
    });
  }
  if (scheme !== KEY_PARAMETERS.onePass) throw securityError('SECURITY_AGREEMENT', `key parameters ${scheme}`);
  if (keys.peerSigningKey === undefined) throw securityError('SECURITY_KEY_MISSING', 'signing key of the peer');
  const curve = curveOf(suite).name;
  const ephemeral = checkedEphemeralKey(scheme, keyCipheredData, curve, keys.peerSigningKey);
  const z = sharedSecret(keys.own, ephemeral);
  return deriveKey(z, suite, 'ciphering', { partyU: originatorTitle, partyV: recipientTitle });
}
