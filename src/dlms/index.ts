/** DLMS/COSEM, both halves, sans-IO: the public entry of the room. */

export type { Aare, Aarq, AcseApdu, AssociateDiagnostic, BerField, Release } from './acse/acse.ts';
export type { Data, DataType, TypeDescription } from './axdr/data.ts';
export type { CosemDate, CosemDateTime, CosemTime } from './cosem/datetime.ts';
export { CLOCK_STATUS } from './cosem/datetime.ts';
export type { ObisCode, ObisGroups } from './cosem/obis.ts';
export { isObis, obisFromOctets, obisGroups, obisOf, obisToOctets, parseObis } from './cosem/obis.ts';
export type { DlmsErrorCode } from './errors.ts';
export { DLMS_ERRORS, dlmsError } from './errors.ts';
export type { Apdu, ApduName } from './xdlms/apdu.ts';
export type { ConformanceName } from './xdlms/initiate.ts';
export { CONFORMANCE } from './xdlms/initiate.ts';
