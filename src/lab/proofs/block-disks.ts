/**
 * Disks for proofs: a file, a loop device and an ext4 of its own, mounted on a folder; and the same over a file that forgets
 * what was not synced (`tools/fault/forgetful-disk.c`, compiled when it is first wanted). Linux, root.
 *
 * Whoever makes one closes it in any case. What a killed proof left mounted is found by the process id beside it and taken
 * down by the next one ({@link sweepDisks}).
 */
import { connect } from 'node:net';
import { toHex } from '../../base/bytes.ts';
import type { Env } from '../../base/env.ts';
import type { ChildProcess, ProcessHost } from '../../base/process.ts';

/** How the power goes: nothing unsynced survives, whole writes at random, or sectors at random. */
export type CutKind = 'drop' | 'part' | 'torn';

/** What disks are made with. */
export interface DiskTools {
  readonly env: Env;
  readonly host: ProcessHost;
  /** The compiled program, or null: disks without a memory of their own. */
  readonly forgetful: string | null;
}

const TOOL_MS = 60_000;
const UNMOUNT_PATIENCE_MS = 15_000;
const STEP_MS = 50;
/** An edge that reads syncs once a second. */
const SYNC_PATIENCE_MS = 1_500;
const LOOK_MS = 5;
const MIB_OCTETS = 1024 * 1024;
const FUSE_HEADER = '/usr/include/fuse3/fuse.h';
const OWNER_FILE = 'owner.pid';

/** Why such disks cannot be had here, or null. */
export async function disksMissing(
  { files, platform, userId }: ProcessHost,
  forgetful: boolean,
): Promise<string | null> {
  if (platform !== 'linux') return 'needs Linux';
  if (userId !== 0) return 'needs root, for loop devices and mounts';
  if ((await files.state('/dev/loop-control')) === undefined) return 'needs loop devices';
  if (!forgetful) return null;
  if ((await files.state('/dev/fuse')) === undefined) return 'needs FUSE';
  const wanted = [FUSE_HEADER, '/usr/bin/gcc'];
  for (const path of wanted)
    if ((await files.realPath(path)) === undefined) return `needs ${path} (tools/setup-test-services)`;
  return null;
}

/** Runs a tool of the system; throws with its words. */
async function tool({ host }: Pick<DiskTools, 'host'>, file: string, ...args: string[]): Promise<string> {
  const environment = { PATH: `${host.searchPath.join(':')}:/usr/sbin:/sbin` };
  const options = { folder: '/', environment, timeoutMs: TOOL_MS };
  const result = await host.run('/usr/bin/env', [file, ...args], options);
  if (result.exitCode !== 0)
    throw new Error(`${[file, ...args].join(' ')}: ${result.stderr.trim() || result.exitCode}`);
  return result.stdout.trim();
}

/** Compiles the forgetful disk from its source into a folder of the machine's temporary one, once for each text. */
export async function compileForgetful(env: Env, host: ProcessHost, source: string): Promise<string> {
  const octets = new TextEncoder().encode(source);
  const folder = `${host.temporaryFolder}/deltawatt-tools`;
  const name = `${folder}/forgetful-disk-${toHex(env.crypto.sha256(octets)).slice(0, 16)}`;
  if ((await host.files.state(name)) !== undefined) return name;
  await env.disk.makeFolder(folder);
  const own = `${name}.${host.randomHex(4)}`;
  await env.disk.writeFile(`${own}.c`, octets);
  const flags = ['-O2', '-Wall', '-D_FILE_OFFSET_BITS=64', '-I/usr/include/fuse3'];
  await tool({ host }, 'gcc', ...flags, '-o', own, `${own}.c`, '-lfuse3', '-lpthread');
  await env.disk.remove(`${own}.c`);
  await env.disk.rename(own, name);
  return name;
}

/** Takes down what proofs left mounted whose processes are gone. `prefix` is that of their folders. */
export async function sweepDisks(host: ProcessHost): Promise<void> {
  const prefix = `${host.temporaryFolder}/deltawatt-`;
  const mounts = ((await host.files.readText('/proc/mounts')) ?? '')
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '');
  for (const path of mounts.filter((each) => each.startsWith(prefix)).reverse()) {
    const root = path.slice(0, path.indexOf('/', prefix.length));
    const owner = Number(await host.files.readText(`${root}/${OWNER_FILE}`));
    if (owner > 0 && (await host.commandLine(owner)) === undefined) await tool({ host }, 'umount', '-l', path);
  }
  for (const line of (await tool({ host }, 'losetup', '-n', '-O', 'NAME,BACK-FILE')).split('\n')) {
    const [device = '', file = ''] = line.trim().split(/\s+/);
    if (!file.startsWith(prefix)) continue;
    const owner = Number(await host.files.readText(`${file.slice(0, file.indexOf('/', prefix.length))}/${OWNER_FILE}`));
    const orphan = !(owner > 0) || (await host.commandLine(owner)) === undefined;
    if (orphan) await tool({ host }, 'losetup', '-d', device).catch(() => '');
  }
}

/** Says in a proof's folder whose disks lie in it. */
export async function claimFolder(env: Env, folder: string): Promise<void> {
  await env.disk.writeFile(`${folder}/${OWNER_FILE}`, new TextEncoder().encode(String(process.pid)));
}

/** A disk on a folder. */
export class BlockDisk {
  #device: string | null = null;
  #fuse: ChildProcess | null = null;

  private constructor(
    private readonly tools: DiskTools,
    /** Where it is mounted. */
    readonly folder: string,
    private readonly image: string,
  ) {}

  /** Makes an empty disk of a size and mounts it on a folder, which it makes. Its files lie beside the folder. */
  static async make(tools: DiskTools, folder: string, sizeMib: number): Promise<BlockDisk> {
    const disk = new BlockDisk(tools, folder, `${folder}.image`);
    try {
      await tool(tools, 'truncate', '-s', String(sizeMib * MIB_OCTETS), disk.image);
      await tools.env.disk.makeFolder(folder, 0o755);
      if (tools.forgetful !== null) await disk.#startFuse(tools.forgetful);
      await disk.#attach();
      await tool(tools, 'mkfs.ext4', '-q', '-E', 'lazy_itable_init=0,lazy_journal_init=0', disk.device);
      await disk.#mount();
      return disk;
    } catch (error) {
      await disk.close();
      throw error;
    }
  }

  /** The loop device, `/dev/loop3`. */
  get device(): string {
    if (this.#device === null) throw new Error('the disk is not attached');
    return this.#device;
  }

  async #startFuse(program: string): Promise<void> {
    const { env, host } = this.tools;
    const below = `${this.folder}.below`;
    await env.disk.makeFolder(below);
    // Without its proof the disk goes too: a mount that answers nobody would hang whoever looks at it.
    const args = ['--pdeathsig', 'TERM', program, below, this.image, this.#socket];
    const options = { folder: '/', environment: {}, line: () => undefined };
    this.#fuse = await host.spawn('/usr/bin/setpriv', args, options);
    for (let waitedMs = 0; (await host.files.state(`${below}/disk`)) === undefined; waitedMs += STEP_MS) {
      if (waitedMs > TOOL_MS) throw new Error('the forgetful disk does not come up');
      await env.timers.sleep(STEP_MS);
    }
  }

  get #socket(): string {
    return `${this.folder}.socket`;
  }

  async #attach(): Promise<void> {
    const file = this.#fuse === null ? this.image : `${this.folder}.below/disk`;
    this.#device = await tool(this.tools, 'losetup', '-f', '--show', file);
  }

  async #mount(): Promise<void> {
    await tool(this.tools, 'mount', this.device, this.folder);
  }

  /** One line to the forgetful disk, and its answer. */
  async #order(line: string): Promise<string> {
    const socket = connect(this.#socket);
    socket.end(`${line}\n`);
    let answer = '';
    for await (const chunk of socket) answer += String(chunk);
    return answer.trim();
  }

  async #obeyed(line: string): Promise<void> {
    const answer = await this.#order(line);
    if (answer !== 'ok') throw new Error(`${line}: ${answer}`);
  }

  async #state(): Promise<{ readonly powered: boolean; readonly sectors: number }> {
    const [powered, sectors] = (await this.#order('state')).split(' ');
    return { powered: powered === '1', sectors: Number(sectors) };
  }

  /**
   * The power goes: from now on every access fails, and what was not synced is forgotten. With `inSync` it goes in the place
   * of the next sync, if one comes within 1.5 s. Returns how many sectors were unsynced.
   */
  async cut(kind: CutKind, seed: number, inSync: boolean): Promise<number> {
    const { clock, timers } = this.tools.env;
    if (inSync) await this.#obeyed(`arm ${kind} ${seed}`);
    const deadlineMs = clock.monotonicMs() + (inSync ? SYNC_PATIENCE_MS : 0);
    while (clock.monotonicMs() < deadlineMs && (await this.#state()).powered) await timers.sleep(LOOK_MS);
    await this.#obeyed(`cut ${kind} ${seed}`);
    return (await this.#state()).sectors;
  }

  /** The power is back: checks and mounts as a machine does when it starts. Nobody may have a file open on it any more. */
  async powerOn(): Promise<void> {
    await this.#unmount();
    await this.#obeyed('on');
    await this.#checkAndMount();
  }

  /** A file that takes all room that is left, or gives it back. */
  async fill(isFull: boolean): Promise<void> {
    const filler = `${this.folder}/filler`;
    if (!isFull) return this.tools.host.files.remove(filler);
    // It ends with an error when nothing more fits, which is what is wanted.
    await tool(this.tools, 'sh', '-c', `dd if=/dev/zero of='${filler}' bs=4k 2>&1 || true; sync -f '${filler}'`);
  }

  /** The file system finds itself damaged: from now on it takes nothing more, whoever has files open on it. */
  async turnReadOnly(): Promise<void> {
    await tool(this.tools, 'mount', '-o', 'remount,abort', this.folder);
  }

  /** The file system is checked and writable again. Nobody may have a file open on it. */
  async turnWritable(): Promise<void> {
    await this.#unmount();
    await this.#checkAndMount();
  }

  async #checkAndMount(): Promise<void> {
    await this.#attach();
    // Exit code 1 says that errors were corrected, which is what a start of the machine is content with.
    await tool(this.tools, 'sh', '-c', `e2fsck -p ${this.device} >&2 || [ $? -eq 1 ]`);
    await this.#mount();
  }

  /** Everything that the kernel holds for this disk is written to the device. */
  async sync(): Promise<void> {
    await tool(this.tools, 'sync', '-f', this.folder);
  }

  /** Octets written to the device since it was attached, and requests that wrote: the kernel's own count. */
  async written(): Promise<{ readonly octets: number; readonly requests: number }> {
    const name = this.device.replace('/dev/', '');
    const fields = ((await this.tools.host.files.readText(`/sys/block/${name}/stat`)) ?? '').trim().split(/\s+/);
    return { octets: Number(fields[6]) * 512, requests: Number(fields[4]) };
  }

  async #unmount(): Promise<void> {
    const { clock, timers } = this.tools.env;
    const deadlineMs = clock.monotonicMs() + UNMOUNT_PATIENCE_MS;
    for (let done = false; !done; ) {
      done = await tool(this.tools, 'umount', this.folder).then(
        () => true,
        () => false,
      );
      if (!done && clock.monotonicMs() > deadlineMs) throw new Error(`${this.folder} is still in use`);
      if (!done) await timers.sleep(STEP_MS);
    }
    if (this.#device !== null) await tool(this.tools, 'losetup', '-d', this.#device);
    this.#device = null;
  }

  /** Takes everything down, whatever state it is in; the image is removed. */
  async close(): Promise<void> {
    const quiet = (...words: [string, ...string[]]) => tool(this.tools, ...words).catch(() => '');
    await quiet('umount', '-l', this.folder);
    if (this.#device !== null) await quiet('losetup', '-d', this.#device);
    this.#device = null;
    if (this.#fuse !== null) {
      await quiet('umount', '-l', `${this.folder}.below`);
      this.#fuse.signal('SIGTERM');
      await this.#fuse.ended;
      this.#fuse = null;
    }
    await this.tools.host.files.remove(this.image);
  }
}

/** Ends every process that works in a folder, as a power cut does; resolves when none is left. */
export async function endAllIn({ env, host }: Pick<DiskTools, 'env' | 'host'>, folder: string): Promise<void> {
  for (;;) {
    const found: number[] = [];
    for (const name of await host.files.list('/proc')) {
      if (!/^\d+$/.test(name)) continue;
      const place = await host.files.realPath(`/proc/${name}/cwd`).catch(() => undefined);
      if (place !== undefined && `${place}/`.startsWith(`${folder}/`)) found.push(Number(name));
    }
    if (found.length === 0) return;
    for (const pid of found) host.signal(pid, 'SIGKILL');
    await env.timers.sleep(STEP_MS);
  }
}
