import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { hasCode } from '../../../src/base/errors.ts';
import type { CosemDateTime } from '../../../src/dlms/cosem/datetime.ts';
import { isoOfUtcMs, utcMsOfIso } from '../../../src/profile/check.ts';
import type { ClockRule } from '../../../src/profile/schema/profile.ts';
import { meterTimeOf, type PlaceHints, placeTime } from '../../../src/profile/time.ts';
import { isTimeZone, timeZoneOf } from '../../../src/profile/zone.ts';

const CLOCK: ClockRule = {
  obis: '0-0:1.0.0*255',
  deviation: 'utc-minus-local',
  timeZone: 'site',
  daylightBit: true,
  rangeDeviation: 'as-clock',
  toleranceS: 30,
  setMaxS: 3600,
};
const BERLIN: PlaceHints = { siteZone: 'Europe/Berlin', previousAtMs: null, daylight: null };
const local = (day: number, hour: number, minute = 0, status = 0xff): CosemDateTime => ({
  year: 2026,
  month: 10,
  day,
  weekday: null,
  hour,
  minute,
  second: 0,
  hundredths: null,
  deviation: null,
  status,
});
const iso = (time: CosemDateTime, clock: Partial<ClockRule>, hints: Partial<PlaceHints>): string | null => {
  const placed = placeTime(time, { ...CLOCK, ...clock }, { ...BERLIN, ...hints });
  return placed === null ? null : isoOfUtcMs(placed.atMs);
};

test('zones agree with the engine for every moment of several years', () => {
  for (const name of [
    'Europe/Berlin',
    'Europe/London',
    'Asia/Kolkata',
    'Australia/Lord_Howe',
    'Africa/Casablanca',
    'America/St_Johns',
    'UTC',
  ]) {
    const zone = timeZoneOf(name);
    const format = new Intl.DateTimeFormat('sv-SE', { timeZone: name, dateStyle: 'short', timeStyle: 'medium' });
    fc.assert(
      fc.property(
        fc.integer({ min: utcMsOfIso('2020-01-01T00:00:00Z') / 1000, max: utcMsOfIso('2030-01-01T00:00:00Z') / 1000 }),
        (seconds) => {
          const utcMs = seconds * 1000;
          const text = isoOfUtcMs(zone.localMs(utcMs)).replace('T', ' ').replace('Z', '');
          assert.equal(text, format.format(utcMs));
          assert.ok(zone.momentsOf(zone.localMs(utcMs)).includes(utcMs), 'the wall time leads back');
          const start = zone.dayStartMs(utcMs);
          assert.ok(start <= utcMs && utcMs - start < 25 * 3_600_000);
        },
      ),
      { numRuns: 300 },
    );
  }
});

test('a zone that does not exist is an error with a way out', () => {
  assert.throws(
    () => timeZoneOf('Europe/Atlantis'),
    (error) => hasCode(error, 'PROFILE_TIME_ZONE'),
  );
  assert.equal(isTimeZone('Europe/Atlantis'), false);
  assert.equal(isTimeZone('Europe/Oslo'), true);
});

test("a deviation beats the zone; its sign and its trust are the profile's", () => {
  const time = { ...local(1, 12), deviation: -60 };
  assert.equal(iso(time, {}, {}), '2026-10-01T11:00:00Z');
  assert.equal(iso({ ...time, deviation: 60 }, { deviation: 'local-minus-utc' }, {}), '2026-10-01T11:00:00Z');
  assert.equal(iso(time, { deviation: 'ignore' }, {}), '2026-10-01T10:00:00Z');
  assert.equal(iso(local(1, 12), { timeZone: 'Asia/Kolkata' }, {}), '2026-10-01T06:30:00Z');
});

test('the doubled hour: the daylight bit, then the order of rows, decide', () => {
  const before = utcMsOfIso('2026-10-25T00:45:00Z');
  assert.equal(iso(local(25, 2, 30, 0x80), {}, {}), '2026-10-25T00:30:00Z');
  assert.equal(iso(local(25, 2, 30, 0), {}, {}), '2026-10-25T01:30:00Z');
  assert.equal(iso(local(25, 2, 30, 0), { daylightBit: false }, {}), '2026-10-25T00:30:00Z');
  assert.equal(iso(local(25, 2, 30), {}, { previousAtMs: before }), '2026-10-25T01:30:00Z');
  assert.equal(iso(local(25, 2, 50), {}, { previousAtMs: before }), '2026-10-25T00:50:00Z');
  assert.equal(iso(local(25, 2, 30), {}, { daylight: false }), '2026-10-25T01:30:00Z');
  assert.equal(iso(local(25, 2, 30), {}, { daylight: true, previousAtMs: before }), '2026-10-25T00:30:00Z');
});

test('an hour that never was is read with the offset from before the jump', () => {
  const spring = { ...local(29, 2, 30), month: 3 };
  assert.equal(iso(spring, {}, {}), '2026-03-29T01:30:00Z');
});

test('a time with wildcards is no moment; status bits say doubtful and invalid', () => {
  assert.equal(iso({ ...local(1, 12), day: null }, {}, {}), null);
  const placed = placeTime({ ...local(1, 12), deviation: 0, status: 2 }, CLOCK, BERLIN);
  assert.deepEqual([placed?.doubtful, placed?.invalid], [true, false]);
  const invalid = placeTime({ ...local(1, 12), deviation: 0, status: 1 }, CLOCK, BERLIN);
  assert.deepEqual([invalid?.doubtful, invalid?.invalid], [true, true]);
});

test('what a meter would write is read back to the same moment, all year, for every clock rule', () => {
  for (const deviation of ['utc-minus-local', 'local-minus-utc', 'ignore'] as const) {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 365 * 1440 }), (minutes) => {
        const utcMs = utcMsOfIso('2026-01-01T00:00:00Z') + minutes * 60_000;
        const clock = { ...CLOCK, deviation };
        assert.equal(placeTime(meterTimeOf(utcMs, clock, 'Europe/Berlin'), clock, BERLIN)?.atMs, utcMs);
      }),
      // The first minute of the hour that comes twice, and the first of its second pass.
      { numRuns: 300, examples: [[427_680], [427_740]] },
    );
  }
});
