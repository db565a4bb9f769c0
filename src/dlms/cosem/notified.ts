/**
 * Readings out of a push: recognises how the body is laid out and names what each value belongs to.
 *
 * Four layouts are known: pairs of OBIS code and value in one flat list (with or without scaler and unit behind), a
 * structure for each object, the push object list of the setup followed by the values in its order, and lists of one maker
 * where only the place tells. Anything else comes out by position, so nothing is ever dropped.
 */

import type { Data, ListData } from '../axdr/data.ts';
import { readVisible } from '../axdr/text.ts';
import type { CaptureObject } from './capture-object.ts';
import { captureObjectsOf } from './capture-object.ts';
import type { CosemDateTime } from './datetime.ts';
import { dateTimeFromOctets, isPlausibleDateTime } from './datetime.ts';
import type { ObisCode } from './obis.ts';
import { obisFromOctets } from './obis.ts';
import { kaifaListOf } from './positional-lists.ts';
import { scalerUnitOf } from './units.ts';

/** How a push body is laid out. */
export type PushLayout =
  | 'kaifa-positional'
  | 'flat-obis-value'
  | 'obis-value-structures'
  | 'push-object-list'
  | 'positional';

/** What one value is. Integers are bigint only in the 64-bit types. */
export type NotifiedValue =
  | { readonly kind: 'number'; readonly value: number | bigint }
  | { readonly kind: 'text'; readonly text: string; readonly type: 'octet-string' | 'visible-string' | 'utf8-string' }
  | { readonly kind: 'date-time'; readonly dateTime: CosemDateTime; readonly octets: Uint8Array | null }
  | { readonly kind: 'octets'; readonly octets: Uint8Array }
  | { readonly kind: 'null' }
  /** The push object list itself, in a list that begins with it. */
  | { readonly kind: 'object-list'; readonly objects: readonly CaptureObject[] }
  /** Any other type, structures included. */
  | { readonly kind: 'data'; readonly data: Data };

/** One value of a push. */
export interface NotifiedReading {
  /** The object, or null when only the place is known. */
  readonly obis: ObisCode | null;
  /** Index in the body's list, from 0. */
  readonly position: number;
  /** Class, attribute and element, when the push says so. */
  readonly object: CaptureObject | null;
  readonly value: NotifiedValue;
  /** Value = number x 10^scaler; null when neither push nor list says. */
  readonly scaler: number | null;
  /** Code of the unit table, or null. */
  readonly unit: number | null;
  /** Whether scaler and unit came in the push or from the document of the list; null when there are none. */
  readonly unitFrom: 'push' | 'list' | null;
}

/** Layout and readings of one push. */
export interface NotifiedReadings {
  readonly layout: PushLayout;
  readonly readings: readonly NotifiedReading[];
}

/** Names the values of a push body. `taggedDateTime` is that of the data-notification; it tells one maker's shortest list. */
export function notifiedReadings(body: Data, taggedDateTime = false): NotifiedReadings {
  const list = body.type === 'structure' || body.type === 'array' ? body : null;
  if (list === null) return { layout: 'positional', readings: [reading(body, 0)] };
  const kaifa = kaifaListOf(list.value, taggedDateTime);
  if (kaifa !== null) {
    const readings = list.value.map((data, at) => {
      const { obis, scaler, unit } = kaifa[at] ?? { obis: null, scaler: null, unit: null };
      return { ...reading(data, at), obis, scaler, unit, unitFrom: unit === null ? null : ('list' as const) };
    });
    return { layout: 'kaifa-positional', readings };
  }
  return byObjectList(list) ?? byObisCodes(list);
}

/** What a value is, by its type and, for octet-strings, by its octets: text when all are printable, a date when it fits. */
export function notifiedValue(data: Data): NotifiedValue {
  switch (data.type) {
    case 'null-data':
      return { kind: 'null' };
    case 'octet-string':
      return octetValue(data.value);
    case 'visible-string':
    case 'utf8-string':
      return { kind: 'text', text: data.value, type: data.type };
    case 'date-time':
      return { kind: 'date-time', dateTime: data.value, octets: null };
    default:
      return 'value' in data && (typeof data.value === 'number' || typeof data.value === 'bigint')
        ? { kind: 'number', value: data.value }
        : { kind: 'data', data };
  }
}

function octetValue(octets: Uint8Array): NotifiedValue {
  if (octets.length > 0 && octets.every((octet) => octet >= 0x20 && octet <= 0x7e)) {
    return { kind: 'text', text: readVisible(octets), type: 'octet-string' };
  }
  if (octets.length === 12) {
    const dateTime = dateTimeFromOctets(octets);
    if (isPlausibleDateTime(dateTime)) return { kind: 'date-time', dateTime, octets };
  }
  return { kind: 'octets', octets };
}

function reading(data: Data, position: number, obis: ObisCode | null = null): NotifiedReading {
  return { obis, position, object: null, value: notifiedValue(data), scaler: null, unit: null, unitFrom: null };
}

/** The list whose first element is the push object list; null when it is not, or does not fit the number of values. */
function byObjectList(list: ListData): NotifiedReadings | null {
  const [first] = list.value;
  if (first?.type !== 'array' || first.value.length !== list.value.length || !first.value.every(isCaptureObject)) {
    return null;
  }
  const objects = captureObjectsOf(first);
  const readings = list.value.map((data, at): NotifiedReading => {
    const object = objects[at] ?? null;
    const named = { ...reading(data, at, object?.instanceId ?? null), object };
    return at === 0 ? { ...named, value: { kind: 'object-list', objects } } : named;
  });
  return { layout: 'push-object-list', readings };
}

function isCaptureObject(data: Data): boolean {
  const [classId, name, attributeId, index] = data.type === 'structure' ? data.value : [];
  return (
    classId?.type === 'long-unsigned' &&
    obisOfData(name) !== null &&
    attributeId?.type === 'integer' &&
    (index === undefined || index.type === 'long-unsigned')
  );
}

function byObisCodes(list: ListData): NotifiedReadings {
  const readings: NotifiedReading[] = [];
  let layout: PushLayout = 'positional';
  for (let at = 0; at < list.value.length; ) {
    const found = named(list.value, at);
    if (found.layout !== null && layout !== 'obis-value-structures') layout = found.layout;
    readings.push(found.reading);
    at += found.taken;
  }
  return { layout, readings };
}

interface Found {
  readonly reading: NotifiedReading;
  /** Elements of the list that it took. */
  readonly taken: number;
  readonly layout: PushLayout | null;
}

/** The reading that begins at an element: a structure of code and value, a code with its value behind, or a bare value. */
function named(elements: readonly Data[], at: number): Found {
  const data = elements[at] ?? { type: 'null-data' };
  if (data.type === 'structure') {
    const inner = pair(data.value, 0, at);
    if (inner !== null && inner.taken === data.value.length) {
      return { reading: inner.reading, taken: 1, layout: 'obis-value-structures' };
    }
  }
  const flat = pair(elements, at, at);
  return flat === null
    ? { reading: reading(data, at), taken: 1, layout: null }
    : { ...flat, layout: 'flat-obis-value' };
}

/** A code, its value, and the scaler and unit when they follow. */
function pair(elements: readonly Data[], at: number, position: number): Omit<Found, 'layout'> | null {
  const obis = obisOfData(elements[at]);
  const data = elements[at + 1];
  if (obis === null || data === undefined) return null;
  const bare = reading(data, position, obis);
  const scaled = bare.value.kind === 'number' ? scalerUnitIn(elements[at + 2]) : null;
  return scaled === null
    ? { reading: bare, taken: 2 }
    : { reading: { ...bare, ...scaled, unitFrom: 'push' }, taken: 3 };
}

function scalerUnitIn(data: Data | undefined): { readonly scaler: number; readonly unit: number } | null {
  if (data?.type !== 'structure' || data.value.length !== 2) return null;
  const [scaler, unit] = data.value;
  return scaler?.type === 'integer' && unit?.type === 'enum' ? scalerUnitOf(data) : null;
}

const MEDIUM_MAX = 15;

/** The code in an octet-string of 6 whose first octet is a medium (0 to 15): no text begins so. */
function obisOfData(data: Data | undefined): ObisCode | null {
  if (data?.type !== 'octet-string' || data.value.length !== 6) return null;
  const [medium = MEDIUM_MAX + 1] = data.value;
  return medium <= MEDIUM_MAX ? obisFromOctets(data.value) : null;
}
