/** Compact data from a simulated meter to the journal, and everything that must not become a reading on the way. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { Data } from '../../../src/dlms/axdr/data.ts';
import { captureObjectsData } from '../../../src/dlms/cosem/capture-object.ts';
import { compactDataOf } from '../../../src/dlms/cosem/compact-data.ts';
import { dateTimeOfUtcMs } from '../../../src/dlms/cosem/datetime.ts';
import { parseObis } from '../../../src/dlms/cosem/obis.ts';
import { dateTimeData } from '../../../src/dlms/cosem/selective-access.ts';
import { parseMeterId } from '../../../src/model/ids.ts';
import { compactRequests, readCompact } from '../../../src/profile/compact.ts';
import { parseProfile, parseProfileOrThrow } from '../../../src/profile/schema/parse.ts';
import { bus } from './bus.ts';

const MINUTE_MS = 60_000;
const OBIS = '0-0:66.0.1*255';
const ENERGY = '1-0:1.8.0*255';
const POWER = '1-0:1.7.0*255';
const text = readFileSync(new URL('../../../config/profiles/generic/idis.yaml', import.meta.url), 'utf8');
const COMPACT = `
compact:
  - name: snapshot
    obis: 0-0:66.0.1
    registers: [active-energy-import, active-power-import, voltage-l1]
    periodS: 300
`;
const PROFILE = parseProfileOrThrow(text + COMPACT, 'generic/idis');
const [RULE = assert.fail()] = PROFILE.compact;
const NAMES = RULE.registers.map(({ obis }) => obis);

async function site() {
  const b = await bus({ count: 1, profile: PROFILE });
  const { model } = b.fleet[0] ?? assert.fail();
  const attribute = (attributeId: number) => ({ classId: 62, instanceId: parseObis(OBIS), attributeId });
  /** Readings of compact data: groups of registers with all three. */
  const rows = () =>
    b.journal.entries
      .filter(({ watermarks }) => watermarks.some(({ key }) => key === OBIS))
      .flatMap(({ groups }) => groups)
      .flatMap(({ group, rows: all }) =>
        all.flatMap(({ atMs, quality, values }) =>
          group.columns.map(({ obis }, at) => ({ atMs, obis, quality, value: values[at] })),
        ),
      );
  const write = (attributeId: number, value: Data) => model.write(attribute(attributeId), null, value);
  const state = () =>
    b
      .records('meter-state')
      .flatMap((record) => (record.kind === 'meter-state' ? [record.state] : []))
      .at(-1);
  b.scheduler.start();
  return { ...b, model, rows, write, state };
}

const captured = (...names: readonly (readonly [number, string])[]): Data =>
  captureObjectsData(
    names.map(([classId, obis]) => ({ classId, instanceId: parseObis(obis), attributeId: 2, dataIndex: 0 })),
  );

test('a compact data object of the profile is read, and its values are readings of the moment that the row says', async () => {
  const s = await site();
  await s.world.clock.advance(31 * MINUTE_MS);
  const rows = s.rows();
  assert.deepEqual(new Set(rows.map(({ obis }) => obis)), new Set(NAMES));
  const device = s.fleet[0]?.device ?? assert.fail();
  assert.ok(rows.length >= 3 * 5, `${rows.length} values`);
  for (const { atMs, obis, quality, value } of rows) {
    const register = PROFILE.registers.find((each) => each.obis === obis) ?? assert.fail();
    assert.equal(quality, 'good');
    const spread = [0, 999].map((ms) => Number(device.registerAt(register, atMs + ms)));
    assert.ok(Number(value) >= Math.min(...spread) - 1 && Number(value) <= Math.max(...spread) + 1, `${obis} ${value}`);
  }
  await s.stop();
});

test('a meter that is set up anew is read by what it says now, or not at all, and its state says why', async () => {
  const s = await site();
  await s.world.clock.advance(11 * MINUTE_MS);
  // The same types in another order, the same template: by place, power would become energy.
  const [energy, power, voltage] = RULE.registers.map(({ classId, obis }) => [classId, obis] as const);
  assert.ok(energy !== undefined && power !== undefined && voltage !== undefined);
  const clock = [8, PROFILE.clock.obis ?? ''] as const;
  const swapped = captured(power, clock, energy, [3, '1-0:2.8.0*255'], voltage);
  const before = s.rows().length;
  assert.equal(s.write(3, swapped), 0);
  await s.world.clock.advance(10 * MINUTE_MS);
  const after = s.rows().slice(before);
  assert.ok(after.length >= 3);
  const last = (rows: typeof after, obis: string) => Number(rows.findLast((row) => row.obis === obis)?.value);
  assert.ok(Math.abs(last(after, ENERGY) - last(s.rows().slice(0, before), ENERGY)) < 5_000, 'energy stays energy');
  assert.ok(!after.some(({ obis }) => obis === '1-0:2.8.0*255'), 'what was not asked for is passed over');
  assert.equal(s.health.counters.get('reader_compact_set_up_anew'), 1);
  // One that is gone.
  const held = s.rows().length;
  assert.equal(s.write(3, captured(clock, energy, voltage)), 0);
  await s.world.clock.advance(15 * MINUTE_MS);
  assert.equal(s.rows().length, held, 'nothing is stored');
  assert.equal(s.state()?.state, 'reconfigured');
  assert.match(s.state()?.sentence ?? '', /0-0:66\.0\.1\*255 of the meter does not hold active-power-import/);
  // And back again.
  assert.equal(s.write(3, captured(clock, energy, power, voltage)), 0);
  await s.world.clock.advance(10 * MINUTE_MS);
  assert.ok(s.rows().length > held);
  assert.equal(s.state()?.state, 'reachable');
  await s.stop();
});

test('a buffer that is captured on invocation is read once for each row, with the time of the row', async () => {
  const s = await site();
  await s.world.clock.advance(11 * MINUTE_MS);
  assert.equal(s.write(6, { type: 'enum', value: 0 }), 0);
  const before = s.rows().length;
  await s.world.clock.advance(10 * MINUTE_MS);
  assert.equal(s.rows().length, before, 'the buffer is empty');
  const method = { classId: 62, instanceId: parseObis(OBIS), methodId: 2 };
  assert.equal(s.model.invoke(method, null).actionResult, 0);
  const capturedAtMs = s.env.clock.nowMs();
  await s.world.clock.advance(20 * MINUTE_MS);
  const rows = s.rows().slice(before);
  assert.equal(rows.length, 3, 'the same row is not a new reading');
  assert.ok(rows.every(({ atMs }) => Math.abs(atMs - capturedAtMs) < 1_000));
  await s.stop();
});

const NOW = Date.UTC(2026, 2, 1);
const CONTEXT = { meterId: parseMeterId('m1') ?? assert.fail(), timeZone: 'Europe/Berlin', nowMs: NOW };
const u32 = (value: number): Data => ({ type: 'double-long-unsigned', value });
const u16 = (value: number): Data => ({ type: 'long-unsigned', value });
const octets = (value: Uint8Array): Data => ({ type: 'octet-string', value });
const stamp = (utcMs: number) => dateTimeData(dateTimeOfUtcMs(utcMs, { deviation: 0 }));
const method = (value: number): Data => ({ type: 'enum', value });

/** Answers to the requests, with the capture objects of the rule in front of `row`. */
function answers(row: readonly Data[], change: Partial<Record<number, Data | null>> = {}, withClock = true) {
  const names = NAMES.map((obis) => [3, obis] as const);
  const objects = captured(...(withClock ? [[8, PROFILE.clock.obis ?? ''] as const] : []), ...names);
  const { template, buffer } = compactDataOf([row]);
  const list: (Data | null)[] = [
    objects,
    octets(template),
    method(1),
    stamp(NOW),
    octets(buffer),
    objects,
    octets(template),
  ];
  for (const [at, data] of Object.entries(change)) list[Number(at)] = data ?? null;
  return list;
}

const read = (given: readonly (Data | null)[]) => readCompact(PROFILE, RULE, given, CONTEXT, null);
const GOOD = [stamp(NOW - MINUTE_MS), u32(100), u32(20), u16(2300)];

test('an answer whose parts do not belong together is no reading', () => {
  assert.equal(compactRequests(PROFILE, RULE).length, answers(GOOD).length);
  const good = read(answers(GOOD));
  assert.ok(good.kind === 'read' && good.problems.length === 0 && good.newestAtMs === NOW - MINUTE_MS);
  const other = captured([8, PROFILE.clock.obis ?? ''], [3, POWER], [3, ENERGY], [3, NAMES[2] ?? '']);
  const { template } = compactDataOf([[stamp(NOW), u32(1), u32(1), u32(1)]]);
  for (const [what, change, sentence] of [
    ['changed while it was read', { 5: other }, /set up anew while/],
    ['another template behind than in front', { 6: octets(template) }, /set up anew while/],
    ['a template of other types', { 1: octets(template), 6: octets(template) }, /own template/],
    ['an index in the objects', { 0: null }, /does not tell/],
    ['no buffer', { 4: null }, /does not tell/],
    ['no template', { 1: u32(1) }, /does not tell/],
    ['objects that are none', { 0: u32(1), 5: u32(1) }, /own template/],
    ['fewer objects than fields', { 0: captured([3, ENERGY]), 5: captured([3, ENERGY]) }, /4 fields for 1/],
  ] as const) {
    const got = read(answers(GOOD, change));
    assert.equal(got.kind, 'mismatch', what);
    assert.match(got.kind === 'mismatch' ? got.sentence : '', sentence, what);
  }
});

test('a row without a time of its own is of now when it was made at reading, otherwise none', () => {
  const row = GOOD.slice(1);
  const fresh = read(answers(row, {}, false));
  assert.ok(fresh.kind === 'read' && fresh.newestAtMs === NOW);
  for (const given of [
    answers(row, { 2: method(0) }, false),
    answers([octets(new Uint8Array(12).fill(255)), ...row], { 2: null }),
  ]) {
    const old = read(given);
    assert.ok(old.kind === 'read' && old.groups.length === 0 && old.newestAtMs === null);
    assert.match(old.problems[0]?.sentence ?? '', /does not say when/);
  }
  const untold = read(answers([stamp(NOW), u32(1), { type: 'null-data' }, u16(1)]));
  assert.ok(untold.kind === 'read' && untold.problems.length === 1 && untold.groups.length >= 1);
});

test('a profile names registers that it has, once each', () => {
  const wrong = parseProfile(text + COMPACT.replace('voltage-l1', 'voltage-l9'));
  assert.ok(!wrong.ok && JSON.stringify(wrong.problems).includes('voltage-l9'));
  const twice = parseProfile(text + COMPACT.replace('voltage-l1', 'active-power-import'));
  assert.ok(!twice.ok);
});
