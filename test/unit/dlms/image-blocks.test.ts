/** Which blocks of an image are still to be sent, from what the meter says of them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Data } from '../../../src/dlms/axdr/data.ts';
import { BlockBook } from '../../../src/dlms/image/block-book.ts';

const first = (value: number): Data => ({ type: 'double-long-unsigned', value });
const bits = (value: string): Data => ({ type: 'bit-string', value });

/** A book of an image of 25 octets in three blocks of ten. */
function book(): BlockBook {
  const made = new BlockBook(25, 0);
  made.size(10);
  made.begin();
  return made;
}

function sendAll(of: BlockBook): number[] {
  const sent: number[] = [];
  while (!of.isSent) {
    sent.push(of.current().number);
    of.sent();
  }
  return sent;
}

test('every block goes once, from 0 on, each where the one before ended', () => {
  const made = book();
  assert.deepEqual([made.count, made.done, made.missing], [3, 0, [0, 1, 2]]);
  assert.deepEqual(made.current(), { number: 0, from: 0, to: 10 });
  made.sent();
  assert.deepEqual([made.current(), made.done], [{ number: 1, from: 10, to: 20 }, 1]);
  assert.deepEqual(sendAll(made), [1, 2]);
  assert.deepEqual([made.done, made.isSent, made.missing], [3, true, []]);
});

test('a meter with a bitmap gets what is missing in it, until nothing is', () => {
  const made = book();
  sendAll(made);
  assert.equal(made.check(first(0), bits('010')), 'missing');
  assert.deepEqual(sendAll(made), [0, 2]);
  assert.equal(made.check(first(3), bits('111')), 'whole');
  assert.deepEqual([made.done, made.isSent], [3, true]);
});

test('a bitmap that does not speak of all blocks is not believed: the first hole counts', () => {
  const made = book();
  sendAll(made);
  assert.equal(made.check(first(1), bits('01')), 'missing');
  assert.deepEqual(sendAll(made), [1]);
  assert.equal(made.check(first(3), bits('01')), 'whole');
});

test('with neither attribute there is nothing to go by', () => {
  assert.equal(book().check(null, null), 'not-there');
  assert.equal(book().check(null, bits('111')), 'whole');
  assert.equal(book().check(first(3), null), 'whole');
});

test('after a break everything from the first hole is sent, after a whole round only the hole', () => {
  const broken = book();
  broken.sent();
  assert.equal(broken.check(first(1), null), 'missing');
  assert.deepEqual(sendAll(broken), [1, 2]);
  assert.equal(broken.check(first(1), null), 'missing');
  assert.deepEqual(sendAll(broken), [1]);
});

test('three whole rounds without a step forward are told; a step or a broken round begins the count anew', () => {
  const stuck = book();
  sendAll(stuck);
  const rounds: string[] = [];
  for (let round = 0; round < 4; round++) {
    rounds.push(stuck.check(null, bits('011')));
    sendAll(stuck);
  }
  assert.deepEqual(rounds, ['missing', 'missing', 'missing', 'no-progress']);
  const moving = book();
  sendAll(moving);
  for (const map of ['001', '001', '001', '011', '011', '011']) {
    assert.equal(moving.check(null, bits(map)), 'missing', map);
    sendAll(moving);
  }
  assert.equal(moving.check(null, bits('011')), 'no-progress');
  const broken = book();
  sendAll(broken);
  for (let round = 0; round < 6; round++) assert.equal(broken.check(null, bits('000')), 'missing');
});

test('a block that the meter cannot take now is tried thirty times, and the next one again as often', () => {
  const made = book();
  for (let attempt = 0; attempt < 30; attempt++) assert.ok(made.mayRetry());
  assert.ok(!made.mayRetry());
  made.sent();
  assert.ok(made.mayRetry());
});
