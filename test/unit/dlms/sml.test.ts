import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { concat, fromHex, toHex } from '../../../src/base/bytes.ts';
import { crc16Kermit } from '../../../src/base/crc.ts';
import { dateTimeFromOctets, dateTimeText } from '../../../src/dlms/cosem/datetime.ts';
import { parseObis } from '../../../src/dlms/cosem/obis.ts';
import { SML_FILE_MAX_BYTES } from '../../../src/dlms/frame/limits.ts';
import { type PushEvent, PushMachine } from '../../../src/dlms/frame/push.machine.ts';
import { smlContent, smlFrame } from '../../../src/dlms/frame/sml-frame.ts';
import { SML_DEPTH_MAX, SML_ELEMENTS_MAX } from '../../../src/dlms/limits.ts';
import { parseSmlTelegram } from '../../../src/dlms/telegram/sml.ts';
import { type SmlList, smlFile } from '../../../src/dlms/telegram/sml-file.ts';
import { readSmlNodes, type SmlNode, type SmlValue, writeSmlValues } from '../../../src/dlms/telegram/sml-node.ts';
import { refusal } from '../../support/refusal.ts';

const SERVER_ID = fromHex('0a014457540000989681');
const ENERGY = parseObis('1-0:1.8.0');

function list(changes: Partial<SmlList> = {}): SmlList {
  return {
    number: 7,
    serverId: SERVER_ID,
    time: { kind: 'seconds-index', s: 23_665_856 },
    entries: [
      {
        obis: ENERGY,
        value: { kind: 'integer', value: 440_659n, octets: 8 },
        scalerUnit: { scaler: -1, unit: 30 },
        status: { kind: 'unsigned', value: 0x1c8104n, octets: 3 },
      },
      {
        obis: parseObis('1-0:16.7.0'),
        value: { kind: 'integer', value: -1_837n, octets: 2 },
        scalerUnit: { scaler: 0, unit: 27 },
      },
    ],
    ...changes,
  };
}

/** What a port tells of octets that come in pieces, and of the silence behind them. */
function heard(octets: Uint8Array, pieceBytes = Math.max(1, octets.length)): PushEvent[] {
  const machine = new PushMachine({ framing: 'sml' });
  const events: PushEvent[] = [];
  for (let at = 0; at < octets.length; at += pieceBytes)
    events.push(...machine.receive(octets.subarray(at, at + pieceBytes), 0));
  return [...events, ...machine.tick(10_000)];
}

const codesOf = (events: readonly PushEvent[]) =>
  events.map((event) => (event.kind === 'discarded' ? event.code : event.kind));

const timeOf = (frame: Uint8Array) => {
  const { dateTime } = parseSmlTelegram(frame);
  return dateTime.length === 0 ? null : dateTimeText(dateTimeFromOctets(dateTime));
};

test('a file in its octets, and what it tells', () => {
  const frame = smlFile(list({ entries: list().entries.slice(0, 1) }));
  // Made with another program.
  const messages = [
    '760500000007620062007263010176010105000000070b0a014457540000989681010163d1c700',
    '760500000008620062007263070177010b0a014457540000989681017262016501691cc07177070100010800ff641c810401621e52ff59000000000006b953010101631cf300',
    '760500000009620062007263020171016320f100',
  ];
  assert.equal(toHex(frame), `1b1b1b1b01010101${messages.join('')}0000001b1b1b1b1a03cfe9`);
  const { dateTime, values } = parseSmlTelegram(frame);
  assert.equal(dateTime.length, 0, 'a count of seconds is no time');
  assert.deepEqual(
    values.map(({ obis, value, scalerUnit, status }) => [obis, value, scalerUnit, status && toHex(status)]),
    [
      ['1-0:0.0.9*255', { type: 'octet-string', value: SERVER_ID }, null, undefined],
      ['1-0:1.8.0*255', { type: 'long64', value: 440_659n }, { scaler: -1, unit: 30 }, '1c8104'],
    ],
  );
});

test('times: a timestamp is one, a local one too; counts of seconds under the wrong name are none', () => {
  const at = (s: number) => timeOf(smlFile(list({ time: { kind: 'timestamp', s } })));
  assert.match(at(1_793_491_200) ?? '', /^2026-11-01 00:00:00/);
  assert.equal(at(86_400), null);
  assert.equal(timeOf(smlFile(list({ time: null }))), null);
  // Seconds since 1970, minutes of the zone, minutes of summer.
  const local = (parts: string) => timeOf(smlFrame(fromHex(`760101017263070177010101${parts}7001010100`)));
  assert.match(local('72620373656ae6810053003c53003c') ?? '', /^2026-11-01 02:00:00/);
  assert.equal(local('726203736500000000530000530000'), null);
});

test('any split of files with noise and cut ones between gives the same events, and no octet is lost', () => {
  const whole = smlFile(list());
  const part = fc.oneof(
    fc.constant(whole),
    fc.nat({ max: whole.length }).map((end) => whole.subarray(0, end)),
    fc.nat({ max: whole.length }).map((from) => whole.subarray(from)),
    fc.uint8Array({ maxLength: 40 }),
    fc.array(fc.constantFrom(0x1b, 0x01, 0x1a, 0x00), { maxLength: 40 }).map((octets) => Uint8Array.from(octets)),
  );
  fc.assert(
    fc.property(fc.array(part, { maxLength: 6 }), fc.integer({ min: 1, max: 300 }), (parts, pieceBytes) => {
      const stream = concat(parts);
      const events = heard(stream);
      assert.deepEqual(heard(stream, pieceBytes), events);
      assert.deepEqual(concat(events.map((event) => ('octets' in event ? event.octets : new Uint8Array(0)))), stream);
    }),
    { numRuns: 300 },
  );
});

test('whatever the messages hold, escapes among it, comes out of the frame as it went in', () => {
  const octet = fc.oneof({ weight: 4, arbitrary: fc.constant(0x1b) }, { weight: 1, arbitrary: fc.nat({ max: 255 }) });
  fc.assert(
    fc.property(fc.array(octet, { maxLength: 60 }), (octets) => {
      // Messages end with 00.
      const content = Uint8Array.from([...octets, 0]);
      const frame = smlFrame(content);
      assert.equal(frame.length % 4, 0);
      assert.deepEqual(heard(frame, 5), [{ kind: 'telegram', octets: frame }]);
      assert.deepEqual(smlContent(frame), content);
    }),
    { numRuns: 500 },
  );
});

test('four octets 1B that were not doubled are content where they can be nothing else', () => {
  const doubled = smlFrame(fromHex('051b1b1b1b00'));
  const plain = concat([doubled.subarray(0, 9), doubled.subarray(13)]);
  assert.deepEqual(smlContent(plain), fromHex('051b1b1b1b00'));
});

test('escapes are doubled from the first octet on', () => {
  const start = '1b1b1b1b01010101';
  assert.match(toHex(smlFrame(fromHex('1b1b1b1b00'))), new RegExp(`^${start}1b1b1b1b1b1b1b1b00000000`));
  assert.match(toHex(smlFrame(fromHex('1b1b1b00'))), new RegExp(`^${start}1b1b1b001b1b1b1b1a00`));
});

test('what cannot become a file is told at once, without waiting for a silence', () => {
  const atOnce = (octets: Uint8Array) => codesOf(new PushMachine({ framing: 'sml' }).receive(octets, 0));
  for (const bad of ['1b1b1b00', '1b1b1b1b01010102', '1b1b1b1b00'])
    assert.equal(atOnce(concat([fromHex(bad), smlFile(list())])).at(-1), 'telegram', bad);
  const endless = (octets: number) => concat([smlFile(list()).subarray(0, 8), new Uint8Array(octets - 8)]);
  assert.deepEqual(atOnce(endless(SML_FILE_MAX_BYTES - 1)), []);
  assert.equal(atOnce(endless(SML_FILE_MAX_BYTES))[0], 'SML_FORMAT');
});

test('a list: scalers, units, times and names at their bounds', () => {
  const values = (changes: Partial<SmlList>) =>
    parseSmlTelegram(smlFile(list(changes))).values.map(
      ({ obis, value, scalerUnit }) => [obis, value, scalerUnit] as const,
    );
  const entry = (changes: Partial<SmlList['entries'][number]>) =>
    values({ entries: [{ obis: ENERGY, value: { kind: 'integer', value: 1n, octets: 1 }, ...changes }] }).slice(1);
  for (const scalerUnit of [
    { scaler: -128, unit: 0 },
    { scaler: 127, unit: 255 },
  ])
    assert.deepEqual(entry({ scalerUnit })[0]?.[2], scalerUnit);
  assert.deepEqual(entry({})[0]?.[2], null);
  for (const [value, data] of [
    [
      { kind: 'boolean', value: true },
      { type: 'boolean', value: true },
    ],
    [
      { kind: 'boolean', value: false },
      { type: 'boolean', value: false },
    ],
    [
      { kind: 'unsigned', value: 1n, octets: 1 },
      { type: 'long64-unsigned', value: 1n },
    ],
    [
      { kind: 'octets', value: Uint8Array.of(7) },
      { type: 'octet-string', value: Uint8Array.of(7) },
    ],
  ] as const)
    assert.deepEqual(entry({ value })[0]?.[1], data);
  assert.deepEqual(entry({ value: { kind: 'octets', value: new Uint8Array(0) } }), [], 'a value that is not there');
  assert.deepEqual(entry({ value: { kind: 'list', items: [] } }), [], 'a list is no value');
  assert.equal(entry({ obis: parseObis('15-0:1.8.0') }).length, 1);
  assert.equal(entry({ obis: parseObis('16-0:1.8.0') }).length, 0, 'of a maker');
  for (const name of ['1-0:0.0.9', '1-0:96.1.0'])
    assert.equal(
      values({ entries: [{ obis: parseObis(name), value: { kind: 'octets', value: SERVER_ID } }] }).length,
      1,
    );
  assert.equal(values({ serverId: new Uint8Array(0), entries: [] }).length, 0);
  const at = (s: number) => timeOf(smlFile(list({ time: { kind: 'timestamp', s } })));
  assert.match(at(1_262_304_000) ?? '', /^2010-01-01 00:00:00/);
  assert.equal(at(1_262_303_999), null);
});

test('a local time is the timestamp with what its zone and its season are ahead, up to a day', () => {
  const local = (offset: string, season: string) =>
    timeOf(smlFrame(fromHex(`76010101726307017701010172620373656ae68100${offset}${season}7001010100`)));
  assert.match(local('53003c', '530000') ?? '', /^2026-11-01 01:00:00/);
  assert.match(local('5305a0', '530000') ?? '', /^2026-11-02 00:00:00/);
  assert.match(local('53fa60', '530000') ?? '', /^2026-10-31 00:00:00/);
  assert.equal(local('5305a1', '530000'), null);
  assert.equal(local('53fa5f', '530000'), null);
});

test('a file that was altered, cut, or is too long is none, and the next one is found', () => {
  const good = smlFile(list());
  const long = concat([good.subarray(0, 8), new Uint8Array(SML_FILE_MAX_BYTES)]);
  for (const [name, octets, code] of [
    ['altered', good.map((octet, at) => (at === 40 ? octet ^ 1 : octet)), 'SML_CRC_MISMATCH'],
    ['cut', good.subarray(0, 60), 'SML_FORMAT'],
    ['with too much fill', concat([good.subarray(0, -3), Uint8Array.of(4, 0, 0)]), 'SML_FORMAT'],
    ['without end', long, 'SML_FORMAT'],
  ] as const) {
    const codes = codesOf(heard(concat([octets, good])));
    assert.equal(codes[0], code, name);
    assert.equal(codes.at(-1), 'telegram', name);
  }
});

test('the check without its inversions, as meters of one maker make it, is taken', () => {
  const good = smlFile(list());
  const crc = crc16Kermit(good.subarray(0, -2));
  const other = concat([good.subarray(0, -2), Uint8Array.of(crc & 0xff, crc >>> 8)]);
  assert.equal(crc16Kermit(new TextEncoder().encode('123456789')), 0x2189);
  assert.deepEqual(codesOf(heard(other)), ['telegram']);
});

const octets: fc.Arbitrary<SmlValue> = fc.uint8Array({ maxLength: 40 }).map((value) => ({ kind: 'octets', value }));
const number: fc.Arbitrary<SmlValue> = fc
  .record({ kind: fc.constantFrom('integer', 'unsigned'), octets: fc.integer({ min: 1, max: 8 }), value: fc.bigInt() })
  .map(({ kind, value, octets: count }) => {
    const cut = kind === 'integer' ? BigInt.asIntN(8 * count, value) : BigInt.asUintN(8 * count, value);
    return { kind, value: cut, octets: count } as SmlValue;
  });
const { value: anyValue } = fc.letrec<{ value: SmlValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: SML_DEPTH_MAX, depthSize: 'small' },
    octets,
    number,
    fc.boolean().map((value) => ({ kind: 'boolean', value }) as SmlValue),
    fc.constant({ kind: 'end' } as SmlValue),
    fc.array(tie('value'), { maxLength: 20 }).map((items) => ({ kind: 'list', items }) as SmlValue),
  ),
}));

function withoutOffset(node: SmlNode): SmlValue {
  const { offset: _, ...rest } = node;
  return rest.kind === 'list' ? { kind: 'list', items: rest.items.map(withoutOffset) } : rest;
}

test('elements that are written are read again', () => {
  fc.assert(
    fc.property(fc.array(anyValue, { maxLength: 6 }), (values) => {
      assert.deepEqual(readSmlNodes(writeSmlValues(values)).map(withoutOffset), values);
    }),
  );
});

test('a number that its octets cannot hold is not written, the ends of what they hold are', () => {
  for (const [kind, value, octets, hex] of [
    ['integer', 127n, 1, '527f'],
    ['integer', -128n, 1, '5280'],
    ['unsigned', 255n, 1, '62ff'],
    ['unsigned', 2n ** 64n - 1n, 8, '69ffffffffffffffff'],
  ] as const)
    assert.equal(toHex(writeSmlValues([{ kind, value, octets }])), hex);
  for (const [kind, value] of [
    ['integer', 128n],
    ['integer', -129n],
    ['unsigned', 256n],
    ['unsigned', -1n],
  ] as const)
    assert.throws(() => writeSmlValues([{ kind, value, octets: 1 }]), RangeError);
});

test('a length takes as many octets as it needs, and is read in up to four', () => {
  for (const [octets, head] of [
    [14, '0f'],
    [15, '8101'],
    [253, '8f0f'],
    [254, '818001'],
  ] as const) {
    const written = writeSmlValues([{ kind: 'octets', value: new Uint8Array(octets) }]);
    assert.equal(toHex(written), head + '00'.repeat(octets));
  }
  assert.deepEqual(readSmlNodes(fromHex('80808005aa')).map(withoutOffset), [
    { kind: 'octets', value: Uint8Array.of(0xaa) },
  ]);
});

test('elements are refused with the offset and the reason', () => {
  const wrong = (hex: string) => refusal(() => readSmlNodes(fromHex(hex)));
  assert.equal(wrong('62006512'), 'DLMS_SML offset 3: the octets end, 4 were wanted and 1 are left');
  assert.equal(wrong('1101'), 'DLMS_SML offset 0: type 1 does not exist');
  assert.equal(wrong('4301ff'), 'DLMS_SML offset 0: a boolean of 2 octets');
  assert.equal(wrong('5a000000000000000000'), 'DLMS_SML offset 0: a number of 9 octets');
  assert.equal(wrong('61'), 'DLMS_SML offset 0: a number of 0 octets');
  assert.equal(wrong('60'), 'DLMS_SML offset 0: a length of 0 has no room for itself');
  assert.equal(wrong('8101'), 'DLMS_SML offset 2: the octets end, 15 were wanted and 0 are left');
  assert.equal(wrong('f0808080'.padEnd(10, '0')), 'DLMS_SML offset 0: a length of more than 4 octets');
  assert.equal(wrong('7f00'), 'DLMS_SML offset 0: a list of 15 elements has no room');
  assert.equal(
    wrong('71'.repeat(SML_DEPTH_MAX + 2)),
    `DLMS_SML offset ${SML_DEPTH_MAX}: lists are nested deeper than ${SML_DEPTH_MAX}`,
  );
  assert.match(wrong('00'.repeat(SML_ELEMENTS_MAX + 1)), new RegExp(`offset ${SML_ELEMENTS_MAX}: more than`));
});

test('files whose elements are not those of a list are refused with the offset and the reason', () => {
  const wrong = (hex: string) => refusal(() => parseSmlTelegram(smlFrame(fromHex(hex))));
  assert.equal(wrong('6200'), 'DLMS_SML offset 0: a message is no list');
  assert.equal(wrong('7101'), 'DLMS_SML offset 0: a message has 1 elements, 6 were expected');
  assert.equal(wrong('760101017201010100'), 'DLMS_SML offset 4: the body of a message says not what it is');
  const body = (items: string) => `760101017263070177${items}0100`;
  assert.equal(wrong(body('01010101010101')), 'DLMS_SML offset 13: the values of a list are no list');
  assert.equal(wrong(body('0101010171010101')), 'DLMS_SML offset 14: an entry is no list');
  assert.equal(
    wrong(body('010101017177010101010101010101')),
    'DLMS_SML offset 15: the name of an entry is no OBIS code',
  );
  const entry = (fields: string) => body(`010101017177070100010800ff${fields}010101`);
  assert.match(wrong(entry('010163012c016201')), /offset 24: unit 300 does not exist/);
  assert.match(wrong(entry('0101015301016201')), /offset 25: a scaler of 257/);
});
