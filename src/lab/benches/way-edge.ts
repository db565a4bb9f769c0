/**
 * The edge of bench `way` as a process: `way-edge '{"url":..}'`. It runs inside a network namespace whose only interface is
 * the way to the broker, feeds the published fleet into a real journal, flush by flush, lets the uplink send it, and reads
 * the interface's own counters. Prints one JSON line {@link WayCounts}.
 *
 * Each flush is followed by silence, so that TCP's delayed acknowledgements belong to it and do not merge with the next.
 */
import { fromHex } from '../../base/bytes.ts';
import type { Clock, Env } from '../../base/env.ts';
import { assert } from '../../base/errors.ts';
import { openJournal } from '../../edge/journal/journal.ts';
import type { Journal } from '../../edge/ports.ts';
import { Uplink } from '../../edge/uplink/uplink.ts';
import { wireCodec } from '../../edge/uplink/wire-codec.ts';
import { createHostEnv } from '../../host/env.ts';
import type { EdgeId } from '../../model/ids.ts';
import { FLEET_START_MS, FLEET_STEP_MS, type FleetValues, fleetGroups, fleetRow, readFleet } from './fleet-200.ts';

/** What the process is told. */
export interface WayOrder {
  readonly url: string;
  readonly tls: { readonly ca: string; readonly cert: string; readonly key: string };
  readonly edgeId: string;
  readonly password: string;
  /** Hex. */
  readonly key: string;
  readonly folder: string;
  readonly fleetFile: string;
  /** The interface whose octets are counted. */
  readonly interface: string;
  /** Rows of each meter in one flush: 4 = hourly, 1 = every quarter of an hour. */
  readonly rowsPerFlush: number;
}

/** What was counted, octets of IP packets in both directions. */
export interface WayCounts {
  /** From nothing to an open session: TCP, TLS, CONNECT, SUBSCRIBE, hello, answer. */
  readonly connectOctets: number;
  /** The first flush: dictionaries of all meters and a keyframe. */
  readonly firstFlushOctets: number;
  /** The second day, a keyframe among its flushes. */
  readonly dayOctets: number;
  readonly dayValues: number;
  /** Payloads of that day: blocks in their messages. */
  readonly dayPayloadOctets: number;
  /** One PINGREQ with its answer. */
  readonly pingOctets: number;
}

const DAY_MS = 86_400_000;
const STEPS_A_DAY = DAY_MS / FLEET_STEP_MS;
/** Longer than any delayed acknowledgement (40 to 200 ms). */
const SILENCE_MS = 260;
const PATIENCE_MS = 20_000;
const PINGS = 3;
/** Octets of Ethernet that the interface counts with each packet. */
const ETHERNET_OCTETS = 14;

async function main(env: Env, order: WayOrder): Promise<WayCounts> {
  const time = { nowMs: FLEET_START_MS };
  // Readings have the fleet's time, so that keyframes come as they would; timers keep the real one.
  const clock: Clock = { nowMs: () => time.nowMs, monotonicMs: () => env.clock.monotonicMs() };
  const { sha256 } = env.crypto;
  const store = await env.disk.openStore(order.folder);
  const journal = await openJournal({ store, clock, random: env.random, sha256, clockQuality: () => 'ntp' });
  const octets = () => countedOctets(env, order.interface);
  const before = await octets();
  const { uplink, opened } = uplinkOf({ ...env, clock }, order, journal);
  await uplink.start({ command: async () => {}, image: () => {}, rereads: () => Promise.resolve(), opened });
  await until(env, () => uplink.state().sessionOpen, 'the session to open');
  await env.timers.sleep(SILENCE_MS);
  const connected = await octets();
  const fleet = readFleet(new TextDecoder().decode((await env.disk.readFile(order.fleetFile)) ?? new Uint8Array()));
  const flushOf = (from: number): Promise<void> => flush(env, journal, fleet, from, order.rowsPerFlush, time);
  await flushOf(0);
  await env.timers.sleep(SILENCE_MS);
  const first = await octets();
  for (let at = order.rowsPerFlush; at < STEPS_A_DAY; at += order.rowsPerFlush) await flushOf(at);
  await env.timers.sleep(SILENCE_MS);
  const dayBegan = await octets();
  const payloadBefore = uplink.state().payloadOctets;
  let dayValues = 0;
  for (let at = STEPS_A_DAY; at < 2 * STEPS_A_DAY; at += order.rowsPerFlush) {
    await flushOf(at);
    dayValues += fleet.reduce((sum, rows) => sum + rows.slice(at, at + order.rowsPerFlush).flat().length, 0);
    await env.timers.sleep(SILENCE_MS);
  }
  const dayEnded = await octets();
  const dayPayloadOctets = uplink.state().payloadOctets - payloadBefore;
  await uplink.stop();
  await journal.close();
  return {
    connectOctets: connected - before,
    firstFlushOctets: first - connected,
    dayOctets: dayEnded - dayBegan,
    dayValues,
    dayPayloadOctets,
    pingOctets: await pingOctets(env, order, octets),
  };
}

function uplinkOf(env: Env, order: WayOrder, journal: Journal): { uplink: Uplink; opened: () => void } {
  const { url, tls, edgeId, password } = order;
  const identity = {
    edgeId: edgeId as EdgeId,
    key: fromHex(order.key),
    epoch: journal.epoch,
    bootId: '0011223344556677',
    software: 'deltawatt 0.1.0',
    clockQuality: () => 'ntp' as const,
  };
  const health = { count: () => {}, gauge: () => {}, state: () => {} };
  const broker = { url, clientId: edgeId, username: edgeId, password, tls };
  const codec = wireCodec(identity, env.crypto);
  const uplink = new Uplink({ env, journal, health, codec, broker, spreadMs: 0, bootId: undefined, facts: () => [] });
  return { uplink, opened: () => {} };
}

/** Stores rows of all meters in one batch; resolves when the collector has acknowledged them. */
async function flush(
  env: Env,
  journal: Journal,
  fleet: readonly FleetValues[],
  from: number,
  count: number,
  time: { nowMs: number },
): Promise<void> {
  time.nowMs = FLEET_START_MS + (from + count) * FLEET_STEP_MS + 60_000;
  const intervalS = FLEET_STEP_MS / 1000;
  const groupsOf = (valueClass: 'billing' | 'low-value', at: number, below: number) =>
    fleetGroups(below - at, intervalS, at + 1).map((group, meter) => ({
      group,
      valueClass,
      rows: (fleet[meter] ?? [])
        .slice(from, from + count)
        .map((values, step) =>
          fleetRow(meter, FLEET_START_MS + (from + step + 1) * FLEET_STEP_MS, values.slice(at, below)),
        ),
    }));
  await journal.append({
    line: 'bus1',
    groups: [...groupsOf('billing', 0, 3), ...groupsOf('low-value', 3, 4)],
    records: [],
    watermarks: [],
    keep: [],
    readAtMs: time.nowMs,
  });
  await until(env, () => journal.lanes().every((lane) => lane.pendingBlocks === 0), 'the acknowledgement');
}

/** What a connection that only stays alive costs. */
async function pingOctets(env: Env, order: WayOrder, octets: () => Promise<number>): Promise<number> {
  const { url, tls, edgeId, password } = order;
  const options = {
    url,
    tls,
    clientId: edgeId,
    username: edgeId,
    password,
    keepAliveS: 1,
    connectTimeoutMs: PATIENCE_MS,
  };
  const connection = await env.mqtt.connect(options, { message: async () => {}, closed: () => {} });
  await env.timers.sleep(SILENCE_MS);
  const [began, sentBefore] = [await octets(), connection.trafficOctets().sent];
  // A PINGREQ has two octets.
  await until(env, () => connection.trafficOctets().sent >= sentBefore + 2 * PINGS, 'the keep-alives');
  await env.timers.sleep(SILENCE_MS);
  const spent = (await octets()) - began;
  const pings = (connection.trafficOctets().sent - sentBefore) / 2;
  await connection.close();
  return Math.round(spent / pings);
}

async function until(env: Env, holds: () => boolean, what: string): Promise<void> {
  const byMs = env.clock.monotonicMs() + PATIENCE_MS;
  while (!holds()) {
    assert(env.clock.monotonicMs() < byMs, `${what} within ${PATIENCE_MS} ms`);
    await env.timers.sleep(2);
  }
}

/** IP octets of an interface in both directions, from the kernel. */
async function countedOctets(env: Env, name: string): Promise<number> {
  const text = new TextDecoder().decode((await env.disk.readFile('/proc/net/dev')) ?? new Uint8Array());
  const line = text.split('\n').find((each) => each.trim().startsWith(`${name}:`));
  assert(line !== undefined, `an interface ${name}`);
  const fields = line
    .trim()
    .split(/[:\s]+/)
    .slice(1)
    .map(Number);
  const [receivedOctets = 0, receivedPackets = 0] = fields;
  const [sentOctets = 0, sentPackets = 0] = fields.slice(8);
  return receivedOctets + sentOctets - (receivedPackets + sentPackets) * ETHERNET_OCTETS;
}

const [, , text] = process.argv;
assert(text !== undefined, 'the order is given as JSON');
const counts = await main(createHostEnv({ logLevel: 'error' }), JSON.parse(text) as WayOrder);
process.stdout.write(`${JSON.stringify(counts)}\n`);
