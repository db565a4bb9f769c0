import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EdgeHealth } from '../../../src/edge/health/health.ts';
import { answerHealth } from '../../../src/edge/health/http.ts';

const FACTS = { edgeId: 'e1', software: 'deltawatt 0.1.0', uptimeS: 61 };

function bench() {
  const clock = { ms: 1_772_323_200_000 };
  return { clock, health: new EdgeHealth(() => clock.ms) };
}

test('AG-1 health says what is wrong, worst first, and since when', () => {
  const { clock, health } = bench();
  health.state('journal', 'ok', 'The journal is open.');
  health.state('meter m1', 'degraded', 'The meter does not answer.');
  assert.equal(health.overall(), 'degraded');
  clock.ms += 60_000;
  health.state('meter m1', 'degraded', 'The meter still does not answer.');
  const answer = answerHealth('/health?verbose', health, FACTS);
  assert.equal(answer.status, 200);
  const document = JSON.parse(answer.body);
  assert.equal(document.state, 'degraded');
  assert.deepEqual(document.reasons[0], {
    name: 'meter m1',
    state: 'degraded',
    sentence: 'The meter still does not answer.',
    since: '2026-03-01T00:00:00.000Z',
  });
  assert.deepEqual(health.facts(), [
    { name: 'meter m1', state: 'degraded', sentence: 'The meter still does not answer.' },
  ]);
});

test('what the edge stands on makes it fail: 503', () => {
  const { health } = bench();
  health.state('line bus1', 'failed', 'The line cannot be opened.');
  assert.equal(answerHealth('/health', health, FACTS).status, 200);
  health.state('journal', 'failed', 'The disk is full.');
  assert.equal(answerHealth('/health', health, FACTS).status, 503);
  health.state('journal', 'ok', 'The journal stores what is read.');
  assert.equal(answerHealth('/health', health, FACTS).status, 200);
});

test('GP-21 metrics are Prometheus text', () => {
  const { health } = bench();
  health.count('reader_events', 3);
  health.count('reader_events');
  health.gauge('lane_2_pending_octets', 4096);
  health.state('uplink', 'ok', 'Connected.');
  const { body, contentType } = answerHealth('/metrics', health, FACTS);
  assert.match(contentType, /^text\/plain; version=0\.0\.4/);
  assert.match(body, /^deltawatt_edge_info\{edge="e1",software="deltawatt 0\.1\.0"\} 1$/m);
  assert.match(body, /^deltawatt_edge_reader_events_total 4$/m);
  assert.match(body, /^deltawatt_edge_lane_2_pending_octets 4096$/m);
  assert.match(body, /^deltawatt_edge_subjects\{state="ok"\} 1$/m);
  assert.ok(body.split('\n').every((line) => line === '' || /^(# TYPE )?[a-z_0-9]+[ {]/.test(line)));
});

test('any other path is told where to look', () => {
  assert.equal(answerHealth('/', bench().health, FACTS).status, 404);
});

test('a counter with an id in its name is caught before it fills the memory', () => {
  const { health } = bench();
  assert.throws(() => {
    for (let n = 0; n < 1_000; n++) health.count(`meter_${n}`);
  }, /no id in the name/);
});

test('HE-2 the plan is shown as it is at the moment of the request', () => {
  const { health } = bench();
  const plan = () => [{ atMs: 1, sessions: ['night'] }];
  const answer = answerHealth('/plan', health, { ...FACTS, plan });
  assert.deepEqual(JSON.parse(answer.body), { runs: [{ atMs: 1, sessions: ['night'] }] });
  assert.ok(!('plan' in JSON.parse(answerHealth('/health', health, { ...FACTS, plan }).body)));
});
