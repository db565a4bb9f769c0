/**
 * The `start` bench: how long until a concentrator is ready, and until the demo shows its first readings.
 *
 * Ready is the log line `concentrator.started` of a process that was spawned with a journal folder, a profile and a line;
 * the broker need not be there. The demo is spawned in a folder that an earlier start has prepared (set-up: the database
 * is made), then REST is asked until a meter has a reading.
 */
import { stringify } from 'yaml';
import type { Env } from '../../base/env.ts';
import { assert } from '../../base/errors.ts';
import type { ProcessHost } from '../../base/process.ts';
import { createHostEnv } from '../../host/env.ts';
import { createProcessHost } from '../../host/process.ts';
import { httpAsk, startProgram } from '../program.ts';
import { atMost, type BenchEnv, type BenchResult, type ProgramCommand } from './bench.ts';

const STARTS = 5;
const PATIENCE_MS = 60_000;
const STOP_MS = 15_000;
const READY_BAR_MS = 1_000;
const DEMO_BAR_MS = 20_000;
const DEMO_METERS = 20;
const LOOK_MS = 50;
const KEY = '11'.repeat(32);

interface Place {
  readonly env: Env;
  readonly host: ProcessHost;
  readonly program: ProgramCommand;
  readonly folder: string;
}

/** Runs the bench; the best of five starts says what the program can do, the median is beside it. */
export async function benchStart(env: BenchEnv): Promise<BenchResult> {
  assert(env.program !== undefined, 'the program is built');
  const host = createProcessHost();
  const folder = `${host.temporaryFolder}/deltawatt-start-${host.randomHex(6)}`;
  const place: Place = { env: createHostEnv({ logLevel: 'silent' }), host, program: env.program, folder };
  try {
    const config = await writeEdge(place);
    const startsMs: number[] = [];
    for (let at = 0; at < STARTS; at++) {
      const startedMs = env.nowMs();
      const edge = await startProgram(place.env, host, place.program, ['edge', '--config', config], folder);
      try {
        await edge.line('concentrator.started', PATIENCE_MS);
        startsMs.push(env.nowMs() - startedMs);
      } finally {
        await edge.stop(STOP_MS);
      }
      env.progress(`start: edge ready after ${Math.round(startsMs.at(-1) ?? 0)} ms`);
    }
    startsMs.sort((a, b) => a - b);
    const [bestMs, medianMs] = [startsMs[0] ?? 0, startsMs[STARTS >> 1] ?? 0].map(Math.round) as [number, number];
    env.progress('start: demo, once to make its database');
    await startDemo(place, env);
    const demoMs = Math.round(await startDemo(place, env));
    env.progress(`start: demo shows a reading after ${demoMs} ms`);
    return {
      figures: { starts: STARTS, edgeReadyBestMs: bestMs, edgeReadyMedianMs: medianMs, demoFirstReadingMs: demoMs },
      bars: [
        atMost('edge ready, median, ms', medianMs, READY_BAR_MS),
        atMost('demo shows its first reading, ms', demoMs, DEMO_BAR_MS),
      ],
    };
  } finally {
    await host.files.remove(folder);
  }
}

/** Settings of an edge with one meter, which nobody plays, and an enrolment at a broker that is not there. */
async function writeEdge({ env, folder }: Place): Promise<string> {
  const write = (name: string, text: string) => env.disk.writeFile(`${folder}/${name}`, new TextEncoder().encode(text));
  await env.disk.makeFolder(folder);
  const keys = { key: KEY, commandPublicKey: KEY, limitsPublicKey: KEY };
  await write('enrolment.json', JSON.stringify({ edgeId: 'bench', url: 'mqtt://127.0.0.1:1', password: 'x', ...keys }));
  await write('password', '00000000');
  const meter = { id: 'm1', profile: 'generic/idis', serial: '10000001', passwordFile: `${folder}/password` };
  const settings = {
    stateFolder: `${folder}/state`,
    enrolmentFile: `${folder}/enrolment.json`,
    timeZone: 'Europe/Berlin',
    health: { port: 0 },
    lines: [{ id: 'line1', url: 'tcp+hdlc://127.0.0.1:1', meters: [meter] }],
  };
  await write('edge.yaml', stringify(settings));
  return `${folder}/edge.yaml`;
}

/** Ms from the spawn of the demo until REST shows a reading of its first meter. */
async function startDemo({ env, host, program, folder }: Place, bench: BenchEnv): Promise<number> {
  const startedMs = bench.nowMs();
  const args = ['demo', '--json', '--port', '0', '--meters', String(DEMO_METERS), '--data', `${folder}/demo`];
  const demo = await startProgram(env, host, program, args, folder);
  try {
    const { url, token } = JSON.parse(await demo.line('"token"', PATIENCE_MS)) as { url: string; token: string };
    const port = Number(/:(\d+)/.exec(url)?.[1]);
    for (;;) {
      const latest = await httpAsk(env, { port, token, path: '/api/v1/meters/m0001/latest' });
      if (latest?.includes('"obis"') === true) return bench.nowMs() - startedMs;
      assert(bench.nowMs() - startedMs < PATIENCE_MS, 'the demo shows a reading within a minute');
      await env.timers.sleep(LOOK_MS);
    }
  } finally {
    await demo.stop(STOP_MS);
  }
}
