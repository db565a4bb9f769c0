/** What AARQ and AARE say of authentication: the field that announces it goes with the mechanism, and with nothing else. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aareOf, aarqOf } from '../../../../src/dlms/session/association.ts';

const LLS = 1;
const INITIATE = Uint8Array.of(1);

test('an AARQ announces authentication exactly when it has a mechanism', () => {
  const none = aarqOf({ mechanism: 'none' }, INITIATE);
  assert.deepEqual(
    [none.senderAcseRequirements, none.mechanism, none.callingAuthenticationValue],
    [null, null, null],
    'the public client',
  );
  const password = Uint8Array.of(0x30, 0x31);
  const low = aarqOf({ mechanism: 'lls', password }, INITIATE);
  assert.notEqual(low.senderAcseRequirements, null);
  assert.deepEqual([low.mechanism, low.callingAuthenticationValue], [LLS, password]);
});

test('an AARE announces authentication exactly when it has a mechanism, taken or refused', () => {
  for (const [result, diagnostic] of [
    [0, 0],
    [1, 13],
  ] as const) {
    const without = aareOf(result, diagnostic, null, null);
    assert.deepEqual([without.responderAcseRequirements, without.mechanism], [null, null]);
    const low = aareOf(result, diagnostic, LLS, null);
    assert.deepEqual(
      low.responderAcseRequirements,
      aarqOf({ mechanism: 'lls', password: INITIATE }, INITIATE).senderAcseRequirements,
    );
    assert.deepEqual(
      [low.mechanism, low.result, low.diagnostic],
      [LLS, result, { source: 'acse-service-user', code: diagnostic }],
    );
  }
});
