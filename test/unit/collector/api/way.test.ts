import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isUnheard, RUNGS, type WayFacts, wayOf } from '../../../../src/collector/api/way.ts';
import { isWell, METER_STATES, type MeterStateName } from '../../../../src/model/event.ts';
import { DEFAULT_TENANT, type EdgeId, type MeterId } from '../../../../src/model/ids.ts';
import { rig } from './rig.ts';

const FACTS: WayFacts = {
  state: 'reachable',
  sentence: 'The meter answers.',
  isPlaced: true,
  isEdgeHeard: true,
  isPowerDown: false,
  others: 3,
  othersUnheard: 0,
};
const failing = (facts: Partial<WayFacts>) => wayOf({ ...FACTS, ...facts }).failing;

test('GP-6 the first part that fails is named, what lies before it answers, what lies behind it is not known', () => {
  const way = wayOf({ ...FACTS, state: 'refused', sentence: 'The meter refused the association.' });
  assert.equal(way.failing, 'association');
  assert.match(way.who ?? '', /keys, passwords/);
  assert.equal(way.sentence, 'The meter refused the association.');
  assert.deepEqual(
    way.rungs.map(({ state }) => state),
    ['ok', 'ok', 'ok', 'ok', 'failed', 'unknown'],
  );
  assert.deepEqual(
    way.rungs.map(({ rung }) => rung),
    [...RUNGS],
  );
});

test('GP-6 power, line and link are told apart by what the meter told and by its neighbours', () => {
  assert.equal(failing({ state: 'silent' }), 'link');
  assert.equal(failing({ state: 'silent', othersUnheard: 3 }), 'line');
  assert.equal(failing({ state: 'silent', others: 0 }), 'link');
  assert.equal(failing({ state: 'permanent-failure', isPowerDown: true, othersUnheard: 3 }), 'power');
  assert.equal(failing({ state: 'silent', isEdgeHeard: false }), 'concentrator');
  assert.equal(failing({ isPlaced: false }), 'concentrator');
  assert.match(
    wayOf({ ...FACTS, state: 'silent', othersUnheard: 1 }).sentence,
    /2 of 3 others of its concentrator are heard/,
  );
});

test('GP-6 every state of a meter has its place on the way', () => {
  for (const state of METER_STATES) {
    const way = wayOf({ ...FACTS, state });
    assert.equal(way.failing === null, isWell(state), state);
    assert.equal(way.who === null, isWell(state), state);
  }
  assert.ok(wayOf({ ...FACTS, state: 'unknown' }).rungs.every(({ state }) => state === 'unknown'));
});

test('GP-6 the way to a meter over REST, without an order', async () => {
  const { store, get, env } = await rig();
  const nowMs = env.clock.nowMs();
  const edgeId = 'e-way' as EdgeId;
  await store.saveEdge({ edgeId, tenantId: DEFAULT_TENANT, state: 'active' });
  const seen = async (name: string, state: MeterStateName, sentence: string) => {
    const meterId = name as MeterId;
    await store.saveMeter({ meterId, tenantId: DEFAULT_TENANT });
    await store.placeMeter(meterId, edgeId, 0);
    store.meterMap.set(meterId, {
      ...(store.meterMap.get(meterId) ?? assert.fail()),
      state: { meterId, state, sentence, sinceMs: nowMs },
    });
    assert.equal(isUnheard(state), state === 'silent');
  };
  await seen('w1', 'silent', 'The meter does not answer.');
  await seen('w2', 'reachable', 'The meter answers.');
  const edge = store.edgeMap.get(edgeId) ?? assert.fail();
  store.edgeMap.set(edgeId, { ...edge, lastHeardMs: nowMs });
  const way = (await get('/api/v1/meters/w1/way')).json();
  assert.equal(way.failing, 'link');
  assert.match(way.who, /fitter at the meter/);
  assert.match(way.sentence, /1 of 1 others/);
  assert.equal((await get('/api/v1/meters/w2/way')).json().failing, null);
  assert.equal((await get('/api/v1/meters/none/way')).statusCode, 404);
});
