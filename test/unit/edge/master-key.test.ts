/** The master key of a meter is changed by command, by transfer or by agreement: whatever is cut off where, nothing is lost. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromHex } from '../../../src/base/bytes.ts';
import { SecretKey, unwrapKey } from '../../../src/dlms/index.ts';
import { octetsOfKey } from '../../../src/dlms/security/secret-key.ts';
import { commandId, site } from './key-site.ts';

const KEY_AGREEMENT = 3;
const codeOf = ({ state, code }: { state: string; code: string }) => `${state}:${code}`;

/** Whether the meter takes a key under its master key, as this edge knows it: both are used by the next change. */
async function isInStep(edge: Awaited<ReturnType<Awaited<ReturnType<typeof site>>['boot']>>, number: number) {
  const report = await edge.rotate(number);
  await edge.read();
  return codeOf(report) === 'done:';
}

test('ALA-3 a master key is handed over once, proven by a key that the meter has already, and used for the next', async () => {
  const { boot, meterSide, kept, meter, answersToOldKeys } = await site();
  const edge = await boot();
  const report = await edge.rotate(1, 'master');
  assert.deepEqual([report.state, report.code], ['done', ''], report.sentence);
  assert.match(report.sentence, /takes keys under its new master key/);
  assert.deepEqual([meterSide.masters, meterSide.transfers], [1, 2], 'the order, and the proof');
  const filed = meter.security?.keys.master ?? assert.fail();
  const { keys, proved, next } = (await kept()) ?? assert.fail();
  assert.deepEqual([proved, next], [commandId(1), undefined]);
  // What is kept and reported needs the key file only, also after a second change.
  const { master } = keys as { master: string };
  assert.match(report.values[0]?.text ?? '', new RegExp(`: ${master}$`));
  const first = octetsOfKey(unwrapKey(fromHex(master), filed, 0));
  assert.notDeepEqual(first, octetsOfKey(filed));
  edge.die();
  assert.equal(await answersToOldKeys(), true, 'no key of a sign-on was touched');
  const second = await boot();
  await second.read();
  assert.equal(codeOf(await second.rotate(2, 'master')), 'done:');
  assert.ok(await isInStep(second, 3));
  second.die();
  const again = await boot();
  await again.read();
  assert.ok(await isInStep(again, 4), 'after a restart too');
  const later = ((await kept()) ?? assert.fail())['keys'] as { master: string; encryption: string };
  assert.notDeepEqual(octetsOfKey(unwrapKey(fromHex(later.master), filed, 0)), first);
  unwrapKey(fromHex(later.encryption), filed, 0);
  again.die();
});

for (const [cut, masters, ending] of [
  ['nothing is written', 0, 'failed:COMMAND_KEY_KEPT'],
  ['the key is written', 0, 'failed:COMMAND_KEY_KEPT'],
  ['it was handed over', 1, 'done:'],
  ['it is proven', 1, 'done:'],
  ['the proof is written', 1, 'done:'],
] as const)
  test(`ALA-3 the power goes while a master key is changed, when ${cut}: none is handed over again, the meter is read, the next change works`, async () => {
    const { boot, meterSide, setup } = await site();
    const first = await boot(cut);
    assert.equal((await first.rotate(1, 'master')).state, 'started');
    first.die();
    const before = setup.lastCounter(1);
    const second = await boot();
    const report = await second.later();
    assert.equal(codeOf(report), ending, report.sentence);
    assert.equal(meterSide.masters, masters);
    assert.equal(report.values.length, cut === 'nothing is written' ? 0 : 1, 'a key that is on the disk is reported');
    await second.read();
    assert.ok(setup.lastCounter(1) > before, 'counters only rise');
    // One that is on the disk and not proven goes first.
    const other = cut === 'the key is written' ? 'failed:COMMAND_KEY_WAITS' : 'done:';
    assert.equal(codeOf(await second.rotate(2)), other);
    assert.equal(codeOf(await second.rotate(3, 'master')), 'done:');
    assert.ok(await isInStep(second, 4));
    second.die();
  });

test('ALA-3 a meter that falls silent after it was given a master key: uncertain, read on, and found by the next order', async () => {
  const { boot, meterSide } = await site();
  const edge = await boot();
  meterSide.answer = (result) => {
    meterSide.isSilent = true;
    return result;
  };
  assert.equal(codeOf(await edge.rotate(1, 'master')), 'uncertain:COMMAND_KEY_UNPROVEN');
  meterSide.isSilent = false;
  meterSide.answer = (result) => result;
  await edge.read();
  const next = await edge.rotate(2, 'master');
  assert.equal(codeOf(next), 'done:', next.sentence);
  assert.match(next.sentence, /found by a key that it has already/);
  assert.ok(await isInStep(edge, 3));
  edge.die();
});

test('ALA-3 a meter that refuses a master key keeps its old one, and is given the same key next time', async () => {
  const { boot, setup, kept } = await site();
  const edge = await boot();
  const { invoke } = setup;
  let isFirst = true;
  setup.invoke = (method, parameters) => {
    if (!isFirst) return invoke(method, parameters);
    isFirst = false;
    return { actionResult: 3, returnParameters: null };
  };
  assert.equal(codeOf(await edge.rotate(1, 'master')), 'refused:COMMAND_METER_REFUSED');
  const waiting = ((await kept()) ?? assert.fail())['next'] as { wrapped: string; isBehind: boolean };
  assert.equal(waiting.isBehind, true);
  assert.equal(codeOf(await edge.rotate(2, 'master')), 'done:');
  assert.deepEqual(((await kept()) ?? assert.fail())['keys'], { master: waiting.wrapped });
  edge.die();
});

test('ALA-3 a master key is agreed on (2e, 0s): neither side sends it, and the next key travels under it', async () => {
  const { boot, meterSide, kept, meter } = await site({ suite: 1 });
  const edge = await boot();
  const report = await edge.rotate(1, 'master', 'agreement');
  assert.equal(codeOf(report), 'done:', report.sentence);
  assert.deepEqual([meterSide.agreements, meterSide.masters, meterSide.transfers], [1, 0, 1]);
  const { keys } = (await kept()) ?? assert.fail();
  const filed = meter.security?.keys.master ?? assert.fail();
  const agreed = unwrapKey(fromHex((keys as { master: string }).master), filed, 1);
  assert.ok(agreed instanceof SecretKey);
  assert.match(
    report.values[0]?.text ?? '',
    /new master key, wrapped under the master key of the key file: [0-9a-f]{48}$/,
  );
  assert.ok(await isInStep(edge, 2));
  edge.die();
  const again = await boot();
  await again.read();
  assert.ok(await isInStep(again, 3));
  again.die();
});

for (const [cut, agreements, ending] of [
  ['nothing is written', 1, 'failed:COMMAND_MASTER_UNKNOWN'],
  ['the key is written', 1, 'done:'],
  ['it is proven', 1, 'done:'],
  ['the proof is written', 1, 'done:'],
] as const)
  test(`ALA-3 the power goes in an agreement, when ${cut}: it is read on, nobody agrees again unasked, and the next order mends it`, async () => {
    const { boot, meterSide, setup } = await site({ suite: 1 });
    const first = await boot(cut);
    assert.equal((await first.rotate(1, 'master', 'agreement')).state, 'started');
    first.die();
    const before = setup.lastCounter(1);
    const second = await boot();
    const report = await second.later();
    assert.equal(codeOf(report), ending, report.sentence);
    assert.equal(meterSide.agreements, agreements);
    await second.read();
    assert.ok(setup.lastCounter(1) > before);
    assert.equal(codeOf(await second.rotate(2, 'master', 'agreement')), 'done:');
    assert.ok(await isInStep(second, 3));
    second.die();
  });

test('ALA-3 the answer to an agreement is lost: the meter is read on, and told to be in need of another agreement', async () => {
  const { boot, meterSide } = await site({ suite: 1 });
  const edge = await boot();
  meterSide.answer = (result, method) =>
    method === KEY_AGREEMENT ? { ...result, returnParameters: { data: { type: 'null-data' } } } : result;
  assert.equal(codeOf(await edge.rotate(1, 'master', 'agreement')), 'failed:COMMAND_MASTER_UNKNOWN');
  meterSide.answer = (result) => result;
  await edge.read();
  assert.equal(codeOf(await edge.rotate(2)), 'refused:COMMAND_METER_REFUSED', 'no key goes under the old master key');
  await edge.read();
  assert.equal(codeOf(await edge.rotate(3)), 'refused:COMMAND_METER_REFUSED');
  edge.die();
});

test('ALA-3 an answer to an agreement that somebody else signed is no agreement, and nothing is kept of it', async () => {
  const { boot, meterSide, kept } = await site({ suite: 1 });
  const edge = await boot();
  meterSide.answer = (result, method) => {
    const data =
      result.returnParameters !== null && 'data' in result.returnParameters ? result.returnParameters.data : null;
    if (method !== KEY_AGREEMENT || data?.type !== 'array') return result;
    const [item] = data.value;
    const [id, key] = item?.type === 'structure' ? item.value : [];
    if (id === undefined || key?.type !== 'octet-string') return result;
    const value = Uint8Array.from(key.value);
    value.set([(value.at(-1) ?? 0) ^ 1], value.length - 1);
    const forged = { type: 'array', value: [{ type: 'structure', value: [id, { ...key, value }] }] } as const;
    return { ...result, returnParameters: { data: forged as never } };
  };
  assert.equal(codeOf(await edge.rotate(1, 'master', 'agreement')), 'failed:COMMAND_MASTER_UNKNOWN');
  assert.equal(await kept(), null);
  edge.die();
});

test('ALA-3 what cannot be agreed on is refused before the meter hears of it', async () => {
  const plain = await site();
  const edge = await plain.boot();
  assert.equal(codeOf(await edge.rotate(1, 'master', 'agreement')), 'refused:COMMAND_KEY_UNAGREEABLE');
  edge.die();
  const one = await site({ suite: 1 });
  const other = await one.boot();
  assert.equal(codeOf(await other.rotate(1, 'encryption', 'agreement')), 'refused:COMMAND_KEY_NO_WAY_BACK');
  assert.deepEqual([plain.meterSide.agreements, one.meterSide.agreements, one.meterSide.transfers], [0, 0, 0]);
  other.die();
});
