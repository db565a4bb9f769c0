/**
 * The protection of one association, seen from one side: seals what leaves, opens what comes, and believes nothing that is
 * less protected than the policy demands, that has an old counter, or that came under a key not meant for it.
 */
import { concat, sameOctets } from '../../base/bytes.ts';
import type { CipheredApdu, GeneralSigning } from '../xdlms/ciphered.ts';
import { SECURITY_CONTROL } from '../xdlms/ciphered.ts';
import { encodeApdu } from '../xdlms/codec.ts';
import {
  type CipherKeys,
  hasServiceCiphering,
  openCiphered,
  type Protection,
  sealGeneral,
  sealService,
} from './ciphering.ts';
import { CounterReceiver, type CounterSender } from './counters.ts';
import { securityError } from './errors.ts';
import { isAuthenticated, isEncrypted } from './gcm.ts';
import type { HlsContext } from './hls.ts';
import { GENERAL_OVERHEAD_BYTES, SERVICE_OVERHEAD_BYTES } from './limits.ts';
import { checkedTitle, type SuiteId } from './suite.ts';

/** What must be protected in each direction, for one meter. */
export interface SecurityPolicy {
  /** What the client sends, and the server demands at least. */
  readonly requests: Protection;
  /** What the server sends, and the client demands at least. */
  readonly responses: Protection;
}

/** Neither authentication nor encryption: the keys serve the high-level authentication only. */
export const UNPROTECTED: Protection = { authenticated: false, encrypted: false };
/** Both. */
export const PROTECTED: Protection = { authenticated: true, encrypted: true };

/** Settings of one side of an association. */
export interface ChannelOptions {
  readonly suite: SuiteId;
  readonly ownTitle: Uint8Array;
  /** Null until the peer said it. */
  readonly peerTitle: Uint8Array | null;
  readonly keys: CipherKeys;
  readonly counter: CounterSender;
  /** Counter of the peer under the global key; kept by the owner from one association to the next. */
  readonly peerCounter: CounterReceiver;
  /** How to protect what we send. */
  readonly send: Protection;
  /** What an incoming message must have at least. */
  readonly demand: Protection;
}

/** Under which key and in which form to send. */
export interface SealForm {
  readonly dedicated: boolean;
  /** General-glo or general-ded also where the service has a ciphered tag of its own. */
  readonly general: boolean;
}

/** One association's protection. */
export class SecureChannel {
  readonly #options: ChannelOptions;
  readonly #dedicatedCounter = new CounterReceiver();
  #keys: CipherKeys;
  #peerTitle: Uint8Array | null = null;
  #heard: SealForm = { dedicated: false, general: false };

  constructor(options: ChannelOptions) {
    this.#options = options;
    this.#keys = options.keys;
    checkedTitle(options.ownTitle, 'own');
    if (options.peerTitle !== null) this.meet(options.peerTitle);
  }

  /** Whether messages of ours leave protected. */
  get isCiphering(): boolean {
    const { authenticated, encrypted } = this.#options.send;
    return authenticated || encrypted;
  }

  /** Whether a plain message would be refused. */
  get demandsCiphering(): boolean {
    const { authenticated, encrypted } = this.#options.demand;
    return authenticated || encrypted;
  }

  /** The peer's system title, once known. */
  get peerTitle(): Uint8Array | null {
    return this.#peerTitle;
  }

  /** Form and key of the message opened last: a server answers in the same. */
  get heard(): SealForm {
    return this.#heard;
  }

  /** Keys and counters for a proof of mechanism 5, and the suite for 7. */
  get hls(): HlsContext {
    const { suite, keys, counter, peerCounter } = this.#options;
    return { suite, keys, counter, peerCounter };
  }

  /** The peer says its title; throws SECURITY_TITLE when it is not the expected one, or ours. */
  meet(title: Uint8Array | null): void {
    const { ownTitle, peerTitle } = this.#options;
    const told = checkedTitle(title, "the peer's");
    if (sameOctets(told, ownTitle)) throw securityError('SECURITY_TITLE', 'the peer has ours');
    if (peerTitle !== null && !sameOctets(told, peerTitle))
      throw securityError('SECURITY_TITLE', 'not the expected one');
    this.#peerTitle = told;
  }

  /** A key for this association only was agreed on. */
  dedicate(keys: Pick<CipherKeys, 'dedicated'>): void {
    this.#keys = { ...this.#options.keys, ...keys };
  }

  /** Octets that {@link seal} adds at most. */
  overheadBytes(general: boolean): number {
    if (!this.isCiphering) return 0;
    return general ? GENERAL_OVERHEAD_BYTES : SERVICE_OVERHEAD_BYTES;
  }

  /** Protects an APDU as the policy says; takes one counter. Throws SECURITY_COUNTER_*. */
  seal(plaintext: Uint8Array, form: SealForm): Uint8Array {
    if (!this.isCiphering) return plaintext;
    const { suite, ownTitle, counter, send } = this.#options;
    const options = {
      ...send,
      suite,
      title: ownTitle,
      keys: this.#keys,
      invocationCounter: counter.take(),
      keySet: form.dedicated ? 'dedicated' : 'unicast',
    } as const;
    const general = form.general || !hasServiceCiphering(plaintext);
    return encodeApdu(general ? sealGeneral(plaintext, options) : sealService(plaintext, options));
  }

  /** The plain APDU inside; throws SECURITY_* and believes nothing then. */
  open(apdu: CipheredApdu): Uint8Array {
    if (apdu.apdu === 'general-signing') throw securityError('SECURITY_POLICY', 'signed messages in an association');
    if (apdu.apdu === 'general-ciphering' && apdu.keyInfo !== null && apdu.keyInfo.kind !== 'identified')
      throw securityError('SECURITY_POLICY', 'a key for one message in an association');
    this.#checkControl(apdu);
    if (this.#peerTitle === null) throw securityError('SECURITY_TITLE', 'the peer has said none');
    const dedicated = /^(ded|general-ded)-/.test(apdu.apdu);
    const counter = dedicated ? this.#dedicatedCounter : this.#options.peerCounter;
    counter.check(apdu.invocationCounter);
    const { plaintext } = openCiphered(apdu, this.#keys, {
      senderTitle: this.#peerTitle,
      allowUnverified: !this.#options.demand.authenticated,
    });
    counter.accept(apdu.invocationCounter);
    this.#heard = { dedicated, general: apdu.apdu.startsWith('general-') };
    // The message may stand in a buffer of the line that is used again.
    return concat([plaintext]);
  }

  #checkControl({ securityControl }: Exclude<CipheredApdu, GeneralSigning>): void {
    const { suite, demand } = this.#options;
    if ((securityControl & SECURITY_CONTROL.suite) !== suite)
      throw securityError('SECURITY_SUITE', `${securityControl & SECURITY_CONTROL.suite}, agreed is ${suite}`);
    if ((securityControl & SECURITY_CONTROL.broadcastKey) !== 0)
      throw securityError('SECURITY_POLICY', 'the broadcast key in an association');
    if (demand.authenticated && !isAuthenticated(securityControl))
      throw securityError('SECURITY_POLICY', 'not authenticated');
    if (demand.encrypted && !isEncrypted(securityControl)) throw securityError('SECURITY_POLICY', 'not encrypted');
  }
}
