/**
 * Ciphered APDUs made and opened: glo- and ded- services, general-glo, general-ded and general-ciphering (Green Book,
 * xDLMS APDUs with security). Stateless: counters and policy belong to the association, in `secure-channel.ts`.
 */
import { ByteWriter } from '../../base/bytes.ts';
import { writeOctets } from '../axdr/length.ts';
import type { Apdu } from '../xdlms/apdu.ts';
import {
  type CipheredApdu,
  type GeneralCiphered,
  type GeneralCiphering,
  type GeneralHeader,
  type GeneralSigning,
  type KeyInfo,
  SECURITY_CONTROL,
  SERVICE_CIPHERED_TAGS,
  type ServiceCiphered,
  type ServiceCipheredName,
} from '../xdlms/ciphered.ts';
import type { KeyPair } from './elliptic.ts';
import { securityError } from './errors.ts';
import { isAuthenticated, type Opened, protect, unprotect } from './gcm.ts';
import { type AgreementKeys, acceptAgreement, offerAgreement } from './key-agreement.ts';
import { unwrapKey, wrapKey } from './key-wrap.ts';
import type { SecretKey } from './secret-key.ts';
import { type SuiteId, suiteOf } from './suite.ts';

/** What general-ciphering authenticates: with its header fields, or without, as some implementations do. */
export type GeneralCipheringAad = 'header' | 'short';

/** Keys shared with one peer. */
export interface CipherKeys {
  /** Global unicast encryption key. */
  readonly encryption: SecretKey;
  /** Authentication key; null when the operator was not given it. */
  readonly authentication: SecretKey | null;
  /** Global broadcast encryption key. */
  readonly broadcast?: SecretKey;
  /** Dedicated key of the association. */
  readonly dedicated?: SecretKey;
  /** Key encryption key, for wrapped keys. */
  readonly master?: SecretKey;
  /** For agreed keys; its signing keys may stand in `signing`. */
  readonly agreement?: AgreementKeys;
  /** For general-signing. */
  readonly signing?: SigningKeys;
}

/** Keys of signatures between two parties. */
export interface SigningKeys {
  readonly own: KeyPair;
  /** The peer's signing key, X | Y. */
  readonly peerPublicKey: Uint8Array;
}

/** How a message is to be protected. */
export interface Protection {
  readonly authenticated: boolean;
  readonly encrypted: boolean;
  /** Signed too, around what the other two make of it; suites 1 and 2. */
  readonly signed?: boolean;
}

/** Which keys protect it and under which number. */
export interface SealOptions extends Protection {
  readonly suite: SuiteId;
  /** System title of the sender. */
  readonly title: Uint8Array;
  readonly keys: CipherKeys;
  readonly invocationCounter: number;
  readonly keySet: 'unicast' | 'broadcast' | 'dedicated';
}

/** What opening needs besides the keys. */
export interface OpenOptions {
  /** Title of the sender as the association knows it; an APDU that carries one must carry this one. Null = take its own. */
  readonly senderTitle: Uint8Array | null;
  /** Opens a message with a tag although the authentication key is not known; the result is not `verified`. */
  readonly allowUnverified?: boolean;
  readonly generalCipheringAad?: GeneralCipheringAad;
}

/** The first octet of a plain APDU to the names of its ciphered forms; short-name services included. */
const SERVICE_NAMES: ReadonlyMap<number, Readonly<Record<'glo' | 'ded', ServiceCipheredName>>> = new Map(
  [0x01, 0x05, 0x06, 0x08, 0x0c, 0x0d, 0x0e, 0x16, 0x18, 0xc0, 0xc1, 0xc2, 0xc3, 0xc4, 0xc5, 0xc7].map((plain) => {
    const [glo, ded] = plain < 0x80 ? [plain + 0x20, plain + 0x40] : [plain + 0x08, plain + 0x10];
    return [plain, { glo: nameOfTag(glo), ded: nameOfTag(ded) }];
  }),
);

function nameOfTag(tag: number): ServiceCipheredName {
  const names = Object.entries(SERVICE_CIPHERED_TAGS);
  const found = names.find(([, each]) => each === tag);
  if (found === undefined) throw securityError('SECURITY_SERVICE', `tag ${tag}`);
  return found[0] as ServiceCipheredName;
}

/** The control octet of a protection. */
export function securityControlOf(suite: SuiteId, protection: Protection, broadcast = false): number {
  const { authenticated, encrypted } = protection;
  return (
    suite |
    (authenticated ? SECURITY_CONTROL.authenticated : 0) |
    (encrypted ? SECURITY_CONTROL.encrypted : 0) |
    (broadcast ? SECURITY_CONTROL.broadcastKey : 0)
  );
}

/** Whether an APDU is ciphered or signed. */
export function isCipheredApdu(apdu: Apdu): apdu is CipheredApdu {
  return /^(glo|ded|general)-/.test(apdu.apdu) && apdu.apdu !== 'general-block-transfer';
}

/** Whether the service of a plain APDU has a ciphered form of its own; others go as general-glo. */
export function hasServiceCiphering(plaintext: Uint8Array): boolean {
  return SERVICE_NAMES.has(plaintext.at(0) ?? -1);
}

/** A glo- or ded- APDU around a plain one; throws SECURITY_SERVICE when the service has no such form. */
export function sealService(plaintext: Uint8Array, options: SealOptions): ServiceCiphered {
  const names = SERVICE_NAMES.get(plaintext.at(0) ?? -1);
  if (names === undefined) throw securityError('SECURITY_SERVICE', `no ciphered form of tag ${plaintext.at(0)}`);
  return { apdu: names[options.keySet === 'dedicated' ? 'ded' : 'glo'], ...seal(plaintext, options) };
}

/** A general-glo or general-ded APDU around any other; `systemTitle` empty when the association knows it. */
export function sealGeneral(
  plaintext: Uint8Array,
  options: SealOptions,
  systemTitle: Uint8Array = options.title,
): GeneralCiphered {
  const apdu = options.keySet === 'dedicated' ? 'general-ded-ciphering' : 'general-glo-ciphering';
  return { apdu, systemTitle, ...seal(plaintext, options) };
}

function seal(plaintext: Uint8Array, options: SealOptions): ReturnType<typeof protect> {
  const { suite, title, keys, invocationCounter, keySet } = options;
  return protect(plaintext, {
    securityControl: securityControlOf(suite, options, keySet === 'broadcast'),
    invocationCounter,
    title,
    encryptionKey: keyOfSet(keys, keySet),
    authenticationKey: keys.authentication,
  });
}

function keyOfSet(keys: CipherKeys, keySet: SealOptions['keySet']): SecretKey {
  const key = { unicast: keys.encryption, broadcast: keys.broadcast, dedicated: keys.dedicated }[keySet];
  if (key === undefined) throw securityError('SECURITY_KEY_MISSING', `${keySet} encryption key`);
  return key;
}

/** How the key of a general-ciphering APDU is told to the recipient. */
export type KeyChoice =
  | { readonly kind: 'identified'; readonly keySet: 'unicast' | 'broadcast' }
  /** A new key for this message, wrapped under the key encryption key. */
  | { readonly kind: 'wrapped'; readonly key: SecretKey }
  /** Agreed: with a new pair of the originator, or static when `ephemeral` is null. */
  | { readonly kind: 'agreed'; readonly ephemeral: KeyPair | null };

/** How a general-ciphering APDU is to be made. */
export interface GeneralCipheringOptions extends Protection {
  readonly suite: SuiteId;
  readonly header: GeneralHeader;
  readonly keys: CipherKeys;
  readonly key: KeyChoice;
  readonly invocationCounter: number;
  readonly generalCipheringAad?: GeneralCipheringAad;
}

const KEY_IDS = { unicast: 0, broadcast: 1 } as const;
const MASTER_KEY_ID = 0;

/** A general-ciphering APDU around any other. */
export function sealGeneralCiphering(plaintext: Uint8Array, options: GeneralCipheringOptions): GeneralCiphering {
  const { suite, header, keys, invocationCounter } = options;
  const { key, keyInfo } = offeredKey(options);
  const broadcast = options.key.kind === 'identified' && options.key.keySet === 'broadcast';
  const text = protect(plaintext, {
    securityControl: securityControlOf(suite, options, broadcast),
    invocationCounter,
    title: header.originatorSystemTitle,
    encryptionKey: key,
    authenticationKey: keys.authentication,
    header: authenticatedHeader(header, options.generalCipheringAad ?? 'header'),
  });
  return { apdu: 'general-ciphering', ...header, keyInfo, ...text };
}

function offeredKey({ suite, header, keys, key }: GeneralCipheringOptions): { key: SecretKey; keyInfo: KeyInfo } {
  if (key.kind === 'identified')
    return { key: keyOfSet(keys, key.keySet), keyInfo: { kind: 'identified', keyId: KEY_IDS[key.keySet] } };
  if (key.kind === 'wrapped') {
    const wrappedKey = wrapKey(key.key, masterOf(keys), suite);
    return { key: key.key, keyInfo: { kind: 'wrapped', kekId: MASTER_KEY_ID, wrappedKey } };
  }
  const offer = offerAgreement(suite, agreementOf(keys), agreementContext(header), key.ephemeral);
  const { keyParameters, keyCipheredData } = offer;
  return { key: offer.key, keyInfo: { kind: 'agreed', keyParameters, keyCipheredData } };
}

function masterOf({ master }: CipherKeys): SecretKey {
  if (master === undefined) throw securityError('SECURITY_KEY_MISSING', 'key encryption key');
  return master;
}

function agreementOf({ agreement, signing }: CipherKeys): AgreementKeys {
  if (agreement === undefined) throw securityError('SECURITY_KEY_MISSING', 'key agreement keys');
  return signing === undefined
    ? agreement
    : { signing: signing.own, peerSigningKey: signing.peerPublicKey, ...agreement };
}

function agreementContext(header: GeneralHeader) {
  const { originatorSystemTitle, recipientSystemTitle, transactionId } = header;
  return { originatorTitle: originatorSystemTitle, recipientTitle: recipientSystemTitle, transactionId };
}

/** Transaction id to other information, each with its length; nothing in the short form. */
function authenticatedHeader(header: GeneralHeader, aad: GeneralCipheringAad): Uint8Array {
  return aad === 'short' ? new Uint8Array(0) : generalHeaderOctets(header);
}

/** The header fields of general-ciphering and general-signing as they stand on the wire. */
export function generalHeaderOctets(header: GeneralHeader): Uint8Array {
  const writer = new ByteWriter(64);
  writeOctets(writer, header.transactionId);
  writeOctets(writer, header.originatorSystemTitle);
  writeOctets(writer, header.recipientSystemTitle);
  writeOctets(writer, header.dateTime);
  writeOctets(writer, header.otherInformation);
  return writer.finish();
}

/** Opens any ciphered APDU. Throws SECURITY_* with the reason; never gives octets whose tag was checked and wrong. */
export function openCiphered(
  apdu: Exclude<CipheredApdu, GeneralSigning>,
  keys: CipherKeys,
  options: OpenOptions,
): Opened {
  const suite = suiteOf(apdu.securityControl);
  if (isAuthenticated(apdu.securityControl) && keys.authentication === null && options.allowUnverified !== true)
    throw securityError('SECURITY_KEY_MISSING', 'authentication key');
  const authenticationKey = keys.authentication;
  const title = senderTitleOf(apdu, options.senderTitle);
  if (apdu.apdu !== 'general-ciphering') {
    const opened = unprotect(apdu, { title, encryptionKey: keyOfSet(keys, keySetOf(apdu)), authenticationKey });
    checkService(apdu, opened.plaintext);
    return opened;
  }
  const header = authenticatedHeader(apdu, options.generalCipheringAad ?? 'header');
  return unprotect(apdu, { title, encryptionKey: toldKey(apdu, keys, suite.id), authenticationKey, header });
}

function senderTitleOf(apdu: Exclude<CipheredApdu, GeneralSigning>, expected: Uint8Array | null): Uint8Array {
  const told = toldTitle(apdu);
  if (told === null || told.length === 0) {
    if (expected === null) throw securityError('SECURITY_TITLE', 'the message carries none');
    return expected;
  }
  if (expected !== null && !(told.length === expected.length && told.every((octet, at) => octet === expected.at(at))))
    throw securityError('SECURITY_TITLE', 'the message carries another one than expected');
  return told;
}

function toldTitle(apdu: Exclude<CipheredApdu, GeneralSigning>): Uint8Array | null {
  if (apdu.apdu === 'general-ciphering') return apdu.originatorSystemTitle;
  return apdu.apdu === 'general-glo-ciphering' || apdu.apdu === 'general-ded-ciphering' ? apdu.systemTitle : null;
}

/** Whether a message is under the global broadcast key. */
export function isUnderBroadcastKey(apdu: Exclude<CipheredApdu, GeneralSigning>): boolean {
  if ((apdu.securityControl & SECURITY_CONTROL.broadcastKey) !== 0) return true;
  return (
    apdu.apdu === 'general-ciphering' && apdu.keyInfo?.kind === 'identified' && apdu.keyInfo.keyId === KEY_IDS.broadcast
  );
}

function keySetOf(apdu: ServiceCiphered | GeneralCiphered): SealOptions['keySet'] {
  if (/^(ded|general-ded)-/.test(apdu.apdu)) return 'dedicated';
  return (apdu.securityControl & SECURITY_CONTROL.broadcastKey) === 0 ? 'unicast' : 'broadcast';
}

/** The key that a general-ciphering APDU tells; without key information it is the global unicast one. */
function toldKey(apdu: GeneralCiphering, keys: CipherKeys, suite: SuiteId): SecretKey {
  const { keyInfo } = apdu;
  if (keyInfo === null) return keys.encryption;
  if (keyInfo.kind === 'identified') {
    if (keyInfo.keyId > KEY_IDS.broadcast) throw securityError('SECURITY_KEY_MISSING', `key ${keyInfo.keyId}`);
    return keyOfSet(keys, keyInfo.keyId === KEY_IDS.broadcast ? 'broadcast' : 'unicast');
  }
  if (keyInfo.kind === 'wrapped') return unwrapKey(keyInfo.wrappedKey, masterOf(keys), suite);
  return acceptAgreement(suite, agreementOf(keys), agreementContext(apdu), keyInfo);
}

function checkService({ apdu }: ServiceCiphered | GeneralCiphered, plaintext: Uint8Array): void {
  if (apdu === 'general-glo-ciphering' || apdu === 'general-ded-ciphering') return;
  const names = SERVICE_NAMES.get(plaintext.at(0) ?? -1);
  if (names?.glo !== apdu && names?.ded !== apdu)
    throw securityError('SECURITY_SERVICE', `${apdu} around tag ${plaintext.at(0)?.toString(16)} hex`);
}
