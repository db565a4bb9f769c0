/**
 * Ciphered APDUs as they stand on the wire, not opened: service-specific glo- and ded-, general-glo, general-ded,
 * general-ciphering and general-signing. Opening them needs keys and belongs to `security`.
 */

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
