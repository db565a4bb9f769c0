/** Orders to read again and their results, as octets. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create, toBinary } from '@bufbuild/protobuf';
import type { MeterId } from '../../../src/model/ids.ts';
import { REREAD_OUTCOMES, type RereadOrder } from '../../../src/model/reread.ts';
import {
  decodeCollectorMessage,
  decodeEdgeMessage,
  encodeCollectorMessage,
  encodeEdgeMessage,
} from '../../../src/wire/codec.ts';
import { CollectorMessageSchema, EdgeMessageSchema } from '../../../src/wire/gen/deltawatt_pb.ts';
import { GROUP_MAX_COLUMNS, REREAD_ID_MAX_CHARACTERS, REREADS_MAX } from '../../../src/wire/limits.ts';

const ENVELOPE = {
  session: new Uint8Array(16).fill(1),
  term: new Uint8Array(12).fill(2),
  serverTimeMs: 1_780_000_000_000,
};
const ORDER: RereadOrder = {
  id: '2/403/1772504100040/m1/900/1-0:1.8.0*255',
  meterId: 'm1' as MeterId,
  intervalS: 900,
  obis: ['1-0:1.8.0*255', '1-0:2.8.0*255'],
  fromMs: 1_772_500_500_000,
  toMs: 1_772_504_100_000,
};

test('W-95 orders travel with meter, interval, columns, times and id, 1 to 32 in a message', () => {
  const orders = Array.from({ length: REREADS_MAX }, (_, at) => ({ ...ORDER, id: `${ORDER.id}/${at}` }));
  for (const sent of [[ORDER], orders]) {
    const octets = encodeCollectorMessage({ ...ENVELOPE, body: { kind: 'rereads', orders: sent } });
    assert.deepEqual(decodeCollectorMessage(octets), { ...ENVELOPE, body: { kind: 'rereads', orders: sent } });
    assert.ok(octets.length < 8 * 1024, `${octets.length} octets`);
  }
  const longest = {
    ...ORDER,
    id: 'x'.repeat(REREAD_ID_MAX_CHARACTERS),
    obis: Array.from({ length: GROUP_MAX_COLUMNS }, () => '255-255:255.255.255*255'),
    toMs: ORDER.fromMs,
  };
  const whole = encodeCollectorMessage({ ...ENVELOPE, body: { kind: 'rereads', orders: [longest] } });
  assert.deepEqual(decodeCollectorMessage(whole).body, { kind: 'rereads', orders: [longest] }, 'each at its bound');
  for (const wrong of [[], [...orders, ORDER]])
    assert.throws(() => encodeCollectorMessage({ ...ENVELOPE, body: { kind: 'rereads', orders: wrong } }), {
      code: 'WIRE_VALUE',
    });
});

test('W-97 results travel with id, outcome and number of intervals', () => {
  const results = REREAD_OUTCOMES.map((outcome, rows) => ({ id: `${rows}`, outcome, rows }));
  const octets = encodeEdgeMessage({ kind: 'rereads', results });
  assert.deepEqual(decodeEdgeMessage(octets), { kind: 'rereads', results });
  assert.throws(() => encodeEdgeMessage({ kind: 'rereads', results: [] }), { code: 'WIRE_VALUE' });
});

test('W-95 W-97 orders and results that are none are refused with a named error', () => {
  const { fromMs, toMs, ...rest } = ORDER;
  const wire = { ...rest, obis: [...ORDER.obis], fromMs: BigInt(fromMs), toMs: BigInt(toMs) };
  const wrong = [
    [],
    Array.from({ length: REREADS_MAX + 1 }, () => wire),
    [{ ...wire, id: '' }],
    [{ ...wire, id: 'x'.repeat(REREAD_ID_MAX_CHARACTERS + 1) }],
    [{ ...wire, meterId: 'no meter' }],
    [{ ...wire, intervalS: 0 }],
    [{ ...wire, obis: [] }],
    [{ ...wire, obis: [''] }],
    [{ ...wire, obis: ['1-0:1.8.0*255 and some more'] }],
    [{ ...wire, fromMs: wire.toMs + 1n }],
    [{ ...wire, toMs: 2n ** 60n }],
  ];
  for (const orders of wrong) {
    const { session, term, serverTimeMs } = ENVELOPE;
    const message = { case: 'rereads', value: { orders } } as const;
    const octets = toBinary(
      CollectorMessageSchema,
      create(CollectorMessageSchema, { session, term, serverTimeMs: BigInt(serverTimeMs), message }),
    );
    assert.throws(() => decodeCollectorMessage(octets), { code: 'WIRE_MALFORMED' }, JSON.stringify(orders[0]?.id));
  }
  for (const results of [[], [{ id: '' }], [{ id: 'a', outcome: REREAD_OUTCOMES.length }]]) {
    const message = { case: 'rereads', value: { results } } as const;
    const octets = toBinary(EdgeMessageSchema, create(EdgeMessageSchema, { message }));
    assert.throws(() => decodeEdgeMessage(octets), { code: 'WIRE_MALFORMED' });
  }
});
