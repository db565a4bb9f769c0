/**
 * The `tcp-fleet` bench: one edge reads 1,000 meters that each have a TCP connection of their own, all at once, each with
 * HLS-GMAC and a day of 96 ciphered rows of six columns (suite 0, authenticated and encrypted).
 *
 * Two processes of the built program: the fleet, and the edge as a site runs it, with its journal synced on disk. A meter
 * counts when its rows are on the medium; connecting, signing on, the look at the columns and the clock are part of it. The
 * clock of the bench starts when the edge says that it has started, and stops when the last row is stored. On a machine that
 * others use too, meters for each second of a core that edge and fleet really got say more: both are printed.
 */
import type { Env } from '../../base/env.ts';
import { assert } from '../../base/errors.ts';
import type { ProcessHost } from '../../base/process.ts';
import { createHostEnv } from '../../host/env.ts';
import { createProcessHost } from '../../host/process.ts';
import { startProgram } from '../program.ts';
import { atLeast, type BenchEnv, type BenchResult } from './bench.ts';
import { cpuMs, type FleetCard, metric, startFleet, writeSettings, writeText } from './fleet-programs.ts';

const METERS = 1_000;
const ROWS = 96;
const PATIENCE_MS = 60_000;
const LOOK_MS = 100;
const METERS_PER_S_MIN = 400;
const PROFILE = 'bench/tcp';

/** One load profile and nothing else. */
const PROFILE_TEXT = `vendor: bench
model: tcp
title: Ciphered electricity meter with one load profile
medium: electricity
wrapper:
  logicalDevice: 1
clients:
  - { name: reading, address: 1, security: hls-gmac, uses: [identify, read] }
clock:
  obis: 0-0:1.0.0
  deviation: utc-minus-local
  toleranceS: 30
  setMaxS: 3600
registers:
  - { name: active-energy-import, obis: 1-0:1.8.0, exponent: 0, unit: Wh, valueClass: billing }
  - { name: active-energy-export, obis: 1-0:2.8.0, exponent: 0, unit: Wh, valueClass: billing }
  - { name: reactive-energy-import, obis: 1-0:3.8.0, exponent: 0, unit: varh, valueClass: billing }
  - { name: reactive-energy-export, obis: 1-0:4.8.0, exponent: 0, unit: varh, valueClass: billing }
profiles:
  - name: load
    obis: 1-0:99.1.0
    intervalS: 900
    rows: ${ROWS}
    columns: [clock, status, active-energy-import, active-energy-export, reactive-energy-import, reactive-energy-export]
    status: { obis: 0-0:96.10.1, bits: amr }
statusBits:
  amr:
    - { bit: 0, name: critical-error, quality: invalid }
    - { bit: 7, name: power-down, quality: power-down }
`;

/** Runs the bench; `count` = meters. */
export async function benchTcpFleet(bench: BenchEnv): Promise<BenchResult> {
  assert(bench.program !== undefined, 'the program is built');
  const host = createProcessHost();
  const env = createHostEnv({ logLevel: 'silent' });
  const folder = `${host.temporaryFolder}/deltawatt-tcp-fleet-${host.randomHex(6)}`;
  const count = bench.count ?? METERS;
  try {
    await env.disk.makeFolder(`${folder}/config/profiles/bench`);
    await writeText(env, `${folder}/config/profiles/${PROFILE}.yaml`, PROFILE_TEXT);
    const fleet = await startFleet(host, bench.program, folder, {
      count,
      seed: bench.seed,
      profile: PROFILE,
      listen: ['tcp://127.0.0.1:0'],
    });
    try {
      await writeEdge(env, folder, fleet.cards);
      return await measure(bench, env, host, { folder, count, simPid: fleet.process.pid });
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
  { folder, count, simPid }: { readonly folder: string; readonly count: number; readonly simPid: number },
): Promise<BenchResult> {
  assert(bench.program !== undefined, 'the program is built');
  const edge = await startProgram(env, host, bench.program, ['edge', '--config', `${folder}/edge.yaml`], folder);
  try {
    const started = JSON.parse(await edge.line('concentrator.started', PATIENCE_MS)) as { healthPort: number };
    const startedMs = bench.nowMs();
    const port = started.healthPort;
    const cpus = () => Promise.all([cpuMs(host, edge.process.pid), cpuMs(host, simPid)]);
    const [edgeBefore, simBefore] = await cpus();
    let rows = 0;
    while (rows < count * ROWS && bench.nowMs() - startedMs < PATIENCE_MS) {
      await env.timers.sleep(LOOK_MS);
      rows = await metric(env, port, 'rows_stored');
    }
    const tookMs = bench.nowMs() - startedMs;
    const [edgeAfter, simAfter] = await cpus();
    const perCpuS = (usedMs: number) => Math.round((count * 1_000) / Math.max(1, usedMs));
    const failed = await metric(env, port, 'scheduler_jobs_failed');
    assert(rows === count * ROWS, `every row is stored once: ${rows} of ${count * ROWS}`);
    assert(failed === 0, `no job failed: ${failed}`);
    const metersPerS = Math.round((count * 10_000) / tookMs) / 10;
    bench.progress(`tcp-fleet: ${count} meters, ${rows} rows stored in ${Math.round(tookMs)} ms`);
    return {
      figures: {
        meters: count,
        rows,
        tookMs: Math.round(tookMs),
        metersPerS,
        edgeMetersPerCpuS: perCpuS(edgeAfter - edgeBefore),
        simMetersPerCpuS: perCpuS(simAfter - simBefore),
      },
      bars: [atLeast('meters read, decoded and stored, meters/s', metersPerS, METERS_PER_S_MIN)],
    };
  } finally {
    await edge.stop(PATIENCE_MS);
  }
}

async function writeEdge(env: Env, folder: string, cards: readonly FleetCard[]): Promise<void> {
  await env.disk.makeFolder(`${folder}/keys`);
  for (const { meterId, keys } of cards) {
    assert(keys !== undefined, 'the simulator tells the keys');
    await writeText(env, `${folder}/keys/${meterId}.yaml`, JSON.stringify(keys));
  }
  const lines = cards.map(({ meterId, serial, url }) => ({
    id: `line-${meterId}`,
    url,
    meters: [{ id: meterId, profile: PROFILE, serial, keysFile: `${folder}/keys/${meterId}.yaml` }],
  }));
  await writeSettings(env, folder, { lines, journal: { flushS: 1 } });
}
