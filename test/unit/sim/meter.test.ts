import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasCode } from '../../../src/base/errors.ts';
import type { Data } from '../../../src/dlms/axdr/data.ts';
import { parseObis } from '../../../src/dlms/cosem/obis.ts';
import { scalerUnitOf } from '../../../src/dlms/cosem/units.ts';
import type { MeterSession } from '../../../src/dlms/session/meter-session.ts';
import { parseMeterId } from '../../../src/model/ids.ts';
import { readEvents } from '../../../src/profile/event-readout.ts';
import {
  attributeRequests,
  entryRequest,
  eventRequests,
  plainRequest,
  registerRequests,
} from '../../../src/profile/plan.ts';
import { readBuffer } from '../../../src/profile/readout.ts';
import { readAttributes, readRegisters } from '../../../src/profile/register-readout.ts';
import type { BufferRule, Profile, RelayRule } from '../../../src/profile/schema/profile.ts';
import { readLedger } from '../../../src/sim/ledger.ts';
import { Desk, profileKeys, profileOf, START_MS } from './world.ts';

const METER = parseMeterId('m0001') ?? assert.fail();
const DAY_MS = 86_400_000;
const ZERO: Data = { type: 'integer', value: 0 };
const contextOf = (desk: Desk) => ({ meterId: METER, timeZone: 'Europe/Berlin', nowMs: desk.nowMs });

/** Objects are the same whoever asks; keys are tested elsewhere. */
function byPassword(profile: Profile): Profile {
  const clients = profile.clients.map((client) =>
    client.security.startsWith('hls') ? { ...client, security: 'lls' as const } : client,
  );
  return { ...profile, clients };
}

async function relay(desk: Desk, session: MeterSession, method: 1 | 2): Promise<number> {
  const rule = desk.meter.device.profile.relay as RelayRule;
  const call = { method: { classId: 70, instanceId: parseObis(rule.obis), methodId: method }, parameters: ZERO };
  const [result] = await desk.settle(session.action([call]));
  return result?.actionResult ?? assert.fail();
}

for (const key of profileKeys().filter((each) => profileOf(each).through === null)) {
  for (const framing of ['hdlc', 'wrapper'] as const) {
    test(`${key} over ${framing}: every object of its list, every register, every buffer and log`, async () => {
      const desk = new Desk(framing, { profiles: [byPassword(profileOf(key))], days: 3 });
      const { profile } = desk.meter.device;
      const session = await desk.open('read');
      const list = await desk.read(session, plainRequest(15, '0-0:40.0.0*255', 2));
      assert.ok(
        list.type === 'array' && list.value.length > profile.registers.length + 3,
        'the list names the objects',
      );
      const requests = registerRequests(profile, profile.registers).slice(profile.clock.obis === null ? 0 : 1);
      const answers = [];
      for (const [at, request] of requests.entries()) {
        const register = profile.registers[at] ?? assert.fail();
        answers.push({ register, value: await desk.read(session, request) });
        const scalerUnit = await desk.read(session, { ...request, attribute: register.classId === 5 ? 4 : 3 });
        assert.equal(scalerUnitOf(scalerUnit)?.scaler, register.exponent);
      }
      const clock = await desk.read(session, plainRequest(8, profile.clock.obis ?? '0-0:1.0.0*255', 2));
      const read = readRegisters(profile, answers, clock, contextOf(desk));
      assert.deepEqual(read.problems, []);
      const values = read.groups.flatMap((group) => group.rows.flatMap((row) => row.values));
      assert.equal(values.length, profile.registers.length);
      assert.ok(
        read.groups.every((group) => Math.abs((group.rows[0]?.atMs ?? 0) - desk.nowMs) < 60_000),
        "the meter's clock is right",
      );
      for (const rule of profile.buffers) {
        const buffer = await desk.read(session, plainRequest(7, rule.obis, 2));
        const rows = readBuffer(profile, rule, buffer, contextOf(desk), null);
        assert.deepEqual(rows.problems, []);
        const expected = Math.floor((3 * 86_400) / rule.intervalS);
        assert.equal(rows.groups[0]?.rows.length, expected);
      }
      for (const log of profile.eventLogs) {
        const events = readEvents(
          profile,
          log,
          await desk.read(session, plainRequest(7, log.obis, 2)),
          contextOf(desk),
          null,
        );
        assert.deepEqual(events.problems, []);
      }
      const texts = [];
      for (const [at, request] of attributeRequests(profile).entries()) {
        texts.push({ attribute: profile.attributes[at] ?? assert.fail(), value: await desk.read(session, request) });
      }
      assert.equal(readAttributes(texts, contextOf(desk)).length, profile.attributes.length);
      await desk.settle(session.release());
    });
  }
}

test('a public client sees who the meter is and nothing more; a wrong password opens nothing', async () => {
  const desk = new Desk('hdlc');
  const session = await desk.open('identify');
  const name = await desk.read(session, plainRequest(1, '0-0:42.0.0*255', 2));
  assert.deepEqual(name, { type: 'octet-string', value: new TextEncoder().encode('DWE10000001') });
  await assert.rejects(desk.read(session, plainRequest(3, '1-0:1.8.0*255', 2)), /dataAccessResult/);
  await desk.settle(session.release());
  await assert.rejects(desk.open('read', desk.meter, 'wrong'), (error) =>
    hasCode(error, 'SESSION_ASSOCIATION_REFUSED'),
  );
});

test('range and entry select the same rows, the whole profile comes in blocks', async () => {
  const desk = new Desk('wrapper');
  const load = desk.meter.device.profile.buffers[0] as BufferRule;
  const session = await desk.open('read');
  const { profile } = desk.meter.device;
  const whole = readBuffer(
    profile,
    load,
    await desk.read(session, plainRequest(7, load.obis, 2)),
    contextOf(desk),
    null,
  );
  assert.equal(whole.groups[0]?.rows.length, 14 * 96);
  const range = readBuffer(
    profile,
    load,
    await desk.readRange(session, load, START_MS - DAY_MS, START_MS),
    contextOf(desk),
    null,
  );
  assert.equal(range.groups[0]?.rows.length, 96);
  assert.deepEqual(range.groups[0]?.rows, whole.groups[0]?.rows.slice(-96));
  const entries = readBuffer(
    profile,
    load,
    await desk.read(session, entryRequest(load.obis, 14 * 96 - 3, 0)),
    contextOf(desk),
    null,
  );
  assert.deepEqual(entries.groups[0]?.rows, whole.groups[0]?.rows.slice(-4));
});

test('the ledger equals what a full read returns, and holds what nobody has read', async () => {
  const desk = new Desk('hdlc', { days: 2 });
  const { profile } = desk.meter.device;
  const session = await desk.open('read');
  const read = new Map<string, number | bigint | null>();
  for (const rule of profile.buffers) {
    const rows = readBuffer(
      profile,
      rule,
      await desk.read(session, plainRequest(7, rule.obis, 2)),
      contextOf(desk),
      null,
    );
    for (const { group, rows: groupRows } of rows.groups) {
      for (const row of groupRows) {
        for (const [at, column] of group.columns.entries()) {
          read.set(
            `${column.obis} ${group.intervalS} ${row.atMs} ${column.exponent} ${column.unit}`,
            row.values[at] ?? null,
          );
        }
      }
    }
  }
  const entries = [...readLedger(desk.file.octets)];
  assert.equal(entries.length, read.size);
  for (const entry of entries) {
    assert.equal(
      read.get(`${entry.obis} ${entry.intervalS} ${entry.atMs} ${entry.exponent} ${entry.unit}`),
      entry.value,
    );
  }
  await desk.pass(1_800_000);
  desk.meter.record();
  await desk.ledger.flush();
  assert.equal(
    [...readLedger(desk.file.octets)].length,
    entries.length + 10,
    'two quarter-hours more, five columns, unread',
  );
});

test('no answer leaves before the ledger is on the disk: with a disk that fails the meter is silent', async () => {
  const desk = new Desk('wrapper', { days: 1 });
  const session = await desk.open('read');
  desk.file.failing = true;
  desk.meter.record();
  await desk.pass(900_000);
  await assert.rejects(desk.read(session, plainRequest(3, '1-0:1.8.0*255', 2)), (error) =>
    hasCode(error, 'SESSION_TIMEOUT'),
  );
});

test('the relay really interrupts the load: registers stand still while it is open, and the log tells', async () => {
  const desk = new Desk('hdlc');
  const { profile } = desk.meter.device;
  const load = profile.buffers[0] as BufferRule;
  const session = await desk.open('control');
  assert.equal(await relay(desk, session, 1), 0);
  const openedMs = desk.nowMs;
  assert.deepEqual(await desk.read(session, plainRequest(70, '0-0:96.3.10*255', 2)), { type: 'boolean', value: false });
  assert.equal(await relay(desk, session, 1), 0, 'a repeated order is no mistake');
  await desk.settle(session.release());
  await desk.pass(4 * 3_600_000);
  const again = await desk.open('control');
  assert.deepEqual(await desk.read(again, plainRequest(3, '1-0:1.7.0*255', 2)), {
    type: 'double-long-unsigned',
    value: 0,
  });
  assert.equal(await relay(desk, again, 2), 0);
  const closedMs = desk.nowMs;
  await desk.settle(again.release());
  await desk.pass(4 * 3_600_000);
  const last = await desk.open('control');
  const rows = readBuffer(profile, load, await desk.readRange(last, load, openedMs, desk.nowMs), contextOf(desk), null);
  const imports = rows.groups[0]?.rows.map((row) => [row.atMs, Number(row.values[0])] as const) ?? [];
  const during = imports.filter(([atMs]) => atMs > openedMs && atMs <= closedMs);
  assert.ok(during.length >= 15);
  assert.equal(new Set(during.map(([, value]) => value)).size, 1, 'not one watt-hour while the relay is open');
  const after = imports.filter(([atMs]) => atMs > closedMs);
  assert.ok((after.at(-1)?.[1] ?? 0) > (during[0]?.[1] ?? 0), 'and on it goes');
  const [log] = profile.eventLogs;
  assert.ok(log !== undefined);
  await desk.pass(10_000);
  const range = { watermarkMs: openedMs - 60_000, backToMs: null, nowMs: desk.nowMs, timeZone: 'Europe/Berlin' };
  const [request] = eventRequests(profile, log, range);
  const events = readEvents(
    profile,
    log,
    await desk.read(last, request ?? assert.fail()),
    contextOf(desk),
    openedMs - 60_000,
  );
  const names = events.events.map((event) => event.name);
  assert.deepEqual(
    names.filter((name) => name.startsWith('relay')),
    ['relay-remote-off', 'relay-remote-on'],
  );
});
