import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasCode } from '../../../src/base/errors.ts';
import { wireCodec } from '../../../src/edge/uplink/wire-codec.ts';
import type { EdgeId } from '../../../src/model/ids.ts';
import { decodeEdgeMessage, encodeCollectorMessage } from '../../../src/wire/codec.ts';
import { openEnvelope, sealEnvelope } from '../../../src/wire/envelope.ts';
import { FakeJournal } from './fake-journal.ts';
import { TEST_CRYPTO } from './world.ts';

const KEY = new Uint8Array(32).fill(5);
const PARTY = { edgeId: 'e1' as EdgeId, key: KEY };
const CODEC = wireCodec(
  {
    ...PARTY,
    epoch: '0102030405060708',
    bootId: '1111111111111111',
    software: 'deltawatt 0.1.0',
    clockQuality: () => 'ntp',
  },
  TEST_CRYPTO,
);

test('W-52 hello tells epoch, boot, session and what each lane holds, under our authenticator', () => {
  const journal = new FakeJournal();
  journal.grow(2, 3);
  const session = new Uint8Array(16).fill(1);
  const sealed = CODEC.hello({ session, lanes: journal.lanes(), wallTimeMs: 1_700_000_000_000 });
  const message = decodeEdgeMessage(openEnvelope(sealed, 'up', PARTY, TEST_CRYPTO));
  assert.ok(message.kind === 'hello');
  assert.equal(message.hello.epoch, '0102030405060708');
  assert.equal(message.hello.clockQuality, 'ntp');
  assert.deepEqual(message.hello.lanes[2], { lane: 2, first: 1, last: 3, lastKeyframe: 1 });
  assert.deepEqual(message.hello.lanes[3], { lane: 3, first: 1, last: 0, lastKeyframe: 0 });
});

test('status carries only lanes in which something waits', () => {
  const journal = new FakeJournal();
  journal.grow(3, 2, 700);
  const facts = [{ name: 'line bus1', state: 'degraded', sentence: 'Two of 32 meters are silent.' }];
  const sealed = CODEC.status({ lanes: journal.lanes(), autonomyHours: 36.5, uptimeS: 60, facts });
  const message = decodeEdgeMessage(openEnvelope(sealed, 'up', PARTY, TEST_CRYPTO));
  assert.ok(message.kind === 'status');
  assert.deepEqual(message.status.lanes, [{ lane: 3, octets: 1400, blocks: 2, oldestMs: 0 }]);
  assert.deepEqual(message.status.facts, facts);
  assert.equal(message.status.autonomyHours, 36.5);
});

test('W-54 W-68 a message of the collector counts only under our key and in its direction', () => {
  const body = encodeCollectorMessage({
    session: new Uint8Array(16),
    term: new Uint8Array(12),
    serverTimeMs: 5,
    body: { kind: 'refusal', code: 'X', sentence: 'No.' },
  });
  assert.equal(CODEC.notice(sealEnvelope(body, 'down', PARTY, TEST_CRYPTO)).body.kind, 'refusal');
  const foreign = sealEnvelope(body, 'down', { ...PARTY, key: new Uint8Array(32) }, TEST_CRYPTO);
  const turned = sealEnvelope(body, 'up', PARTY, TEST_CRYPTO);
  for (const octets of [foreign, turned]) {
    assert.throws(
      () => CODEC.notice(octets),
      (error) => hasCode(error, 'WIRE_AUTHENTICATOR'),
    );
  }
});
