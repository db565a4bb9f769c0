/** What a meter answered, for people and programs: names from the class tables, scaler and unit applied, rows as tables. */

import { toHex } from '../base/bytes.ts';
import type { Data } from '../dlms/axdr/data.ts';
import { dataToOctets } from '../dlms/axdr/decode.ts';
import { type CaptureObject, captureObjectsOf } from '../dlms/cosem/capture-object.ts';
import { type ClassRules, interfaceClassOf } from '../dlms/cosem/classes/index.ts';
import { compactRowsOf } from '../dlms/cosem/compact-data.ts';
import { objectListOf } from '../dlms/cosem/object-list.ts';
import { fitsType } from '../dlms/cosem/type-fit.ts';
import { type ScalerUnit, scalerUnitOf, UNIT_NONE, unitSymbol } from '../dlms/cosem/units.ts';
import { type AttributeView, attributeViewOf, type WordTable, wordsOf, wordTableOf } from '../dlms/cosem/words.ts';
import { shapeOfData } from '../dlms/explain/data-shape.ts';
import type { Json } from '../dlms/explain/json.ts';
import { DATA_ACCESS_RESULTS, nameOf } from '../dlms/xdlms/results.ts';
import type { AttributeAccess, GetDataResult } from '../dlms/xdlms/service.ts';
import { decimalText, exact } from '../model/number.ts';
import { objectListTable } from './object-table.ts';

/** What one attribute answered. */
export interface ReadAnswer {
  readonly classId: number;
  readonly className: string;
  readonly obis: string;
  readonly attribute: number;
  /** From the class table; null when it does not know the attribute. */
  readonly attributeName: string | null;
  /** Data-access-result in words; `success` when there is a value. */
  readonly result: string;
  readonly data?: Json;
  readonly hex?: string;
  /** The metered value with its exponent applied, exact, and its unit. */
  readonly value?: string;
  readonly unit?: string;
  /** The value in one line. */
  readonly words?: string;
}

/** An answer with its rows, where the value has some. */
export interface ShownAnswer {
  readonly answer: ReadAnswer;
  readonly table: WordTable | null;
}

/** What must be known beside the value itself. */
export interface AnswerContext {
  /** Version of the object's class, 255 = not known: the newest. */
  readonly version: number;
  readonly rules: ClassRules;
  /** Of the value, null = none. */
  readonly scalerUnit: ScalerUnit | null;
  /** Columns of a profile buffer or of compact data, null = not known. */
  readonly columns: readonly BufferColumnFacts[] | null;
  /** Template description of compact data, null = not known. */
  readonly template: Uint8Array | null;
}

/** A column of a profile buffer. */
export interface BufferColumnFacts extends CaptureObject {
  readonly scalerUnit: ScalerUnit | null;
}

/** Class of profile generic objects, whose attribute 2 is the buffer. */
export const PROFILE_CLASS = 7;
/** Class of compact data, whose attribute 2 are rows without tags. */
export const COMPACT_CLASS = 62;
const ASSOCIATION_CLASS = 15;
/** Attribute 2 of both: buffer and object list. */
export const LIST_ATTRIBUTE = 2;

/** The answer of one attribute. */
export function shownAnswer(item: AttributeAccess, result: GetDataResult, context: AnswerContext): ShownAnswer {
  const { classId, instanceId, attributeId } = item;
  const view = attributeViewOf(classId, context.version, attributeId, context.rules);
  const named = {
    classId,
    className: interfaceClassOf(classId, context.version, context.rules)?.table.name ?? `class ${classId}`,
    obis: instanceId,
    attribute: attributeId,
    attributeName: view.name,
  };
  if (!('data' in result)) {
    return { answer: { ...named, result: nameOf(DATA_ACCESS_RESULTS, result.dataAccessResult) }, table: null };
  }
  const { data } = result;
  const table = tableOf(item, data, context) ?? wordTableOf(data, view);
  const metered = meteredValue(data, context.scalerUnit);
  const plain = table === null ? wordsOf(data, view) : rowsWords(table);
  const words = `${metered === null ? plain : meteredWords(metered)}${misfitWords(data, view)}`;
  const whole = { ...named, result: 'success', data: shapeOfData(data), hex: toHex(dataToOctets(data)) };
  return { answer: { ...whole, ...metered, words }, table };
}

/** Says when a meter sends what its class does not have, so that nobody takes the words for certain. */
function misfitWords(data: Data, { type }: AttributeView): string {
  if (fitsType(data, type)) return '';
  const usual = type.kind === 'plain' ? type.type : `${type.kind} of other types`;
  return ` (sent as ${data.type}, usual is ${usual})`;
}

function rowsWords({ rows, columns }: WordTable): string {
  return `${rows.length} row${rows.length === 1 ? '' : 's'} of ${columns.length} columns`;
}

function tableOf(item: AttributeAccess, data: Data, { columns, template }: AnswerContext): WordTable | null {
  if (item.attributeId !== LIST_ATTRIBUTE) return null;
  if (item.classId === PROFILE_CLASS && columns !== null) return bufferTable(data, columns);
  if (item.classId === COMPACT_CLASS && columns !== null) return compactTable(data, template, columns);
  return item.classId === ASSOCIATION_CLASS ? listTable(data) : null;
}

/** The object list as it is scanned, null when the meter sends none that can be read as one. */
function listTable(data: Data): WordTable | null {
  try {
    return objectListTable(objectListOf(data));
  } catch {
    return null;
  }
}

/** Rows of compact data; null when the template does not fit the buffer or the columns, and the octets are shown. */
function compactTable(
  data: Data,
  template: Uint8Array | null,
  columns: readonly BufferColumnFacts[],
): WordTable | null {
  if (data.type !== 'octet-string' || template === null) return null;
  try {
    const rows = compactRowsOf({ template, buffer: data.value });
    return bufferTable({ type: 'array', value: rows.map((value) => ({ type: 'structure', value })) }, columns);
  } catch {
    return null;
  }
}

/** Rows of a profile buffer under the headings of its capture objects. */
export function bufferTable(data: Data, columns: readonly BufferColumnFacts[]): WordTable | null {
  if (data.type !== 'array' && data.type !== 'compact-array') return null;
  const rows = data.value.flatMap((row) => (row.type === 'structure' ? [row.value] : []));
  if (rows.some((row) => row.length !== columns.length)) return null;
  return {
    columns: columns.map(headingOf),
    rows: rows.map((row) => row.map((value, at) => cellOf(value, columns[at]))),
  };
}

function headingOf({ instanceId, classId, attributeId, dataIndex, scalerUnit }: BufferColumnFacts): string {
  const attribute = attributeViewOf(classId, 255, attributeId).name ?? `attribute ${attributeId}`;
  const unit = scalerUnit === null || scalerUnit.unit === UNIT_NONE ? attribute : unitSymbol(scalerUnit.unit);
  return `${instanceId} ${unit}${dataIndex === 0 ? '' : ` [${dataIndex}]`}`;
}

function cellOf(value: Data, column: BufferColumnFacts | undefined): string {
  if (value.type === 'null-data') return '';
  const metered = meteredValue(value, column?.scalerUnit ?? null);
  if (metered !== null) return metered.value;
  return wordsOf(value, column === undefined ? undefined : attributeViewOf(column.classId, 255, column.attributeId));
}

interface Metered {
  readonly value: string;
  readonly unit: string;
}

/** An integer with its scaler, null for anything that is no metered value. */
function meteredValue(data: Data, scalerUnit: ScalerUnit | null): Metered | null {
  if (scalerUnit === null || !('value' in data)) return null;
  const { value } = data;
  if (typeof value !== 'bigint' && !(typeof value === 'number' && Number.isInteger(value))) return null;
  return {
    value: decimalText(exact(BigInt(value)), scalerUnit.scaler),
    unit: scalerUnit.unit === UNIT_NONE ? '' : unitSymbol(scalerUnit.unit),
  };
}

function meteredWords({ value, unit }: Metered): string {
  return unit === '' ? value : `${value} ${unit}`;
}

/** Scaler and unit in an answer; null when there is none or it is not one. */
export function scalerUnitIn(result: GetDataResult | undefined): ScalerUnit | null {
  if (result === undefined || !('data' in result)) return null;
  try {
    return scalerUnitOf(result.data);
  } catch {
    return null;
  }
}

/** Capture objects in an answer; null when there are none or they are not readable as such. */
export function captureObjectsIn(result: GetDataResult | undefined): readonly CaptureObject[] | null {
  if (result === undefined || !('data' in result)) return null;
  try {
    return captureObjectsOf(result.data);
  } catch {
    return null;
  }
}
