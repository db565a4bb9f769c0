/** A network over the power line behind a simulated G3-PLC modem, from the meters to the collector's store. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { SeededRandom } from '../../src/base/seeded-random.ts';
import { HOST_CRYPTO } from '../../src/host/crypto.ts';
import { VirtualSystem } from '../../src/lab/virtual-system.ts';
import { drawDay, playDay } from '../../src/sim/plc/day.ts';
import { FIELD, type PlcHabits } from '../../src/sim/plc/habits.ts';

const text = (key: string) => readFileSync(new URL(`../../config/profiles/${key}.yaml`, import.meta.url), 'utf8');
const KEYS = ['generic/idis', 'generic/gas'] as const;
const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;

async function network(meters: number, plc: PlcHabits = {}) {
  const profiles = KEYS.map((key) => ({ key, text: text(key) }));
  const system = await VirtualSystem.start({
    seed: 7,
    meters,
    profiles,
    crypto: HOST_CRYPTO,
    layout: 'g3-modem',
    plc,
  });
  const { g3Modem } = system.site;
  assert.ok(g3Modem !== null);
  const count = (name: string) => system.concentrator?.health.counter(name) ?? 0;
  const clean = async () => {
    const verdict = await system.settledVerdict();
    assert.ok(verdict.clean, `${verdict.samples.join('\n')} ${JSON.stringify(g3Modem.modem.counts)}`);
    return verdict;
  };
  return { system, modem: g3Modem, count, clean };
}

test('HE-1 a day behind a G3 modem as it is met in the field: joins, leaves, losses, full buffers, stalls and two resets of the modem alter nothing', async () => {
  const { system, modem, count, clean } = await network(4, { ...FIELD, loss: 0.01, queue: 2, levels: 3 });
  const end = playDay(modem.network, drawDay(4, new SeededRandom('g3-day')), { timers: system.world.clock });
  await system.run(6 * HOUR_MS);
  modem.restart();
  await system.run(12 * HOUR_MS);
  modem.restart();
  await system.run(6 * HOUR_MS);
  end();
  for (const meter of modem.network.meters) if (modem.network.nodeOf(meter) === undefined) modem.network.join(meter);
  const verdict = await clean();
  assert.ok(verdict.produced > 800, `${verdict.produced} values`);
  const { counts } = modem.modem;
  assert.ok(counts.lostRequests > 0 && counts.lostAnswers > 0 && counts.twice > 0, JSON.stringify(counts));
  assert.ok(counts.heldMost <= 2, `${counts.heldMost} held`);
  assert.ok(count('nodes_joined') > 8 && count('nodes_left') > 4, `${count('nodes_joined')} joins`);
  await system.stop();
});

test('HE-1 the edge starts again, the modem ran on: meters keep their short addresses and nobody has to join', async () => {
  const { system, modem, count, clean } = await network(4);
  await system.run(2 * HOUR_MS);
  const told: string[] = [];
  modem.network.watch({ joined: () => told.push('joined'), left: () => told.push('left') });
  const before = modem.addresses();
  assert.equal(before.length, 4);
  system.fault({ kind: 'edge-power-loss', offMs: 5 * MINUTE_MS });
  await system.run(HOUR_MS);
  assert.deepEqual(modem.addresses(), before);
  assert.deepEqual(told, [], 'the network was not started anew');
  assert.equal(count('nodes_joined'), 4, 'they are known from before');
  await clean();
  await system.stop();
});

test('HE-1 meters that leave and join again in the middle of what is asked, and a line that is cut, are never taken for each other', async () => {
  const { system, modem, clean } = await network(4, { hopMs: [150, 400], answerMs: [400, 1_600] });
  for (let round = 0; round < 12; round++) {
    await system.run(MINUTE_MS + round * 17_137);
    const [first, second] = [...modem.network.nodes.values()].sort(() => (round % 2 === 0 ? 1 : -1));
    assert.ok(first !== undefined && second !== undefined);
    modem.network.leave(first.meter);
    modem.network.leave(second.meter);
    await system.run(round * 1_000);
    modem.network.join(second.meter);
    modem.network.join(first.meter);
    if (round % 4 === 3) system.fault({ kind: 'line-cut', line: 0, forMs: MINUTE_MS });
  }
  await clean();
  await system.stop();
});
