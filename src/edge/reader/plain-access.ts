/**
 * What a command gets of a meter without associations: its registers, all in one read-out, out of which those are answered that were asked
 * for. Such a meter takes no orders, and has no object that its profile does not name.
 */
import type { ObjectReference, ObjectValue } from '../../model/command.ts';
import type { ReadJob } from '../../profile/plan.ts';
import { edgeError } from '../errors.ts';
import type { Entry, GroupRows, Meter, MeterAccess } from '../ports.ts';
import type { PlainDesk, PlainWay } from './plain-way.ts';

/** DLMS data-access-result: there is no such object. */
const OBJECT_UNDEFINED = 4;
const VALUE = 2;

/** See the head of the file. */
export class PlainAccess implements MeterAccess {
  readonly timeZone: string;
  readonly relayObis = null;
  readonly relaySettleMs = 0;
  readonly ordersAreProtected = false;
  readonly loadVoltage = null;
  readonly keyChange = null;
  readonly snapshot: readonly ObjectReference[] = [];
  readonly #meter: Meter;
  readonly #way: PlainWay;
  readonly #desk: PlainDesk;
  /** The meter has answered. */
  hasAnswered = false;

  constructor(meter: Meter, way: PlainWay, desk: PlainDesk) {
    this.#meter = meter;
    this.#way = way;
    this.#desk = desk;
    this.timeZone = meter.timeZone;
  }

  async readAll(): Promise<readonly ObjectValue[]> {
    const { registers } = this.#meter.profile;
    const job: ReadJob = { kind: 'registers', key: 'on-demand', periodS: 0, registers };
    const groups: GroupRows[] = [];
    const put = async (part: Partial<Entry>) => {
      groups.push(...(part.groups ?? []));
    };
    await this.#way.run(this.#meter, job, { ...this.#desk, put });
    this.hasAnswered = true;
    return groups.flatMap(valuesOf);
  }

  async readObjects(objects: readonly ObjectReference[]): Promise<readonly ObjectValue[]> {
    const values = await this.readAll();
    return objects.map((object) => {
      const value = values.find(({ obis }) => obis === object.obis && object.attribute === VALUE);
      return { raw: new Uint8Array(0), result: OBJECT_UNDEFINED, ...value, ...object };
    });
  }

  invoke(): Promise<never> {
    return this.#refused();
  }

  readRelay(): Promise<never> {
    return this.#refused();
  }

  imageSession(): Promise<never> {
    return this.#refused();
  }

  drop(): Promise<void> {
    this.#desk.closeLine();
    return Promise.resolve();
  }

  /** A read-out is over before anybody would notice. */
  isWanted(): boolean {
    return false;
  }

  #refused(): Promise<never> {
    return Promise.reject(edgeError('READER_NO_ORDERS', this.#meter.meterId));
  }
}

/** The newest value of each column. */
function valuesOf({ group, rows }: GroupRows): ObjectValue[] {
  return group.columns.flatMap(({ obis, exponent, unit }, at) => {
    const value = rows.findLast(({ values }) => (values[at] ?? null) !== null)?.values[at] ?? null;
    if (value === null) return [];
    return [{ classId: 3, obis, attribute: VALUE, result: 0, value, exponent, unit, raw: new Uint8Array(0) }];
  });
}
