/**
 * One bit flips in PostgreSQL's file of the readings while the server is stopped: the page is refused by its checksum, REST
 * delivers no value of it, health says so in words, and a restored copy of the data folder with `--restored` gets everything
 * since from the edge again (docs/operations.md).
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmod, mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import type { Env } from '../../src/base/env.ts';
import { startCollector } from '../../src/collector/collector.ts';
import { openDatabase } from '../../src/collector/store/database.ts';
import { type OpenStore, openStore } from '../../src/collector/store/open.ts';
import { createHostEnv } from '../../src/host/env.ts';
import { createProcessHost } from '../../src/host/process.ts';
import { RestClient } from '../../src/lab/rest-client.ts';
import { DEFAULT_TENANT, type MeterId } from '../../src/model/ids.ts';
import {
  DAY_MS,
  JournalEdge,
  place,
  profileGroup,
  QUARTER_MS,
  register,
  row,
  upload,
} from '../support/journal-edge.ts';

const METER = 'm1' as MeterId;
const ROWS = 96;
/** Behind the head of a page, in what the tuples hold. */
const AT_OCTET = 8_000;
const run = promisify(execFile);
const env: Env = createHostEnv({ logLevel: 'silent' });

interface Health {
  readonly state: string;
  readonly reasons: readonly string[];
}

/** What REST says: the answer for the readings of the day, and health. */
async function asked(opened: OpenStore, folder: string) {
  const collector = await startCollector(env, opened.store, {
    keysFolder: `${folder}/keys`,
    broker: { kind: 'embedded', host: '127.0.0.1', port: 0 },
    foldPeriodMs: 3_600_000,
    api: { host: '127.0.0.1', port: 0 },
  });
  try {
    const request = { name: 'operator', role: 'admin', tenantId: DEFAULT_TENANT } as const;
    const rest = RestClient.withToken(collector.url ?? '', (await collector.auth.issue(request, 'test')).text);
    const [from, to] = [new Date(DAY_MS).toISOString(), new Date(DAY_MS + 2 * 86_400_000).toISOString()];
    const readings = await rest.ask(
      `meters/${METER}/readings?obis=1-0:1.8.0*255&from=${from}&to=${to}&limit=1000&format=rows`,
    );
    const health = (await (await fetch(`${collector.url}/health`)).json()) as Health;
    return { readings, health };
  } finally {
    await collector.stop();
  }
}

/** Adds rows `from` to `to` of the day to the journal of the edge, and sends what the store lacks. */
async function feed(opened: OpenStore, edge: JournalEdge, from: number, to: number): Promise<void> {
  const slots = Array.from({ length: to - from }, (_, at) => from + at + 1);
  if (slots.length > 0) {
    const rows = slots.map((slot) => row(DAY_MS + slot * QUARTER_MS, [1_000 + slot, slot]));
    edge.rows(2, rows, { readAtMs: DAY_MS, keyframe: true });
  }
  await upload(opened.store, edge, 2);
  while ((await opened.store.fold({ maxBlocks: 1_000 })).blocks > 0);
}

/** The file of the partition that holds the day blocks, and whether checksums are on. */
async function placeOfReadings(opened: OpenStore): Promise<{ readonly file: string; readonly checksums: string }> {
  const sql = openDatabase(opened.cluster.connection, 'deltawatt', env.log);
  try {
    await sql.script('CHECKPOINT');
    const [found] = await sql.rows<{ file: string; checksums: string }>(
      `SELECT pg_relation_filepath(tableoid) AS file, current_setting('data_checksums') AS checksums FROM day_blocks LIMIT 1`,
    );
    assert.ok(found);
    return found;
  } finally {
    await sql.close();
  }
}

async function flip(file: string): Promise<void> {
  const handle = await open(file, 'r+');
  try {
    const octet = Buffer.alloc(1);
    assert.equal((await handle.read(octet, 0, 1, AT_OCTET)).bytesRead, 1);
    octet.writeUInt8(octet.readUInt8() ^ 1);
    await handle.write(octet, 0, 1, AT_OCTET);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

test('a bit that flips in a table of PostgreSQL is never delivered, is told, and a restored copy gets everything again', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'dw-flip-'));
  await chmod(folder, 0o711);
  let running: OpenStore | undefined;
  after(async () => {
    await running?.close();
    await rm(folder, { recursive: true, force: true });
  });
  const start = async (isRestored = false) => {
    running = await openStore(env, createProcessHost(), { stateFolder: folder, programs: 'auto', isRestored });
    return running;
  };
  const edge = new JournalEdge('e1', undefined, [profileGroup(METER)]);
  const first = await start();
  const termOctets = Buffer.from(first.store.term).toString('hex');
  await register(first.store, edge);
  await place(first.store, METER, edge);
  await feed(first, edge, 0, ROWS / 2);
  const { file, checksums } = await placeOfReadings(first);
  assert.equal(checksums, 'on', 'a private cluster has data checksums');
  const data = first.cluster.dataFolder ?? assert.fail();
  await first.close();
  await run('cp', ['-a', data, `${data}.backup`]);

  const second = await start();
  await feed(second, edge, ROWS / 2, ROWS);
  const { file: newest } = await placeOfReadings(second);
  const whole = await asked(second, folder);
  assert.equal(whole.readings.status, 200);
  assert.equal(whole.health.state, 'ok', whole.health.reasons.join(' '));
  await second.close();
  assert.equal(newest, file);
  await flip(`${data}/${newest}`);

  const damaged = await asked(await start(), folder);
  assert.equal(damaged.readings.status, 500);
  assert.equal((damaged.readings.body as { readonly code: string }).code, 'STORE_DAMAGED');
  assert.equal(damaged.health.state, 'degraded');
  assert.match(damaged.health.reasons.join(' '), /a page that is not as it was written.*--restored/);
  await running?.close();

  await rm(data, { recursive: true });
  await run('mv', [`${data}.backup`, data]);
  const restored = await start(true);
  assert.notEqual(Buffer.from(restored.store.term).toString('hex'), termOctets, 'edges say hello and go back');
  await feed(restored, edge, 0, 0);
  const back = await asked(restored, folder);
  assert.equal(back.health.state, 'ok', back.health.reasons.join(' '));
  const values = ({ body }: { readonly body: unknown }) =>
    (body as { readonly items: readonly { readonly atMs: number; readonly value: unknown }[] }).items.map(
      ({ atMs, value }) => [atMs, value],
    );
  assert.equal(values(back.readings).length, ROWS);
  assert.deepEqual(values(back.readings), values(whole.readings));
});
