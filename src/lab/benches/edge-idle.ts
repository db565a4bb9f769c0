/**
 * The `edge-idle` bench: memory of a concentrator that polls 1,000 meters while its broker is away (design, section 9).
 *
 * Two processes of the built program: a fleet on four lines, and the edge, started with the Node options and variables of
 * its service unit, because that is what a site runs. Quarter-hours are accelerated: the meters play a copy of the default profile
 * whose intervals last 60 s, the shortest that a profile may have, with a buffer of 96 rows. So the first reading
 * fetches the rows of a day from every meter, and each minute after it does what a quarter-hour does.
 */
import type { Env } from '../../base/env.ts';
import { assert } from '../../base/errors.ts';
import type { ProcessHost } from '../../base/process.ts';
import { createHostEnv } from '../../host/env.ts';
import { createProcessHost } from '../../host/process.ts';
import { type RunningProgram, startProgram } from '../program.ts';
import { atMost, type BenchEnv, type BenchResult } from './bench.ts';
import { type FleetCard, metric, startFleet, writeSettings, writeText } from './fleet-programs.ts';

const METERS = 1_000;
const LINES = 4;
const ROWS = 96;
const INTERVAL_S = 60;
const ROUNDS = 1;
const PATIENCE_MS = 30_000;
const HISTORY_MAX_MS = 60_000;
const LOOK_MS = 1_000;
/** Looks without a finished job after which the line is quiet. */
const QUIET_LOOKS = 3;
const RSS_BAR_MB = 90;
const PROFILE = 'generic/idis';
const UNIT = 'systemd/deltawatt-edge.service';
const JOBS_DONE = 'scheduler_jobs_done';

/** Runs the bench; `count` = accelerated quarter-hours after the first reading. */
export async function benchEdgeIdle(bench: BenchEnv): Promise<BenchResult> {
  assert(bench.program !== undefined, 'the program is built');
  const host = createProcessHost();
  const env = createHostEnv({ logLevel: 'silent' });
  const folder = `${host.temporaryFolder}/deltawatt-idle-${host.randomHex(6)}`;
  const rounds = bench.count ?? ROUNDS;
  try {
    await writeProfile(env, folder, await bench.readText(`config/profiles/${PROFILE}.yaml`));
    const fleet = await startFleet(host, bench.program, folder, {
      count: METERS,
      seed: bench.seed,
      listen: Array.from({ length: LINES }, () => 'tcp+hdlc://127.0.0.1:0'),
    });
    try {
      await writeEdge(env, folder, fleet.cards);
      const unit = await bench.readText(UNIT);
      const command = {
        ...bench.program,
        args: [...nodeOptionsOf(unit), ...bench.program.args],
        environment: environmentOf(unit),
      };
      const edge = await startProgram(env, host, command, ['edge', '--config', `${folder}/edge.yaml`], folder);
      try {
        return await measure(bench, env, host, edge, rounds);
      } finally {
        await edge.stop(PATIENCE_MS);
      }
    } finally {
      fleet.process.signal('SIGTERM');
      await fleet.process.ended;
    }
  } finally {
    await host.files.remove(folder);
  }
}

async function measure(
  bench: BenchEnv,
  env: Env,
  host: ProcessHost,
  edge: RunningProgram,
  rounds: number,
): Promise<BenchResult> {
  const started = JSON.parse(await edge.line('concentrator.started', PATIENCE_MS)) as { healthPort: number };
  const rss = () => memoryMb(host, edge.process.pid, 'VmRSS');
  const startMb = await rss();
  const startedMs = bench.nowMs();
  const historyJobs = await untilQuiet(bench, env, started.healthPort);
  const historyMs = Math.round(bench.nowMs() - startedMs);
  const historyMb = await rss();
  bench.progress(`edge-idle: ${startMb} MB at start, ${historyMb} MB after the first reading (${historyMs} ms)`);
  for (let round = 0; round < rounds; round++) {
    await env.timers.sleep(INTERVAL_S * 1_000);
    bench.progress(`edge-idle: ${await rss()} MB after round ${round + 1}`);
  }
  const endMb = await rss();
  const jobs = (await metric(env, started.healthPort, JOBS_DONE)) - historyJobs;
  assert(jobs >= rounds * METERS, 'every meter was read in every round');
  return {
    figures: {
      meters: METERS,
      rounds,
      historyMs,
      historyJobs,
      roundJobs: jobs,
      rssStartMb: startMb,
      rssHistoryMb: historyMb,
      rssEndMb: endMb,
      rssPeakMb: await memoryMb(host, edge.process.pid, 'VmHWM'),
      growthPerRoundMb: Math.round(((endMb - historyMb) / rounds) * 10) / 10,
    },
    bars: [atMost('memory of the edge at the end, MB', endMb, RSS_BAR_MB)],
  };
}

/** Jobs done once no more come for a while; rejects when the first reading takes too long. */
async function untilQuiet(bench: BenchEnv, env: Env, port: number): Promise<number> {
  const startedMs = bench.nowMs();
  let [done, quiet] = [0, 0];
  while (done < METERS || quiet < QUIET_LOOKS) {
    await env.timers.sleep(LOOK_MS);
    const now = await metric(env, port, JOBS_DONE);
    quiet = now === done ? quiet + 1 : 0;
    done = now;
    if (bench.nowMs() - startedMs > HISTORY_MAX_MS) break;
  }
  assert(done >= METERS, 'every meter was read once');
  return done;
}

/** A line of `/proc/PID/status`, in MB. */
async function memoryMb(host: ProcessHost, pid: number, name: 'VmRSS' | 'VmHWM'): Promise<number> {
  const text = (await host.files.readText(`/proc/${pid}/status`)) ?? '';
  const kibibytes = new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1];
  assert(kibibytes !== undefined, 'the system tells the memory of a process');
  return Math.round((Number(kibibytes) * 1_024) / 1e5) / 10;
}

/** Options for Node in the unit's command: what stands between the interpreter and the program. */
function nodeOptionsOf(unit: string): string[] {
  const options = /^ExecStart=\S+\/node ((?:--\S+ )*)/m.exec(unit)?.[1] ?? '';
  return options.split(' ').filter((word) => word !== '');
}

/** Variables that the unit sets. */
function environmentOf(unit: string): Record<string, string> {
  return Object.fromEntries(
    [...unit.matchAll(/^Environment=(\w+)=(\S+)$/gm)].map(([, name = '', value = '']) => [name, value]),
  );
}

async function writeProfile(env: Env, folder: string, text: string): Promise<void> {
  const fast = text.replace('intervalS: 900', `intervalS: ${INTERVAL_S}`).replace(/rows: 3840.*/, `rows: ${ROWS}`);
  assert(fast !== text, 'the profile has quarter-hours');
  await env.disk.makeFolder(`${folder}/config/profiles/generic`);
  await writeText(env, `${folder}/config/profiles/${PROFILE}.yaml`, fast);
}

/** An edge with all meters on their lines. */
async function writeEdge(env: Env, folder: string, cards: readonly FleetCard[]): Promise<void> {
  await writeText(env, `${folder}/password`, cards[0]?.password ?? '');
  const lines = [...new Set(cards.map((card) => card.url))].map((url, at) => ({
    id: `line${at + 1}`,
    url,
    meters: cards
      .filter((card) => card.url === url)
      .map(({ meterId, serial }) => ({ id: meterId, profile: PROFILE, serial, passwordFile: `${folder}/password` })),
  }));
  await writeSettings(env, folder, { lines });
}
