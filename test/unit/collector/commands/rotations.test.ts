/** Keys that are changed by schedule: spread over the period, one order a concentrator at a time, each once. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseConfig } from '../../../../src/base/config.ts';
import { groupOf, rotationOf } from '../../../../src/collector/commands/rotation-plan.ts';
import { KeyRotations } from '../../../../src/collector/commands/rotations.ts';
import type { RotationGroup } from '../../../../src/collector/key-schedule.ts';
import type { CommandRecord, MeterRecord } from '../../../../src/collector/ports.ts';
import {
  ROTATION_CONFIG,
  rotationContradictions,
  rotationGroups,
} from '../../../../src/collector/rotation-settings.ts';
import { HOST_CRYPTO } from '../../../../src/host/crypto.ts';
import type { CommandState } from '../../../../src/model/command.ts';
import { DEFAULT_TENANT, type EdgeId, type MeterId } from '../../../../src/model/ids.ts';
import { decodeCommand } from '../../../../src/wire/codec.ts';
import { rig } from '../api/rig.ts';
import { START_MS } from '../fake-env.ts';

const DAY_MS = 86_400_000;
const LOOK_MS = 600_000;
const PERIOD_MS = 30 * DAY_MS;
/** Everything of the first period is due at the start of the tests. */
const GROUP: RotationGroup = {
  name: 'north',
  edges: ['e1'],
  meters: [],
  keys: ['encryption', 'authentication'],
  periodMs: PERIOD_MS,
  fromMs: START_MS - PERIOD_MS,
};
const meterOf = (number: number, edgeId = 'e1'): MeterRecord => ({
  meterId: `k${number}` as MeterId,
  tenantId: DEFAULT_TENANT,
  edgeId: edgeId as EdgeId,
  placedFromMs: 0,
});

/** A collector with meters on two concentrators, and the orders that it gave. */
async function fleet(meters: number, groups: readonly RotationGroup[] = [GROUP]) {
  const r = await rig({ rotationGroups: groups });
  r.store.meterMap.clear();
  const e1 = r.store.edgeMap.get('e1') ?? assert.fail();
  r.store.edgeMap.set('e2', { ...e1, edgeId: 'e2' as EdgeId });
  for (let at = 0; at < meters; at++) r.store.meterMap.set(`k${at}`, meterOf(at));
  r.store.meterMap.set('other', { ...meterOf(99, 'e2'), meterId: 'other' as MeterId });
  const orders = () =>
    r.sent.map(({ command }) => {
      const { meterId, body, author, id } = decodeCommand(command);
      return { id, author, what: `${meterId} ${body.kind === 'key-rotation' ? body.key : body.kind}` };
    });
  const end = async (state: CommandState) => {
    const { id } = orders().at(-1) ?? assert.fail('no order');
    const { record } = r.store.commandMap.get(id) ?? assert.fail();
    const report = {
      id,
      meterId: record.meterId,
      state,
      code: '',
      sentence: '',
      atMs: r.env.clock.nowMs(),
      values: [],
    };
    await r.store.report(report);
  };
  return { ...r, orders, finish: end, stop: r.end };
}

test('ALA-3 every key of a group is changed once in a period, never two at a time on one concentrator, and no other meter', async () => {
  const f = await fleet(3);
  for (let looks = 0; looks < 10; looks++) {
    const before = f.sent.length;
    await f.time.advance(LOOK_MS);
    assert.ok(f.sent.length <= before + 1, 'one at a time');
    await f.time.advance(LOOK_MS);
    assert.ok(f.sent.length <= before + 1, 'nothing while one is under way');
    if (f.sent.length > before) await f.finish('done');
  }
  const wanted = [0, 1, 2].flatMap((at) => [`k${at} authentication`, `k${at} encryption`]);
  assert.deepEqual(
    f
      .orders()
      .map(({ what }) => what)
      .sort(),
    wanted,
  );
  assert.deepEqual(new Set(f.orders().map(({ author }) => author)), new Set(['schedule north']));
  await f.stop();
});

test('ALA-3 an order that failed is given again after a day, one that was refused in the next period only', async () => {
  for (const [state, again] of [
    ['failed', true],
    ['refused', false],
  ] as const) {
    const f = await fleet(1, [{ ...GROUP, keys: ['encryption'] }]);
    await f.time.advance(LOOK_MS);
    assert.equal(f.sent.length, 1);
    await f.finish(state);
    await f.time.advance(DAY_MS - 2 * LOOK_MS);
    assert.equal(f.sent.length, 1, state);
    await f.time.advance(4 * LOOK_MS);
    assert.equal(f.sent.length, again ? 2 : 1, state);
    await f.stop();
  }
});

test('ALA-3 the broadcast key of all meters of a concentrator is due at one moment, other keys each at its own', () => {
  const around = { nowMs: START_MS, crypto: HOST_CRYPTO };
  const moments = (key: 'broadcast' | 'encryption') =>
    new Set(
      ['e1', 'e2'].flatMap((edge) =>
        [0, 1, 2].map((at) => rotationOf(GROUP, meterOf(at, edge), key, [], around).dueAtMs),
      ),
    ).size;
  assert.deepEqual([moments('broadcast'), moments('encryption')], [2, 3]);
});

test('two collectors that look at the same moment give an order once', async () => {
  const f = await fleet(1, [{ ...GROUP, keys: ['encryption'] }]);
  const second = new KeyRotations({ env: f.env, store: f.store, desk: f.commands, groups: f.rotations.groups });
  // Neither sees the order of the other yet.
  f.store.open = () => Promise.resolve([]);
  const none = { items: [] };
  const commands = f.store.commands.bind(f.store);
  f.store.commands = (query) => (query.meterId === undefined ? commands(query) : Promise.resolve(none));
  const given = [await f.rotations.look(), await second.look()];
  assert.deepEqual(given, [1, 0]);
  assert.equal(f.sent.length, 1);
  second.close();
  await f.stop();
});

test('moments of a fleet are spread over the period, stay what they are, and a change by hand counts', () => {
  const around = { nowMs: START_MS, crypto: HOST_CRYPTO };
  const group = { ...GROUP, fromMs: START_MS };
  const tenths = Array.from({ length: 10 }, () => 0);
  for (let at = 0; at < 1_000; at++) {
    const { dueAtMs, isDue } = rotationOf(group, meterOf(at), 'encryption', [], around);
    assert.ok(!isDue && dueAtMs >= START_MS && dueAtMs < START_MS + PERIOD_MS);
    const tenth = Math.floor(((dueAtMs - START_MS) / PERIOD_MS) * 10);
    tenths[tenth] = (tenths[tenth] ?? 0) + 1;
  }
  for (const count of tenths) assert.ok(count > 60 && count < 140, String(tenths));
  const meter = meterOf(7);
  const first = rotationOf(group, meter, 'encryption', [], around).dueAtMs;
  const late = { ...around, nowMs: first + 2 * PERIOD_MS + 5 };
  const due = rotationOf(group, meter, 'encryption', [], late);
  assert.deepEqual([due.dueAtMs, due.isDue], [first + 2 * PERIOD_MS, true]);
  const byHand = { body: { kind: 'key-rotation', key: 'encryption' }, createdAtMs: late.nowMs - 1, state: 'done' };
  const after = rotationOf(group, meter, 'encryption', [byHand as CommandRecord], late);
  assert.deepEqual([after.dueAtMs, after.isDue], [first + 3 * PERIOD_MS, false]);
  assert.equal(
    rotationOf(group, meter, 'authentication', [byHand as CommandRecord], { ...late, nowMs: late.nowMs + PERIOD_MS })
      .isDue,
    true,
  );
  assert.equal(
    groupOf(
      [
        { ...group, edges: ['e2'] },
        { ...group, meters: ['k8'] },
      ],
      meter,
    ),
    null,
  );
  assert.equal(
    groupOf(
      [
        { ...group, edges: ['e2'] },
        { ...group, edges: [] },
      ],
      meter,
    )?.edges.length,
    0,
  );
});

test('ALA-3 the schedule is shown over REST: groups, moments and last orders; without groups there is none and nothing is ordered', async () => {
  const f = await fleet(2);
  await f.time.advance(LOOK_MS);
  const shown = (await f.get('/api/v1/key-rotations')).json();
  assert.deepEqual(
    shown.groups.map(({ name, periodMs }: RotationGroup) => [name, periodMs]),
    [['north', PERIOD_MS]],
  );
  assert.equal(shown.items.length, 4, 'two keys of two meters, none of the other concentrator');
  const [order] = f.orders();
  const ordered = shown.items.filter(({ lastCommandId }: { lastCommandId?: string }) => lastCommandId !== undefined);
  assert.deepEqual(
    ordered.map((item: Record<string, unknown>) => [
      `${item['meterId']} ${item['key']}`,
      item['lastCommandId'],
      item['isDue'],
    ]),
    [[order?.what, order?.id, false]],
  );
  assert.equal((await f.get('/api/v1/key-rotations?edgeId=e2')).json().items.length, 0);
  await f.stop();
  const off = await fleet(2, []);
  await off.time.advance(DAY_MS);
  assert.equal(off.sent.length, 0);
  assert.deepEqual((await off.get('/api/v1/key-rotations')).json(), { groups: [], items: [] });
  await off.stop();
});

test('the settings of the schedule: off without groups, and what contradicts itself is told with its path', () => {
  const parsed = (text: string) => parseConfig(ROTATION_CONFIG, text, rotationContradictions);
  const empty = parsed('{}');
  assert.ok(empty.ok);
  assert.deepEqual(rotationGroups(empty.config), []);
  const good = parsed('groups: [{ name: a, edges: [e1], keys: [encryption], periodDays: 30, from: "2027-01-01" }]');
  assert.ok(good.ok, JSON.stringify(good));
  assert.deepEqual(rotationGroups(good.config), [
    { name: 'a', edges: ['e1'], meters: [], keys: ['encryption'], periodMs: PERIOD_MS, fromMs: Date.UTC(2027, 0, 1) },
  ]);
  const bad = parsed('groups: [{ name: a, from: "2027-01-01", keys: [master] }, { name: a, from: "2027-13-01" }]');
  assert.ok(!bad.ok);
  assert.deepEqual(
    bad.problems.map(({ path }) => path),
    ['keyRotation.groups.1.name', 'keyRotation.groups.1.keys', 'keyRotation.groups.1.from'],
  );
});
