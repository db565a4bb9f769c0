/** Meters that join a network and that nobody named: when they are asked, how often, and what is told of them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sessionError } from '../../../src/dlms/session/errors.ts';
import type { ToldIdentity } from '../../../src/dlms/session/who.ts';
import { NodeFinder } from '../../../src/edge/networks/node-finder.ts';
import type { Entry } from '../../../src/edge/ports.ts';
import { VirtualClock } from '../../../src/lab/virtual-clock.ts';
import { linkError } from '../../../src/link/errors.ts';
import { FakeJournal } from './fake-journal.ts';
import { FakeHealth } from './world.ts';

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const START_MS = Date.UTC(2026, 0, 1);
const TOLD: ToldIdentity = { serial: '4711', deviceName: 'DWE0004711', firmware: null };
const SILENT_LOG = { error() {}, warn() {}, info() {}, debug() {}, trace() {} } as never;

function site() {
  const timers = new VirtualClock();
  const clock = { nowMs: () => timers.nowMs + START_MS, monotonicMs: () => timers.nowMs };
  const journal = new FakeJournal();
  const health = new FakeHealth();
  const asked: string[] = [];
  let attended = 0;
  let answer: () => Promise<ToldIdentity> = () => timers.sleep(SECOND_MS).then(() => TOLD);
  const make = () =>
    new NodeFinder({
      env: { timers, clock: { ...clock, quality: () => 'ntp' }, log: SILENT_LOG } as never,
      line: 'plc1',
      link: {
        attend() {
          attended++;
          return attended === 1 ? Promise.reject(linkError('LINK_OPEN', 'nobody there')) : Promise.resolve();
        },
      },
      isKnown: ({ name }) => name === 'known',
      identify(node) {
        asked.push(`${timers.nowMs / SECOND_MS} ${node.name}`);
        return answer();
      },
      journal,
      stage: { add: (entry: Entry) => journal.append(entry).then(() => undefined) },
      health,
    });
  const told = () =>
    journal.entries.flatMap(({ records }) =>
      records.flatMap((record) => (record.kind === 'found' ? [`${record.found.node.name} ${record.found.state}`] : [])),
    );
  const joins = (finder: NodeFinder, ...names: string[]) => {
    for (const name of names) finder.changed({ kind: 'joined', name, eui: euiOf(name) });
  };
  return {
    timers,
    journal,
    health,
    asked,
    make,
    told,
    joins,
    attended: () => attended,
    answers: (next: () => Promise<ToldIdentity>) => {
      answer = next;
    },
  };
}

const euiOf = (name: string) => `02000000${(name.charCodeAt(0) % 256).toString(16).toUpperCase()}AA`;

test('PROV-4 strangers are asked one at a time with a rest as long as asking took, known meters never', async () => {
  const s = site();
  const finder = s.make();
  await finder.start();
  s.answers(() => s.timers.sleep(20 * SECOND_MS).then(() => TOLD));
  s.joins(finder, 'known', 'a', 'b', 'c');
  await s.timers.advance(5 * MINUTE_MS);
  assert.deepEqual(s.asked, ['0 a', '40 b', '80 c']);
  assert.deepEqual(s.told(), ['a found', 'b found', 'c found']);
  const [record] = s.journal.entries[0]?.records ?? [];
  assert.deepEqual(record, {
    kind: 'found',
    found: {
      line: 'plc1',
      node: { name: 'a', eui48: euiOf('a') },
      state: 'found',
      serial: '4711',
      deviceName: 'DWE0004711',
      sentence: 'Answers: 4711.',
      atMs: START_MS,
    },
  });
  assert.equal(s.attended(), 2, 'a network that could not be reached is looked for again a minute later');
  await finder.stop();
});

test('PROV-4 whoever leaves and joins again is not asked again, nor after a restart; a day later it is told from memory', async () => {
  const s = site();
  const first = s.make();
  await first.start();
  s.joins(first, 'a');
  await s.timers.advance(MINUTE_MS);
  first.changed({ kind: 'left', name: 'a', eui: euiOf('a') });
  s.joins(first, 'a');
  first.changed({ kind: 'lost' });
  s.joins(first, 'a');
  await s.timers.advance(MINUTE_MS);
  await first.stop();
  const second = s.make();
  await second.start();
  s.joins(second, 'a');
  await s.timers.advance(DAY_MS - 2 * MINUTE_MS);
  assert.deepEqual([s.asked.length, s.told()], [1, ['a found']]);
  await s.timers.advance(2 * 3_600_000);
  assert.deepEqual([s.asked.length, s.told()], [1, ['a found', 'a found']]);
  // Another meter has the modem now.
  second.changed({ kind: 'joined', name: 'z', eui: euiOf('a') });
  await s.timers.advance(MINUTE_MS);
  assert.deepEqual([s.asked.length, s.told().at(-1)], [2, 'z found']);
  await second.stop();
});

test('PROV-4 a meter that does not answer is asked four times and then told as silent; one that lets nobody in is not asked twice', async () => {
  const s = site();
  const finder = s.make();
  await finder.start();
  s.answers(() => Promise.reject(sessionError('SESSION_TIMEOUT', 'a')));
  s.joins(finder, 'a');
  await s.timers.advance(2 * 3_600_000);
  assert.deepEqual(s.asked, ['0 a', '60 a', '660 a', '4260 a']);
  assert.deepEqual(s.told(), ['a silent']);
  s.answers(() => Promise.reject(sessionError('SESSION_ASSOCIATION_REFUSED', '1')));
  s.joins(finder, 'b');
  await s.timers.advance(2 * 3_600_000);
  assert.deepEqual([s.asked.length, s.told().at(-1)], [5, 'b refused']);
  assert.deepEqual([s.health.counters.get('found_silent'), s.health.counters.get('found_refused')], [1, 1]);
  await finder.stop();
});

test('PROV-4 what was asked of a meter that left meanwhile is not told, and a journal that fails is tried again', async () => {
  const s = site();
  const finder = s.make();
  await finder.start();
  s.joins(finder, 'a');
  await s.timers.advance(SECOND_MS / 2);
  finder.changed({ kind: 'left', name: 'a', eui: euiOf('a') });
  await s.timers.advance(MINUTE_MS);
  assert.deepEqual([s.asked.length, s.told()], [1, []]);
  s.answers(() => Promise.reject(linkError('LINK_NO_NODE', 'a')));
  s.joins(finder, 'a');
  await s.timers.advance(2 * DAY_MS);
  assert.deepEqual(s.told(), [], 'the link knows it no longer: it will join anew');
  s.answers(() => Promise.resolve(TOLD));
  s.journal.failure = new Error('disk full');
  s.joins(finder, 'b');
  await s.timers.advance(5 * MINUTE_MS);
  assert.deepEqual(s.told(), ['b found']);
  await finder.stop();
});
