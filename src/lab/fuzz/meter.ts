/** The device behind the sessions that are fuzzed: a little of everything, and a note of what was done to it. */
import type { Data } from '../../dlms/axdr/data.ts';
import { type ObisCode, obisOf } from '../../dlms/cosem/obis.ts';
import { type ListedObject, type ObjectModel, RESULT } from '../../dlms/session/object-model.ts';
import type { ActionResult, AttributeAccess, AttributeDescriptor, GetDataResult } from '../../dlms/xdlms/service.ts';

const REGISTER_CLASS = 3;
const PROFILE_CLASS = 7;
const ROWS = 40;

/** A register that every client may read. */
export const REGISTER: AttributeAccess = {
  classId: REGISTER_CLASS,
  instanceId: obisOf(1, 0, 1, 8, 0),
  attributeId: 2,
  access: null,
};
/** A buffer of 40 rows, longer than a small PDU. */
export const PROFILE: AttributeAccess = {
  classId: PROFILE_CLASS,
  instanceId: obisOf(1, 0, 99, 1, 0),
  attributeId: 2,
  access: null,
};
/** A text that may be written. */
export const TEXT: AttributeAccess = {
  classId: 1,
  instanceId: obisOf(0, 0, 96, 13, 0),
  attributeId: 2,
  access: null,
};
/** The relay: its methods are what an attacker wants. */
export const RELAY = { classId: 70, instanceId: obisOf(0, 0, 96, 3, 10), methodId: 1 } as const;

const VALUE: Data = { type: 'double-long-unsigned', value: 12_345 };
const ROW: Data = { type: 'structure', value: [VALUE, { type: 'null-data' }, VALUE] };
const BUFFER: Data = { type: 'array', value: Array.from({ length: ROWS }, () => ROW) };

/** The device. `touched` counts writes and methods. */
export class FuzzMeter implements ObjectModel {
  touched = 0;

  objectList(client: number): readonly ListedObject[] {
    const rights = client === PUBLIC_SAP ? 1 : 3;
    const object = (classId: number, instanceId: ObisCode, access: number): ListedObject => ({
      classId,
      version: 0,
      instanceId,
      attributes: [
        { id: 1, access: 1 },
        { id: 2, access, selectors: [1, 2] },
      ],
      methods: [1, 2].map((id) => ({ id, access: client !== PUBLIC_SAP })),
    });
    return [
      object(REGISTER.classId, REGISTER.instanceId, 1),
      object(PROFILE.classId, PROFILE.instanceId, 1),
      object(TEXT.classId, TEXT.instanceId, rights),
      object(RELAY.classId, RELAY.instanceId, 1),
    ];
  }

  read({ classId }: AttributeDescriptor): GetDataResult {
    if (classId === REGISTER_CLASS) return { data: VALUE };
    return classId === PROFILE_CLASS ? { data: BUFFER } : { dataAccessResult: RESULT.objectUnavailable };
  }

  write(): number {
    this.touched++;
    return RESULT.success;
  }

  invoke(): ActionResult {
    this.touched++;
    return { actionResult: RESULT.success, returnParameters: null };
  }
}

/** The client without rights. */
export const PUBLIC_SAP = 16;
