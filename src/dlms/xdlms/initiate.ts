/** xDLMS initiate, which travels inside AARQ and AARE, and the error that can take its place (tags 01, 08, 0E). */

/** What the client proposes. */
export interface InitiateRequest {
  readonly apdu: 'initiate-request';
  readonly dedicatedKey: Uint8Array | null;
  readonly responseAllowed: boolean;
  readonly proposedQos: number | null;
  /** 6 today. */
  readonly proposedDlmsVersion: number;
  /** 24 bits, bit 0 of the standard = most significant; masks in {@link CONFORMANCE}. */
  readonly conformance: number;
  /** Octets of the longest APDU that the client takes; 0 = no limit. */
  readonly clientMaxReceivePduSize: number;
}
/** What the server agrees to. */
export interface InitiateResponse {
  readonly apdu: 'initiate-response';
  readonly negotiatedQos: number | null;
  readonly negotiatedDlmsVersion: number;
  readonly conformance: number;
  readonly serverMaxReceivePduSize: number;
  /** 0007 for logical names, FA00 for short names. */
  readonly vaaName: number;
}
/** Why a service failed before it began; names in `confirmedServiceErrorText`. */
export interface ConfirmedServiceError {
  readonly apdu: 'confirmed-service-error';
  /** 1 initiate, 5 read, 6 write. */
  readonly service: number;
  readonly errorChoice: number;
  readonly errorValue: number;
}
/** Initiate, both ways, and its error. */
export type InitiateApdu = InitiateRequest | InitiateResponse | ConfirmedServiceError;

/** Masks of the conformance block (Green Book 9.4.6.1). */
export const CONFORMANCE = {
  'general-protection': 0x40_00_00,
  'general-block-transfer': 0x20_00_00,
  read: 0x10_00_00,
  write: 0x08_00_00,
  'unconfirmed-write': 0x04_00_00,
  'delta-value-encoding': 0x02_00_00,
  'attribute0-supported-with-set': 0x00_80_00,
  'priority-mgmt-supported': 0x00_40_00,
  'attribute0-supported-with-get': 0x00_20_00,
  'block-transfer-with-get-or-read': 0x00_10_00,
  'block-transfer-with-set-or-write': 0x00_08_00,
  'block-transfer-with-action': 0x00_04_00,
  'multiple-references': 0x00_02_00,
  'information-report': 0x00_01_00,
  'data-notification': 0x00_00_80,
  access: 0x00_00_40,
  'parameterized-access': 0x00_00_20,
  get: 0x00_00_10,
  set: 0x00_00_08,
  'selective-access': 0x00_00_04,
  'event-notification': 0x00_00_02,
  action: 0x00_00_01,
} as const;

/** Name of a conformance bit. */
export type ConformanceName = keyof typeof CONFORMANCE;
