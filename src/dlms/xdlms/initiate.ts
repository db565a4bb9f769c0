/** xDLMS initiate, which travels inside AARQ and AARE, and the error that can take its place (tags 01, 08, 0E). */

import type { ByteReader, ByteWriter } from '../../base/bytes.ts';
import { readOctets, writeOctets } from '../axdr/length.ts';
import { dlmsError } from '../errors.ts';
import type { ApduForm } from './form.ts';
import { form, readPresent, within } from './form.ts';

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

/** Names of the bits that are set, in the order of the standard; bits without a name are left out. */
export function conformanceNames(conformance: number): ConformanceName[] {
  const names = Object.keys(CONFORMANCE) as ConformanceName[];
  return names.filter((name) => (conformance & CONFORMANCE[name]) !== 0);
}

/** The block that has exactly these bits set. */
export function conformanceOf(names: readonly ConformanceName[]): number {
  return names.reduce((bits, name) => bits | CONFORMANCE[name], 0);
}

/** The forms of initiate and its error. */
export const INITIATE_FORMS: readonly ApduForm[] = [
  form<InitiateRequest>(
    0x01,
    null,
    'initiate-request',
    (reader) => ({
      dedicatedKey: readPresent(reader, 'dedicated key') ? readOctets(reader) : null,
      responseAllowed: readPresent(reader, 'response-allowed') ? reader.u8() !== 0 : true,
      proposedQos: readPresent(reader, 'quality of service') ? reader.i8() : null,
      proposedDlmsVersion: reader.u8(),
      conformance: readConformance(reader),
      clientMaxReceivePduSize: reader.u16(),
    }),
    writeInitiateRequest,
  ),
  form<InitiateResponse>(
    0x08,
    null,
    'initiate-response',
    (reader) => ({
      negotiatedQos: readPresent(reader, 'quality of service') ? reader.i8() : null,
      negotiatedDlmsVersion: reader.u8(),
      conformance: readConformance(reader),
      serverMaxReceivePduSize: reader.u16(),
      vaaName: reader.u16(),
    }),
    (writer, apdu) => {
      writeQos(writer, apdu.negotiatedQos);
      writer.u8(within(apdu.negotiatedDlmsVersion, 0, 0xff, 'negotiatedDlmsVersion'));
      writeConformance(writer, apdu.conformance);
      writer.u16(within(apdu.serverMaxReceivePduSize, 0, 0xff_ff, 'serverMaxReceivePduSize'));
      writer.u16(within(apdu.vaaName, 0, 0xff_ff, 'vaaName'));
    },
  ),
  form<ConfirmedServiceError>(
    0x0e,
    null,
    'confirmed-service-error',
    (reader) => ({ service: reader.u8(), errorChoice: reader.u8(), errorValue: reader.u8() }),
    (writer, apdu) => {
      writer.u8(within(apdu.service, 0, 0xff, 'service'));
      writer.u8(within(apdu.errorChoice, 0, 0xff, 'errorChoice'));
      writer.u8(within(apdu.errorValue, 0, 0xff, 'errorValue'));
    },
  ),
];

function writeInitiateRequest(writer: ByteWriter, apdu: InitiateRequest): void {
  writer.u8(apdu.dedicatedKey === null ? 0 : 1);
  if (apdu.dedicatedKey !== null) writeOctets(writer, apdu.dedicatedKey);
  if (apdu.responseAllowed) writer.u8(0);
  else writer.u8(1).u8(0);
  writeQos(writer, apdu.proposedQos);
  writer.u8(within(apdu.proposedDlmsVersion, 0, 0xff, 'proposedDlmsVersion'));
  writeConformance(writer, apdu.conformance);
  writer.u16(within(apdu.clientMaxReceivePduSize, 0, 0xff_ff, 'clientMaxReceivePduSize'));
}

function writeQos(writer: ByteWriter, qos: number | null): void {
  if (qos === null) writer.u8(0);
  else writer.u8(1).i8(within(qos, -0x80, 0x7f, 'quality of service'));
}

// [APPLICATION 31] BIT STRING of 24 bits in BER: 5F 1F 04 00 and three octets. Some stacks leave the 1F out.
function readConformance(reader: ByteReader): number {
  const at = reader.offset;
  const application = reader.u8();
  if (reader.peek() === 0x1f) reader.skip(1);
  const length = reader.u8();
  const unusedBits = reader.u8();
  if (application !== 0x5f || length !== 4 || unusedBits !== 0)
    throw dlmsError('DLMS_BER', `offset ${at}: conformance block`);
  return reader.u24();
}

function writeConformance(writer: ByteWriter, conformance: number): void {
  writer.u32(0x5f_1f_04_00).u24(within(conformance, 0, 0xff_ff_ff, 'conformance'));
}
