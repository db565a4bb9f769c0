/**
 * The Security setup object of a server (class 64, versions 0 and 1): its keys, policy, pairs and certificates, and what its
 * methods do with them. A change is whole or not at all, and holds from the next APDU on: the answer still goes under what
 * the request came under.
 *
 * A new encryption key begins new counters; the same key again keeps them, since under one key no number may come twice.
 */
import { sameOctets } from '../../base/bytes.ts';
import type { Data } from '../axdr/data.ts';
import {
  CERTIFICATE_USES,
  type Certificate,
  type CertificateUse,
  checkIssued,
  makeCertificateRequest,
  parseCertificate,
  titleName,
} from '../security/certificate.ts';
import type { CipherKeys } from '../security/ciphering.ts';
import { CounterReceiver, CounterSender } from '../security/counters.ts';
import { Dialect, type DialectSwitches } from '../security/dialect.ts';
import { type KeyPair, newKeyPair } from '../security/elliptic.ts';
import { isSecurityError } from '../security/errors.ts';
import { signedEphemeralKey } from '../security/key-agreement.ts';
import { unwrapKey } from '../security/key-wrap.ts';
import { CERTIFICATES_MAX } from '../security/limits.ts';
import { octetsOfKey, type SecretKey, sameSecret } from '../security/secret-key.ts';
import { isRaised, numberOfPolicy, policyOfNumber, type SetupVersion } from '../security/setup-policy.ts';
import {
  agreedKey,
  CERTIFICATE_ENTITIES,
  type CertificateChoice,
  type CertificateEntity,
  choiceIn,
  GLOBAL_KEY_IDS,
  type GlobalKeyName,
  type KeyItem,
  keyItems,
  nameOfNumber,
  SETUP_METHODS,
} from '../security/setup-requests.ts';
import { curveOf, SUITES, type SuiteId } from '../security/suite.ts';
import type { ActionResult } from '../xdlms/service.ts';
import { RESULT, type ServerSecurity } from './object-model.ts';

/** A server's security as it leaves the factory. */
export interface SecuritySetupOptions {
  readonly version: SetupVersion;
  readonly suite: SuiteId;
  readonly serverTitle: Uint8Array;
  /** The one client that is let in by title; null takes any that has the keys. */
  readonly clientTitle: Uint8Array | null;
  readonly keys: CipherKeys;
  readonly policy: ServerSecurity['policy'];
  /** First number of its own messages; 1 or above (a peer may take 0 for "nothing seen yet"). */
  readonly firstCounter?: number;
  /** Certificates of authorities that it trusts; without any it imports certificates of nobody. */
  readonly authorities?: readonly Uint8Array[];
  readonly dialect?: Partial<DialectSwitches>;
  /** Whether unconfirmed requests under the broadcast key are taken. */
  readonly broadcast?: boolean;
  readonly random: (count: number) => Uint8Array;
  /** The server's own clock, UTC ms: for the validity of certificates. */
  readonly nowMs: () => number;
}

type PairUse = 'signature' | 'agreement';
type Outcome = number | Data;

const DONE: Outcome = RESULT.success;

/** One Security setup object. */
export class SecuritySetup {
  readonly #options: SecuritySetupOptions;
  readonly #authorities: readonly Certificate[];
  readonly #waiting = new Map<PairUse, KeyPair>();
  readonly #securities = new Map<number, ServerSecurity>();
  /** Symmetric keys; those of the curves are in the two below. */
  #keys: CipherKeys;
  #pairs: Partial<Record<PairUse, KeyPair>>;
  #peers: Partial<Record<PairUse, Uint8Array>>;
  readonly #dialects = new Map<number, Dialect>();
  #policy: number;
  #counter: CounterSender;
  #broadcastCounter = new CounterReceiver();
  #clientCounters = new Map<number, CounterReceiver>();
  #certificates: readonly Certificate[] = [];

  constructor(options: SecuritySetupOptions) {
    this.#options = options;
    const { signing, agreement, ...symmetric } = options.keys;
    this.#keys = symmetric;
    this.#pairs = { ...(signing && { signature: signing.own }), ...(agreement && { agreement: agreement.own }) };
    this.#peers = {
      ...(signing && { signature: signing.peerPublicKey }),
      ...(agreement && { agreement: agreement.peerPublicKey }),
    };
    this.#policy = numberOfPolicy(options.policy, options.version);
    this.#counter = CounterSender.unreserved(options.firstCounter ?? 1);
    this.#authorities = (options.authorities ?? []).map(parseCertificate);
  }

  /** What holds towards a client now: another object after each change. Its counters are kept here. */
  securityOf(client: number): ServerSecurity {
    const known = this.#securities.get(client);
    if (known !== undefined) return known;
    const { suite, clientTitle, version, policy, broadcast } = this.#options;
    const clientCounter = this.#clientCounters.get(client) ?? new CounterReceiver();
    this.#clientCounters.set(client, clientCounter);
    const dialect = this.#dialects.get(client) ?? new Dialect(this.#options.dialect);
    this.#dialects.set(client, dialect);
    const security: ServerSecurity = {
      suite,
      clientTitle,
      keys: this.#allKeys(),
      counter: this.#counter,
      clientCounter,
      policy: policyOfNumber(this.#policy, version) ?? policy,
      dialect,
      ...(broadcast === true ? { broadcastCounter: this.#broadcastCounter } : {}),
    };
    this.#securities.set(client, security);
    return security;
  }

  #allKeys(): CipherKeys {
    const { signature, agreement } = this.#pairs;
    const peers = this.#peers;
    const suite2Agreement = this.#options.keys.agreement?.suite2Agreement === true;
    return {
      ...this.#keys,
      ...(signature && peers.signature && { signing: { own: signature, peerPublicKey: peers.signature } }),
      ...(agreement &&
        peers.agreement && { agreement: { own: agreement, peerPublicKey: peers.agreement, suite2Agreement } }),
    };
  }

  /** The counter of a client believed last, 0 when none was: what the object 0-0:43.1.e shows. */
  lastCounter(client: number): number {
    return this.#clientCounters.get(client)?.last ?? 0;
  }

  /** An attribute from 2 on, or null when the version has none of this number. */
  read(attribute: number): Data | null {
    const { suite, serverTitle, clientTitle, version } = this.#options;
    const values: Readonly<Record<number, () => Data>> = {
      2: () => ({ type: 'enum', value: this.#policy }),
      3: () => ({ type: 'enum', value: suite }),
      4: () => ({ type: 'octet-string', value: clientTitle ?? new Uint8Array(0) }),
      5: () => ({ type: 'octet-string', value: serverTitle }),
      ...(version === 1
        ? { 6: () => ({ type: 'array', value: this.#certificates.map((each) => this.#listed(each)) }) as const }
        : {}),
    };
    return values[attribute]?.() ?? null;
  }

  /** Methods that the version has. */
  get methods(): readonly number[] {
    return this.#options.version === 0 ? [1, 2] : [1, 2, 3, 4, 5, 6, 7, 8];
  }

  /** Carries a method out. */
  invoke(methodId: number, parameters: Data | null): ActionResult {
    let outcome: Outcome;
    try {
      outcome = this.#invoke(methodId, parameters);
    } catch (error) {
      if (!isSecurityError(error)) throw error;
      outcome = RESULT.otherReason;
    }
    return typeof outcome === 'number'
      ? { actionResult: outcome, returnParameters: null }
      : { actionResult: RESULT.success, returnParameters: { data: outcome } };
  }

  #invoke(methodId: number, parameters: Data | null): Outcome {
    const method = nameOfNumber(SETUP_METHODS, methodId);
    if (method === null || !this.methods.includes(methodId)) return RESULT.objectUndefined;
    switch (method) {
      case 'activate':
        return this.#activate(parameters);
      case 'keyTransfer':
        return this.#transfer(keyItems(parameters));
      case 'keyAgreement':
        return this.#agree(keyItems(parameters));
      case 'generateKeyPair':
        return this.#generate(parameters);
      case 'generateCertificateRequest':
        return this.#request(parameters);
      case 'importCertificate':
        return parameters?.type === 'octet-string' ? this.#import(parameters.value) : RESULT.typeUnmatched;
      default:
        return this.#exportOrRemove(method, choiceIn(parameters));
    }
  }

  #activate(parameters: Data | null): Outcome {
    if (parameters?.type !== 'enum') return RESULT.typeUnmatched;
    const policy = policyOfNumber(parameters.value, this.#options.version);
    if (policy === null) return RESULT.typeUnmatched;
    if (!isRaised(this.#policy, parameters.value)) return RESULT.readWriteDenied;
    const signs = policy.requests.signed === true || policy.responses.signed === true;
    if (signs && this.#allKeys().signing === undefined) return RESULT.readWriteDenied;
    this.#policy = parameters.value;
    this.#securities.clear();
    return DONE;
  }

  #transfer(items: readonly KeyItem[] | null): Outcome {
    if (items === null || items.length === 0) return RESULT.typeUnmatched;
    const { master } = this.#keys;
    if (master === undefined) return RESULT.readWriteDenied;
    return this.#replaceKeys(items, ({ keyData }) => unwrapKey(keyData, master, this.#options.suite));
  }

  /** All keys or none: nothing is put in force before the last one is known. */
  #replaceKeys(items: readonly KeyItem[], keyOf: (item: KeyItem, name: GlobalKeyName) => SecretKey): Outcome {
    const changed: Partial<Record<GlobalKeyName, SecretKey>> = {};
    for (const item of items) {
      const name = nameOfNumber(GLOBAL_KEY_IDS, item.keyId);
      if (name === null || (name === 'master' && this.#options.version === 0)) return RESULT.typeUnmatched;
      changed[name] = keyOf(item, name);
    }
    this.#adopt(changed);
    return DONE;
  }

  #adopt(changed: Readonly<Partial<Record<GlobalKeyName, SecretKey>>>): void {
    const before = this.#keys;
    this.#keys = { ...before, ...changed };
    if (!sameKey(before.encryption, this.#keys.encryption)) {
      this.#counter = CounterSender.unreserved(1);
      this.#clientCounters = new Map();
    }
    if (!sameKey(before.broadcast, this.#keys.broadcast)) this.#broadcastCounter = new CounterReceiver();
    this.#securities.clear();
  }

  #agree(items: readonly KeyItem[] | null): Outcome {
    if (items === null || items.length === 0) return RESULT.typeUnmatched;
    const { suite, serverTitle, clientTitle, random } = this.#options;
    const { signing, agreement } = this.#allKeys();
    if (signing === undefined || clientTitle === null) return RESULT.readWriteDenied;
    const suite2Agreement = agreement?.suite2Agreement === true;
    const parties = { suite, clientTitle, serverTitle, peerSigningKey: signing.peerPublicKey, suite2Agreement };
    const answers: Data[] = [];
    const outcome = this.#replaceKeys(items, ({ keyId, keyData }, name) => {
      const own = newKeyPair(curveOf(suite).name, random);
      const key = agreedKey(name, own, keyData, parties);
      const value = signedEphemeralKey(keyId, own.publicKey, signing.own);
      answers.push({
        type: 'structure',
        value: [
          { type: 'enum', value: keyId },
          { type: 'octet-string', value },
        ],
      });
      return key;
    });
    return outcome === DONE ? { type: 'array', value: answers } : outcome;
  }

  #generate(parameters: Data | null): Outcome {
    const use = pairUse(parameters);
    const { curve } = SUITES[this.#options.suite];
    if (use === null) return RESULT.typeUnmatched;
    if (curve === null) return RESULT.readWriteDenied;
    this.#waiting.set(use, newKeyPair(curve, this.#options.random));
    return DONE;
  }

  #request(parameters: Data | null): Outcome {
    const use = pairUse(parameters);
    if (use === null) return RESULT.typeUnmatched;
    const pair = this.#waiting.get(use);
    if (pair === undefined) return RESULT.objectUnavailable;
    return { type: 'octet-string', value: makeCertificateRequest(titleName(this.#options.serverTitle), pair) };
  }

  /** Throws SECURITY_CERTIFICATE when nobody it trusts has issued it. */
  #import(octets: Uint8Array): Outcome {
    const certificate = parseCertificate(octets);
    const issuer = this.#authorities.find((each) => sameOctets(each.subject, certificate.issuer));
    if (issuer === undefined) return RESULT.readWriteDenied;
    checkIssued(certificate, issuer, this.#options.nowMs());
    const { use } = certificate;
    const kept = this.#certificates.filter((each) => !this.#replaces(certificate, each));
    if (kept.length >= CERTIFICATES_MAX) return RESULT.temporaryFailure;
    if (use === 'signature' || use === 'agreement') {
      const taken = this.#take(certificate, use);
      if (taken !== DONE) return taken;
    }
    this.#certificates = [...kept, certificate];
    return DONE;
  }

  /** A certificate takes the place of the one for the same subject and use. */
  #replaces(certificate: Certificate, other: Certificate): boolean {
    return certificate.use === other.use && sameOctets(certificate.subject, other.subject);
  }

  /** Puts the key of a certificate in force: our waiting pair, or the key of the client. */
  #take(certificate: Certificate, use: PairUse): Outcome {
    const { suite } = this.#options;
    if (certificate.curve !== SUITES[suite].curve) return RESULT.typeUnmatched;
    const entity = this.#entityOf(certificate);
    if (entity === 'server') {
      const pair = this.#waiting.get(use);
      if (pair === undefined || !sameOctets(pair.publicKey, certificate.publicKey)) return RESULT.readWriteDenied;
      this.#waiting.delete(use);
      this.#pairs = { ...this.#pairs, [use]: pair };
    } else if (entity === 'client') this.#peers = { ...this.#peers, [use]: certificate.publicKey };
    this.#securities.clear();
    return DONE;
  }

  #entityOf({ title, isAuthority }: Certificate): CertificateEntity {
    const { serverTitle, clientTitle } = this.#options;
    if (isAuthority) return 'authority';
    if (title === null) return 'other';
    if (sameOctets(title, serverTitle)) return 'server';
    return clientTitle === null || sameOctets(title, clientTitle) ? 'client' : 'other';
  }

  #exportOrRemove(method: 'exportCertificate' | 'removeCertificate', choice: CertificateChoice | null): Outcome {
    if (choice === null) return RESULT.typeUnmatched;
    const found = this.#certificates.find((each) => this.#isChosen(each, choice));
    if (found === undefined) return RESULT.objectUnavailable;
    if (method === 'exportCertificate') return { type: 'octet-string', value: found.octets };
    this.#certificates = this.#certificates.filter((each) => each !== found);
    this.#disbelieve(found);
    return DONE;
  }

  /** A client is not believed by the key of a certificate that is gone. */
  #disbelieve({ use, publicKey }: Certificate): void {
    if (use !== 'signature' && use !== 'agreement') return;
    const peer = this.#peers[use];
    if (peer === undefined || !sameOctets(peer, publicKey)) return;
    const { [use]: _gone, ...others } = this.#peers;
    this.#peers = others;
    this.#securities.clear();
  }

  #isChosen(certificate: Certificate, choice: CertificateChoice): boolean {
    if (choice.by === 'serial')
      return sameOctets(certificate.serial, choice.serial) && sameOctets(certificate.issuer, choice.issuer);
    const { title, use } = certificate;
    const titled = title !== null && sameOctets(title, choice.title);
    return titled && use === choice.use && this.#entityOf(certificate) === choice.entity;
  }

  #listed(certificate: Certificate): Data {
    const octets = (value: Uint8Array): Data => ({ type: 'octet-string', value });
    return {
      type: 'structure',
      value: [
        { type: 'enum', value: CERTIFICATE_ENTITIES[this.#entityOf(certificate)] },
        { type: 'enum', value: CERTIFICATE_USES[certificate.use] },
        octets(certificate.serial),
        octets(certificate.issuer),
        octets(certificate.subject),
        octets(new Uint8Array(0)),
      ],
    };
  }
}

function sameKey(a: SecretKey | undefined, b: SecretKey | undefined): boolean {
  return a === b || (a !== undefined && b !== undefined && sameSecret(octetsOfKey(a), octetsOfKey(b)));
}

function pairUse(parameters: Data | null): PairUse | null {
  const use: CertificateUse | null =
    parameters?.type === 'enum' ? nameOfNumber(CERTIFICATE_USES, parameters.value) : null;
  return use === 'signature' || use === 'agreement' ? use : null;
}
