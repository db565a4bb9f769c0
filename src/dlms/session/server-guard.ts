/**
 * The server's side of security towards one client: what an AARQ must have, the challenge and the proofs, and every message
 * after that. Without keys it passes everything through.
 */
import { concat } from '../../base/bytes.ts';
import type { Aarq } from '../acse/acse.ts';
import { isCipheredApdu } from '../security/ciphering.ts';
import { isSecurityError, securityError } from '../security/errors.ts';
import { checkedChallenge, checkProof, type HlsExchange, type HlsSecret, proofOf } from '../security/hls.ts';
import { CHALLENGE_DEFAULT_BYTES, CHALLENGE_ECDSA_MIN_BYTES } from '../security/limits.ts';
import { SecretKey, sameSecret } from '../security/secret-key.ts';
import { SecureChannel } from '../security/secure-channel.ts';
import type { Apdu } from '../xdlms/apdu.ts';
import { decodeApdu, encodeApdu } from '../xdlms/codec.ts';
import type { InitiateRequest } from '../xdlms/initiate.ts';
import { contextOf, isCipheredContext, isHls, MECHANISM_NUMBERS, type ReferencingName } from './association.ts';
import type { ServerClient } from './object-model.ts';

/** Diagnostics of the service user that a server gives in an AARE. */
export const DIAGNOSTIC = {
  null: 0,
  noReason: 1,
  context: 2,
  callingTitle: 3,
  mechanismUnknown: 11,
  mechanismWanted: 12,
  failure: 13,
  authenticationRequired: 14,
} as const;

/** What a server brings to its associations. */
export interface ServerIdentity {
  /** Its system title, 8 octets; null when no client has keys. */
  readonly systemTitle: Uint8Array | null;
  /** Fresh random octets for challenges. */
  readonly random: ((count: number) => Uint8Array) | null;
  /** How its clients call objects. */
  readonly referencing: ReferencingName;
}

/** One client's guard, from its AARQ to the end of the association. */
export class ServerGuard {
  readonly #client: ServerClient;
  readonly #identity: ServerIdentity;
  readonly #channel: SecureChannel | null;
  #exchange: HlsExchange | null = null;

  constructor(client: ServerClient, identity: ServerIdentity) {
    this.#client = client;
    this.#identity = identity;
    this.#channel = channelOf(client, identity.systemTitle);
  }

  /** The application context that the policy asks for. */
  get context(): number {
    const channel = this.#channel;
    const isCiphering = channel?.demandsCiphering === true || channel?.isCiphering === true;
    return contextOf(this.#identity.referencing, isCiphering);
  }

  /** Octets that protection adds to an answer at most. */
  get overheadBytes(): number {
    return this.#channel?.overheadBytes(true) ?? 0;
  }

  /** The diagnostic of an AARQ, 0 = good so far; knows the client's title and challenge after it. */
  judge(aarq: Aarq): number {
    if (aarq.applicationContext !== this.context) return DIAGNOSTIC.context;
    if (this.#channel !== null && aarq.callingApTitle !== null) {
      if (!tells(() => this.#channel?.meet(aarq.callingApTitle))) return DIAGNOSTIC.callingTitle;
    } else if (isCipheredContext(this.context)) return DIAGNOSTIC.callingTitle;
    return this.#judgeMechanism(aarq);
  }

  #judgeMechanism(aarq: Aarq): number {
    const { authentication } = this.#client;
    const mechanism = aarq.mechanism ?? MECHANISM_NUMBERS.none;
    const wanted = MECHANISM_NUMBERS[authentication.mechanism];
    if (mechanism === MECHANISM_NUMBERS.none && wanted !== MECHANISM_NUMBERS.none) return DIAGNOSTIC.mechanismWanted;
    if (mechanism !== wanted) return DIAGNOSTIC.mechanismUnknown;
    const value = aarq.callingAuthenticationValue;
    if (authentication.mechanism === 'lls')
      return value !== null && sameSecret(value, authentication.password) ? DIAGNOSTIC.null : DIAGNOSTIC.failure;
    if (!isHls(authentication)) return DIAGNOSTIC.null;
    const good = tells(() => checkedChallenge(value, null, authentication.mechanism));
    return good && value !== null && this.#challenge(value, authentication) ? DIAGNOSTIC.null : DIAGNOSTIC.failure;
  }

  /** Makes our challenge; false when it cannot be made. */
  #challenge(received: Uint8Array, { mechanism }: HlsSecret): boolean {
    const { random, systemTitle } = this.#identity;
    const bytes = mechanism === 'hls-ecdsa' ? CHALLENGE_ECDSA_MIN_BYTES : CHALLENGE_DEFAULT_BYTES;
    if (random === null) return false;
    const sent = random(bytes);
    this.#exchange = {
      ownTitle: systemTitle,
      peerTitle: this.#channel?.peerTitle ?? null,
      received: concat([received]),
      sent,
    };
    return !sameSecret(sent, received);
  }

  /** The initiate-request inside an AARQ, or null when there is none that may be believed; throws SECURITY_REPLAY. */
  initiate(aarq: Aarq): InitiateRequest | null {
    if (aarq.userInformation === null) return null;
    const apdu = this.open(aarq.userInformation);
    if (apdu.apdu !== 'initiate-request') return null;
    if (apdu.dedicatedKey !== null) this.#channel?.dedicate({ dedicated: new SecretKey(apdu.dedicatedKey) });
    return apdu;
  }

  /** Our challenge, which the AARE carries; null without a high-level mechanism. */
  get challenge(): Uint8Array | null {
    return this.#exchange?.sent ?? null;
  }

  /** Number of the client's mechanism. */
  get mechanism(): number {
    return MECHANISM_NUMBERS[this.#client.authentication.mechanism];
  }

  /** Our system title, which the AARE carries when there are keys or a proof follows. */
  get title(): Uint8Array | null {
    return this.#channel !== null || this.#exchange !== null ? this.#identity.systemTitle : null;
  }

  /** Pass 3 to pass 4: our proof, or null when the client's is wrong or missing. */
  prove(proof: Uint8Array | null): Uint8Array | null {
    const { authentication } = this.#client;
    const exchange = this.#exchange;
    const context = this.#channel?.hls ?? null;
    if (proof === null || exchange === null || !isHls(authentication)) return null;
    const isRight = tells(() => checkProof(proof, authentication, exchange, context));
    return isRight ? proofOf(authentication, exchange, context) : null;
  }

  /** The octets of an answer: protected as the policy says, under the key and in the form of the request. */
  seal(apdu: Apdu): Uint8Array {
    const plaintext = encodeApdu(apdu);
    return this.#channel === null ? plaintext : this.#channel.seal(plaintext, this.#channel.heard);
  }

  /**
   * A message from the client; throws SECURITY_POLICY for a plain one where the policy demands more. `isProtected` = it was
   * joined from blocks that were each opened already.
   */
  open(octets: Uint8Array, isProtected = false): Apdu {
    const outer = decodeApdu(octets);
    if (isCipheredApdu(outer)) {
      if (this.#channel === null) throw securityError('SECURITY_KEY_MISSING', outer.apdu);
      return decodeApdu(this.#channel.open(outer));
    }
    if (!isProtected && this.#channel?.demandsCiphering === true)
      throw securityError('SECURITY_POLICY', `plain ${outer.apdu}`);
    return outer;
  }

  /** The lowest invocation counter that would be believed, for the exception that says so. */
  get expectedCounter(): number {
    return this.#client.security?.clientCounter.expected ?? 0;
  }
}

function channelOf({ security }: ServerClient, systemTitle: Uint8Array | null): SecureChannel | null {
  if (security === undefined) return null;
  if (systemTitle === null) throw securityError('SECURITY_TITLE', 'a server with keys needs one');
  return new SecureChannel({
    suite: security.suite,
    ownTitle: systemTitle,
    peerTitle: security.clientTitle,
    keys: security.keys,
    counter: security.counter,
    peerCounter: security.clientCounter,
    send: security.policy.responses,
    demand: security.policy.requests,
  });
}

/** Whether it went without a refusal of this room; anything else is thrown on. */
function tells(run: () => unknown): boolean {
  try {
    run();
    return true;
  } catch (error) {
    if (isSecurityError(error)) return false;
    throw error;
  }
}
