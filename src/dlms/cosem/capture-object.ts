/** Capture objects of a profile (class 7 attributes 3 and 6) and of a push list (class 40 attribute 2). */

import type { Data } from '../axdr/data.ts';
import { dlmsError } from '../errors.ts';
import type { ObisCode } from './obis.ts';
import { obisFromOctets, obisToOctets } from './obis.ts';

/** One column: an attribute of an object, or one element of it. */
export interface CaptureObject {
  readonly classId: number;
  readonly instanceId: ObisCode;
  readonly attributeId: number;
  /** 0 = the whole attribute; else the element, from 1. */
  readonly dataIndex: number;
}

/** Reads one object. Very old meters leave the data index out, newer push lists add fields after it: both are taken. */
export function captureObjectOf(data: Data): CaptureObject {
  const [classId, name, attributeId, dataIndex] = data.type === 'structure' ? data.value : [];
  const index = dataIndex === undefined ? 0 : dataIndex.type === 'long-unsigned' ? dataIndex.value : null;
  if (
    classId?.type !== 'long-unsigned' ||
    name?.type !== 'octet-string' ||
    name.value.length !== 6 ||
    attributeId?.type !== 'integer' ||
    index === null
  ) {
    throw dlmsError('DLMS_SHAPE', 'a capture object is a structure of class, logical name, attribute and data index');
  }
  return {
    classId: classId.value,
    instanceId: obisFromOctets(name.value),
    attributeId: attributeId.value,
    dataIndex: index,
  };
}

/** Reads a list of objects. */
export function captureObjectsOf(data: Data): CaptureObject[] {
  if (data.type !== 'array') throw dlmsError('DLMS_SHAPE', 'capture objects are an array');
  return data.value.map(captureObjectOf);
}

/** The value of one object. */
export function captureObjectData(object: CaptureObject): Data {
  return {
    type: 'structure',
    value: [
      { type: 'long-unsigned', value: object.classId },
      { type: 'octet-string', value: obisToOctets(object.instanceId) },
      { type: 'integer', value: object.attributeId },
      { type: 'long-unsigned', value: object.dataIndex },
    ],
  };
}

/** The value of a list of objects. */
export function captureObjectsData(objects: readonly CaptureObject[]): Data {
  return { type: 'array', value: objects.map(captureObjectData) };
}
