/** Scanning simulated meters: every shipped profile over sockets, and what the proposed profile makes of a meter's rows. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { SILENT_LOG } from '../../../src/base/log.ts';
import { parseObis } from '../../../src/dlms/cosem/obis.ts';
import { mediumOf } from '../../../src/dlms/cosem/obis-names.ts';
import { createHostEnv } from '../../../src/host/env.ts';
import { proposeProfile } from '../../../src/lab/propose-profile.ts';
import { type ClientScan, type ScannedObject, scanObjects, scanOnce } from '../../../src/lab/scan-meter.ts';
import { scansJson, scansText } from '../../../src/lab/scan-text.ts';
import { parseMeterId } from '../../../src/model/ids.ts';
import { plainRequest } from '../../../src/profile/plan.ts';
import { readBuffer } from '../../../src/profile/readout.ts';
import { parseProfileOrThrow } from '../../../src/profile/schema/parse.ts';
import type { Profile } from '../../../src/profile/schema/profile.ts';
import { SIM_PASSWORD } from '../../../src/sim/fleet.ts';
import { Simulator } from '../../../src/sim/simulator.ts';
import { Desk, profileKeys, profileOf } from '../sim/world.ts';

const NAMES = { vendor: 'scanned', model: 'meter' };
const PASSWORD = new TextEncoder().encode(SIM_PASSWORD);

function proposed(scans: readonly ClientScan[]): Profile {
  const text = proposeProfile(scans, NAMES) ?? assert.fail('nothing proposed');
  return parseProfileOrThrow(text, 'the proposal');
}

/** What a reading of a register is: everything but the names that people chose. */
const channelsOf = (profile: Profile) =>
  profile.registers.map(({ obis, classId, attribute, type, exponent, unit, valueClass }) => ({
    obis,
    classId,
    attribute,
    type,
    exponent,
    unit,
    valueClass,
  }));

test('scan proposes a profile with the registers and buffers of every shipped profile', async () => {
  // A meter that is read through another one is not asked itself; those that want keys are scanned in secured.test.ts.
  const keys = profileKeys().filter((key) => {
    const { through, clients } = profileOf(key);
    return (
      through === null && clients.every(({ uses, security }) => !uses.includes('read') || !security.startsWith('hls'))
    );
  });
  const env = createHostEnv({ log: SILENT_LOG });
  const simulator = await Simulator.start(env, {
    configFolder: fileURLToPath(new URL('../../../config', import.meta.url)),
    profiles: keys,
    listen: ['tcp://127.0.0.1:0'],
    count: keys.length,
    seed: 'scan',
    days: 1,
    timeZone: 'Europe/Berlin',
    ledgerFile: null,
  });
  for (const { meter, url, address } of simulator.reached) {
    const shipped = meter.device.profile;
    const rule = shipped.clients.find(({ uses }) => uses.includes('read'));
    const scan = await scanOnce(env, {
      link: url,
      client: rule?.security === 'lls' ? rule.address : 16,
      server: { logical: address },
      authentication: rule?.security === 'lls' ? { mechanism: 'lls', password: PASSWORD } : { mechanism: 'none' },
      referencing: 'logical',
      requestTimeoutMs: 5_000,
    });
    const own = proposed([scan]);
    assert.deepEqual(
      own.registers.map(({ obis, exponent, unit, classId }) => [obis, exponent, unit, classId]),
      shipped.registers.map(({ obis, exponent, unit, classId }) => [obis, exponent, unit, classId]),
      shipped.key,
    );
    assert.deepEqual(
      own.buffers.map(({ obis, intervalS, rows, columns }) => [obis, intervalS, rows, columns.map(({ kind }) => kind)]),
      shipped.buffers.map(({ obis, intervalS, rows, columns }) => [
        obis,
        intervalS,
        rows,
        columns.map(({ kind }) => kind),
      ]),
      shipped.key,
    );
    // The objects of an M-Bus channel do not say what flows there.
    const tellsMedium = shipped.registers.some(({ obis }) => mediumOf(parseObis(obis)) !== null);
    if (tellsMedium) assert.equal(own.medium, shipped.medium, shipped.key);
    assert.equal(own.relay?.obis, shipped.relay?.obis, shipped.key);
  }
  await simulator.stop();
});

async function idisAt(framing: 'hdlc' | 'wrapper', referencing: 'logical' | 'short' = 'logical') {
  const desk = new Desk(framing, { profiles: [profileOf('generic/idis')], days: 2, referencing });
  const session = await desk.open('read');
  const objects = await desk.settle(scanObjects(session));
  const scan: ClientScan = {
    client: 1,
    security: 'lls',
    framing,
    referencing: desk.meter.referencing,
    server: { logical: 1, physical: 1001 },
    objects,
  };
  return { desk, session, scan };
}

test('generic/idis: the proposed profile reads the same channels and values as the shipped one', async () => {
  const { desk, session, scan } = await idisAt('wrapper');
  const shipped = profileOf('generic/idis');
  const own = proposed([scan]);
  assert.deepEqual(channelsOf(own), channelsOf(shipped));
  assert.deepEqual(
    own.registers.map(({ name }) => name),
    // What stands behind a code of the maker's own only the maker knows.
    shipped.registers.map(({ name }) => (name === 'load-voltage-l1' ? 'obis-1-0-32-128-0' : name)),
  );
  const context = { meterId: parseMeterId('m0001') ?? assert.fail(), timeZone: 'Europe/Berlin', nowMs: desk.nowMs };
  for (const [at, rule] of shipped.buffers.entries()) {
    const buffer = await desk.read(session, plainRequest(7, rule.obis, 2));
    const theirs = readBuffer(shipped, rule, buffer, context, null);
    const ours = readBuffer(own, own.buffers[at] ?? assert.fail(), buffer, context, null);
    assert.deepEqual(ours.problems, []);
    assert.ok(ours.groups.length > 0 && ours.newestAtMs !== null);
    assert.deepEqual(ours, theirs, rule.name);
  }
});

test('over HDLC the proposal says how the meter is addressed, and it controls the relay', async () => {
  const { scan } = await idisAt('hdlc');
  const own = proposed([scan]);
  assert.deepEqual(
    [own.hdlc?.addressOctets, own.hdlc?.logicalDevice, own.hdlc?.physicalDevice.addressOf('7')],
    [4, 1, 1001],
  );
  assert.equal(own.wrapper, null);
  assert.deepEqual(own.clients[0]?.uses, ['identify', 'read', 'control']);
  assert.deepEqual([own.relay?.obis, own.relay?.controlMode], ['0-0:96.3.10*255', 4]);
  assert.ok(own.recognise.logicalDeviceName?.test('DWE10000001'));
  assert.deepEqual(
    own.attributes.map(({ name }) => name),
    ['logical-device-name', 'serial-number', 'firmware'],
  );
  assert.deepEqual(
    own.eventLogs.map(({ codeObis, columns }) => [codeObis, columns]),
    [['0-0:96.11.0*255', ['clock', 'code']]],
  );
});

test('HE-7 by short names a scan finds the same objects, rights and facts, and its proposal says so', async () => {
  const logical = (await idisAt('hdlc')).scan;
  const short = (await idisAt('hdlc', 'short')).scan;
  const isAssociation = ({ classId }: ScannedObject) => classId === 12 || classId === 15;
  assert.deepEqual(
    short.objects.filter((object) => !isAssociation(object)),
    logical.objects.filter((object) => !isAssociation(object)),
  );
  assert.deepEqual(
    short.objects.filter(isAssociation).map(({ classId, version, obis }) => [classId, version, obis]),
    [[12, 2, '0-0:40.0.0*255']],
  );
  assert.equal(proposed([short]).referencing, 'short');
  assert.equal(proposed([logical]).referencing, 'logical');
});

test('a client that sees no register has nothing to propose', async () => {
  const desk = new Desk('wrapper');
  const session = await desk.open('identify');
  const objects = await desk.settle(scanObjects(session));
  assert.equal(objects.length, 6);
  const scan: ClientScan = {
    client: 16,
    security: 'none',
    framing: 'wrapper',
    referencing: 'logical',
    server: { logical: 1 },
    objects,
  };
  assert.equal(proposeProfile([scan], NAMES), null);
});

test('what does not fit a profile is left out with its reason, and odd names stay apart', async () => {
  const { scan } = await idisAt('wrapper');
  const load = scan.objects.find(({ obis }) => obis === '1-0:99.1.0*255') ?? assert.fail();
  const energy = scan.objects.find(({ obis }) => obis === '1-0:1.8.0*255') ?? assert.fail();
  const more: ScannedObject[] = [
    { ...load, obis: parseObis('1-0:98.1.0'), buffer: { ...(load.buffer ?? assert.fail()), periodS: 0 } },
    { ...energy, obis: parseObis('1-1:1.8.0') },
    { ...energy, classId: 4 },
    { ...energy, obis: parseObis('1-0:94.91.3'), scalerUnit: null },
    { ...energy, obis: parseObis('1-0:94.91.4'), scalerUnit: { scaler: 40, unit: 30 } },
  ];
  const scans = [{ ...scan, objects: [...scan.objects, ...more] }];
  const text = proposeProfile(scans, NAMES) ?? '';
  assert.match(text, /^# 1-0:98\.1\.0\*255 is left out: .*\(0 s\)\.$/m);
  assert.match(text, /obis: 1-0:94\.91\.3,.* # the meter gave no scaler and unit$/m);
  const own = proposed(scans);
  assert.equal(own.buffers.length, 2);
  const names = own.registers.slice(-2).map(({ name }) => name);
  assert.deepEqual(names, ['active-energy-import-1-1-1-8-0', 'obis-1-0-94-91-3']);
});

test('the table and the JSON of a scan tell class, unit, period and rights of each object', async () => {
  const { scan } = await idisAt('wrapper');
  const text = scansText([scan], {});
  assert.match(text, /^Client 1: 25 objects\nclass +version +class name/);
  assert.match(text, /^3 +0 +Register +1-0:32\.7\.0\*255 +voltage-l1 +long-unsigned x 10\^-1 V +1-3 r$/m);
  assert.match(
    text,
    /^7 +1 +Profile generic +1-0:99\.1\.0\*255 +load-profile +7 columns, every 900 s, 3840 rows +1-8 r$/m,
  );
  assert.match(text, /^70 .* control mode 4 +1-3 r, 4 rw +1-2$/m);
  const [client] = JSON.parse(JSON.stringify(scansJson([scan], {}))) as { objects: Record<string, unknown>[] }[];
  const voltage = client?.objects.find(({ obis }) => obis === '1-0:32.7.0*255');
  assert.deepEqual(
    [voltage?.['className'], voltage?.['scaler'], voltage?.['unit'], voltage?.['meaning'], voltage?.['isVersionKnown']],
    ['Register', -1, 'V', 'voltage-l1', true],
  );
});
