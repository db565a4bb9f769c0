/** Access rights of one association: what the object list says, asked quickly. */
import type { AttributeDescriptor, MethodDescriptor } from '../xdlms/service.ts';
import { ATTRIBUTE_ACCESS, type ListedAttribute, type ListedObject, RESULT } from './object-model.ts';

/** Looks rights up; every answer is a result code, 0 = allowed. */
export class Rights {
  readonly #objects: ReadonlyMap<string, ListedObject>;
  readonly #classes: ReadonlyMap<string, number>;

  constructor(readonly list: readonly ListedObject[]) {
    this.#objects = new Map(list.map((object) => [`${object.classId}/${object.instanceId}`, object]));
    this.#classes = new Map(list.map((object) => [object.instanceId, object.classId]));
  }

  /** Whether the attribute may be read (1) or written (2). */
  attribute({ classId, instanceId, attributeId }: AttributeDescriptor, wanted: 1 | 2): number {
    const object = this.#objects.get(`${classId}/${instanceId}`);
    if (object === undefined) return this.#missing(instanceId);
    const attribute = object.attributes.find(({ id }) => id === attributeId);
    if (attribute === undefined) return RESULT.objectUndefined;
    return (attribute.access & ATTRIBUTE_ACCESS.readWrite & wanted) !== 0 ? RESULT.success : RESULT.readWriteDenied;
  }

  /** The attributes of an object, by index; or the result that says that there is no such object. */
  attributesOf({ classId, instanceId }: AttributeDescriptor): readonly ListedAttribute[] | number {
    const object = this.#objects.get(`${classId}/${instanceId}`);
    return object?.attributes.toSorted((a, b) => a.id - b.id) ?? this.#missing(instanceId);
  }

  /** Whether the method may be invoked. */
  method({ classId, instanceId, methodId }: MethodDescriptor): number {
    const object = this.#objects.get(`${classId}/${instanceId}`);
    if (object === undefined) return this.#missing(instanceId);
    const method = object.methods.find(({ id }) => id === methodId);
    if (method === undefined) return RESULT.objectUndefined;
    return method.access ? RESULT.success : RESULT.readWriteDenied;
  }

  #missing(instanceId: string): number {
    return this.#classes.has(instanceId) ? RESULT.objectClassInconsistent : RESULT.objectUndefined;
  }
}
