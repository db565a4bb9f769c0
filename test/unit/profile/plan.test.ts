import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { utcMsOf } from '../../../src/dlms/cosem/datetime.ts';
import { parseObis } from '../../../src/dlms/cosem/obis.ts';
import { dateTimeOfData, rangeSelectionOf, SELECT_ENTRIES } from '../../../src/dlms/cosem/selective-access.ts';
import { isoOfUtcMs, utcMsOfIso } from '../../../src/profile/check.ts';
import {
  attributeRequests,
  bufferRequests,
  entryRequest,
  eventRequests,
  planJobs,
  type ReadRequest,
  registerRequests,
  scalerRequests,
} from '../../../src/profile/plan.ts';
import { parseProfileOrThrow } from '../../../src/profile/schema/parse.ts';
import type { BufferRule, EventLogRule } from '../../../src/profile/schema/profile.ts';

const TEXT = readFileSync(new URL('../../../config/profiles/generic/idis.yaml', import.meta.url), 'utf8');
const IDIS = parseProfileOrThrow(TEXT, 'generic/idis');
const LOAD = IDIS.buffers[0] as BufferRule;
const NOW = utcMsOfIso('2026-07-02T12:00:10Z');

const spanOf = (request: ReadRequest): string => {
  const range = rangeSelectionOf(request.access ?? assert.fail('a range was expected'));
  const moment = (data: typeof range.from) =>
    isoOfUtcMs(utcMsOf(dateTimeOfData(data) ?? assert.fail()) ?? assert.fail());
  return `${moment(range.from)}..${moment(range.to)}`;
};
const range = (watermark: string | null, backTo: string | null = null) => ({
  watermarkMs: watermark === null ? null : utcMsOfIso(watermark),
  backToMs: backTo === null ? null : utcMsOfIso(backTo),
  nowMs: NOW,
  sliceRowsMax: 96,
  timeZone: 'Europe/Berlin',
});

test('the jobs of the generic meter', () => {
  assert.deepEqual(
    planJobs(IDIS).map((job) => [job.kind, job.key, job.periodS]),
    [
      ['attributes', 'attributes', 86_400],
      ['clock', 'clock', 86_400],
      ['buffer', '1-0:99.1.0*255', 900],
      ['buffer', '1-0:99.2.0*255', 3600],
      ['events', '0-0:99.98.0*255', 900],
    ],
  );
});

test('a customer port is only listened to: no jobs', () => {
  const kaifa = readFileSync(new URL('../../../config/profiles/kaifa/ma304.yaml', import.meta.url), 'utf8');
  assert.deepEqual(planJobs(parseProfileOrThrow(kaifa, 'kaifa/ma304')), []);
});

test('only rows above the watermark are asked for, none when none can be there', () => {
  assert.deepEqual(bufferRequests(IDIS, LOAD, range('2026-07-02T11:45:00Z')).map(spanOf), [
    '2026-07-02T11:45:01Z..2026-07-02T12:00:10Z',
  ]);
  assert.deepEqual(bufferRequests(IDIS, LOAD, range('2026-07-02T12:00:00Z')), []);
});

test('a catch-up comes in slices, oldest first, without a gap or an overlap', () => {
  const spans = bufferRequests(IDIS, LOAD, range('2026-06-30T00:00:00Z')).map(spanOf);
  assert.equal(spans.length, 3);
  assert.equal(spans[0], '2026-06-30T00:00:01Z..2026-07-01T00:00:01Z');
  assert.equal(spans[1], '2026-07-01T00:00:02Z..2026-07-02T00:00:02Z');
  assert.equal(spans[2]?.split('..')[1], '2026-07-02T12:00:10Z');
});

test('the first read goes back as far as the buffer, or as far as asked', () => {
  assert.equal(bufferRequests(IDIS, LOAD, range(null)).length, 40);
  assert.equal(bufferRequests(IDIS, LOAD, range(null, '2026-07-02T00:00:00Z')).length, 1);
  assert.equal(
    bufferRequests(IDIS, LOAD, range(null, '2020-01-01T00:00:00Z')).length,
    40,
    'never further than the buffer',
  );
});

test('a line that says nothing bears a week in one request', () => {
  const { sliceRowsMax: _, ...week } = range(null);
  assert.equal(bufferRequests(IDIS, LOAD, week).length, 6);
});

test('a meter that ignores selection is asked for everything, only when a row is due', () => {
  const all = { ...LOAD, access: 'all' as const };
  assert.deepEqual(
    bufferRequests(IDIS, all, range('2026-07-02T11:45:00Z')).map((request) => request.access),
    [null],
  );
  assert.deepEqual(bufferRequests(IDIS, all, range('2026-07-02T11:55:00Z')), []);
});

test('events: whole seconds that are over; everything when nothing is held', () => {
  const log = IDIS.eventLogs[0] as EventLogRule;
  assert.deepEqual(eventRequests(IDIS, log, range('2026-07-02T11:45:00Z')).map(spanOf), [
    '2026-07-02T11:45:01Z..2026-07-02T12:00:08Z',
  ]);
  assert.deepEqual(eventRequests(IDIS, log, range('2026-07-02T12:00:09Z')), []);
  assert.equal(eventRequests(IDIS, log, range(null))[0]?.access, null);
});

test('registers are read after the clock, texts and scalers as the profile lists them', () => {
  const [clock, first] = registerRequests(IDIS, IDIS.registers);
  assert.deepEqual([clock?.classId, clock?.obis, first?.obis], [8, '0-0:1.0.0*255', '1-0:1.8.0*255']);
  assert.deepEqual(
    attributeRequests(IDIS).map((request) => request.obis),
    ['0-0:42.0.0*255', '0-0:96.1.0*255', '1-0:0.2.0*255'],
  );
  assert.deepEqual(scalerRequests(IDIS), []);
  assert.equal(entryRequest('1-0:99.1.0*255', 1, 5).access?.selector, SELECT_ENTRIES);
});

test('interop 8: a range is restricted by the clock that the buffer captures, and ends where it ends', () => {
  const clock = { ...IDIS.clock, obis: '1-0:0.9.1*255' };
  const [request] = bufferRequests({ ...IDIS, clock }, LOAD, range('2026-07-02T11:45:00Z'));
  const { restricting } = rangeSelectionOf(request?.access ?? assert.fail());
  assert.deepEqual(restricting, { classId: 8, instanceId: parseObis('1-0:0.9.1*255'), attributeId: 2, dataIndex: 0 });
  assert.equal(request && spanOf(request), '2026-07-02T11:45:01Z..2026-07-02T12:00:10Z');
  assert.deepEqual(request?.asked, { fromMs: utcMsOfIso('2026-07-02T11:45:01Z'), toMs: NOW });
});

test('interop 11: moments of a range say their deviation as the clock does, or as the profile says', () => {
  const deviationsOf = (clock: Partial<typeof IDIS.clock>, clockSaysDeviation?: boolean | null) => {
    const profile = { ...IDIS, clock: { ...IDIS.clock, ...clock } };
    const told = clockSaysDeviation === undefined ? {} : { clockSaysDeviation };
    const [request] = bufferRequests(profile, LOAD, { ...range('2026-07-02T11:45:00Z'), ...told });
    const { from, to } = rangeSelectionOf(request?.access ?? assert.fail());
    return [from, to].map((moment) => dateTimeOfData(moment)?.deviation);
  };
  assert.deepEqual(deviationsOf({}), [-120, -120], 'nothing is known of the clock yet');
  assert.deepEqual(deviationsOf({}, true), [-120, -120]);
  assert.deepEqual(deviationsOf({}, false), [null, null]);
  assert.deepEqual(deviationsOf({ rangeDeviation: 'set' }, false), [-120, -120]);
  assert.deepEqual(deviationsOf({ rangeDeviation: 'not-specified' }, true), [null, null]);
  assert.deepEqual(deviationsOf({ deviation: 'ignore' }, true), [null, null], 'what it says is wrong');
  assert.deepEqual(deviationsOf({ deviation: 'ignore', rangeDeviation: 'set' }), [-120, -120]);
  assert.deepEqual(deviationsOf({ deviation: 'local-minus-utc' }, true), [120, 120]);
});
