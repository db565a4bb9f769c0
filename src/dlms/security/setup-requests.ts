/**
 * What a client asks of a Security setup object (class 64, versions 0 and 1; Blue Book, Security setup): the parameters of
 * each method, and what its answer means. Pure: a caller sends the call as ACTION and hands the answer back.
 */
import { sameOctets } from '../../base/bytes.ts';
import type { Data } from '../axdr/data.ts';
import { type ObisCode, obisOf } from '../cosem/obis.ts';
import { ACTION_RESULTS, DATA_ACCESS_RESULTS, nameOf } from '../xdlms/results.ts';
import type { ActionResult, MethodDescriptor } from '../xdlms/service.ts';
import { CERTIFICATE_USES, type CertificateUse, parseCertificate, parseCertificateRequest } from './certificate.ts';
import { type KeyPair, sharedSecret } from './elliptic.ts';
import { securityError } from './errors.ts';
import { allowAgreement, checkedEphemeralKey, deriveKey, signedEphemeralKey } from './key-agreement.ts';
import { wrapKey } from './key-wrap.ts';
import type { SecretKey } from './secret-key.ts';
import { curveOf, type SuiteId } from './suite.ts';

/** Interface class of Security setup. */
export const SECURITY_SETUP_CLASS = 64;
/** The Security setup that meters have at least. */
export const SECURITY_SETUP: ObisCode = obisOf(0, 0, 43, 0, 0);
/** Invocation counter of the unicast key as the public client reads it (class 1, attribute 2). */
export const INVOCATION_COUNTER: ObisCode = obisOf(0, 0, 43, 1, 0);

/** Methods by number. */
export const SETUP_METHODS = {
  activate: 1,
  keyTransfer: 2,
  keyAgreement: 3,
  generateKeyPair: 4,
  generateCertificateRequest: 5,
  importCertificate: 6,
  exportCertificate: 7,
  removeCertificate: 8,
} as const;

/** Global keys by their numbers in key_transfer and key_agreement. Version 0 of the class does not know `master`. */
export const GLOBAL_KEY_IDS = { encryption: 0, broadcast: 1, authentication: 2, master: 3 } as const;

/** Name of a global key. */
export type GlobalKeyName = keyof typeof GLOBAL_KEY_IDS;

/** Whose certificate, by number. */
export const CERTIFICATE_ENTITIES = { server: 0, client: 1, authority: 2, other: 3 } as const;

/** Whose certificate. */
export type CertificateEntity = keyof typeof CERTIFICATE_ENTITIES;

/** Which certificate is meant: whose it is and what for, or its number and issuer. */
export type CertificateChoice =
  | {
      readonly by: 'entity';
      readonly entity: CertificateEntity;
      readonly use: CertificateUse;
      readonly title: Uint8Array;
    }
  | { readonly by: 'serial'; readonly serial: Uint8Array; readonly issuer: Uint8Array };

/** A method of Security setup with its parameters. */
export interface SetupCall {
  readonly method: MethodDescriptor;
  readonly parameters: Data;
}

const octets = (value: Uint8Array): Data => ({ type: 'octet-string', value });
const enumOf = (value: number): Data => ({ type: 'enum', value });
const structure = (...value: Data[]): Data => ({ type: 'structure', value });

/** The calls of one Security setup object. */
export class SetupCalls {
  readonly #instanceId: ObisCode;

  constructor(instanceId: ObisCode = SECURITY_SETUP) {
    this.#instanceId = instanceId;
  }

  #call(method: keyof typeof SETUP_METHODS, parameters: Data): SetupCall {
    const methodId = SETUP_METHODS[method];
    return { method: { classId: SECURITY_SETUP_CLASS, instanceId: this.#instanceId, methodId }, parameters };
  }

  /** Raises the policy: 0 to 3 in version 0, a set of bits in version 1. */
  activate(policy: number): SetupCall {
    return this.#call('activate', enumOf(policy));
  }

  /** New global keys, each wrapped under the master key in force. Throws SECURITY_KEY_LENGTH. */
  transfer(keys: Readonly<Partial<Record<GlobalKeyName, SecretKey>>>, master: SecretKey, suite: SuiteId): SetupCall {
    const items = namesOf(keys).flatMap((name) => {
      const key = keys[name];
      return key === undefined ? [] : [structure(enumOf(GLOBAL_KEY_IDS[name]), octets(wrapKey(key, master, suite)))];
    });
    return this.#call('keyTransfer', { type: 'array', value: items });
  }

  /** Our half of an agreement on global keys; {@link agreedKeys} takes the answer. Suites 1 and 2. */
  agreement(ephemeral: Readonly<Partial<Record<GlobalKeyName, KeyPair>>>, signer: KeyPair): SetupCall {
    const items = namesOf(ephemeral).flatMap((name) => {
      const pair = ephemeral[name];
      if (pair === undefined) return [];
      const keyId = GLOBAL_KEY_IDS[name];
      return [structure(enumOf(keyId), octets(signedEphemeralKey(keyId, pair.publicKey, signer)))];
    });
    return this.#call('keyAgreement', { type: 'array', value: items });
  }

  /** A new pair in the meter; it is used once its certificate was imported. */
  generateKeyPair(use: CertificateUse): SetupCall {
    return this.#call('generateKeyPair', enumOf(CERTIFICATE_USES[use]));
  }

  /** The request for a certificate of the new pair; {@link requestIn} reads the answer. */
  generateCertificateRequest(use: CertificateUse): SetupCall {
    return this.#call('generateCertificateRequest', enumOf(CERTIFICATE_USES[use]));
  }

  /** A certificate in DER. */
  importCertificate(certificate: Uint8Array): SetupCall {
    return this.#call('importCertificate', octets(certificate));
  }

  /** Asks for a certificate; {@link certificateIn} reads the answer. */
  exportCertificate(choice: CertificateChoice): SetupCall {
    return this.#call('exportCertificate', choiceData(choice));
  }

  /** Has a certificate forgotten. */
  removeCertificate(choice: CertificateChoice): SetupCall {
    return this.#call('removeCertificate', choiceData(choice));
  }
}

function namesOf(of: Readonly<Partial<Record<GlobalKeyName, unknown>>>): GlobalKeyName[] {
  return (['encryption', 'broadcast', 'authentication', 'master'] as const).filter((name) => of[name] !== undefined);
}

function choiceData(choice: CertificateChoice): Data {
  if (choice.by === 'serial') return structure(enumOf(1), structure(octets(choice.serial), octets(choice.issuer)));
  const { entity, use, title } = choice;
  return structure(
    enumOf(0),
    structure(enumOf(CERTIFICATE_ENTITIES[entity]), enumOf(CERTIFICATE_USES[use]), octets(title)),
  );
}

/** What a method gave back; throws SECURITY_SETUP_REFUSED when the meter did not do it. */
export function setupAnswer({ actionResult, returnParameters }: ActionResult): Data | null {
  if (actionResult !== 0) throw securityError('SECURITY_SETUP_REFUSED', nameOf(ACTION_RESULTS, actionResult));
  if (returnParameters === null) return null;
  if ('data' in returnParameters) return returnParameters.data;
  throw securityError('SECURITY_SETUP_REFUSED', nameOf(DATA_ACCESS_RESULTS, returnParameters.dataAccessResult));
}

/** Two parties and what they agree with. */
export interface SetupParties {
  readonly suite: SuiteId;
  readonly clientTitle: Uint8Array;
  readonly serverTitle: Uint8Array;
  /** The peer's signing key, X | Y. */
  readonly peerSigningKey: Uint8Array;
  readonly suite2Agreement?: boolean;
}

/**
 * The keys of an agreement (2e, 0s): our ephemeral pairs and the answer of the meter. Throws SECURITY_AGREEMENT when the
 * answer is not for the keys that were asked, SECURITY_SIGNATURE when it is not the meter's.
 */
export function agreedKeys(
  ephemeral: Readonly<Partial<Record<GlobalKeyName, KeyPair>>>,
  answer: Data | null,
  parties: SetupParties,
): Partial<Record<GlobalKeyName, SecretKey>> {
  const names = namesOf(ephemeral);
  const offers = keyItems(answer);
  if (offers === null || offers.length !== names.length)
    throw securityError('SECURITY_AGREEMENT', `${offers?.length ?? 'no'} keys for ${names.length}`);
  const agreed: Partial<Record<GlobalKeyName, SecretKey>> = {};
  for (const [at, name] of names.entries()) {
    const pair = ephemeral[name];
    const offer = offers.at(at);
    if (pair === undefined || offer?.keyId !== GLOBAL_KEY_IDS[name])
      throw securityError('SECURITY_AGREEMENT', `key ${offer?.keyId} in place of ${GLOBAL_KEY_IDS[name]}`);
    agreed[name] = agreedKey(name, pair, offer.keyData, parties);
  }
  return agreed;
}

/** One key of an agreement, from either side; the client is party U. */
export function agreedKey(
  name: GlobalKeyName,
  own: KeyPair,
  peerKeyData: Uint8Array,
  parties: SetupParties,
): SecretKey {
  const { suite, clientTitle, serverTitle, peerSigningKey } = parties;
  allowAgreement(suite, parties);
  const { name: curve } = curveOf(suite);
  const peer = checkedEphemeralKey(GLOBAL_KEY_IDS[name], peerKeyData, curve, peerSigningKey);
  // Our own key sent back would make the client agree with itself.
  if (sameOctets(peer, own.publicKey)) throw securityError('SECURITY_AGREEMENT', 'our own ephemeral key');
  const use = name === 'master' ? 'wrapping' : 'ciphering';
  return deriveKey(sharedSecret(own, peer), suite, use, { partyU: clientTitle, partyV: serverTitle });
}

/** One item of key_transfer or key_agreement. */
export interface KeyItem {
  readonly keyId: number;
  readonly keyData: Uint8Array;
}

/** The items of key_transfer or key_agreement; null when the data have another shape. */
export function keyItems(data: Data | null): KeyItem[] | null {
  if (data?.type !== 'array') return null;
  const items: KeyItem[] = [];
  for (const item of data.value) {
    const [id, value] = item.type === 'structure' ? item.value : [];
    if (id?.type !== 'enum' || value?.type !== 'octet-string') return null;
    items.push({ keyId: id.value, keyData: value.value });
  }
  return items;
}

/** The certificate that export_certificate gave; throws SECURITY_CERTIFICATE. */
export function certificateIn(answer: Data | null): ReturnType<typeof parseCertificate> {
  if (answer?.type !== 'octet-string') throw securityError('SECURITY_CERTIFICATE', 'the meter gave none');
  return parseCertificate(answer.value);
}

/** The request that generate_certificate_request gave; throws SECURITY_CERTIFICATE. */
export function requestIn(answer: Data | null): ReturnType<typeof parseCertificateRequest> {
  if (answer?.type !== 'octet-string') throw securityError('SECURITY_CERTIFICATE', 'the meter gave no request');
  return parseCertificateRequest(answer.value);
}

/** The choice of export_certificate or remove_certificate; null when the data have another shape. */
export function choiceIn(data: Data | null): CertificateChoice | null {
  const [kind, options] = data?.type === 'structure' ? data.value : [];
  if (kind?.type !== 'enum' || options?.type !== 'structure') return null;
  const [first, second, third] = options.value;
  if (kind.value === 1) {
    if (first?.type !== 'octet-string' || second?.type !== 'octet-string') return null;
    return { by: 'serial', serial: first.value, issuer: second.value };
  }
  const entity = first?.type === 'enum' ? nameOfNumber(CERTIFICATE_ENTITIES, first.value) : null;
  const use = second?.type === 'enum' ? nameOfNumber(CERTIFICATE_USES, second.value) : null;
  if (kind.value !== 0 || entity === null || use === null || third?.type !== 'octet-string') return null;
  return { by: 'entity', entity, use, title: third.value };
}

/** The name of a number in a table of names, or null. */
export function nameOfNumber<Name extends string>(table: Readonly<Record<Name, number>>, number: number): Name | null {
  const names = Object.keys(table) as Name[];
  return names.find((name) => table[name] === number) ?? null;
}
