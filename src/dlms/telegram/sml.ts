/**
 * What a file of SML says (SML 1.03, chapter 5): the lists of its GetList.Res messages, values by OBIS code. Open and close
 * messages only frame them, requests and profiles do not come on a data port; all of these are passed over.
 *
 * Most meters tell no time but a count of seconds, which is none. The check of each message is not looked at: that of the file
 * covers it, and some meters compute it wrongly. Objects of makers' own (group A above 15) have no register and are left out.
 */
import { sameOctets } from '../../base/bytes.ts';
import type { Data } from '../axdr/data.ts';
import { dateTimeOfUtcMs, dateTimeToOctets } from '../cosem/datetime.ts';
import { type ObisCode, obisFromOctets, obisGroups, parseObis } from '../cosem/obis.ts';
import { type ScalerUnit, UNIT_NONE } from '../cosem/units.ts';
import { smlContent } from '../frame/sml-frame.ts';
import { readSmlNodes, type SmlNode, smlError } from './sml-node.ts';
import type { Telegram, TelegramValue } from './telegram.ts';

const MESSAGE_ITEMS = 6;
const GET_LIST_RES = 0x0701n;
const LIST_ITEMS = 7;
const ENTRY_ITEMS = 7;
const TIME_TIMESTAMP = 2n;
const TIME_LOCAL = 3n;
/** Timestamps before 2010 are counts of seconds under a wrong name. */
const EARLIEST_S = 1_262_304_000;
const OBIS_OCTETS = 6;
const MEDIUM_MAX = 15;
/** The server id of a list, where the list does not have it among its values. */
const SERVER_ID = parseObis('1-0:0.0.9');
const SERVER_IDS: readonly ObisCode[] = [SERVER_ID, parseObis('1-0:96.1.0')];
const STATUS_OCTETS_MAX = 8;

/** Reads a frame from its first escape to its check; throws `DLMS_SML` with the offset in its content and the reason. */
export function parseSmlTelegram(frame: Uint8Array): Telegram {
  const lists = readSmlNodes(smlContent(frame)).flatMap(listsOf).map(telegramOf);
  const dateTime = lists.find((list) => list.dateTime.length > 0)?.dateTime ?? new Uint8Array(0);
  return { dateTime, values: lists.flatMap(({ values }) => values) };
}

/** The list of a message, if it is one of a list. */
function listsOf(message: SmlNode): SmlNode[] {
  // Some meters put zeros between messages.
  if (message.kind === 'end') return [];
  const items = itemsOf(message, MESSAGE_ITEMS, 'a message');
  const body = items[3];
  if (body === undefined) return [];
  const [tag, list] = itemsOf(body, 2, 'the body of a message');
  if (tag?.kind !== 'unsigned') throw smlError(body.offset, 'the body of a message says not what it is');
  return tag.value === GET_LIST_RES && list !== undefined ? [list] : [];
}

function telegramOf(list: SmlNode): Telegram {
  const [, serverId, , sensorTime, entries] = itemsOf(list, LIST_ITEMS, 'a list of values');
  if (entries?.kind !== 'list') throw smlError((entries ?? list).offset, 'the values of a list are no list');
  const dateTime = timeOf(sensorTime) ?? new Uint8Array(0);
  const values = entries.items.flatMap((entry) => entryOf(entry, dateTime));
  const isNamed = values.some(({ obis }) => SERVER_IDS.includes(obis));
  if (isNamed || serverId?.kind !== 'octets' || serverId.value.length === 0) return { dateTime, values };
  const value: Data = { type: 'octet-string', value: serverId.value };
  return { dateTime, values: [{ obis: SERVER_ID, value, scalerUnit: null, capturedAt: null }, ...values] };
}

function entryOf(entry: SmlNode, dateTime: Uint8Array): TelegramValue[] {
  const [name, status, valTime, unit, scaler, value] = itemsOf(entry, ENTRY_ITEMS, 'an entry');
  if (name?.kind !== 'octets' || name.value.length !== OBIS_OCTETS)
    throw smlError((name ?? entry).offset, 'the name of an entry is no OBIS code');
  const obis = obisFromOctets(name.value);
  const data = dataOf(value);
  if (data === null || obisGroups(obis).a > MEDIUM_MAX) return [];
  const captured = timeOf(valTime);
  const isOwn = captured !== null && !sameOctets(captured, dateTime);
  const told = statusOf(status);
  return [
    {
      obis,
      value: data,
      scalerUnit: scalerUnitOf(unit, scaler),
      capturedAt: isOwn ? captured : null,
      ...(told === null ? {} : { status: told }),
    },
  ];
}

/** null = nothing that can be a value: it is not there, or it is a list. */
function dataOf(node: SmlNode | undefined): Data | null {
  switch (node?.kind) {
    case 'octets':
      return node.value.length === 0 ? null : { type: 'octet-string', value: node.value };
    case 'boolean':
      return { type: 'boolean', value: node.value };
    case 'integer':
      return { type: 'long64', value: node.value };
    case 'unsigned':
      return { type: 'long64-unsigned', value: node.value };
    default:
      return null;
  }
}

/** null = neither is said. */
function scalerUnitOf(unit: SmlNode | undefined, scaler: SmlNode | undefined): ScalerUnit | null {
  if (unit?.kind !== 'unsigned' && scaler?.kind !== 'integer') return null;
  const code = unit?.kind === 'unsigned' ? unit.value : BigInt(UNIT_NONE);
  const power = scaler?.kind === 'integer' ? scaler.value : 0n;
  if (code > 255n) throw smlError(unit?.offset ?? 0, `unit ${code} does not exist`);
  if (power < -128n || power > 127n) throw smlError(scaler?.offset ?? 0, `a scaler of ${power}`);
  return { scaler: Number(power), unit: Number(code) };
}

/** The octets of a status, as many as were sent; null = none. */
function statusOf(node: SmlNode | undefined): Uint8Array | null {
  if (node?.kind !== 'unsigned') return null;
  const { value, octets } = node;
  const count = Math.min(octets, STATUS_OCTETS_MAX);
  return Uint8Array.from({ length: count }, (_, at) => Number((value >> BigInt(8 * (count - 1 - at))) & 0xffn));
}

/** 12 octets of a time; null = it is not there, or it is a count of seconds since whenever. */
function timeOf(node: SmlNode | undefined): Uint8Array | null {
  if (node?.kind !== 'list') return null;
  const [tag, time] = node.items;
  if (tag?.kind !== 'unsigned') throw smlError(node.offset, 'a time says not what it is');
  if (tag.value === TIME_TIMESTAMP) return momentOf(time, 0);
  if (tag.value !== TIME_LOCAL || time === undefined) return null;
  const [timestamp, offset, season] = itemsOf(time, 3, 'a local time');
  const aheadMin = [offset, season].reduce((sum, part) => sum + (part?.kind === 'integer' ? Number(part.value) : 0), 0);
  return momentOf(timestamp, aheadMin);
}

function momentOf(node: SmlNode | undefined, aheadMin: number): Uint8Array | null {
  if (node?.kind !== 'unsigned') return null;
  if (node.octets > 4) throw smlError(node.offset, `a time of ${node.octets} octets`);
  const utcS = Number(node.value);
  if (utcS < EARLIEST_S || Math.abs(aheadMin) > 24 * 60) return null;
  const utcMs = utcS * 1000;
  return dateTimeToOctets(dateTimeOfUtcMs(utcMs, { deviation: aheadMin === 0 ? 0 : -aheadMin, status: 0 }));
}

function itemsOf(node: SmlNode, count: number, what: string): readonly SmlNode[] {
  if (node.kind !== 'list') throw smlError(node.offset, `${what} is no list`);
  if (node.items.length !== count)
    throw smlError(node.offset, `${what} has ${node.items.length} elements, ${count} were expected`);
  return node.items;
}
