/** AARQ, AARE, RLRQ and RLRE from octets and back. */

import type { ByteReader, ByteWriter } from '../../base/bytes.ts';
import { dlmsError } from '../errors.ts';
import type { ApduForm } from '../xdlms/form.ts';
import { form, within } from '../xdlms/form.ts';
import type { Aare, Aarq, AssociateDiagnostic, BerField, Release } from './acse.ts';
import { BerFields, element, innerField, innerOf, integerOf, plainField, writeFields } from './fields.ts';
import { arcOf, oidOf } from './names.ts';

const INTEGER = 0x02;
const OCTET_STRING = 0x04;
const OBJECT_IDENTIFIER = 0x06;
const GRAPHIC_STRING = 0x80;

const PROTOCOL_VERSION = 0x80;
const CONTEXT = 0xa1;
const RESULT = 0xa2;
const DIAGNOSTIC = 0xa3;
const USER_INFORMATION = 0xbe;
const RELEASE_REASON = 0x80;

const AARQ = { title: 0xa6, qualifier: 0xa7, requirements: 0x8a, mechanism: 0x8b, value: 0xac } as const;
const AARE = { title: 0xa4, qualifier: 0xa5, requirements: 0x88, mechanism: 0x89, value: 0xaa } as const;

/** The forms of association control. */
export const ACSE_FORMS: readonly ApduForm[] = [
  form<Aarq>(0x60, null, 'aarq', readAarq, writeAarq),
  form<Aare>(0x61, null, 'aare', readAare, writeAare),
  form<Release>(0x62, null, 'rlrq', readRelease, writeRelease),
  form<Release>(0x63, null, 'rlre', readRelease, writeRelease),
];

function readAarq(reader: ByteReader): Omit<Aarq, 'apdu'> {
  const fields = new BerFields(reader);
  return {
    protocolVersion: fields.take(PROTOCOL_VERSION),
    applicationContext: readContext(fields),
    callingApTitle: fields.takeInner(AARQ.title, OCTET_STRING),
    callingAeQualifier: fields.takeInner(AARQ.qualifier, OCTET_STRING),
    senderAcseRequirements: fields.take(AARQ.requirements),
    mechanism: readMechanism(fields, AARQ.mechanism),
    callingAuthenticationValue: fields.takeInner(AARQ.value, GRAPHIC_STRING),
    userInformation: fields.takeInner(USER_INFORMATION, OCTET_STRING),
    otherFields: fields.rest(),
  };
}

function writeAarq(writer: ByteWriter, apdu: Aarq): void {
  writeFields(writer, [
    plainField(PROTOCOL_VERSION, apdu.protocolVersion),
    contextField(apdu),
    innerField(AARQ.title, OCTET_STRING, apdu.callingApTitle),
    innerField(AARQ.qualifier, OCTET_STRING, apdu.callingAeQualifier),
    plainField(AARQ.requirements, apdu.senderAcseRequirements),
    mechanismField(AARQ.mechanism, apdu.mechanism),
    innerField(AARQ.value, GRAPHIC_STRING, apdu.callingAuthenticationValue),
    innerField(USER_INFORMATION, OCTET_STRING, apdu.userInformation),
    ...apdu.otherFields,
  ]);
}

function readAare(reader: ByteReader): Omit<Aare, 'apdu'> {
  const fields = new BerFields(reader);
  return {
    protocolVersion: fields.take(PROTOCOL_VERSION),
    applicationContext: readContext(fields),
    result: integerOf(required(fields.takeInner(RESULT, INTEGER), 'result'), RESULT),
    diagnostic: readDiagnostic(required(fields.take(DIAGNOSTIC), 'diagnostic')),
    respondingApTitle: fields.takeInner(AARE.title, OCTET_STRING),
    respondingAeQualifier: fields.takeInner(AARE.qualifier, OCTET_STRING),
    responderAcseRequirements: fields.take(AARE.requirements),
    mechanism: readMechanism(fields, AARE.mechanism),
    respondingAuthenticationValue: fields.takeInner(AARE.value, GRAPHIC_STRING),
    userInformation: fields.takeInner(USER_INFORMATION, OCTET_STRING),
    otherFields: fields.rest(),
  };
}

function writeAare(writer: ByteWriter, apdu: Aare): void {
  writeFields(writer, [
    plainField(PROTOCOL_VERSION, apdu.protocolVersion),
    contextField(apdu),
    innerField(RESULT, INTEGER, Uint8Array.of(within(apdu.result, 0, 0x7f, 'result'))),
    { tag: DIAGNOSTIC, content: diagnosticContent(apdu.diagnostic) },
    innerField(AARE.title, OCTET_STRING, apdu.respondingApTitle),
    innerField(AARE.qualifier, OCTET_STRING, apdu.respondingAeQualifier),
    plainField(AARE.requirements, apdu.responderAcseRequirements),
    mechanismField(AARE.mechanism, apdu.mechanism),
    innerField(AARE.value, GRAPHIC_STRING, apdu.respondingAuthenticationValue),
    innerField(USER_INFORMATION, OCTET_STRING, apdu.userInformation),
    ...apdu.otherFields,
  ]);
}

function readRelease(reader: ByteReader): Omit<Release, 'apdu'> {
  const fields = new BerFields(reader);
  const reason = fields.take(RELEASE_REASON);
  return {
    reason: reason === null ? null : integerOf(reason, RELEASE_REASON),
    userInformation: fields.takeInner(USER_INFORMATION, OCTET_STRING),
  };
}

function writeRelease(writer: ByteWriter, apdu: Release): void {
  writeFields(writer, [
    plainField(RELEASE_REASON, apdu.reason === null ? null : Uint8Array.of(within(apdu.reason, 0, 0x7f, 'reason'))),
    innerField(USER_INFORMATION, OCTET_STRING, apdu.userInformation),
  ]);
}

function required(content: Uint8Array | null, name: string): Uint8Array {
  if (content === null) throw dlmsError('DLMS_BER', `${name} is missing`);
  return content;
}

// A context that is none of DLMS must still be answered with a refusal: it is 0 here and kept among the other fields.
function readContext(fields: BerFields): number {
  const content = required(fields.take(CONTEXT), 'application context');
  const context = arcOf(innerOf(content, OBJECT_IDENTIFIER, CONTEXT), 1);
  if (context === null || context === 0) fields.keep(CONTEXT, content);
  return context ?? 0;
}

function contextField(apdu: Aarq | Aare): BerField | null {
  if (apdu.otherFields.some((field) => field.tag === CONTEXT)) return null;
  return innerField(
    CONTEXT,
    OBJECT_IDENTIFIER,
    oidOf(1, within(apdu.applicationContext, 1, 0x7f, 'applicationContext')),
  );
}

function readMechanism(fields: BerFields, tag: number): number | null {
  const content = fields.take(tag);
  const mechanism = content === null ? null : arcOf(content, 2);
  if (content !== null && mechanism === null) fields.keep(tag, content);
  return mechanism;
}

function mechanismField(tag: number, mechanism: number | null): BerField | null {
  return mechanism === null ? null : { tag, content: oidOf(2, within(mechanism, 0, 0x7f, 'mechanism')) };
}

const USER = 0xa1;
const PROVIDER = 0xa2;

function readDiagnostic(content: Uint8Array): AssociateDiagnostic {
  const source = content.at(0) === PROVIDER ? PROVIDER : USER;
  const code = integerOf(innerOf(innerOf(content, source, DIAGNOSTIC), INTEGER, DIAGNOSTIC), DIAGNOSTIC);
  return { source: source === USER ? 'acse-service-user' : 'acse-service-provider', code };
}

function diagnosticContent(diagnostic: AssociateDiagnostic): Uint8Array {
  const code = element(INTEGER, Uint8Array.of(within(diagnostic.code, 0, 0x7f, 'diagnostic')));
  return element(diagnostic.source === 'acse-service-user' ? USER : PROVIDER, code);
}
