/**
 * The `line` bench: how much of a 9,600 Bd line's time a reader uses (design, bars of section 9).
 *
 * A meter with a register list and a 96-row load profile is read over HDLC on a paced line in virtual time, once with what
 * every meter has (128 octets, window 1) and once with negotiated sizes. Efficiency is the time that the octets need on
 * the wire divided by the time that passed: what is missing from 1 is the program's own hesitation. Set-up, association
 * and release are inside.
 */
import { assert } from '../../base/errors.ts';
import { SeededRandom } from '../../base/seeded-random.ts';
import type { Data } from '../../dlms/axdr/data.ts';
import { type ObisCode, obisOf } from '../../dlms/cosem/obis.ts';
import { clientTransport } from '../../dlms/frame/client-transport.ts';
import { HDLC_DEFAULTS, type HdlcParameters } from '../../dlms/frame/hdlc-parameters.ts';
import { HdlcServer } from '../../dlms/frame/hdlc-server.machine.ts';
import { openSession } from '../../dlms/session/meter-session.ts';
import { type ListedObject, type ObjectModel, RESULT } from '../../dlms/session/object-model.ts';
import { ServerSession } from '../../dlms/session/server.machine.ts';
import type { AttributeAccess, AttributeDescriptor, GetDataResult } from '../../dlms/xdlms/service.ts';
import { LineDriver } from '../../link/drive.ts';
import { MemoryLines } from '../../link/memory.ts';
import { VirtualClock } from '../virtual-clock.ts';
import { atLeast, type Bar, type BenchBasics, type BenchResult } from './bench.ts';

/** 9,600 Bd, ten bits an octet. */
export const OCTETS_PER_S = 960;
const REGISTERS = 24;
const ROWS = 96;
const PROFILE: ObisCode = obisOf(1, 0, 99, 1, 0);
const LIMIT = 0.97;
const HOUR_MS = 3_600_000;

/** What a client asks for that can do more. */
export const NEGOTIATED: HdlcParameters = {
  informationTransmitBytes: 1_024,
  informationReceiveBytes: 1_024,
  windowTransmit: 1,
  windowReceive: 7,
};
/** What a meter offers that can do more. */
export const METER: HdlcParameters = {
  informationTransmitBytes: 1_024,
  informationReceiveBytes: 1_024,
  windowTransmit: 7,
  windowReceive: 1,
};

function registerAt(number: number): AttributeAccess {
  return { classId: 3, instanceId: obisOf(1, 0, number + 1, 8, 0), attributeId: 2, access: null };
}

/** A meter whose values come from the seed. */
class BenchMeter implements ObjectModel {
  readonly #rows: Data;

  constructor(random: SeededRandom) {
    const row = (number: number): Data => ({
      type: 'structure',
      value: [
        {
          type: 'octet-string',
          value: Uint8Array.of(7, 234, 3, 1, 7, number >> 2, (number & 3) * 15, 0, 0, 0xff, 0xc4, 0),
        },
        { type: 'unsigned', value: 0 },
        ...Array.from({ length: 4 }, () => ({ type: 'double-long-unsigned' as const, value: random.below(1_000_000) })),
      ],
    });
    this.#rows = { type: 'array', value: Array.from({ length: ROWS }, (_, number) => row(number)) };
  }

  objectList(): readonly ListedObject[] {
    const object = (classId: number, instanceId: ObisCode): ListedObject => ({
      classId,
      version: 0,
      instanceId,
      attributes: [{ id: 2, access: 1 }],
      methods: [],
    });
    return [
      ...Array.from({ length: REGISTERS }, (_, number) => object(3, registerAt(number).instanceId)),
      object(7, PROFILE),
    ];
  }

  read({ classId }: AttributeDescriptor): GetDataResult {
    return { data: classId === 7 ? this.#rows : { type: 'double-long-unsigned', value: 123_456_789 } };
  }

  write(): number {
    return RESULT.readWriteDenied;
  }

  invoke(): { readonly actionResult: number; readonly returnParameters: null } {
    return { actionResult: RESULT.readWriteDenied, returnParameters: null };
  }
}

/** Figures of one read-out. */
interface ReadOut {
  readonly passedMs: number;
  readonly octets: number;
  readonly efficiency: number;
}

async function readOut(seed: number, client: HdlcParameters, meter: HdlcParameters): Promise<ReadOut> {
  const timers = new VirtualClock();
  const random = new SeededRandom(seed);
  const env = { timers, clock: { nowMs: () => timers.nowMs, monotonicMs: () => timers.nowMs }, random };
  const line = new MemoryLines(env).create('bench', { octetsPerS: OCTETS_PER_S });
  serveBenchMeter(new LineDriver(line.attach(), env), random, meter);
  let passedMs: number | undefined;
  const reading = readBenchMeter(new LineDriver(line.open(), env), client).then(() => {
    passedMs = timers.nowMs;
  });
  await timers.runWhile(() => passedMs === undefined, HOUR_MS);
  await reading;
  assert(passedMs !== undefined, 'the read-out ended');
  return { passedMs, octets: line.octets, efficiency: (line.octets * 1_000) / OCTETS_PER_S / passedMs };
}

/** Lets the bench's meter answer on a line. */
export function serveBenchMeter(driver: LineDriver, random: SeededRandom, parameters: HdlcParameters): void {
  const session = new ServerSession(new HdlcServer({ physicalDevice: 17, parameters }), {
    model: new BenchMeter(random),
    clients: [{ sap: 1, authentication: { mechanism: 'none' } }],
  });
  driver
    .run(
      session,
      () => {},
      () => {},
    )
    .kick();
}

/**
 * Time that the register list takes on the paced line with a meter that pauses before each answer, ms; `itemsMax` is how many
 * are asked for at once, null = as many as the meter takes. Association and release are not inside.
 */
export async function timeOfRegisters(seed: number, turnaroundMs: number, itemsMax: number | null): Promise<number> {
  const timers = new VirtualClock();
  const random = new SeededRandom(seed);
  const env = { timers, clock: { nowMs: () => timers.nowMs, monotonicMs: () => timers.nowMs }, random };
  const line = new MemoryLines(env).create('bench', { octetsPerS: OCTETS_PER_S, turnaroundMs });
  serveBenchMeter(new LineDriver(line.attach(), env), random, METER);
  let tookMs: number | undefined;
  const reading = (async () => {
    const driver = new LineDriver(line.open(), env);
    const address = { client: 1, logical: 1, physical: 17 };
    const transport = clientTransport('hdlc', address, { parameters: NEGOTIATED, octetMs: 1_000 / OCTETS_PER_S });
    const meter = await openSession(driver, transport, itemsMax === null ? {} : { listItemsMax: itemsMax });
    const fromMs = timers.nowMs;
    const wanted = Array.from({ length: REGISTERS }, (_, number) => registerAt(number));
    const results = await meter.get(wanted);
    assert(results.length === REGISTERS && results.every((result) => 'data' in result), 'every register is read');
    tookMs = timers.nowMs - fromMs;
    await meter.release();
    driver.close();
  })();
  await timers.runWhile(() => tookMs === undefined, HOUR_MS);
  await timers.advance(HOUR_MS);
  await reading;
  assert(tookMs !== undefined, 'the registers were read');
  return tookMs;
}

/** Reads the register list and the profile over a line, from set-up to release, and closes it. */
export async function readBenchMeter(driver: LineDriver, parameters: HdlcParameters): Promise<void> {
  const transport = clientTransport(
    'hdlc',
    { client: 1, logical: 1, physical: 17 },
    { parameters, octetMs: 1_000 / OCTETS_PER_S },
  );
  const meter = await openSession(driver, transport);
  const registers = await meter.get(Array.from({ length: REGISTERS }, (_, number) => registerAt(number)));
  assert(
    registers.every((result) => 'data' in result),
    'every register is read',
  );
  const [profile] = await meter.get([{ classId: 7, instanceId: PROFILE, attributeId: 2, access: null }]);
  const rows =
    profile !== undefined && 'data' in profile && profile.data.type === 'array' ? profile.data.value.length : 0;
  assert(rows === ROWS, 'every row is read');
  await meter.release();
  driver.close();
}

/** Runs the bench's virtual part; `line-pty` adds the pseudo-terminal. */
export async function benchLine(env: BenchBasics): Promise<BenchResult> {
  const startedMs = env.nowMs();
  const figures: Record<string, number> = {};
  const bars: Bar[] = [];
  for (const [name, client, meter] of [
    ['window1Info128', HDLC_DEFAULTS, HDLC_DEFAULTS],
    ['negotiated', NEGOTIATED, METER],
  ] as const) {
    env.progress(`line: ${REGISTERS} registers and ${ROWS} rows at ${OCTETS_PER_S * 10} Bd, ${name}`);
    const { passedMs, octets, efficiency } = await readOut(env.seed, client, meter);
    figures[`${name}LineMs`] = passedMs;
    figures[`${name}Octets`] = octets;
    figures[`${name}Efficiency`] = efficiency;
    bars.push(atLeast(`line time used, ${name}`, efficiency, LIMIT));
  }
  figures['tookMs'] = env.nowMs() - startedMs;
  return { figures, bars };
}
