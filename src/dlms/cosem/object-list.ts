/** The object list of an association (class 15 attribute 2): what a client sees of a meter, and what it may do there. */

import type { Data } from '../axdr/data.ts';
import { dlmsError } from '../errors.ts';
import { type ObisCode, obisFromOctets } from './obis.ts';

const ASSOCIATION_LN = 15;
/** The association in which the question is asked. */
const CURRENT_ASSOCIATION = '0-0:40.0.0*255';

/** One object. */
export interface ObjectListEntry {
  readonly classId: number;
  readonly version: number;
  readonly obis: ObisCode;
  readonly attributes: readonly AttributeRight[];
  readonly methods: readonly MethodRight[];
}

/** What may be done with an attribute. */
export interface AttributeRight {
  readonly id: number;
  readonly canRead: boolean;
  readonly canWrite: boolean;
  /** Selectors that it takes; empty = none. */
  readonly selectors: readonly number[];
}

/** Whether a method may be invoked. */
export interface MethodRight {
  readonly id: number;
  readonly canInvoke: boolean;
}

/**
 * Modes of versions 0 to 2: 0 none, 1 read, 2 write, 3 both, 4 to 6 the same authenticated. From version 3 on they are bit
 * sets: 01 read, 02 write; the list says itself which version its association has.
 */
const BIT_SET_MODES_FROM_VERSION = 3;
const READ_MODES: readonly number[] = [1, 3, 4, 6];
const WRITE_MODES: readonly number[] = [2, 3, 5, 6];

/** Reads a list. Throws `DLMS_SHAPE` when it is no list of objects. */
export function objectListOf(data: Data): ObjectListEntry[] {
  if (data.type !== 'array' && data.type !== 'compact-array')
    throw dlmsError('DLMS_SHAPE', 'an object list is an array');
  const entries = data.value.map((element) => entryOf(element, false));
  const association = entries.find(({ classId, obis }) => classId === ASSOCIATION_LN && obis === CURRENT_ASSOCIATION);
  const hasBitSets = association !== undefined && association.version >= BIT_SET_MODES_FROM_VERSION;
  return hasBitSets ? data.value.map((element) => entryOf(element, true)) : entries;
}

function entryOf(element: Data, isBits: boolean): ObjectListEntry {
  const [classId, version, name, rights] = fieldsOf(element);
  const class_ = integerOf(classId);
  const version_ = integerOf(version);
  if (class_ === null || version_ === null || name?.type !== 'octet-string') {
    throw dlmsError('DLMS_SHAPE', 'an object is a structure of class, version, logical name and rights');
  }
  const [attributes, methods] = fieldsOf(rights);
  return {
    classId: class_,
    version: version_,
    obis: obisFromOctets(name.value),
    attributes: attributeRightsOf(attributes, isBits),
    methods: methodRightsOf(methods),
  };
}

/** Rights on attributes from an `attribute_access` list; what is none is left out. */
export function attributeRightsOf(list: Data | undefined, isBits = false): AttributeRight[] {
  return fieldsOf(list).flatMap((item) => attributeRightOf(item, isBits));
}

/** Rights on methods from a `method_access` list. */
export function methodRightsOf(list: Data | undefined): MethodRight[] {
  return fieldsOf(list).flatMap(methodRightOf);
}

function attributeRightOf(item: Data, isBits: boolean): AttributeRight[] {
  const [idData, modeData, selectors] = fieldsOf(item);
  const id = integerOf(idData);
  const mode = integerOf(modeData);
  if (id === null || mode === null) return [];
  return [
    {
      id,
      canRead: isBits ? (mode & 1) !== 0 : READ_MODES.includes(mode),
      canWrite: isBits ? (mode & 2) !== 0 : WRITE_MODES.includes(mode),
      selectors: fieldsOf(selectors).flatMap((each) => integerOf(each) ?? []),
    },
  ];
}

function methodRightOf(item: Data): MethodRight[] {
  const [idData, modeData] = fieldsOf(item);
  const id = integerOf(idData);
  if (id === null) return [];
  const canInvoke = modeData?.type === 'boolean' ? modeData.value : (integerOf(modeData) ?? 0) !== 0;
  return [{ id, canInvoke }];
}

function fieldsOf(data: Data | undefined): readonly Data[] {
  return data?.type === 'structure' || data?.type === 'array' || data?.type === 'compact-array' ? data.value : [];
}

/** Integers of any width, and bit strings read as one (first bit = bit 0). */
function integerOf(data: Data | undefined): number | null {
  if (data?.type === 'bit-string') return Number.parseInt([...data.value].reverse().join('') || '0', 2);
  return data !== undefined && 'value' in data && typeof data.value === 'number' ? data.value : null;
}
