/**
 * The server's side of security towards one client: what an AARQ must have, the challenge and the proofs, and every message
 * after that. Without keys it passes everything through.
 */
import { concat } from '../../base/bytes.ts';
import type { Aarq } from '../acse/acse.ts';
import { IMAGE_CLASS, IMAGE_METHOD } from '../image/image-object.ts';
import { isCipheredApdu, isUnderBroadcastKey } from '../security/ciphering.ts';
import { isSecurityError, securityError } from '../security/errors.ts';
import { isAuthenticated, isEncrypted } from '../security/gcm.ts';
import { checkedChallenge, checkProof, type HlsExchange, type HlsSecret, proofOf } from '../security/hls.ts';
import { CHALLENGE_DEFAULT_BYTES, CHALLENGE_ECDSA_MIN_BYTES } from '../security/limits.ts';
import { SecretKey, sameSecret } from '../security/secret-key.ts';
import { type OpenedMessage, SecureChannel } from '../security/secure-channel.ts';
import type { ActionRequestNormal } from '../xdlms/action.ts';
import type { Apdu } from '../xdlms/apdu.ts';
import type { CipheredApdu } from '../xdlms/ciphered.ts';
import { decodeApdu, encodeApdu } from '../xdlms/codec.ts';
import type { InitiateRequest } from '../xdlms/initiate.ts';
import { contextOf, isCipheredContext, isHls, MECHANISM_NUMBERS, type ReferencingName } from './association.ts';
import type { ServerClient, ServerSecurity } from './object-model.ts';

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
  #security: ServerSecurity | undefined;
  #exchange: HlsExchange | null = null;

  constructor(client: ServerClient, identity: ServerIdentity) {
    this.#client = client;
    this.#identity = identity;
    this.#security = client.security;
    this.#channel = this.#security === undefined ? null : channelOf(this.#security, identity);
  }

  /** The application context that the policy asks for. */
  get context(): number {
    const channel = this.#channel;
    const isProtecting = channel?.demandsProtection === true || channel?.isProtecting === true;
    return contextOf(this.#identity.referencing, isProtecting);
  }

  /** Octets that protection adds to an answer at most: in the form of the request, general-glo at least. */
  get overheadBytes(): number {
    const channel = this.#channel;
    return channel === null ? 0 : Math.max(channel.overheadBytes(channel.heard.form), channel.overheadBytes('general'));
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
    const apdu = this.#initiateIn(aarq.userInformation);
    if (apdu.apdu !== 'initiate-request') return null;
    if (apdu.dedicatedKey !== null) this.#channel?.dedicate({ dedicated: new SecretKey(apdu.dedicatedKey) });
    return apdu;
  }

  #initiateIn(octets: Uint8Array): Apdu {
    const outer = decodeApdu(octets);
    if (!isCipheredApdu(outer) && this.#channel?.demandsCiphering !== true) return outer;
    return this.#opened(octets, (channel, ciphered) => channel.openInitiate(ciphered));
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

  /** The octets of what nobody asked for: as an answer, in a transaction of its own. */
  sealUnasked(apdu: Apdu): Uint8Array {
    const plaintext = encodeApdu(apdu);
    return this.#channel?.seal(plaintext, { ...this.#channel.heard, transactionId: null }) ?? plaintext;
  }

  /** The octets of the initiate-response, for the AARE: in the form of the request. */
  sealInitiate(apdu: Apdu): Uint8Array {
    const plaintext = encodeApdu(apdu);
    return this.#channel?.sealInitiate(plaintext, this.#channel.heard) ?? plaintext;
  }

  /**
   * A message from the client; throws SECURITY_POLICY for one that is less protected than the policy demands. `isProtected`
   * = it was joined from blocks that were each opened already.
   */
  open(octets: Uint8Array, isProtected = false): Apdu {
    return this.#opened(octets, (channel, apdu) => channel.open(apdu), isProtected);
  }

  /**
   * A message to all stations, outside any association: a block of an image, encrypted and authenticated under the broadcast
   * key. Throws SECURITY_* for anything else.
   */
  openBroadcast(octets: Uint8Array): ActionRequestNormal {
    const outer = decodeApdu(octets);
    if (!isCipheredApdu(outer) || outer.apdu === 'general-signing' || !isUnderBroadcastKey(outer))
      throw securityError('SECURITY_POLICY', `${outer.apdu} to all stations`);
    if (!isEncrypted(outer.securityControl) || !isAuthenticated(outer.securityControl))
      throw securityError('SECURITY_POLICY', 'a broadcast that is not protected');
    const apdu = this.open(octets);
    if (!isImageBlock(apdu)) throw securityError('SECURITY_POLICY', `${apdu.apdu} to all stations`);
    return apdu;
  }

  #opened(
    octets: Uint8Array,
    open: (channel: SecureChannel, apdu: CipheredApdu) => OpenedMessage,
    isProtected = false,
  ): Apdu {
    const outer = decodeApdu(octets);
    if (isCipheredApdu(outer)) {
      if (this.#channel === null) throw securityError('SECURITY_KEY_MISSING', outer.apdu);
      const { plaintext, broadcast } = open(this.#channel, outer);
      const apdu = decodeApdu(plaintext);
      // Everyone on the line has the broadcast key: it may bring blocks of an image, which is verified whole, and nothing else.
      if (broadcast && !isImageBlock(apdu))
        throw securityError('SECURITY_POLICY', `the broadcast key for ${apdu.apdu}`);
      return apdu;
    }
    if (!isProtected && this.#channel?.demandsProtection === true)
      throw securityError('SECURITY_POLICY', `plain ${outer.apdu}`);
    return outer;
  }

  /** An answer is out: what a request changed of this client's security holds from the next APDU on. */
  renew(): void {
    const { security } = this.#client;
    if (security === undefined || security === this.#security) return;
    this.#security = security;
    this.#channel?.renew(changing(security));
  }

  /** The lowest invocation counter that would be believed, for the exception that says so. */
  get expectedCounter(): number {
    return this.#client.security?.clientCounter.expected ?? 0;
  }
}

/** A block of an image (class 18, method 2) that wants no answer. */
function isImageBlock(apdu: Apdu): apdu is ActionRequestNormal {
  if (apdu.apdu !== 'action-request-normal' || apdu.confirmed) return false;
  return apdu.method.classId === IMAGE_CLASS && apdu.method.methodId === IMAGE_METHOD.blockTransfer;
}

function channelOf(security: ServerSecurity, { systemTitle, random }: ServerIdentity): SecureChannel {
  if (systemTitle === null) throw securityError('SECURITY_TITLE', 'a server with keys needs one');
  return new SecureChannel({
    suite: security.suite,
    ownTitle: systemTitle,
    peerTitle: security.clientTitle,
    ...changing(security),
    random,
    ...(security.dialect === undefined ? {} : { dialect: security.dialect }),
    ...(security.broadcastCounter === undefined ? {} : { broadcastCounter: security.broadcastCounter }),
  });
}

/** What methods of a Security setup can change while an association is open. */
function changing({ keys, counter, clientCounter, policy }: ServerSecurity) {
  return { keys, counter, peerCounter: clientCounter, send: policy.responses, demand: policy.requests };
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
