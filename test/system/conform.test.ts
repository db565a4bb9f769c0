/** The conformance exam before our own concentrator, which reads simulated meters on a bus; and its stand over sockets. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { toHex } from '../../src/base/bytes.ts';
import { parseConfig } from '../../src/base/config.ts';
import { Concentrator } from '../../src/edge/concentrator.ts';
import { EDGE_CONFIG, edgeContradictions } from '../../src/edge/config.ts';
import { resolveSettings } from '../../src/edge/settings.ts';
import { HOST_CRYPTO } from '../../src/host/crypto.ts';
import { createHostEnv } from '../../src/host/env.ts';
import { HOST_MQTT } from '../../src/host/mqtt.ts';
import { runExam } from '../../src/lab/conform/exam.ts';
import { Examiner } from '../../src/lab/conform/examiner.ts';
import { type DeviceEvent, openStand } from '../../src/lab/conform/stand.ts';
import { Verdicts } from '../../src/lab/conform/verdicts.ts';
import { VirtualWorld } from '../../src/lab/virtual-env.ts';
import { MemoryLines } from '../../src/link/memory.ts';
import { problemsOfLink } from '../../src/link/registry.ts';
import type { EdgeId } from '../../src/model/ids.ts';
import { parseProfileOrThrow } from '../../src/profile/schema/parse.ts';
import { makeFleet, SIM_PASSWORD, serveLine } from '../../src/sim/fleet.ts';
import { Ledger } from '../../src/sim/ledger.ts';
import { MemoryStand } from '../support/memory-stand.ts';

const EDGE = 'dut-1' as EdgeId;
const METERS = 4;
const PROFILE = readFileSync(new URL('../../config/profiles/generic/idis.yaml', import.meta.url), 'utf8');
const text = (value: string) => new TextEncoder().encode(value);

/** Our concentrator in a virtual world, with the stand for its broker. */
async function startOwnEdge(world: VirtualWorld, stand: MemoryStand, key: Uint8Array): Promise<Concentrator> {
  const program = world.program('edge');
  const env = { ...program.env, mqtt: stand.connector };
  const lines = new MemoryLines({ timers: env.timers, clock: env.clock, random: env.random });
  const ledger = new Ledger({ append: () => Promise.resolve(), close: () => Promise.resolve() });
  const profiles = [parseProfileOrThrow(PROFILE, 'generic/idis')];
  const options = { seed: 'conform', count: METERS, profiles, timeZone: 'UTC', days: 60, households: [] };
  const fleet = makeFleet({ ...options, nowMs: () => world.nowMs }, ledger);
  const line = lines.create('bus1', { octetsPerS: 11_520, framing: 'hdlc' });
  serveLine(line.attach(), fleet, 'hdlc', env, ledger);
  const publicKey = toHex(env.crypto.newSigningKey().publicKey);
  const keys = { key: toHex(key), commandPublicKey: publicKey, limitsPublicKey: publicKey };
  const enrolment = { edgeId: EDGE, url: 'mqtt://localhost', password: 'p', ...keys };
  await program.disk.writeFile('enrolment.json', text(JSON.stringify(enrolment)));
  await program.disk.writeFile('password', text(`${SIM_PASSWORD}\n`));
  await program.disk.writeFile('profiles/generic/idis.yaml', text(PROFILE));
  const meters = fleet.map(({ device }) => {
    return `{ id: ${device.meterId}, profile: generic/idis, serial: "${device.serial}", passwordFile: password }`;
  });
  const settings = [
    'stateFolder: state',
    'enrolmentFile: enrolment.json',
    'profilesFolder: profiles',
    'timeZone: UTC',
    'journal: { flushS: 2 }',
    `lines: [{ id: bus1, url: "memory:bus1", meters: [${meters.join(', ')}] }]`,
  ].join('\n');
  const linkEnv = { ...env, lines };
  const parsed = parseConfig(EDGE_CONFIG, settings, (config) =>
    edgeContradictions(config, (url) => problemsOfLink(url, linkEnv)),
  );
  assert.ok(parsed.ok, JSON.stringify(parsed));
  const around = { env, linkEnv, profilesFolder: 'unused', software: 'test' };
  return Concentrator.start(env, await resolveSettings(parsed.config, around));
}

test('UD-37 our own concentrator passes the exam: nothing fails, and every rule is seen', async () => {
  const world = new VirtualWorld({ seed: 11, crypto: HOST_CRYPTO });
  const stand = new MemoryStand(world.clock);
  const key = new Uint8Array(32).fill(3);
  const verdicts = new Verdicts();
  const exam = new Examiner(world.program('exam').env, stand, { edgeId: EDGE, key }, verdicts);
  let ended = false;
  const lines: string[] = [];
  const running = runExam(exam, { patienceMs: 1_800_000, quick: false, tell: (line) => lines.push(line) }).finally(
    () => {
      ended = true;
    },
  );
  const starting = startOwnEdge(world, stand, key);
  await world.clock.runWhile(() => !ended, 7_200_000);
  assert.equal(await running, true, lines.join('\n'));
  const reports = verdicts.reports().filter(({ verdict }) => verdict !== 'passed');
  assert.deepEqual(
    reports.map(({ id, verdict, sentence }) => `${id} ${verdict}: ${sentence}`),
    [],
  );
  const stopped = (await starting).stop();
  await world.clock.advance(30_000);
  await stopped;
});

test('the stand lets in who has the password, tells all that a device does, speaks to it and cuts it', async () => {
  const env = createHostEnv({ logLevel: 'silent' });
  const stand = await openStand(env, { host: '127.0.0.1', port: 0, edgeId: EDGE, password: 'right' });
  const events: DeviceEvent[] = [];
  let wake: () => void = () => undefined;
  const until = async (isTrue: () => boolean): Promise<void> => {
    while (!isTrue())
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
  };
  stand.listen((event) => {
    events.push(event);
    wake();
  });
  const heard: string[] = [];
  let closed = '';
  const listener = {
    message: async (topic: string, payload: Uint8Array) => {
      heard.push(`${topic} ${toHex(payload)}`);
      wake();
    },
    closed: (reason: string) => {
      closed = reason;
      wake();
    },
  };
  const url = `mqtt://127.0.0.1:${stand.port}`;
  const options = { url, clientId: EDGE, username: EDGE, keepAliveS: 60, connectTimeoutMs: 5_000 };
  await assert.rejects(HOST_MQTT.connect({ ...options, password: 'wrong' }, { ...listener, closed: () => undefined }));
  const connection = await HOST_MQTT.connect({ ...options, password: 'right' }, listener);
  await connection.subscribe(['dw/00/dut-1/d']);
  await connection.publish('dw/00/dut-1/b', Uint8Array.of(1), 'at-most-once');
  await connection.publish('dw/00/dut-1/c', Uint8Array.of(2));
  stand.say('dw/00/dut-1/d', Uint8Array.of(3), 'at-least-once');
  await until(() => heard.length > 0 && events.length >= 4);
  assert.deepEqual(heard, ['dw/00/dut-1/d 03']);
  stand.cut();
  await until(() => closed !== '' && events.at(-1)?.kind === 'closed');
  assert.deepEqual(events, [
    { kind: 'connected', clientId: EDGE, username: EDGE, clean: true, hasWill: false },
    { kind: 'subscribed', filter: 'dw/00/dut-1/d' },
    { kind: 'message', topic: 'dw/00/dut-1/b', payload: Uint8Array.of(1), qos: 0, retain: false },
    { kind: 'message', topic: 'dw/00/dut-1/c', payload: Uint8Array.of(2), qos: 1, retain: false },
    { kind: 'closed' },
  ]);
  await stand.close();
});
