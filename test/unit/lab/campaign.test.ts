import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Env } from '../../../src/base/env.ts';
import { findLine, runCampaign } from '../../../src/lab/fuzz/campaign.ts';

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

test('HE-7 a slice whose process ends is a find, unless the whole run is ended: then it is not done', async () => {
  let kept: Uint8Array | undefined;
  const disk = {
    readFile: async () => undefined,
    writeFile: async (_: string, octets: Uint8Array) => {
      kept = octets;
    },
  } as unknown as Env['disk'];
  const program = { file: process.execPath, args: ['-e', 'process.exit(3)', '--'], environment: {} };
  const campaign = { seed: 1, slices: 1, processes: 1, stateFile: 'state.json', program };
  const ran = await runCampaign({ disk }, { ...campaign, isEnding: () => false }, () => {});
  assert.match(ran.finds[0]?.reason ?? '', /ended or hung.*exit code 3/);
  assert.ok(kept !== undefined);
  kept = undefined;
  await assert.rejects(
    runCampaign({ disk }, { ...campaign, isEnding: () => true }, () => {}),
    /exit code 3/,
  );
  assert.equal(kept, undefined);
});
