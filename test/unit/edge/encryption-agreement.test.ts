/** Both sides agree on the encryption key: an answer that is lost locks nobody out, whatever is cut off where. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromHex, toHex } from '../../../src/base/bytes.ts';
import { unwrapKey } from '../../../src/dlms/index.ts';
import { parseMeterKeys } from '../../../src/dlms/security/key-file.ts';
import { octetsOfKey } from '../../../src/dlms/security/secret-key.ts';
import { site, type WayBack } from './key-site.ts';

const KEY_AGREEMENT = 3;
const WRAPPED: WayBack = { recovery: 'wrapped-key', meterHasPair: false };
const codeOf = ({ state, code }: { state: string; code: string }) => `${state}:${code}`;

type Site = Awaited<ReturnType<typeof site>>;

/** Both sides have the same encryption key, it is another one than at the beginning, and nothing waits. */
async function assertChanged({ setup, kept, meter }: Site): Promise<void> {
  const { keys, next } = (await kept()) ?? assert.fail();
  assert.equal(next, undefined);
  const master = meter.security?.keys.master ?? assert.fail();
  const held = toHex(octetsOfKey(unwrapKey(fromHex((keys as { encryption: string }).encryption), master, 1)));
  assert.equal(toHex(octetsOfKey(setup.securityOf(1).keys.encryption)), held);
  assert.notEqual(held, '11'.repeat(16));
}

for (const recovery of ['wrapped-key', 'one-pass-key', 'static-key'] as const)
  test(`ALA-3 the encryption key is agreed on where the meter has a way back by ${recovery}, which is gone once before`, async () => {
    const place = await site({ suite: 1, wayBack: { recovery, meterHasPair: true } });
    const { boot, meterSide } = place;
    const edge = await boot();
    const report = await edge.rotate(1, 'encryption', 'agreement');
    assert.equal(codeOf(report), 'done:', report.sentence);
    assert.deepEqual([meterSide.transfers, meterSide.agreements], [1, 1], 'the way back, and the agreement');
    await assertChanged(place);
    const { keys } = (await place.kept()) ?? assert.fail();
    assert.match(report.values[0]?.text ?? '', new RegExp(`: ${(keys as { encryption: string }).encryption}$`));
    await edge.read();
    edge.die();
    const again = await boot();
    await again.read();
    again.die();
    assert.equal(await place.answersToOldKeys(), false);
  });

for (const recovery of ['wrapped-key', 'one-pass-key'] as const)
  test(`ALA-3 the answer to an agreement on the encryption key is lost: the meter is given another key by ${recovery}, at once`, async () => {
    const place = await site({ suite: 1, wayBack: { recovery, meterHasPair: true } });
    const { boot, meterSide } = place;
    const edge = await boot();
    meterSide.answer = (result, method) => {
      meterSide.isMute ||= method === KEY_AGREEMENT;
      return result;
    };
    const report = await edge.rotate(1, 'encryption', 'agreement');
    assert.equal(codeOf(report), 'done:', report.sentence);
    assert.match(report.sentence, /The answer to the agreement was lost/);
    assert.deepEqual([meterSide.transfers, meterSide.agreements], [2, 1]);
    await assertChanged(place);
    const { keys } = (await place.kept()) ?? assert.fail();
    assert.match(report.values[0]?.text ?? '', new RegExp(`: ${(keys as { encryption: string }).encryption}$`));
    // The association that was open is given up after a minute.
    await edge.later();
    await edge.read();
    edge.die();
  });

for (const [cut, agreements, transfers, ending, isChanged] of [
  ['nothing is written', 0, 1, 'failed:COMMAND_KEY_KEPT', false],
  ['the key is written', 0, 1, 'failed:COMMAND_KEY_KEPT', false],
  ['it is proven', 1, 2, 'done:', true],
  ['the proof is written', 1, 1, 'done:', true],
  ['the third write is lost', 1, 1, 'done:', true],
  ['the third write is done', 1, 1, 'done:', true],
] as const)
  test(`ALA-3 the power goes in an agreement on the encryption key, when ${cut}: the meter is read on, and nobody agrees again unasked`, async () => {
    const place = await site({ suite: 1, wayBack: WRAPPED });
    const { boot, meterSide, kept, setup } = place;
    const first = await boot(cut);
    assert.equal((await first.rotate(1, 'encryption', 'agreement')).state, 'started');
    first.die();
    const second = await boot();
    const report = await second.later();
    assert.equal(codeOf(report), ending, report.sentence);
    assert.deepEqual([meterSide.agreements, meterSide.transfers], [agreements, transfers]);
    if (isChanged) await assertChanged(place);
    else assert.equal((await kept())?.['next'], undefined);
    assert.equal(report.values.length, isChanged ? 1 : 0);
    const before = setup.lastCounter(1);
    await second.read();
    assert.ok(setup.lastCounter(1) > before);
    assert.equal(codeOf(await second.rotate(2, 'encryption', 'agreement')), 'done:');
    await assertChanged(place);
    assert.equal(codeOf(await second.rotate(3, 'authentication')), 'done:');
    await second.read();
    second.die();
  });

test('ALA-3 a round of reading that finds the meter locked mends it, also when the answer to that is lost, and after a restart', async () => {
  const place = await site({ suite: 1, wayBack: WRAPPED });
  const { boot, meterSide } = place;
  const edge = await boot();
  let calls = 0;
  // The probe is heard; neither the agreement nor the first repair is.
  meterSide.answer = (result) => {
    meterSide.isMute ||= ++calls > 1;
    return result;
  };
  assert.equal(codeOf(await edge.rotate(1, 'encryption', 'agreement')), 'uncertain:COMMAND_KEY_UNPROVEN');
  assert.deepEqual([meterSide.transfers, meterSide.agreements], [2, 1]);
  assert.equal(codeOf(await edge.later()), 'uncertain:COMMAND_KEY_UNPROVEN');
  edge.die();
  meterSide.answer = (result) => result;
  meterSide.isMute = false;
  const again = await boot();
  await again.read();
  await assertChanged(place);
  again.die();
});

test('ALA-3 a meter that refuses to agree, or gives an answer of somebody else, is read on, and nothing waits', async () => {
  const place = await site({ suite: 1, wayBack: WRAPPED });
  const { boot, meterSide, setup, kept } = place;
  const edge = await boot();
  const { invoke } = setup;
  setup.invoke = (method, parameters) =>
    method === KEY_AGREEMENT ? { actionResult: 3, returnParameters: null } : invoke(method, parameters);
  assert.equal(codeOf(await edge.rotate(1, 'encryption', 'agreement')), 'refused:COMMAND_METER_REFUSED');
  assert.equal((await kept())?.['next'], undefined);
  setup.invoke = invoke;
  meterSide.answer = (result, method) =>
    method === KEY_AGREEMENT ? { ...result, returnParameters: { data: { type: 'null-data' } } } : result;
  const report = await edge.rotate(2, 'encryption', 'agreement');
  assert.equal(codeOf(report), 'done:', report.sentence);
  assert.match(report.sentence, /was given this one under its master key/);
  await assertChanged(place);
  edge.die();
});

test('ALA-3 a meter that does not take the form, or no key in it, is not asked to agree', async () => {
  const closed = await site({ suite: 1, wayBack: { recovery: 'one-pass-key', meterHasPair: false } });
  const edge = await closed.boot();
  const report = await edge.rotate(1, 'encryption', 'agreement');
  assert.equal(codeOf(report), 'failed:COMMAND_WAY_BACK_CLOSED', report.sentence);
  assert.equal(await closed.kept(), null);
  await edge.read();
  edge.die();
  const refusing = await site({ suite: 1, wayBack: WRAPPED });
  refusing.setup.invoke = () => ({ actionResult: 3, returnParameters: null });
  const other = await refusing.boot();
  assert.equal(codeOf(await other.rotate(1, 'encryption', 'agreement')), 'failed:COMMAND_WAY_BACK_CLOSED');
  assert.equal(await refusing.kept(), null);
  assert.deepEqual([closed.meterSide.agreements, refusing.meterSide.agreements], [0, 0]);
  other.die();
});

test('ALA-3 without recovery in the key file, or where the sign-on proves the encryption key, nothing is said', async () => {
  for (const changed of [{ recovery: 'none' }, { mechanism: 'hls-gmac' }] as const) {
    const place = await site({ suite: 1, wayBack: { ...WRAPPED, ...changed } });
    const edge = await place.boot();
    const report = await edge.rotate(1, 'encryption', 'agreement');
    assert.equal(codeOf(report), 'refused:COMMAND_KEY_NO_WAY_BACK', report.sentence);
    assert.deepEqual([place.meterSide.transfers, place.meterSide.agreements], [0, 0]);
    edge.die();
  }
});

test('a key file with recovery has what that form takes', () => {
  const keys = { encryptionKey: '11'.repeat(16), suite: 1, masterKey: '33'.repeat(16), meterTitle: '4457450000000002' };
  const problemOf = (given: object) => {
    const read = parseMeterKeys(JSON.stringify(given));
    return read.ok ? null : read.problem;
  };
  assert.equal(problemOf({ ...keys, recovery: 'wrapped-key' }), null);
  const { meterTitle: _, ...titleless } = keys;
  assert.match(problemOf({ ...titleless, recovery: 'wrapped-key' }) ?? '', /needs masterKey and meterTitle/);
  assert.match(problemOf({ ...keys, recovery: 'one-pass-key' }) ?? '', /needs agreementKey/);
});
