/**
 * Bench `way`: every octet between an edge and its broker, counted by the kernel on a link of its own.
 *
 * A real edge (journal, uplink) in a network namespace sends the published fleet of 200 meters to the built-in broker over
 * TLS 1.3 with certificates on both sides; ingest acknowledges. What the interface of the namespace counted, IP headers,
 * TCP acknowledgements, TLS, MQTT, acks and keyframes in both directions, is divided by the values of a day. Connecting and
 * the first flush with its dictionaries stand apart, since they happen once; the month adds them and the keep-alives.
 *
 * Needs root on Linux and `ip` (iproute2). The collector keeps its store in memory: what is measured is the way.
 */
import { toHex } from '../../base/bytes.ts';
import type { Env } from '../../base/env.ts';
import { assert } from '../../base/errors.ts';
import type { ProcessHost } from '../../base/process.ts';
import { startBroker } from '../../collector/broker/broker.ts';
import { userOf } from '../../collector/broker/users.ts';
import { startIngest } from '../../collector/ingest/ingest.ts';
import { initAuthority, issueEdge } from '../../collector/pki/authority.ts';
import { HOST_CERTIFICATES } from '../../host/certificates.ts';
import { createHostEnv } from '../../host/env.ts';
import { createProcessHost } from '../../host/process.ts';
import { DEFAULT_TENANT, type EdgeId } from '../../model/ids.ts';
import { createMemoryCollectorStore } from '../memory-collector-store.ts';
import { atMost, type BenchEnv, type BenchResult } from './bench.ts';
import { FLEET_PATH } from './fleet-200.ts';
import type { WayCounts, WayOrder } from './way-edge.ts';

const EDGE = 'way-edge' as EdgeId;
/** Link-local (RFC 3927): no machine is at the other end but ours. */
const BROKER_ADDRESS = '169.254.213.1';
const EDGE_ADDRESS = '169.254.213.2';
const HOURLY_BAR = 0.9;
const QUARTER_BAR = 1.25;
const MONTH_BAR_OCTETS = 2_600_000;
const MONTH_DAYS = 30;
/** Keep-alive 900 s: between two hourly flushes three fall due, for a flush puts the next one off. */
const PINGS_AN_HOUR = 3;
const RUN_PATIENCE_MS = 180_000;
const COMMAND_PATIENCE_MS = 10_000;

/** Runs the bench: a minute, most of it silence. */
export async function benchWay(bench: BenchEnv): Promise<BenchResult> {
  const [hourly, quarterly] = await measureWay(bench, [4, 1]);
  assert(hourly !== undefined && quarterly !== undefined, 'a result for each');
  return resultOf(hourly, quarterly);
}

/** Counts a day of the fleet for each number of rows a flush. */
export async function measureWay(
  bench: Pick<BenchEnv, 'program' | 'progress'>,
  rowsPerFlush: readonly number[],
): Promise<WayCounts[]> {
  const env = createHostEnv({ logLevel: 'error' });
  const host = createProcessHost();
  assert(bench.program !== undefined, 'the program is built: npm run build');
  assert(host.userId === 0 && host.platform === 'linux', 'root on Linux: the bench makes a network namespace');
  const folder = `${host.temporaryFolder}/deltawatt-way-${host.randomHex(6)}`;
  await host.files.makeFolder(folder, 0o700);
  const name = `dw${host.randomHex(3)}`;
  try {
    await makeLink(host, name);
    const counts: WayCounts[] = [];
    for (const rows of rowsPerFlush) counts.push(await measure({ env, host, folder, name, bench, rowsPerFlush: rows }));
    return counts;
  } finally {
    await ip(host, 'netns', 'del', name).catch(() => undefined);
    await ip(host, 'link', 'del', `${name}b`).catch(() => undefined);
    await host.files.remove(folder);
  }
}

function resultOf(hourly: WayCounts, quarterly: WayCounts): BenchResult {
  const monthOctets =
    hourly.connectOctets +
    hourly.firstFlushOctets +
    MONTH_DAYS * (hourly.dayOctets + 24 * PINGS_AN_HOUR * hourly.pingOctets);
  const perValue = ({ dayOctets, dayValues }: WayCounts) => Math.round((dayOctets / dayValues) * 10_000) / 10_000;
  return {
    figures: {
      hourlyOctetsPerValue: perValue(hourly),
      quarterHourlyOctetsPerValue: perValue(quarterly),
      hourlyPayloadOctetsPerDay: hourly.dayPayloadOctets,
      hourlyOctetsPerDay: hourly.dayOctets,
      quarterHourlyPayloadOctetsPerDay: quarterly.dayPayloadOctets,
      quarterHourlyOctetsPerDay: quarterly.dayOctets,
      valuesPerDay: hourly.dayValues,
      connectOctets: hourly.connectOctets,
      firstFlushWithDictionariesOctets: hourly.firstFlushOctets,
      keepAliveOctets: hourly.pingOctets,
      monthOctets,
    },
    bars: [
      atMost('fleet-200 hourly, everything on the wire, B/value', perValue(hourly), HOURLY_BAR),
      atMost('fleet-200 quarter-hourly, everything on the wire, B/value', perValue(quarterly), QUARTER_BAR),
      atMost('month with keep-alive 900 s, octets', monthOctets, MONTH_BAR_OCTETS),
    ],
  };
}

interface Run {
  readonly env: Env;
  readonly host: ProcessHost;
  readonly folder: string;
  readonly name: string;
  readonly bench: Pick<BenchEnv, 'program' | 'progress'>;
  readonly rowsPerFlush: number;
}

async function measure({ env, host, folder, name, bench, rowsPerFlush }: Run): Promise<WayCounts> {
  const pki = `${folder}/pki-${rowsPerFlush}`;
  const authority = { ...env, certificates: HOST_CERTIFICATES };
  await initAuthority(authority, { folder: pki, name: 'way', hosts: [BROKER_ADDRESS] });
  await issueEdge(authority, pki, EDGE);
  const read = async (file: string) => (await host.files.readText(`${pki}/${file}`)) ?? '';
  const [password, key] = [toHex(env.random.bytes(12)), env.random.bytes(32)];
  const store = createMemoryCollectorStore({ clock: env.clock, term: env.random.bytes(12) });
  await store.saveBrokerUser(userOf(env, EDGE, new TextEncoder().encode(password), 'active'));
  await store.saveEdge({ edgeId: EDGE, tenantId: DEFAULT_TENANT, state: 'active', key });
  const tls = { host: BROKER_ADDRESS, port: 0, cert: await read('broker.pem'), key: await read('broker.key') };
  const broker = await startBroker(
    { env, users: store, store },
    { host: '127.0.0.1', port: 0, tls: { ...tls, clientCa: await read('ca.pem') } },
  );
  const ingest = startIngest({ env, store, broker: { url: broker.url, ...broker.collector } });
  await ingest.connected();
  try {
    const order: WayOrder = {
      url: `mqtts://${BROKER_ADDRESS}:${broker.tlsPort}`,
      tls: { ca: await read('ca.pem'), cert: await read(`edges/${EDGE}.pem`), key: await read(`edges/${EDGE}.key`) },
      edgeId: EDGE,
      password,
      key: toHex(key),
      folder: `${folder}/journal-${rowsPerFlush}`,
      fleetFile: FLEET_PATH,
      interface: 'way0',
      rowsPerFlush,
    };
    const counts = await runEdge(host, bench, name, order);
    bench.progress(
      `way: ${rowsPerFlush} rows a flush: ${counts.dayOctets} octets a day, ${counts.dayPayloadOctets} of them blocks`,
    );
    return counts;
  } finally {
    await ingest.stop();
    await broker.close();
  }
}

async function runEdge(host: ProcessHost, bench: Run['bench'], name: string, order: WayOrder): Promise<WayCounts> {
  const { program } = bench;
  assert(program !== undefined, 'the program is built');
  const script = (program.args.at(-1) ?? '').replace(/bin\/deltawatt\.js$/, 'lab/benches/way-edge.js');
  const args = ['netns', 'exec', name, program.file, ...program.args.slice(0, -1), script, JSON.stringify(order)];
  const options = { folder: '.', environment: { PATH: host.searchPath.join(':') }, timeoutMs: RUN_PATIENCE_MS };
  const { exitCode, stdout, stderr } = await host.run('ip', args, options);
  assert(exitCode === 0, `the edge ends well, not with ${exitCode}: ${stderr.slice(-2_000)}`);
  return JSON.parse(stdout) as WayCounts;
}

/** Two ends of a cable: `way0` in a namespace, the other here. Packets are counted as they would be on a wire. */
async function makeLink(host: ProcessHost, name: string): Promise<void> {
  const here = `${name}b`;
  await ip(host, 'netns', 'add', name);
  // No segmentation offload: a segment is a packet.
  await ip(
    host,
    'link',
    'add',
    here,
    'gso_max_segs',
    '1',
    'type',
    'veth',
    'peer',
    'name',
    'way0',
    'gso_max_segs',
    '1',
    'netns',
    name,
  );
  await ip(host, 'addr', 'add', `${BROKER_ADDRESS}/30`, 'dev', here);
  // IPv6 would look for neighbours and routers meanwhile.
  await ip(host, 'link', 'set', here, 'addrgenmode', 'none');
  await ip(host, '-n', name, 'link', 'set', 'way0', 'addrgenmode', 'none');
  await ip(host, 'link', 'set', here, 'up');
  await ip(host, '-n', name, 'addr', 'add', `${EDGE_ADDRESS}/30`, 'dev', 'way0');
  await ip(host, '-n', name, 'link', 'set', 'way0', 'up');
}

async function ip(host: ProcessHost, ...args: string[]): Promise<void> {
  const environment = { PATH: host.searchPath.join(':') };
  const result = await host.run('ip', args, { folder: '.', environment, timeoutMs: COMMAND_PATIENCE_MS });
  assert(result.exitCode === 0, `ip ${args.join(' ')}: ${result.stderr.trim()}`);
}
