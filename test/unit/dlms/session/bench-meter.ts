/** A small device for session tests: numbered registers, one long profile, one writable text, methods that count. */
import type { Data } from '../../../../src/dlms/axdr/data.ts';
import { type ObisCode, obisOf, obisToOctets } from '../../../../src/dlms/cosem/obis.ts';
import { type ListedObject, type ObjectModel, RESULT } from '../../../../src/dlms/session/object-model.ts';
import type {
  ActionResult,
  AttributeAccess,
  AttributeDescriptor,
  GetDataResult,
  MethodDescriptor,
  SelectiveAccess,
} from '../../../../src/dlms/xdlms/service.ts';

export const REGISTERS = 40;
export const PROFILE: ObisCode = obisOf(1, 0, 99, 1, 0);
export const TEXT: ObisCode = obisOf(0, 0, 96, 13, 0);
export const SECRET: ObisCode = obisOf(0, 0, 96, 13, 1);
export const SCRIPT: ObisCode = obisOf(0, 0, 10, 0, 1);

export function register(number: number): AttributeAccess {
  return { classId: 3, instanceId: obisOf(1, 0, number, 8, 0), attributeId: 2, access: null };
}

export function attributeOf(
  classId: number,
  instanceId: ObisCode,
  attributeId = 2,
  access: SelectiveAccess | null = null,
): AttributeAccess {
  return { classId, instanceId, attributeId, access };
}

export const PROFILE_ROWS: Data = {
  type: 'array',
  value: Array.from({ length: 96 }, (_, row) => ({
    type: 'structure' as const,
    value: Array.from({ length: 6 }, (_, column) => ({
      type: 'double-long-unsigned' as const,
      value: row * 1_000 + column,
    })),
  })),
};

/** The model, with what was done to it. */
export class BenchMeter implements ObjectModel {
  readonly written: Data[] = [];
  readonly invoked: (Data | null)[] = [];
  text: Data = { type: 'octet-string', value: new Uint8Array(0) };

  objectList(client: number): readonly ListedObject[] {
    const object = (classId: number, instanceId: ObisCode, access: number, methods: number[] = []): ListedObject => ({
      classId,
      version: 0,
      instanceId,
      attributes: [
        { id: 1, access: 1 },
        { id: 2, access },
      ],
      methods: methods.map((id) => ({ id, access: client !== 16 })),
    });
    return [
      ...Array.from({ length: REGISTERS }, (_, number) => object(3, obisOf(1, 0, number, 8, 0), 1)),
      object(7, PROFILE, 1),
      object(1, TEXT, client === 16 ? 1 : 3),
      object(1, SECRET, 0),
      object(9, SCRIPT, 1, [1, 2]),
    ];
  }

  read({ classId, instanceId, attributeId }: AttributeDescriptor, access: SelectiveAccess | null): GetDataResult {
    if (attributeId === 1) return { data: { type: 'octet-string', value: obisToOctets(instanceId) } };
    if (classId === 3)
      return { data: { type: 'double-long-unsigned', value: Number(instanceId.split(':')[1]?.split('.')[0]) * 100 } };
    if (instanceId === TEXT) return { data: this.text };
    if (instanceId !== PROFILE || PROFILE_ROWS.type !== 'array') return { dataAccessResult: RESULT.objectUnavailable };
    const rows = access === null ? PROFILE_ROWS.value : PROFILE_ROWS.value.slice(0, access.selector);
    return { data: { type: 'array', value: rows } };
  }

  write(_attribute: AttributeDescriptor, _access: SelectiveAccess | null, value: Data): number {
    this.written.push(value);
    this.text = value;
    return value.type === 'octet-string' ? RESULT.success : RESULT.typeUnmatched;
  }

  invoke(method: MethodDescriptor, parameters: Data | null): ActionResult {
    this.invoked.push(parameters);
    return {
      actionResult: 0,
      returnParameters: method.methodId === 2 && parameters !== null ? { data: parameters } : null,
    };
  }
}
