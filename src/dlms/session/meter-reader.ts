/**
 * Reading a meter in the fewest questions: everything that is wanted, and whatever must be known to understand it, goes into
 * one list; what the meter told before is not asked again.
 *
 * With the values always go the firmware version and, for a buffer, its columns: both are short, cost no question of their
 * own, and tell at once when what is remembered no longer holds. So rows are never read by the columns of yesterday. After a
 * change of firmware only the scalers are asked in a second list. What was given up: buffers in a list cannot be asked in
 * slices; a backlog is for the caller to cut.
 */
import type { Data } from '../axdr/data.ts';
import { type CaptureObject, captureObjectsOf } from '../cosem/capture-object.ts';
import { type ObisCode, obisOf } from '../cosem/obis.ts';
import { type ObjectListEntry, objectListOf } from '../cosem/object-list.ts';
import { type ScalerUnit, scalerAttributeOf, scalerUnitOf } from '../cosem/units.ts';
import { isDlmsError } from '../errors.ts';
import type { AttributeAccess, AttributeDescriptor, GetDataResult, SelectiveAccess } from '../xdlms/service.ts';
import { ASSOCIATION_CLASS, CURRENT_ASSOCIATION } from './association-object.ts';
import type { ColumnsState, KnownMeters } from './known-meters.ts';
import type { MeterSession } from './meter-session.ts';

/** Which meter this is, and as whom it is asked. */
export interface MeterIdentity {
  /** Any text that no other meter has. */
  readonly id: string;
  /** Vendor and model: meters of one model and firmware show one client the same objects. */
  readonly model: string;
  /** Client SAP. */
  readonly client: number;
  /** Where its firmware version stands; absent = `1-0:0.2.0*255`, null = it has none. */
  readonly firmware?: AttributeDescriptor | null;
}

/** What is wanted. */
export interface ReadingWish {
  /** Attributes, with scaler and unit where their class has them. */
  readonly values: readonly AttributeDescriptor[];
  /** Profile buffers, or parts of them. */
  readonly buffers?: readonly { readonly instanceId: ObisCode; readonly access: SelectiveAccess | null }[];
}

/** One attribute that was wanted. */
export interface ReadValue {
  readonly attribute: AttributeDescriptor;
  /** The value, or the data-access-result that the meter gave instead. */
  readonly result: GetDataResult;
  /** Null = the object has none, or does not tell. */
  readonly scalerUnit: ScalerUnit | null;
}

/** One buffer that was wanted. */
export interface ReadBuffer {
  readonly instanceId: ObisCode;
  readonly result: GetDataResult;
  /** What the columns are, from the same answer; null = the meter does not tell: rows cannot be understood. */
  readonly columns: readonly CaptureObject[] | null;
  /** `changed` = the buffer was set up anew since it was read last. */
  readonly columnsState: ColumnsState | null;
}

/** What came. */
export interface ReadingAnswer {
  readonly firmware: string | null;
  /** Whether it is another firmware than last time. */
  readonly firmwareChanged: boolean;
  readonly values: readonly ReadValue[];
  readonly buffers: readonly ReadBuffer[];
}

const FIRMWARE: AttributeDescriptor = { classId: 1, instanceId: obisOf(1, 0, 0, 2, 0, 255), attributeId: 2 };
const PROFILE_GENERIC = 7;
const BUFFER = 2;
const CAPTURE_OBJECTS = 3;
const OBJECT_LIST = 2;

const whole = (attribute: AttributeDescriptor): AttributeAccess => ({ ...attribute, access: null });

/** One meter, asked over one session. */
export class MeterReader {
  constructor(
    private readonly session: Pick<MeterSession, 'get'>,
    private readonly identity: MeterIdentity,
    private readonly known: KnownMeters,
  ) {}

  /** Reads in one list, or in as few as the association bears. Rejects as `MeterSession.get` does. */
  async read(wish: ReadingWish): Promise<ReadingAnswer> {
    const facts = this.known.meter(this.identity.id);
    const firmwareObject = this.identity.firmware === undefined ? FIRMWARE : this.identity.firmware;
    const buffers = wish.buffers ?? [];
    const scalers = this.#unknownScalers(wish.values);
    const items = [
      ...(firmwareObject === null ? [] : [whole(firmwareObject)]),
      ...wish.values.map(whole),
      ...scalers.map(whole),
      ...buffers.flatMap(({ instanceId, access }): AttributeAccess[] => {
        const buffer = { classId: PROFILE_GENERIC, instanceId };
        return [
          { ...buffer, attributeId: CAPTURE_OBJECTS, access: null },
          { ...buffer, attributeId: BUFFER, access },
        ];
      }),
    ];
    const results = [...(await this.session.get(items))];
    const firmware = firmwareObject === null ? null : textIn(results.shift());
    const firmwareChanged = firmware !== null && facts.sawFirmware(firmware);
    const values = results.splice(0, wish.values.length);
    this.#learnScalers(scalers, results.splice(0, scalers.length));
    if (firmwareChanged) await this.#askScalers(this.#unknownScalers(wish.values));
    return {
      firmware,
      firmwareChanged,
      values: wish.values.map((attribute, at) => this.#value(attribute, values[at])),
      buffers: buffers.map(({ instanceId }, at) => this.#buffer(instanceId, results.slice(2 * at, 2 * at + 2))),
    };
  }

  /** The object list of this client: as a meter of this model and firmware showed it before, or asked. */
  async view(): Promise<readonly ObjectListEntry[]> {
    const { id, model, client } = this.identity;
    const key = { model, client, firmware: this.known.meter(id).firmware ?? '' };
    const seen = this.known.view(key);
    if (seen !== null) return seen;
    const list = { classId: ASSOCIATION_CLASS, instanceId: CURRENT_ASSOCIATION, attributeId: OBJECT_LIST };
    const [result] = await this.session.get([whole(list)]);
    if (result === undefined || !('data' in result)) return [];
    const view = objectListOf(result.data);
    this.known.sawView(key, view);
    return view;
  }

  #unknownScalers(attributes: readonly AttributeDescriptor[]): AttributeDescriptor[] {
    const facts = this.known.meter(this.identity.id);
    const asked = new Map<string, AttributeDescriptor>();
    for (const { classId, instanceId, attributeId } of attributes) {
      const scaler = scalerAttributeOf(classId, attributeId);
      if (scaler === null || facts.scaler(classId, instanceId) !== undefined) continue;
      asked.set(`${classId}/${instanceId}`, { classId, instanceId, attributeId: scaler });
    }
    return [...asked.values()];
  }

  async #askScalers(scalers: readonly AttributeDescriptor[]): Promise<void> {
    if (scalers.length > 0) this.#learnScalers(scalers, await this.session.get(scalers.map(whole)));
  }

  #learnScalers(scalers: readonly AttributeDescriptor[], results: readonly GetDataResult[]): void {
    const facts = this.known.meter(this.identity.id);
    for (const [at, { classId, instanceId }] of scalers.entries()) {
      const told = understood(results[at], (data) => ({ scaler: scalerUnitOf(data) }));
      // A refusal may pass: it is asked again next time.
      if (told !== null) facts.sawScaler(classId, instanceId, told.scaler);
    }
  }

  #value(attribute: AttributeDescriptor, result: GetDataResult | undefined): ReadValue {
    const { classId, instanceId, attributeId } = attribute;
    const has = scalerAttributeOf(classId, attributeId) !== null;
    const scalerUnit = has ? (this.known.meter(this.identity.id).scaler(classId, instanceId) ?? null) : null;
    return { attribute, result: result ?? NO_RESULT, scalerUnit };
  }

  #buffer(instanceId: ObisCode, [captured, result]: readonly GetDataResult[]): ReadBuffer {
    const columns = understood(captured, captureObjectsOf);
    const facts = this.known.meter(this.identity.id);
    const columnsState = columns === null ? null : facts.sawColumns(instanceId, columns);
    return { instanceId, result: result ?? NO_RESULT, columns, columnsState };
  }
}

/** A session answers each item; this stands where one does not. */
const NO_RESULT: GetDataResult = { dataAccessResult: 250 };

/** What an answer says; null when it was refused or is another kind of value. */
function understood<Value>(result: GetDataResult | undefined, read: (data: Data) => Value): Value | null {
  if (result === undefined || !('data' in result)) return null;
  try {
    return read(result.data);
  } catch (error) {
    if (isDlmsError(error)) return null;
    throw error;
  }
}

/** A version as text, octet by octet where it is octets: it is compared, not shown; null when it was refused. */
function textIn(result: GetDataResult | undefined): string | null {
  if (result === undefined || !('data' in result)) return null;
  const { data } = result;
  if (data.type === 'visible-string' || data.type === 'utf8-string') return String(data.value);
  if (data.type !== 'octet-string') return null;
  return String.fromCharCode(...data.value);
}
