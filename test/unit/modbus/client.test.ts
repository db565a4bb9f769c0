/** Frames, exceptions and values of Modbus. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { fromHex, toHex } from '../../../src/base/bytes.ts';
import { crc16Modbus } from '../../../src/base/crc.ts';
import { ModbusClient } from '../../../src/modbus/client.machine.ts';
import { isModbusError } from '../../../src/modbus/errors.ts';
import { decodeAnswer, decodeRequest, encodeAnswer, encodeRequest } from '../../../src/modbus/frame.ts';
import { modbusOctets, modbusRuns, readModbus } from '../../../src/profile/modbus-readout.ts';
import { parseProfileOrThrow } from '../../../src/profile/schema/parse.ts';
import { MODBUS_TYPES } from '../../../src/profile/schema/profile.ts';

const REQUEST = { unit: 17, function: 3, first: 107, count: 3 } as const;
const ANSWER = encodeAnswer('rtu', REQUEST, { registers: fromHex('022b00000064') }, 0);
const LINE = { framing: 'rtu', octetMs: 1, gapMs: 20, answerMs: 500 } as const;

function codeOf(run: () => unknown): string | null {
  try {
    run();
    return null;
  } catch (error) {
    assert.ok(isModbusError(error));
    return error.code;
  }
}

test('frames are those of the specification: CRC of "123456789", request and answer of RTU and TCP', () => {
  assert.equal(crc16Modbus(new TextEncoder().encode('123456789')), 0x4b37);
  assert.equal(toHex(encodeRequest('rtu', REQUEST, 0)), '1103006b00037687');
  assert.equal(toHex(encodeRequest('tcp', REQUEST, 5)), '0005000000061103006b0003');
  assert.equal(toHex(decodeAnswer('rtu', ANSWER, REQUEST, 0) ?? assert.fail()), '022b00000064');
});

test('what is written is read, whole only at its end, and an altered bit of RTU is no answer', () => {
  const requests = fc.record({
    unit: fc.integer({ min: 1, max: 247 }),
    function: fc.constantFrom(3 as const, 4 as const),
    first: fc.integer({ min: 0, max: 65_535 }),
    count: fc.integer({ min: 1, max: 125 }),
  });
  fc.assert(
    fc.property(requests, fc.constantFrom('rtu' as const, 'tcp' as const), fc.nat(), (request, framing, place) => {
      const sent = encodeRequest(framing, request, 9);
      const read = decodeRequest(framing, sent);
      assert.deepEqual({ ...read?.request }, { ...request });
      const registers = new Uint8Array(request.count * 2).fill(place);
      const answer = encodeAnswer(framing, request, { registers }, 9);
      assert.deepEqual(decodeAnswer(framing, answer, request, 9), registers);
      assert.equal(decodeAnswer(framing, answer.subarray(0, -1), request, 9), null);
      const altered = answer.map((octet, at) => (at === place % answer.length ? octet ^ (1 << (place % 8)) : octet));
      if (framing !== 'rtu') return;
      let taken: Uint8Array | null = null;
      assert.notEqual(
        codeOf(() => {
          taken = decodeAnswer(framing, altered, request, 9);
        }),
        taken === null ? 'taken' : null,
      );
      assert.equal(taken, null);
    }),
  );
});

test('exceptions have names, and each code of the room is reached', () => {
  const said = (exception: number) =>
    codeOf(() => decodeAnswer('rtu', encodeAnswer('rtu', REQUEST, { exception }, 0), REQUEST, 0));
  assert.deepEqual([1, 2, 3, 4, 6, 11, 77].map(said), [
    'MODBUS_ILLEGAL_FUNCTION',
    'MODBUS_ILLEGAL_ADDRESS',
    'MODBUS_ILLEGAL_VALUE',
    'MODBUS_DEVICE_FAILURE',
    'MODBUS_BUSY',
    'MODBUS_GATEWAY',
    'MODBUS_EXCEPTION',
  ]);
  const run = (answer: Uint8Array | null) => {
    const client = new ModbusClient(LINE);
    client.start([REQUEST], 0);
    let sent = 0;
    for (let nowMs = 0; nowMs < 10_000; nowMs = client.deadlineMs() ?? 10_000) {
      const events = client.tick(nowMs);
      if (events[0]?.kind === 'failed') return [events[0].error.code, sent];
      sent += client.takeOutput().length;
      if (answer !== null) client.receive(answer, nowMs);
    }
    return assert.fail('it has no end');
  };
  assert.deepEqual(run(null), ['MODBUS_NO_ANSWER', 3]);
  assert.deepEqual(run(Uint8Array.of(...ANSWER, 0)), ['MODBUS_FRAME', 3]);
});

test('a line that babbles without a pause keeps nobody for ever', () => {
  const client = new ModbusClient(LINE);
  client.start([REQUEST], 0);
  for (let nowMs = 1; nowMs < 10_000; nowMs++) {
    client.receive(Uint8Array.of(0x55), nowMs);
    const [end] = client.tick(nowMs);
    if (end === undefined) continue;
    assert.equal(end.kind === 'failed' ? end.error.code : end.kind, 'MODBUS_FRAME');
    return;
  }
  assert.fail('it has no end');
});

test('values of every type and word order come out as the device holds them; neighbours are asked for together', () => {
  const places = MODBUS_TYPES.flatMap((type) => ['high-first', 'low-first'].map((words) => ({ type, words })));
  const registers = places.map(
    ({ type, words }, at) =>
      `  - { name: v${at}, obis: 1-0:${at + 1}.8.0, exponent: 0, unit: Wh, valueClass: billing, periodS: 900, modbus: { register: ${at * 4}, type: ${type}, words: ${words} } }`,
  );
  const head = 'vendor: x\nmodel: y\ntitle: test\nmedium: electricity\nthrough: modbus\nregisters:\n';
  const profile = parseProfileOrThrow(`${head}${registers.join('\n')}\n`, 'x/y');
  const runs = modbusRuns(profile.registers);
  const u64s = profile.registers.filter(({ modbus }) => modbus?.type === 'u64');
  assert.deepEqual(
    runs.find(({ registers: of }) => of.includes(u64s[0] as never))?.registers.length,
    3,
    'two u64 and the float behind',
  );
  const value = (type: string | undefined) => (type?.startsWith('i') ? -1_234 : 1_234);
  const blocks = runs.map(({ registers: of }) =>
    Uint8Array.from(
      of.flatMap(({ modbus }) => (modbus === null ? [] : [...modbusOctets(modbus, 0, value(modbus.type))])),
    ),
  );
  const read = readModbus(profile, runs, blocks, { meterId: 'm' as never, timeZone: 'UTC', nowMs: 1 });
  assert.deepEqual(read.problems, []);
  const values = read.groups.flatMap(({ rows }) => rows.flatMap((row) => row.values)).map(Number);
  const wanted = runs.flatMap(({ registers: of }) => of.map(({ modbus }) => value(modbus?.type)));
  assert.deepEqual(values, wanted);
});
