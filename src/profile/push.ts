/**
 * From a pushed notification or telegram to readings and attributes, by the push lists of a profile.
 *
 * Customer ports send lists in four forms: values alone in a fixed order; OBIS and value in turn, some with scaler and unit
 * behind; structures of OBIS, value, scaler and unit; and a push object list with the values in its order. The first needs
 * the profile's positions, the others name their objects. Units that the frame does not carry come from the profile. A structure
 * may go on with the time at which its value was captured, as telegrams have it of sub-meters, which makes a row of its own, and with
 * a status: a row has that of the first of its values that came with one.
 */
import type { Data } from '../dlms/axdr/data.ts';
import { type CaptureObject, captureObjectsOf } from '../dlms/cosem/capture-object.ts';
import { obisFromOctets } from '../dlms/cosem/obis.ts';
import { type ScalerUnit, scalerUnitOf, UNIT_NONE, unitSymbol } from '../dlms/cosem/units.ts';
import type { MeterAttribute } from '../model/event.ts';
import type { ExactInteger } from '../model/number.ts';
import { groupOf, type ReadContext, type ReadoutGroup, type ReadoutProblem } from './readout.ts';
import { type RegisterTime, registerTime } from './register-readout.ts';
import type {
  AttributeRule,
  Profile,
  PushEncoding,
  PushRule,
  PushTarget,
  RegisterRule,
  ValueClass,
} from './schema/profile.ts';
import { integerOf, statusOctetsOf, textOf } from './value.ts';

/** A pushed message as it was decoded. */
export interface PushedMessage {
  /** What it came as; absent = a notification. */
  readonly encoding?: PushEncoding;
  /** Octets of the date-time of the notification; empty = none. */
  readonly dateTime: Uint8Array;
  readonly body: Data;
}

/** What a push says. */
export interface PushReadout {
  /** The list that it is, null when the profile knows none like it. */
  readonly list: PushRule | null;
  readonly groups: readonly ReadoutGroup[];
  readonly attributes: readonly MeterAttribute[];
  /** Values that the profile does not name: an operator may add them. */
  readonly unknown: readonly { readonly obis: string | null; readonly position: number; readonly text: string }[];
  readonly problems: readonly ReadoutProblem[];
}

/** An element of a list with whatever the frame says of it. */
interface PushItem {
  readonly position: number;
  readonly obis: string | null;
  readonly value: Data;
  readonly scalerUnit: ScalerUnit | null;
  /** When the value was captured, absent = with the others. */
  readonly capturedAt?: Data;
  /** What the meter said of the value, absent = nothing. */
  readonly status?: Uint8Array;
}

/** A value on its way to its group. */
interface SortedValue {
  readonly register: RegisterRule;
  readonly exponent: number;
  readonly unit: string;
  readonly value: ExactInteger;
  readonly capturedAt: Data | null;
  readonly status: Uint8Array;
}

/** Readings and attributes of a push. Time: the notification's, else the clock in the list, else the receive time. */
export function readPush(
  profile: Profile,
  message: PushedMessage,
  context: ReadContext & { readonly nowMs: number },
): PushReadout {
  const elements = elementsOf(message.body);
  const { encoding = 'notification' } = message;
  const list = profile.push.find((rule) => rule.encoding === encoding && isList(rule, elements)) ?? null;
  if (list === null) {
    const sentence = `No push list of ${profile.key} has this form (${elements.length} elements).`;
    return { list, groups: [], attributes: [], unknown: [], problems: [{ index: 0, sentence }] };
  }
  const items = list.layout === 'positional' ? positionalItems(elements) : namedItems(elements);
  const sorter = new PushSorter(profile, list, context);
  for (const item of items) sorter.take(item);
  return sorter.finish(message.dateTime);
}

class PushSorter {
  readonly #values: SortedValue[] = [];
  readonly #attributes: MeterAttribute[] = [];
  readonly #unknown: PushReadout['unknown'][number][] = [];
  readonly #problems: ReadoutProblem[] = [];
  #clock: Data | null = null;

  constructor(
    private readonly profile: Profile,
    private readonly list: PushRule,
    private readonly context: ReadContext & { readonly nowMs: number },
  ) {}

  take(item: PushItem): void {
    if (item.value.type === 'null-data') return;
    const target = this.#targetOf(item);
    if (target === null) {
      const text = textOf(item.value) ?? item.value.type;
      this.#unknown.push({ obis: item.obis, position: item.position, text });
    } else if (target.kind === 'clock') this.#clock = item.value;
    else if (target.kind === 'register') this.#register(item, target.register);
    else this.#attribute(item, target.attribute);
  }

  finish(dateTime: Uint8Array): PushReadout {
    const time = this.#time(dateTime);
    const classes: readonly ValueClass[] = ['billing', 'low-value'];
    const groups = classes.flatMap((valueClass) => this.#groups(valueClass, time));
    const { list } = this;
    return { list, groups, attributes: this.#attributes, unknown: this.#unknown, problems: this.#problems };
  }

  #targetOf(item: PushItem): PushTarget | null {
    const { profile } = this;
    const byPosition = this.list.positions.get(item.position);
    if (item.obis === null) return byPosition ?? null;
    if (item.obis === profile.clock.obis || CLOCK_OBIS.test(item.obis)) return { kind: 'clock' };
    const register = profile.registers.find((candidate) => candidate.obis === item.obis);
    if (register !== undefined) return { kind: 'register', register };
    const attribute = profile.attributes.find((candidate) => candidate.obis === item.obis);
    return attribute === undefined ? (byPosition ?? null) : { kind: 'attribute', attribute };
  }

  #register(item: PushItem, register: RegisterRule): void {
    const exponent = item.scalerUnit?.scaler ?? this.list.exponents.get(register.name) ?? register.exponent;
    const unit = item.scalerUnit === null ? register.unit : symbolOf(item.scalerUnit.unit);
    const value = integerOf(item.value, exponent);
    if (value === null) {
      const sentence = `${register.name} is a ${item.value.type}, a whole number was expected.`;
      this.#problems.push({ index: item.position, sentence });
      return;
    }
    if (unit !== register.unit) {
      const sentence = `${register.name} came in ${unit}, its profile says ${register.unit}.`;
      this.#problems.push({ index: item.position, sentence });
    }
    const { capturedAt = null, status = NO_STATUS } = item;
    this.#values.push({ register, exponent, unit, value, capturedAt, status });
  }

  #attribute(item: PushItem, attribute: AttributeRule): void {
    const text = textOf(item.value, attribute.form);
    if (text === null) return;
    const { meterId, nowMs } = this.context;
    this.#attributes.push({ meterId, obis: attribute.obis, name: attribute.name, text, readAtMs: nowMs });
  }

  /** The first usable time of: the notification, the clock in the list, the moment of arrival. */
  #time(dateTime: Uint8Array): RegisterTime {
    const octets: Data | null = dateTime.length === 12 ? { type: 'octet-string', value: dateTime } : null;
    const header = registerTime(this.profile, octets, this.context);
    if (header.quality !== 'no-meter-time' || this.#clock === null) return header;
    return registerTime(this.profile, this.#clock, this.context);
  }

  /** The values of one time in one group: those of the push, and those that were captured before it. */
  #groups(valueClass: ValueClass, time: RegisterTime): ReadoutGroup[] {
    const byTime = new Map<string, { readonly time: RegisterTime; readonly values: SortedValue[] }>();
    for (const entry of this.#values) {
      if (entry.register.valueClass !== valueClass) continue;
      const own = entry.capturedAt === null ? time : registerTime(this.profile, entry.capturedAt, this.context);
      const key = `${own.atMs} ${own.quality}`;
      const row = byTime.get(key) ?? { time: own, values: [] };
      row.values.push(entry);
      byTime.set(key, row);
    }
    return [...byTime.values()].map(({ time: own, values }) => {
      const columns = values.map(({ register, exponent, unit }) => ({ obis: register.storedAs, exponent, unit }));
      const status = values.find((entry) => entry.status.length > 0)?.status ?? NO_STATUS;
      const row = { ...own, status, values: values.map((entry) => entry.value) };
      return { group: groupOf(this.context, 0, 'push', columns), valueClass, rows: [row] };
    });
  }
}

const NO_STATUS = new Uint8Array(0);

/** The clock object, whatever its channel: Kamstrup pushes 0-1:1.0.0. */
const CLOCK_OBIS = /^0-\d+:1\.0\.0\*255$/;

/** `unitless` codes are the empty symbol. */
function symbolOf(unit: number): string {
  return unit === UNIT_NONE ? '' : unitSymbol(unit);
}

function elementsOf(body: Data): readonly Data[] {
  return body.type === 'structure' || body.type === 'array' ? body.value : [body];
}

function isList(rule: PushRule, elements: readonly Data[]): boolean {
  if (rule.items !== null && rule.items !== elements.length) return false;
  if (rule.text !== null) {
    const element = elements[rule.text.position];
    if (element === undefined || !rule.text.pattern.test(textOf(element) ?? '')) return false;
  }
  if (rule.layout === 'positional') return rule.items !== null || rule.text !== null;
  const items = namedItems(elements);
  if (!items.some((item) => item.obis !== null)) return false;
  const { obisText } = rule;
  if (obisText === null) return true;
  return items.some((item) => item.obis === obisText.obis && obisText.pattern.test(textOf(item.value) ?? ''));
}

function positionalItems(elements: readonly Data[]): PushItem[] {
  return elements.map((value, position) => ({ position, obis: null, value, scalerUnit: null }));
}

/** Elements with their objects: by a push object list, or spelled out beside each value. */
function namedItems(elements: readonly Data[]): PushItem[] {
  const objects = pushObjects(elements[0]);
  if (objects !== null) return listedItems(elements, objects);
  return spelledItems(elements);
}

/** The push object list that some meters send as the first element, or null. */
function pushObjects(first: Data | undefined): CaptureObject[] | null {
  if (first?.type !== 'array' || first.value.length === 0) return null;
  try {
    return captureObjectsOf(first);
  } catch {
    return null;
  }
}

function listedItems(elements: readonly Data[], objects: readonly CaptureObject[]): PushItem[] {
  return elements.slice(1).flatMap((value, at) => {
    const object = objects[at + 1];
    if (object === undefined || isPushSetup(object)) return [];
    return [{ position: at + 1, obis: object.instanceId, value, scalerUnit: null }];
  });
}

function isPushSetup(object: CaptureObject): boolean {
  return object.classId === 40;
}

function structuredItem(element: Data, position: number): PushItem {
  const [name, value, scalerUnit, capturedAt, status] = element.type === 'structure' ? element.value : [];
  if (name === undefined || value === undefined || !isObisOctets(name)) {
    return { position, obis: null, value: element, scalerUnit: null };
  }
  const item = { position, obis: obisFromOctets(name.value), value, scalerUnit: scalerUnitIn(scalerUnit) };
  return {
    ...item,
    ...(capturedAt === undefined || capturedAt.type === 'null-data' ? {} : { capturedAt }),
    ...(status === undefined ? {} : { status: statusOctetsOf(status) ?? NO_STATUS }),
  };
}

/** OBIS and value in turn, or a structure of both, in one list even mixed (Tyrol): scaler and unit may follow each. */
function spelledItems(elements: readonly Data[]): PushItem[] {
  const items: PushItem[] = [];
  for (let position = 0; position < elements.length; position++) {
    const element = elements[position] as Data;
    const value = elements[position + 1];
    if (!isObisOctets(element) || value === undefined) {
      items.push(structuredItem(element, position));
      continue;
    }
    const scalerUnit = scalerUnitIn(elements[position + 2]);
    items.push({ position: position + 1, obis: obisFromOctets(element.value), value, scalerUnit });
    position += scalerUnit === null ? 1 : 2;
  }
  return items;
}

/** Six octets that can be a logical name: a medium from 0 to 15 in front, and not a text of six characters. */
function isObisOctets(data: Data): data is Data & { readonly type: 'octet-string' } {
  return data.type === 'octet-string' && data.value.length === 6 && (data.value.at(0) ?? 255) <= 15;
}

function scalerUnitIn(data: Data | undefined): ScalerUnit | null {
  if (data?.type !== 'structure') return null;
  try {
    return scalerUnitOf(data);
  } catch {
    return null;
  }
}
