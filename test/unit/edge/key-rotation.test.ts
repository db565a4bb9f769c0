/** Keys of a meter are changed by command: whatever is cut off where, the meter is read on with the key that it has. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Disk } from '../../../src/base/env.ts';
import { sessionError } from '../../../src/dlms/index.ts';
import { Commands } from '../../../src/edge/commands/commands.ts';
import { ImageFetcher } from '../../../src/edge/images/image-fetcher.ts';
import { ImageStore } from '../../../src/edge/images/image-store.ts';
import { readMeterKeys } from '../../../src/edge/meter-keys.ts';
import type { Meter } from '../../../src/edge/ports.ts';
import { MeterCounters } from '../../../src/edge/reader/counters.ts';
import { KeyRing } from '../../../src/edge/reader/key-ring.ts';
import { DlmsLineReader } from '../../../src/edge/reader/line-reader.ts';
import { DEAF, LinkSessions } from '../../../src/edge/reader/sessions.ts';
import { Scheduler } from '../../../src/edge/scheduler/scheduler.ts';
import type { LineLink } from '../../../src/link/link.ts';
import { MemoryLines } from '../../../src/link/memory.ts';
import { linkOf } from '../../../src/link/registry.ts';
import type { CommandReport, KeyName } from '../../../src/model/command.ts';
import type { CommandId, EdgeId, MeterId } from '../../../src/model/ids.ts';
import type { Profile } from '../../../src/profile/schema/profile.ts';
import { makeFleet, SIM_PASSWORD, serveLine } from '../../../src/sim/fleet.ts';
import { commandSigningOctets, encodeCommand } from '../../../src/wire/codec.ts';
import { DirectStage, profileOf } from './bus.ts';
import { FakeJournal } from './fake-journal.ts';
import { FakeHealth, TEST_CRYPTO, testWorld } from './world.ts';

const KEY = TEST_CRYPTO.signingKeyFrom(new Uint8Array(32).fill(1));
const IDIS = profileOf('generic/idis');
const PROFILE: Profile = {
  ...IDIS,
  clients: IDIS.clients.map((client) => (client.address === 1 ? { ...client, security: 'hls-gmac' } : client)),
};
const READING = PROFILE.clients.find(({ address }) => address === 1) ?? assert.fail();
const KEYS_FILE = 'keys/m0001';
const KEY_TRANSFER = 2;
/** The steps after which the power may go. */
const CUTS = [
  'nothing is written',
  'the key is written',
  'it was handed over',
  'it is proven',
  'the proof is written',
] as const;
type Cut = (typeof CUTS)[number];

const commandId = (number: number) => `00000000-0000-4000-8000-00000000000${number}` as CommandId;
const never = new Promise<never>(() => undefined);

/** A meter with keys, and a concentrator that may die and be started again. */
async function site(options: { masterKey?: boolean } = {}) {
  const world = testWorld();
  const { env } = world.program('edge');
  const lines = new MemoryLines({ timers: env.timers, clock: env.clock, random: env.random });
  const line = lines.create('bus1', { framing: 'hdlc' });
  const fleetOptions = { seed: 'keys', count: 1, profiles: [PROFILE], timeZone: 'Europe/Berlin', days: 0 };
  const [sim] = makeFleet({ ...fleetOptions, households: [], nowMs: () => env.clock.nowMs() }, null);
  assert.ok(sim?.security !== null && sim?.security !== undefined);
  serveLine(line.attach(), [sim], 'hdlc', env, null);
  const { keys } = sim.cardAt('memory:bus1', 'hdlc', 1);
  assert.ok(keys !== undefined);
  const { masterKey, suite: _suite, ...others } = keys;
  const file = { ...others, ...(options.masterKey === false ? {} : { masterKey }) };
  await env.disk.writeFile('m.keys', new TextEncoder().encode(JSON.stringify(file)), 0o600);
  const { setup } = sim.security;
  const meterSide = { transfers: 0, isSilent: false, answer: (result: ReturnType<typeof setup.invoke>) => result };
  const invoke = setup.invoke.bind(setup);
  setup.invoke = (method, parameters) => {
    if (method === KEY_TRANSFER) meterSide.transfers++;
    return meterSide.answer(invoke(method, parameters));
  };
  const meter: Meter = {
    meterId: sim.device.meterId as MeterId,
    line: 'bus1',
    profile: PROFILE,
    timeZone: 'Europe/Berlin',
    logicalDevice: sim.logicalDevice,
    physicalDevice: sim.hdlcAddress,
    password: new TextEncoder().encode(SIM_PASSWORD),
    security: await readMeterKeys('m.keys', env),
  };
  const journal = new FakeJournal();
  const link = linkOf('memory:bus1', { ...env, lines }) as LineLink;

  /** A start of the concentrator, whose power goes at a step; only what it stored outlasts it. */
  async function boot(cut: Cut | null = null) {
    let writes = 0;
    const disk = {
      readFile: (path: string) => env.disk.readFile(path),
      makeFolder: (path: string) => env.disk.makeFolder(path),
      writeFile: async (path: string, octets: Uint8Array, mode?: number) => {
        writes++;
        if ((cut === 'nothing is written' && writes === 1) || (cut === 'it is proven' && writes === 2)) await never;
        await env.disk.writeFile(path, octets, mode);
        if ((cut === 'the key is written' && writes === 1) || (cut === 'the proof is written' && writes === 2))
          await never;
      },
    } as Partial<Disk> as Disk;
    const health = new FakeHealth();
    const counters = new MeterCounters(journal, env.clock);
    const stage = new DirectStage(journal);
    const ring = new KeyRing({ env: { ...env, disk }, folder: 'keys', health, stage });
    const sessions = new LinkSessions(link, env, counters, ring);
    const open = sessions.open.bind(sessions);
    sessions.open = (...args) => {
      if (cut === 'it was handed over' && meterSide.transfers > 0) return never;
      return meterSide.isSilent ? Promise.reject(sessionError('SESSION_TIMEOUT')) : open(...args);
    };
    const nowMs = () => env.clock.nowMs();
    const around = { env, line: 'bus1', stage, journal, health };
    const reader = new DlmsLineReader({
      ...around,
      meters: [meter],
      opener: sessions,
      slots: 1,
      nowMs,
      historyMs: null,
    });
    await reader.start();
    const scheduler = new Scheduler({ env, health, watermark: () => null });
    scheduler.addLine('bus1', reader);
    scheduler.addMeter('bus1', meter.meterId, []);
    const commands = new Commands({
      env,
      journal,
      health,
      edgeId: 'e1',
      publicKey: KEY.publicKey,
      limits: { edgeId: 'e1', disconnectsPerHour: 1 },
      dispatcher: scheduler,
      collectorTime: { nowMs },
      images: new ImageFetcher({ env, store: new ImageStore(env, 'images'), ask: () => false }),
    });
    await commands.start();
    scheduler.start();
    return {
      health,
      /** Gives the order and lets a minute go by; the last report. */
      async rotate(number: number, key: KeyName = 'encryption'): Promise<CommandReport> {
        const octets = encodeCommand({
          id: commandId(number),
          edgeId: 'e1' as EdgeId,
          epoch: journal.epoch,
          meterId: meter.meterId,
          body: { kind: 'key-rotation', key },
          createdAtMs: nowMs(),
          expiresAtMs: nowMs() + 600_000,
          author: 'anna',
        });
        await commands.receive(octets, TEST_CRYPTO.sign(KEY.privateKey, commandSigningOctets(octets)));
        return await this.later();
      },
      async later(): Promise<CommandReport> {
        await world.clock.advance(60_000);
        const records = journal.entries.flatMap((entry) => entry.records);
        const reports = records.flatMap((record) => (record.kind === 'command' ? [record.report] : []));
        return reports.at(-1) ?? assert.fail('nothing was reported');
      },
      /** Signs on as a round of reading does; what the meter was signed on with. */
      async read(): Promise<void> {
        const opening = open(meter, READING, DEAF);
        let settled = false;
        const done = opening.finally(() => {
          settled = true;
        });
        done.catch(() => undefined);
        while (!settled) await world.clock.advance(100);
        const association = await done;
        const released = association.release();
        await world.clock.advance(5_000);
        await released;
      },
      /** What a power cut leaves of it: nothing. */
      die: () => sessions.closeLine(),
    };
  }

  const kept = async () => {
    const octets = await env.disk.readFile(KEYS_FILE);
    return octets === undefined ? null : (JSON.parse(new TextDecoder().decode(octets)) as Record<string, unknown>);
  };
  /** Whether the meter answers to the key file as it is, without what was changed. */
  async function answersToOldKeys(): Promise<boolean> {
    const sessions = new LinkSessions(link, env, new MeterCounters(journal, env.clock));
    let settled = false;
    const done = sessions
      .open(meter, READING, DEAF)
      .then(
        () => true,
        () => false,
      )
      .finally(() => {
        settled = true;
      });
    while (!settled) await world.clock.advance(100);
    sessions.closeLine();
    return await done;
  }
  return { boot, kept, answersToOldKeys, meterSide, env, journal, setup, meter };
}

test('ALA-3 a new key is written down, handed over once, proven by signing on, and only then the old one is forgotten', async () => {
  const { boot, kept, answersToOldKeys, meterSide, env } = await site();
  const edge = await boot();
  const report = await edge.rotate(1);
  assert.deepEqual([report.state, report.code], ['done', ''], report.sentence);
  assert.equal(meterSide.transfers, 1);
  const file = (await kept()) ?? assert.fail();
  assert.equal(file['next'], undefined);
  assert.equal(file['proved'], commandId(1));
  assert.equal(await env.disk.permissions(KEYS_FILE), 0o600);
  await edge.read();
  edge.die();
  const again = await boot();
  await again.read();
  again.die();
  assert.equal(await answersToOldKeys(), false);
  // The key travels to the collector only as the meter's master key seals it: what the folder holds.
  const { encryption } = file['keys'] as { encryption: string };
  assert.match(report.values[0]?.text ?? '', new RegExp(`: ${encryption}$`));
  assert.equal(encryption.length, 48);
});

test('ALA-3 HE-7 the counter of a new key begins at what was reserved for the old one, and no lower', async () => {
  const { boot, journal, setup } = await site();
  const edge = await boot();
  await edge.read();
  const [[, stored] = []] = await journal.keptUnder('counter:');
  const reserved = Number(new TextDecoder().decode(stored));
  assert.ok(reserved > 0);
  assert.equal((await edge.rotate(1)).state, 'done');
  assert.ok(setup.lastCounter(1) >= reserved, `${setup.lastCounter(1)} after ${reserved}`);
  assert.equal((await journal.keptUnder('counter:')).length, 2);
  const before = setup.lastCounter(1);
  edge.die();
  const again = await boot();
  await again.read();
  assert.ok(setup.lastCounter(1) > before);
  again.die();
});

test('ALA-3 the authentication key is changed under the same encryption key, whose counter goes on', async () => {
  const { boot, answersToOldKeys, journal } = await site();
  const edge = await boot();
  assert.equal((await edge.rotate(1, 'authentication')).state, 'done');
  assert.equal((await journal.keptUnder('counter:')).length, 1);
  assert.equal((await edge.rotate(2)).state, 'done');
  await edge.read();
  edge.die();
  assert.equal(await answersToOldKeys(), false);
});

for (const [cut, transfers, ending] of [
  ['nothing is written', 0, 'failed:COMMAND_KEY_KEPT'],
  ['the key is written', 0, 'failed:COMMAND_KEY_KEPT'],
  ['it was handed over', 1, 'done:'],
  ['it is proven', 1, 'done:'],
  ['the proof is written', 1, 'done:'],
] as const)
  test(`ALA-3 the power goes when ${cut}: the meter is read on, nothing is handed over again, and the answer says which key it has`, async () => {
    const { boot, answersToOldKeys, meterSide, kept } = await site();
    const first = await boot(cut);
    assert.equal((await first.rotate(1)).state, 'started');
    first.die();
    const second = await boot();
    const report = await second.later();
    assert.equal(`${report.state}:${report.code}`, ending, report.sentence);
    assert.equal(meterSide.transfers, transfers);
    await second.read();
    assert.equal((await kept())?.['proved'], transfers === 0 ? undefined : commandId(1));
    // The order can be given again, whatever was left.
    assert.equal((await second.rotate(2)).state, 'done');
    await second.read();
    second.die();
    assert.equal(await answersToOldKeys(), false);
  });

test('ALA-3 what counts is the sign-on: a meter that takes a key and says that it does not has it all the same', async () => {
  const { boot, meterSide, kept } = await site();
  const edge = await boot();
  const invoke = meterSide.answer;
  meterSide.answer = (result) => ({ ...result, actionResult: 3 });
  const lied = await edge.rotate(1);
  assert.equal(lied.state, 'done', lied.sentence);
  assert.match(lied.sentence, /found by signing on/);
  meterSide.answer = invoke;
  await edge.read();
  assert.equal((await kept())?.['next'], undefined);
  edge.die();
});

test('ALA-3 a meter that refuses a new key is quoted, read on with its old one, and given the same key next time', async () => {
  const { boot, kept, setup, meterSide } = await site();
  const edge = await boot();
  const { invoke } = setup;
  setup.invoke = () => ({ actionResult: 3, returnParameters: null });
  const refused = await edge.rotate(1);
  assert.deepEqual([refused.state, refused.code], ['refused', 'COMMAND_METER_REFUSED'], refused.sentence);
  const waiting = ((await kept()) ?? assert.fail())['next'] as { isBehind: boolean; wrapped: string };
  assert.equal(waiting.isBehind, true);
  await edge.read();
  const other = await edge.rotate(2, 'authentication');
  assert.equal(`${other.state}:${other.code}`, 'failed:COMMAND_KEY_WAITS');
  setup.invoke = invoke;
  assert.equal((await edge.rotate(3)).state, 'done');
  assert.equal(meterSide.transfers, 1);
  const { keys } = (await kept()) ?? assert.fail();
  assert.deepEqual(keys, { encryption: waiting.wrapped });
  edge.die();
});

test('ALA-3 a meter that falls silent after it was given a key: uncertain, and the next round of reading finds out', async () => {
  const { boot, kept, meterSide, journal } = await site();
  const edge = await boot();
  meterSide.answer = (result) => {
    meterSide.isSilent = true;
    return result;
  };
  const report = await edge.rotate(1);
  assert.equal(`${report.state}:${report.code}`, 'uncertain:COMMAND_KEY_UNPROVEN', report.sentence);
  assert.ok((await kept())?.['next'] !== undefined);
  meterSide.isSilent = false;
  const events = () =>
    journal.entries
      .flatMap(({ records }) => records)
      .flatMap((record) => (record.kind === 'event' ? [record.event.name] : []));
  assert.deepEqual(events(), []);
  await edge.read();
  assert.equal((await kept())?.['proved'], commandId(1));
  await edge.read();
  assert.deepEqual(events(), ['key-proven'], 'told once, though the command has ended');
  edge.die();
});

test('ALA-3 without a master key, or where signing on would prove nothing, nothing is said to the meter', async () => {
  const bare = await site({ masterKey: false });
  const edge = await bare.boot();
  const refused = await edge.rotate(1);
  assert.equal(`${refused.state}:${refused.code}`, 'refused:COMMAND_NO_MASTER_KEY');
  edge.die();
  const plain = await site();
  const security = plain.meter.security ?? assert.fail();
  Object.assign(plain.meter, { security: { ...security, form: 'wrapped-key' } });
  const other = await plain.boot();
  assert.equal((await other.rotate(1)).code, 'COMMAND_KEY_UNPROVABLE');
  assert.equal(bare.meterSide.transfers + plain.meterSide.transfers, 0);
  assert.equal(await bare.kept(), null);
  other.die();
});

test('ALA-3 a damaged file of changed keys, or one for other keys, is told; the key file is tried, the rest goes on', async () => {
  const { boot, env } = await site();
  for (const text of [
    '{',
    '{"version":1,"base":"00","keys":{}}',
    `{"version":1,"keys":{"encryption":"${'0'.repeat(48)}"}}`,
  ]) {
    await env.disk.writeFile(KEYS_FILE, new TextEncoder().encode(text), 0o600);
    const edge = await boot();
    await edge.read();
    assert.match(edge.health.states.get('keys m0001') ?? '', /^failed: The changed keys of keys\/m0001 cannot be used/);
    edge.die();
  }
});

test('ALA-3 a lost keys folder is restored from what the collector was told', async () => {
  const { boot, env } = await site();
  const edge = await boot();
  const report = await edge.rotate(1);
  edge.die();
  await env.disk.remove(KEYS_FILE);
  const lost = await boot();
  await assert.rejects(lost.read());
  lost.die();
  const wrapped = /[0-9a-f]{48}$/.exec(report.values[0]?.text ?? '')?.[0] ?? assert.fail();
  const text = JSON.stringify({ version: 1, keys: { encryption: wrapped } });
  await env.disk.writeFile(KEYS_FILE, new TextEncoder().encode(text), 0o600);
  const restored = await boot();
  await restored.read();
  restored.die();
});

test('ALA-3 the newer key is tried first until the old one is found to work, and neither is forgotten before the proof', async () => {
  const { env, meter, journal } = await site();
  const around = { env, folder: 'keys', health: new FakeHealth(), stage: new DirectStage(journal) };
  const ring = new KeyRing(around);
  const given = meter.security ?? assert.fail();
  const tried = async () => (await ring.tries(meter)).map(({ security }) => security);
  assert.deepEqual(await tried(), [given]);
  await ring.prepare(meter, 'encryption', commandId(1));
  const [newer, older] = await tried();
  assert.equal(older, given);
  assert.ok(newer !== undefined && older !== undefined && newer !== older);
  assert.notDeepEqual(newer.keyPrint, older.keyPrint);
  assert.deepEqual(newer.keyPrints.slice(1), older.keyPrints.slice(1));
  await ring.worked(meter, older);
  assert.deepEqual(await tried(), [older, newer]);
  const restarted = new KeyRing(around);
  assert.deepEqual(
    (await restarted.tries(meter)).map(({ security }) => security.keyPrint),
    [older.keyPrint, newer.keyPrint],
  );
  await ring.worked(meter, newer);
  assert.deepEqual(await tried(), [newer]);
});
