import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasCode } from '../../../src/base/errors.ts';
import { parseFormula } from '../../../src/profile/schema/formula.ts';
import { parseProfile, parseProfileOrThrow } from '../../../src/profile/schema/parse.ts';
import { compareVersions, hasQuirk, registerByObis } from '../../../src/profile/schema/profile.ts';
import { canonicalObis } from '../../../src/profile/schema/resolve.ts';

const SMALL = `
vendor: test
model: one
title: A test
medium: electricity
clients: [{ name: public, address: 16, security: none, uses: [read] }]
registers:
  - { name: energy, obis: 1-0:1.8.0, exponent: 0, unit: Wh, valueClass: billing }
`;

test('a small profile is resolved with its defaults', () => {
  const profile = parseProfileOrThrow(SMALL, 'one');
  assert.equal(profile.key, 'test/one');
  assert.deepEqual(profile.registers[0], {
    name: 'energy',
    obis: '1-0:1.8.0*255',
    classId: 3,
    attribute: 2,
    type: 'double-long-unsigned',
    exponent: 0,
    unit: 'Wh',
    valueClass: 'billing',
    periodS: 0,
    scalerUnit: 'profile',
    storedAs: '1-0:1.8.0*255',
    record: null,
    line: null,
    modbus: null,
  });
  assert.equal(profile.clock.obis, '0-0:1.0.0*255');
  assert.equal(registerByObis(profile, '1-0:1.8.0*255')?.name, 'energy');
  assert.equal(registerByObis(profile, '1-0:9.8.0*255'), undefined);
});

test('all problems of the shape come at once, each with its path and a way out, unknown keys named', () => {
  const parsed = parseProfile(`
vendor: Bad Vendor
model: one
title: A test
medium: beer
clientz: []
hdlc: { addressOctets: 3, logicalDevice: 1, physicalDevice: 17 }
registers:
  - { name: a, obis: 1-0:1.8.0, exponent: 0, unit: Wh, valueClass: bill }
  - { name: b, obis: 1-0:1.8, exponent: 99, valueClass: billing, foo: 1 }
profiles:
  - { name: load, obis: 1-0:99.1.0, intervalS: 900, rows: 10, columns: [clock, 7] }
`);
  assert.ok(!parsed.ok);
  const told = new Map(parsed.problems.map((problem) => [problem.path, problem.sentence]));
  for (const path of [
    'vendor',
    'medium',
    'clientz',
    'hdlc.addressOctets',
    'registers[0].valueClass',
    'registers[1].obis',
    'registers[1].exponent',
    'registers[1].unit',
    'registers[1].foo',
    'profiles[0].columns[1]',
  ]) {
    assert.ok(told.has(path), `${path} is told`);
  }
  assert.match(told.get('clientz') ?? '', /not known.*clients/);
  assert.match(told.get('registers[1].unit') ?? '', /missing/);
  assert.match(told.get('medium') ?? '', /electricity/);
  assert.equal(told.size, parsed.problems.length, 'one sentence a place');
});

test('names that do not exist, that are used twice, and what contradicts itself are told at once', () => {
  const parsed = parseProfile(`
vendor: test
model: one
title: A test
medium: gas
recognise: { logicalDeviceName: '(' }
hdlc: { addressOctets: 4, logicalDevice: 1, physicalDevice: serial %% 3 }
clients:
  - { name: a, address: 16, security: none, uses: [read] }
  - { name: a, address: 17, security: none, uses: [read] }
registers:
  - { name: a, obis: 1-0:1.8.0, exponent: 0, unit: Wh, valueClass: billing }
  - { name: a, obis: 1-0:1.8.0*255, exponent: 0, unit: Wh, valueClass: billing }
attributes: [{ name: a, obis: 0-0:42.0.0 }]
profiles:
  - { name: load, obis: 1-0:99.1.300, intervalS: 900, rows: 10, columns: [clock, nothing, status] }
eventLogs:
  - { name: log, obis: 0-0:99.98.0, rows: 10, columns: [clock], codeObis: 0-0:96.11.0, codes: none }
push:
  - { name: list, layout: positional, positions: { 0: nothing }, exponents: { nothing: 1 } }
`);
  assert.ok(!parsed.ok);
  const paths = parsed.problems.map((problem) => problem.path);
  for (const path of [
    'recognise.logicalDeviceName',
    'hdlc.physicalDevice',
    'clients[1]',
    'registers[1].name',
    'registers[1].obis',
    'attributes[0].name',
    'profiles[0].columns[1]',
    'profiles[0].status',
    'profiles[0].obis',
    'eventLogs[0].codes',
    'eventLogs[0].columns',
    'push[0].positions.0',
    'push[0].exponents.nothing',
  ]) {
    assert.ok(paths.includes(path), `${path} in ${paths.join(', ')}`);
  }
});

test('text that is no YAML, an alias bomb and an endless file are refused in a sentence', () => {
  for (const text of ['a: [', `${'x'.repeat(300_000)}`, '']) assert.equal(parseProfile(text).ok, false);
  const bomb = ['a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]'];
  for (let level = 1; level < 9; level++) {
    bomb.push(
      `a${level}: &a${level} [${Array(10)
        .fill(`*a${level - 1}`)
        .join(', ')}]`,
    );
  }
  const parsed = parseProfile(bomb.join('\n'));
  assert.ok(!parsed.ok);
  assert.throws(
    () => parseProfileOrThrow('vendor: 1', 'bad'),
    (error) => hasCode(error, 'PROFILE_INVALID'),
  );
});

test('address formulas give the addresses that meters use', () => {
  assert.equal(parseFormula('serial % 10000 + 1000').addressOf('DWE00031234567'), 5567);
  assert.equal(parseFormula('serial % 100 + 16').addressOf('99'), 115);
  assert.equal(parseFormula('17').addressOf('anything'), 17);
  assert.equal(parseFormula('2 * (3 + serial) - 4 / 2').addressOf('5'), 14);
  for (const wrong of ['', 'serial +', '(1', '1 2', 'process', 'serial ** 2', '1'.repeat(100)]) {
    assert.throws(
      () => parseFormula(wrong),
      (error) => hasCode(error, 'PROFILE_FORMULA'),
      wrong,
    );
  }
  for (const wrong of ['serial', '0 - 1', '1 / 0', 'serial % 0']) {
    assert.throws(
      () => parseFormula(wrong).addressOf('99999999'),
      (error) => hasCode(error, 'PROFILE_ADDRESS'),
      wrong,
    );
  }
});

test('OBIS codes have one spelling', () => {
  assert.equal(canonicalObis('1-0:1.8.0'), '1-0:1.8.0*255');
  assert.equal(canonicalObis('1-0:1.8.0*101'), '1-0:1.8.0*101');
  assert.equal(canonicalObis('1-0:1.8.256'), null);
  assert.equal(canonicalObis('1-0:1.8'), null);
});

test('a quirk holds for its firmware range', () => {
  const profile = parseProfileOrThrow(
    `${SMALL}quirks: [{ name: no-release, sentence: It stays silent., firmwareFrom: '1.2', firmwareTo: '1.10' }]`,
    'one',
  );
  const held = ['1.1', '1.2', '1.9', '1.10', '1.11', null].map((firmware) => hasQuirk(profile, 'no-release', firmware));
  assert.deepEqual(held, [false, true, true, true, false, true]);
  assert.equal(hasQuirk(profile, 'no-with-list', null), false);
  assert.equal(compareVersions('A1', 'A1.0'), -1);
  assert.equal(compareVersions('B', 'A'), 1);
});
