import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findLine } from '../../../src/lab/fuzz/campaign.ts';

const LINE_MAX = 8_192;

test('HE-7 a find of any length is one line that can be read; a long one says that it was cut', () => {
  for (const octets of [1, 3_500, 3_501, 65_536]) {
    const hex = 'e6'.repeat(octets);
    const line = findLine({ target: 'explain', hex, reason: 'takes too much' });
    assert.ok(line.length < LINE_MAX, `${line.length} characters for ${octets} octets`);
    const told = JSON.parse(line.slice('find '.length)) as { readonly hex: string; readonly reason: string };
    assert.ok(hex.startsWith(told.hex) && told.hex.length > 0);
    if (told.hex === hex) assert.equal(told.reason, 'takes too much');
    else assert.match(told.reason, new RegExp(`^takes too much .* of ${octets} octets`));
  }
});
