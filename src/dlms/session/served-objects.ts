/**
 * The objects of one association as its services see them: rights first, then the device; the association's own object; and
 * attribute 0, which stands for all attributes of an object (Blue Book, referencing attributes).
 */
import type { Data } from '../axdr/data.ts';
import type {
  ActionResult,
  AttributeAccess,
  AttributeDescriptor,
  GetDataResult,
  MethodDescriptor,
} from '../xdlms/service.ts';
import {
  ASSOCIATION_CLASS,
  ASSOCIATION_LISTED,
  type AssociationFacts,
  CURRENT_ASSOCIATION,
  readAssociation,
} from './association-object.ts';
import { type ListedAttribute, type ListedObject, type ObjectModel, RESULT } from './object-model.ts';
import { Rights } from './rights.ts';

const ALL_ATTRIBUTES = 0;
const NULL_DATA: Data = { type: 'null-data' };

/** What one client may see and do. */
export class ServedObjects {
  readonly #model: ObjectModel;
  readonly #facts: AssociationFacts;
  readonly #rights: Rights;

  constructor(model: ObjectModel, facts: Omit<AssociationFacts, 'objects'>) {
    const listed = model.objectList(facts.client);
    const hasOwn = listed.some(isOwnAssociation);
    const objects: readonly ListedObject[] = hasOwn ? listed : [ASSOCIATION_LISTED, ...listed];
    this.#model = model;
    this.#facts = { ...facts, objects };
    this.#rights = new Rights(objects);
  }

  /** Reads an attribute; `all` = attribute 0 means every attribute, null-data where the client may not read. */
  read({ access, ...attribute }: AttributeAccess, all: boolean): GetDataResult {
    if (attribute.attributeId === ALL_ATTRIBUTES && all) return this.#readAll(attribute);
    const refused = this.#rights.attribute(attribute, 1);
    if (refused !== RESULT.success) return { dataAccessResult: refused };
    if (isOwnAssociation(attribute)) return readAssociation(attribute.attributeId, this.#facts);
    return this.#model.read(attribute, access, this.#facts.client);
  }

  #readAll(object: AttributeDescriptor): GetDataResult {
    const attributes = this.#rights.attributesOf(object);
    if (typeof attributes === 'number') return { dataAccessResult: attributes };
    const value = attributes.map(({ id }) => {
      const result = this.read({ ...object, attributeId: id, access: null }, false);
      return 'data' in result ? result.data : NULL_DATA;
    });
    return { data: { type: 'structure', value } };
  }

  /** Writes an attribute; `all` = attribute 0 takes a structure of all, null-data for those that stay as they are. */
  write({ access, ...attribute }: AttributeAccess, value: Data, all: boolean): number {
    if (attribute.attributeId === ALL_ATTRIBUTES && all) return this.#writeAll(attribute, value);
    const refused = this.#rights.attribute(attribute, 2);
    if (refused !== RESULT.success) return refused;
    return this.#model.write(attribute, access, value, this.#facts.client);
  }

  /** Nothing is written unless every one may be; after that the first refusal of the device ends it. */
  #writeAll(object: AttributeDescriptor, value: Data): number {
    const attributes = this.#rights.attributesOf(object);
    if (typeof attributes === 'number') return attributes;
    if (value.type !== 'structure' || value.value.length !== attributes.length) return RESULT.typeUnmatched;
    const writes = value.value.flatMap((item, at) => {
      const attribute: ListedAttribute | undefined = attributes[at];
      return attribute === undefined || item.type === 'null-data'
        ? []
        : [{ attribute: { ...object, attributeId: attribute.id }, item }];
    });
    const forbidden = writes.map((write) => this.#rights.attribute(write.attribute, 2)).find(isRefusal);
    if (forbidden !== undefined) return forbidden;
    for (const { attribute, item } of writes) {
      const result = this.#model.write(attribute, null, item, this.#facts.client);
      if (isRefusal(result)) return result;
    }
    return RESULT.success;
  }

  /** Invokes a method. A list has no way to leave parameters out: null-data is none, in every form alike. */
  invoke(method: MethodDescriptor, parameters: Data | null): ActionResult {
    const refused = this.#rights.method(method);
    if (refused !== RESULT.success) return { actionResult: refused, returnParameters: null };
    const given = parameters?.type === 'null-data' ? null : parameters;
    return this.#model.invoke(method, given, this.#facts.client);
  }
}

function isRefusal(result: number): boolean {
  return result !== RESULT.success;
}

function isOwnAssociation({ classId, instanceId }: { readonly classId: number; readonly instanceId: string }): boolean {
  return classId === ASSOCIATION_CLASS && instanceId === CURRENT_ASSOCIATION;
}
