import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkProfile } from '../../../src/profile/check.ts';
import { parseProfileOrThrow } from '../../../src/profile/schema/parse.ts';
import { checkAllProfiles } from '../../../tools/profile-check.ts';

test('every profile under config/profiles is sound and its vectors become the readings they must', async () => {
  const reports = await checkAllProfiles();
  assert.ok(reports.length >= 11, `${reports.length} profiles found`);
  for (const report of reports) assert.deepEqual(report.wrong, [], report.key);
  const vectors = reports.reduce((sum, report) => sum + report.vectors, 0);
  assert.ok(vectors >= 40, `${vectors} vectors`);
});

test('the check tells a wrong value, a value too many, an unknown unit, an unknown zone and a profile without vectors', () => {
  const profile = parseProfileOrThrow(
    `
vendor: test
model: one
title: A test
medium: electricity
clients: [{ name: public, address: 16, security: none, uses: [read] }]
clock: { timeZone: Europe/Atlantis }
registers: [{ name: energy, obis: 1-0:1.8.0, exponent: 0, unit: Joe, valueClass: billing }]
`,
    'one',
  );
  const vector = {
    name: 'v',
    source: 'here',
    timeZone: 'UTC',
    readAt: '2026-03-01T00:00:00Z',
    given: { kind: 'registers' as const, answers: [{ register: 'energy', dataHex: '0600000007' }] },
    expect: ['reading 1-0:1.8.0*255 0 2026-03-01T00:00:00Z 8 e0 Joe no-meter-time'],
  };
  const wrong = checkProfile(profile, [vector]);
  assert.deepEqual(wrong, [
    'energy: Joe is not in the COSEM unit table.',
    'clock.timeZone: Europe/Atlantis is no IANA zone.',
    'v: expected and not read: reading 1-0:1.8.0*255 0 2026-03-01T00:00:00Z 8 e0 Joe no-meter-time',
    'v: read and not expected: reading 1-0:1.8.0*255 0 2026-03-01T00:00:00Z 7 e0 Joe no-meter-time',
  ]);
  assert.ok(checkProfile(profile, []).some((line) => line.startsWith('There is no vector')));
});
