/** The object list of association SN (class 12) in the form of the other one: what a client sees, and what it may do there. */
import type { Data } from '../axdr/data.ts';
import { type ClassRules, interfaceClassOf } from './classes/index.ts';
import { attributeRightsOf, methodRightsOf, type ObjectListEntry } from './object-list.ts';
import { type NamedObject, namedObjectsOf } from './short-names.ts';

/**
 * The objects of attribute 2, with their rights out of attribute 3. Where the meter gives no rights (`rights` null, or an
 * object that is not among them) everything that the class table has counts as readable and nothing as more: the meter's
 * answer then decides. Throws `DLMS_SHAPE` when `list` is no list of named objects.
 */
export function objectListOfNames(list: Data, rights: Data | null, rules: ClassRules = {}): ObjectListEntry[] {
  const byName = rightsByName(rights);
  return namedObjectsOf(list).map((object) => ({
    classId: object.classId,
    version: object.version,
    obis: object.obis,
    ...(byName.get(object.baseName) ?? usualRights(object, rules)),
  }));
}

type ObjectRights = Pick<ObjectListEntry, 'attributes' | 'methods'>;

function rightsByName(rights: Data | null): ReadonlyMap<number, ObjectRights> {
  const found = new Map<number, ObjectRights>();
  for (const element of rights?.type === 'array' ? rights.value : []) {
    const [name, attributes, methods] = element.type === 'structure' ? element.value : [];
    if (name?.type !== 'long' && name?.type !== 'long-unsigned') continue;
    found.set(name.value & 0xffff, { attributes: attributeRightsOf(attributes), methods: methodRightsOf(methods) });
  }
  return found;
}

function usualRights({ classId, version }: NamedObject, rules: ClassRules): ObjectRights {
  const table = interfaceClassOf(classId, version, rules)?.table;
  const ids = table?.attributes.map(({ index }) => index) ?? [1, 2];
  return { attributes: ids.map((id) => ({ id, canRead: true, canWrite: false, selectors: [] })), methods: [] };
}
