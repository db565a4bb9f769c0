/** The body of a push by its object list: the attributes in its order, or the elements of them that it names. */
import type { Data } from '../../dlms/axdr/data.ts';
import type { CaptureObject } from '../../dlms/cosem/capture-object.ts';
import type { AttributeDescriptor, GetDataResult } from '../../dlms/xdlms/service.ts';

const NULL_DATA: Data = { type: 'null-data' };

/** Where the values are. */
export interface PushedObjects {
  read(attribute: AttributeDescriptor, access: null): GetDataResult;
}

/** The values; null-data for what the meter does not have, or has no such element of. */
export function pushedBody(model: PushedObjects, objects: readonly CaptureObject[]): Data {
  return { type: 'structure', value: objects.map((object) => pushedValue(model, object)) };
}

function pushedValue(model: PushedObjects, { dataIndex, ...attribute }: CaptureObject): Data {
  const result = model.read(attribute, null);
  if (!('data' in result)) return NULL_DATA;
  const { data } = result;
  if (dataIndex === 0) return data;
  return data.type === 'structure' || data.type === 'array' ? (data.value[dataIndex - 1] ?? NULL_DATA) : NULL_DATA;
}
