/** APDUs in the JSON form of the test vectors, which is also what `explain --json` prints. */

import { toHex } from '../../base/bytes.ts';
import type { Aare, Aarq, Release } from '../acse/acse.ts';
import { APPLICATION_CONTEXTS, MECHANISMS, oidOf } from '../acse/names.ts';
import { isDlmsError } from '../errors.ts';
import { APDU_NESTING_MAX } from '../limits.ts';
import type { Apdu, ApduName, ApduOf } from '../xdlms/apdu.ts';
import type { SERVICE_CIPHERED_TAGS } from '../xdlms/ciphered.ts';
import { decodeApdu } from '../xdlms/codec.ts';
import type { GatewayApdu } from '../xdlms/gateway.ts';
import { nameOf } from '../xdlms/results.ts';
import { shapeOfData, shapeOfTimeField } from './data-shape.ts';
import type { JsonObject } from './json.ts';
import {
  actionResult,
  attribute,
  attributeAccess,
  block,
  code,
  conformance,
  eventTime,
  generalHeader,
  getResult,
  invocation,
  keyInfo,
  longInvocation,
  method,
  readResult,
  selection,
  shapeOfCiphered,
  specification,
  variable,
  writeResult,
} from './part-shape.ts';

/** Tags of gateway-request and gateway-response. */
const GATEWAY_TAGS: ReadonlySet<number> = new Set([0xe6, 0xe7]);

type Shapes = { readonly [Name in ApduName]?: (apdu: ApduOf<Name>, depth: number) => JsonObject };

/** An APDU as `{apdu, ...fields}`; a missing optional field has no key. `depth` counts APDUs around this one. */
export function shapeOfApdu(apdu: Apdu, depth = 0): JsonObject {
  const shape = SHAPES[apdu.apdu] as ((apdu: Apdu, depth: number) => JsonObject) | undefined;
  if (shape !== undefined) return { apdu: apdu.apdu, ...shape(apdu, depth) };
  // Only the service-specific ciphered names have no line of their own.
  return { apdu: apdu.apdu, ...shapeOfCiphered(apdu as ApduOf<keyof typeof SERVICE_CIPHERED_TAGS>) };
}

/** The shape of octets that should be an APDU, or null when they are not one or are too deep inside others. */
export function shapeOfOctets(octets: Uint8Array, depth = 0): JsonObject | null {
  if (depth > APDU_NESTING_MAX) return null;
  try {
    return shapeOfApdu(decodeApdu(octets), depth);
  } catch (error) {
    if (isDlmsError(error)) return null;
    throw error;
  }
}

const SHAPES: Shapes = {
  aarq: shapeOfAarq,
  aare: shapeOfAare,
  rlrq: shapeOfRelease,
  rlre: shapeOfRelease,
  'initiate-request': (apdu) => ({
    dedicatedKeyHex: apdu.dedicatedKey === null ? null : toHex(apdu.dedicatedKey),
    responseAllowed: apdu.responseAllowed,
    proposedQos: apdu.proposedQos,
    proposedDlmsVersion: apdu.proposedDlmsVersion,
    ...conformance(apdu.conformance),
    clientMaxReceivePduSize: apdu.clientMaxReceivePduSize,
  }),
  'initiate-response': (apdu) => ({
    negotiatedQos: apdu.negotiatedQos,
    negotiatedDlmsVersion: apdu.negotiatedDlmsVersion,
    ...conformance(apdu.conformance),
    serverMaxReceivePduSize: apdu.serverMaxReceivePduSize,
    vaaName: apdu.vaaName,
  }),
  'confirmed-service-error': ({ service, errorChoice, errorValue }) => ({ service, errorChoice, errorValue }),
  'get-request-normal': (apdu) => ({
    ...invocation(apdu),
    attribute: attribute(apdu.attribute),
    access: selection(apdu.access),
  }),
  'get-request-next': (apdu) => ({ ...invocation(apdu), blockNumber: apdu.blockNumber }),
  'get-request-with-list': (apdu) => ({ ...invocation(apdu), attributes: apdu.attributes.map(attributeAccess) }),
  'get-response-normal': (apdu) => ({ ...invocation(apdu), result: getResult(apdu.result) }),
  'get-response-with-datablock': (apdu) => ({
    ...invocation(apdu),
    lastBlock: apdu.lastBlock,
    blockNumber: apdu.blockNumber,
    ...('rawData' in apdu.block
      ? { rawDataHex: toHex(apdu.block.rawData) }
      : { dataAccessResult: code(apdu.block.dataAccessResult) }),
  }),
  'get-response-with-list': (apdu) => ({ ...invocation(apdu), results: apdu.results.map(getResult) }),
  'set-request-normal': (apdu) => ({
    ...invocation(apdu),
    attribute: attribute(apdu.attribute),
    access: selection(apdu.access),
    value: shapeOfData(apdu.value),
  }),
  'set-request-with-first-datablock': (apdu) => ({
    ...invocation(apdu),
    attribute: attribute(apdu.attribute),
    access: selection(apdu.access),
    ...block(apdu),
  }),
  'set-request-with-datablock': (apdu) => ({ ...invocation(apdu), ...block(apdu) }),
  'set-request-with-list': (apdu) => ({
    ...invocation(apdu),
    attributes: apdu.attributes.map(attributeAccess),
    values: apdu.values.map(shapeOfData),
  }),
  'set-request-with-list-and-first-datablock': (apdu) => ({
    ...invocation(apdu),
    attributes: apdu.attributes.map(attributeAccess),
    ...block(apdu),
  }),
  'set-response-normal': (apdu) => ({ ...invocation(apdu), result: code(apdu.result) }),
  'set-response-datablock': (apdu) => ({ ...invocation(apdu), blockNumber: apdu.blockNumber }),
  'set-response-last-datablock': (apdu) => ({
    ...invocation(apdu),
    result: code(apdu.result),
    blockNumber: apdu.blockNumber,
  }),
  'set-response-last-datablock-with-list': (apdu) => ({
    ...invocation(apdu),
    results: apdu.results.map(code),
    blockNumber: apdu.blockNumber,
  }),
  'set-response-with-list': (apdu) => ({ ...invocation(apdu), results: apdu.results.map(code) }),
  'action-request-normal': (apdu) => ({
    ...invocation(apdu),
    method: method(apdu.method),
    parameters: apdu.parameters === null ? null : shapeOfData(apdu.parameters),
  }),
  'action-request-next-pblock': (apdu) => ({ ...invocation(apdu), blockNumber: apdu.blockNumber }),
  'action-request-with-list': (apdu) => ({
    ...invocation(apdu),
    methods: apdu.methods.map(method),
    parameters: apdu.parameters.map(shapeOfData),
  }),
  'action-request-with-first-pblock': (apdu) => ({
    ...invocation(apdu),
    method: method(apdu.method),
    ...block(apdu),
  }),
  'action-request-with-list-and-first-pblock': (apdu) => ({
    ...invocation(apdu),
    methods: apdu.methods.map(method),
    ...block(apdu),
  }),
  'action-request-with-pblock': (apdu) => ({ ...invocation(apdu), ...block(apdu) }),
  'action-response-normal': (apdu) => ({ ...invocation(apdu), ...actionResult(apdu) }),
  'action-response-with-pblock': (apdu) => ({ ...invocation(apdu), ...block(apdu) }),
  'action-response-with-list': (apdu) => ({ ...invocation(apdu), results: apdu.results.map(actionResult) }),
  'action-response-next-pblock': (apdu) => ({ ...invocation(apdu), blockNumber: apdu.blockNumber }),
  'data-notification': (apdu) => ({ ...shapeOfNotificationHeader(apdu), body: shapeOfData(apdu.body) }),
  'data-notification-confirm': (apdu) => ({ ...longInvocation(apdu), ...shapeOfTimeField(apdu.dateTime) }),
  'event-notification-request': (apdu) => ({
    time: apdu.time === null ? null : eventTime(apdu.time),
    attribute: attribute(apdu.attribute),
    value: shapeOfData(apdu.value),
  }),
  'exception-response': (apdu) => ({
    stateError: apdu.stateError,
    serviceError: apdu.serviceError,
    ...(apdu.invocationCounter === null
      ? {}
      : { invocationCounterHex: apdu.invocationCounter.toString(16).padStart(8, '0') }),
  }),
  'access-request': (apdu) => ({
    ...longInvocation(apdu),
    ...shapeOfTimeField(apdu.dateTime),
    specifications: apdu.specifications.map(specification),
    dataList: apdu.dataList.map(shapeOfData),
  }),
  'access-response': (apdu) => ({
    ...longInvocation(apdu),
    ...shapeOfTimeField(apdu.dateTime),
    ...(apdu.specifications === null ? {} : { specifications: apdu.specifications.map(specification) }),
    dataList: apdu.dataList.map(shapeOfData),
    results: apdu.results.map(({ choice, result }) => ({ choice, result })),
  }),
  'general-block-transfer': (apdu) => ({
    lastBlock: apdu.lastBlock,
    streaming: apdu.streaming,
    window: apdu.window,
    blockNumber: apdu.blockNumber,
    blockNumberAck: apdu.blockNumberAck,
    blockDataHex: toHex(apdu.blockData),
  }),
  'gateway-request': gateway,
  'gateway-response': gateway,
  'general-glo-ciphering': (apdu) => ({ systemTitle: toHex(apdu.systemTitle), ...shapeOfCiphered(apdu) }),
  'general-ded-ciphering': (apdu) => ({ systemTitle: toHex(apdu.systemTitle), ...shapeOfCiphered(apdu) }),
  'general-ciphering': (apdu) => ({
    ...generalHeader(apdu),
    keyInfo: keyInfo(apdu.keyInfo),
    ...shapeOfCiphered(apdu),
  }),
  'general-signing': (apdu) => ({
    ...generalHeader(apdu),
    contentHex: toHex(apdu.content),
    signatureHex: toHex(apdu.signature),
  }),
  'read-request': (apdu) => ({ items: apdu.items.map(variable) }),
  'read-response': (apdu) => ({ items: apdu.items.map(readResult) }),
  'write-request': (apdu) => ({ items: apdu.items.map(variable), values: apdu.values.map(shapeOfData) }),
  'unconfirmed-write-request': (apdu) => ({ items: apdu.items.map(variable), values: apdu.values.map(shapeOfData) }),
  'write-response': (apdu) => ({ items: apdu.items.map(writeResult) }),
  'information-report-request': (apdu) => ({
    time: apdu.time,
    items: apdu.items.map(variable),
    values: apdu.values.map(shapeOfData),
  }),
};

/** The header of a push, without its body. */
export function shapeOfNotificationHeader(apdu: ApduOf<'data-notification'>): JsonObject {
  return {
    ...longInvocation(apdu),
    ...shapeOfTimeField(apdu.dateTime),
    ...(apdu.taggedDateTime ? { nonStandardDateTimeTag: true } : {}),
  };
}

function shapeOfAarq(apdu: Aarq, depth: number): JsonObject {
  return {
    ...present('protocolVersionHex', apdu.protocolVersion),
    ...context(apdu.applicationContext),
    ...present('callingApTitle', apdu.callingApTitle),
    ...present('callingAeQualifierHex', apdu.callingAeQualifier),
    ...present('senderAcseRequirementsHex', apdu.senderAcseRequirements),
    ...mechanism(apdu.mechanism),
    ...present('callingAuthenticationValueHex', apdu.callingAuthenticationValue),
    ...userInformation(apdu.userInformation, depth),
    ...otherFields(apdu),
  };
}

function shapeOfAare(apdu: Aare, depth: number): JsonObject {
  return {
    ...present('protocolVersionHex', apdu.protocolVersion),
    ...context(apdu.applicationContext),
    result: apdu.result,
    resultSourceDiagnostic: { source: apdu.diagnostic.source, code: apdu.diagnostic.code },
    ...present('respondingApTitle', apdu.respondingApTitle),
    ...present('respondingAeQualifierHex', apdu.respondingAeQualifier),
    ...present('responderAcseRequirementsHex', apdu.responderAcseRequirements),
    ...mechanism(apdu.mechanism),
    ...present('respondingAuthenticationValueHex', apdu.respondingAuthenticationValue),
    ...userInformation(apdu.userInformation, depth),
    ...otherFields(apdu),
  };
}

function shapeOfRelease(apdu: Release, depth: number): JsonObject {
  return { ...(apdu.reason === null ? {} : { reason: apdu.reason }), ...userInformation(apdu.userInformation, depth) };
}

function present(key: string, octets: Uint8Array | null): JsonObject {
  return octets === null ? {} : { [key]: toHex(octets) };
}

function context(id: number): JsonObject {
  return { applicationContext: { oidHex: toHex(oidOf(1, id)), id, name: nameOf(APPLICATION_CONTEXTS, id) } };
}

function mechanism(id: number | null): JsonObject {
  return id === null ? {} : { mechanism: { id, name: nameOf(MECHANISMS, id) } };
}

function userInformation(octets: Uint8Array | null, depth: number): JsonObject {
  if (octets === null) return {};
  const inner = shapeOfOctets(octets, depth + 1);
  return { userInformationHex: toHex(octets), ...(inner === null ? {} : { userInformation: inner }) };
}

function otherFields(apdu: Aarq | Aare): JsonObject {
  if (apdu.otherFields.length === 0) return {};
  return { otherFields: apdu.otherFields.map(({ tag, content }) => ({ tag, contentHex: toHex(content) })) };
}

/** A message has one prefix: another one behind it is shown as octets, for who nests them pays three octets a level. */
function gateway(apdu: GatewayApdu, depth: number): JsonObject {
  const isPrefixed = GATEWAY_TAGS.has(apdu.content.at(0) ?? 0);
  const inner = isPrefixed ? null : shapeOfOctets(apdu.content, depth + 1);
  return {
    networkId: apdu.networkId,
    physicalDeviceAddressHex: toHex(apdu.physicalDeviceAddress),
    contentHex: toHex(apdu.content),
    ...(inner === null ? {} : { content: inner }),
  };
}
