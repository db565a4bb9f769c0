import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseConfig } from '../../../src/base/config.ts';
import { parseIso } from '../../../src/base/time.ts';
import { PLAN, planContradictions, SitePlan } from '../../../src/edge/plan-settings.ts';
import type { JobOutcome } from '../../../src/edge/ports.ts';
import { sliceRowsMax } from '../../../src/edge/reader/slices.ts';
import { LinePlan, type Now } from '../../../src/edge/scheduler/plan.ts';
import { nextRuns, runText } from '../../../src/edge/scheduler/runs.ts';
import type { MeterId } from '../../../src/model/ids.ts';
import type { ReadJob } from '../../../src/profile/plan.ts';
import type { BufferRule } from '../../../src/profile/schema/profile.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DONE: JobOutcome = { ok: true, more: false };
const M1 = { meterId: 'm1' as MeterId, line: 'bus1', timeZone: 'Europe/Berlin' };
const PROFILE = { kind: 'buffer', key: '1-0:99.1.0*255', periodS: 900, rule: { intervalS: 900, rows: 960 } } as ReadJob;
const DAILY = {
  kind: 'buffer',
  key: '1-0:99.2.0*255',
  periodS: 3600,
  rule: { intervalS: 86_400, rows: 62 },
} as ReadJob;
const EVENTS = { kind: 'events', key: '0-0:99.98.0*255', periodS: 900 } as ReadJob;

function planOf(yaml: string) {
  const parsed = parseConfig(PLAN, yaml);
  assert.ok(parsed.ok, JSON.stringify(parsed));
  return parsed.config;
}

const at = (text: string) => {
  const ms = parseIso(text);
  assert.ok(ms !== null, text);
  return ms;
};

/** When a job of m1 runs between two moments, UTC to the minute; it takes no time and `share` of its buffer is unread. */
function runs(
  yaml: string,
  job: ReadJob,
  from: string,
  to: string,
  watermark: (wallMs: number) => number | null = () => null,
) {
  const site = new SitePlan(planOf(yaml));
  const now = { wallMs: at(from), monotonicMs: 0 };
  const plan = new LinePlan(() => watermark(now.wallMs));
  plan.add(M1.meterId, [job], (each) => site.timingOf(M1, each));
  const ran: string[] = [];
  while (now.wallMs < at(to)) {
    const picked = plan.pick(now as Now, null);
    if (picked !== null) {
      ran.push(new Date(now.wallMs).toISOString().slice(0, 16));
      plan.ended(picked, DONE, 0, now as Now);
    }
    now.wallMs += MINUTE_MS;
    now.monotonicMs += MINUTE_MS;
  }
  return ran;
}

const NIGHT =
  'sessions: [{ name: night, cron: "10 0 * * *", jobs: [profile, daily], window: "00:05-06:00", spreadS: 0 }]';

test('IT-15 a session reads its jobs by the wall clock of the site, over both changes; what no session names goes on as its profile says', () => {
  assert.deepEqual(runs(NIGHT, PROFILE, '2026-03-27T12:00:00Z', '2026-03-31T00:00:00Z'), [
    '2026-03-27T23:05',
    '2026-03-27T23:11',
    '2026-03-28T23:11',
    '2026-03-29T22:11',
    '2026-03-30T22:11',
  ]);
  assert.deepEqual(runs(NIGHT, DAILY, '2026-10-24T20:00:00Z', '2026-10-27T00:00:00Z').slice(2), [
    '2026-10-25T23:11',
    '2026-10-26T23:11',
  ]);
  assert.equal(runs(NIGHT, EVENTS, '2026-03-29T00:00:00Z', '2026-03-29T01:59:00Z').length, 9);
});

test('a job in a night window over the change runs every quarter of an hour of that night once', () => {
  const quarters = 'sessions: [{ name: q, cron: "*/15 * * * *", jobs: [profile], window: "22:00-05:00", spreadS: 0 }]';
  const spring = runs(quarters, PROFILE, '2026-03-28T20:00:00Z', '2026-03-29T12:00:00Z');
  const autumn = runs(quarters, PROFILE, '2026-10-24T19:00:00Z', '2026-10-25T12:00:00Z');
  // 22:00 to 05:00 has 6 hours in spring and 8 in autumn; what was missed before comes first.
  assert.deepEqual([spring[0], autumn[0]], ['2026-03-28T21:00', '2026-10-24T20:00']);
  assert.deepEqual([spring.length, autumn.length], [1 + 24, 1 + 32]);
});

test('what was missed is made up for at once, in the window only', () => {
  assert.deepEqual(runs(NIGHT, DAILY, '2026-01-10T03:00:00Z', '2026-01-10T23:00:00Z'), ['2026-01-10T03:00']);
  assert.deepEqual(runs(NIGHT, DAILY, '2026-01-10T06:00:00Z', '2026-01-10T22:00:00Z'), []);
});

test('more than 80 % of the buffer unread waits for no window', () => {
  const tenDaysMs = 240 * HOUR_MS;
  const unread = (share: number) => (wallMs: number) => wallMs - share * tenDaysMs;
  assert.deepEqual(runs(NIGHT, PROFILE, '2026-01-10T06:00:00Z', '2026-01-10T08:00:00Z', unread(0.79)), []);
  assert.equal(
    runs(NIGHT, PROFILE, '2026-01-10T06:00:00Z', '2026-01-10T08:00:00Z', unread(0.81))[0],
    '2026-01-10T06:00',
  );
});

test('what a meter is about to overwrite goes before registers and events of the whole line', () => {
  const wallMs = at('2026-01-10T06:00:00Z');
  const marks: Record<string, number> = { late: wallMs - 200 * HOUR_MS, m: wallMs - HOUR_MS };
  const plan = new LinePlan((meterId) => marks[meterId] ?? null);
  const clock = { kind: 'clock', key: 'clock', periodS: 86_400 } as ReadJob;
  plan.add('m' as MeterId, [clock, PROFILE]);
  plan.add('late' as MeterId, [clock, PROFILE]);
  const now: Now = { wallMs, monotonicMs: 0 };
  const order: string[] = [];
  for (let picked = plan.pick(now, null); picked !== null; picked = plan.pick(now, null)) {
    order.push(`${picked.meterId}:${picked.job.kind}`);
    plan.ended(picked, DONE, 0, now);
  }
  assert.deepEqual(order, ['late:buffer', 'late:clock', 'm:clock', 'm:buffer']);
});

test('calendars take days away, or leave only theirs', () => {
  const yaml = [
    'calendars: [{ name: holidays, dates: ["12-25", "2026-12-28"] }, { name: ends, dates: ["12-31", "01-31"] }]',
    'sessions:',
    '  - { name: work, cron: "0 8 * * mon-fri", jobs: [daily], except: holidays, spreadS: 0 }',
    '  - { name: month, cron: "0 23 * * *", jobs: [daily], only: ends, spreadS: 0 }',
  ].join('\n');
  assert.deepEqual(runs(yaml, DAILY, '2026-12-24T06:00:00Z', '2027-01-01T06:00:00Z').slice(1), [
    '2026-12-24T07:01',
    '2026-12-29T07:01',
    '2026-12-30T07:01',
    '2026-12-31T07:01',
    '2026-12-31T22:01',
  ]);
});

test('a wall clock that was ahead by a month does not silence a session for that month', () => {
  const site = new SitePlan(planOf(NIGHT));
  const plan = new LinePlan(() => null);
  plan.add(M1.meterId, [DAILY], (job) => site.timingOf(M1, job));
  const ahead: Now = { wallMs: at('2026-02-10T02:00:00Z'), monotonicMs: 0 };
  const picked = plan.pick(ahead, null);
  assert.ok(picked !== null);
  plan.ended(picked, DONE, 0, ahead);
  assert.equal(plan.pick(ahead, null), null);
  assert.notEqual(plan.pick({ wallMs: at('2026-01-10T02:00:00Z'), monotonicMs: 0 }, null), null);
});

test('the next ten runs are told by the clock of the site, with what they read, where, and how long they wait', () => {
  const yaml = [
    'sessions:',
    '  - { name: night, cron: "30 2 * * *", jobs: [profile, daily], window: "02:00-06:00" }',
    '  - { name: noon, cron: "0 12 * * *", jobs: [events], window: "13:00-14:00", lines: [bus1], spreadS: 5 }',
  ].join('\n');
  const site = new SitePlan(planOf(yaml));
  const jobs = [M1, { ...M1, meterId: 'm2' as MeterId }].flatMap((meter) =>
    [PROFILE, DAILY, EVENTS].map((job) => {
      const session = job === EVENTS ? 'noon' : 'night';
      const what = job.kind === 'events' ? 'events' : job === DAILY ? 'daily' : 'profile';
      return { ...meter, what, sessions: [session], timing: site.timingOf(meter, job) };
    }),
  );
  const texts = nextRuns(jobs, at('2026-10-24T08:00:00Z'), 10).map(runText);
  assert.equal(texts.length, 10);
  assert.deepEqual(texts.slice(0, 4), [
    '2026-10-24T12:00:00+02:00  noon: events of 2 meters on bus1, spread over 5 s, waits 3600 s for its window',
    '2026-10-25T02:30:00+02:00  night: profile, daily of 2 meters on bus1, spread over 60 s',
    '2026-10-25T12:00:00+01:00  noon: events of 2 meters on bus1, spread over 5 s, waits 3600 s for its window',
    '2026-10-26T02:30:00+01:00  night: profile, daily of 2 meters on bus1, spread over 60 s',
  ]);
});

test('a session that never comes again is not shown, and does not keep the plan busy', () => {
  const yaml =
    'calendars: [{ name: past, dates: ["2020-01-01"] }]\nsessions: [{ name: s, cron: "0 1 * * *", jobs: [daily], only: past }]';
  const timing = new SitePlan(planOf(yaml)).timingOf(M1, DAILY);
  const job = { ...M1, what: 'daily', sessions: ['s'], timing };
  assert.deepEqual(nextRuns([job], at('2026-10-24T08:00:00Z'), 10), []);
});

test('everything wrong in a plan is told at once, with the path of its key', () => {
  const plan = planOf(
    [
      'calendars: [{ name: a, dates: ["13-01", "2026-02-30", "02-29"] }, { name: a, dates: [] }]',
      'sessions:',
      '  - { name: s, cron: "61 * * * *", jobs: [], lines: [x], meters: [y], only: b, window: "01:00-01:00" }',
      '  - { name: s, cron: "0 1 * * *", jobs: [profiles, 1-0:99.1.0, events] }',
    ].join('\n'),
  );
  const told = planContradictions(plan, { lines: new Set(['bus1']), meters: new Set(['m1']) });
  assert.deepEqual(
    told.map(({ path }) => path),
    [
      'plan.calendars[0].dates[0]',
      'plan.calendars[0].dates[1]',
      'plan.calendars[1].name',
      'plan.sessions[0].cron',
      'plan.sessions[0].jobs',
      'plan.sessions[0].lines[0]',
      'plan.sessions[0].meters[0]',
      'plan.sessions[0].only',
      'plan.sessions[0].window',
      'plan.sessions[1].name',
      'plan.sessions[1].jobs[0]',
    ],
  );
});

test('rows of one request: a day over a shared network, a week on a wire, and what a slow one carries in five seconds', () => {
  const load = { intervalS: 900, columns: Array.from({ length: 7 }) } as unknown as BufferRule;
  const daily = { ...load, intervalS: 86_400 };
  assert.equal(sliceRowsMax(load, { octetMs: 0 }), 672);
  assert.equal(sliceRowsMax(load, { octetMs: 0, sliceDays: 1 }), 96);
  assert.equal(sliceRowsMax(load, { octetMs: 1_000 / 960 }), 87);
  assert.equal(sliceRowsMax(load, { octetMs: 1_000 / 11_520 }), 672);
  assert.equal(sliceRowsMax(daily, { octetMs: 0, sliceDays: 1 }), 24);
});
