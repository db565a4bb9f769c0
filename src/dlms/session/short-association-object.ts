/** The current association as an object of class 12, name FA00 (Blue Book, association SN version 2). */
import type { Data } from '../axdr/data.ts';
import { obisFromOctets, obisToOctets } from '../cosem/obis.ts';
import { assignBaseNames, type BaseNames, methodNameOf, type NamedObject } from '../cosem/short-names.ts';
import type { GetDataResult, SelectiveAccess } from '../xdlms/service.ts';
import { CURRENT_ASSOCIATION } from './association-object.ts';
import { type ListedObject, RESULT } from './object-model.ts';

/** Attributes that this one has; 4, the reference to the security setup, comes with such an object. */
export const ASSOCIATION_SN_ATTRIBUTES = { logicalName: 1, objectList: 2, accessRights: 3 } as const;

/** Selectors of object list and access rights: 1 by class, 2 by class and logical name. */
const SELECTOR = { byClass: 1, byObject: 2 } as const;

const u8 = (value: number): Data => ({ type: 'unsigned', value });
const u16 = (value: number): Data => ({ type: 'long-unsigned', value });
const i8 = (value: number): Data => ({ type: 'integer', value });
const enumOf = (value: number): Data => ({ type: 'enum', value });
const structure = (...value: Data[]): Data => ({ type: 'structure', value });
const array = (value: readonly Data[]): Data => ({ type: 'array', value });
/** Names are sent as a signed integer of 16 bits. */
const nameData = (name: number): Data => ({ type: 'long', value: (name << 16) >> 16 });

/** Gives names to everything in a list; of objects that a client sees less of, too, so give the longest list. */
export function namesOfObjects(list: readonly ListedObject[]): BaseNames {
  return assignBaseNames(
    list.map(({ classId, version, instanceId, attributes, methods }) => ({
      classId,
      version,
      obis: instanceId,
      attributes: Math.max(0, ...attributes.map(({ id }) => id)),
      methods: Math.max(0, ...methods.map(({ id }) => id)),
    })),
  );
}

/** An object that a client sees, with its name. */
export interface SeenObject {
  readonly named: NamedObject;
  readonly listed: ListedObject;
}

/** The objects of a list that have names. */
export function seenObjects(names: BaseNames, list: readonly ListedObject[]): SeenObject[] {
  return list.flatMap((listed) => {
    const named = names.find(listed.classId, listed.instanceId);
    return named === undefined ? [] : [{ named, listed }];
  });
}

/** Reads one of its attributes. */
export function readShortAssociation(
  attributeId: number,
  access: SelectiveAccess | null,
  objects: readonly SeenObject[],
): GetDataResult {
  if (attributeId === ASSOCIATION_SN_ATTRIBUTES.logicalName)
    return { data: { type: 'octet-string', value: obisToOctets(CURRENT_ASSOCIATION) } };
  const write = ELEMENTS.get(attributeId);
  if (write === undefined) return { dataAccessResult: RESULT.objectUndefined };
  if (access === null) return { data: array(objects.map(write)) };
  return selected(access, objects, write);
}

/** What an element of a list says of an object, by attribute. */
const ELEMENTS: ReadonlyMap<number, (object: SeenObject) => Data> = new Map([
  [ASSOCIATION_SN_ATTRIBUTES.objectList, listElement],
  [ASSOCIATION_SN_ATTRIBUTES.accessRights, rights],
]);

function selected(
  { selector, parameters }: SelectiveAccess,
  objects: readonly SeenObject[],
  write: (object: SeenObject) => Data,
): GetDataResult {
  if (selector === SELECTOR.byClass) {
    const classes = (parameters.type === 'array' ? parameters.value : [parameters]).map(numberOf);
    return { data: array(objects.filter(({ named }) => classes.includes(named.classId)).map(write)) };
  }
  const [classId, name] = parameters.type === 'structure' ? parameters.value : [];
  if (selector !== SELECTOR.byObject || name?.type !== 'octet-string' || name.value.length !== 6)
    return { dataAccessResult: RESULT.typeUnmatched };
  const obis = obisFromOctets(name.value);
  const found = objects.find(({ named }) => named.classId === numberOf(classId) && named.obis === obis);
  return found === undefined ? { dataAccessResult: RESULT.objectUndefined } : { data: write(found) };
}

function numberOf(data: Data | undefined): number | null {
  return data !== undefined && 'value' in data && typeof data.value === 'number' ? data.value : null;
}

function listElement({ named: { baseName, classId, version, obis } }: SeenObject): Data {
  return structure(nameData(baseName), u16(classId), u8(version), { type: 'octet-string', value: obisToOctets(obis) });
}

/** Methods without a name are left out: they cannot be called. */
function rights({ named, listed: { attributes, methods } }: SeenObject): Data {
  const attributeItems = attributes.map(({ id, access, selectors }) =>
    structure(i8(id), enumOf(access), selectors === undefined ? { type: 'null-data' } : array(selectors.map(i8))),
  );
  const methodItems = methods
    .filter(({ id }) => methodNameOf(named, id) !== null)
    .map(({ id, access }) => structure(i8(id), enumOf(access ? 1 : 0)));
  return structure(nameData(named.baseName), array(attributeItems), array(methodItems));
}
