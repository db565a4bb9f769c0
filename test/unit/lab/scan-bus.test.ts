/** Finding the meters of a bus: simulated meters on a line of 9,600 Bd in virtual time. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { Authentication } from '../../../src/dlms/session/association.ts';
import { benchScan } from '../../../src/lab/benches/scan.ts';
import { targetsOfList, targetsOfRange } from '../../../src/lab/bus-targets.ts';
import { type BusFinding, type BusTarget, scanBus } from '../../../src/lab/scan-bus.ts';
import { busJson, busLine, busSummary } from '../../../src/lab/scan-bus-text.ts';
import { LineDriver } from '../../../src/link/drive.ts';
import { makeFleet, SIM_PASSWORD, SimMeter } from '../../../src/sim/fleet.ts';
import { BusMachine } from '../../../src/sim/serve/bus.machine.ts';
import { World } from '../link/virtual.ts';
import { profileOf, START_MS } from '../sim/world.ts';

const IDIS = profileOf('generic/idis');
const PUBLIC = { client: 16, authentication: { mechanism: 'none' } } as const;
const PASSWORD = (text: string): Authentication => ({ mechanism: 'lls', password: new TextEncoder().encode(text) });
const octetsOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const profile = async () => IDIS;

/** Asks a bus with four meters at addresses 1001 to 1004; with `twin` a fifth one has the address of another. */
async function scan(
  targets: readonly BusTarget[],
  options: {
    readonly twin?: string;
    readonly client?: number;
    readonly authentication?: Authentication;
  } = {},
): Promise<BusFinding[]> {
  const world = new World();
  const fleet = makeFleet(
    {
      seed: 'bus',
      count: 4,
      profiles: [IDIS],
      timeZone: 'UTC',
      nowMs: () => START_MS,
      days: 0,
      households: undefined,
    },
    null,
  );
  const own = {
    meterId: 'twin',
    profile: IDIS,
    seed: 'twin',
    timeZone: 'UTC',
    nowMs: () => START_MS,
    installedAtMs: START_MS,
    password: octetsOf(SIM_PASSWORD),
  };
  const twins = options.twin === undefined ? [] : [new SimMeter({ ...own, serial: options.twin }, null)];
  const stations = [...fleet, ...twins].map((meter) => ({
    machine: meter.session('hdlc'),
    address: meter.hdlcAddress,
  }));
  const line = world.lines.create('bus', { octetsPerS: 960, turnaroundMs: 20 });
  const ignore = () => {};
  new LineDriver(line.attach(), world).run(new BusMachine(stations, 'hdlc'), ignore, ignore).kick();
  const driver = new LineDriver(line.open(), world);
  const { client = PUBLIC.client, authentication = PUBLIC.authentication } = options;
  return world.settle(
    scanBus(driver, targets, { client, authentication, timeoutMs: 500, retries: 1, octetMs: 1_000 / 960 }),
  );
}

const statesOf = (findings: readonly BusFinding[]) => findings.map(({ address, state }) => `${address} ${state}`);

test('a list finds its meters, tells the one that is missing and the one that is another', async () => {
  const list = 'meter_id,serial,address\nm0001,10000001,\nm0002,10000042,1002\nm0003,10000003,1003\nm0009,10000009,\n';
  const { targets, problems } = await targetsOfList(octetsOf(list), profile, 'generic/idis');
  assert.deepEqual(problems, []);
  const findings = await scan(targets);
  assert.deepEqual(statesOf(findings), ['1001 found', '1002 other', '1003 found', '1009 silent']);
  const [first, second] = findings;
  assert.deepEqual(
    [first?.toldSerial, first?.deviceName, first?.firmware, first?.sentence],
    ['10000001', 'DWE10000001', 'SIM 1.0', 'Answers: 10000001, as the list says.'],
  );
  assert.match(second?.sentence ?? '', /^Answers: 10000002, the list says 10000042\. Correct the list/);
  assert.equal(
    busSummary(findings),
    '4 addresses: 2 found, 1 other meters than listed, 0 do not let us in, 0 garbled, 1 silent.\n',
  );
  assert.equal(
    busLine(first ?? assert.fail()),
    ' 1001 m0001  found    Answers: 10000001, as the list says. Firmware SIM 1.0.\n',
  );
  const json = busJson(findings, []) as { addresses: { address: number; serial: string | null }[] };
  assert.deepEqual(
    json.addresses.map(({ address, serial }) => [address, serial]),
    [
      [1001, '10000001'],
      [1002, '10000002'],
      [1003, '10000003'],
      [1009, null],
    ],
  );
});

test('a range finds what nobody wrote down', async () => {
  const findings = await scan(targetsOfRange(1_003, 1_006, IDIS));
  assert.deepEqual(statesOf(findings), ['1003 found', '1004 found', '1005 silent', '1006 silent']);
  assert.equal(findings[0]?.sentence, 'Answers: 10000003.');
  assert.deepEqual(targetsOfRange(17, 18, null), [
    { address: 17, logicalDevice: 1 },
    { address: 18, logicalDevice: 1 },
  ]);
});

test('two meters at one address destroy each other’s answers: the address is named, the others are found', async () => {
  const findings = await scan(targetsOfRange(1_001, 1_004, IDIS), { twin: '20000003' });
  assert.deepEqual(statesOf(findings), ['1001 found', '1002 found', '1003 garbled', '1004 found']);
  assert.match(findings[2]?.sentence ?? '', /two meters have this address/);
});

test('a meter that does not let us in is there all the same', async () => {
  const targets = targetsOfRange(1_001, 1_002, IDIS);
  const wrong = await scan(targets, { client: 1, authentication: PASSWORD('wrong') });
  assert.deepEqual(statesOf(wrong), ['1001 refused', '1002 refused']);
  assert.match(wrong[0]?.sentence ?? '', /^A meter answers and does not let us in: /);
  const right = await scan(targets, { client: 1, authentication: PASSWORD(SIM_PASSWORD) });
  assert.deepEqual(statesOf(right), ['1001 found', '1002 found']);
});

test('a list is held against itself before the line is used: addresses that cannot be made, and two meters at one', async () => {
  const list =
    'meter_id,serial,profile,address\nm1,10000001,generic/idis,\nm2,20000001,generic/idis,\nm3,,,\nm4,,,17\nm5,,,x\n';
  const { targets, problems } = await targetsOfList(octetsOf(list), profile, undefined);
  assert.deepEqual(
    targets.map(({ meterId, address }) => `${meterId} ${address}`),
    ['m1 1001', 'm2 1001', 'm4 17'],
  );
  assert.deepEqual(problems, [
    'line 6, address: "x" is not a whole number from 16 to 16381. Write the cell in the form that its column has.',
    'line 4, m3: It has no address, and no serial number and profile to make one of: fill the cells in, or give --model.',
    'm1 and m2 both have address 1001. Give one of them another address, or put it on another bus.',
  ]);
});

test('the scan bench: 200 meters of a list in less than two minutes of line time', async () => {
  const root = new URL('../../../', import.meta.url);
  const result = await benchScan({
    nowMs: () => performance.now(),
    seed: 1,
    progress: () => {},
    readText: async (path) => readFileSync(new URL(path, root), 'utf8'),
  });
  assert.deepEqual(
    result.bars.filter(({ holds }) => !holds),
    [],
  );
  assert.deepEqual([result.figures['meters'], result.figures['found']], [200, 200]);
});
