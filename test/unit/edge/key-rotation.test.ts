/** Keys of a meter are changed by command: whatever is cut off where, the meter is read on with the key that it has. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KeyRing } from '../../../src/edge/reader/key-ring.ts';
import { DirectStage } from './bus.ts';
import { commandId, KEYS_FILE, site } from './key-site.ts';
import { FakeHealth } from './world.ts';

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
    assert.equal(report.values.length, cut === 'nothing is written' ? 0 : 1, 'a key that is on the disk is reported');
    const [told] = report.values;
    assert.ok(
      told === undefined || JSON.stringify(await kept()).includes(/[0-9a-f]{48}$/.exec(told.text ?? '')?.[0] ?? '-'),
    );
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
