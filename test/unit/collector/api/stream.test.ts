import assert from 'node:assert/strict';
import { test } from 'node:test';
import { STREAM_RING } from '../../../../src/collector/api/limits.ts';
import { ChangeStream } from '../../../../src/collector/api/stream.ts';
import { fakeEnv, settled } from '../fake-env.ts';
import { rig } from './rig.ts';

const always = async (): Promise<boolean> => true;

/** What a stream has said by now. */
const said = (stream: { read(): unknown }): string => {
  let text = '';
  for (let chunk = stream.read(); chunk !== null; chunk = stream.read()) text += String(chunk);
  return text;
};
const idsOf = (text: string): string[] => [...text.matchAll(/^id: (.+)$/gm)].map((match) => match[1] ?? '');

test('a client that comes back hears what it missed', () => {
  const { env } = fakeEnv();
  const hub = new ChangeStream(env);
  const first = hub.open(undefined, always);
  hub.publish('readings', { meterIds: ['m1'] });
  const text = said(first);
  assert.match(text, /event: hello/);
  assert.match(text, /event: readings\ndata: \{"meterIds":\["m1"\]\}/);
  const last = idsOf(text).at(-1);
  first.destroy();
  hub.publish('edge', { edgeId: 'e1' });
  hub.publish('edge', { edgeId: 'e2' });
  const again = said(hub.open(last, always));
  assert.doesNotMatch(again, /m1|hello|resync/);
  assert.deepEqual(
    [...again.matchAll(/"edgeId":"(e\d)"/g)].map((match) => match[1]),
    ['e1', 'e2'],
  );
  hub.close();
});

test('a client that was away for longer than the ring, or saw another run, is told to read again', () => {
  const { env } = fakeEnv();
  const hub = new ChangeStream(env);
  hub.publish('edge', {});
  const old = idsOf(said(hub.open(undefined, always))).at(-1);
  for (let count = 0; count <= STREAM_RING; count++) hub.publish('edge', {});
  assert.match(said(hub.open(old, always)), /event: resync/);
  assert.match(said(hub.open('ffffffff-1', always)), /event: resync/);
  assert.match(said(hub.open('nonsense', always)), /event: resync/);
  hub.close();
});

test('a quiet stream beats, and the beat ends with the last client', async () => {
  const { env, time } = fakeEnv();
  const hub = new ChangeStream(env);
  const client = hub.open(undefined, always);
  said(client);
  await time.advance(31_000);
  assert.equal(said(client), ': still here\n\n: still here\n\n');
  client.destroy();
  await time.advance(31_000);
  assert.equal(time.waiting, 0);
});

test('a revoked token ends its streams with the next heartbeat', async () => {
  const { env, time } = fakeEnv();
  const hub = new ChangeStream(env);
  let may = true;
  const [revoked, other] = [hub.open(undefined, async () => may), hub.open(undefined, always)];
  revoked.resume();
  other.resume();
  await time.advance(15_000);
  assert.equal(hub.clients, 2);
  may = false;
  await time.advance(15_000);
  await settled();
  assert.deepEqual([revoked.readableEnded, hub.clients], [true, 1]);
  hub.close();
});

test('a client that does not read is cut and holds nobody up', () => {
  const { env } = fakeEnv();
  const hub = new ChangeStream(env);
  const lazy = hub.open(undefined, always);
  const busy = hub.open(undefined, always);
  for (let count = 0; count < 400; count++) {
    hub.publish('event', { text: 'x'.repeat(1_000) });
    said(busy);
  }
  assert.equal(lazy.destroyed, true);
  assert.equal(busy.destroyed, false);
  hub.close();
});

test('SG-MR-9 changes of the store reach an HTTP client as events', async () => {
  const desk = await rig();
  const { url } = await desk.api.listen();
  const cut = new AbortController();
  const answer = await fetch(`${url}/api/v1/stream`, { headers: desk.bearer('viewer'), signal: cut.signal });
  assert.match(answer.headers.get('content-type') ?? '', /^text\/event-stream/);
  const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
  assert.ok(reader);
  desk.store.emit({ kind: 'readings', meterIds: ['m1' as never] });
  let text = '';
  while (!text.includes('event: readings')) text += (await reader.read()).value;
  cut.abort();
  await desk.end();
});
