/**
 * Ciphered APDUs as they stand on the wire, not opened: service-specific glo- and ded-, general-glo, general-ded,
 * general-ciphering and general-signing. Opening them needs keys and belongs to `security`.
 */

import { ByteReader, ByteWriter } from '../../base/bytes.ts';
import { readOctets, writeOctets } from '../axdr/length.ts';
import { APDU_ENCODED_MAX } from '../limits.ts';
import type { ApduForm } from './form.ts';
import { badChoice, form, readPresent, within } from './form.ts';

/** Security header and what it protects. */
export interface CipheredText {
  /** Bits 0-3 suite, 4 authenticated, 5 encrypted, 6 broadcast key, 7 compressed. */
  readonly securityControl: number;
  readonly invocationCounter: number;
  /** Ciphertext, or plaintext when not encrypted; without the tag. */
  readonly payload: Uint8Array;
  /** 12 octets when authenticated, otherwise none. */
  readonly authenticationTag: Uint8Array;
}

/** A service with its own ciphered tag: `glo-get-request`, `ded-action-response` and so on. */
export interface ServiceCiphered extends CipheredText {
  readonly apdu: ServiceCipheredName;
}
/** Any APDU under the global or the dedicated key, with the sender's title. */
export interface GeneralCiphered extends CipheredText {
  readonly apdu: 'general-glo-ciphering' | 'general-ded-ciphering';
  /** 8 octets, or none when the association knows it. */
  readonly systemTitle: Uint8Array;
}
/** Header of general-ciphering and general-signing. */
export interface GeneralHeader {
  readonly transactionId: Uint8Array;
  readonly originatorSystemTitle: Uint8Array;
  readonly recipientSystemTitle: Uint8Array;
  readonly dateTime: Uint8Array;
  readonly otherInformation: Uint8Array;
}
/** How the key of a general-ciphering APDU is told. */
export type KeyInfo =
  | { readonly kind: 'identified'; readonly keyId: number }
  | { readonly kind: 'wrapped'; readonly kekId: number; readonly wrappedKey: Uint8Array }
  | { readonly kind: 'agreed'; readonly keyParameters: Uint8Array; readonly keyCipheredData: Uint8Array };
/** Any APDU under any key. */
export interface GeneralCiphering extends GeneralHeader, CipheredText {
  readonly apdu: 'general-ciphering';
  readonly keyInfo: KeyInfo | null;
}
/** Any APDU, signed. */
export interface GeneralSigning extends GeneralHeader {
  readonly apdu: 'general-signing';
  readonly content: Uint8Array;
  readonly signature: Uint8Array;
}
/** Every ciphered or signed APDU. */
export type CipheredApdu = ServiceCiphered | GeneralCiphered | GeneralCiphering | GeneralSigning;

/** Tags of service-specific ciphering (Green Book, ASN.1 module). */
export const SERVICE_CIPHERED_TAGS = {
  'glo-initiate-request': 0x21,
  'glo-read-request': 0x25,
  'glo-write-request': 0x26,
  'glo-initiate-response': 0x28,
  'glo-read-response': 0x2c,
  'glo-write-response': 0x2d,
  'glo-confirmed-service-error': 0x2e,
  'glo-unconfirmed-write-request': 0x36,
  'glo-information-report-request': 0x38,
  'ded-initiate-request': 0x41,
  'ded-read-request': 0x45,
  'ded-write-request': 0x46,
  'ded-initiate-response': 0x48,
  'ded-read-response': 0x4c,
  'ded-write-response': 0x4d,
  'ded-confirmed-service-error': 0x4e,
  'ded-unconfirmed-write-request': 0x56,
  'ded-information-report-request': 0x58,
  'glo-get-request': 0xc8,
  'glo-set-request': 0xc9,
  'glo-event-notification-request': 0xca,
  'glo-action-request': 0xcb,
  'glo-get-response': 0xcc,
  'glo-set-response': 0xcd,
  'glo-action-response': 0xcf,
  'ded-get-request': 0xd0,
  'ded-set-request': 0xd1,
  'ded-event-notification-request': 0xd2,
  'ded-action-request': 0xd3,
  'ded-get-response': 0xd4,
  'ded-set-response': 0xd5,
  'ded-action-response': 0xd7,
} as const;

/** Name of a service-specific ciphered APDU. */
export type ServiceCipheredName = keyof typeof SERVICE_CIPHERED_TAGS;

/** Bits of the security control octet. */
export const SECURITY_CONTROL = {
  suite: 0x0f,
  authenticated: 0x10,
  encrypted: 0x20,
  broadcastKey: 0x40,
  compressed: 0x80,
} as const;

const TAG_OCTETS = 12;

/** The forms of ciphered and signed APDUs. */
export const CIPHERED_FORMS: readonly ApduForm[] = [
  ...Object.entries(SERVICE_CIPHERED_TAGS).map(([name, tag]) =>
    form<ServiceCiphered>(tag, null, name as ServiceCipheredName, readCiphered, writeCiphered),
  ),
  form<GeneralCiphered>(0xdb, null, 'general-glo-ciphering', readGeneralCiphered, writeGeneralCiphered),
  form<GeneralCiphered>(0xdc, null, 'general-ded-ciphering', readGeneralCiphered, writeGeneralCiphered),
  form<GeneralCiphering>(
    0xdd,
    null,
    'general-ciphering',
    (reader) => ({ ...readHeader(reader), keyInfo: readKeyInfo(reader), ...readCiphered(reader) }),
    (writer, apdu) => {
      writeHeader(writer, apdu);
      writeKeyInfo(writer, apdu.keyInfo);
      writeCiphered(writer, apdu);
    },
  ),
  form<GeneralSigning>(
    0xdf,
    null,
    'general-signing',
    (reader) => ({ ...readHeader(reader), content: readOctets(reader), signature: readOctets(reader) }),
    (writer, apdu) => {
      writeHeader(writer, apdu);
      writeOctets(writer, apdu.content);
      writeOctets(writer, apdu.signature);
    },
  ),
];

function readCiphered(outer: ByteReader): CipheredText {
  const reader = new ByteReader(readOctets(outer));
  const securityControl = reader.u8();
  const invocationCounter = reader.u32();
  const authenticated = (securityControl & SECURITY_CONTROL.authenticated) !== 0;
  const payload = reader.slice(authenticated ? Math.max(0, reader.remaining - TAG_OCTETS) : reader.remaining);
  return { securityControl, invocationCounter, payload, authenticationTag: reader.rest() };
}

function writeCiphered(writer: ByteWriter, apdu: CipheredText): void {
  const body = new ByteWriter(apdu.payload.length + 17, APDU_ENCODED_MAX);
  body.u8(within(apdu.securityControl, 0, 0xff, 'securityControl'));
  body.u32(within(apdu.invocationCounter, 0, 0xff_ff_ff_ff, 'invocationCounter'));
  body.bytes(apdu.payload).bytes(apdu.authenticationTag);
  writeOctets(writer, body.written());
}

function readGeneralCiphered(reader: ByteReader): Omit<GeneralCiphered, 'apdu'> {
  return { systemTitle: readOctets(reader), ...readCiphered(reader) };
}

function writeGeneralCiphered(writer: ByteWriter, apdu: GeneralCiphered): void {
  writeOctets(writer, apdu.systemTitle);
  writeCiphered(writer, apdu);
}

function readHeader(reader: ByteReader): GeneralHeader {
  return {
    transactionId: readOctets(reader),
    originatorSystemTitle: readOctets(reader),
    recipientSystemTitle: readOctets(reader),
    dateTime: readOctets(reader),
    otherInformation: readOctets(reader),
  };
}

function writeHeader(writer: ByteWriter, header: GeneralHeader): void {
  writeOctets(writer, header.transactionId);
  writeOctets(writer, header.originatorSystemTitle);
  writeOctets(writer, header.recipientSystemTitle);
  writeOctets(writer, header.dateTime);
  writeOctets(writer, header.otherInformation);
}

function readKeyInfo(reader: ByteReader): KeyInfo | null {
  if (!readPresent(reader, 'key information')) return null;
  const choice = reader.u8();
  if (choice === 0) return { kind: 'identified', keyId: reader.u8() };
  if (choice === 1) return { kind: 'wrapped', kekId: reader.u8(), wrappedKey: readOctets(reader) };
  if (choice === 2) return { kind: 'agreed', keyParameters: readOctets(reader), keyCipheredData: readOctets(reader) };
  throw badChoice(reader, 'key information', choice);
}

function writeKeyInfo(writer: ByteWriter, keyInfo: KeyInfo | null): void {
  if (keyInfo === null) {
    writer.u8(0);
    return;
  }
  writer.u8(1);
  if (keyInfo.kind === 'identified') writer.u8(0).u8(within(keyInfo.keyId, 0, 0xff, 'keyId'));
  else if (keyInfo.kind === 'wrapped') {
    writer.u8(1).u8(within(keyInfo.kekId, 0, 0xff, 'kekId'));
    writeOctets(writer, keyInfo.wrappedKey);
  } else {
    writer.u8(2);
    writeOctets(writer, keyInfo.keyParameters);
    writeOctets(writer, keyInfo.keyCipheredData);
  }
}
