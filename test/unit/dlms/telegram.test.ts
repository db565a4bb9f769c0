import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { concat, toHex } from '../../../src/base/bytes.ts';
import { crc16Arc } from '../../../src/base/crc.ts';
import { DeltawattError } from '../../../src/base/errors.ts';
import { dateTimeFromOctets, dateTimeText } from '../../../src/dlms/cosem/datetime.ts';
import { parseObis } from '../../../src/dlms/cosem/obis.ts';
import { P1_TELEGRAM_MAX_BYTES } from '../../../src/dlms/frame/limits.ts';
import { p1Telegram } from '../../../src/dlms/frame/p1-frame.ts';
import { type PushEvent, type PushFraming, PushMachine } from '../../../src/dlms/frame/push.machine.ts';
import { dataLineText, parseDataLines } from '../../../src/dlms/telegram/data-lines.ts';
import { decimalText, scaledValueOf } from '../../../src/dlms/telegram/decimal.ts';
import { parseP1Telegram } from '../../../src/dlms/telegram/p1.ts';
import { partsOfTelegram } from '../../../src/dlms/telegram/sub-meters.ts';
import { type TelegramValue, telegramBody } from '../../../src/dlms/telegram/telegram.ts';

interface Row {
  readonly id: string;
  readonly framing: PushFraming;
  readonly lines: readonly string[];
}

const ROWS = JSON.parse(readFileSync(new URL('../../vectors/p1.json', import.meta.url), 'utf8')) as Row[];
const octetsOf = (text: string) => new TextEncoder().encode(text);
const telegramOf = ({ lines }: Row) => octetsOf(`${lines.join('\r\n')}\r\n`);
const row = (id: string) => ROWS.find((each) => each.id === id) ?? assert.fail(id);

/** What a port tells of octets that come in pieces, and of the silence behind them. */
function heard(framing: PushFraming, octets: Uint8Array, pieceBytes = octets.length): PushEvent[] {
  const machine = new PushMachine({ framing });
  const events: PushEvent[] = [];
  for (let at = 0; at < octets.length; at += pieceBytes)
    events.push(...machine.receive(octets.subarray(at, at + pieceBytes), 0));
  return [...events, ...machine.tick(10_000)];
}

const codesOf = (events: readonly PushEvent[]) =>
  events.map((event) => (event.kind === 'discarded' ? event.code : event.kind));

function detailOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    assert.ok(error instanceof DeltawattError);
    return `${error.code} ${error.detail}`;
  }
  return assert.fail('nothing was thrown');
}

test('CRC-16/ARC gives the check value of its catalogue', () => {
  assert.equal(crc16Arc(octetsOf('123456789')), 0xbb3d);
});

test('published telegrams are taken whole, byte by byte and made again', () => {
  for (const each of ROWS) {
    const octets = telegramOf(each);
    for (const pieceBytes of [octets.length, 1])
      assert.deepEqual(heard(each.framing, octets, pieceBytes), [{ kind: 'telegram', octets }], each.id);
    const text = each.lines.join('\r\n');
    const made = p1Telegram(text.slice(0, text.indexOf('!') + 1), each.framing === 'p1');
    assert.deepEqual(made, octets, each.id);
  }
});

test('any split of telegrams with noise and cut ones between gives the same events, and no octet is lost', () => {
  const whole = telegramOf(row('dsmr-5-iskra'));
  const part = fc.oneof(
    fc.constant(whole),
    fc.nat({ max: whole.length }).map((end) => whole.subarray(0, end)),
    fc.nat({ max: whole.length }).map((from) => whole.subarray(from)),
    fc.uint8Array({ maxLength: 40 }),
    fc.string({ unit: fc.constantFrom('/', '!', 'I', '\r\n', '(', '9') }).map(octetsOf),
  );
  const split = fc.integer({ min: 1, max: 300 });
  fc.assert(
    fc.property(fc.array(part, { maxLength: 6 }), split, fc.boolean(), (parts, pieceBytes, isChecked) => {
      const stream = concat(parts);
      const framing = isChecked ? 'p1' : 'p1-unchecked';
      const events = heard(framing, stream);
      assert.deepEqual(heard(framing, stream, pieceBytes), events);
      const told = concat(events.map((event) => ('octets' in event ? event.octets : new Uint8Array(0))));
      assert.deepEqual(told, stream);
    }),
    { numRuns: 200 },
  );
});

test('a telegram that was altered, cut, or is too long is none, and the next one is found', () => {
  const good = telegramOf(row('dsmr-4.2-kaifa'));
  const altered = good.map((octet, at) => (at === 100 ? octet ^ 1 : octet));
  const bad: readonly (readonly [string, Uint8Array, string])[] = [
    ['altered', altered, 'P1_CRC_MISMATCH'],
    ['cut', good.subarray(0, 300), 'P1_FORMAT'],
    ['without CRC', telegramOf(row('dsmr-2.2-iskra')), 'P1_CRC_MISMATCH'],
    ['with an octet that is no text', good.map((octet, at) => (at === 50 ? 0x80 : octet)), 'P1_FORMAT'],
    ['without end', octetsOf(`/ISK5${'\r\n1-0:1.8.0(1*kWh)'.repeat(P1_TELEGRAM_MAX_BYTES / 18)}`), 'P1_FORMAT'],
  ];
  for (const [name, octets, code] of bad) {
    const codes = codesOf(heard('p1', concat([octets, good])));
    assert.equal(codes[0], code, name);
    assert.equal(codes.at(-1), 'telegram', name);
  }
});

test('a telegram begins with three letters, and holds what can be printed and line ends', () => {
  const isOne = (head: string, inside = '') =>
    codesOf(heard('p1-unchecked', octetsOf(`/${head}5\r\n\r\n1-0:1.8.0(${inside})\r\n!\r\n`))).includes('telegram');
  for (const head of ['AZa', 'zMm']) assert.ok(isOne(head), head);
  for (const bad of ['@', '[', '`', '{', '1', ' '])
    for (const head of [`${bad}AA`, `A${bad}A`, `AA${bad}`]) assert.ok(!isOne(head), head);
  for (const inside of [' ', '~', '\r', '\n', '"', '0']) assert.ok(isOne('ISK', inside), JSON.stringify(inside));
  for (const inside of ['\x1f', '\x7f', '\x0b', '/', '!']) assert.ok(!isOne('ISK', inside), JSON.stringify(inside));
});

test('the digits of a check are taken in capitals and small letters', () => {
  const telegram = new TextDecoder().decode(telegramOf(row('dsmr-5-iskra')));
  const end = telegram.indexOf('!');
  let letters = 0;
  for (let salt = 0; letters < 8; salt++) {
    const text = `${telegram.slice(0, end - 2)}\r\n1-0:1.8.9(${salt})\r\n!`;
    const made = p1Telegram(text, true);
    const check = new TextDecoder().decode(made.subarray(-6, -2));
    if (!/[AF]/.test(check)) continue;
    letters++;
    const small = concat([made.subarray(0, -6), octetsOf(`${check.toLowerCase()}\r\n`)]);
    assert.deepEqual(codesOf(heard('p1', small)), ['telegram'], check);
  }
});

test('times say summer and winter, and one that is none is not believed', () => {
  const at = (text: string) => {
    const { dateTime } = parseP1Telegram(octetsOf(`/ISK5\r\n\r\n0-0:1.0.0(${text})\r\n!`));
    return dateTime.length === 0 ? null : dateTimeText(dateTimeFromOctets(dateTime));
  };
  const summer = at('221030023000S');
  assert.notEqual(summer, at('221030023000W'));
  assert.match(summer ?? '', /2022-10-30/);
  assert.equal(at('2210300230'), null);
});

/** What the lines of a telegram say: code, value, scaler and unit, and when it was captured. */
function saidBy(...lines: readonly string[]): string[] {
  const { values } = parseP1Telegram(octetsOf(`/ISK5\r\n\r\n${lines.join('\r\n')}\r\n!`));
  return values.map(({ obis, value, scalerUnit, capturedAt }) => {
    const said = value.type === 'octet-string' ? toHex(value.value) : 'value' in value ? String(value.value) : '';
    const unit = scalerUnit === null ? '' : ` ${scalerUnit.scaler}/${scalerUnit.unit}`;
    return `${obis} ${value.type} ${said}${unit}${capturedAt === null ? '' : ` at ${toHex(capturedAt)}`}`;
  });
}

test('what a line says: decimals with a unit, octets of identifiers, anything else as its text', () => {
  for (const [line, ...says] of [
    ['1-0:1.8.1(000671.578*kWh)', '1-0:1.8.1*255 long64 671578 0/30'],
    ['0-0:96.14.0(0002)', '0-0:96.14.0*255 long64 2 0/255'],
    ['0-0:96.1.1(4B38)', '0-0:96.1.1*255 octet-string 4b38'],
    ['0-0:96.13.0()', '0-0:96.13.0*255 null-data '],
    ['0-0:96.13.0(4B)', '0-0:96.13.0*255 visible-string 4B'],
    ['0-0:96.1.1(4B38*kWh)', '0-0:96.1.1*255 visible-string 4B38*kWh'],
    ['0-0:97.1.0(4B38)', '0-0:97.1.0*255 visible-string 4B38'],
    ['1-3:0.2.8(5042)', '1-3:0.2.8*255 octet-string 5042'],
    ['1-3:0.2.9(5042)', '1-3:0.2.9*255 long64 5042 0/255'],
    ['1-3:0.3.8(5042)', '1-3:0.3.8*255 long64 5042 0/255'],
    ['1-3:1.2.8(5042)', '1-3:1.2.8*255 long64 5042 0/255'],
    ['1-0:1.8.0(1*furlong)', '1-0:1.8.0*255 visible-string 1*furlong'],
    ['1-0:1.8.0(abc)', '1-0:1.8.0*255 visible-string abc'],
    ['X(1)'],
  ] as const)
    assert.deepEqual(saidBy(line), says, line);
});

test('a value behind a time was captured then; lists are one text', () => {
  const winter = '07e10102ff100a0500800000';
  for (const [line, says] of [
    ['0-1:24.2.1(170102161005W)(00000.107*m3)', `0-1:24.2.1*255 long64 107 -3/13 at ${winter}`],
    ['0-1:24.2.1(170102161005S)(1*m3)', `0-1:24.2.1*255 long64 1 0/13 at ${winter.slice(0, -2)}80`],
    ['0-1:24.2.1(170102161005)(1*m3)', `0-1:24.2.1*255 long64 1 0/13 at ${winter.slice(0, -2)}ff`],
    ['0-1:24.2.1(170102161005W)(1*m3)(2*m3)', '0-1:24.2.1*255 visible-string (170102161005W)(1*m3)(2*m3)'],
    ['1-0:99.97.0(2)(0-0:96.7.19)', '1-0:99.97.0*255 visible-string (2)(0-0:96.7.19)'],
  ] as const)
    assert.deepEqual(saidBy(line), [says], line);
});

test('hourly values of a sub-meter: each channel with its own code and unit, all with the time of the line', () => {
  const head = '(121030140000)(00)(60)';
  const at = 'at 07dc0a1eff0e0000008000ff';
  assert.deepEqual(saidBy(`0-1:24.3.0${head}(1)(0-1:24.2.1)(m3)`, '(00024.123)'), [
    `0-1:24.2.1*255 long64 24123 -3/13 ${at}`,
  ]);
  assert.deepEqual(saidBy(`0-1:24.3.0${head}(2)(0-1:24.2.1)(m3)(0-1:24.4.1)(kWh)`, '(1)(2)'), [
    `0-1:24.2.1*255 long64 1 0/13 ${at}`,
    `0-1:24.4.1*255 long64 2 3/30 ${at}`,
  ]);
  assert.deepEqual(saidBy(`0-1:24.3.0${head}(1)(gas)(m3)`, '(1)'), [], 'a channel without a code has no register');
  for (const [address, fields] of [
    ['0-1:24.3.0', `${head}(0)`],
    ['0-1:24.4.0', `${head}(1)(0-1:24.2.1)(m3)(1)`],
    ['0-1:25.3.0', `${head}(1)(0-1:24.2.1)(m3)(1)`],
  ] as const)
    assert.deepEqual(saidBy(`${address}${fields}`), [`${address}*255 visible-string ${fields}`]);
});

test('the clock is found behind lines that have no code, and is no value', () => {
  assert.deepEqual(saidBy('X(1)', '1-0:1.8.1(1*kWh)', '0-0:1.0.0(170102161005W)'), ['1-0:1.8.1*255 long64 1 3/30']);
});

test('a telegram goes from its mark to the end mark behind its first line', () => {
  for (const text of ['', 'ISK5\r\n!', '/ISK5', '/ISK5!', '/ISK5!\r\n', '/ISK5\r\n', '!/ISK5\r\n'])
    assert.match(
      detailOf(() => parseP1Telegram(octetsOf(text))),
      /^DLMS_DATA_LINE offset 0: /,
      text,
    );
  assert.deepEqual(parseP1Telegram(octetsOf('/ISK5\r\n!')).values, []);
});

test('lines are told with the offset at which they are none', () => {
  const wrong = (line: string) => detailOf(() => parseP1Telegram(octetsOf(`/ISK5\r\n\r\n${line}\r\n!`)));
  assert.equal(wrong('1-0:1.8.0'), 'DLMS_DATA_LINE offset 18: no bracket follows the address');
  assert.equal(wrong('1-0:1.8.0(1*kWh'), 'DLMS_DATA_LINE offset 24: a bracket is not closed');
  assert.equal(wrong('1-0:1.8.0(1)2'), 'DLMS_DATA_LINE offset 21: an opening bracket was expected');
  assert.equal(wrong('1-0:1.8.0(1(2)'), 'DLMS_DATA_LINE offset 18: a bracket opens in a value');
  assert.equal(wrong('(1)'), 'DLMS_DATA_LINE offset 9: a value stands in front of the first address');
  assert.match(wrong(`1-0:1.8.0${'(1)'.repeat(257)}`), /more than 256 values/);
  assert.match(
    detailOf(() => parseP1Telegram(octetsOf('ISK5'))),
    /from \/ to !/,
  );
});

test('lines that are written are read again', () => {
  const field = fc.record(
    {
      value: fc.stringMatching(/^[A-Za-z0-9.:-]{0,12}$/),
      unit: fc.option(fc.constantFrom('kWh', 'm3', 'V', '')),
    },
    { noNullPrototype: true },
  );
  const line = fc.record(
    {
      address: fc.stringMatching(/^[0-9A-Z:.-]{1,16}$/),
      fields: fc.array(field, { minLength: 1, maxLength: 5 }),
    },
    { noNullPrototype: true },
  );
  fc.assert(
    fc.property(fc.array(line, { maxLength: 8 }), (lines) => {
      assert.deepEqual(parseDataLines(lines.map(dataLineText).join('\r\n')), lines);
    }),
  );
});

test('decimals keep every digit, and an unknown unit is not guessed', () => {
  assert.deepEqual(scaledValueOf('000671.578', 'kWh'), {
    value: { type: 'long64', value: 671_578n },
    scalerUnit: { scaler: 0, unit: 30 },
  });
  assert.deepEqual(scaledValueOf('-01.5', 'V')?.scalerUnit, { scaler: -1, unit: 35 });
  assert.deepEqual(scaledValueOf('00013', null)?.scalerUnit, { scaler: 0, unit: 255 });
  for (const [text, unit] of [
    ['1', 'furlong'],
    ['1', 'kfurlong'],
    ['1', 'xWh'],
    ['-9999999999999999.999', 'Wh'],
    ['1e3', 'kWh'],
    ['12345678901234567', 'Wh'],
    ['9999999999999999.999', 'Wh'],
    ['', 'V'],
  ] as const)
    assert.equal(scaledValueOf(text, unit), null, `${text} ${unit}`);
  for (const [unit, scaler, code] of [
    ['MWh', 6, 30],
    ['GWh', 9, 30],
    ['mA', -3, 33],
    ['m3', 0, 13],
    ['m³', 0, 13],
    ['kVArh', 3, 32],
  ] as const)
    assert.deepEqual(scaledValueOf('1', unit)?.scalerUnit, { scaler, unit: code }, unit);
  assert.equal(scaledValueOf('9223372036854775.807', 'Wh')?.value.type, 'long64');
  assert.equal(scaledValueOf('9223372036854775.808', 'Wh'), null);
  const plain = { width: 5, places: 0, isKilo: false };
  for (const [integer, scaler, form, said] of [
    [-15, -1, { ...plain, places: 1 }, { value: '-0001.5', unit: 'V' }],
    [-15, 1, plain, { value: '-00150', unit: 'V' }],
    [15, 0, plain, { value: '00015', unit: 'V' }],
    [159, -1, plain, { value: '00015', unit: 'V' }],
    [0, 0, plain, { value: '00000', unit: 'V' }],
  ] as const)
    assert.deepEqual(decimalText(integer, { scaler, unit: 35 }, form), said);
  const text = decimalText(671_578, { scaler: 0, unit: 30 }, { width: 9, places: 3, isKilo: true });
  assert.deepEqual(text, { value: '000671.578', unit: 'kWh' });
});

test('what hangs on M-Bus is told by its identifier, whatever its channel; what nobody knows stays with the meter', () => {
  const telegram = parseP1Telegram(telegramOf(row('emucs-1.7.1-form')));
  const parts = partsOfTelegram(telegram, ['8SAE1234567', '7FLO2120001', 'somebody']);
  assert.deepEqual(
    parts.get('8SAE1234567')?.map(({ obis }) => obis),
    ['0-1:24.1.0*255', '0-1:96.1.1*255', '0-1:24.2.1*255'],
  );
  assert.equal(parts.get('7FLO2120001')?.length, 3);
  assert.equal(parts.has('somebody'), false);
  assert.ok(parts.get(null)?.every(({ obis }) => !/^0-[1-9]/.test(obis)));
  assert.deepEqual(partsOfTelegram(telegram, []).get(null), telegram.values);
});

test('a sub-meter is known by 0-n:96.1.0 or 0-n:96.1.1 of its channel and by no other object', () => {
  const value = (obis: string, text: string): TelegramValue => ({
    ...{ obis: parseObis(obis), value: { type: 'visible-string', value: text }, scalerUnit: null, capturedAt: null },
  });
  const partOf = (named: TelegramValue) => {
    const values = [named, value('0-3:24.2.1', '1')];
    return partsOfTelegram({ dateTime: new Uint8Array(0), values }, ['ID', '']).has('ID');
  };
  for (const [obis, isKnown] of [
    ['0-3:96.1.0', true],
    ['0-3:96.1.1', true],
    ['0-3:96.1.2', false],
    ['0-3:96.2.0', false],
    ['0-3:97.1.0', false],
    ['0-0:96.1.0', false],
    ['1-3:96.1.0', false],
  ] as const)
    assert.equal(partOf(value(obis, 'ID')), isKnown, obis);
  const octets = { ...value('0-3:96.1.0', ''), value: { type: 'octet-string', value: octetsOf('ID') } } as const;
  const none = { ...octets, value: { type: 'null-data' } } as const;
  assert.deepEqual([partOf(octets), partOf(none)], [true, false]);
});

test('the body of a notification that says the same: time and status only where the value has them', () => {
  const plain: TelegramValue = {
    ...{ obis: parseObis('1-0:1.8.0'), value: { type: 'long64', value: 1n }, scalerUnit: null, capturedAt: null },
  };
  const capturedAt = new Uint8Array(12);
  const status = Uint8Array.of(7);
  const said = (changes: Partial<TelegramValue>) => {
    const body = telegramBody([{ ...plain, ...changes }]);
    const [item] = body.type === 'structure' ? body.value : [];
    return item?.type === 'structure' ? item.value.slice(2) : [];
  };
  const nothing = { type: 'null-data' };
  const at = { type: 'octet-string', value: capturedAt };
  const with_ = { type: 'octet-string', value: status };
  assert.deepEqual(said({}), [nothing]);
  assert.deepEqual(said({ capturedAt }), [nothing, at]);
  assert.deepEqual(said({ status }), [nothing, nothing, with_]);
  assert.deepEqual(said({ capturedAt, status }), [nothing, at, with_]);
  assert.deepEqual(said({ scalerUnit: { scaler: -1, unit: 30 } })[0]?.type, 'structure');
});
