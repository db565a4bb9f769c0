/** `deltawatt explain` of wired M-Bus frames, and of those that carry DLMS. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseCommandLine } from '../../../src/bin/command.ts';
import { explainCommand } from '../../../src/bin/commands/explain.ts';

const TELEGRAM = '681f1f680802727856341224400107550000000313153100da023b13018b60043718021816';

async function printed(...args: string[]): Promise<string> {
  const { values, words } = parseCommandLine(explainCommand.options, args);
  let text = '';
  const print = (more: string): void => {
    text += more;
  };
  const io = { print, tell: () => {}, readStdin: async () => new Uint8Array(0) };
  assert.equal(await explainCommand.run(values, words, io), 0);
  return text;
}

test('a telegram of a water meter is shown record by record, behind requests and acknowledgements too', async () => {
  const text = await printed(`105b015c16e5${TELEGRAM}`);
  for (const part of [
    'M-Bus short frame',
    'M-Bus acknowledge',
    'PAD.12345678.01.07 (water), access number 85, status 00',
    'volume 12.565 m3',
    'volume-flow 0.113 m3/h (maximum, storage 5)',
    'energy 218370 Wh (tariff 2, subunit 1)',
  ])
    assert.ok(text.includes(part), part);
  const document = JSON.parse(await printed('--json', TELEGRAM)) as { layer: string; tree: { name: string }[] };
  assert.equal(document.layer, 'mbus');
  assert.deepEqual(
    document.tree.map(({ name }) => name),
    ['M-Bus long frame'],
  );
});

test('a selection is named, and an encrypted telegram says why its records are not shown', async () => {
  assert.match(await printed('680b0b6853fd5278563412244001072216'), /CI: selection of a meter/);
  assert.match(
    await printed('68111168080572785634122440010755002005aabbde16'),
    /data: MBUS_DATA: .*offset 10: the telegram is encrypted/,
  );
});

test('frames that carry DLMS are explained as before', async () => {
  const hex = '53ff00016701020304050607';
  const body = Uint8Array.from(hex.match(/../g) ?? [], (octet) => Number.parseInt(octet, 16));
  const sum = (body.reduce((total, octet) => total + octet, 0) & 0xff).toString(16).padStart(2, '0');
  const length = body.length.toString(16).padStart(2, '0');
  assert.match(await printed(`68${length}${length}68${hex}${sum}16`), /segment 0, more segments follow/);
});
