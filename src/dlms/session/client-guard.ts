/**
 * The client's side of security in a session: AARQ and AARE with titles, challenges and ciphered initiate, passes 3 and 4,
 * and every message after that. Without keys it passes everything through.
 */
import { concat } from '../../base/bytes.ts';
import type { Aare, Aarq } from '../acse/acse.ts';
import { type CipherKeys, isCipheredApdu } from '../security/ciphering.ts';
import type { CounterReceiver, CounterSender } from '../security/counters.ts';
import type { Dialect, DialectSwitches } from '../security/dialect.ts';
import { securityError } from '../security/errors.ts';
import { checkedChallenge, checkProof, type HlsExchange, type HlsSecret, proofOf } from '../security/hls.ts';
import { GLOBAL_SERVICE, type MessageForm, type SealForm } from '../security/message-form.ts';
import { octetsOfKey, type SecretKey } from '../security/secret-key.ts';
import { type OpenedMessage, SecureChannel, type SecurityPolicy } from '../security/secure-channel.ts';
import type { SuiteId } from '../security/suite.ts';
import type { Apdu } from '../xdlms/apdu.ts';
import type { CipheredApdu } from '../xdlms/ciphered.ts';
import { decodeApdu, encodeApdu } from '../xdlms/codec.ts';
import { CONFORMANCE, type InitiateResponse } from '../xdlms/initiate.ts';
import {
  type Authentication,
  aarqOf,
  agreementOf,
  contextOf,
  initiateRequestOf,
  isHls,
  MECHANISM_NUMBERS,
  type ReferencingName,
} from './association.ts';
import { sessionError } from './errors.ts';

/** Keys, titles, counters and policy of a client towards one meter. */
export interface ClientSecurity {
  readonly suite: SuiteId;
  /** Our system title, 8 octets. */
  readonly clientTitle: Uint8Array;
  /** The meter's, when it is known; another one is refused. Null learns it from the AARE. */
  readonly serverTitle: Uint8Array | null;
  readonly keys: CipherKeys;
  /** Our invocation counter under these keys; every session with this meter shares it. */
  readonly counter: CounterSender;
  /** The meter's counter as last believed. */
  readonly serverCounter: CounterReceiver;
  readonly policy: SecurityPolicy;
  /** A fresh random key for this association; sent in the initiate-request, which must then be encrypted. */
  readonly dedicatedKey?: SecretKey;
  /** How every message of the association is wrapped; default glo- and ded- services. */
  readonly form?: MessageForm;
  /** How the initiate inside AARQ and RLRQ and the proof of pass 3 are wrapped; default their glo- forms. Another one needs `serverTitle`. */
  readonly initiateForm?: MessageForm;
  /** Fresh random octets: wanted for wrapped and one-pass keys, static keys and signatures. */
  readonly random?: (count: number) => Uint8Array;
  /** How the meter reads the standard; one for each meter, kept from session to session. */
  readonly dialect?: Dialect;
}

/** Refusals of the whole request that a meter sends plain, because it could not even read the request. */
const PLAIN_REFUSALS: ReadonlySet<Apdu['apdu']> = new Set(['exception-response', 'confirmed-service-error']);

/** What a message was after opening. */
export interface Heard {
  readonly apdu: Apdu;
  /** Whether it came without the protection that the policy demands: only refusals may. */
  readonly unprotected: boolean;
}

/** The client's guard of one session. */
export class ClientGuard {
  readonly #authentication: Authentication;
  readonly #security: ClientSecurity | null;
  readonly #context: number;
  readonly #channel: SecureChannel | null;
  #exchange: HlsExchange | null = null;
  /** How messages are sent now: passes 3 and 4 as the initiate, then as the association. */
  #form: SealForm;

  constructor(authentication: Authentication, security: ClientSecurity | null, referencing: ReferencingName) {
    this.#authentication = authentication;
    this.#security = security;
    this.#channel = security === null ? null : channelOf(security);
    this.#context = contextOf(referencing, this.#channel?.isProtecting === true);
    this.#form = this.#initiateForm;
  }

  /** Octets that protection adds to a request at most. */
  get overheadBytes(): number {
    return this.#channel?.overheadBytes(this.#security?.form ?? 'service') ?? 0;
  }

  /** The reservation to store when few counters are left, otherwise null. */
  get wantedReservation(): number | null {
    const counter = this.#security?.counter;
    return counter?.isLow === true ? counter.reservation() : null;
  }

  /** The AARQ, its initiate ciphered when the policy says so. Throws SECURITY_*. */
  aarq(conformance: number, clientPduMaxBytes: number): Aarq {
    const security = this.#security;
    const general = this.#isGeneral ? CONFORMANCE['general-protection'] : 0;
    const dedicatedKey = security?.dedicatedKey;
    if (dedicatedKey !== undefined && security?.policy.requests.encrypted !== true)
      throw securityError('SECURITY_POLICY', 'a dedicated key needs encrypted requests');
    if (isHls(this.#authentication))
      checkedChallenge(this.#authentication.challenge, null, this.#authentication.mechanism);
    const initiate = encodeApdu({
      ...initiateRequestOf(conformance | general, clientPduMaxBytes),
      dedicatedKey: dedicatedKey === undefined ? null : octetsOfKey(dedicatedKey),
    });
    return {
      ...aarqOf(this.#authentication, this.#channel?.sealInitiate(initiate, this.#initiateForm) ?? initiate),
      applicationContext: this.#context,
      callingApTitle: security?.clientTitle ?? null,
    };
  }

  /** What the AARE agrees to; throws the reason why there is no association. */
  agreement(aare: Aare): InitiateResponse {
    if (aare.result === 0) this.#checkAare(aare);
    const inside = aare.userInformation === null ? null : this.#initiateIn(aare.userInformation, aare.result);
    const agreement = agreementOf(aare, inside, this.overheadBytes);
    const dedicated = this.#security?.dedicatedKey;
    if (dedicated !== undefined) this.#channel?.dedicate({ dedicated });
    return agreement;
  }

  #checkAare(aare: Aare): void {
    const wanted = MECHANISM_NUMBERS[this.#authentication.mechanism];
    const given = aare.mechanism ?? (wanted <= MECHANISM_NUMBERS.lls ? wanted : MECHANISM_NUMBERS.none);
    if (given !== wanted) throw sessionError('SESSION_MECHANISM', `mechanism ${given}, asked for ${wanted}`);
    if (this.#channel?.isProtecting === true && aare.applicationContext !== this.#context)
      throw securityError('SECURITY_POLICY', `application context ${aare.applicationContext}`);
    // A title that was configured is proved by the first tag; without either, nothing can be opened.
    if (aare.respondingApTitle !== null) this.#channel?.meet(aare.respondingApTitle);
    if (!isHls(this.#authentication)) return;
    const { challenge, mechanism } = this.#authentication;
    const received = checkedChallenge(aare.respondingAuthenticationValue, challenge, mechanism);
    this.#exchange = {
      ownTitle: this.#security?.clientTitle ?? null,
      peerTitle: this.#channel?.peerTitle ?? null,
      received: concat([received]),
      sent: challenge,
    };
  }

  #initiateIn(octets: Uint8Array, result: number): Apdu {
    // The words of a refusal may be plain, and are words only.
    if (result !== 0) return decodeApdu(octets);
    const outer = decodeApdu(octets);
    if (!isCipheredApdu(outer) && this.#channel?.demandsCiphering !== true) return outer;
    return this.#opened(octets, (channel, apdu) => channel.openInitiate(apdu)).apdu;
  }

  get #initiateForm(): SealForm {
    return { ...GLOBAL_SERVICE, form: this.#security?.initiateForm ?? 'service' };
  }

  /** Whether messages travel in general-* APDUs, for which the meter must have general protection. */
  get #isGeneral(): boolean {
    const { form = 'service', policy } = this.#security ?? {};
    return form !== 'service' || policy?.requests.signed === true || policy?.responses.signed === true;
  }

  /** Whether passes 3 and 4 follow. */
  get needsProof(): boolean {
    return isHls(this.#authentication);
  }

  /** Our proof, for pass 3. */
  proof(): Uint8Array {
    const { exchange, secret } = this.#proving();
    return proofOf(secret, exchange, this.#channel?.hls ?? null);
  }

  /** The meter's proof of pass 4, null = none; throws SECURITY_PROOF when it is wrong, or wanted and not there. */
  acceptProof(proof: Uint8Array | null, wanted = true): void {
    const { exchange, secret } = this.#proving();
    if (proof !== null) checkProof(proof, secret, exchange, this.#channel?.hls ?? null);
    else if (wanted) throw securityError('SECURITY_PROOF', 'the meter gave none');
    this.associated();
  }

  /** The association is open: what follows goes under the dedicated key, when there is one. */
  associated(): void {
    const { form = 'service', dedicatedKey } = this.#security ?? {};
    this.#form = { dedicated: dedicatedKey !== undefined, form, transactionId: null };
  }

  #proving(): { exchange: HlsExchange; secret: HlsSecret } {
    if (this.#exchange === null || !isHls(this.#authentication)) throw sessionError('SESSION_STATE', 'no challenge');
    return { exchange: this.#exchange, secret: this.#authentication };
  }

  /** The octets of a request; throws SECURITY_COUNTER_*. */
  seal(apdu: Apdu): Uint8Array {
    const plaintext = encodeApdu(apdu);
    return this.#channel === null ? plaintext : this.#channel.seal(plaintext, this.#form);
  }

  /** The user information of an RLRQ: a ciphered initiate under a ciphering policy, otherwise none. */
  releaseInformation(): Uint8Array | null {
    if (this.#channel?.isCiphering !== true) return null;
    return this.#channel.sealInitiate(encodeApdu(initiateRequestOf(CONFORMANCE.get, 0)), this.#initiateForm);
  }

  /**
   * A message from the meter; throws SECURITY_POLICY for a plain answer where the policy demands more. `isProtected` = it
   * was joined from blocks that were each opened already.
   */
  open(octets: Uint8Array, isProtected = false): Heard {
    return this.#opened(octets, (channel, apdu) => channel.open(apdu), isProtected);
  }

  #opened(
    octets: Uint8Array,
    open: (channel: SecureChannel, apdu: CipheredApdu) => OpenedMessage,
    isProtected = false,
  ): Heard {
    const outer = decodeApdu(octets);
    if (!isCipheredApdu(outer)) return { apdu: outer, unprotected: !isProtected && this.#checkPlain(outer) };
    if (this.#channel === null) throw securityError('SECURITY_KEY_MISSING', outer.apdu);
    return { apdu: decodeApdu(open(this.#channel, outer).plaintext), unprotected: false };
  }

  /** The switch of the meter's dialect that a message taught, told once; null = none. */
  takeLearned(): keyof DialectSwitches | null {
    return this.#channel?.takeLearned() ?? null;
  }

  #checkPlain(apdu: Apdu): boolean {
    if (this.#channel?.demandsProtection !== true || apdu.apdu === 'aare' || apdu.apdu === 'rlre') return false;
    if (PLAIN_REFUSALS.has(apdu.apdu)) return true;
    throw securityError('SECURITY_POLICY', `plain ${apdu.apdu}`);
  }
}

function channelOf(security: ClientSecurity): SecureChannel {
  return new SecureChannel({
    suite: security.suite,
    ownTitle: security.clientTitle,
    peerTitle: security.serverTitle,
    keys: security.keys,
    counter: security.counter,
    peerCounter: security.serverCounter,
    send: security.policy.requests,
    demand: security.policy.responses,
    random: security.random ?? null,
    ...(security.dialect === undefined ? {} : { dialect: security.dialect }),
  });
}
