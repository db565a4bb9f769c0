/**
 * Push setup (class 40, version 2) of a simulated meter: what it pushes and where to, in which windows, how soon after its
 * time, how often it tries again and whether somebody must confirm. One for each list of the profile; a client with control
 * rights sets them, and its method pushes.
 *
 * Given up: port reference, SAP and confirmation parameters are shown and not written; protection is what push-protection.ts
 * can do. From memory: the delay of a repetition grows by the exponent in hundredths.
 */
import type { Data } from '../../dlms/axdr/data.ts';
import type { CosemDateTime } from '../../dlms/cosem/datetime.ts';
import { type ObisCode, parseObis } from '../../dlms/cosem/obis.ts';
import {
  type ProtectionLayer,
  protectionLayersData,
  protectionLayersOf,
} from '../../dlms/cosem/protection-parameters.ts';
import { type PushObject, pushObjectData, pushObjectOf, wholePushObject } from '../../dlms/cosem/push-object.ts';
import { dateTimeData, dateTimeOfData } from '../../dlms/cosem/selective-access.ts';
import { isDlmsError } from '../../dlms/errors.ts';
import { RESULT } from '../../dlms/session/object-model.ts';
import type { Profile, PushRule } from '../../profile/schema/profile.ts';
import { PUSH_OBJECTS_MAX, PUSH_WINDOWS_MAX } from '../limits.ts';
import { type SimObject, simObject } from './objects/object.ts';
import { localMsOf, type PushWindow, waitForWindowMs } from './push-window.ts';

const PUSH_SETUP_CLASS = 40;
const ATTRIBUTE = {
  objects: 2,
  destination: 3,
  windows: 4,
  randomisation: 5,
  retries: 6,
  repetition: 7,
  port: 8,
  client: 9,
  protection: 10,
  operation: 11,
  confirmation: 12,
  confirmed: 13,
};
const PUSH_METHOD = 1;
const RESET_METHOD = 2;
const TRANSPORTS = { tcp: 0, hdlc: 5 } as const;
const MESSAGE_A_XDR = 0;
const DATA_CLASS = 1;
const PROFILE_CLASS = 7;
const REGISTER_CLASS = 3;
const VALUE_ATTRIBUTE = 2;
const RETRIES_DEFAULT = 3;
const REPETITION_DEFAULT_S = 10;
const NO_GROWTH = 100;
const DESTINATION = /^(\[[0-9a-fA-F:]+\]|[^:\s]+):(\d{1,5})$/;
/** Client address on HDLC that pushes are for, as customer ports have it. */
const HDLC_CLIENT = 16;

/** push_operation_method: both other ones are unconfirmed. */
export const OPERATION = { unconfirmed: 0, confirmed: 2 } as const;

/** A place to connect to. */
export interface PushDestination {
  readonly host: string;
  readonly port: number;
}

/** How long to wait before a push is tried again. */
export interface RepetitionDelay {
  readonly minS: number;
  /** Growth from one try to the next, hundredths: 100 = none. */
  readonly exponent: number;
  readonly maxS: number;
}

/** The lists that a simulated meter pushes: one for each period, the fullest, and none that belongs to a variant. */
export function pushListsOf(rules: readonly PushRule[]): PushRule[] {
  const chosen = new Map<number | null, PushRule>();
  for (const rule of rules) {
    const other = chosen.get(rule.periodS);
    const isVariant = rule.layout === 'obis' && rule.obisText !== null && rules.length > 1;
    if (!isVariant && (other === undefined || rule.positions.size > other.positions.size))
      chosen.set(rule.periodS, rule);
  }
  return [...chosen.values()];
}

/** `host:port` in parts; null when it is not written so. */
export function destinationOf(text: string): PushDestination | null {
  const [, host = '', port = ''] = DESTINATION.exec(text) ?? [];
  const number = Number(port);
  return host === '' || number < 1 || number > 65_535 ? null : { host: host.replace(/^\[(.*)\]$/, '$1'), port: number };
}

/** One Push setup. */
export class PushSetup {
  readonly obis: ObisCode;
  /** The list that a client wrote; null = the list of the profile. */
  objects: readonly PushObject[] | null = null;
  /** Over TCP to {@link destinationText}, or in UI frames on the HDLC line at which the meter is. */
  transport: keyof typeof TRANSPORTS = 'hdlc';
  /** Where it connects to over TCP, `host:port`; empty = nowhere. */
  destinationText = '';
  /** When it may push; none = always. */
  windows: readonly PushWindow[] = [];
  /** Longest wait after the time of a push, or after a window opened, s; the moment is drawn. */
  randomisationS = 0;
  /** How often a push is tried again. */
  retries = RETRIES_DEFAULT;
  repetition: RepetitionDelay = { minS: REPETITION_DEFAULT_S, exponent: NO_GROWTH, maxS: REPETITION_DEFAULT_S };
  /** push_operation_method: 0 and 1 unconfirmed, 2 confirmed by the client. */
  operation: number = OPERATION.unconfirmed;
  /** Protection of a push, in this order; none = authenticated and encrypted where the meter has keys. */
  protection: readonly ProtectionLayer[] = [];
  /** Whether the meter has what these layers take; absent = it has no keys. */
  canProtect: (layers: readonly ProtectionLayer[]) => boolean = ({ length }) => length === 0;
  /** When a push was confirmed last, by the meter's clock. */
  confirmedAt: CosemDateTime | null = null;
  /** How often the method push was invoked, for who looks by himself. */
  asked = 0;
  /** Called by the method push, when somebody calls over TCP. */
  onPush: (() => void) | null = null;
  /** Called by the method reset: what is being tried is given up. */
  onReset: (() => void) | null = null;

  /** The setup of a list; `at` counts the setups of a meter. */
  constructor(
    readonly rule: PushRule,
    at: number,
    private readonly profile: Profile,
  ) {
    this.obis = parseObis(`0-${at}:25.9.0*255`);
  }

  /** Where to connect to, null = nowhere. */
  get destination(): PushDestination | null {
    return this.transport === 'tcp' ? destinationOf(this.destinationText) : null;
  }

  /** Whether a push wants data-notification-confirm. */
  get isConfirmed(): boolean {
    return this.operation === OPERATION.confirmed;
  }

  /** From now on over TCP to `host:port`; empty = nowhere. */
  pushTo(destination: string): void {
    this.transport = 'tcp';
    this.destinationText = destination;
  }

  /** How long before a push may go out at this time of the meter's clock, ms; null = never. */
  waitMs(time: CosemDateTime): number | null {
    return waitForWindowMs(this.windows, localMsOf(time) ?? 0);
  }

  /** The wait before the n-th repetition, from 1, ms. */
  repetitionMs(n: number): number {
    const { minS, exponent, maxS } = this.repetition;
    return Math.min(minS * (exponent / 100) ** (n - 1), maxS) * 1000;
  }

  /** A wait drawn from the randomisation interval, ms; `share` is from 0 up to 1. */
  drawnMs(share: number): number {
    return this.randomisationS * 1000 * share;
  }

  /** As an object of the meter. */
  object(): SimObject {
    const u16 = (value: number): Data => ({ type: 'long-unsigned', value });
    const { objects, destination, windows, randomisation, retries, repetition, protection, operation } = ATTRIBUTE;
    return simObject({
      classId: PUSH_SETUP_CLASS,
      version: 2,
      obis: this.obis,
      writable: [objects, destination, windows, randomisation, retries, repetition, protection, operation],
      methods: [PUSH_METHOD, RESET_METHOD],
      values: {
        [objects]: () => ({ type: 'array', value: this.listed().map(pushObjectData) }),
        [destination]: () => this.#destination(),
        [windows]: () => ({ type: 'array', value: this.windows.map(windowData) }),
        [randomisation]: () => u16(this.randomisationS),
        [retries]: () => ({ type: 'unsigned', value: this.retries }),
        [repetition]: () => {
          const { minS, exponent, maxS } = this.repetition;
          return { type: 'structure', value: [u16(minS), u16(exponent), u16(maxS)] };
        },
        [ATTRIBUTE.port]: () => ({ type: 'octet-string', value: new Uint8Array(6) }),
        [ATTRIBUTE.client]: () => ({ type: 'integer', value: 1 }),
        [protection]: () => protectionLayersData(this.protection),
        [operation]: () => ({ type: 'enum', value: this.operation }),
        [ATTRIBUTE.confirmation]: () => ({
          type: 'structure',
          value: [
            { type: 'date-time', value: NO_TIME },
            { type: 'double-long-unsigned', value: 0 },
          ],
        }),
        [ATTRIBUTE.confirmed]: () => ({ type: 'date-time', value: this.confirmedAt ?? NO_TIME }),
      },
      write: (attribute, value) => this.#write(attribute, value),
      invoke: (method) => {
        if (this.transport === 'tcp' && this.onPush === null) return RESULT.temporaryFailure;
        if (method === PUSH_METHOD) {
          this.asked++;
          this.onPush?.();
        } else this.onReset?.();
        return RESULT.success;
      },
    });
  }

  /** What is pushed, by object: what was written, or what the profile's list has. */
  listed(): readonly PushObject[] {
    if (this.objects !== null) return this.objects;
    const targets = [...this.rule.positions.values()];
    const placed = targets.flatMap((target) => (target.kind === 'register' ? [target.register.obis] : []));
    const registers = placed.length > 0 ? placed : this.profile.registers.map(({ obis }) => obis);
    const value = (classId: number, obis: string): PushObject =>
      wholePushObject({ classId, instanceId: parseObis(obis), attributeId: VALUE_ATTRIBUTE, dataIndex: 0 });
    return [
      ...this.profile.attributes.map(({ obis }) => value(DATA_CLASS, obis)),
      ...registers.map((obis) => value(REGISTER_CLASS, obis)),
    ];
  }

  #destination(): Data {
    const isTcp = this.transport === 'tcp';
    const destination = isTcp ? new TextEncoder().encode(this.destinationText) : Uint8Array.of(HDLC_CLIENT);
    return {
      type: 'structure',
      value: [
        { type: 'enum', value: TRANSPORTS[this.transport] },
        { type: 'octet-string', value: destination },
        { type: 'enum', value: MESSAGE_A_XDR },
      ],
    };
  }

  #write(attribute: number, data: Data): number {
    switch (attribute) {
      case ATTRIBUTE.objects:
        return this.#writeObjects(data);
      case ATTRIBUTE.destination:
        return this.#writeDestination(data);
      case ATTRIBUTE.windows:
        return this.#writeWindows(data);
      case ATTRIBUTE.repetition:
        return this.#writeRepetition(data);
      case ATTRIBUTE.protection:
        return this.#writeProtection(data);
      default:
        return this.#writeNumber(attribute, data);
    }
  }

  #writeNumber(attribute: number, data: Data): number {
    if (attribute === ATTRIBUTE.operation) {
      if (data.type !== 'enum') return RESULT.typeUnmatched;
      if (data.value > OPERATION.confirmed) return RESULT.otherReason;
      this.operation = data.value;
      return RESULT.success;
    }
    const wanted = attribute === ATTRIBUTE.retries ? 'unsigned' : 'long-unsigned';
    if (data.type !== wanted) return RESULT.typeUnmatched;
    if (attribute === ATTRIBUTE.retries) this.retries = data.value;
    else this.randomisationS = data.value;
    return RESULT.success;
  }

  #writeProtection(data: Data): number {
    const layers = shapeOf(() => protectionLayersOf(data));
    if (layers === null) return RESULT.typeUnmatched;
    if (!this.canProtect(layers)) return RESULT.otherReason;
    this.protection = layers;
    return RESULT.success;
  }

  /** Takes elements with or without the fields of later versions; rows and columns are chosen of buffers alone. */
  #writeObjects(data: Data): number {
    if (data.type !== 'array') return RESULT.typeUnmatched;
    if (data.value.length > PUSH_OBJECTS_MAX) return RESULT.otherReason;
    const objects: PushObject[] = [];
    for (const element of data.value) {
      const object = shapeOf(() => pushObjectOf(element));
      if (object === null) return RESULT.typeUnmatched;
      if (!isPushable(object)) return RESULT.otherReason;
      objects.push(object);
    }
    this.objects = objects.length === 0 ? null : objects;
    return RESULT.success;
  }

  /** Takes TCP with A-XDR, to `host:port` or to nobody, and the HDLC line with one octet of client address. */
  #writeDestination(data: Data): number {
    const [transport, destination, message] = data.type === 'structure' ? data.value : [];
    if (transport?.type !== 'enum' || destination?.type !== 'octet-string' || message?.type !== 'enum')
      return RESULT.typeUnmatched;
    if (message.value !== MESSAGE_A_XDR) return RESULT.otherReason;
    if (transport.value === TRANSPORTS.hdlc) {
      if (destination.value.length !== 1 || destination.value[0] !== HDLC_CLIENT) return RESULT.otherReason;
      this.transport = 'hdlc';
      return RESULT.success;
    }
    const text = new TextDecoder().decode(destination.value);
    if (transport.value !== TRANSPORTS.tcp || (text !== '' && destinationOf(text) === null)) return RESULT.otherReason;
    this.pushTo(text);
    return RESULT.success;
  }

  #writeWindows(data: Data): number {
    if (data.type !== 'array') return RESULT.typeUnmatched;
    if (data.value.length > PUSH_WINDOWS_MAX) return RESULT.otherReason;
    const windows: PushWindow[] = [];
    for (const element of data.value) {
      const [start, end] = element.type === 'structure' ? element.value : [];
      const [from, to] = [start, end].map((each) => (each === undefined ? null : dateTimeOfData(each)));
      if (from == null || to == null) return RESULT.typeUnmatched;
      windows.push({ start: from, end: to });
    }
    this.windows = windows;
    return RESULT.success;
  }

  /** Takes the structure, and the one number of older versions: then it does not grow. */
  #writeRepetition(data: Data): number {
    const parts = data.type === 'structure' ? data.value : [data, { type: 'long-unsigned', value: NO_GROWTH }, data];
    const [minS, exponent, maxS] = parts.map((part) => (part.type === 'long-unsigned' ? Number(part.value) : null));
    if (parts.length !== 3 || minS == null || exponent == null || maxS == null) return RESULT.typeUnmatched;
    if (maxS < minS) return RESULT.otherReason;
    this.repetition = { minS, exponent, maxS };
    return RESULT.success;
  }
}

const NO_TIME: CosemDateTime = {
  year: null,
  month: null,
  day: null,
  weekday: null,
  hour: null,
  minute: null,
  second: null,
  hundredths: null,
  deviation: null,
  status: 0xff,
};

function windowData({ start, end }: PushWindow): Data {
  return { type: 'structure', value: [dateTimeData(start), dateTimeData(end)] };
}

/** What was read, null = it has another shape. */
function shapeOf<Value>(read: () => Value): Value | null {
  try {
    return read();
  } catch (error) {
    if (isDlmsError(error)) return null;
    throw error;
  }
}

function isPushable({ classId, attributeId, restriction, columns }: PushObject): boolean {
  if (columns.length > PUSH_OBJECTS_MAX) return false;
  const isBuffer = classId === PROFILE_CLASS && attributeId === VALUE_ATTRIBUTE;
  return isBuffer || (restriction === null && columns.length === 0);
}
