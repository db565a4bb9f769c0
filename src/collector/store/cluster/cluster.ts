/**
 * The collector's own PostgreSQL server: made, started, watched and stopped by us.
 *
 * It listens on a Unix socket only, in a folder that nobody else can enter, with a random password. On Linux it is started
 * under `setpriv --pdeathsig`, so a kill -9 of the collector ends it in an orderly way; where an orphan is found all the
 * same, it is taken over. Its durability settings are given on its command line, where no left-over file can undo them.
 *
 * Known weak point: the parent-death signal is tied to the thread that started the server, so a cluster must be opened in
 * the main thread.
 */

import type { Timers } from '../../../base/env.ts';
import { reasonOf } from '../../../base/errors.ts';
import type { Log } from '../../../base/log.ts';
import type { ChildProcess, ProcessHost, SystemUser } from '../../../base/process.ts';
import { storeError } from '../errors.ts';
import {
  INITDB_TIMEOUT_MS,
  SERVER_LINES_KEPT,
  START_POLL_MS,
  START_TIMEOUT_MS,
  STOP_FAST_MS,
  STOP_IMMEDIATE_MS,
  STOP_SMART_MS,
} from '../limits.ts';
import { type Binaries, type BinariesChoice, findBinaries, POSTGRES_ENVIRONMENT } from './binaries.ts';
import { type ClusterFolders, chooseAccount, prepareFolders } from './folders.ts';

/** How to reach a server. */
export type ConnectionSettings =
  | { readonly url: string }
  | {
      readonly host: string;
      readonly port: number;
      readonly user: string;
      readonly password: string;
      readonly database: string;
    };

/** A server that is there for us. */
export interface Cluster {
  readonly connection: ConnectionSettings;
  /** `url`: configured, not ours to stop. */
  readonly origin: 'url' | 'system' | 'embedded';
  /** Version of a private server, e.g. `15.12`; absent for a configured one. */
  readonly version?: string;
  readonly dataFolder?: string;
  /** Process id of the server, when it is private. */
  readonly pid?: number | undefined;
  /** Resolves with a reason when a private server ended without being asked. */
  readonly ended: Promise<string>;
  /** Stops a private server in bounded time: smart, then fast, then at once. Does nothing to a configured one. */
  stop(): Promise<void>;
}

/** Whether a server answers to these settings: tells a starting server from a ready one. */
export type Probe = (connection: ConnectionSettings) => Promise<'ready' | 'not-ready' | 'refused'>;

/** What opening a cluster needs. */
export interface ClusterOptions {
  /** A configured server: used as it is. */
  readonly url?: string;
  /** Absolute path of the collector's state folder. */
  readonly stateFolder: string;
  /** Default `auto`: the system's programs, else the embedded ones. */
  readonly binaries?: BinariesChoice;
  /** Where embedded programs are copied to; default: beside the data. */
  readonly programsFolder?: string;
}

/** The outside of the cluster. */
export interface ClusterParts {
  readonly host: ProcessHost;
  readonly timers: Timers;
  readonly log: Log;
  readonly probe: Probe;
}

const DATABASE_USER = 'deltawatt';
/** Only the name of the socket file: a private server does not listen on TCP. */
const PORT = 5432;

const SETTINGS: Readonly<Record<string, string>> = {
  fsync: 'on',
  synchronous_commit: 'on',
  full_page_writes: 'on',
  listen_addresses: '',
  max_connections: '40',
  shared_buffers: '64MB',
  max_wal_size: '1GB',
  wal_compression: 'on',
  jit: 'off',
  logging_collector: 'off',
  log_min_messages: 'warning',
  timezone: 'UTC',
};

/** Finds or starts the server, in the order of design 5. Throws CLUSTER_* errors. */
export async function openCluster(options: ClusterOptions, parts: ClusterParts): Promise<Cluster> {
  if (options.url !== undefined) {
    return {
      connection: { url: options.url },
      origin: 'url',
      ended: new Promise(() => undefined),
      stop: async () => undefined,
    };
  }
  const { host, log } = parts;
  const user = await chooseAccount(host);
  const folders = await prepareFolders(host, options.stateFolder, user, options.programsFolder);
  const found = await findBinaries(host, options.binaries ?? 'auto', folders.programs, user, log);
  const binaries = await matchingBinaries(host, found, folders.data);
  const password = await ensurePassword(host, folders);
  const connection = { host: folders.socket, port: PORT, user: DATABASE_USER, password, database: 'postgres' };
  const server = new Server(parts, binaries, folders, user, connection);
  await server.open(password);
  return server;
}

/** The programs that can read the data folder; any when there is none yet. */
async function matchingBinaries(host: ProcessHost, found: readonly Binaries[], data: string): Promise<Binaries> {
  const first = found[0];
  if (first === undefined) throw storeError('CLUSTER_NO_BINARIES');
  const written = (await host.files.readText(`${data}/PG_VERSION`))?.trim();
  if (written === undefined) return first;
  const match = found.find((binaries) => String(binaries.major) === written);
  if (match !== undefined) return match;
  const there = found.map((binaries) => binaries.version).join(', ');
  throw storeError('CLUSTER_OTHER_VERSION', `${data} is of version ${written}, found: ${there}`);
}

async function ensurePassword(host: ProcessHost, folders: ClusterFolders): Promise<string> {
  const known = await host.files.readText(folders.passwordFile);
  if (known !== undefined) return known.trim();
  const password = host.randomHex(24);
  await host.files.writeText(folders.passwordFile, `${password}\n`, 0o600);
  return password;
}

class Server implements Cluster {
  readonly origin: 'system' | 'embedded';
  readonly version: string;
  readonly dataFolder: string;
  readonly ended: Promise<string>;
  #child: ChildProcess | undefined;
  #adoptedPid: number | undefined;
  #stopping = false;
  #lastLines: string[] = [];
  #reportEnd: (reason: string) => void = () => undefined;

  constructor(
    private readonly parts: ClusterParts,
    private readonly binaries: Binaries,
    private readonly folders: ClusterFolders,
    private readonly user: SystemUser | undefined,
    readonly connection: ConnectionSettings,
  ) {
    this.origin = binaries.origin;
    this.version = binaries.version;
    this.dataFolder = folders.data;
    this.ended = new Promise((resolve) => {
      this.#reportEnd = resolve;
    });
  }

  get pid(): number | undefined {
    return this.#child?.pid ?? this.#adoptedPid;
  }

  async open(password: string): Promise<void> {
    const { host, log } = this.parts;
    if ((await host.files.readText(`${this.dataFolder}/PG_VERSION`)) === undefined) await this.#create(password);
    const running = await this.#runningPid();
    if (running !== undefined) return this.#takeOver(running);
    await this.#start();
    log.info('cluster.started', { origin: this.origin, version: this.version, dataFolder: this.dataFolder });
  }

  /** Makes the data folder beside its place and moves it there when it is whole. */
  async #create(password: string): Promise<void> {
    const { host } = this.parts;
    const { files } = host;
    const base = this.dataFolder.slice(0, this.dataFolder.lastIndexOf('/'));
    const growing = `${base}/growing-${host.randomHex(6)}`;
    await files.makeFolder(growing, 0o700, this.user);
    const passwordFile = `${growing}/password`;
    await files.writeText(passwordFile, `${password}\n`, 0o600, this.user);
    const result = await host.run(
      `${this.binaries.folder}/initdb`,
      [
        `--pgdata=${growing}/data`,
        `--username=${DATABASE_USER}`,
        `--pwfile=${passwordFile}`,
        '--auth=scram-sha-256',
        '--encoding=UTF8',
        '--locale=C',
        '--data-checksums',
      ],
      { ...this.#spawnOptions(), folder: growing, timeoutMs: INITDB_TIMEOUT_MS },
    );
    if (result.exitCode !== 0) {
      await files.remove(growing);
      throw storeError('CLUSTER_INIT', `${result.stderr}\n${result.stdout}`.trim().slice(-2000));
    }
    await files.rename(`${growing}/data`, this.dataFolder);
    await files.remove(growing);
  }

  #spawnOptions(): { folder: string; environment: Readonly<Record<string, string>>; user?: SystemUser } {
    const options = { folder: this.folders.socket, environment: POSTGRES_ENVIRONMENT };
    return this.user === undefined ? options : { ...options, user: this.user };
  }

  /** Process id of a server that already runs on the data folder. A lock file without such a process is removed. */
  async #runningPid(): Promise<number | undefined> {
    const { host, log } = this.parts;
    const lockFile = `${this.dataFolder}/postmaster.pid`;
    const text = await host.files.readText(lockFile);
    if (text === undefined) return undefined;
    const pid = Number(text.split('\n', 1)[0]);
    const commandLine = Number.isInteger(pid) && pid > 1 ? await host.commandLine(pid) : undefined;
    // After a restart of the machine the number may belong to anyone: PostgreSQL itself would refuse to start then.
    const isServer = commandLine !== undefined && (commandLine === '' || /(postgres|postmaster)/.test(commandLine));
    if (isServer) return pid;
    log.warn('cluster.stale-lock-removed', { file: lockFile, pid });
    await host.files.remove(lockFile);
    // The socket's own lock names the same process, which may be dead and not yet reaped.
    await host.files.remove(`${this.folders.socket}/.s.PGSQL.${PORT}.lock`);
    return undefined;
  }

  async #takeOver(pid: number): Promise<void> {
    const { timers, probe, log, host } = this.parts;
    for (let waitedMs = 0; waitedMs < START_TIMEOUT_MS; waitedMs += START_POLL_MS) {
      const answer = await probe(this.connection);
      if (answer === 'refused') break;
      if (answer === 'ready') {
        this.#adoptedPid = pid;
        log.warn('cluster.taken-over', { pid, dataFolder: this.dataFolder });
        return;
      }
      // It may just be on its way out: then we start our own.
      if ((await host.commandLine(pid)) === undefined) return this.#start();
      await timers.sleep(START_POLL_MS);
    }
    throw storeError('CLUSTER_BUSY', `process ${pid} on ${this.dataFolder}`);
  }

  async #start(): Promise<void> {
    const { host, timers, probe } = this.parts;
    const settings = { ...SETTINGS, unix_socket_directories: this.folders.socket };
    const args = ['-D', this.dataFolder, '-p', String(PORT)];
    for (const [name, value] of Object.entries(settings)) args.push('-c', `${name}=${value}`);
    const server = `${this.binaries.folder}/postgres`;
    const wrapper = await this.#deathSignalProgram();
    const options = { ...this.#spawnOptions(), line: (text: string) => this.#keepLine(text) };
    const child =
      wrapper === undefined
        ? await host.spawn(server, args, options)
        : await host.spawn(wrapper, ['--pdeathsig', 'INT', server, ...args], options);
    this.#child = child;
    let end: string | undefined;
    void child.ended.then((reason) => {
      end = reason;
      if (!this.#stopping) this.#reportEnd(reason);
    });
    for (let waitedMs = 0; waitedMs < START_TIMEOUT_MS && end === undefined; waitedMs += START_POLL_MS) {
      if ((await probe(this.connection)) === 'ready') return;
      await timers.sleep(START_POLL_MS);
    }
    const words = this.#lastLines.join('\n');
    if (end === undefined) await this.stop();
    throw storeError('CLUSTER_START', `${end ?? `no answer within ${START_TIMEOUT_MS} ms`}: ${words}`);
  }

  async #deathSignalProgram(): Promise<string | undefined> {
    if (this.parts.host.platform !== 'linux') return undefined;
    for (const folder of ['/usr/bin', '/bin']) {
      if ((await this.parts.host.files.realPath(`${folder}/setpriv`)) !== undefined) return `${folder}/setpriv`;
    }
    this.parts.log.warn('cluster.no-setpriv', {
      consequence: 'a kill -9 leaves the server running; it is taken over at the next start',
    });
    return undefined;
  }

  #keepLine(text: string): void {
    this.#lastLines.push(text);
    if (this.#lastLines.length > SERVER_LINES_KEPT) this.#lastLines.shift();
    this.parts.log.debug('cluster.server-says', { text });
  }

  async stop(): Promise<void> {
    if (this.#stopping) return;
    this.#stopping = true;
    const steps = [
      ['SIGTERM', STOP_SMART_MS],
      ['SIGINT', STOP_FAST_MS],
      ['SIGQUIT', STOP_IMMEDIATE_MS],
      ['SIGKILL', STOP_IMMEDIATE_MS],
    ] as const;
    for (const [signal, waitMs] of steps) {
      this.#signal(signal);
      if (await this.#gone(waitMs)) {
        this.parts.log.info('cluster.stopped', { signal });
        return;
      }
    }
    this.parts.log.error('cluster.does-not-stop', { pid: this.pid });
  }

  #signal(signal: 'SIGTERM' | 'SIGINT' | 'SIGQUIT' | 'SIGKILL'): void {
    if (this.#child !== undefined) this.#child.signal(signal);
    else if (this.#adoptedPid !== undefined) this.parts.host.signal(this.#adoptedPid, signal);
  }

  async #gone(waitMs: number): Promise<boolean> {
    const { timers, host } = this.parts;
    if (this.#child !== undefined) {
      const cancel = new AbortController();
      const late = timers.sleep(waitMs, cancel.signal).then(
        () => false,
        () => false,
      );
      const gone = await Promise.race([this.#child.ended.then(() => true), late]);
      cancel.abort();
      return gone;
    }
    for (let waitedMs = 0; waitedMs < waitMs; waitedMs += START_POLL_MS) {
      if (this.#adoptedPid === undefined || (await host.commandLine(this.#adoptedPid)) === undefined) return true;
      await timers.sleep(START_POLL_MS);
    }
    return false;
  }
}

/** The words of a failed connection, for {@link Probe} implementations. */
export function isStarting(error: unknown): boolean {
  const code = (error as { code?: string }).code;
  // 57P03 = the server is starting or stopping; the others = no socket yet.
  return code === '57P03' || code === 'ENOENT' || code === 'ECONNREFUSED' || /timeout/i.test(reasonOf(error));
}
