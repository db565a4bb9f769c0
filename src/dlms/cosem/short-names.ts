/**
 * Names of 16 bits instead of class, OBIS and number: what short-name referencing calls attributes and methods.
 *
 * Attribute n of an object with base name b is b + 8 (n - 1). Where its methods begin is a table by class, because many
 * classes leave a gap after the last attribute; a class that is not in the table has no names for its methods here, since a
 * guess would invoke the wrong one. Offsets marked 2 agree in two public code bases, those marked 1 stand in one.
 */
import type { Data } from '../axdr/data.ts';
import { dlmsError } from '../errors.ts';
import { interfaceClassOf } from './classes/index.ts';
import { type ObisCode, obisFromOctets, parseObis } from './obis.ts';

/** Base name of the association in which the question is asked; also its VAA name. */
export const CURRENT_ASSOCIATION_NAME = 0xfa00;
/** Interface class of association SN. */
export const ASSOCIATION_SN_CLASS = 12;
/** Names that an object with a fixed place has (broadcast script table, SAP assignment, device name): from memory. */
export const FIXED_NAMES: ReadonlyMap<string, number> = new Map([
  ['12/0-0:40.0.0*255', CURRENT_ASSOCIATION_NAME],
  ['9/0-0:10.0.125*255', 0xfb00],
  ['17/0-0:41.0.0*255', 0xfc00],
  ['1/0-0:42.0.0*255', 0xfd00],
]);

/** Names from one attribute or method to the next. */
export const NAME_STEP = 8;

/** Where the methods of a class begin. */
export interface MethodOffset {
  readonly classId: number;
  /** Version that the offset holds for, or null for every known one. */
  readonly version: number | null;
  /** From the base name to the name of method 1. */
  readonly offset: number;
  /** Independent public code bases that agree. */
  readonly certainty: 1 | 2;
}

const at = (classId: number, offset: number, certainty: 1 | 2 = 2, version: number | null = null): MethodOffset => ({
  classId,
  version,
  offset,
  certainty,
});

/** Every known offset. */
export const METHOD_OFFSETS: readonly MethodOffset[] = [
  at(3, 0x28),
  at(4, 0x38),
  at(5, 0x48),
  at(6, 0x30),
  at(7, 0x58, 2, 1),
  at(8, 0x60),
  at(9, 0x20),
  at(10, 0x20, 1),
  at(11, 0x10),
  at(12, 0x20),
  at(15, 0x60, 1),
  at(17, 0x20),
  at(18, 0x40),
  at(20, 0x50),
  at(40, 0x38, 2, 0),
  at(42, 0x60),
  at(61, 0x28),
  at(64, 0x28, 1, 0),
  at(64, 0x30, 1, 1),
  at(65, 0x20, 1, 0),
  at(67, 0x80, 1),
  at(70, 0x20),
  // Version 1 has attributes 13 and 14 where these methods begin, so the offset cannot hold for it.
  at(72, 0x60, 1, 0),
  at(100, 0x38, 1),
];

/** Where the methods of a class begin, or null when nobody has said so. */
export function methodOffsetOf(classId: number, version: number): number | null {
  const row = METHOD_OFFSETS.find((each) => each.classId === classId && (each.version ?? version) === version);
  return row?.offset ?? null;
}

/** An object and its base name: one element of the object list of association SN. */
export interface NamedObject {
  readonly baseName: number;
  readonly classId: number;
  readonly version: number;
  readonly obis: ObisCode;
}

/** Name of an attribute, or null when it has none (attribute 0, negative ones, beyond the last name). */
export function attributeNameOf({ baseName }: NamedObject, attributeId: number): number | null {
  const name = baseName + NAME_STEP * (attributeId - 1);
  return attributeId >= 1 && name <= 0xffff ? name : null;
}

/** Name of a method, or null when the class is not in {@link METHOD_OFFSETS}. */
export function methodNameOf({ baseName, classId, version }: NamedObject, methodId: number): number | null {
  const offset = methodOffsetOf(classId, version);
  if (offset === null || methodId < 1) return null;
  const name = baseName + offset + NAME_STEP * (methodId - 1);
  return name <= 0xffff ? name : null;
}

/** Reads the object list of association SN (class 12, attribute 2). Throws `DLMS_SHAPE` when it is none. */
export function namedObjectsOf(data: Data): NamedObject[] {
  if (data.type !== 'array' && data.type !== 'compact-array')
    throw dlmsError('DLMS_SHAPE', 'an object list is an array');
  return data.value.map((element) => {
    const [base, classId, version, name] = element.type === 'structure' ? element.value : [];
    const numbers = [base, classId, version].map(numberOf);
    const [baseName, class_, version_] = numbers;
    if (baseName == null || class_ == null || version_ == null || name?.type !== 'octet-string')
      throw dlmsError('DLMS_SHAPE', 'a named object is a structure of base name, class, version, logical name');
    // The base name is a long, so names from 8000 on come as negative numbers.
    return { baseName: baseName & 0xffff, classId: class_, version: version_, obis: obisFromOctets(name.value) };
  });
}

function numberOf(data: Data | undefined): number | null {
  return data !== undefined && 'value' in data && typeof data.value === 'number' ? data.value : null;
}

/** An object with the highest numbers of its attributes and methods, where they are known better than by its class. */
export interface PlacedObject extends NamedObject {
  readonly attributes?: number;
  readonly methods?: number;
}

/** What a name stands for. */
export interface NamedItem {
  readonly object: NamedObject;
  readonly kind: 'attribute' | 'method';
  /** Number of the attribute or method. */
  readonly id: number;
}

/** Which object has which base name, asked both ways. */
export class BaseNames {
  readonly #byObject: ReadonlyMap<string, NamedObject>;
  readonly #ascending: readonly PlacedObject[];

  constructor(readonly objects: readonly PlacedObject[]) {
    this.#byObject = new Map(objects.map((object) => [`${object.classId}/${object.obis}`, object]));
    this.#ascending = [...objects].sort((a, b) => a.baseName - b.baseName);
  }

  /** The object of this class and name; undefined when the list does not have it. */
  find(classId: number, obis: ObisCode): NamedObject | undefined {
    return this.#byObject.get(`${classId}/${obis}`);
  }

  /** What a name stands for; null when it lies between names, or belongs to nothing. */
  locate(name: number): NamedItem | null {
    const object = this.#ascending.findLast(({ baseName }) => baseName <= name);
    if (object === undefined) return null;
    const distance = name - object.baseName;
    if (distance % NAME_STEP !== 0) return null;
    const { attributes, methods } = sizesOf(object);
    const id = distance / NAME_STEP + 1;
    if (id <= attributes) return { object, kind: 'attribute', id };
    const offset = methodOffsetOf(object.classId, object.version);
    const methodId = offset === null || distance < offset ? 0 : (distance - offset) / NAME_STEP + 1;
    return methodId >= 1 && methodId <= methods ? { object, kind: 'method', id: methodId } : null;
  }
}

/** Attributes of a class that is not known: as many as any known class has, so that none of them is unreachable. */
const ATTRIBUTES_UNKNOWN_CLASS = 32;

/** Highest numbers of attributes and methods of an object's class. */
function sizesOf(object: Omit<PlacedObject, 'baseName' | 'obis'>): {
  readonly attributes: number;
  readonly methods: number;
} {
  const { classId, version } = object;
  const table = interfaceClassOf(classId, version, { unsureClasses: true })?.table;
  const highest = (items: readonly { readonly index: number }[] = []): number =>
    Math.max(0, ...items.map(({ index }) => index));
  const attributes = table === undefined ? ATTRIBUTES_UNKNOWN_CLASS : highest(table.attributes);
  return {
    attributes: Math.max(attributes, object.attributes ?? 0),
    methods: Math.max(highest(table?.methods), object.methods ?? 0),
  };
}

/** Names below this one are free for a meter's own objects. */
const FREE_NAMES_END = CURRENT_ASSOCIATION_NAME;
const FIRST_FREE_NAME = 0x0100;

/**
 * Gives base names to the objects of a meter: fixed ones where the standard has them, the others one after the other in the
 * order given, so that the same objects always get the same names. The association itself is added when it is missing.
 * Throws `DLMS_VALUE` when the names do not suffice (about 600 objects).
 */
export function assignBaseNames(objects: readonly Omit<PlacedObject, 'baseName'>[]): BaseNames {
  let next = FIRST_FREE_NAME;
  const own = { classId: ASSOCIATION_SN_CLASS, version: 2, obis: parseObis('0-0:40.0.0*255') };
  const rest = objects.filter(({ classId, obis }) => classId !== own.classId || obis !== own.obis);
  const named = [own, ...rest].map((object) => {
    const fixed = FIXED_NAMES.get(`${object.classId}/${object.obis}`);
    if (fixed !== undefined) return { ...object, baseName: fixed };
    const baseName = next;
    const { attributes, methods } = sizesOf(object);
    const span = Math.max(
      attributes * NAME_STEP,
      (methodOffsetOf(object.classId, object.version) ?? 0) + methods * NAME_STEP,
    );
    next += span;
    if (next > FREE_NAMES_END)
      throw dlmsError('DLMS_VALUE', `${objects.length} objects need more than 16 bits of names`);
    return { ...object, baseName };
  });
  return new BaseNames(named);
}
