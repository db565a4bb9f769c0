import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmod, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { hasCode } from '../../src/base/errors.ts';
import { HOST_DISK } from '../../src/host/disk.ts';
import { APPEND_PENDING_MAX_OCTETS } from '../../src/host/limits.ts';
import { type DiskPlace, diskSuite } from './env-disk.ts';

async function place(): Promise<DiskPlace> {
  const folder = await mkdtemp(join(tmpdir(), 'deltawatt-disk-'));
  return { disk: HOST_DISK, folder, dispose: () => rm(folder, { recursive: true, force: true }) };
}

const octets = Uint8Array.of(1, 2, 3);

diskSuite('host', place);

test('host disk: files are private unless a mode is given', async () => {
  const { folder, dispose } = await place();
  try {
    await HOST_DISK.writeFile(`${folder}/secret`, octets);
    await HOST_DISK.writeFile(`${folder}/public`, octets, 0o644);
    await HOST_DISK.makeFolder(`${folder}/private`);
    assert.equal((await stat(`${folder}/secret`)).mode & 0o777, 0o600);
    assert.equal((await stat(`${folder}/public`)).mode & 0o777, 0o644);
    assert.equal((await stat(`${folder}/private`)).mode & 0o777, 0o700);
  } finally {
    await dispose();
  }
});

test('host disk: a folder that is not there is DISK_FAILED with the path', async () => {
  const { folder, dispose } = await place();
  try {
    await assert.rejects(HOST_DISK.writeFile(`${folder}/no/where`, octets), (error) => {
      assert.ok(hasCode(error, 'DISK_FAILED'));
      assert.match(String(error), /no\/where/);
      return true;
    });
  } finally {
    await dispose();
  }
});

test('host disk: a full disk is DISK_FULL, and the file that was there stays', async () => {
  // /dev/full refuses every write with ENOSPC, without a file system to fill.
  const file = await HOST_DISK.openAppend('/dev/full');
  await assert.rejects(file.append(octets, { sync: true }), (error) => hasCode(error, 'DISK_FULL'));
  await file.close();
});

test('host disk: a folder of another user is DISK_DENIED', async () => {
  const { folder, dispose } = await place();
  try {
    await chmod(folder, 0o500);
    if (process.getuid?.() === 0) {
      // Root may write anywhere, so somebody else has to try.
      await chmod(folder, 0o555);
      const module = join(import.meta.dirname, '..', '..', 'src', 'host', 'disk.ts');
      // Loaded as root, since the other one may not even enter the folder of this clone; tried as nobody.
      const script = `const { HOST_DISK } = await import(${JSON.stringify(module)});
        process.setgroups([]);
        process.setgid(65534);
        process.setuid(65534);
        await HOST_DISK.writeFile(${JSON.stringify(`${folder}/f`)}, new Uint8Array(1)).catch((e) => console.log(e.code));`;
      const output = execFileSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
        encoding: 'utf8',
      });
      assert.equal(output.trim(), 'DISK_DENIED');
    } else {
      await assert.rejects(HOST_DISK.writeFile(`${folder}/f`, octets), (error) => hasCode(error, 'DISK_DENIED'));
    }
  } finally {
    await chmod(folder, 0o700);
    await dispose();
  }
});

test('host disk: appends beyond the bound are APPEND_BACKLOG, those before it are kept', async () => {
  const { folder, dispose } = await place();
  try {
    const file = await HOST_DISK.openAppend(`${folder}/log`);
    const half = new Uint8Array(APPEND_PENDING_MAX_OCTETS / 2);
    const kept = [file.append(half, { sync: false }), file.append(half, { sync: false })];
    await assert.rejects(file.append(octets, { sync: false }), (error) => hasCode(error, 'APPEND_BACKLOG'));
    await Promise.all(kept);
    await file.append(octets, { sync: false });
    await file.close();
    assert.equal((await stat(`${folder}/log`)).size, APPEND_PENDING_MAX_OCTETS + octets.length);
  } finally {
    await dispose();
  }
});

test('host disk: append after close rejects', async () => {
  const { folder, dispose } = await place();
  try {
    const file = await HOST_DISK.openAppend(`${folder}/log`);
    await file.close();
    await file.close();
    await assert.rejects(file.append(octets, { sync: false }), (error) => hasCode(error, 'DISK_FAILED'));
  } finally {
    await dispose();
  }
});
