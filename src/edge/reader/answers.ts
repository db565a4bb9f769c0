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

/** read-write-denied, object-undefined and object-class-inconsistent: meters mix them up, and none passes by itself. */
const ABSENT: ReadonlySet<number> = new Set([3, 4, 9]);

/** The value of an answer that must be one; throws READER_OBJECT_REFUSED, READER_OBJECT_ABSENT and READER_BAD_ANSWER. */
export function wantedData(request: ReadRequest, result: GetDataResult | undefined): Data {
  if (result === undefined) throw edgeError('READER_BAD_ANSWER', `${request.obis}: no answer`);
  if ('data' in result) return result.data;
  const { dataAccessResult } = result;
  const code = ABSENT.has(dataAccessResult) ? 'READER_OBJECT_ABSENT' : 'READER_OBJECT_REFUSED';
  throw edgeError(code, `${request.obis}: ${resultWords(dataAccessResult)}`);
}
