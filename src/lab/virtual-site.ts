/** Meters and lines of a virtual system, and what goes wrong with them. */

import { parseMeterKeys } from '../dlms/security/key-file.ts';
import type { MeterSecurity } from '../dlms/security/meter-security.ts';
import { LineDriver } from '../link/drive.ts';
import { type MemoryFaults, MemoryLines } from '../link/memory.ts';
import { parseProfileOrThrow } from '../profile/schema/parse.ts';
import { AsciiMeter } from '../sim/ascii/meter.machine.ts';
import { asciiAnswerOf } from '../sim/ascii/readout.ts';
import { makeFleet, type ServedLine, SIM_PASSWORD, SimMeter, type SimMeterOptions, serveLine } from '../sim/fleet.ts';
import type { Ledger } from '../sim/ledger.ts';
import { MbusSegment } from '../sim/mbus/segment.machine.ts';
import { MbusSlave } from '../sim/mbus/slave.ts';
import { mbusIdentityOf } from '../sim/meter/mbus-port.ts';
import { SimModbusDevice } from '../sim/modbus/device.ts';
import { ModbusSegment } from '../sim/modbus/segment.machine.ts';
import type { PlcHabits } from '../sim/plc/habits.ts';
import { BaseNode, behindBaseNode } from '../sim/serve/base-node.ts';
import { G3SimModem, simEui64 } from '../sim/serve/g3-modem.ts';
import { GatedDuplex } from '../sim/serve/gated-duplex.ts';
import type { Misbehaviour } from '../sim/serve/misbehave.machine.ts';
import { entriesBehind, entryOf } from './meter-settings.ts';
import type { VirtualWorld } from './virtual-env.ts';
import { METERS_HOST, type Place, placesFor, type SiteLayout } from './virtual-places.ts';

/** 9,600 Bd, 8N1. */
const BUS_OCTETS_PER_S = 960;
/** 115,200 and 9,600 Bd, 8N1. */
const PORT_OCTETS_PER_S = { p1: 11_520, sml: 960 };
/** 2,400 Bd, 8E1. */
const MBUS_OCTETS_PER_S = 218;
const MBUS_GAP_MS = 250;
const BUS_BAUD = 9_600;

/** What is wanted of a site. */
export interface SiteOptions {
  readonly seed: number;
  readonly meters: number;
  readonly profiles: readonly { readonly key: string; readonly text: string }[];
  readonly days?: number;
  readonly timeZone: string;
  /** Whether meters tell their events to who is associated. */
  readonly tellsEvents?: boolean;
  /** How meters are spread over lines; absent = `mixed`. */
  readonly layout?: SiteLayout;
  /** How the network behind a base node is; absent = without any fault. */
  readonly plc?: PlcHabits;
  /** Options of the link to that base node, as `?inflight=2`; absent = none. */
  readonly plcQuery?: string;
  /** Key files of the meters, the same document for both sides, by place in the fleet; absent = passwords. */
  readonly keyFiles?: readonly Readonly<Record<string, unknown>>[];
  /** Share of the messages to all stations that each meter misses; absent = none. */
  readonly broadcastLoss?: number;
  /** `sampleS` of lines on which meters speak by themselves; absent = 0, which is what a verdict wants. */
  readonly sampleS?: number;
  /** Whether meters say the time in SML; absent = no, as most. */
  readonly tellsTime?: boolean;
  /** Pause of a meter on a bus before its answer, ms; absent = none. */
  readonly turnaroundMs?: number;
  /** Meters of a bus that speak at once spoil each other's octets, as two at one address do; absent = they take turns. */
  readonly busCollides?: boolean;
}

/** The site. */
export class VirtualSite {
  readonly places: readonly Place[];
  readonly lines: MemoryLines;
  readonly password = SIM_PASSWORD;
  /** Key files by id of the meter; in the edge's folder under {@link keysFileOf}. */
  readonly keyFiles: ReadonlyMap<string, Readonly<Record<string, unknown>>>;
  /** Requests that meters answered: a poll that was made, with or without news. */
  answered = 0;
  /** The base node, where the meters hang behind one. */
  readonly baseNode: BaseNode | null;
  /** The G3 modem, where the meters hang behind one. */
  readonly g3Modem: G3SimModem | null;
  /** Meters of a wired M-Bus as they answer there, by id. */
  readonly slaves = new Map<string, MbusSlave>();
  /** Meters that speak ASCII as they answer on their bus, by id. */
  /** Modbus devices by id of the meter, and the line with what is wrong on it; null = the site has none. */
  readonly modbusDevices = new Map<string, SimModbusDevice>();
  modbusSegment: ModbusSegment | null = null;
  readonly asciiMeters = new Map<string, AsciiMeter>();
  readonly #meters: SimMeter[] = [];
  readonly #sampleS: number;
  readonly #world: VirtualWorld;
  readonly #ledger: Ledger;
  readonly #turnaroundMs: number;
  readonly #busCollides: boolean;
  /** Sessions on buses last until their meter changes its ways. */
  readonly #onBus = new Map<SimMeter, ServedLine>();
  /** Others that stand in the place of a meter, or beside it. */
  readonly #strangers = new Map<SimMeter, ServedLine>();

  constructor(world: VirtualWorld, ledger: Ledger, options: SiteOptions) {
    this.#world = world;
    this.#ledger = ledger;
    this.#turnaroundMs = options.turnaroundMs ?? 0;
    this.#busCollides = options.busCollides ?? false;
    this.#sampleS = options.sampleS ?? 0;
    const { clock } = world;
    this.lines = new MemoryLines({
      timers: clock,
      clock: { monotonicMs: () => clock.nowMs },
      random: world.random.fork('lines'),
    });
    const fleet = {
      seed: `virtual/${options.seed}`,
      count: options.meters,
      profiles: options.profiles.map(({ key, text }) => parseProfileOrThrow(text, key)),
      timeZone: options.timeZone,
      days: options.days ?? 0,
      nowMs: () => Math.floor(world.nowMs),
      households: [],
      tellsEvents: options.tellsEvents ?? false,
      ...(options.broadcastLoss === undefined ? {} : { broadcastLoss: options.broadcastLoss }),
      ...(options.keyFiles === undefined ? {} : { securities: securitiesIn(options.keyFiles) }),
      tellsTime: options.tellsTime ?? false,
    };
    const made = makeFleet(fleet, ledger);
    this.#meters.push(...made);
    const files = options.keyFiles ?? [];
    this.keyFiles = new Map(
      made.flatMap((meter, at) => {
        const keys = files[at] ?? meter.cardAt('', 'hdlc', meter.hdlcAddress).keys;
        return keys === undefined ? [] : [[meter.device.meterId, { ...keys }] as const];
      }),
    );
    const onLines = made.filter(({ host }) => host === null);
    this.places = placesFor(options.layout ?? 'mixed', onLines, options.plcQuery ?? '');
    const behind = (wanted: Place['kind']) => {
      const place = this.places.find(({ kind }) => kind === wanted);
      return place === undefined ? null : behindBaseNode(place.meters);
    };
    const [onPrime, onG3] = [behind('base-node'), behind('g3-modem')];
    const { plc = {} } = options;
    this.baseNode = onPrime === null ? null : new BaseNode(onPrime, this.#env(), plc, world.random.fork('plc'));
    this.g3Modem = onG3 === null ? null : new G3SimModem(onG3, this.#env(), plc, world.random.fork('plc'));
  }

  /** All meters, those behind others too, and those that were taken down. */
  get meters(): readonly SimMeter[] {
    return this.#meters;
  }

  /** Hangs another meter into a channel of a host, in the place of what hangs there. */
  exchange(host: SimMeter, channel: number, meter: Pick<SimMeterOptions, 'meterId' | 'serial' | 'profile'>): SimMeter {
    const nowMs = () => Math.floor(this.#world.nowMs);
    const password = new TextEncoder().encode(SIM_PASSWORD);
    const { timeZone } = host.device;
    const options = { ...meter, seed: meter.serial, timeZone, nowMs, installedAtMs: nowMs(), password };
    const made = new SimMeter(options, this.#ledger);
    host.hangOnBus(made, channel);
    this.#meters.push(made);
    return made;
  }

  /** Opens every line. */
  async serve(): Promise<void> {
    for (const place of this.places) {
      if (place.kind === 'wired-mbus') {
        this.#serveMbus(place);
        continue;
      }
      if (place.kind === 'modbus') {
        this.#serveModbus(place);
        continue;
      }
      if (place.kind === 'ascii') {
        this.#serveAscii(place);
        continue;
      }
      if (place.kind === 'port') {
        const { encoding = 'p1' } = place.meters[0]?.device.profile.push[0] ?? {};
        const framing = encoding === 'sml' ? 'sml' : 'p1';
        const shape = { octetsPerS: PORT_OCTETS_PER_S[framing], framing, purpose: 'push' } as const;
        this.#serve(this.lines.create(place.address, shape).attach(), place.meters, 'hdlc');
        continue;
      }
      if (place.kind === 'bus') {
        const pace = { octetsPerS: BUS_OCTETS_PER_S, turnaroundMs: this.#turnaroundMs };
        const shape = { ...pace, framing: 'hdlc', collides: this.#busCollides } as const;
        const line = this.lines.create(place.address, shape);
        for (const meter of place.meters) this.#onBus.set(meter, this.#serve(line.attach(), [meter], 'hdlc'));
        continue;
      }
      const port = Number(place.address.split(':')[1]);
      const framing = place.kind === 'gateway' ? 'hdlc' : 'wrapper';
      await this.#world.net.of('sim').listenTcp(METERS_HOST, port, (duplex) => {
        const modem = place.kind === 'base-node' ? this.baseNode : place.kind === 'g3-modem' ? this.g3Modem : null;
        this.#serve(modem?.attach(duplex) ?? duplex, place.meters, framing);
      });
    }
  }

  /** All meters on one piece of wire, at its usual speed. */
  #serveMbus({ address, meters }: Place): void {
    const line = this.lines.create(address, { octetsPerS: MBUS_OCTETS_PER_S, framing: 'mbus', purpose: 'ask' });
    const slaves = meters.map((meter) => {
      const identity = mbusIdentityOf(meter.device);
      const slave = new MbusSlave({ primary: 0, identity, readout: () => meter.mbusReadout() });
      this.slaves.set(meter.device.meterId, slave);
      return slave;
    });
    const running = new LineDriver(line.attach(), this.#env()).run(
      new MbusSegment(slaves, MBUS_GAP_MS),
      (events) => {
        this.answered += events.filter(({ answers }) => answers > 0).length;
      },
      () => undefined,
    );
    running.kick();
  }

  /** Meters that speak ASCII on one bus, modes C, B and A in turn; it keeps its speed, as one behind a converter does. */
  #serveAscii({ address, meters }: Place): void {
    const line = this.lines.create(address, { octetsPerS: BUS_OCTETS_PER_S, framing: 'ascii', purpose: 'ask' });
    const speeds = { startBaud: BUS_BAUD, offeredBaud: BUS_BAUD };
    for (const [at, meter] of meters.entries()) {
      const { serial, profile, meterId } = meter.device;
      // Load profiles are read in programming mode, which is one of mode C.
      const mode = profile.buffers.length > 0 ? 'C' : (['C', 'B', 'A'] as const)[at % 3];
      const own = { address: serial, readOut: () => meter.asciiReadOut(), ...(mode === undefined ? {} : { mode }) };
      const machine = new AsciiMeter({ ...speeds, ...own, answer: (text) => asciiAnswerOf(meter.device, text) });
      this.asciiMeters.set(meterId, machine);
      const driver = new LineDriver(new GatedDuplex(line.attach(), () => this.#noted(meter)), this.#env());
      const running = driver.run(
        machine,
        (events) => {
          for (const { kind } of events) {
            if (kind === 'told') this.answered++;
            else machine.changed(this.#env().clock.monotonicMs());
          }
        },
        () => undefined,
      );
      running.kick();
    }
  }

  /** Modbus devices on one RS-485 bus, at addresses from 1 on. */
  #serveModbus({ address, meters }: Place): void {
    const line = this.lines.create(address, { octetsPerS: BUS_OCTETS_PER_S, framing: 'modbus-rtu', purpose: 'ask' });
    const devices = meters.map((meter, at) => new SimModbusDevice(meter.device, at + 1));
    for (const device of devices) this.modbusDevices.set(device.meterId, device);
    this.modbusSegment = new ModbusSegment(devices, 'rtu', MBUS_GAP_MS);
    const running = new LineDriver(line.attach(), this.#env()).run(
      this.modbusSegment,
      (events) => {
        this.answered += events.length;
      },
      () => undefined,
    );
    running.kick();
  }

  #noted(meter: SimMeter): Promise<void> {
    meter.record();
    return this.#ledger.flush();
  }

  #env() {
    const { clock } = this.#world;
    return { timers: clock, clock: { nowMs: () => this.#world.nowMs, monotonicMs: () => clock.nowMs } };
  }

  #serve(
    duplex: Parameters<typeof serveLine>[0],
    meters: readonly SimMeter[],
    framing: Parameters<typeof serveLine>[2],
  ): ServedLine {
    return serveLine(duplex, meters, framing, this.#env(), this.#ledger, {
      event: (_meter, event) => {
        if (event.kind === 'served') this.answered++;
      },
    });
  }

  /** Lines of the edge's settings. */
  settingsOfLines(passwordFile: string): readonly object[] {
    const keysFile = (meterId: string) => (this.keyFiles.has(meterId) ? keysFileOf(meterId) : undefined);
    const files = { passwordFile, keysFile };
    return this.places.map((place, at) => ({
      id: `line${at + 1}`,
      url: place.url,
      ...(place.kind === 'port' ? { sampleS: this.#sampleS } : {}),
      meters: place.meters.flatMap((meter) => [
        {
          ...entryOf(meter, files),
          ...(place.kind === 'g3-modem' ? { serial: simEui64(meter.device.serial) } : {}),
          ...(place.kind === 'modbus' ? { physical: place.meters.indexOf(meter) + 1 } : {}),
          ...(place.kind === 'wired-mbus' || place.kind === 'ascii' ? { equipmentId: meter.device.serial } : {}),
        },
        ...entriesBehind(meter, files),
      ]),
    }));
  }

  /** Notes in the ledger what every meter has produced until now. */
  record(): void {
    for (const meter of this.meters) meter.record();
  }

  /** The asking end of every line in memory is let go, as when its program dies. */
  hangUp(): void {
    for (const place of this.places) if (isInMemory(place)) this.lines.find(place.address)?.open().close();
  }

  /** A meter changes its ways, in the middle of whatever it does. */
  misbehave(meterAt: number, how: Misbehaviour | null): void {
    const meter = this.meters[meterAt % this.meters.length];
    const place = this.places.find(({ meters }) => meter !== undefined && meters.includes(meter));
    if (meter === undefined || place === undefined) return;
    meter.misbehave(how);
    if (place.kind !== 'bus') {
      this.#world.net.cut(place.address);
      return;
    }
    this.#onBus.get(meter)?.close();
    const line = this.lines.find(place.address);
    if (line !== undefined) this.#onBus.set(meter, this.#serve(line.attach(), [meter], 'hdlc'));
  }

  /** Another meter stands in the place of one on a bus, under its address, until {@link putBack}. */
  standIn(meterAt: number): SimMeter {
    const meter = this.#meterOnBus(meterAt);
    this.#onBus.get(meter)?.close();
    this.#strangers.get(meter)?.close();
    return this.twin(meterAt);
  }

  /** A second meter with the address of one is put on its bus, until {@link putBack}. */
  twin(meterAt: number): SimMeter {
    const meter = this.#meterOnBus(meterAt);
    const { device } = meter;
    const options = { nowMs: () => Math.floor(this.#world.nowMs), installedAtMs: device.installedAtMs };
    // Addresses come from the last four digits of the serial number.
    const serial = `2${device.serial.slice(1)}`;
    const { profile, timeZone } = device;
    const password = new TextEncoder().encode(SIM_PASSWORD);
    const own = { meterId: `${device.meterId}-other`, serial, profile, timeZone, seed: `other/${serial}`, password };
    const other = new SimMeter({ ...own, ...options }, null);
    this.#strangers.set(meter, this.#serveOnBus(other, meter));
    return other;
  }

  /** The other meter is taken away, and the right one is where it was. */
  putBack(meterAt: number): void {
    const meter = this.#meterOnBus(meterAt);
    this.#strangers.get(meter)?.close();
    this.#onBus.get(meter)?.close();
    this.#onBus.set(meter, this.#serveOnBus(meter, meter));
  }

  #meterOnBus(meterAt: number): SimMeter {
    const meter = this.meters[meterAt % this.meters.length];
    if (meter === undefined || !this.#onBus.has(meter)) throw new Error('no meter on a bus');
    return meter;
  }

  #serveOnBus(meter: SimMeter, place: SimMeter): ServedLine {
    const { address = '' } = this.places.find(({ meters }) => meters.includes(place)) ?? {};
    const line = this.lines.find(address);
    if (line === undefined) throw new Error(`no line ${address}`);
    return this.#serve(line.attach(), [meter], 'hdlc');
  }

  /** The cable is cut: what passes is lost, connections end and new ones fail. */
  cut(lineAt: number): void {
    const place = this.#place(lineAt);
    if (isInMemory(place)) {
      this.disturb(lineAt, { lose: 1 });
      return;
    }
    this.#world.net.refuse(place.address, true);
    this.#world.net.cut(place.address);
  }

  /** The cable is whole again. */
  mend(lineAt: number): void {
    const place = this.#place(lineAt);
    if (isInMemory(place)) this.disturb(lineAt, {});
    else this.#world.net.refuse(place.address, false);
  }

  /** Noise on a bus or a port; sockets have none, TCP sees to that. */
  disturb(lineAt: number, faults: MemoryFaults): void {
    const place = this.#place(lineAt);
    if (isInMemory(place)) this.lines.find(place.address)?.setFaults(faults);
  }

  #place(lineAt: number): Place {
    const place = this.places[lineAt % this.places.length];
    if (place === undefined) throw new Error('a site without lines');
    return place;
  }
}

/** Where the edge of a virtual system has the keys of a meter. */
export function keysFileOf(meterId: string): string {
  return `${meterId}.keys`;
}

function securitiesIn(files: readonly Readonly<Record<string, unknown>>[]): ReadonlyMap<number, MeterSecurity> {
  return new Map(
    files.map((file, at) => {
      const read = parseMeterKeys(JSON.stringify(file));
      if (!read.ok) throw new Error(read.problem);
      return [at, read.security];
    }),
  );
}

function isInMemory({ kind }: Place): boolean {
  return kind === 'bus' || kind === 'port' || kind === 'wired-mbus' || kind === 'ascii' || kind === 'modbus';
}
