import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EdgeQueue, rankOf, type Task } from '../../../../src/collector/ingest/edge-queue.ts';
import type { Rank } from '../../../../src/collector/ingest/turns.ts';

const task = (name: string, rank: Rank, leaf: Task['leaf'] = 'b', octets = 4): Task & { readonly name: string } => ({
  name,
  leaf,
  rank,
  payload: new Uint8Array(octets),
  done: () => {},
});
const names = (tasks: readonly Task[]): string[] => tasks.map((each) => (each as ReturnType<typeof task>).name);

function queueOf(...tasks: readonly Task[]): EdgeQueue {
  const queue = new EdgeQueue();
  for (const each of tasks) queue.add(each);
  return queue;
}

function drained(queue: EdgeQueue, maxOctets = 1_000): string[][] {
  const batches: string[][] = [];
  while (queue.length > 0) batches.push(names(queue.take(maxOctets)));
  return batches;
}

test('blocks of urgent lanes overtake others, in their own order; a batch has one rank', () => {
  const queue = queueOf(task('b1', 1), task('a1', 0), task('b2', 1), task('a2', 0));
  assert.equal(queue.rank, 0);
  assert.deepEqual(drained(queue), [
    ['a1', 'a2'],
    ['b1', 'b2'],
  ]);
  assert.deepEqual(queue.take(10), []);
});

test('nothing overtakes a control message, and it overtakes nothing: blocks behind a hello or a dictionary need it', () => {
  const queue = queueOf(task('b1', 1), task('hello', 0, 'c'), task('b2', 1), task('a1', 0), task('dict', 0, 'c'));
  assert.equal(queue.rank, 0);
  assert.deepEqual(drained(queue), [['b1'], ['hello'], ['a1'], ['b2'], ['dict']]);
});

test('a batch ends where the octets of a turn end, but has one message at least', () => {
  const queue = queueOf(task('b1', 1, 'b', 50), task('b2', 1, 'b', 30), task('b3', 1, 'b', 30));
  assert.equal(queue.rank, 1);
  assert.deepEqual(drained(queue, 60), [['b1'], ['b2', 'b3']]);
});

test('octets that are no block can wait, control messages cannot', () => {
  assert.deepEqual(
    [rankOf('b', Uint8Array.of(1, 2, 3)), rankOf('b', new Uint8Array(0)), rankOf('c', Uint8Array.of(1))],
    [1, 1, 0],
  );
});
