/**
 * A simulated meter as its server session sees it: objects made from the profile, rights by client. Whatever a profile
 * names is served, so a new profile is a new simulated meter; objects of any class can stand beside it.
 */
import type { Data } from '../../dlms/axdr/data.ts';
import { parseObis } from '../../dlms/cosem/obis.ts';
import type { BaseNames } from '../../dlms/cosem/short-names.ts';
import {
  ATTRIBUTE_ACCESS,
  type ListedObject,
  type ObjectModel,
  RESULT,
  type ServerClient,
} from '../../dlms/session/object-model.ts';
import { namesOfObjects } from '../../dlms/session/short-association-object.ts';
import type {
  ActionResult,
  AttributeDescriptor,
  GetDataResult,
  MethodDescriptor,
  SelectiveAccess,
} from '../../dlms/xdlms/service.ts';
import type { AttributeRule, ClientRule, Profile } from '../../profile/schema/profile.ts';
import { simError } from '../errors.ts';
import type { Device } from './device.ts';
import type { MbusPort } from './mbus-port.ts';
import { clockObject, disconnectObject } from './objects/actors.ts';
import { bufferObject, eventLogObject } from './objects/buffer.ts';
import { compactObject } from './objects/compact.ts';
import { eventObjects } from './objects/events.ts';
import { imageObject } from './objects/image.ts';
import { type ListedObjectRule, listedObject } from './objects/listed.ts';
import { hdlcSetupObject, registerObject, sapAssignmentObject, textObject } from './objects/measurements.ts';
import type { SimObject } from './objects/object.ts';
import type { SimSecurity } from './security.ts';

const CLOCK_OBIS = '0-0:1.0.0*255';
const LOGICAL_DEVICE_NAME: AttributeRule = {
  name: 'logical-device-name',
  obis: '0-0:42.0.0*255',
  classId: 1,
  attribute: 2,
  form: 'text',
};

/** What a client may do, by the uses that the profile gives it. */
interface ClientRights {
  readonly reads: boolean;
  readonly controls: boolean;
}

/** The clients of a meter that only pushes: one without a password, so that its objects can be looked at all the same. */
const LOOKING_ON: ClientRule = { name: 'public', address: 16, security: 'none', uses: ['identify', 'read'] };

/** The object model of one meter. */
export class MeterModel implements ObjectModel {
  readonly #objects: Map<string, SimObject>;
  readonly #rights: ReadonlyMap<number, ClientRights>;
  #shortNames: BaseNames | null = null;
  readonly #lists = new Map<string, readonly ListedObject[]>();

  /**
   * `security` null = a meter without keys, whose clients of high-level mechanisms are not let in; `listed` = objects beside
   * those of the profile. Throws `SIM_OBJECTS` when one of the name is there already.
   */
  constructor(
    readonly device: Device,
    security: SimSecurity | null = null,
    listed: readonly ListedObjectRule[] = [],
    mbus: MbusPort | null = null,
  ) {
    const own = [...objectsOf(device), ...(security?.objects() ?? []), ...(mbus?.clients() ?? [])];
    const taken = new Set(own.map(({ obis }) => obis));
    const doubled = listed.find(({ obis }) => taken.has(obis));
    if (doubled !== undefined) throw simError('SIM_OBJECTS', `${device.profile.key} has ${doubled.obis} already`);
    const objects = [...own, ...listed.map(listedObject)];
    this.#objects = new Map(objects.map((object) => [keyOf(object.classId, object.obis), object]));
    this.#rights = new Map(
      clientsOf(device.profile, security).map((client) => [
        client.address,
        { reads: client.uses.includes('read'), controls: client.uses.includes('control') },
      ]),
    );
  }

  /** Has these too from now on. */
  add(objects: readonly SimObject[]): void {
    for (const object of objects) this.#objects.set(keyOf(object.classId, object.obis), object);
    this.#lists.clear();
    this.#shortNames = null;
  }

  /** Names of 16 bits of everything that the meter has, the same for every client. */
  get shortNames(): BaseNames {
    this.#shortNames ??= namesOfObjects(
      [...this.#objects.values()].map((object) => listed(object, { reads: true, controls: true })),
    );
    return this.#shortNames;
  }

  objectList(client: number): readonly ListedObject[] {
    const rights = this.#rights.get(client) ?? { reads: false, controls: false };
    const key = `${rights.reads} ${rights.controls}`;
    const known = this.#lists.get(key);
    if (known !== undefined) return known;
    const seen = [...this.#objects.values()].filter((object) => rights.reads || object.isPublic);
    const list = seen.map((object) => listed(object, rights));
    this.#lists.set(key, list);
    return list;
  }

  read(attribute: AttributeDescriptor, access: SelectiveAccess | null): GetDataResult {
    const object = this.#objects.get(keyOf(attribute.classId, attribute.instanceId));
    return object?.read(attribute.attributeId, access) ?? { dataAccessResult: RESULT.objectUndefined };
  }

  write(attribute: AttributeDescriptor, _access: SelectiveAccess | null, value: Data): number {
    const object = this.#objects.get(keyOf(attribute.classId, attribute.instanceId));
    return object?.write(attribute.attributeId, value) ?? RESULT.objectUndefined;
  }

  invoke(method: MethodDescriptor, parameters: Data | null): ActionResult {
    const object = this.#objects.get(keyOf(method.classId, method.instanceId));
    return (
      object?.invoke(method.methodId, parameters) ?? { actionResult: RESULT.objectUndefined, returnParameters: null }
    );
  }
}

/** The clients that the profile names, with the password and the keys of this meter. */
export function serverClientsOf(
  profile: Profile,
  password: Uint8Array,
  security: SimSecurity | null = null,
): ServerClient[] {
  return clientsOf(profile, security).map((client) => {
    if (client.security === 'none') return { sap: client.address, authentication: { mechanism: 'none' } };
    if (security?.serves(client) === true) return security.clientOf(client);
    return { sap: client.address, authentication: { mechanism: 'lls', password } };
  });
}

/** Whether a client of the meter signs on with keys. */
export function needsKeys(profile: Profile): boolean {
  return profile.clients.some(({ security }) => security === 'hls-gmac');
}

/** Clients with mechanisms that the meter can serve; a meter that only pushes gets one to look at it. */
function clientsOf(profile: Profile, security: SimSecurity | null): readonly ClientRule[] {
  const served = profile.clients.filter(
    (client) => client.security === 'none' || client.security === 'lls' || security !== null,
  );
  return served.length === 0 ? [LOOKING_ON] : served;
}

function objectsOf(device: Device): SimObject[] {
  const { profile } = device;
  const hasName = profile.attributes.some((rule) => rule.obis === LOGICAL_DEVICE_NAME.obis);
  const texts = hasName ? profile.attributes : [LOGICAL_DEVICE_NAME, ...profile.attributes];
  return [
    clockObject(device, profile.clock.obis ?? CLOCK_OBIS),
    sapAssignmentObject(device, profile.wrapper?.logicalDevice ?? profile.hdlc?.logicalDevice ?? 1),
    ...(profile.hdlc === null ? [] : [hdlcSetupObject(device, profile.hdlc)]),
    ...texts.map((rule) => textObject(device, rule)),
    ...profile.registers.map((register) => registerObject(device, register)),
    ...profile.buffers.map((rule) => bufferObject(device, rule)),
    ...profile.compact.map((rule) => compactObject(device, rule)),
    ...profile.eventLogs.map((rule) => eventLogObject(device, rule)),
    ...(profile.relay === null ? [] : [disconnectObject(device, profile.relay)]),
    ...(profile.firmware === null ? [] : [imageObject(device.firmware, profile.firmware.obis)]),
    ...device.pushSetups.map((setup) => setup.object()),
    ...eventObjects(device),
  ];
}

function listed(object: SimObject, rights: ClientRights): ListedObject {
  return {
    classId: object.classId,
    version: object.version,
    instanceId: parseObis(object.obis),
    attributes: object.attributes.map((id) => ({
      id,
      access:
        (object.readable.includes(id) ? ATTRIBUTE_ACCESS.read : ATTRIBUTE_ACCESS.none) |
        (rights.controls && object.writable.includes(id) ? ATTRIBUTE_ACCESS.write : ATTRIBUTE_ACCESS.none),
      ...(id === 2 && object.selectors.length > 0 ? { selectors: object.selectors } : {}),
    })),
    methods: object.methods.map((id) => ({ id, access: rights.controls })),
  };
}

function keyOf(classId: number, obis: string): string {
  return `${classId}/${obis}`;
}
