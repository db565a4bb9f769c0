/** The one error type: what a caller matches on, what an operator reads, and what was thrown before it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assert as assertThat, DeltawattError, errorsOf, hasCode, reasonOf } from '../../../src/base/errors.ts';

const TABLE = {
  ROOM_FULL: { side: 'local', retry: 'later', sentence: 'There is no room. Make some.' },
} as const;
const roomError = errorsOf(TABLE);

test('an error has the row of its code, and its message is code, sentence and place', () => {
  const error = roomError('ROOM_FULL', 'shelf 3');
  assert.ok(error instanceof DeltawattError);
  const { name, code, side, retry, sentence, detail } = error;
  assert.deepEqual({ name, code, detail }, { name: 'DeltawattError', code: 'ROOM_FULL', detail: 'shelf 3' });
  assert.deepEqual({ side, retry, sentence }, TABLE.ROOM_FULL);
  assert.equal(error.message, 'ROOM_FULL: There is no room. Make some. (shelf 3)');
  assert.equal(roomError('ROOM_FULL').message, 'ROOM_FULL: There is no room. Make some.');
});

test('what was thrown before is kept; without it there is no cause, not an undefined one', () => {
  const cause = new Error('disk');
  assert.equal(roomError('ROOM_FULL', '', cause).cause, cause);
  assert.equal(roomError('ROOM_FULL', '', null).cause, null);
  assert.equal(Object.hasOwn(roomError('ROOM_FULL', 'shelf 3'), 'cause'), false);
});

test('a code is that of our own error, whatever else has such a field', () => {
  assert.equal(hasCode(roomError('ROOM_FULL'), 'ROOM_FULL'), true);
  assert.equal(hasCode(roomError('ROOM_FULL'), 'ROOM_EMPTY'), false);
  assert.equal(hasCode(Object.assign(new Error('no'), { code: 'ROOM_FULL' }), 'ROOM_FULL'), false);
  assert.equal(hasCode(undefined, 'ROOM_FULL'), false);
});

test('anything that is thrown has words', () => {
  assert.equal(reasonOf(new Error('disk')), 'disk');
  assert.equal(reasonOf(7), '7');
  assert.throws(() => assertThat(0, 'a number'), /assertion failed: a number/);
  assertThat(1, 'a number');
});
