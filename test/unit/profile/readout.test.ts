import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromHex } from '../../../src/base/bytes.ts';
import type { Data } from '../../../src/dlms/axdr/data.ts';
import { dateTimeOfUtcMs, dateTimeToOctets } from '../../../src/dlms/cosem/datetime.ts';
import { parseObis } from '../../../src/dlms/cosem/obis.ts';
import { dateTimeData } from '../../../src/dlms/cosem/selective-access.ts';
import { parseMeterId } from '../../../src/model/ids.ts';
import { isoOfUtcMs, utcMsOfIso } from '../../../src/profile/check.ts';
import { readEvents, readHappening } from '../../../src/profile/event-readout.ts';
import { readPush } from '../../../src/profile/push.ts';
import { readBuffer } from '../../../src/profile/readout.ts';
import { readAttributes, readRegisters, readScalers } from '../../../src/profile/register-readout.ts';
import { parseProfileOrThrow } from '../../../src/profile/schema/parse.ts';
import type { BufferRule, EventLogRule, Profile, RegisterRule } from '../../../src/profile/schema/profile.ts';

const PROFILE = (extra = '', access = ''): Profile =>
  parseProfileOrThrow(
    `
vendor: test
model: one
title: A test
medium: electricity
clients: [{ name: public, address: 16, security: none, uses: [read] }]
registers:
  - { name: energy, obis: 1-0:1.8.0, exponent: 0, unit: Wh, valueClass: billing, scalerUnit: meter }
  - { name: voltage, obis: 1-0:32.7.0, exponent: -1, unit: V, valueClass: low-value }
attributes: [{ name: serial-number, obis: 0-0:96.1.0 }]
profiles:
  - { name: load, obis: 1-0:99.1.0, intervalS: 3600, rows: 10, columns: [clock, energy, voltage]${extra} }
eventCodes: { standard: [{ code: 1, name: power-down, sentence: The supply failed., severity: warning }] }
eventLogs:
  - { name: log, obis: 0-0:99.98.0, rows: 10, columns: [clock, code], codeObis: 0-0:96.11.0, codes: standard, suppressed: [9] }
push: [{ name: list, layout: obis, periodS: 10, positions: { 0: serial-number } }]
${access}`,
    'one',
  );
const rule = (profile: Profile): BufferRule => profile.buffers[0] as BufferRule;
const METER = parseMeterId('m1') ?? assert.fail();
const START = utcMsOfIso('2026-03-01T00:00:00Z');
const HOUR = 3_600_000;
const CONTEXT = { meterId: METER, timeZone: 'UTC', nowMs: START + 100 * HOUR };
const at = (hour: number): Data => dateTimeData(dateTimeOfUtcMs(START + hour * HOUR, { deviation: 0 }));
const u32 = (value: number): Data => ({ type: 'double-long-unsigned', value });
const row = (...value: Data[]): Data => ({ type: 'structure', value });
const rows = (...value: Data[]): Data => ({ type: 'array', value });
const NULL: Data = { type: 'null-data' };

test('a buffer becomes one group per value class, above the watermark only', () => {
  const buffer = rows(row(at(1), u32(10), u32(2300)), row(at(2), u32(11), u32(2301)));
  const read = readBuffer(PROFILE(), rule(PROFILE()), buffer, CONTEXT, START + HOUR);
  assert.deepEqual(
    read.groups.map((group) => [
      group.valueClass,
      group.group.columns,
      group.rows.map((entry) => [entry.atMs, entry.values]),
    ]),
    [
      ['billing', [{ obis: '1-0:1.8.0*255', exponent: 0, unit: 'Wh' }], [[START + 2 * HOUR, [11]]]],
      ['low-value', [{ obis: '1-0:32.7.0*255', exponent: -1, unit: 'V' }], [[START + 2 * HOUR, [2301]]]],
    ],
  );
  assert.deepEqual([read.known, read.newestAtMs, read.problems.length], [1, START + 2 * HOUR, 0]);
});

test('nothing above the watermark gives no group and leaves the watermark', () => {
  const read = readBuffer(PROFILE(), rule(PROFILE()), rows(row(at(1), u32(1), u32(1))), CONTEXT, START + HOUR);
  assert.deepEqual([read.groups, read.newestAtMs, read.known], [[], null, 1]);
});

test('newest-first rows count back and come out in time order; a start stamp is moved to the end', () => {
  const back = PROFILE(', order: newest-first, stamp: start');
  const read = readBuffer(
    back,
    rule(back),
    rows(row(at(5), u32(50), u32(1)), row(NULL, u32(40), u32(1))),
    CONTEXT,
    null,
  );
  assert.deepEqual(
    read.groups[0]?.rows.map((entry) => [entry.atMs, entry.values[0]]),
    [
      [START + 5 * HOUR, 40],
      [START + 6 * HOUR, 50],
    ],
  );
});

test('interop 7: null-data in a value is inherited, or missing where the profile says so', () => {
  const buffer = rows(row(at(1), u32(10), NULL), row(at(2), NULL, u32(7)));
  const valuesOf = (profile: Profile) =>
    readBuffer(profile, rule(profile), buffer, CONTEXT, null).groups.map((group) =>
      group.rows.map((entry) => entry.values[0]),
    );
  assert.deepEqual(valuesOf(PROFILE()), [
    [10, 10],
    [null, 7],
  ]);
  assert.deepEqual(valuesOf(PROFILE(', nullData: missing')), [
    [10, null],
    [null, 7],
  ]);
});

test('a row that cannot be trusted is left out and told; the others stay', () => {
  const buffer = rows(
    u32(1),
    row(at(1), u32(10)),
    row(NULL, u32(10), u32(1)),
    row(u32(3), u32(10), u32(1)),
    row(at(200), u32(10), u32(1)),
    row(at(1), { type: 'visible-string', value: 'x' }, u32(1)),
    row(at(3), u32(10), u32(1)),
  );
  const read = readBuffer(PROFILE(), rule(PROFILE()), buffer, CONTEXT, null);
  assert.deepEqual(
    read.problems.map((problem) => problem.index),
    [0, 1, 2, 3, 4, 5],
  );
  assert.deepEqual(
    read.groups[0]?.rows.map((entry) => entry.atMs),
    [START + 3 * HOUR],
  );
  assert.equal(readBuffer(PROFILE(), rule(PROFILE()), u32(1), CONTEXT, null).problems.length, 1);
});

test('while the edge does not know the time, no row is in the future', () => {
  const read = readBuffer(
    PROFILE(),
    rule(PROFILE()),
    rows(row(at(999), u32(1), u32(1))),
    { ...CONTEXT, nowMs: null },
    null,
  );
  assert.equal(read.newestAtMs, START + 999 * HOUR);
});

test("the meter's own scaler and unit hold where the profile says so", () => {
  const scalers = new Map([
    ['1-0:1.8.0*255', { exponent: 2, unit: 'kg' }],
    ['1-0:32.7.0*255', { exponent: 9, unit: 'kg' }],
  ]);
  const read = readBuffer(PROFILE(), rule(PROFILE()), rows(row(at(1), u32(1), u32(1))), { ...CONTEXT, scalers }, null);
  assert.deepEqual(
    read.groups.map((group) => group.group.columns[0]?.exponent),
    [2, -1],
  );
});

test('registers: the capture time of an extended register beats the clock of the session', () => {
  const profile = PROFILE();
  const [energy, voltage] = profile.registers as [RegisterRule, RegisterRule];
  const answers = [
    { register: energy, value: u32(5), captureTime: at(1) },
    { register: voltage, value: u32(6) },
    { register: voltage, value: NULL },
  ];
  const read = readRegisters(profile, answers, at(2), CONTEXT);
  assert.deepEqual(
    read.groups.map((group) => [group.group.intervalS, group.rows[0]?.atMs, group.rows[0]?.quality]),
    [
      [0, START + HOUR, 'good'],
      [0, START + 2 * HOUR, 'good'],
    ],
  );
  assert.equal(read.problems.length, 1);
  const invalid = dateTimeData(dateTimeOfUtcMs(START, { deviation: 0, status: 1 }));
  assert.equal(
    readRegisters(profile, answers.slice(1, 2), invalid, CONTEXT).groups[0]?.rows[0]?.quality,
    'no-meter-time',
  );
});

test('attributes without octets are left out', () => {
  const attribute = PROFILE().attributes[0] ?? assert.fail();
  const read = readAttributes(
    [
      { attribute, value: { type: 'octet-string', value: fromHex('3132') } },
      { attribute, value: rows() },
    ],
    CONTEXT,
  );
  assert.deepEqual(
    read.map((entry) => entry.text),
    ['12'],
  );
});

test('events: known ones are dropped, suppressed ones counted, the youngest second waits', () => {
  const profile = PROFILE();
  const log = profile.eventLogs[0] as EventLogRule;
  const code = (value: number): Data => ({ type: 'unsigned', value });
  const buffer = rows(
    row(at(1), code(1)),
    row(at(2), code(1)),
    row(at(2), code(77)),
    row(at(3), code(9)),
    row(at(100), code(1)),
    row(at(3)),
    u32(1),
  );
  const read = readEvents(profile, log, buffer, CONTEXT, START + HOUR);
  assert.deepEqual(
    read.events.map((event) => [isoOfUtcMs(event.atMs), event.name]),
    [
      ['2026-03-01T02:00:00Z', 'power-down'],
      ['2026-03-01T02:00:00Z', 'code-77'],
    ],
  );
  assert.deepEqual([read.known, read.suppressed, read.problems.length, read.newestAtMs], [1, 1, 2, START + 3 * HOUR]);
  assert.equal(readEvents(profile, log, u32(1), CONTEXT, null).problems.length, 1);
});

test('SG-EV-1 an event that a meter tells by itself is that of its log; what the profile does not know or keeps back is none', () => {
  const profile = PROFILE();
  const time = dateTimeToOctets(dateTimeOfUtcMs(START + HOUR, { deviation: 0 }));
  const told = (value: Data, change: object = {}) =>
    readHappening(
      profile,
      {
        time,
        attribute: { classId: 1, instanceId: parseObis('0-0:96.11.0'), attributeId: 2 },
        value,
        ...change,
      },
      CONTEXT,
    );
  const code = (value: number): Data => ({ type: 'unsigned', value });
  const [, logged] = readEvents(
    profile,
    profile.eventLogs[0] as EventLogRule,
    rows(row(at(0), code(1)), row(at(1), code(1))),
    CONTEXT,
    null,
  ).events;
  assert.deepEqual(told(code(1)), logged);
  assert.equal(told(code(9)), null, 'kept back');
  assert.equal(told(code(1), { time: null }), null, 'no time');
  assert.equal(told(code(1), { time: new Uint8Array(12).fill(0xff) }), null, 'no usable time');
  assert.equal(told({ type: 'array', value: [] }), null, 'no code');
  assert.equal(
    told(code(1), { attribute: { classId: 1, instanceId: parseObis('0-0:96.11.1'), attributeId: 2 } }),
    null,
  );
});

test('a push without a usable time takes the receive time and says so; unknown objects and lists are told', () => {
  const profile = PROFILE();
  const obis = (hex: string): Data => ({ type: 'octet-string', value: fromHex(hex) });
  const body: Data = {
    type: 'structure',
    value: [
      { type: 'visible-string', value: '4711' },
      obis('0100010800ff'),
      u32(5),
      obis('0100630800ff'),
      u32(6),
      obis('0100200700ff'),
      { type: 'boolean', value: true },
    ],
  };
  const read = readPush(profile, { dateTime: new Uint8Array(0), body }, CONTEXT);
  assert.deepEqual(
    read.groups.map((group) => [group.rows[0]?.atMs, group.rows[0]?.quality, group.rows[0]?.values]),
    [[CONTEXT.nowMs, 'no-meter-time', [5]]],
  );
  assert.deepEqual(
    read.attributes.map((entry) => entry.text),
    ['4711'],
  );
  assert.deepEqual(
    read.unknown.map((entry) => entry.obis),
    ['1-0:99.8.0*255'],
  );
  assert.equal(read.problems.length, 1);
  const stranger = readPush(profile, { dateTime: new Uint8Array(0), body: u32(1) }, CONTEXT);
  assert.deepEqual([stranger.list, stranger.problems.length], [null, 1]);
});

test("a unit in the frame that is not the profile's is kept and told", () => {
  const scalerUnit: Data = {
    type: 'structure',
    value: [
      { type: 'integer', value: 3 },
      { type: 'enum', value: 27 },
    ],
  };
  const element: Data = {
    type: 'structure',
    value: [{ type: 'octet-string', value: fromHex('0100010800ff') }, u32(5), scalerUnit],
  };
  const read = readPush(PROFILE(), { dateTime: new Uint8Array(0), body: { type: 'array', value: [element] } }, CONTEXT);
  assert.deepEqual(read.groups[0]?.group.columns, [{ obis: '1-0:1.8.0*255', exponent: 3, unit: 'W' }]);
  assert.match(read.problems[0]?.sentence ?? '', /came in W/);
});

test("scalers of the meter: taken with the profile's unit, told with another", () => {
  const [energy] = PROFILE().registers as [RegisterRule];
  const answer = (exponent: number, unit: number): Data => ({
    type: 'structure',
    value: [
      { type: 'integer', value: exponent },
      { type: 'enum', value: unit },
    ],
  });
  assert.deepEqual(readScalers([{ register: energy, value: answer(3, 30) }]).scalers.get(energy.obis), {
    exponent: 3,
    unit: 'Wh',
  });
  const wrong = readScalers([
    { register: energy, value: answer(3, 13) },
    { register: energy, value: u32(1) },
    { register: { ...energy, unit: 'W' }, value: answer(0, 255) },
  ]);
  assert.deepEqual([wrong.scalers.size, wrong.problems.length], [0, 3]);
});

test('interop 8: rows outside the range asked are left out and told, and the watermark does not follow them', () => {
  const buffer = rows(row(at(2), u32(10), u32(1)), row(at(3), u32(11), u32(1)), row(at(30), u32(99), u32(1)));
  const asked = { fromMs: START + HOUR + 1000, toMs: START + 3 * HOUR };
  const read = readBuffer(PROFILE(), rule(PROFILE()), buffer, CONTEXT, START + HOUR, asked);
  assert.equal(read.newestAtMs, START + 3 * HOUR);
  assert.deepEqual(
    read.problems.map(({ index, sentence }) => [index, /^1 rows lie outside the range/.test(sentence)]),
    [[2, true]],
  );
  const early = readBuffer(PROFILE(), rule(PROFILE()), rows(row(at(-9), u32(1), u32(1))), CONTEXT, null, asked);
  assert.deepEqual([early.newestAtMs, early.problems.length], [null, 1]);
  assert.deepEqual(readBuffer(PROFILE(), rule(PROFILE()), buffer, CONTEXT, null).problems, []);
});
