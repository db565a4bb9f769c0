/** Parts of APDUs in JSON form. */

import { toHex } from '../../base/bytes.ts';
import { dateTimeFromOctets } from '../cosem/datetime.ts';
import type { AccessSpecification } from '../xdlms/access.ts';
import type { CipheredText, GeneralHeader, KeyInfo } from '../xdlms/ciphered.ts';
import { SECURITY_CONTROL } from '../xdlms/ciphered.ts';
import { conformanceNames } from '../xdlms/initiate.ts';
import { ACTION_RESULTS, DATA_ACCESS_RESULTS, nameOf } from '../xdlms/results.ts';
import type {
  ActionResult,
  AttributeAccess,
  AttributeDescriptor,
  DataBlock,
  GetDataResult,
  Invocation,
  LongInvocation,
  MethodDescriptor,
  SelectiveAccess,
} from '../xdlms/service.ts';
import type { ReadResult, VariableAccess, WriteResult } from '../xdlms/short-name.ts';
import { shapeOfData, shapeOfDateTime, shapeOfObis } from './data-shape.ts';
import type { Json, JsonObject } from './json.ts';

/** Invoke id and priority. */
export function invocation({ invokeId, confirmed, highPriority }: Invocation): JsonObject {
  return { invokeId, confirmed, highPriority };
}

/** Long invoke id and priority. */
export function longInvocation(value: LongInvocation): JsonObject {
  return {
    longInvokeId: value.longInvokeId,
    selfDescriptive: value.selfDescriptive,
    processingOption: value.breakOnError ? 'break-on-error' : 'continue-on-error',
    serviceClass: value.confirmed ? 'confirmed' : 'unconfirmed',
    priority: value.highPriority ? 'high' : 'normal',
  };
}

/** An attribute descriptor. */
export function attribute({ classId, instanceId, attributeId }: AttributeDescriptor): JsonObject {
  return { classId, instanceId: shapeOfObis(instanceId), attributeId };
}

/** A method descriptor. */
export function method({ classId, instanceId, methodId }: MethodDescriptor): JsonObject {
  return { classId, instanceId: shapeOfObis(instanceId), methodId };
}

/** A selection, or null. */
export function selection(access: SelectiveAccess | null): Json {
  return access === null ? null : { selector: access.selector, parameters: shapeOfData(access.parameters) };
}

/** An attribute with its selection. */
export function attributeAccess(value: AttributeAccess): JsonObject {
  return { ...attribute(value), access: selection(value.access) };
}

/** A data-access-result with its name. */
export function code(value: number): JsonObject {
  return { code: value, name: nameOf(DATA_ACCESS_RESULTS, value) };
}

/** A value or the reason why not. */
export function getResult(value: GetDataResult): JsonObject {
  return 'data' in value ? { data: shapeOfData(value.data) } : { dataAccessResult: code(value.dataAccessResult) };
}

/** The result of a method; a failure has its name beside it. */
export function actionResult(value: ActionResult): JsonObject {
  return {
    actionResult: value.actionResult,
    ...(value.actionResult === 0 ? {} : { actionResultName: nameOf(ACTION_RESULTS, value.actionResult) }),
    returnParameters: value.returnParameters === null ? null : getResult(value.returnParameters),
  };
}

/** A part of a long value. */
export function block({ lastBlock, blockNumber, rawData }: DataBlock): JsonObject {
  return { lastBlock, blockNumber, rawDataHex: toHex(rawData) };
}

/** The time of an event. */
export function eventTime(octets: Uint8Array): JsonObject {
  return octets.length === 12
    ? { hex: toHex(octets), dateTime: shapeOfDateTime(dateTimeFromOctets(octets)) }
    : { hex: toHex(octets) };
}

/** One thing to do of an access-request. */
export function specification(value: AccessSpecification): JsonObject {
  if (value.choice === 'action') return { choice: value.choice, ...method(value) };
  const selected = 'access' in value ? { access: selection(value.access) } : {};
  return { choice: value.choice, ...attribute(value), ...selected };
}

/** Header of general-ciphering and general-signing. */
export function generalHeader(apdu: GeneralHeader): JsonObject {
  return {
    transactionId: toHex(apdu.transactionId),
    originatorSystemTitle: toHex(apdu.originatorSystemTitle),
    recipientSystemTitle: toHex(apdu.recipientSystemTitle),
    dateTimeHex: toHex(apdu.dateTime),
    otherInformationHex: toHex(apdu.otherInformation),
  };
}

/** How the key is told. */
export function keyInfo(value: KeyInfo | null): Json {
  if (value === null) return null;
  switch (value.kind) {
    case 'identified':
      return { identifiedKey: { keyId: value.keyId } };
    case 'wrapped':
      return { wrappedKey: { kekId: value.kekId, keyHex: toHex(value.wrappedKey) } };
    case 'agreed':
      return {
        agreedKey: { keyParametersHex: toHex(value.keyParameters), keyCipheredDataHex: toHex(value.keyCipheredData) },
      };
  }
}

/** A variable of a short-name service. */
export function variable(value: VariableAccess): JsonObject {
  switch (value.kind) {
    case 'variable':
      return { variableName: value.name };
    case 'parameterized':
      return {
        parameterizedAccess: {
          variableName: value.name,
          selector: value.selector,
          parameter: shapeOfData(value.parameter),
        },
      };
    case 'block-number':
      return { blockNumber: value.blockNumber };
    case 'read-data-block':
      return { readDataBlock: { ...blockHead(value), rawDataHex: toHex(value.rawData) } };
    case 'write-data-block':
      return { writeDataBlock: blockHead(value) };
  }
}

/** Head of a short-name block. */
export function blockHead(value: { readonly lastBlock: boolean; readonly blockNumber: number }): JsonObject {
  return { lastBlock: value.lastBlock, blockNumber: value.blockNumber };
}

/** One answer of a read. */
export function readResult(value: ReadResult): JsonObject {
  switch (value.kind) {
    case 'data':
      return { data: shapeOfData(value.data) };
    case 'error':
      return { dataAccessError: value.dataAccessError };
    case 'data-block':
      return { dataBlock: { ...blockHead(value), rawDataHex: toHex(value.rawData) } };
    case 'block-number':
      return { blockNumber: value.blockNumber };
  }
}

/** One answer of a write. */
export function writeResult(value: WriteResult): JsonObject {
  if (value.kind === 'success') return { success: true };
  return value.kind === 'error' ? { dataAccessError: value.dataAccessError } : { blockNumber: value.blockNumber };
}

/** The conformance block, as hex and as names. */
export function conformance(bits: number): JsonObject {
  return { conformanceHex: bits.toString(16).padStart(6, '0'), conformance: conformanceNames(bits) };
}

/** Security header, payload and tag of a ciphered APDU. */
export function shapeOfCiphered(apdu: CipheredText): JsonObject {
  const { securityControl } = apdu;
  const bit = (mask: number): boolean => (securityControl & mask) !== 0;
  return {
    securityControl: securityControl.toString(16).padStart(2, '0'),
    suite: securityControl & SECURITY_CONTROL.suite,
    authenticated: bit(SECURITY_CONTROL.authenticated),
    encrypted: bit(SECURITY_CONTROL.encrypted),
    keySet: bit(SECURITY_CONTROL.broadcastKey) ? 'broadcast' : 'unicast',
    compressed: bit(SECURITY_CONTROL.compressed),
    invocationCounter: apdu.invocationCounter,
    payloadHex: toHex(apdu.payload),
    ...(bit(SECURITY_CONTROL.authenticated) ? { tagHex: toHex(apdu.authenticationTag) } : {}),
  };
}
