import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SeededRandom } from '../../../src/base/seeded-random.ts';
import { Backoff } from '../../../src/edge/uplink/backoff.ts';
import { CollectorClock } from '../../../src/edge/uplink/collector-clock.ts';
import { KeepAlive } from '../../../src/edge/uplink/keep-alive.ts';

test('backoff: at once, then decorrelated waits between 1 s and 5 min, anew only after ten good minutes', () => {
  const random = new SeededRandom(1);
  const backoff = new Backoff();
  const below = (n: number) => random.below(n);
  assert.equal(backoff.nextMs(below), 0);
  const waits = Array.from({ length: 40 }, () => backoff.nextMs(below));
  assert.ok(waits.every((wait) => wait >= 1_000 && wait <= 300_000));
  assert.ok(Math.max(...waits) > 60_000, 'it grows');
  assert.ok(new Set(waits).size > 10, 'it is spread');
  backoff.ended(599_999);
  assert.notEqual(backoff.nextMs(below), 0);
  backoff.ended(600_000);
  assert.equal(backoff.nextMs(below), 0);
});

test('keep-alive grows from 240 to 900 on a path that survives everything', () => {
  const learner = new KeepAlive();
  const tried: number[] = [learner.currentS];
  for (let step = 0; step < 20; step++) {
    for (let stretch = 0; stretch < 3; stretch++) learner.survived();
    const next = learner.candidateS();
    if (next === null) break;
    learner.adopt(next);
    tried.push(next);
  }
  assert.deepEqual(tried, [240, 360, 540, 810, 900]);
  assert.equal(learner.candidateS(), null);
});

test('keep-alive settles within 30 s below what a middlebox survives, and survives a restart', () => {
  const limitS = 400;
  let learner = new KeepAlive();
  for (let round = 0; round < 60; round++) {
    if (learner.currentS > limitS) learner.lost(learner.currentS * 1000);
    else learner.survived();
    const next = learner.candidateS();
    if (next !== null) learner.adopt(next);
    learner = round === 30 ? new KeepAlive(learner.memory()) : learner;
  }
  assert.ok(learner.currentS <= limitS && learner.currentS > limitS - 60, `${learner.currentS} s`);
});

test('keep-alive: a loss in the middle of traffic says nothing, a good value that fails starts from below', () => {
  const learner = new KeepAlive();
  learner.lost(10_000);
  assert.equal(learner.currentS, 240);
  for (let stretch = 0; stretch < 3; stretch++) learner.survived();
  learner.lost(240_000);
  assert.equal(learner.currentS, 120);
  for (let worse = 0; worse < 5; worse++) learner.lost(1_000_000);
  assert.equal(learner.currentS, 60);
});

test('collector time: unknown before the answer, moved on by the monotonic clock, never back by a late message', () => {
  let monotonicMs = 1_000;
  const clock = new CollectorClock({ monotonicMs: () => monotonicMs });
  assert.equal(clock.nowMs(), null);
  clock.heard(9_999);
  assert.equal(clock.nowMs(), null);
  clock.opened(50_000);
  monotonicMs += 500;
  assert.equal(clock.nowMs(), 50_500);
  clock.heard(50_100);
  assert.equal(clock.nowMs(), 50_500);
  clock.heard(50_700);
  assert.equal(clock.nowMs(), 50_700);
  clock.opened(40_000);
  assert.equal(clock.nowMs(), 40_000, 'a new answer counts as it is');
});
