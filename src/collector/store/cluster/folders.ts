/**
 * Where a private cluster lives, and as whom it runs.
 *
 * An ordinary user keeps everything in the state folder. PostgreSQL refuses to run as root, so root picks an account that
 * exists, and that account must be able to enter the folder: a state folder below another user's home (mode 700) is of no
 * use to it. Then the cluster goes to `/var/lib/deltawatt/<random>`, and the state folder remembers where.
 */

import { reasonOf } from '../../../base/errors.ts';
import type { ProcessHost, SystemUser } from '../../../base/process.ts';
import { storeError } from '../errors.ts';
import { SOCKET_FOLDER_MAX_CHARACTERS } from '../limits.ts';

/** Accounts that root gives the server to, best first: the one of the system's own packages, then the one that is everywhere. */
const ACCOUNTS = ['postgres', 'deltawatt', 'nobody'];
/** Root's place for clusters whose state folder the account cannot enter. */
const FALLBACK_BASE = '/var/lib/deltawatt';
/** File of the state folder that says where the cluster is. */
const POINTER_FILE = 'cluster.json';

/** Folders of one cluster. */
export interface ClusterFolders {
  /** PostgreSQL's data folder. */
  readonly data: string;
  /** Folder of the Unix socket. */
  readonly socket: string;
  /** Copies of the embedded programs. */
  readonly programs: string;
  /** The server's password, readable by us alone. */
  readonly passwordFile: string;
}

/** The account that runs the server: undefined = ourselves. Throws CLUSTER_NO_USER. */
export async function chooseAccount(host: ProcessHost): Promise<SystemUser | undefined> {
  if (host.userId !== 0) return undefined;
  for (const name of ACCOUNTS) {
    const user = await host.user(name);
    if (user !== undefined && user.uid !== 0) return user;
  }
  throw storeError('CLUSTER_NO_USER', `looked for ${ACCOUNTS.join(', ')}`);
}

/** Makes or finds the folders of the cluster of `stateFolder` (absolute). Throws CLUSTER_FOLDER. */
export async function prepareFolders(
  host: ProcessHost,
  stateFolder: string,
  user: SystemUser | undefined,
  programs: string | undefined,
): Promise<ClusterFolders> {
  try {
    await makeIfMissing(host, stateFolder, 0o755);
    const base = await clusterBase(host, stateFolder, user);
    const socket = await socketFolder(host, base, user);
    return {
      data: `${base}/data`,
      socket,
      programs: programs ?? `${base}/programs`,
      passwordFile: `${stateFolder}/cluster.password`,
    };
  } catch (error) {
    throw storeError('CLUSTER_FOLDER', reasonOf(error), error);
  }
}

async function makeIfMissing(host: ProcessHost, folder: string, mode: number, owner?: SystemUser): Promise<void> {
  if ((await host.files.state(folder)) === undefined) await host.files.makeFolder(folder, mode, owner);
}

async function clusterBase(host: ProcessHost, stateFolder: string, user: SystemUser | undefined): Promise<string> {
  const pointer = `${stateFolder}/${POINTER_FILE}`;
  const known = await host.files.readText(pointer);
  if (known !== undefined) {
    const base = (JSON.parse(known) as { folder: string }).folder;
    const folder = base.startsWith('/') ? base : `${stateFolder}/${base}`;
    if (user === undefined || (await canEnter(host, folder, user))) return folder;
    throw new Error(`${user.name} can no longer enter ${folder}`);
  }
  const inside = user === undefined || (await canEnter(host, stateFolder, user));
  // Inside the state folder the path is kept relative, so that the whole folder may be moved.
  const chosen = inside ? 'postgres' : `${FALLBACK_BASE}/${host.randomHex(8)}`;
  const folder = inside ? `${stateFolder}/${chosen}` : chosen;
  if (!inside) await makeIfMissing(host, FALLBACK_BASE, 0o711);
  await makeIfMissing(host, folder, 0o711);
  await host.files.writeText(pointer, `${JSON.stringify({ folder: chosen })}\n`, 0o644);
  return folder;
}

/** Whether the account may pass through every folder of the path: search permission as owner, group or other. */
export async function canEnter(host: ProcessHost, folder: string, user: SystemUser): Promise<boolean> {
  const real = (await host.files.realPath(folder)) ?? folder;
  const parts = real.split('/').filter((part) => part !== '');
  for (let depth = 0; depth <= parts.length; depth++) {
    const state = await host.files.state(`/${parts.slice(0, depth).join('/')}`);
    if (state === undefined) return false;
    const bit = state.uid === user.uid ? 0o100 : state.gid === user.gid ? 0o010 : 0o001;
    if ((state.mode & bit) === 0) return false;
  }
  return true;
}

/** A socket's path must fit in 108 octets: a deep cluster gets its socket in the folder for temporary files. */
async function socketFolder(host: ProcessHost, base: string, user: SystemUser | undefined): Promise<string> {
  const inside = `${base}/socket`;
  if (inside.length <= SOCKET_FOLDER_MAX_CHARACTERS) {
    await makeIfMissing(host, inside, 0o700, user);
    return inside;
  }
  const note = `${base}/socket-folder`;
  const known = await host.files.readText(note);
  const folder = known?.trim() ?? `${host.temporaryFolder}/deltawatt-${host.randomHex(8)}`;
  const state = await host.files.state(folder);
  if (state === undefined) await host.files.makeFolder(folder, 0o700, user);
  // The folder lies where anyone may write: one that somebody else made would hand our password to them.
  else if (state.kind !== 'folder' || state.uid !== (user?.uid ?? host.userId))
    throw new Error(`${folder} is not ours`);
  if (known === undefined) await host.files.writeText(note, `${folder}\n`, 0o644);
  return folder;
}
