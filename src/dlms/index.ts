/** DLMS/COSEM, both halves, sans-IO: the public entry of the room. */

export type * from './acse/acse.ts';
export * from './acse/names.ts';
export type * from './axdr/data.ts';
export { dataFromOctets, dataToOctets, decodeData, encodeData } from './axdr/decode.ts';
export type { NumberColumn, TimeColumn } from './axdr/fast-rows.ts';
export * from './axdr/row-writer.ts';
export * from './axdr/rows.ts';
export * from './cosem/capture-object.ts';
export {
  attributeName,
  type ClassRules,
  INTERFACE_CLASSES,
  interfaceClassOf,
  methodName,
} from './cosem/classes/index.ts';
export * from './cosem/datetime.ts';
export type * from './cosem/interface-class.ts';
export * from './cosem/notified.ts';
export * from './cosem/obis.ts';
export * from './cosem/obis-names.ts';
export * from './cosem/object-list.ts';
export * from './cosem/selective-access.ts';
export * from './cosem/type-fit.ts';
export * from './cosem/type-text.ts';
export { UNIT_TABLE, type UnitRow } from './cosem/unit-table.ts';
export * from './cosem/units.ts';
export * from './cosem/words.ts';
export { DLMS_ERRORS, type DlmsErrorCode, dlmsError } from './errors.ts';
export { shapeOfApdu, shapeOfOctets } from './explain/apdu-shape.ts';
export { shapeOfData, shapeOfDateTime } from './explain/data-shape.ts';
export * from './explain/explain.ts';
export type { Json, JsonObject } from './explain/json.ts';
export type { Opener } from './explain/message.ts';
export type { ExplainNode } from './explain/node.ts';
export { shapeOfReading } from './explain/reading-shape.ts';
export * from './explain/text.ts';
export * from './frame/client-transport.ts';
export { FRAME_ERRORS, type FrameErrorCode, frameError } from './frame/errors.ts';
export * from './frame/hdlc-address.ts';
export * from './frame/hdlc-client.machine.ts';
export * from './frame/hdlc-frame.ts';
export * from './frame/hdlc-parameters.ts';
export * from './frame/hdlc-server.machine.ts';
export * from './frame/push.machine.ts';
export type { Discarded } from './frame/scanner.ts';
export type * from './frame/transport.ts';
export { WrapperClient, type WrapperOptions, WrapperServer } from './frame/wrapper.machine.ts';
export * from './security/ciphering.ts';
export * from './security/counters.ts';
export * from './security/elliptic.ts';
export { SECURITY_ERRORS, type SecurityErrorCode, securityError } from './security/errors.ts';
export type { Opened } from './security/gcm.ts';
export * from './security/hls.ts';
export * from './security/key-agreement.ts';
export * from './security/key-wrap.ts';
export * from './security/opener.ts';
export { SecretKey } from './security/secret-key.ts';
export * from './security/secure-channel.ts';
export * from './security/signing.ts';
export { type CurveName, SUITES, type Suite, type SuiteId } from './security/suite.ts';
export type { Association, Authentication, HlsAuthentication } from './session/association.ts';
export * from './session/client.machine.ts';
export type { ClientSecurity } from './session/client-guard.ts';
export { SESSION_ERRORS, type SessionErrorCode, sessionError } from './session/errors.ts';
export * from './session/known-meters.ts';
export * from './session/meter-reader.ts';
export * from './session/meter-session.ts';
export * from './session/object-model.ts';
export type * from './session/request.ts';
export * from './session/server.machine.ts';
export type * from './xdlms/access.ts';
export type * from './xdlms/action.ts';
export type * from './xdlms/apdu.ts';
export type * from './xdlms/block-transfer.ts';
export * from './xdlms/ciphered.ts';
export { decodeApdu, encodeApdu, isApduTag } from './xdlms/codec.ts';
export type * from './xdlms/exception.ts';
export type * from './xdlms/gateway.ts';
export * from './xdlms/get.ts';
export * from './xdlms/initiate.ts';
export type * from './xdlms/notification.ts';
export * from './xdlms/results.ts';
export type * from './xdlms/service.ts';
export type * from './xdlms/set.ts';
export type * from './xdlms/short-name.ts';
