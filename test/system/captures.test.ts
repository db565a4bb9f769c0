/**
 * Pushes of real meters through the whole system: pseudo-terminals at the meters' rates, the edge, the broker, PostgreSQL,
 * and out of the REST API.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fromHex } from '../../src/base/bytes.ts';
import { createHostEnv } from '../../src/host/env.ts';
import { createProcessHost } from '../../src/host/process.ts';
import { type CapturePort, loadCaptureCases, portsOf } from '../../src/lab/demo/capture-cases.ts';
import { type CapturePorts, openCapturePorts } from '../../src/lab/demo/capture-ports.ts';
import { capturesHold, capturesOnce } from '../../src/lab/demo/captures-once.ts';
import { type Site, startSite } from '../../src/lab/demo/site.ts';
import { tcpStreet } from '../../src/lab/demo/street.ts';
import { type Capture, onTheLine, playCaptures } from '../../src/sim/captures.ts';
import { until } from '../support/until.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const VECTORS = join(ROOT, 'test', 'vectors');
const env = createHostEnv({ logLevel: 'error' });

let folder = '';
let ports: readonly CapturePort[] = [];
let lines: CapturePorts;
let site: Site;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dw-captures-'));
  const files = {
    captures: join(VECTORS, 'push-captures.json'),
    profilesFolder: join(ROOT, 'config', 'profiles'),
  };
  ports = portsOf(await loadCaptureCases(env.disk, files));
  lines = await openCapturePorts(env, ports, join(folder, 'keys'));
  site = await startSite(env, createProcessHost(), {
    folder,
    configFolder: join(ROOT, 'config'),
    webFolder: join(ROOT, 'dist'),
    port: 0,
    seed: 'captures',
    days: 1,
    street: tcpStreet(0),
    extraLines: lines.lines,
    tell: () => {},
  });
});

after(async () => {
  await site?.stop();
  await lines?.close();
  await rm(folder, { recursive: true, force: true });
});

/** Counters of the edge whose names begin so, in sum. */
function counted(prefix: string): number {
  return site.edge.health
    .counters()
    .filter(([name]) => name.startsWith(prefix))
    .reduce((sum, [, count]) => sum + count, 0);
}

test('no two captures of a port contradict each other, and every port is one meter', () => {
  const cases = ports.flatMap((port) => port.cases);
  assert.equal(new Set(ports.map((port) => port.meterId)).size, ports.length);
  assert.equal(cases.length, 34, 'all but those whose keys were never published');
  for (const { cases: own } of ports) {
    const texts = new Map<string, string>();
    const values = new Map<string, number | string>();
    for (const { attributes, readings } of own) {
      for (const { name, text } of attributes) assert.equal(texts.get(name) ?? text, text);
      for (const { name, text } of attributes) texts.set(name, text);
      for (const { obis, atMs, value } of readings) {
        if (atMs === null) continue;
        assert.equal(values.has(`${obis} ${atMs}`), false, `${obis} ${atMs} comes twice`);
        values.set(`${obis} ${atMs}`, value);
      }
    }
  }
});

test('IT-15 HE-7 every value and text of every capture is found in the REST API, noise is counted in health', async () => {
  const report = await capturesOnce(env, site, ports, lines, { seed: 'captures', tell: () => {} });
  assert.deepEqual(report.missing, []);
  assert.ok(report.expected > 300 && report.found === report.expected, `${report.found} of ${report.expected}`);
  assert.ok(report.attributesExpected > 60 && report.attributesFound === report.attributesExpected);
  assert.ok(capturesHold(report));
  assert.ok(report.noiseOctets > 100, `${report.noiseOctets} octets of noise`);
  assert.ok((report.discarded['frame_noise'] ?? 0) >= 20, JSON.stringify(report.discarded));
  const states = site.edge.health.subjects().filter(({ name }) => name.startsWith('line '));
  assert.equal(states.length, ports.length);
  for (const { name, state } of states) assert.equal(state, 'ok', name);
});

/** Rows of malformed.json that can come on a customer port and need no key. */
function malformed(): readonly Capture[] {
  const rows = JSON.parse(readFileSync(join(VECTORS, 'malformed.json'), 'utf8')) as {
    id: string;
    layer: string;
    hex: string;
    context?: unknown;
  }[];
  return rows
    .filter((row) => row.context === undefined)
    .map(({ id, layer, hex }) => ({
      id,
      // A wrapper frame on this line is noise: it goes out as it is.
      layer: layer === 'apdu' ? 'apdu' : 'hdlc',
      octets: fromHex(hex),
      ciphered: false,
      encryptionKey: null,
    }));
}

test('IT-15 every malformed frame is a named, counted event in health, and the line goes on after each', async () => {
  const port = ports.find(({ meter }) => meter.profile === 'iskraemeco/am550') ?? assert.fail();
  const good = port.cases[0]?.capture ?? assert.fail();
  const { master } = lines.terminal(port.meterId);
  const rows = malformed();
  assert.ok(rows.length >= 20, `${rows.length} rows`);
  for (const row of rows) {
    const before = { bad: counted('reader_discarded_'), good: counted('reader_pushes') };
    await master.write(onTheLine(row));
    await until(`${row.id} is counted`, () => counted('reader_discarded_') > before.bad);
    await playCaptures(master, [good], env, { seed: row.id, octetMs: 0, pauseMs: 0, noise: false });
    await until(`a good frame after ${row.id}`, () => counted('reader_pushes') > before.good);
  }
  const codes = site.edge.health.counters().map(([name]) => name);
  for (const code of ['frame_noise', 'hdlc_fcs_mismatch', 'hdlc_hcs_mismatch', 'gbt_order']) {
    assert.ok(codes.includes(`reader_discarded_${code}`), `${code} in ${codes.join(', ')}`);
  }
});
