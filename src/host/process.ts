/** Child processes, users and files on the real machine. */
import { type ChildProcess as NodeChild, spawn as spawnChild } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import * as fs from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import type {
  ChildProcess,
  FileTree,
  PathState,
  ProcessHost,
  RunResult,
  SpawnOptions,
  SystemUser,
} from '../base/process.ts';

/** Characters of a child's output that are kept: enough for any message, a bound for a babbling one. */
const OUTPUT_MAX_CHARACTERS = 65_536;
/** Characters of one line handed on: a longer one is cut. */
const LINE_MAX_CHARACTERS = 8_192;

/** The machine's processes, users and files. */
export function createProcessHost(): ProcessHost {
  return {
    platform: process.platform,
    architecture: process.arch,
    userId: process.geteuid?.() ?? null,
    searchPath: (process.env['PATH'] ?? '').split(path.delimiter).filter((folder) => folder !== ''),
    temporaryFolder: tmpdir(),
    files: FILES,
    randomHex: (octets) => randomBytes(octets).toString('hex'),
    user: findUser,
    packageMain,
    run,
    spawn,
    commandLine,
    signal(pid, name) {
      try {
        return process.kill(pid, name);
      } catch {
        return false;
      }
    },
  };
}

function isMissing(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code;
  return code === 'ENOENT' || code === 'ENOTDIR';
}

async function orUndefined<Value>(work: Promise<Value>): Promise<Value | undefined> {
  try {
    return await work;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

async function pathState(at: string): Promise<PathState | undefined> {
  const stats = await orUndefined(fs.lstat(at));
  if (stats === undefined) return undefined;
  const kind = stats.isFile() ? 'file' : stats.isDirectory() ? 'folder' : stats.isSymbolicLink() ? 'link' : 'other';
  return { kind, mode: stats.mode & 0o7777, uid: stats.uid, gid: stats.gid };
}

async function own(at: string, owner: SystemUser | undefined): Promise<void> {
  if (owner !== undefined) await fs.chown(at, owner.uid, owner.gid);
}

const FILES: FileTree = {
  state: pathState,
  realPath: (at) => orUndefined(fs.realpath(at)),
  readText: (at) => orUndefined(fs.readFile(at, 'utf8')),
  async writeText(at, text, mode, owner) {
    const temporary = `${at}.${randomBytes(6).toString('hex')}`;
    const file = await fs.open(temporary, constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY, mode);
    try {
      await file.writeFile(text);
      await file.chmod(mode);
      await file.sync();
    } finally {
      await file.close();
    }
    await own(temporary, owner);
    await fs.rename(temporary, at);
    const folder = await fs.open(path.dirname(at), 'r');
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  },
  async makeFolder(at, mode, owner) {
    await fs.mkdir(at, { recursive: true, mode });
    await fs.chmod(at, mode);
    await own(at, owner);
  },
  async copyTree(from, to, wanted) {
    await fs.cp(from, to, {
      recursive: true,
      verbatimSymlinks: true,
      preserveTimestamps: true,
      mode: constants.COPYFILE_FICLONE,
      filter: (source) => {
        const relative = path.relative(from, source);
        return relative === '' || wanted(relative.split(path.sep).join('/'));
      },
    });
  },
  async link(target, at) {
    await fs.rm(at, { force: true });
    await fs.symlink(target, at);
  },
  list: (at) => fs.readdir(at),
  rename: (from, to) => fs.rename(from, to),
  remove: (at) => fs.rm(at, { recursive: true, force: true }),
};

async function findUser(name: string): Promise<SystemUser | undefined> {
  const passwd = (await FILES.readText('/etc/passwd')) ?? '';
  for (const line of passwd.split('\n')) {
    const [user, , uid, gid] = line.split(':');
    if (user === name) return { name, uid: Number(uid), gid: Number(gid) };
  }
  return undefined;
}

function packageMain(name: string, from?: string): string | undefined {
  try {
    const require = createRequire(import.meta.url);
    return (from === undefined ? require : createRequire(require.resolve(from))).resolve(name);
  } catch {
    return undefined;
  }
}

function start(file: string, args: readonly string[], options: SpawnOptions, ownGroup = false): Promise<NodeChild> {
  const child = spawnChild(file, [...args], {
    cwd: options.folder,
    env: { ...options.environment },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: ownGroup,
    ...(options.user === undefined ? {} : { uid: options.user.uid, gid: options.user.gid }),
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('spawn', () => {
      child.off('error', reject);
      child.on('error', () => undefined);
      resolve(child);
    });
  });
}

async function run(
  file: string,
  args: readonly string[],
  options: SpawnOptions & { readonly timeoutMs: number },
): Promise<RunResult> {
  const child = await start(file, args, options);
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.setEncoding('utf8').on('data', (text: string) => {
      output[name] = (output[name] + text).slice(0, OUTPUT_MAX_CHARACTERS);
    });
  }
  const timer = setTimeout(() => child.kill('SIGKILL'), options.timeoutMs);
  return new Promise((resolve) => {
    child.once('close', (code) => {
      clearTimeout(timer);
      resolve({ exitCode: code ?? -1, ...output });
    });
  });
}

function eachLine(stream: NodeJS.ReadableStream | null, line: (text: string) => void): void {
  let rest = '';
  stream?.setEncoding('utf8');
  stream?.on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = (lines.pop() ?? '').slice(0, LINE_MAX_CHARACTERS);
    for (const one of lines) line(one.slice(0, LINE_MAX_CHARACTERS));
  });
}

/** What {@link spawn} started and has not ended yet. */
const spawned = new Set<{ kill(signal: 'SIGKILL'): unknown }>();
/** No more are started. */
let isClosed = false;

/** Ends every spawned program at once, and lets no more be spawned by this process; how many there were. */
export function endSpawned(): number {
  isClosed = true;
  for (const child of spawned) child.kill('SIGKILL');
  return spawned.size;
}

/** Whether {@link endSpawned} was called: programs that ended since ended for that reason. */
export function isEnding(): boolean {
  return isClosed;
}

async function spawn(
  file: string,
  args: readonly string[],
  options: SpawnOptions & { readonly line: (text: string) => void },
): Promise<ChildProcess> {
  // A terminal sends Ctrl-C to a whole process group; a server that we supervise is ended by us, after its users.
  if (isClosed) throw new Error(`${file} is not started: this program ends`);
  const child = await start(file, args, options, true);
  spawned.add(child);
  eachLine(child.stdout, options.line);
  eachLine(child.stderr, options.line);
  const ended = new Promise<string>((resolve) => {
    child.once('exit', (code, signal) => {
      spawned.delete(child);
      resolve(signal === null ? `exit code ${code}` : `signal ${signal}`);
    });
  });
  return { pid: child.pid ?? -1, ended, signal: (name) => void child.kill(name) };
}

async function commandLine(pid: number): Promise<string | undefined> {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return undefined;
  }
  try {
    // A zombie has ended; whether its parent ever collects it is not our concern.
    if (/\) Z /.test(await fs.readFile(`/proc/${pid}/stat`, 'utf8'))) return undefined;
    return (await fs.readFile(`/proc/${pid}/cmdline`, 'utf8')).split('\0').join(' ').trim();
  } catch {
    return '';
  }
}
