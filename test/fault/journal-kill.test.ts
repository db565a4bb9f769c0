/** A process that appends in a loop is killed with SIGKILL, again and again: nothing that it was told is stored is lost. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { SeededRandom } from '../../src/base/seeded-random.ts';
import { openJournal } from '../../src/edge/journal/journal.ts';
import { openLevelStore } from '../../src/host/level-store.ts';
import type { MeterId } from '../../src/model/ids.ts';
import { flat, HandClock, HOUR_MS, replay, rowsOf, START_MS } from '../suite/journal.ts';
import { bundledProgram } from '../support/bundled-program.ts';
import { sha256 } from '../support/wire-crypto.ts';

const folder = mkdtempSync(join(tmpdir(), 'deltawatt-kill-'));
const loop = await bundledProgram(new URL('append-loop.ts', import.meta.url).pathname);
after(() => {
  loop.remove();
  rmSync(folder, { recursive: true, force: true });
});

const CYCLES = 20;

/** Runs the loop until it has told of `appends` and a little more; returns the last append that it told of. */
async function runAndKill(start: number, appends: number): Promise<number> {
  const child = spawn(process.execPath, [loop.file, folder, String(start)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let told = start - 1;
  let rest = '';
  let trouble = '';
  child.stderr.on('data', (chunk: Buffer) => {
    trouble += chunk.toString();
  });
  child.stdout.on('data', (chunk: Buffer) => {
    const lines = (rest + chunk.toString()).split('\n');
    rest = lines.pop() ?? '';
    told = Number(lines.at(-1) ?? told);
    if (told >= start + appends) child.kill('SIGKILL');
  });
  await once(child, 'close');
  assert.equal(trouble, '');
  return told;
}

test(`${CYCLES} kills of a process that appends lose nothing that was stored`, async (context) => {
  const random = new SeededRandom(7);
  let next = 0;
  for (let cycle = 0; cycle < CYCLES; cycle++) {
    const told = await runAndKill(next, random.below(60));
    const store = await openLevelStore(join(folder, 'journal'));
    const journal = await openJournal({ store, clock: new HandClock(), random, sha256, clockQuality: () => 'ntp' });
    const watermark = journal.watermark('m0' as MeterId, 'p') ?? START_MS - HOUR_MS;
    const stored = (watermark - START_MS) / HOUR_MS;
    assert.ok(stored >= told, `cycle ${cycle}: append ${told} was told, ${stored} is stored`);
    next = stored + 1;
    if (cycle === CYCLES - 1) {
      const rows = [...(await replay(journal, 2)).rows, ...(await replay(journal, 3)).rows];
      const byName = new Map(rows.map((row) => [`${row.meterId} ${row.atMs}`, row.values.join()]));
      assert.equal(byName.size, rows.length, 'nothing twice');
      for (let round = 0; round < next; round++)
        for (const row of flat(rowsOf(10, START_MS + round * HOUR_MS)))
          assert.equal(byName.get(`${row.meterId} ${row.atMs}`), row.values.join());
      assert.equal(rows.length, next * 40);
    }
    await journal.close();
  }
  context.diagnostic(`${next} appends of 10 meters over ${CYCLES} kills`);
});
