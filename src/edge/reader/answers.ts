/** Requests of a profile as the session takes them, and its answers as jobs want them. */
import type { Data } from '../../dlms/axdr/data.ts';
import type { AttributeAccess, GetDataResult } from '../../dlms/xdlms/service.ts';
import type { ReadRequest } from '../../profile/plan.ts';
import { edgeError } from '../errors.ts';
import { resultWords } from '../result-words.ts';

/** A request as the session takes it. */
export function accessOf(request: ReadRequest): AttributeAccess {
  return { classId: request.classId, instanceId: request.obis, attributeId: request.attribute, access: request.access };
}

/** The value of an answer, or null when it was refused. */
export function dataOf(result: GetDataResult | undefined): Data | null {
  return result !== undefined && 'data' in result ? result.data : null;
}

/** The value of an answer that must be one; throws READER_OBJECT_REFUSED and READER_BAD_ANSWER. */
export function wantedData(request: ReadRequest, result: GetDataResult | undefined): Data {
  if (result === undefined) throw edgeError('READER_BAD_ANSWER', `${request.obis}: no answer`);
  if ('data' in result) return result.data;
  throw edgeError('READER_OBJECT_REFUSED', `${request.obis}: ${resultWords(result.dataAccessResult)}`);
}
