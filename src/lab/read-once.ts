/** Reading what was asked, in one association. The work of `deltawatt read`. */

import type { Env } from '../base/env.ts';
import type { Data } from '../dlms/axdr/data.ts';
import { type ClassRules, interfaceClassOf } from '../dlms/cosem/classes/index.ts';
import { dateTimeOfUtcMs } from '../dlms/cosem/datetime.ts';
import { objectListOfNames } from '../dlms/cosem/named-object-list.ts';
import { type ObisCode, parseObis } from '../dlms/cosem/obis.ts';
import { type ObjectListEntry, objectListOf } from '../dlms/cosem/object-list.ts';
import { rangeAccess } from '../dlms/cosem/selective-access.ts';
import { type ScalerUnit, scalerAttributeOf } from '../dlms/cosem/units.ts';
import type { MeterSession } from '../dlms/session/meter-session.ts';
import type { AttributeAccess, AttributeDescriptor, GetDataResult } from '../dlms/xdlms/service.ts';
import { throughAccess } from './access-session.ts';
import { type MeterTarget, withMeter } from './one-shot.ts';
import {
  type BufferColumnFacts,
  COMPACT_CLASS,
  captureObjectsIn,
  LIST_ATTRIBUTE,
  PROFILE_CLASS,
  type ShownAnswer,
  scalerUnitIn,
  shownAnswer,
} from './read-answer.ts';

/** What is used of a session. */
type Asking = Pick<MeterSession, 'association' | 'get'>;

/** What is asked. */
export interface ReadRequest extends MeterTarget, ReadWish {}

/** What is asked of a meter that is already signed on to. */
export interface ReadWish {
  readonly objects: readonly ReadObject[];
  /** Rows of profiles between these interval ends, UTC ms; both absent = all rows. */
  readonly fromMs?: number;
  readonly toMs?: number;
  /** Which class tables may be used. */
  readonly rules?: ClassRules;
}

/** An attribute or (`all`) everything readable; `classId` absent = found by asking the meter's object list. */
export interface ReadObject {
  readonly classId?: number;
  readonly obis: ObisCode;
  readonly attribute: number | 'all';
}

const CLOCK = { classId: 8, instanceId: '0-0:1.0.0*255' as ObisCode, attributeId: 2, dataIndex: 0 };
/** Range requests name their ends in UTC. */
const UTC_CLOCK = { deviation: 0 };
const CAPTURE_OBJECTS = 3;
const TEMPLATE_DESCRIPTION = 5;
/** Classes whose attribute 2 holds rows of what attribute 3 names. */
const ROW_CLASSES: readonly number[] = [PROFILE_CLASS, COMPACT_CLASS];
const VERSION_UNKNOWN = 255;

/** The list of what this client sees, in the association that is open. */
export const OBJECT_LIST: AttributeAccess = {
  classId: 15,
  instanceId: '0-0:40.0.0*255' as ObisCode,
  attributeId: 2,
  access: null,
};

/** The list of association SN, and which attribute of it tells rights. */
const NAMED_OBJECTS: AttributeAccess = { ...OBJECT_LIST, classId: 12 };
const ACCESS_RIGHTS = 3;

/** Parses `class/obis/attribute`, `class/obis` (all attributes) or a bare OBIS (attribute 2); null when it is none. */
export function parseReadObject(text: string): ReadObject | null {
  const [first = '', obis, attribute, ...rest] = text.split('/');
  const numbers = [first, attribute ?? '2'];
  try {
    if (obis === undefined) return { obis: parseObis(first), attribute: 2 };
    if (rest.length > 0 || !numbers.every((number) => /^\d{1,5}$/.test(number))) return null;
    const named = { classId: Number(first), obis: parseObis(obis) };
    return { ...named, attribute: attribute === undefined ? 'all' : Number(attribute) };
  } catch {
    return null;
  }
}

/** Reads everything that is asked in one association; rejects with the codes of LINK_ERRORS, FRAME_ERRORS, SESSION_ERRORS. */
export function readOnce(env: Env, request: ReadRequest): Promise<ShownAnswer[]> {
  return withMeter(env, request, (session) =>
    readObjects(request.access === true ? throughAccess(session) : session, request),
  );
}

/** Reads objects: the values first, then what is needed to show them (capture objects, scalers and units). */
export async function readObjects(session: Asking, wish: ReadWish): Promise<ShownAnswer[]> {
  const list = wish.objects.every(({ classId, attribute }) => classId !== undefined && attribute !== 'all')
    ? []
    : await readObjectList(session);
  const items = wish.objects.flatMap((object) => itemsOf(object, list, wish));
  const results = await readEach(session, items);
  const captured = await capturedColumns(session, items, results);
  const templates = await compactTemplates(session, items, results);
  const scalers = await readScalers(session, [...items, ...[...captured.values()].flat()]);
  const { rules = {} } = wish;
  return items.flatMap((item, at) => {
    const result = results[at];
    if (result === undefined) return [];
    const entry = list.find(({ classId, obis }) => classId === item.classId && obis === item.instanceId);
    const columns = captured
      .get(item.instanceId)
      ?.map((column) => ({ ...column, scalerUnit: scalerOf(scalers, column) }));
    return shownAnswer(item, result, {
      version: entry?.version ?? VERSION_UNKNOWN,
      rules,
      scalerUnit: scalerOf(scalers, item),
      columns: ROW_CLASSES.includes(item.classId) ? (columns ?? null) : null,
      template: templates.get(item.instanceId) ?? null,
    });
  });
}

/** The object list; empty when the meter does not give it to this client. */
export async function readObjectList(session: Asking): Promise<readonly ObjectListEntry[]> {
  if (session.association.referencing === 'short') return readNamedObjects(session);
  const [result] = await session.get([OBJECT_LIST]);
  return result !== undefined && 'data' in result ? objectListOf(result.data) : [];
}

/** The same by short names: rights come from an attribute that older associations do not have. */
async function readNamedObjects(session: Asking): Promise<readonly ObjectListEntry[]> {
  const [list] = await session.get([NAMED_OBJECTS]);
  if (list === undefined || !('data' in list)) return [];
  const [rights] = await session.get([{ ...NAMED_OBJECTS, attributeId: ACCESS_RIGHTS }]);
  return objectListOfNames(list.data, rights !== undefined && 'data' in rights ? rights.data : null);
}

function itemsOf(object: ReadObject, list: readonly ObjectListEntry[], wish: ReadWish): AttributeAccess[] {
  const entry = list.find(({ classId, obis }) => obis === object.obis && classId === (object.classId ?? classId));
  const classId = object.classId ?? entry?.classId ?? 1;
  const attributes = object.attribute === 'all' ? allAttributes(classId, entry, wish.rules) : [object.attribute];
  return attributes.map((attributeId) => {
    const descriptor = { classId, instanceId: object.obis, attributeId };
    return { ...descriptor, access: rangeOf(descriptor, wish) };
  });
}

/** What the association lets this client read, or else what the class table has. */
function allAttributes(classId: number, entry: ObjectListEntry | undefined, rules: ClassRules = {}): readonly number[] {
  const readable = entry?.attributes.filter(({ canRead }) => canRead).map(({ id }) => id) ?? [];
  if (readable.length > 0) return readable;
  const table = interfaceClassOf(classId, entry?.version ?? VERSION_UNKNOWN, rules)?.table;
  return table?.attributes.filter(({ access }) => access !== 'write').map(({ index }) => index) ?? [1, 2];
}

function rangeOf(descriptor: AttributeDescriptor, { fromMs, toMs }: ReadWish) {
  if (descriptor.classId !== PROFILE_CLASS || descriptor.attributeId !== LIST_ATTRIBUTE) return null;
  if (fromMs === undefined || toMs === undefined) return null;
  const moment = (atMs: number): Data => ({ type: 'date-time', value: dateTimeOfUtcMs(atMs, UTC_CLOCK) });
  return rangeAccess({ restricting: CLOCK, from: moment(fromMs), to: moment(toMs), columns: [] });
}

/** Buffers one by one (their answers are long), everything else in as few requests as the meter allows. */
async function readEach(session: Asking, items: readonly AttributeAccess[]): Promise<readonly GetDataResult[]> {
  const isBuffer = ({ classId, attributeId }: AttributeAccess) =>
    classId === PROFILE_CLASS && attributeId === LIST_ATTRIBUTE;
  const short = await session.get(items.filter((item) => !isBuffer(item)));
  const results: GetDataResult[] = [];
  let at = 0;
  for (const item of items) {
    const result = isBuffer(item) ? (await session.get([item]))[0] : short[at++];
    if (result !== undefined) results.push(result);
  }
  return results;
}

type Column = Omit<BufferColumnFacts, 'scalerUnit'>;

/** Capture objects of the buffers that were read, by logical name. */
async function capturedColumns(
  session: Asking,
  items: readonly AttributeAccess[],
  results: readonly GetDataResult[],
): Promise<ReadonlyMap<string, readonly Column[]>> {
  const asked = besideRows(items, results, ROW_CLASSES, CAPTURE_OBJECTS);
  const lists = await session.get(asked);
  return new Map(asked.map((item, at) => [item.instanceId, captureObjectsIn(lists[at]) ?? []]));
}

/** Template descriptions of the compact data that was read, by logical name. */
async function compactTemplates(
  session: Asking,
  items: readonly AttributeAccess[],
  results: readonly GetDataResult[],
): Promise<ReadonlyMap<string, Uint8Array>> {
  const asked = besideRows(items, results, [COMPACT_CLASS], TEMPLATE_DESCRIPTION);
  const answers = await session.get(asked);
  return new Map(
    asked.flatMap((item, at) => {
      const answer = answers[at];
      const data = answer !== undefined && 'data' in answer ? answer.data : undefined;
      return data?.type === 'octet-string' ? [[item.instanceId, data.value] as const] : [];
    }),
  );
}

/** Another attribute of each object of these classes whose rows (attribute 2) were read. */
function besideRows(
  items: readonly AttributeAccess[],
  results: readonly GetDataResult[],
  classes: readonly number[],
  attributeId: number,
): AttributeAccess[] {
  return items
    .filter(
      (item, at) =>
        classes.includes(item.classId) && item.attributeId === LIST_ATTRIBUTE && 'data' in (results[at] ?? {}),
    )
    .map((item) => ({ ...item, attributeId, access: null }));
}

/** Scaler and unit of every metered value among these attributes, by object. */
export async function readScalers(
  session: Asking,
  attributes: readonly AttributeDescriptor[],
): Promise<ReadonlyMap<string, ScalerUnit | null>> {
  const asked = new Map<string, AttributeAccess>();
  for (const { classId, instanceId, attributeId } of attributes) {
    const scaler = scalerAttributeOf(classId, attributeId);
    if (scaler === null) continue;
    asked.set(`${classId}/${instanceId}`, { classId, instanceId, attributeId: scaler, access: null });
  }
  const results = await session.get([...asked.values()]);
  return new Map([...asked.keys()].map((key, at) => [key, scalerUnitIn(results[at])]));
}

function scalerOf(
  scalers: ReadonlyMap<string, ScalerUnit | null>,
  { classId, instanceId, attributeId }: AttributeDescriptor,
): ScalerUnit | null {
  if (scalerAttributeOf(classId, attributeId) === null) return null;
  return scalers.get(`${classId}/${instanceId}`) ?? null;
}
