/** Profile generic (class 7): load profiles and event logs of a simulated meter, rows made when they are read. */
import { DeltawattError } from '../../../base/errors.ts';
import type { Data } from '../../../dlms/axdr/data.ts';
import { type CaptureObject, captureObjectData, captureObjectsData } from '../../../dlms/cosem/capture-object.ts';
import { utcMsOf } from '../../../dlms/cosem/datetime.ts';
import { parseObis } from '../../../dlms/cosem/obis.ts';
import {
  dateTimeOfData,
  entrySelectionOf,
  rangeSelectionOf,
  SELECT_ENTRIES,
  SELECT_RANGE,
} from '../../../dlms/cosem/selective-access.ts';
import { RESULT } from '../../../dlms/session/object-model.ts';
import type { SelectiveAccess } from '../../../dlms/xdlms/service.ts';
import type { BufferRule, EventLogRule, Profile, RegisterRule } from '../../../profile/schema/profile.ts';
import { placeTime } from '../../../profile/time.ts';
import { BUFFER_ROWS_MAX } from '../../limits.ts';
import type { Device } from '../device.ts';
import { codeIn } from '../events.ts';
import { eventCodeData } from './events.ts';
import { momentData, valueData } from './measurements.ts';
import { type SimObject, simObject } from './object.ts';

const CLOCK: CaptureObject = { classId: 8, instanceId: parseObis('0-0:1.0.0*255'), attributeId: 2, dataIndex: 0 };
const SORTED_FIFO = 1;
const SORTED_LIFO = 2;

/** Rows of a buffer with their times, and how a row is written. */
interface RowSource {
  readonly columns: readonly CaptureObject[];
  readonly periodS: number;
  readonly entriesMax: number;
  readonly newestFirst: boolean;
  /** Rows after one moment up to another, oldest first. Moments are those that the rows are stamped with. */
  rows(afterMs: number, untilMs: number): readonly { readonly cells: readonly Data[] }[];
}

/** A load profile. */
export function bufferObject(device: Device, rule: BufferRule): SimObject {
  return bufferOf(device, rule, device.profile, () => [device]);
}

/** A load profile in `device` with the rows of those who were counted in it, one after the other. */
export function bufferOf(
  device: Device,
  rule: BufferRule,
  counted: Profile,
  owners: () => readonly Device[],
): SimObject {
  const shiftMs = rule.stamp === 'start' ? rule.intervalS * 1000 : 0;
  return profileObject(device, rule.obis, {
    // A buffer can be set up anew while it is served.
    get columns() {
      return rule.columns.map((column) => captureOf(counted.clock.obis, rule, column));
    },
    periodS: rule.intervalS,
    entriesMax: rule.rows,
    newestFirst: rule.order === 'newest-first',
    rows: (afterMs, untilMs) =>
      owners()
        .flatMap((owner) => [...owner.rows(rule, afterMs + shiftMs, untilMs + shiftMs)])
        .slice(-rule.rows)
        .map((row) => {
          const values = [...row.values];
          const cells = rule.columns.map((column): Data => {
            if (column.kind === 'clock') return momentData(device, row.atMs - shiftMs);
            if (column.kind === 'status') return { type: 'unsigned', value: row.status };
            if (column.kind === 'ignore')
              return isCaptureTime(column) ? momentData(device, row.atMs) : { type: 'null-data' };
            return valueData(column.register.type, values.shift() ?? 0);
          });
          return { cells };
        }),
  });
}

/** An event log. */
export function eventLogObject(device: Device, rule: EventLogRule): SimObject {
  const codeColumn: CaptureObject = { classId: 1, instanceId: parseObis(rule.codeObis), attributeId: 2, dataIndex: 0 };
  return profileObject(device, rule.obis, {
    columns: rule.columns.map((column) => (column === 'clock' ? clockOf(device) : codeColumn)),
    periodS: 0,
    entriesMax: rule.rows,
    newestFirst: false,
    rows: (afterMs, untilMs) =>
      device.events
        .between(Math.max(afterMs, device.installedAtMs), Math.min(untilMs, device.nowMs))
        .flatMap(({ atMs, code }) => {
          const own = codeIn(rule, code);
          return own === null ? [] : [{ atMs, code: own }];
        })
        .slice(-rule.rows)
        .map((event) => ({
          cells: rule.columns.map((column): Data => {
            if (column === 'clock') return momentData(device, event.atMs);
            return column === 'code' ? eventCodeData(event.code) : { type: 'null-data' };
          }),
        })),
  });
}

function profileObject(device: Device, obis: string, source: RowSource): SimObject {
  const all = () => source.rows(Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY);
  const u32 = (value: number): Data => ({ type: 'double-long-unsigned', value });
  return simObject({
    classId: 7,
    version: 1,
    obis: parseObis(obis),
    selectors: [SELECT_RANGE, SELECT_ENTRIES],
    values: {
      2: (access) => selected(device, source, access),
      3: () => captureObjectsData(source.columns),
      4: () => u32(source.periodS),
      5: () => ({ type: 'enum', value: source.newestFirst ? SORTED_LIFO : SORTED_FIFO }),
      6: () => captureObjectData(clockOf(device)),
      7: () => u32(all().length),
      8: () => u32(source.entriesMax),
    },
  });
}

/** The rows that a selection asks for, or a result code when it asks for what is not there. */
function selected(device: Device, source: RowSource, access: SelectiveAccess | null): Data | number {
  try {
    if (access === null)
      return rowsData(source, source.rows(Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY), [1, 0]);
    if (access.selector === SELECT_RANGE) return byRange(device, source, access);
    return access.selector === SELECT_ENTRIES ? byEntry(source, access) : RESULT.scopeOfAccessViolated;
  } catch (error) {
    if (error instanceof DeltawattError) return RESULT.typeUnmatched;
    throw error;
  }
}

function byRange(device: Device, source: RowSource, access: SelectiveAccess): Data | number {
  const range = rangeSelectionOf(access);
  if (!sameObject(range.restricting, clockOf(device))) return RESULT.scopeOfAccessViolated;
  if (!isHeeded(device, range.from) || !isHeeded(device, range.to)) return { type: 'array', value: [] };
  const [fromMs, toMs] = [momentOf(device, range.from), momentOf(device, range.to)];
  if (fromMs === null || toMs === null) return RESULT.typeUnmatched;
  // Both ends belong to a range; moments are whole seconds.
  const rows = source.rows(fromMs - 1, toMs);
  if (range.columns.length === 0) return rowsData(source, rows, [1, 0]);
  const wanted = range.columns.map((column) => source.columns.findIndex((own) => sameObject(own, column)));
  if (wanted.includes(-1)) return RESULT.objectUndefined;
  return rowsOf(
    source,
    rows.map((row) => wanted.flatMap((at) => row.cells.slice(at, at + 1))),
  );
}

function byEntry(source: RowSource, access: SelectiveAccess): Data | number {
  const entries = entrySelectionOf(access);
  const rows = inOrder(source, source.rows(Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY));
  if (entries.fromEntry < 1 || entries.fromColumn < 1) return RESULT.scopeOfAccessViolated;
  const last = entries.toEntry === 0 ? rows.length : entries.toEntry;
  const kept = rows.slice(entries.fromEntry - 1, last);
  return rowsData(source, inOrder(source, kept), [entries.fromColumn, entries.toColumn]);
}

function rowsData(
  source: RowSource,
  rows: readonly { readonly cells: readonly Data[] }[],
  columns: readonly [number, number],
): Data {
  const [from, to] = columns;
  return rowsOf(
    source,
    rows.map((row) => row.cells.slice(from - 1, to === 0 ? undefined : to)),
  );
}

/** Rows as an array; of too many the newest. */
function rowsOf(source: RowSource, rows: readonly (readonly Data[])[]): Data {
  const kept = rows.slice(-BUFFER_ROWS_MAX).map((cells): Data => ({ type: 'structure', value: cells }));
  return { type: 'array', value: inOrder(source, kept) };
}

/** Oldest first to the meter's order, or back. */
function inOrder<Item>(source: RowSource, items: readonly Item[]): readonly Item[] {
  return source.newestFirst ? [...items].reverse() : items;
}

/** Whether a moment is written as this meter wants it: it finds no row for the other kind. */
function isHeeded({ profile }: Device, data: Data): boolean {
  const { rangeDeviation } = profile.clock;
  const deviation = dateTimeOfData(data)?.deviation ?? null;
  return rangeDeviation === 'as-clock' || (rangeDeviation === 'set') === (deviation !== null);
}

function momentOf(device: Device, data: Data): number | null {
  const time = dateTimeOfData(data);
  if (time === null) return null;
  const placed = placeTime(time, device.profile.clock, {
    siteZone: device.timeZone,
    previousAtMs: null,
    daylight: null,
  });
  return placed?.atMs ?? utcMsOf(time);
}

function clockOf(device: Device): CaptureObject {
  return { ...CLOCK, instanceId: parseObis(device.profile.clock.obis ?? '0-0:1.0.0*255') };
}

/** When the value of an extended register was captured. */
function isCaptureTime({ classId, attribute }: { readonly classId: number; readonly attribute: number }): boolean {
  return classId === 4 && attribute === 5;
}

function captureOf(clock: string | null, rule: BufferRule, column: BufferRule['columns'][number]): CaptureObject {
  switch (column.kind) {
    case 'clock':
      return { ...CLOCK, instanceId: parseObis(clock ?? CLOCK.instanceId) };
    case 'status':
      return {
        classId: 1,
        instanceId: parseObis(rule.status?.obis ?? '0-0:96.10.1*255'),
        attributeId: 2,
        dataIndex: 0,
      };
    case 'ignore':
      return {
        classId: column.classId,
        instanceId: parseObis(column.obis),
        attributeId: column.attribute,
        dataIndex: 0,
      };
    case 'register':
      return captureOfRegister(column.register);
  }
}

function captureOfRegister(register: RegisterRule): CaptureObject {
  return {
    classId: register.classId,
    instanceId: parseObis(register.obis),
    attributeId: register.attribute,
    dataIndex: 0,
  };
}

function sameObject(a: CaptureObject, b: CaptureObject): boolean {
  return a.classId === b.classId && a.instanceId === b.instanceId && a.attributeId === b.attributeId;
}
