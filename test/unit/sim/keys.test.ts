/** Simulated meters with keys: what their cards say opens them, and nothing else does. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { fromHex, toHex } from '../../../src/base/bytes.ts';
import {
  CounterReceiver,
  CounterSender,
  openSession,
  PROTECTED,
  SecretKey,
  SetupCalls,
  WrapperClient,
} from '../../../src/dlms/index.ts';
import { LineDriver } from '../../../src/link/drive.ts';
import type { Profile } from '../../../src/profile/schema/profile.ts';
import { makeFleet, type SimMeter, serveLine } from '../../../src/sim/fleet.ts';
import { World } from '../link/virtual.ts';
import { profileOf, START_MS } from './world.ts';

const base = profileOf('generic/idis');
const PROFILE: Profile = {
  ...base,
  clients: base.clients.map((client) => (client.address === 1 ? { ...client, security: 'hls-gmac' } : client)),
};

function fleet(count: number) {
  const world = new World();
  const options = { seed: 'keys', count, profiles: [PROFILE], timeZone: 'Europe/Berlin', days: 1, households: [] };
  return { world, meters: makeFleet({ ...options, nowMs: () => START_MS + world.timers.nowMs }, null) };
}

function cardOf(at: number) {
  const { meters } = fleet(2);
  const card = meters[at]?.cardAt('tcp://h:1', 'wrapper', 1);
  assert.ok(card?.keys !== undefined);
  return card.keys;
}

/** Signs on to the first meter with the keys of a card; a clock, or why not. */
async function signOn(keys: ReturnType<typeof cardOf>, change = (_meter: SimMeter) => {}): Promise<string> {
  const { world, meters } = fleet(1);
  for (const meter of meters) change(meter);
  const line = world.lines.create('line', {});
  serveLine(line.attach(), meters, 'wrapper', world, null);
  try {
    const session = await world.settle(
      openSession(new LineDriver(line.open(), world), new WrapperClient({ client: 1, server: 1 }), {
        authentication: { mechanism: 'hls-gmac', challenge: new Uint8Array(16).fill(7) },
        security: {
          suite: 0,
          clientTitle: fromHex(keys.clientTitle),
          serverTitle: fromHex(keys.meterTitle),
          keys: {
            encryption: SecretKey.fromHex(keys.encryptionKey),
            authentication: SecretKey.fromHex(keys.authenticationKey),
          },
          counter: CounterSender.unreserved(1),
          serverCounter: new CounterReceiver(),
          policy: { requests: PROTECTED, responses: PROTECTED },
        },
      }),
    );
    const clock = { classId: 8, instanceId: '0-0:1.0.0*255', attributeId: 2, access: null } as never;
    const [result] = await world.settle(session.get([clock]));
    return result !== undefined && 'data' in result ? result.data.type : 'refused';
  } catch (error) {
    return (error as { code: string }).code;
  }
}

test('HE-7 a meter whose profile has hls-gmac is asked with the keys of its card, and with no others', async () => {
  const keys = cardOf(0);
  assert.equal(await signOn(keys), 'octet-string');
  const wrong = await signOn({ ...keys, encryptionKey: cardOf(1).encryptionKey });
  assert.match(wrong, /^(SESSION|SECURITY)_/);
});

test('HE-7 keys and titles: the same for a seed, other ones for each meter, title of maker and serial', () => {
  assert.deepEqual(cardOf(0), cardOf(0));
  assert.notEqual(cardOf(0).encryptionKey, cardOf(1).encryptionKey);
  assert.notEqual(cardOf(0).authenticationKey, cardOf(0).encryptionKey);
  assert.equal(cardOf(0).meterTitle, `445745${toHex(Uint8Array.of(0, 0x00, 0x98, 0x96, 0x81))}`, 'serial 10000001');
  const plain = makeFleet(
    { seed: 'x', count: 1, profiles: [base], timeZone: 'UTC', nowMs: () => START_MS, days: 0, households: [] },
    null,
  );
  assert.equal(plain[0]?.cardAt('tcp://h:1', 'wrapper', 1).keys, undefined);
});

test('ALA-3 a simulated meter takes a new key under the master key of its card, and answers to it alone', async () => {
  const keys = cardOf(0);
  const encryptionKey = 'ab'.repeat(16);
  const transfer = (meter: SimMeter, master: string) => {
    const call = new SetupCalls().transfer(
      { encryption: SecretKey.fromHex(encryptionKey) },
      SecretKey.fromHex(master),
      0,
    );
    return meter.security?.setup.invoke(call.method.methodId, call.parameters).actionResult;
  };
  const taken = (meter: SimMeter) => assert.equal(transfer(meter, keys.masterKey), 0);
  assert.match(await signOn(keys, taken), /^(SESSION|SECURITY)_/);
  assert.equal(await signOn({ ...keys, encryptionKey }, taken), 'octet-string');
  const refused = (meter: SimMeter) => assert.notEqual(transfer(meter, keys.authenticationKey), 0);
  assert.equal(await signOn(keys, refused), 'octet-string');
});
