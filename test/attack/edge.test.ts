/** HE-7: attacks on a concentrator: shared keys, orders in clear, replayed and spoofed pushes, counters after a restore. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromHex } from '../../src/base/bytes.ts';
import { parseConfig } from '../../src/base/config.ts';
import { hasCode } from '../../src/base/errors.ts';
import { SeededRandom } from '../../src/base/seeded-random.ts';
import { sealGeneral, sealGeneralCiphering } from '../../src/dlms/security/ciphering.ts';
import { CounterSender } from '../../src/dlms/security/counters.ts';
import { SecretKey } from '../../src/dlms/security/secret-key.ts';
import { decodeApdu, encodeApdu } from '../../src/dlms/xdlms/codec.ts';
import { RELAY_HANDLER } from '../../src/edge/commands/handlers/relay.ts';
import { EDGE_CONFIG } from '../../src/edge/config.ts';
import { readMeterKeys } from '../../src/edge/meter-keys.ts';
import type { MeterAccess, MeterSecurity } from '../../src/edge/ports.ts';
import { PushCipher } from '../../src/edge/reader/push-cipher.ts';
import type { CommandId, MeterId } from '../../src/model/ids.ts';
import { testWorld } from '../unit/edge/world.ts';
import { KEYS } from './served-meter.ts';

const EK = '000102030405060708090a0b0c0d0e0f';
const AK = 'd0d1d2d3d4d5d6d7d8d9dadbdcdddedf';
const TITLE = '4d4d4d0000bc614e';
/** Spoofed pushes of the flood. */
const FLOOD = 100_000;
/** A flood of so many in ten seconds may take half a core. */
const FLOOD_CPU_MAX_S = 5;

async function keysOf(text: string): Promise<MeterSecurity> {
  const { env } = testWorld().program('edge');
  await env.disk.writeFile('p1.keys', new TextEncoder().encode(text), 0o600);
  return readMeterKeys('p1.keys', env);
}

/** A push in clear. */
function plainPush(): Uint8Array {
  return encodeApdu({
    apdu: 'data-notification',
    longInvokeId: 1,
    longInvokeFlags: 0,
    dateTime: new Uint8Array(0),
    taggedDateTime: false,
    body: { type: 'structure', value: [{ type: 'double-long-unsigned', value: 1 }] },
  } as never);
}

/** A push as the meter sends it, under a counter. */
function push(invocationCounter: number, keys = KEYS.keys, title = TITLE): Uint8Array {
  const titleOctets = Uint8Array.from(Buffer.from(title, 'hex'));
  const options = {
    suite: 0,
    authenticated: true,
    encrypted: true,
    title: titleOctets,
    keys,
    keySet: 'unicast',
    invocationCounter,
  } as const;
  return encodeApdu(sealGeneral(plainPush(), options));
}

const PORT = [`encryptionKey: "${EK}"`, `authenticationKey: "${AK}"`, `meterTitle: "${TITLE}"`].join('\n');

test('HE-7 replayed push: the same one, and any with a lower counter, is refused', async () => {
  const cipher = new PushCipher({ meterId: 'm1' as MeterId, security: await keysOf(PORT) });
  assert.equal(cipher.open(decodeApdu(push(10))).verified, true);
  for (const counter of [10, 9, 1, 0])
    assert.throws(
      () => cipher.open(decodeApdu(push(counter))),
      (error) => hasCode(error, 'SECURITY_REPLAY'),
      `counter ${counter}`,
    );
  assert.equal(cipher.open(decodeApdu(push(11))).verified, true, 'the honest next one is taken');
});

test('HE-7 broadcast key misuse: a neighbour who has the broadcast key of the line cannot push as another meter', async () => {
  const broadcast = '0f'.repeat(16);
  const security = await keysOf(`${PORT}\nbroadcastKey: "${broadcast}"`);
  const cipher = new PushCipher({ meterId: 'm1' as MeterId, security });
  const forger = { ...KEYS.keys, broadcast: SecretKey.fromHex(broadcast) };
  const shared = { suite: 0, authenticated: true, encrypted: true, keys: forger, invocationCounter: 1_000 } as const;
  const plain = plainPush();
  const general = sealGeneral(plain, { ...shared, title: fromHex(TITLE), keySet: 'broadcast' });
  const none = new Uint8Array(0);
  const header = {
    transactionId: none,
    originatorSystemTitle: fromHex(TITLE),
    recipientSystemTitle: none,
    dateTime: none,
    otherInformation: none,
  };
  const identified = sealGeneralCiphering(plain, {
    ...shared,
    header,
    key: { kind: 'identified', keySet: 'broadcast' },
  });
  for (const forged of [general, identified])
    assert.throws(
      () => cipher.open(decodeApdu(encodeApdu(forged))),
      (error) => hasCode(error, 'SECURITY_POLICY'),
    );
  assert.equal(cipher.open(decodeApdu(push(11))).verified, true, 'no forgery moved the counter');
});

test(`HE-7 a flood of ${FLOOD} spoofed pushes: none is believed, less than half a core, the honest one after it is`, async (context) => {
  const cipher = new PushCipher({ meterId: 'm1' as MeterId, security: await keysOf(PORT) });
  cipher.open(decodeApdu(push(1)));
  const random = new SeededRandom('flood');
  const wrongKey = { encryption: new SecretKey(random.bytes(16)), authentication: KEYS.keys.authentication };
  const forged = [push(1_000, wrongKey), push(1_001, KEYS.keys, '4d4d4d0000bc614f'), push(1)];
  const spoiled = push(1_002);
  spoiled.set([spoiled.at(-1) === 0 ? 1 : 0], spoiled.length - 1);
  forged.push(spoiled, push(1_003).slice(0, -1));
  let believed = 0;
  const before = process.cpuUsage();
  for (let count = 0; count < FLOOD; count++) {
    const octets = forged[count % forged.length];
    try {
      if (octets !== undefined) cipher.open(decodeApdu(octets));
      believed++;
    } catch (error) {
      assert.ok(error instanceof Error && 'code' in error, String(error));
    }
  }
  const { user, system } = process.cpuUsage(before);
  assert.equal(believed, 0);
  const cpuS = (user + system) / 1e6;
  context.diagnostic(`${cpuS.toFixed(2)} s of CPU`);
  assert.ok(cpuS < FLOOD_CPU_MAX_S, `${cpuS} s of CPU`);
  assert.equal(cipher.open(decodeApdu(push(2))).verified, true, 'no forgery moved the counter');
});

test('HE-7 one key in two meters is refused when the settings are read', async () => {
  const { resolveSettings } = await import('../../src/edge/settings.ts');
  const { settingsWorld } = await import('./settings-world.ts');
  const world = await settingsWorld({ m1: PORT, m2: `${PORT}\nprotect: both` });
  const parsed = parseConfig(EDGE_CONFIG, world.config);
  assert.ok(parsed.ok, JSON.stringify(parsed));
  await assert.rejects(resolveSettings(parsed.config, world.around), (error: Error) => {
    assert.ok(hasCode(error, 'EDGE_SETTINGS'));
    assert.match(error.message, /meter m2: it has a key of meter m1/);
    return !error.message.includes(EK);
  });
  const apart = await settingsWorld({ m1: PORT, m2: PORT.replace(EK, 'f'.repeat(32)).replace(AK, 'e'.repeat(32)) });
  const good = parseConfig(EDGE_CONFIG, apart.config);
  assert.ok(good.ok);
  assert.equal((await resolveSettings(good.config, apart.around)).lines.length, 2);
});

test('HE-7 meters that push to one place need titles of their own', async () => {
  const { resolveSettings } = await import('../../src/edge/settings.ts');
  const { settingsWorld } = await import('./settings-world.ts');
  const keysOf = (digit: string, title: string) =>
    `encryptionKey: "${digit.repeat(32)}"\nauthenticationKey: "0${digit.repeat(31)}"\n${title}`;
  const linesOf = async (second: string) => {
    const keys = { m1: keysOf('a', 'meterTitle: "4b464d0000000001"'), m2: keysOf('b', second) };
    const { config, around } = await settingsWorld(keys, 'push+tcp://127.0.0.1:4059');
    const parsed = parseConfig(EDGE_CONFIG, config);
    assert.ok(parsed.ok, JSON.stringify(parsed));
    return (await resolveSettings(parsed.config, around)).lines;
  };
  await assert.rejects(linesOf(''), /line calls: several meters push here, .* names its meterTitle; m2 has none/);
  await assert.rejects(linesOf('meterTitle: "4b464d0000000001"'), /line calls: two meters have the same meterTitle/);
  assert.equal((await linesOf('meterTitle: "4b464d0000000002"'))[0]?.meters.length, 2);
});

test('HE-7 a port of telegrams has one meter, and its sub-meters are told apart', async () => {
  const { resolveSettings } = await import('../../src/edge/settings.ts');
  const { settingsWorld } = await import('./settings-world.ts');
  const linesOf = async (ids: readonly string[], place = 'push+tcp://127.0.0.1:4060?framing=p1') => {
    const { config, around } = await settingsWorld({ m1: '', m2: '', m3: '' }, place);
    let at = 0;
    const text = config.replaceAll(/, keysFile: m\d\.keys/g, () => ids[at++] ?? '');
    const parsed = parseConfig(EDGE_CONFIG, text);
    assert.ok(parsed.ok, JSON.stringify(parsed));
    return (await resolveSettings(parsed.config, around)).lines;
  };
  const [gas, water] = [', equipmentId: G1', ', equipmentId: W1'];
  const [line] = await linesOf(['', gas, water]);
  assert.deepEqual(
    line?.meters.map(({ equipmentId }) => equipmentId),
    [undefined, 'G1', 'W1'],
  );
  await assert.rejects(linesOf(['', gas, '']), /line calls: a port of telegrams has one meter; .* equipmentId/);
  await assert.rejects(linesOf(['', gas, gas]), /line calls: two meters have the same equipmentId/);
  await assert.rejects(
    linesOf([gas, '', ''], 'push+tcp://127.0.0.1:4060'),
    /meter m1: equipmentId is for sub-meters in telegrams, line calls has none/,
  );
});

/** A meter whose relay may be ordered only where it is protected. */
class Relay implements MeterAccess {
  readonly timeZone = 'Europe/Berlin';
  readonly relayObis = '0-0:96.3.10*255';
  readonly relaySettleMs = 0;
  readonly loadVoltage = null;
  readonly keyChange = null;
  readonly snapshot = [];
  orders = 0;
  looks = 0;
  constructor(readonly ordersAreProtected: boolean) {}
  readObjects() {
    return Promise.resolve([]);
  }
  invoke() {
    this.orders++;
    return Promise.resolve({ result: 0 });
  }
  readRelay() {
    this.looks++;
    const off = this.orders > 0;
    return Promise.resolve({ outputOn: !off, controlState: off ? 0 : 1, controlMode: 4 });
  }
  imageSession(): Promise<never> {
    return Promise.reject(new Error('no image is sent here'));
  }
  drop() {
    return Promise.resolve();
  }
  isWanted() {
    return false;
  }
}

test('HE-7 an order to a relay in clear, under a password, is refused by the settings before the meter hears of it', async () => {
  const tools = {
    meterId: 'm1' as MeterId,
    commandId: 'c1' as CommandId,
    sleep: () => Promise.resolve(),
    nowMs: () => 0,
    relaySettleMs: 3_000,
  };
  const order = { kind: 'relay', action: 'disconnect' } as const;
  const plain = new Relay(false);
  const refused = await RELAY_HANDLER.run(order, plain, { ...tools, plainRelay: 'refuse' });
  assert.deepEqual([refused.state, refused.code], ['refused', 'COMMAND_PLAIN_RELAY']);
  assert.deepEqual([plain.orders, plain.looks], [0, 0]);
  const ciphered = new Relay(true);
  assert.equal((await RELAY_HANDLER.run(order, ciphered, { ...tools, plainRelay: 'refuse' })).state, 'done');
  const allowed = new Relay(false);
  assert.equal((await RELAY_HANDLER.run(order, allowed, { ...tools, plainRelay: 'allow' })).state, 'done');
});

test('HE-7 counters after a crash, and after a restore of an old store: none is used twice', () => {
  const stored = { below: 0 };
  const open = () => new CounterSender(stored.below);
  const used = new Set<number>();
  let sender = open();
  const random = new SeededRandom('counters');
  for (let step = 0; step < 5_000; step++) {
    if (sender.left === 0) {
      stored.below = sender.reservation();
      sender.extend(stored.below);
    }
    const number = sender.take();
    assert.ok(!used.has(number), `${number} twice`);
    used.add(number);
    if (random.chance(0.02)) sender = open();
  }
  // A backup brought back: the store says less than was used. The meter names what it expects, and ours only rises.
  const restored = new CounterSender(100);
  const last = Math.max(...used);
  restored.raise(last + 1);
  restored.extend(restored.reservation());
  assert.ok(restored.take() > last);
  restored.raise(5);
  restored.extend(restored.reservation());
  assert.ok(restored.take() > last + 1, 'a lower word of the meter changes nothing');
});
