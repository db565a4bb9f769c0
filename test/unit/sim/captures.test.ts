import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { concat, toHex } from '../../../src/base/bytes.ts';
import type { ByteDuplex } from '../../../src/base/env.ts';
import { hasCode } from '../../../src/base/errors.ts';
import { PushMachine } from '../../../src/dlms/frame/push.machine.ts';
import { decodeApdu } from '../../../src/dlms/xdlms/codec.ts';
import { VirtualClock } from '../../../src/lab/virtual-clock.ts';
import { parseMeterId } from '../../../src/model/ids.ts';
import { readPush } from '../../../src/profile/push.ts';
import { type Capture, meterOfCapture, parseCaptures, playCaptures } from '../../../src/sim/captures.ts';
import { profileOf } from './world.ts';

const CAPTURES = parseCaptures(readFileSync(new URL('../../vectors/push-captures.json', import.meta.url)));
const PLAIN = CAPTURES.filter((capture) => !capture.ciphered);
const ROWS = JSON.parse(readFileSync(new URL('../../vectors/push-captures.json', import.meta.url), 'utf8')) as {
  id: string;
  expect: { messages: { readings?: { obis?: string; value?: number | string }[] }[] };
}[];
const OCTET_MS = 11_000 / 2400;

/** A duplex that keeps what is written, with the times. */
function tape(clock: VirtualClock) {
  const pieces: { atMs: number; octets: Uint8Array }[] = [];
  const duplex: ByteDuplex = {
    peer: 'tape',
    write: (octets) => {
      pieces.push({ atMs: clock.nowMs, octets: octets.slice() });
      return Promise.resolve();
    },
    listen: () => {},
    close: () => {},
  };
  return { duplex, pieces };
}

async function play(captures: readonly Capture[], seed: string, noise = true) {
  const timers = new VirtualClock();
  const env = { timers, clock: { nowMs: () => timers.nowMs, monotonicMs: () => timers.nowMs } };
  const { duplex, pieces } = tape(timers);
  let playing = true;
  const played = playCaptures(duplex, captures, env, { seed, octetMs: OCTET_MS, pauseMs: 1500, noise }).finally(() => {
    playing = false;
  });
  await timers.runWhile(() => playing, 3_600_000);
  await played;
  return pieces;
}

test('every plain capture, with noise between and cut anywhere, becomes every number that its vector expects', async () => {
  assert.ok(PLAIN.length >= 25, `${PLAIN.length} captures`);
  const pieces = await play(PLAIN, 'a');
  const machine = new PushMachine({ framing: 'auto' });
  const messages: Uint8Array[] = [];
  for (const { atMs, octets } of pieces) {
    for (const event of [...machine.tick(atMs), ...machine.receive(octets, atMs)]) {
      if (event.kind === 'unsolicited') messages.push(event.apdu);
    }
  }
  const seen = new Set<string>();
  const meterId = parseMeterId('m1') ?? assert.fail();
  for (const message of messages) {
    const apdu = decodeApdu(message);
    assert.equal(apdu.apdu, 'data-notification');
    if (apdu.apdu !== 'data-notification') continue;
    for (const key of new Set(PLAIN.map((capture) => meterOfCapture(capture.id)?.profile ?? ''))) {
      const read = readPush(profileOf(key), apdu, { meterId, timeZone: 'Europe/Oslo', nowMs: 0 });
      for (const { group, rows } of read.groups) {
        for (const [at, column] of group.columns.entries()) seen.add(`${column.obis} ${rows[0]?.values[at]}`);
      }
    }
  }
  let wanted = 0;
  for (const { id } of PLAIN) {
    const readings =
      ROWS.find((row) => row.id === id)?.expect.messages.flatMap((message) => message.readings ?? []) ?? [];
    for (const { obis, value } of readings) {
      if (obis === undefined || typeof value !== 'number') continue;
      wanted++;
      assert.ok(seen.has(`${obis.replace(/\.(\d+)$/, '*$1')} ${value}`), `${id} ${obis} ${value}`);
    }
  }
  assert.ok(wanted > 250, `${wanted} numbers`);
});

test('the line is kept to its pace', async () => {
  const [capture] = PLAIN.filter((row) => row.layer === 'hdlc');
  assert.ok(capture !== undefined);
  const pieces = await play([capture], 'b', false);
  const last = pieces.at(-1);
  assert.equal(toHex(concat(pieces.map((piece) => piece.octets))), toHex(capture.octets));
  const idealMs = capture.octets.length * OCTET_MS;
  assert.ok(Math.abs((last?.atMs ?? 0) - idealMs) < idealMs * 0.02, `${last?.atMs} ms, ${idealMs} at the line's rate`);
});

test('the same seed plays the same octets at the same times, another seed others', async () => {
  const textOf = (pieces: Awaited<ReturnType<typeof play>>) =>
    pieces.map((piece) => `${piece.atMs} ${toHex(piece.octets)}`).join('\n');
  const first = textOf(await play(PLAIN.slice(0, 4), 'c'));
  assert.equal(textOf(await play(PLAIN.slice(0, 4), 'c')), first);
  assert.notEqual(textOf(await play(PLAIN.slice(0, 4), 'd')), first);
});

test('every capture has a profile; rows that are none are refused', () => {
  for (const capture of PLAIN) assert.ok(meterOfCapture(capture.id) !== null, capture.id);
  assert.equal(meterOfCapture('nobody'), null);
  for (const text of ['{}', '[{"id":1}]', '[{"id":"a","layer":"ip","hex":""}]']) {
    assert.throws(
      () => parseCaptures(new TextEncoder().encode(text)),
      (error) => hasCode(error, 'SIM_CAPTURES'),
    );
  }
});
