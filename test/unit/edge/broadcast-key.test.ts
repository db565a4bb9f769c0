/** The broadcast key of a meter is changed by command: the meter's answer proves it, and all meters of a line end with the same. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromHex, toHex } from '../../../src/base/bytes.ts';
import { SecretKey, unwrapKey } from '../../../src/dlms/index.ts';
import { keyPrintOf } from '../../../src/dlms/security/key-file.ts';
import { octetsOfKey } from '../../../src/dlms/security/secret-key.ts';
import type { Meter } from '../../../src/edge/ports.ts';
import { KeyRing } from '../../../src/edge/reader/key-ring.ts';
import type { MeterId } from '../../../src/model/ids.ts';
import { DirectStage } from './bus.ts';
import { commandId, site } from './key-site.ts';
import { FakeHealth } from './world.ts';

const KEY_TRANSFER = 2;
const KEY_AGREEMENT = 3;
const codeOf = ({ state, code }: { state: string; code: string }) => `${state}:${code}`;

type Site = Awaited<ReturnType<typeof site>>;

/** What meter and concentrator hold of the broadcast key. */
async function bothSides({ setup, kept, meter }: Site) {
  const { keys } = ((await kept()) ?? { keys: {} }) as { keys: { broadcast?: string } };
  const { master, broadcast } = meter.security?.keys ?? assert.fail();
  assert.ok(master !== undefined && broadcast !== undefined);
  const held = keys.broadcast === undefined ? broadcast : unwrapKey(fromHex(keys.broadcast), master, 1);
  const inMeter = setup.securityOf(1).keys.broadcast ?? assert.fail();
  return { inMeter: toHex(octetsOfKey(inMeter)), held: toHex(octetsOfKey(held)) };
}

test('ALA-3 a broadcast key is handed over once, proven by the answer, and no sign-on is touched', async () => {
  const place = await site({ suite: 1 });
  const { boot, kept, meterSide, answersToOldKeys } = place;
  const edge = await boot();
  const before = await bothSides(place);
  assert.equal(before.inMeter, before.held);
  const report = await edge.rotate(1, 'broadcast');
  assert.equal(codeOf(report), 'done:', report.sentence);
  assert.match(report.sentence, /says that it has its new broadcast key/);
  assert.equal(meterSide.transfers, 1, 'nothing is sent to prove it');
  const after = await bothSides(place);
  assert.equal(after.inMeter, after.held);
  assert.notEqual(after.held, before.held);
  const { keys, proved, next, broadcast } = (await kept()) ?? assert.fail();
  assert.deepEqual([proved, next], [commandId(1), undefined]);
  assert.equal((broadcast as { round: number }).round, 1);
  assert.match(report.values[0]?.text ?? '', new RegExp(`: ${(keys as { broadcast: string }).broadcast}$`));
  edge.die();
  assert.equal(await answersToOldKeys(), true);
  const again = await boot();
  await again.read();
  assert.equal(codeOf(await again.rotate(2, 'encryption')), 'done:', 'another key may follow');
  again.die();
});

for (const [cut, transfers, ending] of [
  ['nothing is written', 0, 'failed:COMMAND_KEY_KEPT'],
  ['the key is written', 0, 'uncertain:COMMAND_BROADCAST_UNKNOWN'],
  ['it is proven', 1, 'uncertain:COMMAND_BROADCAST_UNKNOWN'],
  ['the proof is written', 1, 'done:'],
] as const)
  test(`ALA-3 the power goes while a broadcast key is changed, when ${cut}: nothing is handed over again unasked, the next order gives the same key`, async () => {
    const place = await site({ suite: 1 });
    const { boot, meterSide, kept } = place;
    const first = await boot(cut);
    assert.equal((await first.rotate(1, 'broadcast')).state, 'started');
    first.die();
    const second = await boot();
    const report = await second.later();
    assert.equal(codeOf(report), ending, report.sentence);
    assert.equal(meterSide.transfers, transfers);
    assert.equal(report.values.length, cut === 'nothing is written' ? 0 : 1, 'a key that is on the disk is reported');
    await second.read();
    const waiting = ((await kept())?.['next'] as { wrapped: string } | undefined)?.wrapped;
    assert.equal(codeOf(await second.rotate(2, 'broadcast')), 'done:');
    const { keys } = (await kept()) ?? assert.fail();
    if (waiting !== undefined) assert.equal((keys as { broadcast: string }).broadcast, waiting);
    const { inMeter, held } = await bothSides(place);
    assert.equal(inMeter, held);
    assert.equal(codeOf(await second.rotate(3)), 'done:');
    second.die();
  });

test('ALA-3 the answer to a broadcast key is lost: the same key is handed over once more, and that is the proof', async () => {
  const place = await site({ suite: 1 });
  const { boot, meterSide } = place;
  const edge = await boot();
  let isFirst = true;
  meterSide.answer = (result, method) => {
    if (method !== KEY_TRANSFER || !isFirst) return result;
    isFirst = false;
    meterSide.isMute = true;
    return result;
  };
  const report = await edge.rotate(1, 'broadcast');
  assert.equal(codeOf(report), 'done:', report.sentence);
  assert.match(report.sentence, /found by handing the same key over once more/);
  assert.equal(meterSide.transfers, 2);
  const { inMeter, held } = await bothSides(place);
  assert.equal(inMeter, held);
  edge.die();
});

test('ALA-3 a meter that refuses the key a second time, or falls silent: uncertain, read on, mended by the next order', async () => {
  for (const how of ['refuses', 'is silent'] as const) {
    const place = await site({ suite: 1 });
    const { boot, meterSide } = place;
    const edge = await boot();
    let count = 0;
    meterSide.answer = (result) => {
      if (count++ > 0) return { ...result, actionResult: 3 };
      meterSide.isSilent = how === 'is silent';
      meterSide.isMute = true;
      return result;
    };
    assert.equal(codeOf(await edge.rotate(1, 'broadcast')), 'uncertain:COMMAND_BROADCAST_UNKNOWN');
    meterSide.answer = (result) => result;
    meterSide.isSilent = false;
    // The association that was open is given up after a minute.
    await edge.later();
    await edge.read();
    assert.equal(codeOf(await edge.rotate(2)), 'failed:COMMAND_KEY_WAITS');
    assert.equal(codeOf(await edge.rotate(3, 'broadcast')), 'done:');
    const { inMeter, held } = await bothSides(place);
    assert.equal(inMeter, held);
    edge.die();
  }
});

test('ALA-3 a meter that refuses a broadcast key keeps its old one, and is given the same key next time', async () => {
  const place = await site({ suite: 1 });
  const { boot, setup, kept } = place;
  const edge = await boot();
  const { invoke } = setup;
  setup.invoke = () => ({ actionResult: 3, returnParameters: null });
  for (const by of [undefined, 'agreement'] as const) {
    const refused = await edge.rotate(by === undefined ? 1 : 2, 'broadcast', by);
    assert.equal(codeOf(refused), 'refused:COMMAND_METER_REFUSED', refused.sentence);
    assert.match(refused.sentence, /has its old one still/);
  }
  const { wrapped } = ((await kept()) ?? assert.fail())['next'] as { wrapped: string };
  setup.invoke = invoke;
  assert.equal(codeOf(await edge.rotate(3, 'broadcast')), 'done:');
  assert.deepEqual(((await kept()) ?? assert.fail())['keys'], { broadcast: wrapped });
  edge.die();
});

test('ALA-3 a broadcast key is agreed on; an answer that is lost locks nobody out, and a transfer mends it', async () => {
  const place = await site({ suite: 1 });
  const { boot, meterSide } = place;
  const edge = await boot();
  const report = await edge.rotate(1, 'broadcast', 'agreement');
  assert.equal(codeOf(report), 'done:', report.sentence);
  assert.deepEqual([meterSide.agreements, meterSide.transfers], [1, 0]);
  const agreed = await bothSides(place);
  assert.equal(agreed.inMeter, agreed.held);
  meterSide.answer = (result, method) =>
    method === KEY_AGREEMENT ? { ...result, returnParameters: { data: { type: 'null-data' } } } : result;
  assert.equal(codeOf(await edge.rotate(2, 'broadcast', 'agreement')), 'uncertain:COMMAND_BROADCAST_UNKNOWN');
  const lost = await bothSides(place);
  assert.notEqual(lost.inMeter, lost.held, 'the meter has a key that nobody here has');
  await edge.read();
  meterSide.answer = (result) => result;
  assert.equal(codeOf(await edge.rotate(3, 'broadcast')), 'done:');
  const { inMeter, held } = await bothSides(place);
  assert.equal(inMeter, held);
  edge.die();
});

for (const [cut, ending] of [
  ['nothing is written', 'uncertain:COMMAND_BROADCAST_UNKNOWN'],
  ['the key is written', 'uncertain:COMMAND_BROADCAST_UNKNOWN'],
  ['it is proven', 'uncertain:COMMAND_BROADCAST_UNKNOWN'],
  ['the proof is written', 'done:'],
] as const)
  test(`ALA-3 the power goes in an agreement on a broadcast key, when ${cut}: read on, and the next order mends it`, async () => {
    const place = await site({ suite: 1 });
    const { boot, meterSide } = place;
    const first = await boot(cut);
    assert.equal((await first.rotate(1, 'broadcast', 'agreement')).state, 'started');
    first.die();
    const second = await boot();
    const report = await second.later();
    assert.equal(codeOf(report), ending, report.sentence);
    assert.equal(meterSide.agreements, 1, 'nobody agrees again unasked');
    await second.read();
    assert.equal(codeOf(await second.rotate(2, 'broadcast', 'agreement')), 'done:');
    const { inMeter, held } = await bothSides(place);
    assert.equal(inMeter, held);
    second.die();
  });

test('ALA-3 without a broadcast key in the key file, and for the authentication key, nothing is said to the meter', async () => {
  const bare = await site();
  const edge = await bare.boot();
  assert.equal(codeOf(await edge.rotate(1, 'broadcast')), 'refused:COMMAND_NO_BROADCAST_KEY');
  edge.die();
  const one = await site({ suite: 1 });
  const other = await one.boot();
  const refused = await other.rotate(1, 'authentication', 'agreement');
  assert.equal(codeOf(refused), 'refused:COMMAND_KEY_NEVER_AGREED');
  assert.match(refused.sentence, /is in every message, in every form/);
  assert.deepEqual([bare.meterSide.transfers, one.meterSide.transfers, one.meterSide.agreements], [0, 0, 0]);
  other.die();
});

/** A ring over meters of two lines that share one broadcast key in their key files, with master keys of their own. */
async function neighbours() {
  const { env, meter, journal } = await site({ suite: 1 });
  const given = meter.security ?? assert.fail();
  const meters = ['a', 'b', 'c', 'far'].map((name, at): Meter => {
    const master = new SecretKey(new Uint8Array(16).fill(0x50 + at));
    const line = name === 'far' ? 'bus2' : 'bus1';
    return { ...meter, meterId: name as MeterId, line, security: { ...given, keys: { ...given.keys, master } } };
  });
  const around = { env, folder: 'group', health: new FakeHealth(), stage: new DirectStage(journal), meters };
  const ringOf = () => new KeyRing(around);
  const give = async (ring: KeyRing, name: string, isTaken = true) => {
    const one = meters.find(({ meterId }) => meterId === name) ?? assert.fail();
    await ring.prepare(one, 'broadcast', `${name}'s order`);
    if (isTaken) await ring.found(one, 'broadcast', true);
    return one;
  };
  /** The key that messages to all go under. */
  const keyOf = async (ring: KeyRing, name: string) => {
    const one = meters.find(({ meterId }) => meterId === name) ?? assert.fail();
    const [known] = await ring.tries(one);
    return toHex(octetsOfKey(known?.security.keys.broadcast ?? assert.fail()));
  };
  return { meters, ringOf, give, keyOf, given, env };
}

test('ALA-3 meters that share a broadcast key share the new one too, round for round, over restarts, each line for itself', async () => {
  const { ringOf, give, keyOf, given } = await neighbours();
  const ring = ringOf();
  const old = toHex(octetsOfKey(given.keys.broadcast ?? assert.fail()));
  await give(ring, 'a');
  const first = await keyOf(ring, 'a');
  assert.notEqual(first, old);
  assert.deepEqual([await keyOf(ring, 'b'), await keyOf(ring, 'c')], [old, old], 'who was not ordered has the old one');
  await give(ring, 'b');
  assert.equal(await keyOf(ring, 'b'), first);
  await give(ring, 'a');
  const second = await keyOf(ring, 'a');
  assert.notEqual(second, first, 'who is not behind begins a new round');
  const restarted = ringOf();
  await give(restarted, 'c');
  await give(restarted, 'b');
  assert.deepEqual([await keyOf(restarted, 'b'), await keyOf(restarted, 'c')], [second, second]);
  await give(restarted, 'far');
  assert.ok(![old, first, second].includes(await keyOf(restarted, 'far')));
});

test('ALA-3 a broadcast key that waits for its answer is the one that the neighbours get, also when two are given at once', async () => {
  const { ringOf, give, keyOf, meters } = await neighbours();
  const ring = ringOf();
  await Promise.all([give(ring, 'a', false), give(ring, 'b'), give(ring, 'c')]);
  const key = await keyOf(ring, 'b');
  assert.equal(await keyOf(ring, 'c'), key);
  const [a] = meters;
  await ring.found(a ?? assert.fail(), 'broadcast', true);
  assert.equal(await keyOf(ring, 'a'), key);
});

test('ALA-3 a key file with another broadcast key, or a damaged round, begins anew', async () => {
  const { meters, ringOf, give, keyOf, env } = await neighbours();
  const ring = ringOf();
  await give(ring, 'a');
  const [a] = meters;
  const security = a?.security ?? assert.fail();
  const broadcast = new SecretKey(new Uint8Array(16).fill(9));
  Object.assign(a ?? {}, { security: { ...security, keys: { ...security.keys, broadcast } } });
  assert.equal(await keyOf(ringOf(), 'a'), '09'.repeat(16));
  Object.assign(a ?? {}, { security });
  const group = toHex(keyPrintOf(security.keys.broadcast ?? assert.fail()));
  for (const damage of [{}, { group }, { group, round: 0 }, { group, round: 1.5 }]) {
    const text = JSON.stringify({ version: 1, keys: {}, broadcast: damage });
    await env.disk.writeFile('group/a', new TextEncoder().encode(text), 0o600);
    assert.equal(await keyOf(ringOf(), 'a'), '44'.repeat(16));
  }
});
