/**
 * The `flash` bench: what two days of 200 meters, read every 15 minutes, write to the medium, counted by the kernel at the
 * block layer under ext4 on a loop device of its own (design, section 9).
 *
 * The edge's stage and journal, over the real store, take the rows of `test/data/fleet-200.csv` round by round: energies to
 * one value class, voltages to the other, and each block is acknowledged before the next round. What lies 15 minutes apart
 * in life follows at once here, so after each round the file system is synced: the kernel would have written everything
 * back by then. Counted are all sectors of the device, those of the file system's own journal among them. Needs root.
 */
import type { Env, KeyValueStore } from '../../base/env.ts';
import { openJournalIn } from '../../edge/journal/open.ts';
import { Stage } from '../../edge/journal/stage.ts';
import type { GroupRows, ValueClass } from '../../edge/ports.ts';
import { createHostEnv } from '../../host/env.ts';
import { createProcessHost } from '../../host/process.ts';
import type { MeterId } from '../../model/ids.ts';
import { BlockDisk, claimFolder, disksMissing, sweepDisks } from '../proofs/block-disks.ts';
import { atMost, type BenchEnv, type BenchResult } from './bench.ts';
import { FLEET_PATH, FLEET_START_MS, FLEET_STEP_MS, type FleetValues, fleetGroups, readFleet } from './fleet-200.ts';

const DISK_MIB = 64;
const ENERGIES = 3;
const DAY_ROUNDS = 96;
const DAY_BAR_OCTETS = 2_000_000;
const BATCH_BAR_OCTETS = 8_000;
/** Nothing waits for its time: each round is flushed at its end. */
const FLUSH_AFTER_MS = 3_600_000;

/** Runs it; the disk is taken down in any case. */
export async function benchFlash(bench: BenchEnv): Promise<BenchResult> {
  const [env, host] = [createHostEnv({ logLevel: 'silent' }), createProcessHost()];
  const missing = await disksMissing(host, false);
  if (missing !== null) throw new Error(missing);
  await sweepDisks(host);
  const folder = `${host.temporaryFolder}/deltawatt-flash-${host.randomHex(6)}`;
  await env.disk.makeFolder(folder);
  await claimFolder(env, folder);
  let disk: BlockDisk | null = null;
  try {
    disk = await BlockDisk.make({ env, host, forgetful: null }, `${folder}/edge`, DISK_MIB);
    const fleet = readFleet(await bench.readText(FLEET_PATH));
    const { batches, batchOctets, octets, requests, rounds } = await play(env, fleet, disk);
    const [perDay, perBatch] = [Math.round((octets / rounds) * DAY_ROUNDS), Math.round(batchOctets / batches)];
    return {
      figures: {
        rounds,
        syncedBatches: batches,
        octetsWritten: octets,
        octetsOfBatches: batchOctets,
        writeRequests: requests,
        octetsPerDay: perDay,
        octetsPerBatch: perBatch,
      },
      bars: [
        atMost('octets a day at the block layer, 200 meters every 15 minutes', perDay, DAY_BAR_OCTETS),
        atMost('octets per synced batch at the block layer', perBatch, BATCH_BAR_OCTETS),
      ],
    };
  } finally {
    await disk?.close();
    await host.files.remove(folder);
  }
}

async function play(env: Env, fleet: readonly FleetValues[], disk: BlockDisk) {
  let batches = 0;
  const counted = (store: KeyValueStore): KeyValueStore => ({
    get: (key) => store.get(key),
    scan: (range) => store.scan(range),
    compact: () => store.compact(),
    close: () => store.close(),
    batch: (writes, options) => {
      if (options.sync) batches++;
      return store.batch(writes, options);
    },
  });
  let nowMs = FLEET_START_MS;
  const journal = await openJournalIn({
    disk: { ...env.disk, openStore: async (path, kind) => counted(await env.disk.openStore(path, kind)) },
    folder: disk.folder,
    name: 'journal',
    clock: { nowMs: () => nowMs, monotonicMs: () => nowMs - FLEET_START_MS },
    random: env.random,
    sha256: env.crypto.sha256,
    clockQuality: () => 'ntp',
  });
  try {
    const failed = (error: unknown) => {
      throw error;
    };
    const stage = new Stage({ journal, timers: env.timers, clock: env.clock, flushAfterMs: FLUSH_AFTER_MS, failed });
    await disk.sync();
    // Making the store and its file system is not part of a day.
    const before = await disk.written();
    batches = 0;
    const rounds = fleet[0]?.length ?? 0;
    let batchOctets = 0;
    for (let round = 0; round < rounds; round++) {
      nowMs += FLEET_STEP_MS;
      const begin = await disk.written();
      await readRound(stage, fleet, round, nowMs);
      batchOctets += (await disk.written()).octets - begin.octets;
      for (const { lane, last } of journal.lanes()) await journal.acknowledge(lane, last);
      await disk.sync();
    }
    const after = await disk.written();
    return {
      batches,
      batchOctets,
      rounds,
      octets: after.octets - before.octets,
      requests: after.requests - before.requests,
    };
  } finally {
    await journal.close();
  }
}

const ENERGY_GROUPS = fleetGroups(ENERGIES, FLEET_STEP_MS / 1000);
const VOLTAGE_GROUPS = fleetGroups(1, FLEET_STEP_MS / 1000, ENERGIES + 1);

/** One row of each meter, one meter after the other, as readers hand them in. */
async function readRound(stage: Stage, fleet: readonly FleetValues[], round: number, atMs: number): Promise<void> {
  for (const [meter, rows] of fleet.entries()) {
    const values = rows[round] ?? [];
    const groups = [
      rowOf(ENERGY_GROUPS[meter], 'billing', atMs, values.slice(0, ENERGIES)),
      rowOf(VOLTAGE_GROUPS[meter], 'low-value', atMs, values.slice(ENERGIES)),
    ].flat();
    const watermarks = [{ meterId: `m${meter}` as MeterId, key: 'load', atMs }];
    await stage.add({ line: 'bus', groups, records: [], watermarks, keep: [], readAtMs: atMs });
  }
  await stage.flush();
}

function rowOf(
  group: GroupRows['group'] | undefined,
  valueClass: ValueClass,
  atMs: number,
  values: readonly (number | null)[],
): GroupRows[] {
  if (group === undefined) return [];
  const row = { atMs, status: new Uint8Array(0), quality: 'good' as const, deviationMin: null, values: [...values] };
  return [{ group, valueClass, rows: [row] }];
}
