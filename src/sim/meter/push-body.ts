/**
 * The body of a push by its object list: the attributes in its order, or the elements of them that it names, or the rows and
 * columns of a buffer.
 */

import { sameOctets } from '../../base/bytes.ts';
import type { Data } from '../../dlms/axdr/data.ts';
import { type CaptureObject, captureObjectsOf } from '../../dlms/cosem/capture-object.ts';
import { obisToOctets } from '../../dlms/cosem/obis.ts';
import type { PushObject, PushRestriction } from '../../dlms/cosem/push-object.ts';
import { dateTimeData, entryAccess, rangeAccess } from '../../dlms/cosem/selective-access.ts';
import { isDlmsError } from '../../dlms/errors.ts';
import type { AttributeDescriptor, GetDataResult, SelectiveAccess } from '../../dlms/xdlms/service.ts';

const NULL_DATA: Data = { type: 'null-data' };
const CLOCK_CLASS = 8;
const CAPTURE_OBJECTS = 3;

/** Where the values are. */
export interface PushedObjects {
  read(attribute: AttributeDescriptor, access: SelectiveAccess | null): GetDataResult;
}

/** The values; null-data for what the meter does not have, or has no such element, rows or columns of. */
export function pushedBody(model: PushedObjects, objects: readonly PushObject[]): Data {
  return { type: 'structure', value: objects.map((object) => pushedValue(model, object)) };
}

function pushedValue(model: PushedObjects, { dataIndex, restriction, columns, ...attribute }: PushObject): Data {
  const known = restriction === null && columns.length === 0 ? [] : columnsOf(model, attribute);
  const access = restriction === null ? null : accessOf(restriction, known);
  if (access === undefined) return NULL_DATA;
  const result = model.read(attribute, access);
  if (!('data' in result)) return NULL_DATA;
  const data = columns.length === 0 ? result.data : chosenColumns(result.data, known, columns);
  if (dataIndex === 0) return data;
  return data.type === 'structure' || data.type === 'array' ? (data.value[dataIndex - 1] ?? NULL_DATA) : NULL_DATA;
}

/** The columns of a buffer, none = it tells none. */
function columnsOf(model: PushedObjects, attribute: AttributeDescriptor): readonly CaptureObject[] {
  const told = model.read({ ...attribute, attributeId: CAPTURE_OBJECTS }, null);
  try {
    return 'data' in told ? captureObjectsOf(told.data) : [];
  } catch (error) {
    if (isDlmsError(error)) return [];
    throw error;
  }
}

/** The restriction as a selection; undefined = a buffer without a clock has no rows between two moments. */
function accessOf(restriction: PushRestriction, known: readonly CaptureObject[]): SelectiveAccess | undefined {
  if (restriction.by === 'entry')
    return entryAccess({ fromEntry: restriction.from, toEntry: restriction.to, fromColumn: 1, toColumn: 0 });
  const restricting = known.find(({ classId }) => classId === CLOCK_CLASS);
  const [from, to] = [dateTimeData(restriction.from), dateTimeData(restriction.to)];
  return restricting === undefined ? undefined : rangeAccess({ restricting, from, to, columns: [] });
}

/** Rows with the chosen columns, in the order of the choice; null-data where there is no such column. */
function chosenColumns(rows: Data, known: readonly CaptureObject[], columns: readonly CaptureObject[]): Data {
  if (rows.type !== 'array') return NULL_DATA;
  const places = columns.map((column) => known.findIndex((own) => isSame(own, column)));
  const value = rows.value.map((row): Data => {
    const cells = row.type === 'structure' ? row.value : [];
    return { type: 'structure', value: places.map((place) => cells[place] ?? NULL_DATA) };
  });
  return { type: 'array', value };
}

function isSame(a: CaptureObject, b: CaptureObject): boolean {
  const same = a.classId === b.classId && a.attributeId === b.attributeId && a.dataIndex === b.dataIndex;
  return same && sameOctets(obisToOctets(a.instanceId), obisToOctets(b.instanceId));
}
