/**
 * What a Push setup pushes (class 40 attribute 2): an attribute or an element of one and, since versions 1 and 2, which rows and
 * which columns of a buffer. Restriction types: 0 none, 1 by date, 2 by entry; bounds of entries are 16 or 32 bits wide, as
 * implementations disagree.
 */
import type { Data } from '../axdr/data.ts';
import { dlmsError } from '../errors.ts';
import {
  type CaptureObject,
  captureObjectData,
  captureObjectOf,
  captureObjectsData,
  captureObjectsOf,
} from './capture-object.ts';
import type { CosemDateTime } from './datetime.ts';
import { dateTimeData, dateTimeOfData } from './selective-access.ts';

/** Rows of a buffer: between two moments, or by number from 1, both ends included; 0 as an end = to the last one. */
export type PushRestriction =
  | { readonly by: 'date'; readonly from: CosemDateTime; readonly to: CosemDateTime }
  | { readonly by: 'entry'; readonly from: number; readonly to: number };

/** One element of a push object list. */
export interface PushObject extends CaptureObject {
  /** Null = all rows. */
  readonly restriction: PushRestriction | null;
  /** Columns of a buffer, in the order in which they are pushed; none = all. */
  readonly columns: readonly CaptureObject[];
}

const RESTRICTION = { none: 0, date: 1, entry: 2 } as const;
const ENTRY_U16_MAX = 0xffff;

/** An object that is pushed as it is. */
export function wholePushObject(object: CaptureObject): PushObject {
  return { ...object, restriction: null, columns: [] };
}

/** Reads one element, of any version: the fields behind the data index may be missing. Throws `DLMS_SHAPE`. */
export function pushObjectOf(data: Data): PushObject {
  const object = captureObjectOf(data);
  const [, , , , restriction, columns] = data.type === 'structure' ? data.value : [];
  return {
    ...object,
    restriction: restriction === undefined ? null : restrictionOf(restriction),
    columns: columns === undefined ? [] : captureObjectsOf(columns),
  };
}

/** The element as versions 2 and 3 have it. */
export function pushObjectData(object: PushObject): Data {
  const { type: _, value } = captureObjectData(object) as Extract<Data, { type: 'structure' }>;
  return {
    type: 'structure',
    value: [...value, restrictionData(object.restriction), captureObjectsData(object.columns)],
  };
}

function restrictionOf(data: Data): PushRestriction | null {
  const [kind, value] = data.type === 'structure' ? data.value : [];
  if (kind?.type !== 'enum') throw dlmsError('DLMS_SHAPE', 'a restriction is a structure of type and value');
  if (kind.value === RESTRICTION.none) return null;
  const [first, last] = value?.type === 'structure' ? value.value : [];
  if (kind.value === RESTRICTION.date) {
    const [from, to] = [first, last].map((each) => (each === undefined ? null : dateTimeOfData(each)));
    if (from != null && to != null) return { by: 'date', from, to };
  } else if (kind.value === RESTRICTION.entry) {
    const [from, to] = [first, last].map((each) => (each === undefined ? null : entryOf(each)));
    if (from != null && to != null) return { by: 'entry', from, to };
  }
  throw dlmsError('DLMS_SHAPE', `a restriction of type ${kind.value} is a structure of two moments or two numbers`);
}

function entryOf(data: Data): number | null {
  return data.type === 'long-unsigned' || data.type === 'double-long-unsigned' ? data.value : null;
}

function restrictionData(restriction: PushRestriction | null): Data {
  const of = (kind: number, value: Data): Data => ({
    type: 'structure',
    value: [{ type: 'enum', value: kind }, value],
  });
  if (restriction === null) return of(RESTRICTION.none, { type: 'null-data' });
  if (restriction.by === 'date') {
    const ends = [restriction.from, restriction.to].map(dateTimeData);
    return of(RESTRICTION.date, { type: 'structure', value: ends });
  }
  const { from, to } = restriction;
  const type = Math.max(from, to) > ENTRY_U16_MAX ? 'double-long-unsigned' : 'long-unsigned';
  return of(RESTRICTION.entry, { type: 'structure', value: [from, to].map((value): Data => ({ type, value })) });
}
