/** What ASCII meters write: messages, times, read-outs and load profiles, each at the bounds of its form. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asciiProfileText, parseAsciiProfile } from '../../../../src/dlms/ascii/load-profile.ts';
import { asciiOctets, decodeAsciiMessage, encodeAsciiMessage } from '../../../../src/dlms/ascii/message.ts';
import { asciiClock, asciiMoment, asciiMomentText } from '../../../../src/dlms/ascii/moment.ts';
import { bareNumber, clockIn, identitiesIn, isCodeOf, parseReadOut } from '../../../../src/dlms/ascii/read-out.ts';
import { type CosemDateTime, dateTimeText } from '../../../../src/dlms/cosem/datetime.ts';
import { ASCII_MESSAGE_MAX_BYTES } from '../../../../src/dlms/frame/limits.ts';
import { refusal } from '../../../support/refusal.ts';

const textOf = (time: CosemDateTime | null) => (time === null ? null : dateTimeText(time));

test('a message begins at the first octet that can begin one, and is whole with its block check', () => {
  const data = String.fromCharCode(...encodeAsciiMessage({ kind: 'data', text: 'A', isPart: false }));
  for (const [octets, kind, used] of [
    ['', null, 0],
    ['noise', null, 0],
    ['x\x06\x15', 'acknowledge', 2],
    ['xy\x15\x06', 'repeat', 3],
    [`\x7f${data}\x06`, 'data', 5],
    ['\x02', null, 0],
    ['\x02A\x03', null, 0],
    ['\x02A\x04', null, 0],
    ['\x02A\x03B\x04', 'data', 4],
    ['\x02A\x04E\x03', 'data', 4],
    ['\x01B0\x03q', 'command', 5],
    ['\x01P0\x02()\x03`', 'command', 8],
  ] as const) {
    const found = decodeAsciiMessage(asciiOctets(octets));
    assert.deepEqual([found?.message.kind ?? null, found?.used ?? 0], [kind, used], JSON.stringify(octets));
  }
});

test('a message that is none is told with the offset at which it is not', () => {
  const wrong = (octets: string) => refusal(() => decodeAsciiMessage(asciiOctets(octets)));
  const checked = (octets: string) => {
    const check = [...octets.slice(1)].reduce((sum, each) => sum ^ each.charCodeAt(0), 0);
    return `..${octets}${String.fromCharCode(check)}`;
  };
  assert.equal(wrong('..\x02A\x03\x00'), 'IEC_CHECK offset 5: 0 stands where 66 was counted');
  assert.equal(wrong(checked('\x01P0\x04')), 'IEC_CHECK offset 5: a command ends with ETX');
  for (const body of ['', 'P', 'p0', 'PP', '0P', 'P0(', 'P0()\x02'])
    assert.equal(wrong(checked(`\x01${body}\x03`)), 'IEC_CHECK offset 3: no command begins like this', body);
});

test('a message without an end is waited for up to its bound, whatever noise stands in front', () => {
  const long = (octets: number) => asciiOctets(`noise\x02${'A'.repeat(octets - 1)}`);
  assert.equal(decodeAsciiMessage(long(ASCII_MESSAGE_MAX_BYTES)), null);
  assert.match(
    refusal(() => decodeAsciiMessage(long(ASCII_MESSAGE_MAX_BYTES + 1))),
    /^IEC_TOO_LONG offset 5: no end within/,
  );
});

test('times with and without points, seconds and season; what no calendar has is none', () => {
  const unknown = 0xff;
  for (const [text, ...means] of [
    ['2603010115', 2026, 3, 1, 1, 15, 0, null, unknown],
    ['26-03-01 01:15', 2026, 3, 1, 1, 15, 0, null, unknown],
    ['260301011559', 2026, 3, 1, 1, 15, 59, null, unknown],
    ['02603010115', 2026, 3, 1, 1, 15, 0, null, 0],
    ['1260301011559', 2026, 3, 1, 1, 15, 59, null, 0x80],
    ['22603010115', 2026, 3, 1, 1, 15, 0, 0, 0],
    ['2402290000', 2024, 2, 29, 0, 0, 0, null, unknown],
    ['2502290000'],
    ['2602280000', 2026, 2, 28, 0, 0, 0, null, unknown],
    ['2604300000', 2026, 4, 30, 0, 0, 0, null, unknown],
    ['2604310000'],
    ['2606310000'],
    ['2609310000'],
    ['2611310000'],
    ['2601310000', 2026, 1, 31, 0, 0, 0, null, unknown],
    ['2601320000'],
    ['2613010000'],
    ['2601012400'],
    ['32603010115'],
    ['260301011'],
    [''],
  ] as const) {
    const time = asciiMoment(text);
    const told = time && [
      time.year,
      time.month,
      time.day,
      time.hour,
      time.minute,
      time.second,
      time.deviation,
      time.status,
    ];
    assert.deepEqual(told ?? [], means, text);
  }
});

test('a date and a time of two lines are one moment, with the season of either', () => {
  const whole = (text: string) => textOf(asciiMoment(text));
  assert.equal(textOf(asciiClock('26-03-01', '01:15')), whole('2603010115'));
  assert.equal(textOf(asciiClock('260301', '011530')), whole('260301011530'));
  assert.equal(textOf(asciiClock('1260301', '0115')), whole('12603010115'));
  assert.equal(textOf(asciiClock('260301', '10115')), whole('12603010115'));
  assert.equal(textOf(asciiClock('1260301', '00115')), whole('02603010115'), 'the time of day knows better');
  for (const [date, time] of [
    ['', '0115'],
    ['260301', ''],
    ['26031', '0115'],
    ['260301', '31153'],
    ['3260301', '0115'],
  ] as const)
    assert.equal(asciiClock(date, time), null, `${date} ${time}`);
});

test('a moment is written in the digits that the meter takes: seconds from 12 on, a season where the number is odd', () => {
  const at = (status: number): CosemDateTime => ({
    ...{ year: 2026, month: 7, day: 1, weekday: null, hour: 2, minute: 3, second: 4, hundredths: 0 },
    ...{ deviation: null, status },
  });
  assert.deepEqual(
    ([10, 11, 12, 13] as const).map((digits) => asciiMomentText(at(0x80), digits)),
    ['2607010203', '12607010203', '260701020304', '1260701020304'],
  );
  assert.equal(asciiMomentText(at(0x00), 11), '02607010203');
  assert.equal(asciiMomentText(at(0x81), 11), '12607010203');
  assert.equal(asciiMomentText(at(0xff), 11), '02607010203', 'a season that is not known is no summer');
});

test('a code means an OBIS code when every group that is written agrees', () => {
  for (const [address, obis, means] of [
    ['1-0:1.8.0*255', '1-0:1.8.0*255', true],
    ['1-0:1.8.0', '1-0:1.8.0*255', true],
    ['1-0:1.8.0', '1-0:1.8.0', true],
    ['1.8.0', '1-0:1.8.0*255', true],
    ['1.8', '1-0:1.8.0*255', true],
    ['1.8', '1-0:1.8.255*255', true],
    ['1.8', '1-0:1.8.1*255', false],
    ['1.8.1', '1-0:1.8.0*255', false],
    ['1.8.0', '1-0:1.8.1*255', false],
    ['1.7.0', '1-0:1.8.0*255', false],
    ['2.8.0', '1-0:1.8.0*255', false],
    ['7-0:1.8.0', '1-0:1.8.0*255', false],
    ['1-1:1.8.0', '1-0:1.8.0*255', false],
    ['1.8.0*03', '1-0:1.8.0*3', true],
    ['1.8.0&03', '1-0:1.8.0*3', true],
    ['1.8.0*03', '1-0:1.8.0*255', false],
    ['1.8.0', '1-0:1.8.0*3', false],
    ['P.01', '1-0:1.8.0*255', false],
    ['F', '1-0:1.8.0*255', false],
  ] as const)
    assert.equal(isCodeOf(address, obis), means, `${address} ${obis}`);
});

test('a read-out ends with its last mark; it tells its numbers without zeros in front, and its clock', () => {
  const lines = parseReadOut(
    '0.0.0(0012345678)\r\nC.1(00AB!)\r\n96.5(1)\r\n0.9.2(26-03-01)\r\n0.9.1(01:15:30)\r\n!\r\n',
  );
  assert.equal(lines.length, 5);
  assert.deepEqual(parseReadOut('1.8.0(1*kWh)'), [{ address: '1.8.0', fields: [{ value: '1', unit: 'kWh' }] }]);
  assert.deepEqual(parseReadOut('!'), []);
  assert.deepEqual(identitiesIn(lines), ['12345678', 'AB!']);
  assert.deepEqual([' 007 ', '0', '00', 'A0'].map(bareNumber), ['7', '0', '0', 'A0']);
  assert.equal(textOf(clockIn(lines)), textOf(asciiMoment('260301011530')));
  const both = parseReadOut('0.9.4(2601020304)\r\n0.9.2(260301)\r\n0.9.1(0115)\r\n!');
  assert.equal(textOf(clockIn(both)), textOf(asciiMoment('2601020304')));
  assert.equal(clockIn(parseReadOut('0.9.1(0115)\r\n!')), null);
});

const head = (changes: Partial<Record<'status' | 'minutes' | 'count' | 'names', string>> = {}) => {
  const { status = '00', minutes = '15', count = '1', names = '(1.5.0)(kW)' } = changes;
  return `P.01(02603010000)(${status})(${minutes})(${count})${names}`;
};

test('a load profile: heads with their rows; answers without rows, empty lines and the end mark say nothing', () => {
  const two = head({ status: '80FF', minutes: '1440', count: '2', names: '(1.5.0)(kW)(2.5.0)(kvar)' });
  const text = `${head({ minutes: '1' })}\r\n(0.1)\r\n\r\n${two}\r\n(0.2)(0.3)\r\n(0.4)(0.5)\r\n!\r\n`;
  const parts = parseAsciiProfile(text);
  assert.deepEqual(parts, [
    {
      ...{ name: 'P.01', time: '02603010000', status: Uint8Array.of(0), intervalMin: 1 },
      channels: [{ id: '1.5.0', unit: 'kW' }],
      rows: [['0.1']],
    },
    {
      ...{ name: 'P.01', time: '02603010000', status: Uint8Array.of(0x80, 0xff), intervalMin: 1_440 },
      channels: [
        { id: '1.5.0', unit: 'kW' },
        { id: '2.5.0', unit: 'kvar' },
      ],
      rows: [
        ['0.2', '0.3'],
        ['0.4', '0.5'],
      ],
    },
  ]);
  assert.equal(
    asciiProfileText(parts),
    `${head({ minutes: '01' })}\r\n(0.1)\r\n${two}\r\n(0.2)(0.3)\r\n(0.4)(0.5)\r\n`,
  );
  for (const nothing of ['', '!', 'P.01()', 'P.01()()()', '()', '()\r\n'])
    assert.deepEqual(parseAsciiProfile(nothing), []);
});

test('a load profile is refused with the offset of the line and what is wrong with it', () => {
  const wrong = (line: string) => refusal(() => parseAsciiProfile(`\r\n${line}`));
  assert.equal(wrong('(1)'), 'DLMS_DATA_LINE offset 2: values stand in front of the first header');
  assert.equal(wrong('P.77x'), 'DLMS_DATA_LINE offset 7: no bracket follows the address');
  for (const minutes of ['', '0', '1441', '00001', '1.5', 'x'])
    assert.equal(wrong(head({ minutes })), `DLMS_DATA_LINE offset 2: an interval of '${minutes}' minutes`);
  for (const count of ['', '0', '33', '001', 'x'])
    assert.equal(wrong(head({ count })), `DLMS_DATA_LINE offset 2: '${count}' channels`);
  assert.equal(wrong(head({ count: '2' })), 'DLMS_DATA_LINE offset 2: 2 channels want 4 ids and units');
  for (const status of ['0', 'XY', '00'.repeat(9)])
    assert.equal(wrong(head({ status })), `DLMS_DATA_LINE offset 2: a status of '${status}'`);
  const most = head({ count: '32', names: '(1.5.0)(kW)'.repeat(32), status: 'aB'.repeat(8) });
  const [part] = parseAsciiProfile(most);
  assert.deepEqual([part?.channels.length, part?.status], [32, new Uint8Array(8).fill(0xab)]);
  assert.equal(parseAsciiProfile(head({ status: '' }))[0]?.status.length, 0);
});
