/** New keys for meters, ordered over REST, on real TCP; see support/command-rig. */
import assert from 'node:assert/strict';
import { cp, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { fromHex } from '../../src/base/bytes.ts';
import { SecretKey, unwrapKey } from '../../src/dlms/index.ts';
import { octetsOfKey } from '../../src/dlms/security/secret-key.ts';
import { readMeterKeys } from '../../src/edge/meter-keys.ts';
import { MeterCounters } from '../../src/edge/reader/counters.ts';
import { DEAF, LinkSessions } from '../../src/edge/reader/sessions.ts';
import type { LineLink } from '../../src/link/link.ts';
import { linkOf } from '../../src/link/registry.ts';
import type { CommandBody } from '../../src/model/command.ts';
import type { MeterId } from '../../src/model/ids.ts';
import { CommandRig, type ShownCommand } from '../support/command-rig.ts';
import { until } from '../support/until.ts';
import { FakeJournal } from '../unit/edge/fake-journal.ts';

const CONFIG = join(import.meta.dirname, '..', '..', 'config');
const PLAIN_CLIENT = '{ name: reading, address: 1, security: lls, uses: [identify, read, control] }';
const ENERGY = { classId: 3, obis: '1-0:1.8.0*255', attribute: 2 };
const READ: CommandBody = { kind: 'read', objects: [ENERGY] };
const ROTATE: CommandBody = { kind: 'key-rotation', key: 'encryption' };
const READING_CLIENT = 1;
const KEY_TRANSFER = 2;
/** Meters of the site, one a test. */
const [ROTATED, KILLED, MASTERED] = [1, 2, 3] as const;

let rig: CommandRig;
let configFolder: string;

before(async () => {
  configFolder = await mkdtemp(join(tmpdir(), 'dw-keyed-'));
  await cp(CONFIG, configFolder, { recursive: true });
  const file = join(configFolder, 'profiles', 'generic', 'idis.yaml');
  const profile = await readFile(file, 'utf8');
  assert.ok(profile.includes(PLAIN_CLIENT), 'the profile has the client that gets keys');
  await writeFile(file, profile.replace(PLAIN_CLIENT, PLAIN_CLIENT.replace('lls', 'hls-gmac')));
  rig = await CommandRig.start({ meters: 3, configFolder });
});

after(async () => {
  await rig?.stop();
  await rm(configFolder, { recursive: true, force: true });
});

function cardOf(number: number) {
  const meter = rig.meter(number);
  const at = rig.site.simulator.reached.find((each) => each.meter === meter) ?? assert.fail();
  const card = meter.cardAt(at.url, at.framing, at.address);
  return { url: at.url, keys: card.keys ?? assert.fail('the meter has no keys') };
}

/** The meter's side of its keys, with a count of key_transfer. */
function meterSide(number: number) {
  const { setup } = rig.meter(number).security ?? assert.fail();
  const seen = { transfers: 0, onTransfer: () => {} };
  const invoke = setup.invoke.bind(setup);
  setup.invoke = (method, parameters) => {
    const result = invoke(method, parameters);
    if (method === KEY_TRANSFER) {
      seen.transfers++;
      seen.onTransfer();
    }
    return result;
  };
  return { seen, lastCounter: () => setup.lastCounter(READING_CLIENT) };
}

/** What became of signing on with the keys of the card, as they were when the meter was made: `in`, or a code. */
async function signOnWithCard(number: number): Promise<string> {
  const { url, keys } = cardOf(number);
  const { meterId, profile } = rig.meter(number).device;
  const file = join(dirname(dirname(rig.site.ledgerFile)), 'edge', `${meterId}.keys`);
  const security = await readMeterKeys(file, rig.env);
  assert.deepEqual(octetsOfKey(security.keys.encryption), fromHex(keys.encryptionKey));
  const sessions = new LinkSessions(
    linkOf(url, rig.env) as LineLink,
    rig.env,
    new MeterCounters(new FakeJournal(), rig.env.clock),
  );
  const { logicalDevice, hdlcAddress: physicalDevice } = rig.meter(number);
  const place = { meterId: meterId as MeterId, line: 'l', profile, timeZone: 'UTC', logicalDevice, physicalDevice };
  const client = profile.clients.find(({ address }) => address === READING_CLIENT) ?? assert.fail();
  try {
    await (await sessions.open({ ...place, password: null, security }, client, DEAF)).release();
    return 'in';
  } catch (error) {
    return (error as { code: string }).code;
  } finally {
    sessions.closeLine();
  }
}

/** Whether any file under a folder holds these octets, as they are or in hex. */
async function isFoundIn(folder: string, octets: Uint8Array): Promise<boolean> {
  for (const name of await readdir(folder, { recursive: true })) {
    const path = join(folder, name);
    if (!(await stat(path)).isFile()) continue;
    const content = await readFile(path);
    if (content.includes(Buffer.from(octets)) || content.includes(Buffer.from(octets).toString('hex'))) return true;
  }
  return false;
}

const wrappedIn = (shown: ShownCommand): string =>
  /[0-9a-f]{48}$/.exec(shown.values[0]?.text ?? '')?.[0] ?? assert.fail(JSON.stringify(shown.values));

test('ALA-3 a key is rotated over REST and read on with: after a restart too, the old key is refused, counters only rise', async () => {
  const { seen, lastCounter } = meterSide(ROTATED);
  assert.equal((await rig.run(ROTATED, READ)).state, 'done');
  await rig.stopEdge();
  assert.equal(await signOnWithCard(ROTATED), 'in', 'the keys of the card are good before');
  await rig.startEdge();
  const before = lastCounter();
  assert.ok(before > 0);
  const rotated = await rig.run(ROTATED, ROTATE);
  assert.equal(rotated.state, 'done', rotated.sentence);
  assert.equal(seen.transfers, 1);
  const between = lastCounter();
  assert.ok(between > before, `${between} under the new key after ${before} under the old one`);
  const read = await rig.run(ROTATED, READ);
  assert.equal(read.state, 'done', read.sentence);
  const twice = await rig.run(ROTATED, { kind: 'key-rotation', key: 'authentication' });
  assert.equal(twice.state, 'done', twice.sentence);
  const beforeRestart = lastCounter();
  await rig.stopEdge();
  assert.match(await signOnWithCard(ROTATED), /^(SESSION|SECURITY)_/);
  await rig.startEdge();
  const again = await rig.run(ROTATED, READ);
  assert.equal(again.state, 'done', again.sentence);
  assert.ok(lastCounter() > beforeRestart);
  assert.equal(new Map(rig.edge.health.counters()).get('reader_keys_proven') ?? 0, 0, 'a proof is not made twice');

  // The collector holds the key as only the master key opens it, and the edge's folder too.
  const secret = unwrapKey(fromHex(wrappedIn(rotated)), SecretKey.fromHex(cardOf(ROTATED).keys.masterKey), 0);
  const folder = dirname(dirname(rig.site.ledgerFile));
  assert.equal(await isFoundIn(join(folder, 'edge'), octetsOfKey(secret)), false);
  assert.equal(await isFoundIn(join(folder, 'edge', 'state', 'keys'), fromHex(wrappedIn(rotated))), true);
});

test('ALA-3 an edge that is killed while it hands a key over: it hands none over again, finds the new one, and reads on', async () => {
  const { seen, lastCounter } = meterSide(KILLED);
  await rig.stopEdge();
  await rig.startEdgeProcess();
  let killed = Promise.resolve();
  // The answer has not left the meter yet.
  seen.onTransfer = () => {
    killed = rig.killEdge();
  };
  const { id } = await rig.issue(KILLED, ROTATE);
  await until('the meter takes the key', () => seen.transfers === 1);
  await killed;
  assert.equal((await rig.show(id)).ended, false);
  const before = lastCounter();
  await rig.startEdge();
  const shown = await rig.ended(id);
  assert.equal(shown.state, 'done', shown.sentence);
  assert.match(shown.sentence, /restarted meanwhile. The meter answers to its new encryption key/);
  assert.equal(seen.transfers, 1);
  assert.equal((await rig.run(KILLED, READ)).state, 'done');
  assert.ok(lastCounter() > before);
  await rig.stopEdge();
  assert.match(await signOnWithCard(KILLED), /^(SESSION|SECURITY)_/);
  await rig.startEdge();
});

test('ALA-3 a master key is changed over REST: an edge that is killed meanwhile hands none over again, and the next key travels under it', async () => {
  const { seen, lastCounter } = meterSide(MASTERED);
  await rig.stopEdge();
  await rig.startEdgeProcess();
  let killed = Promise.resolve();
  seen.onTransfer = () => {
    if (seen.transfers === 1) killed = rig.killEdge();
  };
  const { id } = await rig.issue(MASTERED, { kind: 'key-rotation', key: 'master' });
  await until('the meter takes the key', () => seen.transfers === 1);
  await killed;
  const before = lastCounter();
  await rig.startEdge();
  const shown = await rig.ended(id);
  assert.equal(shown.state, 'done', shown.sentence);
  assert.match(shown.sentence, /restarted meanwhile. The meter takes keys under its new master key/);
  assert.equal(seen.transfers, 2, 'the order, and the proof by a key that the meter has');
  assert.ok(lastCounter() > before);
  assert.equal((await rig.run(MASTERED, READ)).state, 'done');
  const next = await rig.run(MASTERED, ROTATE);
  assert.equal(next.state, 'done', next.sentence);
  // The key file and the answers are enough to know both.
  const filed = SecretKey.fromHex(cardOf(MASTERED).keys.masterKey);
  for (const answer of [shown, next]) assert.equal(unwrapKey(fromHex(wrappedIn(answer)), filed, 0).lengthBytes, 16);
  assert.equal((await rig.run(MASTERED, READ)).state, 'done');
});
