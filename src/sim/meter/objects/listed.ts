/**
 * An object of any class, as a file of objects lists it: it holds its values, takes what is written to it when the type is
 * right, and has no behaviour of its own.
 */
import type { Data, DataType } from '../../../dlms/axdr/data.ts';
import type { ClassMethod, InterfaceClass } from '../../../dlms/cosem/interface-class.ts';
import { type ObisCode, obisToOctets } from '../../../dlms/cosem/obis.ts';
import { fitsType } from '../../../dlms/cosem/type-fit.ts';
import { attributeTypeOf } from '../../../dlms/cosem/type-text.ts';
import { RESULT } from '../../../dlms/session/object-model.ts';
import type { SimObject } from './object.ts';

/** One object of the file, every attribute with its value. */
export interface ListedObjectRule {
  readonly table: InterfaceClass;
  readonly obis: ObisCode;
  /** Values of the attributes from 2 on. */
  readonly values: ReadonlyMap<number, Data>;
  /** Attributes from 2 on that a client may read, and those that one with control rights may write. */
  readonly readable: readonly number[];
  readonly writable: readonly number[];
  /** Seen by clients without reading rights too. */
  readonly isPublic: boolean;
}

/** An object that holds values; each meter has its own. */
export function listedObject(rule: ListedObjectRule): SimObject {
  const { table, obis } = rule;
  const values = new Map(rule.values);
  const name: Data = { type: 'octet-string', value: obisToOctets(obis) };
  return {
    classId: table.id,
    version: table.version,
    obis,
    attributes: table.attributes.map(({ index }) => index),
    readable: [1, ...rule.readable],
    writable: rule.writable,
    methods: table.methods.map(({ index }) => index),
    selectors: [],
    isPublic: rule.isPublic,
    read(attribute) {
      const value = attribute === 1 ? name : values.get(attribute);
      return value === undefined ? { dataAccessResult: RESULT.objectUndefined } : { data: value };
    },
    write(attribute, value) {
      const known = table.attributes.find(({ index }) => index === attribute);
      if (known === undefined) return RESULT.objectUndefined;
      if (!fitsType(value, attributeTypeOf(table, known))) return RESULT.typeUnmatched;
      values.set(attribute, value);
      return RESULT.success;
    },
    invoke(index, parameters) {
      const method = table.methods.find((each) => each.index === index);
      // A method without behaviour that said yes would be a lie.
      const actionResult =
        method !== undefined && takes(method, parameters) ? RESULT.otherReason : RESULT.typeUnmatched;
      return { actionResult, returnParameters: null };
    },
  };
}

/** Whether the parameters are of the type that the class gives; their fields are not looked at. */
function takes({ argument }: ClassMethod, parameters: Data | null): boolean {
  if (argument === null || argument === 'choice') return true;
  const type: DataType = argument;
  if (parameters === null) return false;
  if (type === 'array' || type === 'structure') return parameters.type === type;
  return parameters.type !== 'null-data' && fitsType(parameters, { kind: 'plain', type, size: null });
}
