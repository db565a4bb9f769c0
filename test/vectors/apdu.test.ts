/** Every APDU of the vectors that needs no key: decoded, encoded again, cut short at every octet; and the malformed ones. */

import assert from 'node:assert/strict';
import test from 'node:test';
import { fromHex, toHex } from '../../src/base/bytes.ts';
import { DeltawattError, hasCode } from '../../src/base/errors.ts';
import type { DlmsErrorCode } from '../../src/dlms/errors.ts';
import { shapeOfApdu, shapeOfOctets } from '../../src/dlms/explain/apdu-shape.ts';
import type { Apdu } from '../../src/dlms/xdlms/apdu.ts';
import { decodeApdu, encodeApdu } from '../../src/dlms/xdlms/codec.ts';
import { vectors } from './vector.ts';

interface ApduExpect {
  readonly apdu?: unknown;
  readonly contentApdu?: unknown;
  readonly error?: true;
  readonly reason?: string;
}

/** Octets of which a beginning is a whole message too: how long it is, and why. */
const WHOLE_BEGINNINGS: Readonly<Record<string, { readonly length: number; readonly why: string }>> = {
  'constructed-exception-ic': { length: 3, why: 'a server may leave the counter out' },
};

for (const file of ['apdu', 'profiles', 'security']) {
  for (const vector of vectors<ApduExpect>(file, 'apdu')) {
    test(`${file} ${vector.id}`, () => {
      const octets = fromHex(vector.hex);
      const apdu = decodeApdu(octets);
      assert.deepEqual(shapeOfApdu(apdu), vector.expect.apdu);
      if (vector.expect.contentApdu !== undefined) {
        assert.deepEqual(shapeOfOctets(contentOf(apdu)), vector.expect.contentApdu);
      }
      assert.equal(toHex(encodeApdu(apdu)), vector.hex);
      for (let length = 0; length < octets.length; length++) {
        if (WHOLE_BEGINNINGS[vector.id]?.length === length) decodeApdu(octets.subarray(0, length));
        else assert.throws(() => decodeApdu(octets.subarray(0, length)), DeltawattError, `first ${length} octets`);
      }
    });
  }
}

function contentOf(apdu: Apdu): Uint8Array {
  assert.ok(apdu.apdu === 'general-signing');
  return apdu.content;
}

/** The code by which each malformed APDU is refused. */
const REFUSALS: Readonly<Record<string, DlmsErrorCode>> = {
  'apdu-truncated-get-response': 'DLMS_TRUNCATED',
  'apdu-octet-string-overrun': 'DLMS_TRUNCATED',
  // The count FF is itself a length of 127 octets, which no decoder has to take.
  'apdu-structure-count-overrun': 'DLMS_LENGTH',
  'apdu-length-indefinite': 'DLMS_LENGTH',
  'apdu-length-5-octets': 'DLMS_LENGTH',
  'apdu-unknown-tag': 'DLMS_APDU_TAG',
  'apdu-bad-data-tag': 'DLMS_DATA_TAG',
  'apdu-empty': 'DLMS_EMPTY',
  'apdu-trailing': 'DLMS_TRAILING',
  'apdu-deep-nesting': 'DLMS_DEPTH',
  'apdu-get-response-bad-choice': 'DLMS_CHOICE',
  'aarq-length-mismatch': 'DLMS_TRUNCATED',
};

const refused = vectors<ApduExpect>('malformed', 'apdu').filter((vector) => vector.context === undefined);

for (const vector of refused) {
  test(`malformed ${vector.id}: ${vector.expect.reason}`, () => {
    const code = REFUSALS[vector.id];
    assert.ok(code, 'a malformed vector without a code: add it to the table');
    assert.throws(
      () => decodeApdu(fromHex(vector.hex)),
      (error) => hasCode(error, code) && error instanceof DeltawattError && error.sentence.length > 20,
    );
  });
}

test('a count that the octets cannot hold is refused before anything is allocated', () => {
  assert.throws(
    () => decodeApdu(fromHex('c401c10002847fffffff00')),
    (error) => hasCode(error, 'DLMS_ELEMENTS'),
  );
});
