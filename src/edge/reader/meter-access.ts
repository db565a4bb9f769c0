/** A meter as command handlers see it: every call finds its way to an association, opening a new one when the last broke. */
import type { Data } from '../../dlms/axdr/data.ts';
import { parseObis } from '../../dlms/cosem/obis.ts';
import type { ImageSession } from '../../dlms/image/image-session.ts';
import type { AttributeAccess, GetDataResult } from '../../dlms/xdlms/service.ts';
import type { ObjectReference, ObjectValue } from '../../model/command.ts';
import type { Scaler } from '../../profile/readout.ts';
import { type ClientUse, type RegisterRule, registerByObis } from '../../profile/schema/profile.ts';
import { edgeError } from '../errors.ts';
import type { KeyChange, Meter, MeterAccess, RelayReading } from '../ports.ts';
import { resultWords } from '../result-words.ts';
import { ReaderKeyChange } from './key-change.ts';
import type { KeyRing } from './key-ring.ts';
import { objectValue, scalerFrom, scalerOf } from './object-values.ts';
import type { OpenAssociation } from './sessions.ts';

const DISCONNECT_CONTROL_CLASS = 70;
const OUTPUT_STATE = 2;
const CONTROL_STATE = 3;
const CONTROL_MODE = 4;
const ENERGY_IMPORT = '1-0:1.8.0*255';

/** Access to one meter over associations that the reader keeps. */
export class ReaderMeterAccess implements MeterAccess {
  readonly timeZone: string;
  readonly relayObis: string | null;
  readonly relaySettleMs: number;
  readonly ordersAreProtected: boolean;
  readonly loadVoltage: MeterAccess['loadVoltage'];
  readonly keyChange: KeyChange | null;
  readonly snapshot: readonly ObjectReference[];
  readonly #scalers = new Map<string, Scaler | null>();

  constructor(
    private readonly meter: Meter,
    private readonly associate: (use: ClientUse) => Promise<OpenAssociation>,
    /** The association is of no use any more. */
    private readonly broken: () => Promise<void>,
    private readonly wanted: () => boolean = () => false,
    ring: KeyRing | null = null,
    /** An association without the meter's encryption key, in the place of the one that is open. */
    withoutKey: () => Promise<OpenAssociation> = () => Promise.reject(edgeError('READER_SECURITY', meter.meterId)),
  ) {
    this.timeZone = meter.timeZone;
    this.relayObis = meter.profile.relay?.obis ?? null;
    this.relaySettleMs = meter.profile.relay?.settleMs ?? 0;
    this.ordersAreProtected = meter.security?.policy.requests.authenticated === true;
    const load = meter.profile.relay?.loadVoltage ?? null;
    this.loadVoltage = load === null ? null : { object: referenceOf(load.register), maxV: load.maxV };
    const hasKeys = ring !== null && meter.security !== undefined && meter.security !== null;
    this.keyChange = hasKeys ? new ReaderKeyChange(meter, ring, associate, broken, withoutKey) : null;
    const energy = registerByObis(meter.profile, ENERGY_IMPORT);
    this.snapshot = energy === undefined ? [] : [referenceOf(energy)];
  }

  async readObjects(objects: readonly ObjectReference[]): Promise<readonly ObjectValue[]> {
    const results = await this.#get(objects.map(accessOf), 'read');
    await this.#learnScalers(objects.filter((_, at) => isData(results[at])));
    return objects.map((object, at) => {
      const result = results[at];
      if (result === undefined) throw edgeError('READER_BAD_ANSWER', `${object.obis}: no answer`);
      return objectValue(object, result, this.#scalerFor(object));
    });
  }

  async invoke(classId: number, obis: string, method: number, argument: Data): Promise<{ readonly result: number }> {
    const association = await this.associate('control');
    try {
      const item = { method: { classId, instanceId: parseObis(obis), methodId: method }, parameters: argument };
      const [result] = await association.action([item]);
      if (result === undefined) throw edgeError('READER_BAD_ANSWER', `${obis}: no answer`);
      return { result: result.actionResult };
    } catch (error) {
      await this.broken();
      throw error;
    }
  }

  async readRelay(): Promise<RelayReading> {
    const obis = this.relayObis;
    if (obis === null) throw edgeError('READER_NO_RELAY', this.meter.profile.key);
    const wanted = [OUTPUT_STATE, CONTROL_STATE, CONTROL_MODE];
    const items = wanted.map((attribute) => accessOf({ classId: DISCONNECT_CONTROL_CLASS, obis, attribute }));
    const [output, state, mode] = await this.#get(items, 'control');
    if (!isData(output) || !isData(state))
      throw edgeError('READER_NO_RELAY', `${obis}: ${words(output)}, ${words(state)}`);
    const controlState = numberOf(state.data);
    if (output.data.type !== 'boolean' || controlState === null) {
      throw edgeError('READER_NO_RELAY', `${obis}: ${output.data.type}, ${state.data.type}`);
    }
    const controlMode = isData(mode) ? numberOf(mode.data) : null;
    return { outputOn: output.data.value, controlState, controlMode };
  }

  async imageSession(): Promise<ImageSession> {
    return await this.associate('firmware');
  }

  drop(): Promise<void> {
    return this.broken();
  }

  isWanted(): boolean {
    return this.wanted();
  }

  async #get(items: readonly AttributeAccess[], use: ClientUse): Promise<readonly GetDataResult[]> {
    const association = await this.associate(use);
    try {
      return await association.get(items);
    } catch (error) {
      await this.broken();
      throw error;
    }
  }

  async #learnScalers(objects: readonly ObjectReference[]): Promise<void> {
    const unknown = objects.flatMap((object) => {
      const access = scalerOf(object);
      return access === null || this.#scalers.has(object.obis) ? [] : [{ obis: object.obis, access }];
    });
    if (unknown.length === 0) return;
    const results = await this.#get(
      unknown.map(({ access }) => access),
      'read',
    );
    for (const [at, { obis }] of unknown.entries()) this.#scalers.set(obis, scalerFrom(results[at]));
  }

  /** What the meter says, else what its profile says. */
  #scalerFor(object: ObjectReference): Scaler | null {
    if (scalerOf(object) === null) return null;
    const rule = registerByObis(this.meter.profile, object.obis);
    const fromProfile = rule === undefined ? null : { exponent: rule.exponent, unit: rule.unit };
    return this.#scalers.get(object.obis) ?? fromProfile;
  }
}

function accessOf({ classId, obis, attribute }: ObjectReference): AttributeAccess {
  return { classId, instanceId: parseObis(obis), attributeId: attribute, access: null };
}

function referenceOf({ classId, obis, attribute }: RegisterRule): ObjectReference {
  return { classId, obis, attribute };
}

function isData(result: GetDataResult | undefined): result is { readonly data: Data } {
  return result !== undefined && 'data' in result;
}

function words(result: GetDataResult | undefined): string {
  if (result === undefined) return 'no answer';
  return 'data' in result ? result.data.type : resultWords(result.dataAccessResult);
}

function numberOf(data: Data): number | null {
  return data.type === 'enum' || data.type === 'unsigned' ? data.value : null;
}
