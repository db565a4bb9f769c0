/** What the journal writes to the medium, counted by the kernel under a file system. Skipped where disks cannot be made. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { createProcessHost } from '../../src/host/process.ts';
import { benchFlash } from '../../src/lab/benches/flash.ts';
import { disksMissing } from '../../src/lab/proofs/block-disks.ts';

const skip = (await disksMissing(createProcessHost(), false)) ?? false;

test('two days of 200 meters stay below 2 MB a day at the block layer', { skip }, async (context) => {
  const { figures, bars } = await benchFlash({
    nowMs: () => performance.now(),
    seed: 1,
    progress: () => undefined,
    readText: (path) => readFile(new URL(`../../${path}`, import.meta.url), 'utf8'),
  });
  context.diagnostic(JSON.stringify(figures));
  assert.equal(figures['rounds'], 192);
  // Nothing counted would hold every bar: a batch is at least a page of the log.
  assert.ok((figures['octetsPerBatch'] ?? 0) >= 4_096);
  const day = bars.find(({ name }) => name.includes('day'));
  assert.ok(day?.holds, JSON.stringify(day));
});
