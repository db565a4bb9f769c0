import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type PushEvent, PushMachine } from '../../../src/dlms/frame/push.machine.ts';
import { parseP1Telegram } from '../../../src/dlms/telegram/p1.ts';
import { parseSmlTelegram } from '../../../src/dlms/telegram/sml.ts';
import { telegramBody } from '../../../src/dlms/telegram/telegram.ts';
import { decodeApdu } from '../../../src/dlms/xdlms/codec.ts';
import { parseMeterId } from '../../../src/model/ids.ts';
import { type PushedMessage, readPush } from '../../../src/profile/push.ts';
import type { PushEncoding } from '../../../src/profile/schema/profile.ts';
import { makeFleet } from '../../../src/sim/fleet.ts';
import { profileKeys, profileOf, START_MS } from './world.ts';

/** Its meters tell no time unless they are told to. */
const SML_WITHOUT_TIME = 'generic/sml';
const METER = parseMeterId('m1') ?? assert.fail();

/** Everything that a simulated meter of the profile pushes in an hour, as lists read by the profile. */
function pushedInAnHour(key: string) {
  const now = { ms: 0 };
  const [meter] = makeFleet(
    {
      seed: 'push',
      count: 1,
      profiles: [profileOf(key)],
      timeZone: 'Europe/Oslo',
      nowMs: () => START_MS + now.ms,
      days: 1,
      households: [],
    },
    null,
  );
  assert.ok(meter !== undefined);
  const machine = meter.session('hdlc');
  const { encoding = 'notification' } = profileOf(key).push[0] ?? {};
  const listener = new PushMachine({ framing: encoding === 'notification' ? 'auto' : encoding });
  const reads: ReturnType<typeof readPush>[] = [];
  while (now.ms < 3_600_000) {
    now.ms = Math.max(now.ms + 1, machine.deadlineMs() ?? 3_600_000);
    machine.tick(now.ms);
    for (const octets of machine.takeOutput()) {
      for (const event of listener.receive(octets, now.ms)) {
        const context = { meterId: METER, timeZone: 'Europe/Oslo', nowMs: START_MS };
        reads.push(readPush(profileOf(key), messageOf(event, encoding), context));
      }
    }
  }
  return { meter, reads };
}

function messageOf(event: PushEvent, encoding: PushEncoding): PushedMessage {
  if (event.kind === 'telegram') {
    const { dateTime, values } = encoding === 'sml' ? parseSmlTelegram(event.octets) : parseP1Telegram(event.octets);
    return { encoding, dateTime, body: telegramBody(values) };
  }
  assert.ok(event.kind === 'unsolicited', event.kind);
  const apdu = decodeApdu(event.apdu);
  assert.ok(apdu.apdu === 'data-notification');
  return apdu;
}

for (const key of profileKeys().filter((name) => profileOf(name).push.length > 0)) {
  test(`${key} pushes its lists, and its profile reads them back`, () => {
    const { meter, reads } = pushedInAnHour(key);
    assert.ok(reads.length > 100, `${reads.length} pushes`);
    for (const read of reads) {
      assert.ok(read.list !== null);
      assert.deepEqual(read.problems, []);
      assert.ok(
        read.groups.every((group) =>
          group.rows.every((row) => row.quality === (key === SML_WITHOUT_TIME ? 'no-meter-time' : 'good')),
        ),
      );
    }
    const { registers } = meter.device.profile;
    const obis = new Set(
      reads.flatMap((read) => read.groups.flatMap((group) => group.group.columns.map((column) => column.obis))),
    );
    assert.ok(obis.size >= Math.min(registers.length, 6), `${obis.size} registers`);
    const times = reads.flatMap((read) => read.groups.map((group) => group.rows[0]?.atMs ?? 0));
    assert.ok(
      times.every((atMs) => Math.abs(atMs - START_MS) < 3_700_000),
      "at the meter's own time",
    );
  });
}
