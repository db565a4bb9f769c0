/** Properties of the wired M-Bus codec: what is written is read again, and moments stand for themselves. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeLinkFrame, encodeLinkFrame, type MbusLinkFrame } from '../../src/mbus/frame.ts';
import { momentOctets, momentOf } from '../../src/mbus/moment.ts';
import { quantityOf, VIF_TABLES, vifFor } from '../../src/mbus/quantity.ts';
import { type MbusRecord, RECORD_FUNCTIONS } from '../../src/mbus/record.ts';
import { decodeTelegram, encodeTelegram } from '../../src/mbus/telegram.ts';

const PLAIN = { noNullPrototype: true } as const;
const octet = fc.integer({ min: 0, max: 255 });
const octets = (max: number) => fc.uint8Array({ maxLength: max });
const frames = fc.oneof(
  fc.constant<MbusLinkFrame>({ kind: 'acknowledge' }),
  fc.record({ kind: fc.constant('short' as const), control: octet, address: octet }, PLAIN),
  fc.record(
    { kind: fc.constant('long' as const), control: octet, address: octet, information: octet, data: octets(252) },
    PLAIN,
  ),
);

const fixed = fc
  .constantFrom(
    ...([
      [1, 1],
      [2, 2],
      [3, 3],
      [4, 4],
      [5, 4],
      [6, 6],
      [7, 8],
      [9, 1],
      [10, 2],
      [11, 3],
      [12, 4],
      [14, 6],
    ] as const),
  )
  .chain(([coding, length]) =>
    fc.record({
      coding: fc.constant<number>(coding),
      length: fc.constant(null),
      data: fc.uint8Array({ minLength: length, maxLength: length }),
    }),
  );
const variable = fc
  .uint8Array({ maxLength: 100 })
  .map((data) => ({ coding: 13, length: data.length as number | null, data }));
const records: fc.Arbitrary<MbusRecord> = fc
  .record({
    value: fc.oneof(fixed, variable),
    function: fc.constantFrom(...RECORD_FUNCTIONS),
    storage: fc.integer({ min: 0, max: 2 ** 41 - 1 }),
    tariff: fc.integer({ min: 0, max: 2 ** 20 - 1 }),
    subunit: fc.integer({ min: 0, max: 1023 }),
    code: fc.integer({ min: 0, max: 0x7b }),
    extensions: fc.array(fc.integer({ min: 0, max: 0x7f }), { maxLength: 10 }),
  })
  .map(({ value, code, extensions, ...which }) => {
    const chain = [code, ...extensions];
    const vif = chain.map((each, at) => (at < chain.length - 1 ? each | 0x80 : each));
    return { ...which, ...value, vif, unitText: null };
  });

test('a frame is read as it was written, whatever follows it, and is not whole before its last octet', () => {
  fc.assert(
    fc.property(frames, octets(8), (frame, rest) => {
      const sent = encodeLinkFrame(frame);
      assert.deepEqual(decodeLinkFrame(Uint8Array.of(...sent, ...rest)), { frame, used: sent.length });
      assert.equal(decodeLinkFrame(sent.subarray(0, -1)), null);
    }),
  );
});

test('records of every coding are read as they were written', () => {
  fc.assert(
    fc.property(fc.array(records, { maxLength: 5 }), fc.option(octets(10)), fc.boolean(), (list, tail, moreFollows) => {
      const identity = { number: '12345678', manufacturer: 0x2c2d, version: 1, deviceType: 7 };
      const makersData = moreFollows ? (tail ?? new Uint8Array(0)) : tail;
      const telegram = { identity, accessNumber: 3, status: 4, records: list, makersData, moreFollows };
      const { information, data } = encodeTelegram(telegram);
      assert.deepEqual(decodeTelegram(information, data), telegram);
    }),
  );
});

test('moments of the years 1981 to 2080 stand for themselves in types G, F and I', () => {
  const part = (max: number) => fc.integer({ min: 0, max });
  fc.assert(
    fc.property(
      fc.record({
        year: fc.integer({ min: 1981, max: 2080 }),
        month: fc.integer({ min: 1, max: 12 }),
        day: fc.integer({ min: 1, max: 28 }),
      }),
      fc.record({ hour: part(23), minute: part(59), second: part(59), isSummer: fc.boolean() }),
      (date, time) => {
        for (const moment of [
          { ...date, ...time },
          { ...date, ...time, second: null },
          { ...date, hour: null, minute: null, second: null, isSummer: false },
        ])
          assert.deepEqual(momentOf(momentOctets(moment)), moment);
      },
    ),
  );
});

test('the VIF of each quantity in the tables says that quantity', () => {
  for (const [table, runs] of Object.entries(VIF_TABLES))
    for (const { from, to } of runs)
      for (let code = from; code <= to; code++) {
        const quantity = quantityOf(table as keyof typeof VIF_TABLES, code);
        const vif = vifFor(quantity) ?? assert.fail(`${table} ${code}`);
        const again =
          vif.length === 1
            ? quantityOf('primary', vif[0] ?? 0)
            : quantityOf(vif[0] === 0xfb ? 'FB' : 'FD', vif[1] ?? 0);
        assert.deepEqual(again, quantity);
      }
});
