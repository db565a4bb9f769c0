/** OBIS codes, units, class tables, selective access, push layouts. */

import assert from 'node:assert/strict';
import test from 'node:test';
import { fromHex, toHex } from '../../../src/base/bytes.ts';
import { hasCode } from '../../../src/base/errors.ts';
import { type CosemDateTime, utcMsOf } from '../../../src/dlms/cosem/datetime.ts';
import { generalizedTimeOf, parseGeneralizedTime } from '../../../src/dlms/cosem/generalized-time.ts';
import { kaifaListOf } from '../../../src/dlms/cosem/positional-lists.ts';
import {
  attributeName,
  captureObjectOf,
  captureObjectsData,
  captureObjectsOf,
  type Data,
  dataFromOctets,
  dataToOctets,
  dateTimeData,
  dateTimeOfData,
  dateTimeOfUtcMs,
  dateTimeText,
  decodeApdu,
  entryAccess,
  entrySelectionOf,
  interfaceClassOf,
  isObis,
  methodName,
  notifiedReadings,
  obisFromOctets,
  obisGroups,
  obisOf,
  obisToOctets,
  parseObis,
  rangeAccess,
  rangeSelectionOf,
  scalerUnitData,
  scalerUnitOf,
  shapeOfReading,
  UNIT_TABLE,
  unitCode,
  unitOf,
  unitSymbol,
} from '../../../src/dlms/index.ts';

const isNoTime = (error: unknown) => hasCode(error, 'DLMS_DATE_TIME');

test('HE-7 an OBIS code has one spelling, however it was written', () => {
  for (const text of ['1-0:1.8.0*255', '1-0:1.8.0.255', '1.0.1.8.0.255', '1-0:1.8.0', ' 1-0:1.8.0 ']) {
    assert.equal(parseObis(text), '1-0:1.8.0*255');
    assert.ok(isObis(text));
  }
  assert.deepEqual(obisGroups(parseObis('0-8:25.9.0*101')), { a: 0, b: 8, c: 25, d: 9, e: 0, f: 101 });
  assert.equal(toHex(obisToOctets(parseObis('1-0:99.1.0*255'))), '0100630100ff');
  assert.equal(obisFromOctets(fromHex('0100630100ff')), parseObis('1-0:99.1.0'));
  assert.equal(obisOf(1, 0, 1, 8, 0), '1-0:1.8.0*255');
  for (const text of ['', '1-0:1.8', '1-0:1.8.256', '1-0:1.8.0*300', 'a-b:c.d.e*f', '1-0:1.8.0*255*1']) {
    assert.ok(!isObis(text), text);
    assert.throws(
      () => parseObis(text),
      (error) => hasCode(error, 'DLMS_OBIS'),
    );
  }
  assert.throws(
    () => obisFromOctets(fromHex('0100')),
    (error) => hasCode(error, 'DLMS_OBIS'),
  );
});

test('HE-7 units: 118 codes, no code twice, symbols of what meters send', () => {
  assert.equal(UNIT_TABLE.length, 118);
  assert.equal(new Set(UNIT_TABLE.map(({ code }) => code)).size, 118);
  assert.deepEqual([27, 28, 29, 30, 32, 33, 35, 44, 255, 73].map(unitSymbol), [
    'W',
    'VA',
    'var',
    'Wh',
    'varh',
    'A',
    'V',
    'Hz',
    '',
    'unit 73',
  ]);
  assert.equal(unitCode('Wh'), 30);
  assert.equal(unitCode('no such thing'), undefined);
  assert.equal(unitOf(20)?.symbol, 'kg');
});

test('HE-7 scaler and unit of a register, set and not set', () => {
  assert.deepEqual(scalerUnitOf(dataFromOctets(fromHex('02020ffe161e'))), { scaler: -2, unit: 30 });
  assert.equal(toHex(dataToOctets(scalerUnitData({ scaler: -2, unit: 30 }))), '02020ffe161e');
  assert.equal(scalerUnitOf({ type: 'null-data' }), null);
  for (const hex of ['0201161e', '02020ffe0900', '0600000000']) {
    assert.throws(
      () => scalerUnitOf(dataFromOctets(fromHex(hex))),
      (error) => hasCode(error, 'DLMS_SHAPE'),
    );
  }
});

test('HE-7 class tables: known by class, attribute and method; an unknown version is the nearest lower one, marked', () => {
  assert.equal(attributeName(8, 2), 'time');
  assert.equal(methodName(70, 1), 'remote_disconnect');
  assert.equal(attributeName(9_999, 2), undefined);
  assert.deepEqual([interfaceClassOf(15, 9)?.table.version, interfaceClassOf(15, 9)?.exact], [3, false]);
  assert.deepEqual([interfaceClassOf(23, 0)?.table.version, interfaceClassOf(23, 0)?.exact], [0, true]);
  assert.equal(interfaceClassOf(2, 0), undefined);
});

test('HE-7 selective access by range and by entry is what other stacks send', () => {
  const clock = { classId: 8, instanceId: parseObis('0-0:1.0.0*255'), attributeId: 2, dataIndex: 0 };
  const moment = (utcMs: number) =>
    dateTimeData({ ...dateTimeOfUtcMs(utcMs, { deviation: -60, status: 0x80 }), hundredths: 0 });
  const access = rangeAccess({
    restricting: clock,
    from: moment(Date.parse('2017-10-01T00:00:00+01:00')),
    to: moment(Date.parse('2017-10-01T01:00:00+01:00')),
    columns: [],
  });
  const sent = decodeApdu(
    fromHex(
      'c001c100070100630100ff0201010204020412000809060000010000ff0f02120000090c07e10a010700000000ffc480090c07e10a010701000000ffc4800100',
    ),
  );
  assert.ok(sent.apdu === 'get-request-normal' && sent.access !== null);
  assert.deepEqual(access, sent.access);
  const range = rangeSelectionOf(sent.access);
  assert.deepEqual(range.restricting, clock);
  assert.equal(
    dateTimeText(dateTimeOfData(range.from) ?? assert.fail()),
    '2017-10-01 00:00:00.00 deviation -60 status 80',
  );
  const entries = { fromEntry: 1, toEntry: 10, fromColumn: 1, toColumn: 0 };
  assert.equal(toHex(dataToOctets(entryAccess(entries).parameters)), '02040600000001060000000a120001120000');
  assert.deepEqual(entrySelectionOf(entryAccess(entries)), entries);
  for (const wrong of [
    () => rangeSelectionOf(entryAccess(entries)),
    () => entrySelectionOf(sent.access ?? assert.fail()),
    () => rangeSelectionOf({ selector: 1, parameters: { type: 'null-data' } }),
  ]) {
    assert.throws(wrong, (error) => hasCode(error, 'DLMS_SHAPE'));
  }
});

test('HE-7 capture objects: three fields of old meters, four, and more of newer push lists', () => {
  const object = { classId: 3, instanceId: parseObis('1-0:1.8.0*255'), attributeId: 2, dataIndex: 0 };
  assert.deepEqual(captureObjectOf(dataFromOctets(fromHex('020312000309060100010800ff0f02'))), object);
  assert.deepEqual(captureObjectOf(dataFromOctets(fromHex('020512000309060100010800ff0f0212000000'))), object);
  assert.deepEqual(captureObjectsOf(captureObjectsData([object, { ...object, dataIndex: 2 }])), [
    object,
    { ...object, dataIndex: 2 },
  ]);
  for (const hex of ['020312000309050100010800', '0600000000']) {
    assert.throws(
      () => captureObjectsOf(dataFromOctets(fromHex(`0101${hex}`))),
      (error) => hasCode(error, 'DLMS_SHAPE') || hasCode(error, 'DLMS_TRUNCATED'),
    );
  }
  assert.throws(
    () => captureObjectsOf({ type: 'null-data' }),
    (error) => hasCode(error, 'DLMS_SHAPE'),
  );
});

test('HE-7 a date-time is read from an octet-string and from tag 19, and from nothing else', () => {
  const expected = '2026-11-21 07:01:00.-- deviation -60 status 80';
  for (const hex of ['090c07ea0b1506070100ffffc480', '1907ea0b1506070100ffffc480']) {
    const value = dateTimeOfData(dataFromOctets(fromHex(hex)));
    assert.equal(value === null ? null : dateTimeText(value), expected);
  }
  assert.equal(dateTimeOfData({ type: 'octet-string', value: new Uint8Array(5) }), null);
  assert.equal(dateTimeOfData({ type: 'unsigned', value: 5 }), null);
});

const u32 = (value: number): Data => ({ type: 'double-long-unsigned', value });
const octets = (hex: string): Data => ({ type: 'octet-string', value: fromHex(hex) });

test('HE-7 a push that nobody knows comes out by position, nothing dropped', () => {
  const body: Data = {
    type: 'structure',
    value: [
      u32(5),
      { type: 'boolean', value: true },
      octets('00ff'),
      { type: 'long64-unsigned', value: 2n ** 64n - 1n },
    ],
  };
  const { layout, readings } = notifiedReadings(body);
  assert.equal(layout, 'positional');
  assert.deepEqual(readings.map(shapeOfReading), [
    { position: 0, value: 5 },
    { position: 1, data: { type: 'boolean', value: true } },
    { position: 2, hex: '00ff' },
    { position: 3, value: '18446744073709551615' },
  ]);
  assert.deepEqual(notifiedReadings(u32(7)).readings.map(shapeOfReading), [{ position: 0, value: 7 }]);
});

test('HE-7 one bare number is a maker’s list only when the maker’s mark is on the push', () => {
  assert.equal(notifiedReadings({ type: 'structure', value: [u32(5)] }, false).layout, 'positional');
  assert.equal(notifiedReadings({ type: 'structure', value: [u32(5)] }, true).layout, 'kaifa-positional');
  const nine = [octets('4b464d5f303031'), ...Array.from({ length: 8 }, () => u32(1))];
  assert.equal(kaifaListOf(nine, true)?.at(8)?.obis, '1-0:32.7.0*255');
  assert.equal(kaifaListOf(nine.slice(1), true), null);
  assert.equal(kaifaListOf([octets('414243'), ...nine.slice(1)], true), null);
});

test('HE-7 an object list that does not fit its values is a value like another', () => {
  const list = captureObjectsData([
    { classId: 3, instanceId: parseObis('1-0:1.8.0*255'), attributeId: 2, dataIndex: 0 },
  ]);
  const { layout, readings } = notifiedReadings({ type: 'structure', value: [list, u32(1)] });
  assert.equal(layout, 'positional');
  assert.equal(readings.length, 2);
  assert.equal(readings[0]?.value.kind, 'data');
});

test('HE-7 a text of a hundred thousand octets is a text', () => {
  const text = { type: 'octet-string', value: new Uint8Array(100_000).fill(0x41) } as const;
  const [reading] = notifiedReadings({ type: 'structure', value: [text] }).readings;
  assert.ok(reading?.value.kind === 'text');
  assert.equal(reading.value.text.length, 100_000);
});

test('a date and time is a moment when every field of it is one of the calendar and the clock', () => {
  const base: CosemDateTime = {
    ...{ year: 2026, month: 1, day: 1, weekday: null, hour: 0, minute: 0, second: 0, hundredths: 0 },
    ...{ deviation: -60, status: 0 },
  };
  const start = Date.UTC(2025, 11, 31, 23);
  for (const [changes, offsetMs] of [
    [{}, 0],
    [{ second: null, hundredths: null }, 0],
    [{ hour: 23, minute: 59, second: 59, hundredths: 99 }, 86_399_990],
    [{ day: 31 }, 30 * 86_400_000],
    [{ month: 12, day: 31 }, 364 * 86_400_000],
    ...(['year', 'month', 'day', 'hour', 'minute'] as const).map((field) => [{ [field]: null }, null] as const),
    ...[{ month: 0 }, { month: 13 }, { day: 0 }, { day: 32 }, { month: 2, day: 29 }].map(
      (each) => [each, null] as const,
    ),
    ...[{ hour: 24 }, { minute: 60 }, { second: 60 }, { hundredths: 100 }].map((each) => [each, null] as const),
  ] as const)
    assert.equal(
      utcMsOf({ ...base, ...changes }),
      offsetMs === null ? null : start + offsetMs,
      JSON.stringify(changes),
    );
  const unsaid = { ...base, deviation: null };
  assert.equal(utcMsOf(unsaid), null);
  assert.equal(utcMsOf(unsaid, { defaultDeviation: -60 }), start);
  assert.equal(utcMsOf(base, { oppositeSign: true }), start + 7_200_000);
});

test('GeneralizedTime: every field at its bounds, and beyond them none', () => {
  for (const [text, weekday, hundredths, deviation] of [
    ['20260101000000', 4, 0, null],
    ['20261231235959.99Z', 4, 99, 0],
    ['2026063012', 2, 0, null],
    ['1969123123-01', 3, 0, 60],
  ] as const) {
    const time = parseGeneralizedTime(text);
    assert.deepEqual([time.weekday, time.hundredths, time.deviation], [weekday, hundredths, deviation], text);
  }
  for (const text of ['', '2026010100000', '20260001000000', '20261301000000', '20260100000000', '20260132000000'])
    assert.throws(() => parseGeneralizedTime(text), isNoTime, text);
  for (const text of ['20260101240000', '20260101006000', '20260101000060', '20260101000000+1'])
    assert.throws(() => parseGeneralizedTime(text), isNoTime, text);
  const time = parseGeneralizedTime('20260630125900.5+0130');
  assert.deepEqual([time.hundredths, time.deviation, generalizedTimeOf(time)], [50, -90, '20260630125900.50+0130']);
  assert.equal(generalizedTimeOf({ ...time, hundredths: 0, deviation: 60 }), '20260630125900-0100');
  assert.equal(generalizedTimeOf({ ...time, hundredths: null, deviation: 0 }), '20260630125900Z');
  assert.equal(generalizedTimeOf({ ...time, hundredths: null, deviation: null }), '20260630125900');
  for (const unsaid of [
    { year: null },
    { month: null },
    { day: null },
    { hour: null },
    { minute: null },
    { second: null },
    { month: 253 },
  ])
    assert.equal(generalizedTimeOf({ ...time, ...unsaid }), null, JSON.stringify(unsaid));
});
