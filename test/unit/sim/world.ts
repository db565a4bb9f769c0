/** A virtual desk for simulated meters: one clock, memory lines, a ledger in memory, and a client. */
import { readdirSync, readFileSync } from 'node:fs';
import { concat } from '../../../src/base/bytes.ts';
import type { AppendFile } from '../../../src/base/env.ts';
import type { Data } from '../../../src/dlms/axdr/data.ts';
import { serverAddress } from '../../../src/dlms/frame/hdlc-address.ts';
import { HdlcClient } from '../../../src/dlms/frame/hdlc-client.machine.ts';
import { WrapperClient } from '../../../src/dlms/frame/wrapper.machine.ts';
import { type MeterSession, openSession } from '../../../src/dlms/session/meter-session.ts';
import { ShortNames } from '../../../src/dlms/session/short-names.ts';
import { LineDriver } from '../../../src/link/drive.ts';
import { utcMsOfIso } from '../../../src/profile/check.ts';
import { type ReadRequest, rangeRequest } from '../../../src/profile/plan.ts';
import { parseProfileOrThrow } from '../../../src/profile/schema/parse.ts';
import type { BufferRule, Profile } from '../../../src/profile/schema/profile.ts';
import {
  addressOnLine,
  type FleetOptions,
  makeFleet,
  SIM_PASSWORD,
  type SimMeter,
  serveLine,
} from '../../../src/sim/fleet.ts';
import { Ledger } from '../../../src/sim/ledger.ts';
import type { BusFraming } from '../../../src/sim/serve/bus.machine.ts';
import { World } from '../link/virtual.ts';

export const PROFILES = new URL('../../../config/profiles/', import.meta.url);
export const START_MS = utcMsOfIso('2026-03-15T10:07:30Z');

const PASS_STEP_MS = 1_800_000;

const profiles = new Map<string, Profile>();

/** A profile by its key. */
export function profileOf(key: string): Profile {
  const known = profiles.get(key);
  const profile = known ?? parseProfileOrThrow(readFileSync(new URL(`${key}.yaml`, PROFILES), 'utf8'), key);
  profiles.set(key, profile);
  return profile;
}

/** Keys of all profiles. */
export function profileKeys(): string[] {
  return readdirSync(PROFILES).flatMap((vendor) =>
    readdirSync(new URL(`${vendor}/`, PROFILES))
      .filter((file) => file.endsWith('.yaml'))
      .map((file) => `${vendor}/${file.slice(0, -5)}`),
  );
}

/** A file in memory; `synced` are the octets that would survive a power cut. */
export class MemoryFile implements AppendFile {
  readonly chunks: Uint8Array[] = [];
  failing = false;
  append(octets: Uint8Array): Promise<void> {
    if (this.failing) return Promise.reject(new Error('the disk is full'));
    this.chunks.push(octets);
    return Promise.resolve();
  }
  close(): Promise<void> {
    return Promise.resolve();
  }
  get octets(): Uint8Array {
    return concat(this.chunks);
  }
}

/** Meters on one memory line. */
export class Desk {
  readonly world: World;
  readonly file = new MemoryFile();
  readonly ledger = new Ledger(this.file);
  readonly meters: readonly SimMeter[];
  readonly #driver: LineDriver;

  constructor(
    readonly framing: BusFraming,
    options: Partial<FleetOptions> = {},
    shape: Parameters<World['lines']['create']>[1] = {},
  ) {
    this.world = new World();
    this.meters = makeFleet(
      {
        seed: 'desk',
        count: 1,
        profiles: [profileOf('generic/idis')],
        timeZone: 'Europe/Berlin',
        nowMs: () => START_MS + this.world.timers.nowMs,
        days: 14,
        households: [],
        ...options,
      },
      this.ledger,
    );
    const line = this.world.lines.create('bus', shape);
    serveLine(line.attach(), this.meters, framing, this.world, this.ledger);
    this.#driver = new LineDriver(line.open(), this.world);
  }

  get meter(): SimMeter {
    const [meter] = this.meters;
    if (meter === undefined) throw new Error('the desk is empty');
    return meter;
  }

  /** The current time on the desk, UTC ms. */
  get nowMs(): number {
    return START_MS + this.world.timers.nowMs;
  }

  /** Lets time pass until the promise is settled. */
  settle<Value>(promise: Promise<Value>): Promise<Value> {
    return this.world.settle(promise);
  }

  /** Lets so much time pass. */
  async pass(durationMs: number): Promise<void> {
    for (let left = durationMs; left > 0; left -= PASS_STEP_MS) {
      await this.settle(this.world.timers.sleep(Math.min(left, PASS_STEP_MS)));
    }
  }

  /** Opens a session with a meter as the client that its profile names. */
  open(use: 'read' | 'identify' | 'control', meter = this.meter, password = SIM_PASSWORD): Promise<MeterSession> {
    const client = meter.device.profile.clients.find((rule) => rule.uses.includes(use));
    const sap = client?.address ?? 16;
    const octets = meter.device.profile.hdlc?.addressOctets;
    const transport =
      this.framing === 'hdlc'
        ? new HdlcClient({
            client: sap,
            server: serverAddress(meter.logicalDevice, octets === 1 ? null : meter.hdlcAddress, octets ?? 2),
          })
        : new WrapperClient({ client: sap, server: addressOnLine(meter, this.meters.indexOf(meter), 'wrapper') });
    return this.settle(
      openSession(this.#driver, transport, {
        shortNames: meter.referencing === 'short' ? new ShortNames() : null,
        authentication:
          client?.security === 'lls'
            ? { mechanism: 'lls', password: new TextEncoder().encode(password) }
            : { mechanism: 'none' },
      }),
    );
  }

  /** Reads one attribute; throws when the meter gives a result code. */
  async read(session: MeterSession, request: ReadRequest): Promise<Data> {
    const { classId, obis: instanceId, attribute: attributeId, access } = request;
    const [result] = await this.settle(session.get([{ classId, instanceId, attributeId, access }]));
    if (result === undefined || !('data' in result))
      throw new Error(`${classId}/${instanceId}/${attributeId}: ${JSON.stringify(result)}`);
    return result.data;
  }

  /** Reads a buffer between two moments. */
  readRange(session: MeterSession, rule: BufferRule, fromMs: number, toMs: number): Promise<Data> {
    return this.read(
      session,
      rangeRequest(this.meter.device.profile, rule.obis, { fromMs, toMs }, { timeZone: 'Europe/Berlin' }),
    );
  }
}
