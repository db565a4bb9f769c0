/**
 * What meters told once and are not asked again: object lists by model, firmware and client (one meter shows each client
 * another list), scalers and units and the columns of buffers by meter, because transformer ratios and buffers are set in
 * the field.
 *
 * Nothing here is believed longer than it can be: another firmware forgets all that a meter told, and the columns of a
 * buffer are compared with each answer that brings them. The oldest used entries make room for new ones.
 */

import { sameOctets } from '../../base/bytes.ts';
import { dataToOctets } from '../axdr/decode.ts';
import { type CaptureObject, captureObjectsData } from '../cosem/capture-object.ts';
import type { ObjectListEntry } from '../cosem/object-list.ts';
import type { ScalerUnit } from '../cosem/units.ts';
import { KNOWN_METERS_MAX, KNOWN_VIEWS_MAX } from './limits.ts';

/** Whose view of which kind of meter. */
export interface ViewKey {
  /** Vendor and model, or the type that the meter says. */
  readonly model: string;
  /** As the meter says it; empty = it does not. */
  readonly firmware: string;
  /** Client SAP. */
  readonly client: number;
}

/** How the columns that a meter tells stand to those that it told before. */
export type ColumnsState = 'first' | 'same' | 'changed';

/** What one meter told. */
export class MeterFacts {
  /** As it was read last; null = never. */
  #firmware: string | null = null;
  readonly #scalers = new Map<string, ScalerUnit | null>();
  readonly #columns = new Map<string, readonly CaptureObject[]>();

  /** The firmware that these facts belong to. */
  get firmware(): string | null {
    return this.#firmware;
  }

  /** The meter says its firmware; true when it is another one than before, and everything else is forgotten. */
  sawFirmware(firmware: string): boolean {
    const changed = this.#firmware !== null && this.#firmware !== firmware;
    if (changed) {
      this.#scalers.clear();
      this.#columns.clear();
    }
    this.#firmware = firmware;
    return changed;
  }

  /** Scaler and unit of an object, null when it has none, undefined when it was never asked. */
  scaler(classId: number, instanceId: string): ScalerUnit | null | undefined {
    return this.#scalers.get(`${classId}/${instanceId}`);
  }

  /** The meter said them. */
  sawScaler(classId: number, instanceId: string, scaler: ScalerUnit | null): void {
    this.#scalers.set(`${classId}/${instanceId}`, scaler);
  }

  /** The columns of a buffer as told last, or null. */
  columns(instanceId: string): readonly CaptureObject[] | null {
    return this.#columns.get(instanceId) ?? null;
  }

  /** The meter says the columns of a buffer. */
  sawColumns(instanceId: string, columns: readonly CaptureObject[]): ColumnsState {
    const before = this.#columns.get(instanceId);
    this.#columns.set(instanceId, columns);
    if (before === undefined) return 'first';
    return sameColumns(before, columns) ? 'same' : 'changed';
  }
}

function sameColumns(a: readonly CaptureObject[], b: readonly CaptureObject[]): boolean {
  return sameOctets(dataToOctets(captureObjectsData(a)), dataToOctets(captureObjectsData(b)));
}

/** All that is known, bounded: see the head of the file. */
export class KnownMeters {
  readonly #views = new Map<string, readonly ObjectListEntry[]>();
  readonly #meters = new Map<string, MeterFacts>();

  /** The object list that a meter of this kind shows this client, or null. */
  view(key: ViewKey): readonly ObjectListEntry[] | null {
    return touched(this.#views, viewName(key)) ?? null;
  }

  /** A meter of this kind showed it. */
  sawView(key: ViewKey, view: readonly ObjectListEntry[]): void {
    put(this.#views, viewName(key), view, KNOWN_VIEWS_MAX);
  }

  /** What a meter told; a new one has told nothing. */
  meter(id: string): MeterFacts {
    const facts = touched(this.#meters, id) ?? new MeterFacts();
    put(this.#meters, id, facts, KNOWN_METERS_MAX);
    return facts;
  }
}

function viewName({ model, firmware, client }: ViewKey): string {
  return JSON.stringify([model, firmware, client]);
}

/** The entry, now the last used one. */
function touched<Value>(map: Map<string, Value>, key: string): Value | undefined {
  const value = map.get(key);
  if (value === undefined) return undefined;
  map.delete(key);
  map.set(key, value);
  return value;
}

function put<Value>(map: Map<string, Value>, key: string, value: Value, most: number): void {
  map.set(key, value);
  if (map.size <= most) return;
  const oldest = map.keys().next();
  if (oldest.done !== true) map.delete(oldest.value);
}
