/** What a meter shows a client: its object list, with units, types and periods read from the objects. Under `deltawatt scan`. */

import type { Env } from '../base/env.ts';
import type { Data, DataType } from '../dlms/axdr/data.ts';
import type { CaptureObject } from '../dlms/cosem/capture-object.ts';
import type { ObisCode } from '../dlms/cosem/obis.ts';
import type { AttributeRight, ObjectListEntry } from '../dlms/cosem/object-list.ts';
import { type ScalerUnit, scalerAttributeOf } from '../dlms/cosem/units.ts';
import type { MeterSession } from '../dlms/session/meter-session.ts';
import type { AttributeAccess, GetDataResult } from '../dlms/xdlms/service.ts';
import { type MeterTarget, withMeter } from './one-shot.ts';
import { captureObjectsIn, PROFILE_CLASS, scalerUnitIn } from './read-answer.ts';
import { readObjectList } from './read-once.ts';

/** One object and what it says of itself. Facts are null where this client may not read them or the class has none. */
export interface ScannedObject extends ObjectListEntry {
  /** Type in which the value (attribute 2) is sent; not asked of buffers. */
  readonly valueType: DataType | null;
  readonly scalerUnit: ScalerUnit | null;
  readonly buffer: ScannedBuffer | null;
  /** Text of a data object (class 1): logical device name, serial number. */
  readonly text: string | null;
  /** Attribute 4 of a disconnect control. */
  readonly controlMode: number | null;
}

/** A profile generic. */
export interface ScannedBuffer {
  readonly columns: readonly CaptureObject[];
  /** Seconds; 0 = rows come at events, not at times. */
  readonly periodS: number | null;
  /** Rows that it holds at most. */
  readonly rowsMax: number | null;
}

/** What one client sees. */
export interface ClientScan {
  readonly client: number;
  readonly security: 'none' | 'lls';
  readonly framing: 'hdlc' | 'wrapper';
  readonly referencing: MeterTarget['referencing'];
  readonly server: MeterTarget['server'];
  readonly objects: readonly ScannedObject[];
}

const DATA_CLASS = 1;
const DISCONNECT_CLASS = 70;
const VALUE = 2;
const CAPTURE_OBJECTS = 3;
const CAPTURE_PERIOD = 4;
const PROFILE_ENTRIES = 8;
const CONTROL_MODE = 4;
/** Octets of texts that are names and numbers of a device; longer ones are something else. */
const TEXT_MAX_OCTETS = 64;

/** Scans a meter as one client. Rejects with the codes of LINK_ERRORS, FRAME_ERRORS, SESSION_ERRORS. */
export function scanOnce(env: Env, target: MeterTarget): Promise<ClientScan> {
  return withMeter(env, target, async (session, framing) => ({
    client: target.client,
    security: target.authentication.mechanism === 'none' ? 'none' : 'lls',
    framing,
    referencing: target.referencing,
    server: target.server,
    objects: await scanObjects(session),
  }));
}

/** The object list, then every fact of every object in as few requests as the meter allows. */
export async function scanObjects(session: MeterSession): Promise<ScannedObject[]> {
  const list = await readObjectList(session);
  const asked = list.flatMap(factsAsked);
  const results = await session.get(asked);
  const found = new Map(asked.map((item, at) => [keyOf(item.classId, item.instanceId, item.attributeId), results[at]]));
  return list.map((entry) => {
    const fact = (attributeId: number) => found.get(keyOf(entry.classId, entry.obis, attributeId));
    return scanned(entry, fact);
  });
}

function keyOf(classId: number, obis: ObisCode, attributeId: number): string {
  return `${classId}/${obis}/${attributeId}`;
}

/** Attributes that tell something of the object and that this client may read. */
function factsAsked({ classId, obis, attributes }: ObjectListEntry): AttributeAccess[] {
  const wanted = wantedOf(classId);
  return attributes
    .filter(({ id, canRead }: AttributeRight) => canRead && wanted.includes(id))
    .map(({ id }) => ({ classId, instanceId: obis, attributeId: id, access: null }));
}

function wantedOf(classId: number): readonly number[] {
  if (classId === PROFILE_CLASS) return [CAPTURE_OBJECTS, CAPTURE_PERIOD, PROFILE_ENTRIES];
  if (classId === DISCONNECT_CLASS) return [CONTROL_MODE];
  if (classId === DATA_CLASS) return [VALUE];
  const scaler = scalerAttributeOf(classId, VALUE);
  return scaler === null ? [] : [VALUE, scaler];
}

function scanned(entry: ObjectListEntry, fact: (attributeId: number) => GetDataResult | undefined): ScannedObject {
  const { classId } = entry;
  const scaler = scalerAttributeOf(classId, VALUE);
  const value = dataOf(fact(VALUE));
  const columns = captureObjectsIn(classId === PROFILE_CLASS ? fact(CAPTURE_OBJECTS) : undefined);
  return {
    ...entry,
    valueType: value?.type ?? null,
    scalerUnit: scaler === null ? null : scalerUnitIn(fact(scaler)),
    buffer:
      columns === null
        ? null
        : { columns, periodS: numberOf(fact(CAPTURE_PERIOD)), rowsMax: numberOf(fact(PROFILE_ENTRIES)) },
    text: classId === DATA_CLASS && value !== null ? textOf(value) : null,
    controlMode: classId === DISCONNECT_CLASS ? numberOf(fact(CONTROL_MODE)) : null,
  };
}

function dataOf(result: GetDataResult | undefined): Data | null {
  return result !== undefined && 'data' in result ? result.data : null;
}

function numberOf(result: GetDataResult | undefined): number | null {
  const data = dataOf(result);
  return data !== null && 'value' in data && typeof data.value === 'number' ? data.value : null;
}

function textOf(data: Data): string | null {
  if (data.type === 'visible-string' || data.type === 'utf8-string') return data.value;
  if (data.type !== 'octet-string' || data.value.length === 0 || data.value.length > TEXT_MAX_OCTETS) return null;
  const isText = data.value.every((octet) => octet >= 0x20 && octet < 0x7f);
  return isText ? new TextDecoder().decode(data.value) : null;
}
