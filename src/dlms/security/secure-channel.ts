/**
 * The protection of one association, seen from one side: seals what leaves, opens what comes, and believes nothing that is
 * less protected than the policy demands, that has an old counter, or that came under a key not meant for it.
 *
 * One counter of the peer serves the global key and the keys of single messages (wrapped, agreed) alike: such a message
 * would otherwise be good a second time, in this association or a later one. Known weak point: a signature alone carries no
 * counter, so a policy that demands signatures should demand authentication too.
 */
import { ByteWriter, concat, sameOctets } from '../../base/bytes.ts';
import type { CipheredApdu, GeneralHeader, GeneralSigning } from '../xdlms/ciphered.ts';
import { SECURITY_CONTROL } from '../xdlms/ciphered.ts';
import { decodeApdu, encodeApdu } from '../xdlms/codec.ts';
import {
  type CipherKeys,
  hasServiceCiphering,
  isCipheredApdu,
  isUnderBroadcastKey,
  type KeyChoice,
  openCiphered,
  type Protection,
  type SigningKeys,
  sealGeneral,
  sealGeneralCiphering,
  sealService,
} from './ciphering.ts';
import { CounterReceiver, type CounterSender } from './counters.ts';
import { Dialect } from './dialect.ts';
import { newKeyPair } from './elliptic.ts';
import { securityError } from './errors.ts';
import { isAuthenticated, isEncrypted } from './gcm.ts';
import type { HlsContext } from './hls.ts';
import { TRANSACTION_ID_BYTES } from './limits.ts';
import {
  formOf,
  formOverheadBytes,
  type GeneralKeyForm,
  GLOBAL_SERVICE,
  isGeneralKeyForm,
  type MessageForm,
  type SealForm,
  signingOverheadBytes,
} from './message-form.ts';
import { SecretKey } from './secret-key.ts';
import { checkedContent, signApdu } from './signing.ts';
import { checkedTitle, curveOf, SUITES, type SuiteId } from './suite.ts';

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
  /** Fresh random octets: for keys of single messages and transaction ids; null when no form needs them. */
  readonly random?: ((count: number) => Uint8Array) | null;
  /** How the peer reads the standard; kept by the owner. Absent = the defaults, forgotten at the end. */
  readonly dialect?: Dialect;
  /** Counter of the peer under the broadcast key. Absent = nothing under that key is taken. */
  readonly broadcastCounter?: CounterReceiver;
}

/** A message opened. */
export interface OpenedMessage {
  readonly plaintext: Uint8Array;
  /** Under the broadcast key: whoever asks so gets no answer, and may ask for nothing that wants one. */
  readonly broadcast: boolean;
}

const NOTHING: Uint8Array = new Uint8Array(0);

/** One association's protection. */
export class SecureChannel {
  readonly #dialect: Dialect;
  #options: ChannelOptions;
  readonly #dedicatedCounter = new CounterReceiver();
  #keys: CipherKeys;
  #peerTitle: Uint8Array | null = null;
  #heard: SealForm = GLOBAL_SERVICE;

  constructor(options: ChannelOptions) {
    this.#options = options;
    this.#dialect = options.dialect ?? new Dialect();
    this.#keys = options.keys;
    checkedTitle(options.ownTitle, 'own');
    if (options.peerTitle !== null) this.meet(options.peerTitle);
  }

  /** Whether messages of ours leave ciphered. */
  get isCiphering(): boolean {
    return isCiphered(this.#options.send);
  }

  /** Whether messages of ours leave ciphered or signed. */
  get isProtecting(): boolean {
    return this.isCiphering || this.#options.send.signed === true;
  }

  /** Whether a plain initiate would be refused. */
  get demandsCiphering(): boolean {
    return isCiphered(this.#options.demand);
  }

  /** Whether a message that is neither ciphered nor signed would be refused. */
  get demandsProtection(): boolean {
    return this.demandsCiphering || this.#options.demand.signed === true;
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

  /** The switch of the peer's dialect that a message taught, told once. */
  takeLearned(): ReturnType<Dialect['takeLearned']> {
    return this.#dialect.takeLearned();
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

  /** Keys, counters or policy were changed while the association is open; its dedicated key stays. */
  renew(options: Pick<ChannelOptions, 'keys' | 'counter' | 'peerCounter' | 'send' | 'demand'>): void {
    const { dedicated } = this.#keys;
    this.#options = { ...this.#options, ...options };
    this.#keys = dedicated === undefined ? options.keys : { ...options.keys, dedicated };
  }

  /** A key for this association only was agreed on. */
  dedicate(keys: Pick<CipherKeys, 'dedicated'>): void {
    this.#keys = { ...this.#options.keys, ...keys };
  }

  /** Octets that {@link seal} adds at most. */
  overheadBytes(form: MessageForm): number {
    const { suite, send } = this.#options;
    const signing = send.signed === true ? signingOverheadBytes(suite) : 0;
    return signing + (this.isCiphering ? formOverheadBytes(form, suite) : 0);
  }

  /** Protects an APDU as the policy says; ciphering takes one counter. Throws SECURITY_*. */
  seal(plaintext: Uint8Array, form: SealForm): Uint8Array {
    const ciphered = this.sealInitiate(plaintext, form);
    if (this.#options.send.signed !== true) return ciphered;
    const { own } = this.#signing();
    const header = this.#header(form.transactionId ?? this.#newTransactionId());
    return encodeApdu(signApdu(ciphered, header, own, this.#dialect.switches));
  }

  /** Ciphers as the policy says and does not sign: what stands inside an AARQ or AARE is never signed. */
  sealInitiate(plaintext: Uint8Array, form: SealForm = GLOBAL_SERVICE): Uint8Array {
    if (!this.isCiphering) return plaintext;
    if (isGeneralKeyForm(form.form)) return encodeApdu(this.#sealWithKey(plaintext, form.form, form.transactionId));
    const { suite, ownTitle, counter, send } = this.#options;
    const options = {
      ...send,
      suite,
      title: ownTitle,
      keys: this.#keys,
      invocationCounter: counter.take(),
      keySet: form.dedicated ? 'dedicated' : 'unicast',
    } as const;
    const general = form.form === 'general' || !hasServiceCiphering(plaintext);
    return encodeApdu(general ? sealGeneral(plaintext, options) : sealService(plaintext, options));
  }

  #sealWithKey(plaintext: Uint8Array, form: GeneralKeyForm, answered: Uint8Array | null) {
    const { suite, counter, send } = this.#options;
    const key = this.#keyChoice(form);
    const header = this.#header(answered ?? this.#newTransactionId());
    return sealGeneralCiphering(plaintext, {
      ...send,
      suite,
      header,
      keys: this.#keys,
      key,
      invocationCounter: counter.take(),
      generalCipheringAad: this.#dialect.switches.generalCipheringAad,
    });
  }

  #keyChoice(form: GeneralKeyForm): KeyChoice {
    const { suite } = this.#options;
    if (form === 'identified-key') return { kind: 'identified', keySet: 'unicast' };
    if (form === 'wrapped-key') return { kind: 'wrapped', key: new SecretKey(this.#random(SUITES[suite].keyBytes)) };
    if (form === 'static-key') return { kind: 'agreed', ephemeral: null };
    return { kind: 'agreed', ephemeral: newKeyPair(curveOf(suite).name, (count) => this.#random(count)) };
  }

  #random(count: number): Uint8Array {
    const { random } = this.#options;
    if (random === null || random === undefined) throw securityError('SECURITY_MECHANISM', 'random octets');
    return random(count);
  }

  #newTransactionId(): Uint8Array {
    const random = this.#random(TRANSACTION_ID_BYTES - 4);
    return new ByteWriter(TRANSACTION_ID_BYTES).u32(this.#options.counter.next).bytes(random).finish();
  }

  #header(transactionId: Uint8Array): GeneralHeader {
    return {
      transactionId,
      originatorSystemTitle: this.#options.ownTitle,
      recipientSystemTitle: checkedTitle(this.#peerTitle, "the peer's"),
      dateTime: NOTHING,
      otherInformation: NOTHING,
    };
  }

  #signing(): SigningKeys {
    const { signing } = this.#keys;
    if (signing === undefined) throw securityError('SECURITY_KEY_MISSING', 'signing keys');
    return signing;
  }

  /** The plain APDU inside; throws SECURITY_* and believes nothing then. */
  open(apdu: CipheredApdu): OpenedMessage {
    if (apdu.apdu !== 'general-signing') {
      if (this.#options.demand.signed === true) throw securityError('SECURITY_POLICY', 'not signed');
      return this.openInitiate(apdu);
    }
    const content = this.#signedContent(apdu);
    const inner = decodeApdu(content);
    if (isCipheredApdu(inner)) {
      if (inner.apdu === 'general-signing') throw securityError('SECURITY_POLICY', 'signed twice');
      const opened = this.openInitiate(inner);
      this.#heard = { ...this.#heard, transactionId: Uint8Array.from(apdu.transactionId) };
      return opened;
    }
    if (this.demandsCiphering) throw securityError('SECURITY_POLICY', 'signed, but not ciphered');
    this.#heard = { ...GLOBAL_SERVICE, transactionId: Uint8Array.from(apdu.transactionId) };
    return { plaintext: concat([content]), broadcast: false };
  }

  #signedContent(apdu: GeneralSigning): Uint8Array {
    this.#checkTitles(apdu);
    const { name } = curveOf(this.#options.suite);
    const { peerPublicKey } = this.#signing();
    return this.#dialect.trying('signContentLength', 'SECURITY_SIGNATURE', (switches) =>
      checkedContent(apdu, name, peerPublicKey, switches),
    );
  }

  /** From the peer, as far as it says so, and for us. */
  #checkTitles({ originatorSystemTitle, recipientSystemTitle }: GeneralHeader): void {
    const differs = (told: Uint8Array, wanted: Uint8Array): boolean => told.length > 0 && !sameOctets(told, wanted);
    if (differs(originatorSystemTitle, checkedTitle(this.#peerTitle, "the peer's")))
      throw securityError('SECURITY_TITLE', 'the message carries another one than expected');
    if (differs(recipientSystemTitle, this.#options.ownTitle))
      throw securityError('SECURITY_TITLE', 'the message is addressed to another');
  }

  /** What stands inside an AARQ or AARE: as {@link open}, but never signed. */
  openInitiate(apdu: CipheredApdu): OpenedMessage {
    if (apdu.apdu === 'general-signing') throw securityError('SECURITY_POLICY', 'signed where it may not be');
    this.#checkControl(apdu);
    if (this.#peerTitle === null) throw securityError('SECURITY_TITLE', 'the peer has said none');
    if (apdu.apdu === 'general-ciphering') this.#checkTitles(apdu);
    const broadcast = isUnderBroadcastKey(apdu);
    const form = formOf(apdu);
    const counter = this.#counterOf(broadcast, form.dedicated);
    counter.check(apdu.invocationCounter);
    const open = (generalCipheringAad: 'header' | 'short') =>
      openCiphered(apdu, this.#keys, {
        senderTitle: this.#peerTitle,
        allowUnverified: !this.#options.demand.authenticated,
        generalCipheringAad,
      });
    const { plaintext } =
      apdu.apdu === 'general-ciphering'
        ? this.#dialect.trying('generalCipheringAad', 'SECURITY_TAG', (switches) => open(switches.generalCipheringAad))
        : open('header');
    counter.accept(apdu.invocationCounter);
    if (!broadcast) this.#heard = form;
    // The message may stand in a buffer of the line that is used again.
    return { plaintext: concat([plaintext]), broadcast };
  }

  #counterOf(broadcast: boolean, dedicated: boolean): CounterReceiver {
    if (!broadcast) return dedicated ? this.#dedicatedCounter : this.#options.peerCounter;
    const { broadcastCounter } = this.#options;
    if (broadcastCounter === undefined) throw securityError('SECURITY_POLICY', 'the broadcast key in an association');
    return broadcastCounter;
  }

  #checkControl({ securityControl }: Exclude<CipheredApdu, GeneralSigning>): void {
    const { suite, demand } = this.#options;
    if ((securityControl & SECURITY_CONTROL.suite) !== suite)
      throw securityError('SECURITY_SUITE', `${securityControl & SECURITY_CONTROL.suite}, agreed is ${suite}`);
    if (demand.authenticated && !isAuthenticated(securityControl))
      throw securityError('SECURITY_POLICY', 'not authenticated');
    if (demand.encrypted && !isEncrypted(securityControl)) throw securityError('SECURITY_POLICY', 'not encrypted');
  }
}

function isCiphered({ authenticated, encrypted }: Protection): boolean {
  return authenticated || encrypted;
}
