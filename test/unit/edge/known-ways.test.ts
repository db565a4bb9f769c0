/** Ways to meters: found out once, gone after a restart no more, and never believed for having been kept. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ByteDuplex } from '../../../src/base/env.ts';
import { type NamedObject, namedObjectsOf } from '../../../src/dlms/cosem/short-names.ts';
import { FieldSizes } from '../../../src/edge/reader/field-sizes.ts';
import { type KnownWay, KnownWays, wayIn, wayOctets } from '../../../src/edge/reader/known-ways.ts';
import { LinkSessions } from '../../../src/edge/reader/sessions.ts';
import type { MeterId } from '../../../src/model/ids.ts';
import type { Profile } from '../../../src/profile/schema/profile.ts';
import { type BusOptions, bus, DirectStage, profileOf } from './bus.ts';
import { FakeJournal } from './fake-journal.ts';
import { testWorld } from './world.ts';

const IDIS = profileOf('generic/idis');
/** Frames as meters of that age have them: a list takes one for every seven objects. */
const HDLC = { ...(IDIS.hdlc ?? assert.fail()), informationMaxOctets: 128, window: 1 };
const SHORT: Profile = { ...IDIS, referencing: 'short', hdlc: HDLC };
const KEPT = 'way/m0001';
const HOUR_MS = 3_600_000;
const REGISTER = 3;

/** A start that reads a value in two associations; the frames that went out meanwhile: one a round trip. */
async function aStart(journal: FakeJournal, profile = SHORT, setUp = SHORT) {
  let sent = 0;
  const sessions: BusOptions['sessions'] = (link, env) => {
    const ways = new KnownWays({ env, journal, stage: new DirectStage(journal) });
    const counting = {
      ...link,
      open: async (...to: Parameters<typeof link.open>): Promise<ByteDuplex> => {
        const duplex = await link.open(...to);
        const write = duplex.write.bind(duplex);
        duplex.write = (octets) => {
          sent++;
          return write(octets);
        };
        return duplex;
      },
    };
    return new LinkSessions(counting, env, null, null, ways);
  };
  const shape = { framing: 'hdlc', octetsPerS: 960 } as const;
  const b = await bus({ count: 1, days: 0, journal, sessions, profile, setUp, shape });
  const meterId = b.meters[0]?.meterId ?? assert.fail();
  const energy = { classId: 3, obis: '1-0:1.8.0*255', attribute: 2 };
  /** Round trips of one read in an association of its own. */
  const read = async (): Promise<number> => {
    const before = sent;
    const done = b.reader.work(
      meterId,
      'on-demand',
      () => Promise.resolve(),
      async (meter) => {
        const values = await meter.readObjects([energy]);
        await meter.drop();
        return values;
      },
    );
    await b.world.clock.advance(60_000);
    const result = await done;
    assert.ok(result.ok, JSON.stringify(result));
    assert.equal(result.result.length, 1);
    return sent - before;
  };
  const trips = [await read(), await read()];
  return { b, trips, read, stop: b.stop };
}

test('after a restart a meter with short names is read in as many round trips as before it', async () => {
  const journal = new FakeJournal();
  const first = await aStart(journal);
  const [cold = 0, warm = 0] = first.trips;
  await first.stop();
  assert.ok(cold > warm, `${cold} round trips, then ${warm}`);
  const second = await aStart(journal);
  assert.deepEqual([cold, ...second.trips], [10, 7, 7]);
  await second.stop();
});

test('another profile, damage and another version are read anew, and what is read is kept', async () => {
  const journal = new FakeJournal();
  const first = await aStart(journal);
  const [cold = 0, warm = 0] = first.trips;
  await first.stop();
  const other = { ...SHORT, key: 'generic/other' };
  const replaced = await aStart(journal, other, SHORT);
  assert.deepEqual(replaced.trips, [cold, warm]);
  await replaced.stop();
  const octets = (await journal.kept(KEPT)) ?? assert.fail();
  assert.equal(wayIn(octets, SHORT.key), null);
  const damaged = Uint8Array.from(octets);
  damaged.set([(damaged[9] ?? 0) ^ 1], 9);
  const nothing = { line: 'bus1', groups: [], records: [], watermarks: [], readAtMs: 0 };
  await journal.append({ ...nothing, keep: [{ key: KEPT, value: damaged }] });
  const after = await aStart(journal, other, SHORT);
  assert.deepEqual(after.trips, [cold, warm]);
  await after.stop();
});

test('a firmware that gave the names to other objects meanwhile is noticed: nothing wrong is read, the list is read anew', async () => {
  const journal = new FakeJournal();
  const first = await aStart(journal);
  const [, warm = 0] = first.trips;
  await first.stop();
  const kept = wayIn((await journal.kept(KEPT)) ?? assert.fail(), SHORT.key) ?? assert.fail();
  const moved = new Map(
    [...kept.lists].map(([client, objects]) => {
      const registers = objects.filter(({ classId }) => classId === REGISTER);
      const nextOf = (object: NamedObject) => registers[(registers.indexOf(object) + 1) % registers.length] ?? object;
      return [client, objects.map((each) => (each.classId === REGISTER ? { ...each, obis: nextOf(each).obis } : each))];
    }),
  );
  const value = wayOctets(SHORT.key, { ...kept, lists: moved }) ?? undefined;
  const nothing = { line: 'bus1', groups: [], records: [], watermarks: [], readAtMs: 0 };
  await journal.append({ ...nothing, keep: [{ key: KEPT, value }] });
  await assert.rejects(aStart(journal), /SESSION_NAMES|READER_OBJECT_REFUSED/);
  const again = await aStart(journal);
  assert.equal(again.trips[1], warm);
  await again.stop();
});

test('what a meter told is forgotten when it says another firmware', async () => {
  const journal = new FakeJournal();
  const first = await aStart(journal);
  const [cold = 0, warm = 0] = first.trips;
  const told = () =>
    journal.entries.filter(({ keep }) => keep.some(({ key, value }) => key === KEPT && value === undefined));
  first.b.scheduler.start();
  await first.b.world.clock.advance(25 * HOUR_MS);
  const before = told().length;
  const { device } = first.b.fleet[0] ?? assert.fail();
  Object.defineProperty(device.firmware, 'version', { get: () => 'SIM 9.9' });
  await first.b.world.clock.advance(25 * HOUR_MS);
  assert.equal(told().length, before + 1);
  assert.ok(cold > warm && (await journal.kept(KEPT)) !== undefined, 'it is read anew and kept again');
  await first.stop();
});

test('the length of fields on a noisy line goes on after a restart', async () => {
  const sizes = new FieldSizes();
  sizes.recall('m1' as MeterId, 64, 0);
  assert.equal(sizes.begin('m1' as MeterId, 128, 1), 64);
  assert.equal(sizes.begin('m1' as MeterId, 128, 86_400_001), 128, 'a quiet day later it grows');
  const journal = new FakeJournal();
  const { env } = testWorld().program('edge');
  const around = { env, journal, stage: new DirectStage(journal) };
  const meter = { meterId: 'm0001' as MeterId, line: 'bus1', profile: IDIS };
  const before = new KnownWays(around);
  await before.of(meter);
  before.sawField(meter, null);
  assert.equal(journal.entries.length, 0, 'what is as the profile says is not kept');
  before.sawField(meter, 64);
  before.sawField(meter, 64);
  assert.equal(journal.entries.length, 1, 'and nothing twice');
  assert.equal((await new KnownWays(around).of(meter)).fieldOctets, 64);
  before.sawField(meter, null);
  assert.equal(await journal.kept(KEPT), undefined);
});

test('the octets of a way: read back, refused with any bit turned over, or too long', () => {
  const objects = namedObjectsOf({
    type: 'array',
    value: [
      {
        type: 'structure',
        value: [
          { type: 'long', value: -1_536 },
          { type: 'long-unsigned', value: 12 },
          { type: 'unsigned', value: 2 },
          { type: 'octet-string', value: Uint8Array.of(0, 0, 40, 0, 0, 255) },
        ],
      },
    ],
  });
  const way: KnownWay = { fieldOctets: 64, lists: new Map([[16, objects]]) };
  const octets = wayOctets('a/b', way) ?? assert.fail();
  assert.deepEqual(wayIn(octets, 'a/b'), way);
  for (let bit = 0; bit < octets.length * 8; bit++) {
    const damaged = Uint8Array.from(octets);
    damaged.set([(damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7))], bit >> 3);
    assert.equal(wayIn(damaged, 'a/b'), null, `bit ${bit}`);
  }
  const [object] = objects;
  assert.ok(object !== undefined);
  assert.equal(wayOctets('a/b', { fieldOctets: null, lists: new Map([[1, Array(2_000).fill(object)]]) }), null);
});
