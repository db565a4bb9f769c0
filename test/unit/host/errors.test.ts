import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HOST_ERRORS, hostError, systemCode } from '../../../src/host/errors.ts';

test('each sentence says what happened and what to do, and ends', () => {
  for (const [code, row] of Object.entries(HOST_ERRORS)) {
    assert.match(row.sentence, /^[A-Z].{20,}\.$/, code);
  }
});

test('an error keeps code, place and cause', () => {
  const cause = Object.assign(new Error('no'), { code: 'ENOSPC' });
  const error = hostError('DISK_FULL', '/data/journal', cause);
  assert.equal(error.code, 'DISK_FULL');
  assert.equal(error.cause, cause);
  assert.match(error.message, /\/data\/journal/);
  assert.equal(systemCode(cause), 'ENOSPC');
  assert.equal(systemCode('words'), '');
});
