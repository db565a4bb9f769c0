import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dateTimeOfUtcMs, dateTimeToOctets } from '../../../src/dlms/cosem/datetime.ts';
import { parseObis } from '../../../src/dlms/cosem/obis.ts';
import { LinkSessions, type SessionEar } from '../../../src/edge/reader/sessions.ts';
import { bus, profileOf } from './bus.ts';

const QUARTER_MS = 900_000;
const HOUR_MS = 3_600_000;

test('IT-1 a new meter is read as far back as its buffer reaches, then only what is new', async () => {
  const b = await bus({ count: 2, days: 2 });
  b.scheduler.start();
  await b.world.clock.advance(30 * 60_000);
  const first = b.rowsOf('m0001', 900).filter((row) => row.values.length > 1);
  assert.ok(first.length >= 2 * 96, `${first.length} rows`);
  const times = first.map((row) => row.atMs);
  assert.equal(new Set(times).size, times.length, 'no row twice');
  assert.deepEqual(
    times,
    [...times].sort((x, y) => x - y),
  );
  const octets = b.line.octets;
  await b.world.clock.advance(4 * QUARTER_MS);
  const all = b.rowsOf('m0001', 900).filter((row) => row.values.length > 1);
  assert.equal(all.length - first.length, 4, 'one row a quarter of an hour');
  assert.ok(b.line.octets - octets < 60_000, `${b.line.octets - octets} octets for four rounds of two meters`);
  assert.deepEqual(b.records('gap'), []);
  await b.stop();
});

/** Associations whose ear the test gets hold of. */
class OverheardSessions extends LinkSessions {
  ear: SessionEar | null = null;

  override open(...[meter, client, ear, way]: Parameters<LinkSessions['open']>): ReturnType<LinkSessions['open']> {
    this.ear = ear;
    return super.open(meter, client, ear, way);
  }
}

test('SG-EV-1 what a meter tells in an association is stored at once as event or reading, what is unknown is counted', async () => {
  let sessions: OverheardSessions | null = null;
  const b = await bus({
    count: 1,
    sessions: (link, env) => {
      sessions = new OverheardSessions(link, env);
      return sessions;
    },
  });
  b.scheduler.start();
  await b.world.clock.advance(10 * 60_000);
  const { ear } = sessions ?? assert.fail();
  const before = b.records('event').length;
  const tell = (obis: string) =>
    (ear as SessionEar | null)?.happened({
      time: dateTimeToOctets(dateTimeOfUtcMs(b.env.clock.nowMs(), { deviation: 0 })),
      attribute: { classId: 1, instanceId: parseObis(obis), attributeId: 2 },
      value: { type: 'unsigned', value: 1 },
    });
  tell('0-0:96.11.0');
  tell('0-0:96.99.0');
  (ear as SessionEar | null)?.happened(null);
  await b.world.clock.advance(0);
  const [record] = b.records('event').slice(before);
  assert.ok(record?.kind === 'event' && record.event.name === 'power-down' && record.event.meterId === 'm0001');
  assert.equal(b.records('event').length, before + 1);
  assert.equal(b.health.counters.get('reader_event_notifications'), 3);
  assert.equal(b.health.counters.get('reader_event_notifications_unknown'), 2);
  const [register = assert.fail()] = b.meters[0]?.profile.registers ?? [];
  const timeMs = Math.floor(b.env.clock.nowMs() / 1000) * 1000 - 5000;
  (ear as SessionEar | null)?.happened({
    time: dateTimeToOctets(dateTimeOfUtcMs(timeMs, { deviation: 0 })),
    attribute: { classId: register.classId, instanceId: parseObis(register.obis), attributeId: register.attribute },
    value: { type: 'double-long-unsigned', value: 4711 },
  });
  await b.world.clock.advance(0);
  const pushed = b.rowsOf('m0001', 0).filter(({ values }) => values[0] === 4711);
  assert.deepEqual(
    pushed.map(({ atMs }) => atMs),
    [timeMs],
    'a register is a reading of the time that it was told for',
  );
  await b.stop();
});

test('the values that arrive are those that the meter has', async () => {
  const b = await bus({ count: 1, days: 1 });
  b.scheduler.start();
  await b.world.clock.advance(10 * 60_000);
  const rule = b.meters[0]?.profile.buffers[0];
  assert.ok(rule !== undefined);
  const group = b.journal.entries.flatMap((entry) => entry.groups).find((each) => each.group.intervalS === 900);
  assert.deepEqual(
    group?.group.columns.map((column) => `${column.obis} ${column.exponent} ${column.unit}`),
    ['1-0:1.8.0*255 0 Wh', '1-0:2.8.0*255 0 Wh', '1-0:3.8.0*255 0 varh', '1-0:4.8.0*255 0 varh'],
  );
  const rows = b.rowsOf('m0001', 900).filter((row) => row.values.length === 4);
  const energy = rows.map((row) => Number(row.values[0]));
  assert.ok(
    energy.every((value, at) => at === 0 || value >= (energy[at - 1] ?? 0)),
    'a register only grows',
  );
  await b.stop();
});

test('SG-MR-5 silent, garbled, refusing: the meter state says it in words, the others on the line are read', async () => {
  const b = await bus({
    count: 4,
    misbehaviours: new Map([
      [0, 'silent'],
      [1, 'garbage'],
      [2, 'refuse'],
    ] as const),
  });
  b.scheduler.start();
  await b.world.clock.advance(2 * HOUR_MS);
  const states = new Map<string, string>();
  for (const record of b.records('meter-state')) {
    if (record.kind === 'meter-state')
      states.set(record.state.meterId, `${record.state.state}: ${record.state.sentence}`);
  }
  assert.match(states.get('m0001') ?? '', /^silent: The meter did not answer/);
  assert.match(states.get('m0002') ?? '', /^garbled: .* octets came that belong to no frame\.$/);
  assert.match(states.get('m0003') ?? '', /^refused: The meter refused the association/);
  assert.match(states.get('m0004') ?? '', /^reachable: /);
  assert.ok(b.rowsOf('m0004', 900).length >= 96);
  assert.match(b.health.states.get('line bus1') ?? '', /^degraded: 3 of 4 meters do not answer\.$/);
  await b.stop();
});

test('SG-MR-5 a babbling meter on a bus is named as such, the others are read on', async () => {
  const b = await bus({ count: 3, misbehaviours: new Map([[1, 'babble']] as const) });
  b.scheduler.start();
  await b.world.clock.advance(HOUR_MS);
  const states = b.records('meter-state').map((record) => {
    assert.ok(record.kind === 'meter-state');
    return record.state;
  });
  const [first] = states.filter(({ meterId }) => meterId === 'm0002');
  assert.ok(first !== undefined && ['babbling', 'garbled'].includes(first.state), JSON.stringify(states));
  assert.match(first.sentence, /octets came that belong to no frame/);
  for (const meterId of ['m0001', 'm0003']) assert.ok(b.rowsOf(meterId, 900).length >= 96, meterId);
  await b.stop();
});

test('SG-MR-5 a babbling meter on a TCP line of its own: babbling, in a sentence, within two minutes', async () => {
  const b = await bus({
    count: 1,
    misbehaviours: new Map([[0, 'babble']] as const),
    shape: { framing: 'wrapper' },
  });
  b.scheduler.start();
  await b.world.clock.advance(2 * 60_000);
  const last = b.records('meter-state').at(-1);
  assert.ok(last?.kind === 'meter-state');
  assert.equal(last.state.state, 'babbling');
  assert.match(last.state.sentence, /^The line babbles: \d+ octets came that belong to no frame\./);
  await b.stop();
});

test('a meter that comes back is read from where it was left; its state changes once', async () => {
  const b = await bus({ count: 1, days: 1 });
  b.scheduler.start();
  await b.world.clock.advance(10 * 60_000);
  b.line.setFaults({ lose: 1 });
  await b.world.clock.advance(3 * HOUR_MS);
  b.line.setFaults({});
  await b.world.clock.advance(2 * HOUR_MS);
  const states = b.records('meter-state').map((record) => (record.kind === 'meter-state' ? record.state.state : ''));
  assert.deepEqual(states, ['reachable', 'silent', 'reachable']);
  const times = b
    .rowsOf('m0001', 900)
    .filter((row) => row.values.length === 4)
    .map((row) => row.atMs);
  const steps = times.slice(1).map((time, at) => time - (times[at] ?? 0));
  assert.ok(
    steps.every((step) => step === QUARTER_MS),
    'no hole and nothing twice',
  );
  await b.stop();
});

test('attributes are sent when they change, not with every read, also over a restart', async () => {
  const b = await bus({ count: 1 });
  b.scheduler.start();
  await b.world.clock.advance(10 * 60_000);
  const names = b.records('attribute').map((record) => (record.kind === 'attribute' ? record.attribute.name : ''));
  assert.deepEqual(names.sort(), ['firmware', 'logical-device-name', 'serial-number']);
  await b.stop();
  const c = await bus({ count: 1, journal: b.journal });
  c.scheduler.start();
  await c.world.clock.advance(26 * HOUR_MS);
  assert.equal(c.records('attribute').length, 3);
  await c.stop();
});

test('UD-14 events of the meter log come once', async () => {
  const b = await bus({ count: 1, days: 14 });
  b.scheduler.start();
  await b.world.clock.advance(3 * HOUR_MS);
  const events = b
    .records('event')
    .map((record) => (record.kind === 'event' ? `${record.event.log} ${record.event.atMs} ${record.event.code}` : ''));
  assert.ok(events.length > 0);
  assert.equal(new Set(events).size, events.length);
  await b.stop();
});

test('an on-demand read answers within 15 s on a 9,600 Bd line that is catching up', async () => {
  const b = await bus({ count: 4, days: 14 });
  b.scheduler.start();
  await b.world.clock.advance(20_000);
  const startMs = b.world.clock.nowMs;
  let tookMs = 0;
  const meterId = b.meters[3]?.meterId;
  assert.ok(meterId !== undefined);
  const answer = b.scheduler
    .withMeter(meterId, 'on-demand', { timeoutMs: 15_000, started: () => Promise.resolve() }, (meter) =>
      meter.readObjects([
        { classId: 3, obis: '1-0:1.8.0*255', attribute: 2 },
        { classId: 3, obis: '1-0:32.7.0*255', attribute: 2 },
        { classId: 1, obis: '0-0:96.1.0*255', attribute: 2 },
        { classId: 3, obis: '1-0:99.99.0*255', attribute: 2 },
        { classId: 8, obis: '0-0:1.0.0*255', attribute: 2 },
      ]),
    )
    .then((result) => {
      tookMs = b.world.clock.nowMs - startMs;
      return result;
    });
  await b.world.clock.advance(20_000);
  const result = await answer;
  assert.ok(result.ok);
  assert.ok(tookMs > 0 && tookMs < 15_000, `${tookMs} ms`);
  const [energy, voltage, serial, unknown, clock] = result.result;
  assert.equal(energy?.unit, 'Wh');
  assert.equal(typeof energy?.value, 'number');
  assert.deepEqual([voltage?.exponent, voltage?.unit], [-1, 'V']);
  assert.equal(serial?.text, '10000004');
  assert.ok((unknown?.result ?? 0) > 0);
  assert.match(clock?.text ?? '', /^2026-03-01T/);
  await b.stop();
});

test('IT-3 the relay of a simulated meter: read, opened, read back', async () => {
  const b = await bus({ count: 1 });
  b.scheduler.start();
  await b.world.clock.advance(60_000);
  const meterId = b.meters[0]?.meterId;
  assert.ok(meterId !== undefined);
  const options = { timeoutMs: 15_000, started: () => Promise.resolve() };
  const work = b.scheduler.withMeter(meterId, 'command', options, async (meter) => {
    const before = await meter.readRelay();
    const { result } = await meter.invoke(70, meter.relayObis ?? '', 1, { type: 'integer', value: 0 });
    return { before, result, after: await meter.readRelay() };
  });
  await b.world.clock.advance(30_000);
  const ended = await work;
  assert.ok(ended.ok);
  assert.deepEqual(ended.result, {
    before: { outputOn: true, controlState: 1, controlMode: 4 },
    result: 0,
    after: { outputOn: false, controlState: 0, controlMode: 4 },
  });
  await b.stop();
});

test('a clock that nobody confirmed and that is not likely gives way to those of the meters', async () => {
  let aheadMs = 12 * 365 * 86_400_000;
  const b = await bus({ count: 1, days: 3, aheadMs: () => aheadMs, historyMs: 86_400_000 });
  b.scheduler.start();
  await b.world.clock.advance(10 * 60_000);
  const times = () => new Set(b.rowsOf('m0001', 900).map(({ atMs }) => atMs)).size;
  assert.equal(times(), 96, 'a day of history');
  assert.deepEqual(b.records('gap'), []);
  for (const next of [-365 * 86_400_000, -3_600_000, 3_600_000, 365 * 86_400_000]) {
    aheadMs = next;
    const before = times();
    await b.world.clock.advance(2 * 3_600_000);
    assert.equal(times(), before + 8, `rows of two hours, ${next} ms ahead`);
  }
  assert.deepEqual(b.records('gap'), []);
  await b.stop();
});

test('while the clock of the edge is not set, reading goes on by the clocks of the meters', async () => {
  const b = await bus({ count: 1, clockSet: () => false });
  b.scheduler.start();
  await b.world.clock.advance(10 * 60_000);
  assert.ok(b.rowsOf('m0001', 900).length >= 96);
  await b.stop();
});

test('interop 11: a meter that finds no row for moments with a deviation is asked as its clock reads', async () => {
  const profile = profileOf('generic/idis');
  const clock = { ...profile.clock, deviation: 'ignore', rangeDeviation: 'not-specified' } as const;
  const b = await bus({ count: 1, setUp: { ...profile, clock } });
  b.scheduler.start();
  await b.world.clock.advance(2 * 3_600_000);
  assert.ok(b.rowsOf('m0001', 900).length >= 96, `${b.rowsOf('m0001', 900).length} rows`);
  await b.stop();
});

test('interop 8: a meter that stamps by another clock refuses the range, which is said, and no row is made up', async () => {
  const profile = profileOf('generic/idis');
  const b = await bus({ count: 1, setUp: { ...profile, clock: { ...profile.clock, obis: '1-0:0.9.1*255' } } });
  b.scheduler.start();
  await b.world.clock.advance(3_600_000);
  assert.equal(b.rowsOf('m0001', 900).length, 0);
  const states = b.records('meter-state').map((record) => (record.kind === 'meter-state' ? record.state.state : ''));
  assert.ok(states.includes('reconfigured'), states.join());
  await b.stop();
});

test('interop 10: a meter that holds an association of which it heard no end is not called silent before its time is over', async () => {
  const b = await bus({ count: 1 });
  b.scheduler.start();
  await b.world.clock.advance(HOUR_MS);
  const states = () =>
    b.records('meter-state').map((record) => (record.kind === 'meter-state' ? record.state.state : ''));
  const failures = () => [...b.health.counters].find(([name]) => name.startsWith('reader_failed'))?.[1] ?? 0;
  const untilFailures = async (count: number) => {
    for (let waits = 0; failures() < count && waits < 600; waits++) await b.world.clock.advance(10_000);
  };
  b.line.setFaults({ lose: 1 });
  await untilFailures(2);
  assert.equal(failures(), 2);
  assert.deepEqual(states(), ['reachable'], 'two failures within two minutes');
  b.line.setFaults({});
  await b.world.clock.advance(HOUR_MS);
  assert.deepEqual(states(), ['reachable']);
  b.line.setFaults({ lose: 1 });
  await untilFailures(6);
  assert.deepEqual(states(), ['reachable', 'silent'], 'one that stays silent is called so');
  await b.stop();
});
