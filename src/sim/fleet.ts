/**
 * Simulated meters and the lines on which they answer.
 *
 * `SimMeter` is one meter: device, objects, ledger clerk. `serveLine` puts meters on any duplex line; `SimFleet` makes many
 * of them from a seed. Nothing leaves a line before the ledger holds every value that the meter has produced until then.
 */
import { toHex } from '../base/bytes.ts';
import type { ByteDuplex, Env } from '../base/env.ts';
import type { Machine } from '../base/machine.ts';
import { SeededRandom } from '../base/seeded-random.ts';
import { HDLC_DEFAULTS } from '../dlms/frame/hdlc-parameters.ts';
import { HdlcServer } from '../dlms/frame/hdlc-server.machine.ts';
import { WrapperServer } from '../dlms/frame/wrapper.machine.ts';
import type { MeterSecurity } from '../dlms/security/meter-security.ts';
import { ServerSession, type ServerSessionEvent } from '../dlms/session/server.machine.ts';
import { LineDriver } from '../link/drive.ts';
import type { MbusTelegram } from '../mbus/telegram.ts';
import type { Profile, PushRule } from '../profile/schema/profile.ts';
import { asciiReadOutOf } from './ascii/readout.ts';
import { simError } from './errors.ts';
import type { Ledger } from './ledger.ts';
import { METERS_PER_LINE_MAX, P1_CHANNELS_MAX } from './limits.ts';
import { mbusReadoutOf } from './mbus/readout.ts';
import { Device, type DeviceOptions, type LoadFault } from './meter/device.ts';
import { IMAGE_FAULTS, type ImageFault } from './meter/firmware.ts';
import { type SimKeyFile, simKeyFile, simSecurityOf } from './meter/keys.ts';
import { MbusPort } from './meter/mbus-port.ts';
import { MeterModel, needsKeys, serverClientsOf } from './meter/model.ts';
import type { ListedObjectRule } from './meter/objects/listed.ts';
import { PUSH_CLIENT } from './meter/push-protection.ts';
import { SimSecurity } from './meter/security.ts';
import { smlTelegramOf } from './meter/sml-telegram.ts';
import { equipmentIdOf, isSubMeter, p1TelegramOf } from './meter/telegram.ts';
import { Recorder } from './recorder.ts';
import { type BusFraming, BusMachine } from './serve/bus.machine.ts';
import { DeafTransport } from './serve/deaf-transport.ts';
import { GatedDuplex } from './serve/gated-duplex.ts';
import { HostileTransport, type Hostility } from './serve/hostile-transport.ts';
import { MisbehavingMachine, type Misbehaviour } from './serve/misbehave.machine.ts';
import { PowerMachine } from './serve/power.machine.ts';
import { PushingMachine } from './serve/pushing.machine.ts';
import { TellingMachine } from './serve/telling.machine.ts';

/** A meter of a fleet. */
export interface SimMeterOptions extends DeviceOptions {
  /** LLS password of clients that need one. */
  readonly password: Uint8Array;
  readonly misbehaviour?: Misbehaviour;
  /** How it attacks its reader. */
  readonly hostility?: Hostility;
  /** What goes wrong with an image on its way in. */
  readonly imageFault?: ImageFault;
  /** How its objects are called; absent = as the profile says. */
  readonly referencing?: Profile['referencing'];
  /** Objects that it has beside those of its profile. */
  readonly objects?: readonly ListedObjectRule[];
  /** Its keys, seen from the meter; absent = it has none. */
  readonly security?: MeterSecurity;
  /** Whether it tells its events to who is associated; absent = no, they stand in its log. */
  readonly tellsEvents?: boolean;
  /** Share of the messages to all stations that it misses, 0 to 1; absent = none. */
  readonly broadcastLoss?: number;
}

/** What everybody knows: the password of the simulator's meters. */
export const SIM_PASSWORD = '00000000';

const LOGICAL_DEVICE_DEFAULT = 1;
const PHYSICAL_DEVICE_DEFAULT = 17;

/** One simulated meter. */
export class SimMeter {
  readonly device: Device;
  readonly model: MeterModel;
  /** Keys and Security setup; null = it has none. */
  readonly security: SimSecurity | null;
  /** Physical HDLC address. */
  readonly hdlcAddress: number;
  /** Logical device: upper HDLC address. */
  readonly logicalDevice: number;
  /** wPort under the wrapper when it is alone on its line. */
  readonly wrapperPort: number;
  /** How its objects are called. */
  readonly referencing: Profile['referencing'];
  #misbehaviour: Misbehaviour | null;
  readonly #hostility: Hostility | null;
  readonly #password: Uint8Array;
  readonly #draw: (count: number) => Uint8Array;
  readonly #random: SeededRandom;
  readonly #recorder: Recorder | null;
  readonly #ledger: Ledger | null;
  readonly #behind: SimMeter[] = [];
  #port: SimMeter | null = null;
  /** Keys of its own making, for its card; null when it was given some, or needs none. */
  readonly #keyFile: SimKeyFile | null;
  /** Its M-Bus; null = it has none. */
  readonly #mbus: MbusPort | null;
  readonly #subMeters: SimMeter[] = [];
  #host: SimMeter | null = null;
  readonly #hasGivenKeys: boolean;
  readonly #tellsEvents: boolean;
  readonly #broadcastLoss: number;

  constructor(options: SimMeterOptions, ledger: Ledger | null) {
    const { profile } = options;
    this.device = new Device(options);
    const random = new SeededRandom(`${options.seed}/security`);
    this.#draw = (count) => random.bytes(count);
    this.#hasGivenKeys = options.security !== undefined;
    this.#keyFile = !this.#hasGivenKeys && needsKeys(profile) ? simKeyFile(options.seed, options.serial) : null;
    const own = this.#keyFile === null ? null : simSecurityOf(this.#keyFile, options.nowMs());
    const security = options.security ?? own;
    this.security = security === null ? null : new SimSecurity(this.device, security, this.#hasGivenKeys, this.#draw);
    for (const setup of this.device.pushSetups)
      setup.canProtect = (layers) => this.security?.canProtect(layers, PUSH_CLIENT) ?? layers.length === 0;
    this.#mbus = profile.mbus === null ? null : new MbusPort(this.device, profile.mbus);
    this.model = new MeterModel(this.device, this.security, options.objects, this.#mbus);
    this.hdlcAddress = profile.hdlc?.physicalDevice.addressOf(options.serial) ?? PHYSICAL_DEVICE_DEFAULT;
    this.logicalDevice = profile.hdlc?.logicalDevice ?? LOGICAL_DEVICE_DEFAULT;
    this.wrapperPort = profile.wrapper?.logicalDevice ?? LOGICAL_DEVICE_DEFAULT;
    this.referencing = options.referencing ?? profile.referencing;
    this.#misbehaviour = options.misbehaviour ?? null;
    this.#hostility = options.hostility ?? null;
    this.#tellsEvents = options.tellsEvents ?? false;
    this.#broadcastLoss = options.broadcastLoss ?? 0;
    if (options.imageFault !== undefined) this.device.firmware.fail(IMAGE_FAULTS[options.imageFault]);
    this.#password = options.password;
    this.#random = new SeededRandom(`${options.seed}/misbehaviour`);
    this.#recorder = ledger === null ? null : new Recorder(this.device, ledger);
    this.#ledger = ledger;
  }

  /** The meter through whose P1 port it speaks; null = it speaks for itself. */
  get port(): SimMeter | null {
    return this.#port;
  }

  /** Meters that speak through its P1 port, channel 1 first. */
  get behind(): readonly SimMeter[] {
    return this.#behind;
  }

  /** Hangs a meter on its P1 port, on the next channel. Throws `SIM_ADDRESS` when none is free. */
  hang(meter: SimMeter): void {
    if (this.#behind.length >= P1_CHANNELS_MAX)
      throw simError('SIM_ADDRESS', `more than ${P1_CHANNELS_MAX} meters behind ${this.device.meterId}`);
    this.#behind.push(meter);
    meter.#port = this;
  }

  /** The telegram of now on its port, in P1 or SML; what it tells is noted in the ledger. */
  telegram(rule: PushRule): Uint8Array {
    const port = { device: this.device, behind: this.#behind.map(({ device }) => device) };
    const { octets, told } = rule.encoding === 'sml' ? smlTelegramOf(this.device) : p1TelegramOf(port, rule);
    for (const row of told) {
      const meter = this.#behind.find(({ device }) => device === row.device) ?? this;
      meter.#recorder?.told(row);
    }
    return octets;
  }

  /** Its read-out on a wired M-Bus; what it tells is noted in the ledger. */
  mbusReadout(): readonly Pick<MbusTelegram, 'records' | 'makersData'>[] {
    const { records, told } = mbusReadoutOf(this.device);
    this.#recorder?.told(told);
    return [{ records, makersData: null }];
  }

  /** Its data message in ASCII; what it tells is noted in the ledger. */
  asciiReadOut(): string {
    const { text, told } = asciiReadOutOf(this.device);
    this.#recorder?.told(told);
    return text;
  }

  /** Resolves when the ledger holds everything that was noted until now. */
  async noted(): Promise<void> {
    await this.#ledger?.flush();
  }

  /** How it errs, null = it does not. */
  get misbehaviour(): Misbehaviour | null {
    return this.#misbehaviour;
  }

  /** Errs like this from its next session on; null = it is well again. */
  misbehave(how: Misbehaviour | null): void {
    this.#misbehaviour = how;
  }

  /** Notes in the ledger what has been produced until now; the ledger's flush makes it durable. */
  record(): void {
    this.#recorder?.record();
    for (const meter of this.#subMeters) meter.record();
  }

  /** The meter on whose M-Bus it hangs, null = it is on a line itself. */
  get host(): SimMeter | null {
    return this.#host;
  }

  /** Meters that hang on its M-Bus, or did before they were exchanged. */
  get subMeters(): readonly SimMeter[] {
    return this.#subMeters;
  }

  /** The first channel of its M-Bus in which nothing hangs, null = there is none. */
  get freeChannel(): number | null {
    return this.#mbus?.freeChannel ?? null;
  }

  /** Hangs a meter on its M-Bus, in the place of what hangs in that channel. Throws `SIM_MBUS`. */
  hangOnBus(meter: SimMeter, channel: number): void {
    if (this.#mbus === null) throw simError('SIM_MBUS', `${this.device.profile.key} has no M-Bus`);
    this.record();
    this.model.add(this.#mbus.install(channel, meter.device));
    this.#subMeters.push(meter);
    meter.#host = this;
  }

  /** Takes what hangs in a channel away. Throws `SIM_MBUS`. */
  unhang(channel: number): void {
    this.record();
    this.#mbus?.remove(channel);
  }

  /** What the meter in a channel says of itself: the status octet of its telegrams. */
  tellStatus(channel: number, status: number): void {
    this.#mbus?.tellStatus(channel, status);
  }

  /** How to reach the meter at an address, in the words of an edge's configuration. */
  cardAt(url: string, framing: BusFraming, address: number): MeterCard {
    const { profile, meterId, serial } = this.device;
    const client = profile.clients.find((rule) => rule.uses.includes('read'));
    return {
      meterId,
      serial,
      profile: profile.key,
      url,
      client: client?.address ?? null,
      names: this.referencing,
      server: framing === 'hdlc' ? `${this.logicalDevice}/${address}` : String(address),
      password: client?.security === 'lls' && !this.#hasGivenKeys ? new TextDecoder().decode(this.#password) : null,
      ...(this.#keyFile === null ? {} : { keys: this.#keyFile }),
      ...(this.security === null ? {} : { systemTitle: toHex(this.security.title) }),
      ...(this.#port === null ? {} : { equipmentId: equipmentIdOf(this.device) }),
      ...(this.#host === null ? {} : { behind: this.#host.device.meterId, equipmentId: this.device.serial }),
    };
  }

  /** A server session of this meter: one per connection, on a bus one for ever. */
  session(framing: BusFraming): Machine<ServerSessionEvent> {
    const session = new PowerMachine(this.device.power, () => this.#newSession(framing));
    if (this.misbehaviour === null || this.misbehaviour === 'refuse') return session;
    return new MisbehavingMachine(session, this.misbehaviour, this.#random);
  }

  #newSession(framing: BusFraming): Machine<ServerSessionEvent> {
    const hdlc = this.device.profile.hdlc;
    const sizes = {
      informationTransmitBytes: hdlc?.informationMaxOctets ?? HDLC_DEFAULTS.informationTransmitBytes,
      informationReceiveBytes: hdlc?.informationMaxOctets ?? HDLC_DEFAULTS.informationReceiveBytes,
      windowTransmit: hdlc?.window ?? HDLC_DEFAULTS.windowTransmit,
      windowReceive: hdlc?.window ?? HDLC_DEFAULTS.windowReceive,
    };
    const honest =
      framing === 'hdlc'
        ? new HdlcServer({
            logicalDevices: [this.logicalDevice],
            physicalDevice: hdlc?.addressOctets === 1 ? null : this.hdlcAddress,
            parameters: sizes,
          })
        : new WrapperServer();
    const share = this.#broadcastLoss;
    const hearing = share === 0 ? honest : new DeafTransport(honest, () => this.#random.chance(share));
    const transport = this.#hostility === null ? hearing : new HostileTransport(hearing, this.#hostility);
    const password = this.misbehaviour === 'refuse' ? this.#random.bytes(this.#password.length) : this.#password;
    const answering = new ServerSession(transport, {
      model: this.model,
      clients: serverClientsOf(this.device.profile, password, this.security),
      systemTitle: this.security?.title ?? null,
      random: this.#draw,
      shortNames: this.referencing === 'short' ? this.model.shortNames : null,
    });
    const speaking = this.#tellsEvents ? new TellingMachine(answering, this.device) : answering;
    // Customer ports speak HDLC; a socket is for those who look at the meter's objects.
    return framing === 'hdlc' && this.device.profile.push.length > 0
      ? new PushingMachine(speaking, this, () => (this.#draw(1)[0] ?? 0) / 256)
      : speaking;
  }
}

/** A meter and how to reach it. */
export interface MeterCard {
  readonly meterId: string;
  readonly serial: string;
  readonly profile: string;
  readonly url: string;
  /** Client SAP that may read, null = nobody: the meter only pushes. */
  readonly client: number | null;
  /** How its objects are called: what `--names` of read and scan takes. */
  readonly names: Profile['referencing'];
  /** `logical/physical` on HDLC, the wPort under the wrapper. */
  readonly server: string;
  /** LLS password, null = none is asked. */
  readonly password: string | null;
  /** What goes into its key file at the edge; absent = none of its clients needs keys. */
  readonly keys?: SimKeyFile;
  /** System title, hexadecimal; only of a meter with keys. */
  readonly systemTitle?: string;
  /** How telegrams name it; only of a meter that speaks or is read through another one, whose line it shares. */
  readonly equipmentId?: string;
  /** The meter through which it is read; absent = it is asked itself. */
  readonly behind?: string;
}

/** Meters at work on a line. */
export interface ServedLine {
  close(): void;
}

/** Address of the n-th meter of a line: its HDLC address, or the wPort counted up from the profile's. */
export function addressOnLine(meter: SimMeter, at: number, framing: BusFraming): number {
  return framing === 'hdlc' ? meter.hdlcAddress : meter.wrapperPort + at;
}

/** Who looks on at a line. */
export interface LineWatcher {
  /** Associations, refusals and answered requests, by meter. */
  event?(meter: SimMeter, event: ServerSessionEvent): void;
  /** The line has ended under the meters. */
  ended?(): void;
}

/**
 * Puts meters on a line until it ends; those that hang on the port of another one speak through it. Throws `SIM_ADDRESS` when
 * two of them have one address.
 */
export function serveLine(
  duplex: ByteDuplex,
  meters: readonly SimMeter[],
  framing: BusFraming,
  env: Pick<Env, 'clock' | 'timers'>,
  ledger: Ledger | null,
  watcher: LineWatcher = {},
): ServedLine {
  const stations = meters
    .filter(({ port }) => port === null)
    .map((meter, at) => ({ meter, machine: meter.session(framing), address: addressOnLine(meter, at, framing) }));
  assertAddresses(stations);
  const touched = new Set<SimMeter>();
  const gate = async (): Promise<void> => {
    for (const meter of touched) meter.record();
    touched.clear();
    await ledger?.flush();
  };
  const driver = new LineDriver(new GatedDuplex(duplex, gate), env);
  const bus = new BusMachine(stations, framing);
  const running = driver.run(
    bus,
    (events) => {
      for (const { station, event } of events) {
        const meter = stations[station]?.meter;
        if (meter === undefined) continue;
        touched.add(meter);
        if (event !== null) watcher.event?.(meter, event);
      }
      if (stations.some(({ machine }) => machine instanceof MisbehavingMachine && machine.hasDropped)) driver.close();
    },
    () => watcher.ended?.(),
  );
  running.kick();
  return { close: () => driver.close() };
}

function assertAddresses(stations: readonly { readonly address: number; readonly meter: SimMeter }[]): void {
  if (stations.length > METERS_PER_LINE_MAX) throw simError('SIM_ADDRESS', `${stations.length} meters on one line`);
  const seen = new Map<number, SimMeter>();
  for (const { address, meter } of stations) {
    const other = seen.get(address);
    if (other !== undefined)
      throw simError('SIM_ADDRESS', `${other.device.meterId} and ${meter.device.meterId} at ${address}`);
    seen.set(address, meter);
  }
}

/** What a fleet is made of. */
export interface FleetOptions {
  /** The same seed gives the same fleet. */
  readonly seed: string;
  readonly count: number;
  /** Profiles in turn: one meter of each, then again. */
  readonly profiles: readonly Profile[];
  readonly timeZone: string;
  readonly nowMs: () => number;
  /** Days of history before now. */
  readonly days: number;
  readonly households: DeviceOptions['households'];
  readonly misbehaviours?: ReadonlyMap<number, Misbehaviour>;
  /** How single meters attack their reader, by position. */
  readonly hostilities?: ReadonlyMap<number, Hostility>;
  /** What goes wrong with images in single meters, by position. */
  readonly imageFaults?: ReadonlyMap<number, ImageFault>;
  /** What is wrong behind the relays of single meters, by position. */
  readonly loadFaults?: ReadonlyMap<number, LoadFault>;
  /** How objects are called; absent = as each profile says. */
  readonly referencing?: Profile['referencing'];
  /** Objects that each meter has beside those of its profile. */
  readonly objects?: readonly ListedObjectRule[];
  /** Keys of each meter by its place, seen from the meter. */
  readonly securities?: ReadonlyMap<number, MeterSecurity>;
  /** Whether they tell their events to who is associated. */
  readonly tellsEvents?: boolean;
  /** Share of the messages to all stations that each of them misses, 0 to 1. */
  readonly broadcastLoss?: number;
  /** Whether they say the time in SML; absent = no, as most. */
  readonly tellsTime?: boolean;
}

const DAY_MS = 86_400_000;
const FIRST_SERIAL = 10_000_000;

/**
 * Meters `m0001` and on, each a world of its own. Sub-meters in telegrams hang on the last P1 port before them, where there is one;
 * those that are read through another meter on the M-Bus of the last one before them that has a free channel. Throws `SIM_MBUS`
 * when there is none.
 */
export function makeFleet(options: FleetOptions, ledger: Ledger | null): SimMeter[] {
  const installedAtMs = options.nowMs() - options.days * DAY_MS;
  const password = new TextEncoder().encode(SIM_PASSWORD);
  const meters: SimMeter[] = [];
  for (let at = 0; at < options.count; at++) {
    const profile = options.profiles[at % options.profiles.length];
    if (profile === undefined) throw simError('SIM_LISTEN', 'no profile');
    const misbehaviour = options.misbehaviours?.get(at);
    const loadFault = options.loadFaults?.get(at);
    const hostility = options.hostilities?.get(at);
    const imageFault = options.imageFaults?.get(at);
    const security = options.securities?.get(at);
    meters.push(
      new SimMeter(
        {
          meterId: `m${String(at + 1).padStart(4, '0')}`,
          serial: String(FIRST_SERIAL + at + 1),
          profile,
          seed: `${options.seed}/${at}`,
          timeZone: options.timeZone,
          nowMs: options.nowMs,
          installedAtMs,
          password,
          ...(options.households === undefined ? {} : { households: options.households }),
          ...(misbehaviour === undefined ? {} : { misbehaviour }),
          ...(loadFault === undefined ? {} : { loadFault }),
          ...(hostility === undefined ? {} : { hostility }),
          ...(imageFault === undefined ? {} : { imageFault }),
          ...(options.referencing === undefined ? {} : { referencing: options.referencing }),
          ...(options.objects === undefined ? {} : { objects: options.objects }),
          ...(security === undefined ? {} : { security }),
          ...(options.broadcastLoss === undefined ? {} : { broadcastLoss: options.broadcastLoss }),
          ...(options.tellsEvents === undefined ? {} : { tellsEvents: options.tellsEvents }),
          ...(options.tellsTime === undefined ? {} : { tellsTime: options.tellsTime }),
        },
        ledger,
      ),
    );
  }
  hangSubMeters(meters);
  for (const meter of meters) if (meter.device.profile.through === 'mbus-client') hangBehind(meter, meters);
  return meters;
}

function hangSubMeters(meters: readonly SimMeter[]): void {
  let port: SimMeter | null = null;
  for (const meter of meters) {
    const { profile } = meter.device;
    if (isSubMeter(profile)) port?.hang(meter);
    else port = profile.push.some(({ encoding }) => encoding === 'p1') ? meter : null;
  }
}

function hangBehind(meter: SimMeter, meters: readonly SimMeter[]): void {
  const before = meters.slice(0, meters.indexOf(meter)).reverse();
  const host = before.find(({ freeChannel }) => freeChannel !== null);
  if (host === undefined) throw simError('SIM_MBUS', `${meter.device.meterId}: ${meter.device.profile.key}`);
  host.hangOnBus(meter, host.freeChannel ?? 1);
}
