/** Wired M-Bus frames whose records are known, read whole and octet by octet, and written again. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fromHex, toHex } from '../../src/base/bytes.ts';
import { isMbusError } from '../../src/mbus/errors.ts';
import { explainMbus, mbusText, recordText } from '../../src/mbus/explain.ts';
import { decodeLinkFrame, encodeLinkFrame } from '../../src/mbus/frame.ts';
import { identityText } from '../../src/mbus/identity.ts';
import { decodeTelegram, encodeTelegram } from '../../src/mbus/telegram.ts';

interface Row {
  readonly name: string;
  readonly hex: string;
  readonly identity: string | null;
  readonly records: readonly string[];
}

const ROWS = JSON.parse(readFileSync(new URL('mbus.json', import.meta.url), 'utf8')) as readonly Row[];

for (const { name, hex, identity, records } of ROWS) {
  const octets = fromHex(hex);

  test(`mbus ${name}: every record says what it must, and goes out as it came`, () => {
    const decoded = decodeLinkFrame(octets);
    assert.ok(decoded?.frame.kind === 'long' && decoded.used === octets.length);
    const telegram = decodeTelegram(decoded.frame.information, decoded.frame.data);
    assert.deepEqual(telegram.records.map(recordText), records);
    assert.equal(telegram.identity === null ? null : identityText(telegram.identity), identity);
    const again = encodeTelegram(telegram);
    assert.deepEqual(decodeTelegram(again.information, again.data), telegram);
    assert.equal(toHex(encodeLinkFrame(decoded.frame)), hex);
    const text = mbusText(explainMbus(octets) ?? assert.fail());
    for (const record of records) assert.ok(text.includes(record), record);
  });

  test(`mbus ${name}: cut at every octet the frame is not whole, and its records are refused with their offset`, () => {
    for (let end = 0; end < octets.length; end++) assert.equal(decodeLinkFrame(octets.subarray(0, end)), null);
    const data = octets.subarray(7, -2);
    for (let end = 0; end < data.length; end++) {
      try {
        decodeTelegram(octets[6] ?? 0, data.subarray(0, end));
      } catch (error) {
        assert.ok(isMbusError(error) && error.code === 'MBUS_DATA', String(error));
        assert.match(error.detail, /^offset \d+: /);
      }
    }
  });
}

test('mbus: what is no frame and no telegram is refused with offset and reason', () => {
  const refused = (hex: string, detail: RegExp) =>
    assert.throws(
      () => decodeLinkFrame(fromHex(hex)),
      (error) => isMbusError(error) && error.code === 'MBUS_FRAME' && detail.test(error.detail),
    );
  refused('55', /^offset 0: 55 begins no frame/);
  refused('105b015d16', /^offset 3: the checksum/);
  refused('105b015c17', /^offset 4: 16 wanted/);
  refused('680304', /^offset 2: the two lengths/);
  refused('680202', /^offset 1: a length of 2/);
  refused('68030310', /^offset 3: 68 wanted/);
  refused('68030368080178ff16', /^offset 7: the checksum/);
  refused('680303680801788117', /^offset 8: 16 wanted/);
  const malformed = (hex: string, detail: RegExp, information = 0x78) =>
    assert.throws(
      () => decodeTelegram(information, fromHex(hex)),
      (error) => isMbusError(error) && error.code === 'MBUS_DATA' && detail.test(error.detail),
    );
  malformed('', /^offset 0: CI 51 has no records/, 0x51);
  malformed('3f', /^offset 0: DIF 3f is reserved/);
  malformed('0413', /^offset 2: 4 octets wanted, 0 left/);
  malformed('0d13f100', /^offset 0: DIF d with no length/);
  malformed(`84${'80'.repeat(10)}00`, /^offset 11: more than 10 extensions/);
  malformed('00002005', /^offset 2: the telegram is encrypted/, 0x7a);
});
