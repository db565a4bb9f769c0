/** Blocks of a push, by the octets: every form of their length, and what is none. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { concat, fromHex } from '../../../../src/base/bytes.ts';
import { BlockJoin } from '../../../../src/dlms/frame/block-join.ts';

/** A block with number and length as given, and so many octets of data. */
const block = (head: string, length: string, count: number): Uint8Array =>
  concat([fromHex(`e0${head}0000${length}`), new Uint8Array(count).fill(0xab)]);

test('blocks with lengths of one to four octets are joined', () => {
  const join = new BlockJoin();
  const kinds = [block('000001', '02', 2), block('000002', '8180', 128), block('000003', '820100', 256)].map(
    (octets) => join.accept(octets).kind,
  );
  assert.deepEqual(kinds, ['more', 'more', 'more']);
  const last = join.accept(block('800004', '83010000', 65_536));
  assert.equal(last.kind === 'message' && last.apdu.length, 2 + 128 + 256 + 65_536);
  assert.ok(!join.isOpen);
});

test('what is cut, has a length of another form, or is no block is named and nothing of it is kept', () => {
  const good = block('800001', '820100', 256);
  for (const octets of [
    ...Array.from({ length: 9 }, (_, length) => good.subarray(0, length)),
    good.subarray(0, -1),
    concat([good, Uint8Array.of(0)]),
    block('800001', '8400000001', 1),
    block('800001', '80', 0),
    Uint8Array.of(0xc4, 1),
  ]) {
    const join = new BlockJoin();
    const outcome = join.accept(octets);
    assert.equal(outcome.kind === 'dropped' && outcome.code, 'GBT_MALFORMED');
    assert.ok(!join.isOpen);
  }
});
