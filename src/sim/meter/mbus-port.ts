/** The M-Bus of a simulated electricity meter: which meters hang in its channels, and which hung there before. */
import type { MbusIdentity } from '../../mbus/identity.ts';
import { manufacturerCode } from '../../mbus/identity.ts';
import type { MbusRule, Medium } from '../../profile/schema/profile.ts';
import { simError } from '../errors.ts';
import type { Device } from './device.ts';
import { channelObjects, mbusClientObject, type ServedChannel } from './objects/mbus.ts';
import type { SimObject } from './objects/object.ts';

/** Device types (EN 13757-3) of what a profile measures. */
const DEVICE_TYPES: Readonly<Record<Medium, number>> = { electricity: 0x02, gas: 0x03, heat: 0x04, water: 0x07 };
const MAKER = manufacturerCode('DWS') ?? 0;
const MODEL_VERSION = 1;

class Channel implements ServedChannel {
  readonly devices: Device[] = [];
  identity: MbusIdentity | null = null;
  status = 0;

  constructor(readonly channel: number) {}
}

/** Identity of a simulated meter on an M-Bus: its serial number has 8 digits. */
export function mbusIdentityOf({ serial, profile }: Pick<Device, 'serial' | 'profile'>): MbusIdentity {
  const number = serial.slice(-8).padStart(8, '0');
  return { number, manufacturer: MAKER, version: MODEL_VERSION, deviceType: DEVICE_TYPES[profile.medium] };
}

/** See the head of the file. */
export class MbusPort {
  readonly #channels: readonly Channel[];

  constructor(
    private readonly host: Device,
    private readonly rule: MbusRule,
  ) {
    this.#channels = Array.from({ length: rule.channels }, (_, at) => new Channel(at + 1));
  }

  /** The M-Bus clients of all channels. */
  clients(): SimObject[] {
    return this.#channels.map((channel) => mbusClientObject(this.rule, channel));
  }

  /** The first channel in which nothing hangs, null = all are taken. */
  get freeChannel(): number | null {
    return this.#channels.find(({ identity }) => identity === null)?.channel ?? null;
  }

  /** Hangs a meter into a channel, in the place of what hangs there; gives the objects that the channel has from now on. */
  install(at: number, device: Device): SimObject[] {
    const channel = this.#channel(at);
    const [first] = channel.devices;
    if (first !== undefined && first.profile !== device.profile)
      throw simError('SIM_MBUS', `channel ${at} had ${first.profile.key} before`);
    this.remove(at);
    channel.devices.push(device);
    channel.identity = mbusIdentityOf(device);
    return first === undefined ? channelObjects(this.host, channel, device) : [];
  }

  /** Takes away what hangs in a channel. */
  remove(at: number): void {
    const channel = this.#channel(at);
    if (channel.identity !== null) channel.devices.at(-1)?.remove();
    channel.identity = null;
  }

  /** What the meter in a channel says of itself from now on: the status octet of its telegrams. */
  tellStatus(at: number, status: number): void {
    this.#channel(at).status = status;
  }

  #channel(at: number): Channel {
    const channel = this.#channels[at - 1];
    if (channel === undefined) throw simError('SIM_MBUS', `${this.host.profile.key} has no channel ${at}`);
    return channel;
  }
}
