/**
 * A meter on its customer port: pushes the lists of its profile at their periods, in HDLC UI frames or as telegrams, and answers
 * besides. A Push setup whose destination is another one pushes nothing here; windows, randomisation and object list are kept as over TCP.
 * What it sends is what the profile's own readout recognises, so a new push list can be tried before a meter is at hand.
 */
import type { Machine } from '../../base/machine.ts';
import type { Data } from '../../dlms/axdr/data.ts';
import { dateTimeToOctets } from '../../dlms/cosem/datetime.ts';
import { obisToOctets, parseObis } from '../../dlms/cosem/obis.ts';
import { scalerUnitData, UNIT_NONE, unitCode } from '../../dlms/cosem/units.ts';
import { encodeApdu } from '../../dlms/xdlms/codec.ts';
import type { DataNotification } from '../../dlms/xdlms/notification.ts';
import type { PushRule, PushTarget, RegisterRule } from '../../profile/schema/profile.ts';
import { meterTimeOf } from '../../profile/time.ts';
import { onTheLine } from '../captures.ts';
import type { Device } from '../meter/device.ts';
import { momentData, valueData } from '../meter/objects/measurements.ts';
import { type PushedObjects, pushedBody } from '../meter/push-body.ts';
import { PUSH_CLIENT } from '../meter/push-protection.ts';
import type { PushSetup } from '../meter/push-setup.ts';
import type { SimSecurity } from '../meter/security.ts';

/** A list and when it is due, by the monotonic clock. */
interface DueList {
  readonly setup: PushSetup;
  readonly periodMs: number;
  dueMs: number;
  /** Pushes that the setup's method asked for and that are done. */
  done: number;
}

/** A meter as what it pushes needs it. */
export interface PushingMeter {
  readonly device: Device;
  readonly model: PushedObjects;
  readonly security: Pick<SimSecurity, 'sealPush'> | null;
  /** Its telegram of now, where it sends such. */
  telegram(rule: PushRule): Uint8Array;
}

const NULL_DATA: Data = { type: 'null-data' };
const INVOKE_IDS = 0x100_0000;

/** A machine around a meter's session that pushes. */
export class PushingMachine<Event> implements Machine<Event> {
  readonly #lists: readonly DueList[];
  #output: Uint8Array[] = [];
  #invokeId = 0;

  constructor(
    private readonly inner: Machine<Event>,
    private readonly meter: PushingMeter,
    /** A number from 0 up to 1, drawn for each wait. */
    private readonly draw: () => number,
  ) {
    this.#lists = meter.device.pushSetups.map((setup) => ({
      setup,
      periodMs: (setup.rule.periodS ?? 10) * 1000,
      dueMs: 0,
      done: setup.asked,
    }));
  }

  receive(chunk: Uint8Array, nowMs: number): Event[] {
    return this.inner.receive(chunk, nowMs);
  }

  takeOutput(): Uint8Array[] {
    const pushed = this.#output;
    this.#output = [];
    return [...this.inner.takeOutput(), ...pushed];
  }

  deadlineMs(): number | null {
    const due = this.#lists.map((list) => (list.setup.asked === list.done ? list.dueMs : 0));
    const inner = this.inner.deadlineMs();
    return due.length === 0 ? inner : Math.min(...due, inner ?? Number.POSITIVE_INFINITY);
  }

  tick(nowMs: number): Event[] {
    for (const list of this.#lists) {
      const { setup } = list;
      if (setup.asked !== list.done) list.dueMs = Math.min(list.dueMs, nowMs + setup.drawnMs(this.draw()));
      list.done = setup.asked;
      if (list.dueMs <= nowMs) this.#due(list, nowMs);
    }
    return this.inner.tick(nowMs);
  }

  #due(list: DueList, nowMs: number): void {
    const { device } = this.meter;
    const { setup, periodMs } = list;
    const waitMs = setup.waitMs(meterTimeOf(device.nowMs, device.profile.clock, device.timeZone));
    // Not now: when a window opens, or, when none does any more, a period later in case one was written.
    list.dueMs = nowMs + (waitMs === null || waitMs === 0 ? periodMs : waitMs) + setup.drawnMs(this.draw());
    if (waitMs !== 0 || setup.transport !== 'hdlc') return;
    this.#output.push(setup.rule.encoding === 'notification' ? this.#frame(setup) : this.meter.telegram(setup.rule));
  }

  #frame(setup: PushSetup): Uint8Array {
    this.#invokeId = (this.#invokeId + 1) % INVOKE_IDS;
    const plain = encodeApdu(notificationOf(this.meter, setup, this.#invokeId));
    // A customer port that nobody protects speaks in clear, whatever keys the meter has.
    const isPlain = setup.protection.length === 0 || this.meter.security === null;
    const octets = isPlain ? plain : this.meter.security.sealPush(plain, PUSH_CLIENT, setup.protection);
    return onTheLine({ id: setup.rule.name, layer: 'apdu', octets, ciphered: false, encryptionKey: null });
  }
}

/** What a meter pushes by a setup right now. */
export function notificationOf(
  { device, model }: Pick<PushingMeter, 'device' | 'model'>,
  { rule, objects }: Pick<PushSetup, 'rule' | 'objects'>,
  longInvokeId: number,
): DataNotification {
  const { clock, quirks } = device.profile;
  return {
    apdu: 'data-notification',
    longInvokeId,
    selfDescriptive: false,
    breakOnError: false,
    confirmed: false,
    highPriority: false,
    dateTime: dateTimeToOctets(meterTimeOf(device.nowMs, clock, device.timeZone)),
    taggedDateTime: quirks.some((quirk) => quirk.name === 'string-in-date-time-tag'),
    body: objects === null ? { type: 'structure', value: elementsOf(device, rule) } : pushedBody(model, objects),
  };
}

function elementsOf(device: Device, rule: PushRule): Data[] {
  const placesRegisters = [...rule.positions.values()].some((target) => target.kind === 'register');
  return rule.layout === 'positional' || placesRegisters ? placed(device, rule) : named(device, rule);
}

/** Values at their positions, nothing between; in a list with names, the first text stands in front with its name. */
function placed(device: Device, rule: PushRule): Data[] {
  const count = rule.items ?? Math.max(-1, ...rule.positions.keys()) + 1;
  const elements = Array.from({ length: count }, (_, position) =>
    elementOf(device, rule, rule.positions.get(position), position),
  );
  const [first] = device.profile.attributes;
  if (rule.layout === 'obis' && first !== undefined)
    elements.splice(0, 2, nameData(first.obis), textData(device.serial));
  return elements;
}

/** OBIS and value in turn, scaler and unit behind where the length of the list says so. */
function named(device: Device, rule: PushRule): Data[] {
  const { attributes, registers } = device.profile;
  const loose = [...rule.positions].map(([position, target]) => ({
    position,
    value: elementOf(device, rule, target, position),
  }));
  const inFront = loose.filter((entry) => entry.position === 0).map((entry) => entry.value);
  const behind = loose.filter((entry) => entry.position > 0).map((entry) => entry.value);
  const room = rule.items === null ? null : rule.items - loose.length;
  if (room !== null) {
    const fitting = registers.slice(0, Math.floor(room / 3));
    return [
      ...inFront,
      ...fitting.flatMap((register) => [...pair(device, register), scalerUnitOf(register)]),
      ...behind,
    ];
  }
  const isLoose = (name: string) =>
    [...rule.positions.values()].some((target) => target.kind === 'attribute' && target.attribute.name === name);
  const texts = attributes.filter((attribute) => !isLoose(attribute.name));
  return [
    ...inFront,
    ...texts.flatMap((attribute) => [nameData(attribute.obis), textData(device.serial)]),
    ...registers.flatMap((register) => pair(device, register)),
    ...behind,
  ];
}

function pair(device: Device, register: RegisterRule): Data[] {
  return [nameData(register.obis), valueData(register.type, device.registerAt(register, device.nowMs))];
}

function scalerUnitOf(register: RegisterRule): Data {
  return scalerUnitData({ scaler: register.exponent, unit: unitCode(register.unit) ?? UNIT_NONE });
}

function elementOf(device: Device, rule: PushRule, target: PushTarget | undefined, position: number): Data {
  if (target === undefined) return NULL_DATA;
  switch (target.kind) {
    case 'clock':
      return momentData(device, device.nowMs);
    case 'register':
      return valueData(target.register.type, device.registerAt(target.register, device.nowMs));
    case 'attribute':
      return textData(rule.text?.position === position ? `${literalOf(rule.text.pattern)}SIM` : device.serial);
  }
}

/** The plain letters with which a pattern begins: enough to be recognised by it. */
function literalOf(pattern: RegExp): string {
  return /^\^?([A-Za-z0-9_]*)/.exec(pattern.source)?.[1] ?? '';
}

function nameData(obis: string): Data {
  return { type: 'octet-string', value: obisToOctets(parseObis(obis)) };
}

function textData(text: string): Data {
  return { type: 'octet-string', value: new TextEncoder().encode(text) };
}
