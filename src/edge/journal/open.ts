/**
 * Opens the journal in its folder, whatever state the folder is in.
 *
 * A store that cannot be opened, or holds a journal that is damaged beyond a few blocks, is never written to again: it is
 * renamed, and a fresh journal with a new epoch takes its place, so no sequence is used twice and no command of before can
 * run again. The renamed store is repaired, and what it still holds and nobody acknowledged is appended to the new journal;
 * watermarks are not taken over, so the meters are read from their oldest rows. What comes twice that way changes nothing.
 * A full disk costs the ballast, not the journal. Given up: the acknowledged history of a damaged store is not offered to a
 * collector that was restored from a backup.
 */
import type { Disk, KeyValueStore, StoreKind } from '../../base/env.ts';
import { hasCode, reasonOf } from '../../base/errors.ts';
import type { Journal } from '../ports.ts';
import { type JournalOptions, openJournal } from './journal.ts';
import { SET_ASIDE_MAX } from './limits.ts';
import { type Salvaged, salvage } from './salvage.ts';

/** What opening had to do, for health and log. */
export type OpenTrouble =
  | { readonly kind: 'set-aside'; readonly path: string; readonly reason: string }
  | ({ readonly kind: 'salvaged'; readonly path: string } & Salvaged)
  | { readonly kind: 'salvage-failed'; readonly path: string; readonly reason: string }
  | { readonly kind: 'renewed'; readonly path: string }
  | { readonly kind: 'ballast-released' };

/** Where the journal lies and how it is opened. */
export interface OpenOptions extends Omit<JournalOptions, 'store' | 'reopen'> {
  readonly disk: Disk;
  /** Folder that holds the store. */
  readonly folder: string;
  /** Name of the store in the folder. */
  readonly name: string;
  /** Which store is opened; `auto` without it. */
  readonly storeKind?: StoreKind;
  /** Beginning of the keys of kept numbers that must never go back, whatever happens to the store. */
  readonly numbers?: string;
  readonly openTrouble?: (trouble: OpenTrouble) => void;
}

/** Behind the name of the store: a file that asks for a fresh journal. */
const RENEW_WORD = '.renew';

/** Errors of which another try or a person, not a new store, is the cure. */
const PASS_ON = ['STORE_LOCKED', 'DISK_DENIED', 'DISK_FULL', 'JOURNAL_NEWER', 'JOURNAL_FOREIGN', 'JOURNAL_WRITE'];

/** Opens the journal, if need be a fresh one. Throws the errors that a person must look at: see the head of the file. */
export async function openJournalIn(options: OpenOptions): Promise<Journal> {
  const { disk, folder, name, openTrouble } = options;
  const path = `${folder}/${name}`;
  await renewIfWanted(options, path);
  let journal: Journal;
  try {
    journal = await attemptTwice(options, path);
  } catch (error) {
    if (PASS_ON.some((code) => saysSo(error, code))) throw error;
    const aside = `${path}.damaged-${await nextNumber(options)}`;
    await disk.rename(path, aside);
    try {
      journal = await attemptTwice(options, path);
    } catch (fault) {
      // A fresh one cannot be made either: the medium is at fault, not the store, which goes back to its place.
      await disk.remove(path);
      await disk.rename(aside, path);
      throw fault;
    }
    openTrouble?.({ kind: 'set-aside', path: aside, reason: reasonOf(error) });
  }
  for (const damaged of await namesWith(options, '.damaged-')) await takeOver(options, damaged, journal);
  return journal;
}

/** Notes that the store in the folder shall give way to a fresh journal at the next opening: it is not what was delivered. */
export function wantRenewal({ disk, folder, name }: Pick<OpenOptions, 'disk' | 'folder' | 'name'>): Promise<void> {
  return disk.writeFile(`${folder}/${name}${RENEW_WORD}`, new Uint8Array(1));
}

/** A store whose renewal was wanted is set aside like a damaged one. A crash in between renews the fresh one again. */
async function renewIfWanted(options: OpenOptions, path: string): Promise<void> {
  const { disk, openTrouble } = options;
  if ((await disk.readFile(`${path}${RENEW_WORD}`)) === undefined) return;
  const aside = `${path}.damaged-${await nextNumber(options)}`;
  if ((await namesWith(options, '')).includes(options.name)) {
    await disk.rename(path, aside);
    openTrouble?.({ kind: 'renewed', path: aside });
  }
  await disk.remove(`${path}${RENEW_WORD}`);
}

/** Whether the error, or what caused it, has this code. */
function saysSo(error: unknown, code: string): boolean {
  return hasCode(error, code) || (error instanceof Error && hasCode(error.cause, code));
}

/** One failing read or sync of the medium is no damage: only a second one in a row is. */
async function attemptTwice(options: OpenOptions, path: string): Promise<Journal> {
  try {
    return await attempt(options, path);
  } catch (error) {
    if (!saysSo(error, 'STORE_FAILED')) throw error;
    return await attempt(options, path);
  }
}

async function attempt(options: OpenOptions, path: string): Promise<Journal> {
  const open = () => openWithRoom(options, path);
  const store = await open();
  try {
    return await openJournal({ ...options, store, reopen: open });
  } catch (error) {
    await store.close();
    throw error;
  }
}

/** On a full disk the store opens once the ballast is gone. */
async function openWithRoom(
  { disk, ballast, openTrouble, storeKind = 'auto' }: OpenOptions,
  path: string,
): Promise<KeyValueStore> {
  try {
    return await disk.openStore(path, storeKind);
  } catch (error) {
    if (!hasCode(error, 'DISK_FULL') || !(await ballast?.release())) throw error;
    openTrouble?.({ kind: 'ballast-released' });
    return await disk.openStore(path, storeKind);
  }
}

async function namesWith({ disk, folder, name }: OpenOptions, word: string): Promise<string[]> {
  return (await disk.list(folder)).filter((each) => each.startsWith(`${name}${word}`));
}

async function nextNumber(options: OpenOptions): Promise<number> {
  const names = [...(await namesWith(options, '.damaged-')), ...(await namesWith(options, '.set-aside-'))];
  return 1 + Math.max(0, ...names.map((each) => Number(/\d+$/.exec(each)?.[0] ?? 0)));
}

/**
 * Repairs a renamed store and appends what it holds; then its name says that this is done. A crash in between does it
 * again at the next start.
 */
async function takeOver(options: OpenOptions, damaged: string, journal: Journal): Promise<void> {
  const { disk, folder, openTrouble, sha256 } = options;
  const path = `${folder}/${damaged}`;
  try {
    await disk.repairStore(path);
    const store = await disk.openStore(path);
    try {
      const salvaged = await salvage(store, journal, sha256, options.numbers);
      openTrouble?.({ kind: 'salvaged', path, ...salvaged });
    } finally {
      await store.close();
    }
  } catch (error) {
    openTrouble?.({ kind: 'salvage-failed', path, reason: reasonOf(error) });
    // Without room it is tried again at the next start; anything else would only fail again.
    if (hasCode(error, 'JOURNAL_WRITE') || hasCode(error, 'DISK_FULL')) return;
  }
  await disk.rename(path, `${folder}/${damaged.replace('.damaged-', '.set-aside-')}`);
  const kept = await namesWith(options, '.set-aside-');
  const oldest = kept.sort((a, b) => Number(/\d+$/.exec(a)?.[0]) - Number(/\d+$/.exec(b)?.[0]));
  for (const each of oldest.slice(0, -SET_ASIDE_MAX)) await disk.remove(`${folder}/${each}`);
}
