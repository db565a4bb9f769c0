/** Part of a profile buffer instead of all of it: by range or by entry (class 7 attribute 2, selectors 1 and 2). */

import type { Data } from '../axdr/data.ts';
import { dlmsError } from '../errors.ts';
import type { SelectiveAccess } from '../xdlms/service.ts';
import type { CaptureObject } from './capture-object.ts';
import { captureObjectData, captureObjectOf, captureObjectsData, captureObjectsOf } from './capture-object.ts';
import type { CosemDateTime } from './datetime.ts';
import { dateTimeFromOctets, dateTimeToOctets } from './datetime.ts';

/** Selector of a range. */
export const SELECT_RANGE = 1;
/** Selector of entries. */
export const SELECT_ENTRIES = 2;

/** Rows whose restricting column lies from `from` to `to`, both included; some meters leave the end out: check the answer. */
export interface RangeSelection {
  /** Restrict by the profile's own clock column, usually class 8 0-0:1.0.0*255 attribute 2. */
  readonly restricting: CaptureObject;
  readonly from: Data;
  readonly to: Data;
  /** Columns to send; none = all. */
  readonly columns: readonly CaptureObject[];
}

/** Rows and columns by number, from 1; 0 as an end = to the last one. */
export interface EntrySelection {
  readonly fromEntry: number;
  readonly toEntry: number;
  readonly fromColumn: number;
  readonly toColumn: number;
}

/** A moment as selections and clocks carry it: an octet-string of 12. */
export function dateTimeData(value: CosemDateTime): Data {
  return { type: 'octet-string', value: dateTimeToOctets(value) };
}

/** The moment in an octet-string of 12 or in tag 19; null when the value is anything else. */
export function dateTimeOfData(data: Data): CosemDateTime | null {
  if (data.type === 'date-time') return data.value;
  return data.type === 'octet-string' && data.value.length === 12 ? dateTimeFromOctets(data.value) : null;
}

/** Selector and parameters of a range. */
export function rangeAccess(selection: RangeSelection): SelectiveAccess {
  return {
    selector: SELECT_RANGE,
    parameters: {
      type: 'structure',
      value: [
        captureObjectData(selection.restricting),
        selection.from,
        selection.to,
        captureObjectsData(selection.columns),
      ],
    },
  };
}

/** Reads a range; throws `DLMS_SHAPE` when it is something else. */
export function rangeSelectionOf(access: SelectiveAccess): RangeSelection {
  const { parameters } = access;
  const [restricting, from, to, columns] = parameters.type === 'structure' ? parameters.value : [];
  if (
    access.selector !== SELECT_RANGE ||
    restricting === undefined ||
    from === undefined ||
    to === undefined ||
    columns === undefined
  ) {
    throw dlmsError('DLMS_SHAPE', 'a range is selector 1 with a structure of object, from, to and columns');
  }
  return { restricting: captureObjectOf(restricting), from, to, columns: captureObjectsOf(columns) };
}

/** Selector and parameters of entries. */
export function entryAccess(selection: EntrySelection): SelectiveAccess {
  return {
    selector: SELECT_ENTRIES,
    parameters: {
      type: 'structure',
      value: [
        { type: 'double-long-unsigned', value: selection.fromEntry },
        { type: 'double-long-unsigned', value: selection.toEntry },
        { type: 'long-unsigned', value: selection.fromColumn },
        { type: 'long-unsigned', value: selection.toColumn },
      ],
    },
  };
}

/** Reads entries; throws `DLMS_SHAPE` when it is something else. */
export function entrySelectionOf(access: SelectiveAccess): EntrySelection {
  const { parameters } = access;
  const fields = parameters.type === 'structure' ? parameters.value : [];
  const [fromEntry, toEntry, fromColumn, toColumn] = fields;
  if (
    access.selector !== SELECT_ENTRIES ||
    fromEntry?.type !== 'double-long-unsigned' ||
    toEntry?.type !== 'double-long-unsigned' ||
    fromColumn?.type !== 'long-unsigned' ||
    toColumn?.type !== 'long-unsigned'
  ) {
    throw dlmsError('DLMS_SHAPE', 'entries are selector 2 with a structure of four numbers');
  }
  return {
    fromEntry: fromEntry.value,
    toEntry: toEntry.value,
    fromColumn: fromColumn.value,
    toColumn: toColumn.value,
  };
}
