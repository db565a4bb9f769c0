/** The fuzzer as nightly runs: `fuzz` is the long one, over several processes; `fuzz-slice` is what each of them does. */
import { assert } from '../../base/errors.ts';
import { createHostEnv } from '../../host/env.ts';
import { collectGarbage, heapBytes } from '../../host/heap.ts';
import { isEnding } from '../../host/process.ts';
import { atLeast, atMost, type Bar, type BenchEnv, type BenchResult } from '../benches/bench.ts';
import { findLine, runCampaign, type SliceFigures } from './campaign.ts';
import { Fuzzer, SLICE_EXECUTIONS } from './fuzzer.ts';
import { fuzzSetting } from './seed-files.ts';

/** Slices of a night: 10^8 executions. */
const SLICES = 50;
/** One for each core of the machines that we promise figures for. */
const PROCESSES = 2;

function barsOf({ timeShareMax, heapShareMax }: SliceFigures, finds: number): Bar[] {
  return [
    atMost('finds', finds, 0),
    atMost('time, share of 5 ms for each kB', timeShareMax, 1),
    atMost('heap, share of 64 x input + 64 kB', heapShareMax, 1),
  ];
}

/** Slice number `count` - 1 of the seed, in this process. */
export async function runFuzzSlice(env: BenchEnv): Promise<BenchResult> {
  const { targets, seeds } = await fuzzSetting(env.readText);
  const fuzzer = new Fuzzer(targets, seeds, { nowMs: env.nowMs, heapBytes, collectGarbage });
  const startMs = env.nowMs();
  const { finds, executions, taken, timeShareMax, heapShareMax } = fuzzer.slice(env.seed, (env.count ?? 1) - 1);
  const seconds = (env.nowMs() - startMs) / 1_000;
  for (const find of finds) env.progress(findLine(find));
  const figures = { executions, taken, timeShareMax, heapShareMax, seconds, executionsPerS: executions / seconds };
  return { figures, bars: barsOf(figures, finds.length) };
}

/** All slices of the seed, `count` of them; goes on from `stateFile`. */
export async function runFuzz(env: BenchEnv): Promise<BenchResult> {
  assert(env.program !== undefined, 'the program is built');
  const startMs = env.nowMs();
  const slices = env.count ?? SLICES;
  const campaign = {
    seed: env.seed,
    slices,
    processes: PROCESSES,
    stateFile: env.stateFile ?? null,
    program: env.program,
    isEnding,
  };
  const ran = await runCampaign(createHostEnv({ logLevel: 'silent' }), campaign, env.progress);
  const figures = {
    ...ran.figures,
    slices: ran.slices,
    finds: ran.finds.length,
    seconds: (env.nowMs() - startMs) / 1_000,
  };
  return {
    figures,
    bars: [atLeast('executions', figures.executions, slices * SLICE_EXECUTIONS), ...barsOf(figures, figures.finds)],
  };
}
