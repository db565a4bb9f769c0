/** A meter with keys and a concentrator that may die at any step of a change, in virtual time. */
import assert from 'node:assert/strict';
import { toHex } from '../../../src/base/bytes.ts';
import type { Disk } from '../../../src/base/env.ts';
import { GLOBAL_KEY_IDS, keyItems, sessionError } from '../../../src/dlms/index.ts';
import type { KeyPair } from '../../../src/dlms/security/elliptic.ts';
import { parseMeterKeys } from '../../../src/dlms/security/key-file.ts';
import { octetsOfKey } from '../../../src/dlms/security/secret-key.ts';
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
import { freshPair } from '../../support/fresh-pair.ts';
import { DirectStage, profileOf } from './bus.ts';
import { FakeJournal } from './fake-journal.ts';
import { FakeHealth, TEST_CRYPTO, testWorld } from './world.ts';

const KEY = TEST_CRYPTO.signingKeyFrom(new Uint8Array(32).fill(1));
const IDIS = profileOf('generic/idis');
const PROFILE: Profile = {
  ...IDIS,
  clients: IDIS.clients.map((client) => (client.address === 1 ? { ...client, security: 'hls-gmac' } : client)),
};
export const READING = PROFILE.clients.find(({ address }) => address === 1) ?? assert.fail();
export const KEYS_FILE = 'keys/m0001';
const KEY_TRANSFER = 2;
const KEY_AGREEMENT = 3;
/** The steps after which the power may go. */
export const CUTS = [
  'nothing is written',
  'the key is written',
  'it was handed over',
  'it is proven',
  'the proof is written',
  'the third write is lost',
  'the third write is done',
] as const;
export type Cut = (typeof CUTS)[number];

export const commandId = (number: number) => `00000000-0000-4000-8000-00000000000${number}` as CommandId;
const never = new Promise<never>(() => undefined);

/** The form in which a meter lets us in without its encryption key, and whether it has what that takes. */
export interface WayBack {
  readonly recovery: 'none' | 'wrapped-key' | 'one-pass-key' | 'static-key';
  readonly meterHasPair: boolean;
  /** Absent = one that proves no symmetric key. */
  readonly mechanism?: 'hls-gmac';
}

/** The files of both sides in suite 1, with pairs for signatures. */
function suiteOneFiles(wayBack: WayBack | null) {
  const [ours, theirs, agrees, meterAgrees] = [
    freshPair('P-256'),
    freshPair('P-256'),
    freshPair('P-256'),
    freshPair('P-256'),
  ];
  const shared = {
    suite: 1,
    clientTitle: '4457450000000001',
    meterTitle: '4457450000000002',
    encryptionKey: '11'.repeat(16),
    authenticationKey: '22'.repeat(16),
    masterKey: '33'.repeat(16),
    broadcastKey: '44'.repeat(16),
  };
  const agreement = (own: KeyPair, peer: KeyPair) => ({
    agreementKey: toHex(octetsOfKey(own.privateKey)),
    peerAgreementKey: toHex(peer.publicKey),
  });
  const side = (own: KeyPair, peer: KeyPair) => ({
    ...shared,
    ...(wayBack === null ? {} : { mechanism: wayBack.mechanism ?? 'hls-ecdsa' }),
    signingKey: toHex(octetsOfKey(own.privateKey)),
    peerSigningKey: toHex(peer.publicKey),
  });
  const meterPair = wayBack?.meterHasPair === true ? agreement(meterAgrees, agrees) : {};
  const meter = parseMeterKeys(JSON.stringify({ ...side(theirs, ours), ...meterPair }));
  assert.ok(meter.ok);
  const edgePair = wayBack === null ? {} : { ...agreement(agrees, meterAgrees), recovery: wayBack.recovery };
  return { edge: { ...side(ours, theirs), ...edgePair }, meter: meter.security };
}

/** A meter with keys, and a concentrator that may die and be started again. */
export async function site(options: { masterKey?: boolean; suite?: 0 | 1; wayBack?: WayBack } = {}) {
  const world = testWorld();
  const { env } = world.program('edge');
  const lines = new MemoryLines({ timers: env.timers, clock: env.clock, random: env.random });
  const line = lines.create('bus1', { framing: 'hdlc' });
  const fleetOptions = { seed: 'keys', count: 1, profiles: [PROFILE], timeZone: 'Europe/Berlin', days: 0 };
  const files = options.suite === 1 ? suiteOneFiles(options.wayBack ?? null) : null;
  const [sim] = makeFleet(
    {
      ...fleetOptions,
      households: [],
      nowMs: () => env.clock.nowMs(),
      ...(files === null ? {} : { securities: new Map([[0, files.meter]]) }),
    },
    null,
  );
  assert.ok(sim?.security !== null && sim?.security !== undefined);
  const duplex = line.attach();
  const meterEnd: typeof duplex = {
    peer: duplex.peer,
    write: (octets) => (meterSide.isMute ? Promise.resolve() : duplex.write(octets)),
    listen: (listener) => duplex.listen(listener),
    close: () => duplex.close(),
  };
  serveLine(meterEnd, [sim], 'hdlc', env, null);
  const keys = files?.edge ?? sim.cardAt('memory:bus1', 'hdlc', 1).keys;
  assert.ok(keys !== undefined);
  const { masterKey, ...others } = keys;
  const file = { ...others, ...(options.masterKey === false ? {} : { masterKey }) };
  await env.disk.writeFile('m.keys', new TextEncoder().encode(JSON.stringify(file)), 0o600);
  const { setup } = sim.security;
  const meterSide = {
    transfers: 0,
    /** Transfers of and agreements on a master key. */
    masters: 0,
    agreements: 0,
    isSilent: false,
    /** What it says is lost, until somebody signs on anew. */
    isMute: false,
    answer: (result: ReturnType<typeof setup.invoke>, _method: number) => result,
  };
  const invoke = setup.invoke.bind(setup);
  setup.invoke = (method, parameters) => {
    if (method === KEY_TRANSFER) meterSide.transfers++;
    if (method === KEY_TRANSFER && keyItems(parameters)?.[0]?.keyId === GLOBAL_KEY_IDS.master) meterSide.masters++;
    if (method === KEY_AGREEMENT) meterSide.agreements++;
    return meterSide.answer(invoke(method, parameters), method);
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
        if (cut === 'the third write is lost' && writes === 3) await never;
        await env.disk.writeFile(path, octets, mode);
        if ((cut === 'the key is written' && writes === 1) || (cut === 'the proof is written' && writes === 2))
          await never;
        if (cut === 'the third write is done' && writes === 3) await never;
      },
    } as Partial<Disk> as Disk;
    const health = new FakeHealth();
    const counters = new MeterCounters(journal, env.clock);
    const stage = new DirectStage(journal);
    const ring = new KeyRing({ env: { ...env, disk }, folder: 'keys', health, stage });
    const sessions = new LinkSessions(link, env, counters, ring);
    const open = sessions.open.bind(sessions);
    sessions.open = (...args) => {
      meterSide.isMute = false;
      if (cut === 'it was handed over' && meterSide.transfers > 0) return never;
      return meterSide.isSilent ? Promise.reject(sessionError('SESSION_TIMEOUT')) : open(...args);
    };
    const nowMs = () => env.clock.nowMs();
    const around = { env, line: 'bus1', stage, journal, rereads: journal, health };
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
      async rotate(number: number, key: KeyName = 'encryption', by?: 'agreement'): Promise<CommandReport> {
        const octets = encodeCommand({
          id: commandId(number),
          edgeId: 'e1' as EdgeId,
          epoch: journal.epoch,
          meterId: meter.meterId,
          body: { kind: 'key-rotation', key, ...(by === undefined ? {} : { by }) },
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
