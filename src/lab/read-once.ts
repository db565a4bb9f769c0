/** A one-shot client: opens a line, signs on, reads what was asked, ends politely. The work of `deltawatt read`. */

import { toHex } from '../base/bytes.ts';
import type { Env } from '../base/env.ts';
import type { Data } from '../dlms/axdr/data.ts';
import { dataToOctets } from '../dlms/axdr/decode.ts';
import { interfaceClassOf } from '../dlms/cosem/classes/index.ts';
import { dateTimeOfUtcMs } from '../dlms/cosem/datetime.ts';
import { type ObisCode, parseObis } from '../dlms/cosem/obis.ts';
import { rangeAccess } from '../dlms/cosem/selective-access.ts';
import { scalerUnitOf, unitSymbol } from '../dlms/cosem/units.ts';
import { shapeOfData } from '../dlms/explain/data-shape.ts';
import type { Json } from '../dlms/explain/json.ts';
import type { HdlcAddress } from '../dlms/frame/hdlc-address.ts';
import { HdlcClient } from '../dlms/frame/hdlc-client.machine.ts';
import type { ClientTransport } from '../dlms/frame/transport.ts';
import { WrapperClient } from '../dlms/frame/wrapper.machine.ts';
import type { Authentication } from '../dlms/session/association.ts';
import { type MeterSession, openSession } from '../dlms/session/meter-session.ts';
import { DATA_ACCESS_RESULTS, nameOf } from '../dlms/xdlms/results.ts';
import type { AttributeAccess, GetDataResult } from '../dlms/xdlms/service.ts';
import { LineDriver } from '../link/drive.ts';
import type { LineLink } from '../link/link.ts';
import { linkOf } from '../link/registry.ts';
import { decimalText, exact } from '../model/number.ts';

/** What is asked. */
export interface ReadRequest {
  readonly link: string;
  /** Client SAP, 1-127. */
  readonly client: number;
  /** Logical device; `physical` is the lower HDLC address, absent = one-octet address. */
  readonly server: { readonly logical: number; readonly physical?: number };
  readonly authentication: Authentication;
  /** Rows of profiles between these interval ends, UTC ms; both absent = all rows. */
  readonly fromMs?: number;
  readonly toMs?: number;
  readonly objects: readonly ReadObject[];
  readonly requestTimeoutMs: number;
}

/** An attribute; `classId` absent = found by asking the meter's object list. */
export interface ReadObject {
  readonly classId?: number;
  readonly obis: ObisCode;
  readonly attribute: number;
}

/** What one attribute answered. */
export interface ReadAnswer {
  readonly classId: number;
  readonly className: string;
  readonly obis: string;
  readonly attribute: number;
  /** Data-access-result in words; `success` when there is a value. */
  readonly result: string;
  readonly data?: Json;
  /** The metered value with its exponent applied, exact, and its unit. */
  readonly value?: string;
  readonly unit?: string;
  readonly hex?: string;
}

const REGISTER_CLASSES: readonly number[] = [3, 4];
const DEMAND_CLASS = 5;
const PROFILE_CLASS = 7;
const CLOCK = { classId: 8, instanceId: '0-0:1.0.0*255' as ObisCode, attributeId: 2, dataIndex: 0 };
const HDLC_WANTED = {
  informationTransmitBytes: 1024,
  informationReceiveBytes: 1024,
  windowTransmit: 1,
  windowReceive: 1,
};
/** Range requests name their ends in UTC. */
const UTC_CLOCK = { deviation: 0 };
const OBJECT_LIST = { classId: 15, instanceId: '0-0:40.0.0*255' as ObisCode, attributeId: 2, access: null };

/** Parses `class/obis/attribute` or a bare OBIS (attribute 2, class from the meter); null when it is neither. */
export function parseReadObject(text: string): ReadObject | null {
  const parts = text.split('/');
  try {
    if (parts.length === 1) return { obis: parseObis(text), attribute: 2 };
    const [classId, obis, attribute] = parts;
    const numbers = [Number(classId), Number(attribute)];
    if (parts.length !== 3 || obis === undefined || !numbers.every(Number.isInteger)) return null;
    return { classId: Number(classId), obis: parseObis(obis), attribute: Number(attribute) };
  } catch {
    return null;
  }
}

/** Reads everything that is asked in one association; rejects with the codes of LINK_ERRORS, FRAME_ERRORS, SESSION_ERRORS. */
export async function readOnce(env: Env, request: ReadRequest): Promise<ReadAnswer[]> {
  const link = linkOf(request.link, env);
  if (link.kind !== 'line' || link.purpose !== 'ask')
    throw new RangeError(`${request.link} cannot be asked, it listens`);
  const driver = new LineDriver(await link.open(), env);
  try {
    const session = await openSession(driver, transportOf(link, request), {
      authentication: request.authentication,
      requestTimeoutMs: request.requestTimeoutMs,
      clientPduMaxBytes: Math.min(link.capabilities.maxPduBytes, 65_535),
    });
    try {
      return await readAll(session, request);
    } finally {
      await session.release();
    }
  } finally {
    driver.close();
  }
}

function transportOf(link: LineLink, { client, server }: ReadRequest): ClientTransport {
  if (link.framing === 'wrapper') return new WrapperClient({ client, server: server.logical });
  const { gapMs, octetMs } = link;
  return new HdlcClient({ client, server: hdlcAddress(server), parameters: HDLC_WANTED, gapMs, octetMs });
}

/** The shortest form that holds both parts. */
function hdlcAddress({ logical, physical }: ReadRequest['server']): HdlcAddress {
  if (physical === undefined) return { upper: logical, lower: null, length: 1 };
  return { upper: logical, lower: physical, length: logical < 0x80 && physical < 0x80 ? 2 : 4 };
}

async function readAll(session: MeterSession, request: ReadRequest): Promise<ReadAnswer[]> {
  const classes = await classesOf(session, request.objects);
  const items = request.objects.map((object): AttributeAccess => {
    const classId = object.classId ?? classes.get(object.obis) ?? 1;
    const descriptor = { classId, instanceId: object.obis, attributeId: object.attribute };
    return { ...descriptor, access: rangeOf(descriptor, request) };
  });
  const answers: ReadAnswer[] = [];
  for (const item of items) {
    const [result] = await session.get([item]);
    if (result === undefined) continue;
    answers.push({ ...plainAnswer(item, result), ...(await scaled(session, item, result)) });
  }
  return answers;
}

/** Classes of objects that were named by OBIS alone, from the meter's object list. */
async function classesOf(session: MeterSession, objects: readonly ReadObject[]): Promise<Map<string, number>> {
  const classes = new Map<string, number>();
  if (objects.every((object) => object.classId !== undefined)) return classes;
  const [list] = await session.get([OBJECT_LIST]);
  const elements = list !== undefined && 'data' in list && list.data.type === 'array' ? list.data.value : [];
  for (const element of elements) {
    const [classId, , name] = element.type === 'structure' ? element.value : [];
    if (classId?.type !== 'long-unsigned' || name?.type !== 'octet-string') continue;
    classes.set(parseObis([...name.value].join('.')), classId.value);
  }
  return classes;
}

function rangeOf(descriptor: { classId: number; attributeId: number }, { fromMs, toMs }: ReadRequest) {
  if (descriptor.classId !== PROFILE_CLASS || descriptor.attributeId !== 2) return null;
  if (fromMs === undefined || toMs === undefined) return null;
  const [from, to] = [fromMs, toMs].map(
    (atMs): Data => ({ type: 'date-time', value: dateTimeOfUtcMs(atMs, UTC_CLOCK) }),
  );
  if (from === undefined || to === undefined) return null;
  return rangeAccess({ restricting: CLOCK, from, to, columns: [] });
}

function plainAnswer(item: AttributeAccess, result: GetDataResult): ReadAnswer {
  const named = {
    classId: item.classId,
    className: interfaceClassOf(item.classId, 0)?.table.name ?? `class ${item.classId}`,
    obis: item.instanceId,
    attribute: item.attributeId,
  };
  if (!('data' in result)) return { ...named, result: nameOf(DATA_ACCESS_RESULTS, result.dataAccessResult) };
  return { ...named, result: 'success', data: shapeOfData(result.data), hex: toHex(dataToOctets(result.data)) };
}

/** The value of a register with its scaler and unit. */
async function scaled(
  session: MeterSession,
  item: AttributeAccess,
  result: GetDataResult,
): Promise<Pick<ReadAnswer, 'value' | 'unit'>> {
  const isRegister = REGISTER_CLASSES.includes(item.classId) && item.attributeId === 2;
  const isDemand = item.classId === DEMAND_CLASS && (item.attributeId === 2 || item.attributeId === 3);
  if (!('data' in result) || (!isRegister && !isDemand)) return {};
  const { data } = result;
  if (!('value' in data) || (typeof data.value !== 'number' && typeof data.value !== 'bigint')) return {};
  if (typeof data.value === 'number' && !Number.isInteger(data.value)) return {};
  const [found] = await session.get([{ ...item, attributeId: isDemand ? 4 : 3, access: null }]);
  const unit = found !== undefined && 'data' in found ? scalerUnitOf(found.data) : null;
  if (unit === null) return {};
  return { value: decimalText(exact(BigInt(data.value)), unit.scaler), unit: unitSymbol(unit.unit) };
}
