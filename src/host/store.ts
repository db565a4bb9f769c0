/**
 * Which key-value store opens a folder: LevelDB, or the append log where its native code does not load.
 *
 * A folder stays with the kind that made it. LevelDB is loaded when it is first asked for, so a machine without it starts.
 */
import type { KeyValueStore, StoreKind } from '../base/env.ts';
import { reasonOf } from '../base/errors.ts';
import { hostError } from './errors.ts';
import { isLogStore, openLogStore, repairLogStore } from './log-store.ts';

type LevelModule = Pick<typeof import('./level-store.ts'), 'openLevelStore' | 'repairLevelStore'>;

const LOAD_LEVEL = (): Promise<LevelModule> => import('./level-store.ts');

/** LevelDB where the folder may be one of its own and it loads; null = the append log it is. Throws STORE_FAILED. */
async function levelFor(path: string, kind: StoreKind, load: typeof LOAD_LEVEL): Promise<LevelModule | null> {
  if (kind === 'log' || (kind === 'auto' && (await isLogStore(path)))) return null;
  try {
    return await load();
  } catch (error) {
    if (kind === 'auto') return null;
    throw hostError('STORE_FAILED', `LevelDB does not load on this machine: ${reasonOf(error)}`, error);
  }
}

/** Opens the store of a folder; errors as those of the two stores. `load` is LevelDB's module, or fails. */
export async function openHostStore(path: string, kind: StoreKind = 'auto', load = LOAD_LEVEL): Promise<KeyValueStore> {
  const level = await levelFor(path, kind, load);
  return level === null ? openLogStore(path) : level.openLevelStore(path);
}

/** Repairs the closed store of a folder. */
export async function repairHostStore(path: string, load = LOAD_LEVEL): Promise<void> {
  if (await isLogStore(path)) return repairLogStore(path);
  const level = await levelFor(path, 'auto', load);
  await level?.repairLevelStore(path);
}
