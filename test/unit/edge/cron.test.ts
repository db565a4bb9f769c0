import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseIso } from '../../../src/base/time.ts';
import { nextOfCron, parseCron } from '../../../src/edge/scheduler/cron.ts';
import { timeZoneOf } from '../../../src/profile/zone.ts';

const at = (text: string) => {
  const ms = parseIso(text);
  assert.ok(ms !== null, text);
  return ms;
};

/** The next moments of an expression in a zone, as UTC. */
function moments(expression: string, zone: string, from: string, count: number): string[] {
  const parsed = parseCron(expression);
  assert.ok(parsed.ok, expression);
  const found: string[] = [];
  let afterMs = at(from);
  for (let n = 0; n < count; n++) {
    const next = nextOfCron(parsed.cron, timeZoneOf(zone), afterMs, () => true);
    assert.ok(next !== null && next > afterMs);
    found.push(new Date(next).toISOString().slice(0, 16));
    afterMs = next;
  }
  return found;
}

test('fields: numbers, names, ranges, steps and lists, by the wall clock of the site', () => {
  assert.deepEqual(moments('5 0 * * *', 'Europe/Berlin', '2026-01-10T12:00:00Z', 2), [
    '2026-01-10T23:05',
    '2026-01-11T23:05',
  ]);
  assert.deepEqual(moments('*/20 6-7 * jan,FEB mon-fri', 'UTC', '2026-01-30T07:30:00Z', 3), [
    '2026-01-30T07:40',
    '2026-02-02T06:00',
    '2026-02-02T06:20',
  ]);
  assert.deepEqual(moments('0 12 29 2 *', 'UTC', '2026-01-01T00:00:00Z', 2), ['2028-02-29T12:00', '2032-02-29T12:00']);
  assert.deepEqual(moments('0 0 1 * 7', 'UTC', '2026-02-26T00:00:00Z', 2), ['2026-03-01T00:00', '2026-03-08T00:00']);
  assert.deepEqual(moments('10/25 3 * * *', 'UTC', '2026-02-26T00:00:00Z', 3), [
    '2026-02-26T03:10',
    '2026-02-26T03:35',
    '2026-02-27T03:10',
  ]);
});

test('spring: what lies in the hour that is left out comes when that hour is over, once', () => {
  // Berlin, 29 March 2026: 01:00 UTC is 02:00, and 03:00 at once.
  assert.deepEqual(moments('30 2 * * *', 'Europe/Berlin', '2026-03-27T12:00:00Z', 3), [
    '2026-03-28T01:30',
    '2026-03-29T01:00',
    '2026-03-30T00:30',
  ]);
  assert.deepEqual(moments('0 2,3 * * *', 'Europe/Berlin', '2026-03-28T12:00:00Z', 2), [
    '2026-03-29T01:00',
    '2026-03-30T00:00',
  ]);
});

test('autumn: an hour that is named comes the first time only, every hour comes both times', () => {
  // Berlin, 25 October 2026: 01:00 UTC is 03:00, and 02:00 again.
  assert.deepEqual(moments('30 2 * * *', 'Europe/Berlin', '2026-10-24T12:00:00Z', 2), [
    '2026-10-25T00:30',
    '2026-10-26T01:30',
  ]);
  assert.deepEqual(moments('30 * * * *', 'Europe/Berlin', '2026-10-24T23:45:00Z', 4), [
    '2026-10-25T00:30',
    '2026-10-25T01:30',
    '2026-10-25T02:30',
    '2026-10-25T03:30',
  ]);
});

test('a day of quarter-hours has 92, 96 or 100 of them', () => {
  const counted = (day: string) => {
    const found = moments('*/15 * * * *', 'Europe/Berlin', `${day}T12:00:00Z`, 150);
    const local = (utc: string) => timeZoneOf('Europe/Berlin').localMs(at(`${utc}:00Z`));
    const next = Math.floor(local(`${day}T12:00`) / 86_400_000) + 1;
    return found.filter((utc) => Math.floor(local(utc) / 86_400_000) === next).length;
  };
  assert.deepEqual([counted('2026-03-28'), counted('2026-06-01'), counted('2026-10-24')], [92, 96, 100]);
});

test('zones whose clocks change by half an hour, and at midnight', () => {
  // Lord Howe, 5 April 2026: 02:00 is 01:30 again; Beirut, 29 March 2026: 00:00 is 01:00 at once.
  assert.deepEqual(moments('45 1 * * *', 'Australia/Lord_Howe', '2026-04-04T00:00:00Z', 2), [
    '2026-04-04T14:45',
    '2026-04-05T15:15',
  ]);
  assert.deepEqual(moments('15 0 * * *', 'Asia/Beirut', '2026-03-27T23:00:00Z', 2), [
    '2026-03-28T22:00',
    '2026-03-29T21:15',
  ]);
});

test('what is wrong is said with its field', () => {
  const said = (expression: string) => {
    const parsed = parseCron(expression);
    return parsed.ok ? 'ok' : parsed.sentence;
  };
  assert.match(said('5 0 * *'), /has 4 fields/);
  assert.match(said('60 0 * * *'), /field 1 \(minute\): 60 .* 0 to 59/);
  assert.match(said('0 9-7 * * *'), /field 2 \(hour\): 9-7/);
  assert.match(said('0 0 * foo *'), /field 4 \(month\): foo/);
  assert.match(said('0 0 */0 * *'), /field 3 \(day of month\)/);
  assert.match(said('0 0 30 2 *'), /never comes/);
  for (const bad of ['', '1 2 3 4 5 6', '- * * * *', '1, * * * *', '1/2/3 * * * *', '* * * * 1-2-3'])
    assert.notEqual(said(bad), 'ok', bad);
});
