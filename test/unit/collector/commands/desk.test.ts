import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { concat } from '../../../../src/base/bytes.ts';
import { loadKeys } from '../../../../src/collector/commands/keys.ts';
import { HOST_CRYPTO } from '../../../../src/host/crypto.ts';
import type { CommandId } from '../../../../src/model/ids.ts';
import { decodeCommand } from '../../../../src/wire/codec.ts';
import { rig } from '../api/rig.ts';
import { fakeEnv, settled } from '../fake-env.ts';

const READ = { kind: 'read', objects: [{ classId: 3, obis: '1-0:1.8.0*255', attribute: 2 }] };
const CUT = { kind: 'relay', action: 'disconnect' };

async function ready() {
  const desk = await rig();
  after(() => desk.end());
  const post = (body: object, headers: Record<string, string> = {}) =>
    desk.send('POST', '/api/v1/commands', { meterId: 'm1', body }, headers);
  const one = async (id: string) => (await desk.get(`/api/v1/commands/${id}`)).json();
  return { ...desk, post, one };
}

test('a command is stored and audited, signed, sent, and answered with 202 and its place', async () => {
  const { post, sent, store, key } = await ready();
  const answer = await post(CUT);
  assert.equal(answer.statusCode, 202, answer.body);
  const record = answer.json();
  assert.equal(answer.headers['location'], `/api/v1/commands/${record.id}`);
  assert.deepEqual(
    [record.state, record.what, record.edgeId, record.epoch, record.ended],
    ['sent', 'Disconnect the supply', 'e1', '00112233445566ff', false],
  );
  assert.match(record.sentence, /Handed over for concentrator e1; waiting/);
  assert.deepEqual(
    store.audits.filter((line) => line.subject === record.id).map((line) => line.action),
    ['command.create', 'command.sent'],
  );
  const [message] = sent;
  assert.ok(message);
  const { expiresAtMs, createdAtMs, ...told } = decodeCommand(message.command);
  assert.deepEqual(told, {
    id: record.id,
    edgeId: 'e1',
    epoch: '00112233445566ff',
    meterId: 'm1',
    author: 'admin',
    body: CUT,
  });
  assert.equal(expiresAtMs - createdAtMs, 5 * 60_000);
  const signed = concat([new TextEncoder().encode('deltawatt command v1\0'), message.command]);
  assert.ok(
    HOST_CRYPTO.verify(key.publicKey, signed, message.signature),
    'the signature covers the prefix and the octets',
  );
  assert.ok(!HOST_CRYPTO.verify(key.publicKey, message.command, message.signature), 'and is none without the prefix');
});

test('the same idempotency key gives the same command; with another body it is refused', async () => {
  const { post, sent } = await ready();
  const first = await post(READ, { 'idempotency-key': 'abc' });
  const again = await post(READ, { 'idempotency-key': 'abc' });
  assert.equal(again.json().id, first.json().id);
  assert.equal(again.headers['idempotency-replayed'], 'true');
  assert.equal(sent.length, 1);
  const other = await post(CUT, { 'idempotency-key': 'abc' });
  assert.deepEqual([other.statusCode, other.json().pointer], [422, '#/headers/idempotency-key']);
  assert.equal((await post(READ, { 'idempotency-key': 'two words' })).json().pointer, '#/headers/idempotency-key');
});

test('ALA-3 a new key is ordered without a key, audited with its author, and only for keys that can be changed', async () => {
  const { post, sent, store } = await ready();
  const body = { kind: 'key-rotation', key: 'encryption' };
  const answer = await post(body, { 'idempotency-key': 'k1' });
  assert.equal(answer.statusCode, 202, answer.body);
  assert.equal(answer.json().what, 'New encryption key');
  assert.deepEqual(decodeCommand(sent[0]?.command ?? new Uint8Array(0)).body, body);
  const [line] = store.audits.filter(({ subject }) => subject === answer.json().id);
  assert.deepEqual([line?.actor, line?.action], ['admin', 'command.create']);
  assert.equal((await post(body, { 'idempotency-key': 'k1' })).json().id, answer.json().id);
  const other = await post({ ...body, key: 'authentication' }, { 'idempotency-key': 'k1' });
  assert.equal(other.statusCode, 422);
  assert.equal((await post({ ...body, key: 'dedicated' })).statusCode, 400);
  const agreed = { ...body, key: 'master', by: 'agreement' };
  assert.equal((await post(agreed, { 'idempotency-key': 'k2' })).json().what, 'New master key by agreement');
  assert.deepEqual(decodeCommand(sent.at(-1)?.command ?? new Uint8Array(0)).body, agreed);
  assert.equal((await post({ ...body, key: 'master' }, { 'idempotency-key': 'k2' })).statusCode, 422);
  assert.equal((await post({ ...agreed, by: 'mail' })).statusCode, 400);
});

test('SG-MR-8 a concentrator that does not answer within 15 s is said so in words, on the stream and in the audit', async () => {
  const { post, one, line, time, store, commands } = await ready();
  const told: string[] = [];
  commands.onWords((record) => told.push(record.sentence));
  line.isUp = false;
  const { id, state, sentence } = (await post(CUT)).json();
  assert.equal(state, 'stored');
  assert.match(sentence, /not connected\. It is sent as soon as it calls/);
  await time.advance(15_000);
  assert.match(
    (await one(id)).sentence,
    /^Not reached within 15 s: concentrator e1 is not connected\. .* until 2026-03-01T12:05:00\.000Z\.$/,
  );
  assert.deepEqual(told, [(await one(id)).sentence]);
  assert.ok(store.audits.some((audit) => audit.action === 'command.not-reached' && audit.detail === told[0]));
});

test('an answer within 15 s stops the words', async () => {
  const { post, time, store, commands, one } = await ready();
  const told: string[] = [];
  commands.onWords((record) => told.push(record.sentence));
  const { id } = (await post(READ)).json();
  const value = {
    classId: 3,
    obis: '1-0:1.8.0*255',
    attribute: 2,
    result: 0,
    value: 2n ** 60n,
    exponent: 0,
    unit: 'Wh',
    raw: new Uint8Array([0x15, 1]),
  };
  await store.report({
    id,
    meterId: 'm1' as never,
    state: 'done',
    code: '',
    sentence: 'Read.',
    atMs: 1,
    values: [value],
  });
  await time.advance(20_000);
  assert.deepEqual(told, []);
  const record = await one(id);
  assert.deepEqual([record.state, record.ended, record.sentence], ['done', true, 'Read.']);
  assert.deepEqual(record.values[0], { ...value, value: '1152921504606846976', raw: '1501' });
});

test('a concentrator with a new store does not get commands of the old one', async () => {
  const { post, sent, line, commands, one, store } = await ready();
  line.isUp = false;
  const { id } = (await post(CUT)).json();
  const edge = store.edgeMap.get('e1');
  assert.ok(edge);
  store.edgeMap.set('e1', { ...edge, epoch: 'ffffffffffffffff' });
  assert.equal(await commands.sweep(), 1);
  assert.equal(await commands.sweep(), 0);
  assert.equal(sent.length, 0);
  assert.deepEqual([(await one(id)).state, (await one(id)).reports.at(-1).code], ['refused', 'COMMAND_OTHER_EPOCH']);
});

test('a command that never left expires; one that left stays open, in words', async () => {
  const { post, line, time, one } = await ready();
  const sentOne = (await post(CUT)).json().id;
  line.isUp = false;
  const unsent = (await post(CUT)).json().id;
  await time.advance(5 * 60_000 + 5_000);
  assert.deepEqual([(await one(unsent)).state, (await one(sentOne)).state], ['expired', 'sent']);
  assert.match((await one(unsent)).sentence, /never sent and the meter was not touched/);
  assert.match((await one(sentOne)).sentence, /If it got the command in time, its report follows/);
  await time.advance(60_000);
  const late = await one(sentOne);
  assert.equal(late.ended, false);
});

test('waiting commands are looked for once a minute while there are none, every 5 s while there are', async () => {
  const { post, line, time, store, one } = await ready();
  let asked = 0;
  const commands = store.commands.bind(store);
  store.commands = (query) => {
    if (query.state === 'stored') asked++;
    return commands(query);
  };
  await time.advance(5_000);
  asked = 0;
  await time.advance(600_000);
  assert.equal(asked, 10);
  line.isUp = false;
  const { id } = (await post(CUT)).json();
  asked = 0;
  await time.advance(60_000);
  assert.equal(asked, 12);
  await time.advance(4 * 60_000 + 5_000);
  assert.equal((await one(id)).state, 'expired');
  asked = 0;
  await time.advance(600_000);
  assert.ok(asked <= 11, `${asked} looks once it is at its end`);
});

for (const [state, words] of [
  ['sent', /never said what became of it/],
  ['accepted', /took it and never said/],
  ['started', /began it and never said/],
] as const) {
  test(`a command that was ${state} and that nobody can answer any more ends as uncertain`, async () => {
    const { post, one, commands, env, store } = await ready();
    const { id } = (await post(CUT)).json();
    if (state !== 'sent')
      await store.report({ id, meterId: 'm1' as never, state, code: '', sentence: 'So far.', atMs: 1, values: [] });
    const nowMs = env.clock.nowMs();
    env.clock.nowMs = () => nowMs + 29 * 86_400_000;
    assert.equal(await commands.sweep(), 0);
    env.clock.nowMs = () => nowMs + 31 * 86_400_000;
    assert.equal(await commands.sweep(), 1);
    assert.equal((await one(id)).state, 'uncertain');
    assert.match((await one(id)).sentence, words);
  });
}

test('a broker that fails leaves the command stored', async () => {
  const { post, sent, one } = await ready();
  sent.push = () => {
    throw new Error('connection reset');
  };
  const { id } = (await post(READ)).json();
  await settled();
  assert.equal((await one(id)).state, 'stored');
});

test('commands need a placed meter on an active concentrator that has called', async () => {
  const { post, store, send } = await ready();
  const edge = store.edgeMap.get('e1');
  const meter = store.meterMap.get('m1');
  assert.ok(edge && meter);
  const { epoch: _epoch, ...unheard } = edge;
  store.edgeMap.set('e1', unheard);
  assert.deepEqual([(await post(READ)).statusCode, (await post(READ)).json().code], [409, 'EDGE_NEVER_HEARD']);
  store.edgeMap.set('e1', { ...edge, state: 'deactivated' });
  assert.equal((await post(READ)).json().code, 'EDGE_NOT_ACTIVE');
  const { edgeId: _edge, ...unplaced } = meter;
  store.meterMap.set('m1', unplaced);
  assert.equal((await post(READ)).json().code, 'METER_NOT_PLACED');
  const unknown = await send('POST', '/api/v1/commands', { meterId: 'ghost', body: READ });
  assert.deepEqual([unknown.statusCode, unknown.json().pointer], [404, '#/body/meterId']);
  const wrong = await send('POST', '/api/v1/commands', { meterId: 'm1', body: { kind: 'relay', action: 'explode' } });
  assert.deepEqual([wrong.statusCode, wrong.json().code], [400, 'BODY_INVALID']);
  assert.match(wrong.json().pointer, /^#\/body\/body/);
});

test('ids are UUIDs of version 4', async () => {
  const { post } = await ready();
  assert.match(
    (await post(READ)).json().id as CommandId,
    /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
  );
});

test('keys are made once, with mode 0600, and a broken file is named', async () => {
  const { env, disk } = fakeEnv();
  const made = await loadKeys(env, '/state');
  const again = await loadKeys(env, '/state');
  assert.deepEqual(again, made);
  assert.notDeepEqual(made.command.publicKey, made.limits.publicKey);
  assert.deepEqual(
    [...disk.files].map(([path, file]) => [path, file.mode]),
    [
      ['/state/command.key', 0o600],
      ['/state/limits.key', 0o600],
    ],
  );
  for (const text of [
    '',
    '{"publicKey":"00","privateKey":"00"}',
    JSON.stringify({ publicKey: '00'.repeat(32), privateKey: '11'.repeat(32) }),
  ]) {
    await disk.writeFile('/state/limits.key', new TextEncoder().encode(text));
    await assert.rejects(loadKeys(env, '/state'), /COMMAND_KEY_BROKEN.*\/state\/limits\.key/);
  }
});
