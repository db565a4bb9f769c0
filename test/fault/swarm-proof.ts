/** Runs a proof of the swarm on the built program and holds it to its bars. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { BenchEnv, BenchResult } from '../../src/lab/benches/bench.ts';

const program = {
  file: process.execPath,
  args: [fileURLToPath(new URL('../../dist/bin/deltawatt.js', import.meta.url))],
};

export const readText = (path: string): Promise<string> => readFile(new URL(`../../${path}`, import.meta.url), 'utf8');

export async function proven(prove: (env: BenchEnv) => Promise<BenchResult>, count: number) {
  const said: string[] = [];
  const env = { seed: 1, count, program, readText, nowMs: () => performance.now() };
  const { figures, bars } = await prove({ ...env, progress: (line) => said.push(line) });
  const short = bars.filter(({ holds }) => !holds);
  assert.deepEqual(short, [], said.join('\n'));
  assert.ok(figures['produced'] !== undefined && figures['produced'] === figures['stored']);
  return figures;
}
