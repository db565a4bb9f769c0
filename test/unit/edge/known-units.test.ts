/** Units that meters tell: asked beside the first values of a start, compared with what was told before it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { scalerUnitData } from '../../../src/dlms/cosem/units.ts';
import type { GetDataResult } from '../../../src/dlms/xdlms/service.ts';
import type { Entry } from '../../../src/edge/ports.ts';
import {
  learnScalers,
  loadScalers,
  type UnitsScene,
  unitsIn,
  unitsOctets,
  unknownScalers,
} from '../../../src/edge/reader/known-units.ts';
import { LinkSessions, type OpenAssociation } from '../../../src/edge/reader/sessions.ts';
import type { MeterId } from '../../../src/model/ids.ts';
import type { Profile } from '../../../src/profile/schema/profile.ts';
import { type BusOptions, bus, DirectStage, profileOf } from './bus.ts';
import { FakeJournal } from './fake-journal.ts';
import { FakeHealth } from './world.ts';

const IDIS = profileOf('generic/idis');
const KEPT = 'units/m0001';
const ENERGY = '1-0:1.8.0*255';
const HOUR_MS = 3_600_000;
const SCALER = 3;

/** The profile with registers whose units the meter tells, and the meter's own exponent of the energy. */
function profiles(exponent = 0): { profile: Profile; setUp: Profile } {
  type Rule = Profile['registers'][number];
  const withRules = (change: (rule: Rule) => Rule): Profile => ({
    ...IDIS,
    registers: IDIS.registers.map(change),
    buffers: IDIS.buffers.map((buffer) => ({
      ...buffer,
      columns: buffer.columns.map((column) =>
        column.kind === 'register' ? { ...column, register: change(column.register) } : column,
      ),
    })),
  });
  return {
    profile: withRules((rule) => ({ ...rule, scalerUnit: 'meter' })),
    setUp: withRules((rule) => (rule.obis === ENERGY ? { ...rule, exponent } : rule)),
  };
}

/** Reads a meter for an hour, for three after a restart; what was asked, list by list, as `class/attribute`. */
async function aStart(journal: FakeJournal, exponent = 0) {
  const lists: string[][] = [];
  const sessions: BusOptions['sessions'] = (link, env) => {
    const own = new LinkSessions(link, env);
    const open = own.open.bind(own);
    own.open = async (...args) => {
      const association = await open(...args);
      const get = association.get.bind(association);
      const heard: OpenAssociation['get'] = (items, ...rest) => {
        lists.push(items.map(({ classId, attributeId }) => `${classId}/${attributeId}`));
        return get(items, ...rest);
      };
      return Object.assign(association, { get: heard });
    };
    return own;
  };
  const b = await bus({ count: 1, days: 1, journal, sessions, ...profiles(exponent) });
  const before = journal.entries.length;
  b.scheduler.start();
  // The clock begins anew with each start: a later one has to come beyond what was read.
  await b.world.clock.advance((before === 0 ? 1 : 3) * HOUR_MS);
  const entries = journal.entries.slice(before);
  await b.stop();
  const events = entries.flatMap(({ records }) =>
    records.flatMap((record) => (record.kind === 'event' ? [record.event] : [])),
  );
  const columns = entries
    .flatMap(({ groups }) => groups)
    .flatMap(({ group }) => group.columns.filter(({ obis }) => obis === ENERGY));
  return { lists, events, exponents: new Set(columns.map((column) => column.exponent)), health: b.health };
}

const asksUnits = (list: readonly string[]) => list.includes(`3/${SCALER}`);

test('HE-7 units are asked once a start, in the list of the first values: a restart costs no round trip more', async () => {
  const journal = new FakeJournal();
  const first = await aStart(journal);
  assert.deepEqual(first.lists.filter(asksUnits).length, 1);
  const alone = first.lists.find((list) => list.every((each) => each === `3/${SCALER}`));
  assert.equal(alone, undefined, 'never in a list of their own');
  assert.ok(first.lists.some((list) => asksUnits(list) && list.length > IDIS.registers.length));
  const stored = await journal.kept(KEPT);
  assert.ok(stored !== undefined);
  const second = await aStart(journal);
  assert.equal(second.lists.filter(asksUnits).length, 1);
  assert.deepEqual(
    second.events.filter(({ name }) => name === 'units-changed'),
    [],
  );
  assert.deepEqual([...first.exponents, ...second.exponents], [0, 0]);
});

test('HE-7 a meter that was changed while the edge was down is noticed, and no row has the old unit', async () => {
  const journal = new FakeJournal();
  assert.deepEqual([...(await aStart(journal)).exponents], [0]);
  const changed = await aStart(journal, 3);
  assert.deepEqual([...changed.exponents], [3]);
  const [event, ...more] = changed.events.filter(({ name }) => name === 'units-changed');
  assert.deepEqual(more, [], 'told once');
  assert.equal(event?.severity, 'warning');
  assert.match(event?.sentence ?? '', /1-0:1\.8\.0\*255 10\^3 Wh, before 10\^0 Wh/);
  const again = await aStart(journal, 3);
  assert.deepEqual(
    again.events.filter(({ name }) => name === 'units-changed'),
    [],
    'what it tells now is kept',
  );
});

test('damaged units are learned anew: a line in the log, no event, no wrong value', async () => {
  const journal = new FakeJournal();
  await aStart(journal);
  const good = (await journal.kept(KEPT)) ?? assert.fail();
  const damaged = Uint8Array.from(good);
  damaged.set([(damaged[20] ?? 0) ^ 4], 20);
  const nothing = { line: 'bus1', groups: [], records: [], watermarks: [], readAtMs: 0 };
  await journal.append({ ...nothing, keep: [{ key: KEPT, value: damaged }] });
  const lines: string[] = [];
  const log = { warn: (event: string) => lines.push(event) } as never;
  const meter = { meterId: 'm0001' as MeterId, profile: IDIS };
  assert.equal(await loadScalers(meter, journal, log), null);
  assert.deepEqual(lines, ['reader.units-unusable']);
  const after = await aStart(journal, 3);
  assert.deepEqual([...after.exponents], [3]);
  assert.deepEqual(
    after.events.filter(({ name }) => name === 'units-changed'),
    [],
  );
  assert.deepEqual(unitsIn((await journal.kept(KEPT)) ?? assert.fail(), IDIS.key)?.get(ENERGY), {
    exponent: 3,
    unit: 'Wh',
  });
});

test('the octets of kept units: read back, refused with any bit turned over, of another version or profile, or too long', () => {
  const scalers = new Map([
    [ENERGY, { exponent: -2, unit: 'Wh' }],
    ['1-0:32.7.0*255', { exponent: -1, unit: 'V' }],
  ]);
  const octets = unitsOctets('a/b', scalers) ?? assert.fail();
  assert.deepEqual(unitsIn(octets, 'a/b'), scalers);
  assert.equal(unitsIn(octets, 'a/c'), null);
  for (let bit = 0; bit < octets.length * 8; bit++) {
    const damaged = Uint8Array.from(octets);
    damaged.set([(damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7))], bit >> 3);
    assert.equal(unitsIn(damaged, 'a/b'), null, `bit ${bit}`);
  }
  for (let length = 0; length < octets.length; length++) assert.equal(unitsIn(octets.subarray(0, length), 'a/b'), null);
  assert.equal(unitsOctets('a/b', new Map([['x'.repeat(20_000), { exponent: 0, unit: '' }]])), null);
  assert.equal(unitsIn(new Uint8Array(20_000), 'a/b'), null);
});

test("a unit that the meter refuses once is the one that it told before, not the profile's", async () => {
  const { profile } = profiles();
  const entries: Entry[] = [];
  const stage = new DirectStage(new FakeJournal());
  stage.add = async (entry) => void entries.push(entry);
  const kept = new Map(profile.registers.map(({ obis }) => [obis, { exponent: 3, unit: 'Wh' }]));
  const scene: UnitsScene = {
    meter: { meterId: 'm0001' as MeterId, profile },
    memory: { scalers: null, keptScalers: kept },
    around: { line: 'l', stage, health: new FakeHealth(), wallMs: () => 7 },
  };
  const requests = unknownScalers(scene);
  assert.equal(requests.length, profile.registers.length);
  const told: GetDataResult = { data: scalerUnitData({ scaler: 3, unit: 30 }) };
  const results = requests.map((_request, at): GetDataResult => (at === 0 ? { dataAccessResult: 3 } : told));
  await learnScalers(scene, requests, results);
  assert.deepEqual(scene.memory.scalers, kept);
  assert.deepEqual(entries, [], 'nothing new, nothing stored');
  assert.deepEqual(unknownScalers(scene), []);
});
