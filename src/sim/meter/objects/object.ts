/** One COSEM object of a simulated meter. */
import type { Data } from '../../../dlms/axdr/data.ts';
import { interfaceClassOf } from '../../../dlms/cosem/classes/index.ts';
import { type ObisCode, obisToOctets } from '../../../dlms/cosem/obis.ts';
import { RESULT } from '../../../dlms/session/object-model.ts';
import type { ActionResult, GetDataResult, SelectiveAccess } from '../../../dlms/xdlms/service.ts';

/** An object that answers. Rights are checked before it is asked. */
export interface SimObject {
  readonly classId: number;
  readonly version: number;
  readonly obis: ObisCode;
  /** Attributes that it has; the class table says what they are. */
  readonly attributes: readonly number[];
  /** Attributes that a client may read. */
  readonly readable: readonly number[];
  /** Attributes that a client with control rights may write. */
  readonly writable: readonly number[];
  /** Methods that a client with control rights may invoke. */
  readonly methods: readonly number[];
  /** Selectors of attribute 2. */
  readonly selectors: readonly number[];
  /** Which clients see it beside those with reading rights. */
  readonly isPublic: boolean;
  read(attribute: number, access: SelectiveAccess | null): GetDataResult;
  /** Gives a data-access-result. */
  write(attribute: number, value: Data): number;
  invoke(method: number, parameters: Data | null): ActionResult;
}

/** What an object must say for itself; the rest has defaults. */
export interface SimObjectParts {
  readonly classId: number;
  readonly version: number;
  readonly obis: ObisCode;
  readonly writable?: readonly number[];
  readonly methods?: readonly number[];
  readonly selectors?: readonly number[];
  readonly isPublic?: boolean;
  /** Values of attributes from 2 on. */
  readonly values: Readonly<Record<number, (access: SelectiveAccess | null) => Data | number>>;
  readonly write?: (attribute: number, value: Data) => number;
  readonly invoke?: (method: number, parameters: Data | null) => number;
}

/** An object from its parts: attribute 1 is its name, an attribute without a value is refused, a number is a result code. */
export function simObject(parts: SimObjectParts): SimObject {
  const { classId, version, obis, values } = parts;
  const known = interfaceClassOf(classId, version)?.table.attributes.map((attribute) => attribute.index) ?? [];
  const attributes = known.filter((index) => index === 1 || values[index] !== undefined);
  const name: Data = { type: 'octet-string', value: obisToOctets(obis) };
  return {
    classId,
    version,
    obis,
    attributes,
    readable: attributes,
    writable: parts.writable ?? [],
    methods: parts.methods ?? [],
    selectors: parts.selectors ?? [],
    isPublic: parts.isPublic ?? false,
    read(attribute, access) {
      if (attribute === 1) return { data: name };
      const value = values[attribute]?.(access) ?? RESULT.objectUndefined;
      return typeof value === 'number' ? { dataAccessResult: value } : { data: value };
    },
    write: (attribute, value) => parts.write?.(attribute, value) ?? RESULT.readWriteDenied,
    invoke: (method, parameters) => ({
      actionResult: parts.invoke?.(method, parameters) ?? RESULT.readWriteDenied,
      returnParameters: null,
    }),
  };
}
