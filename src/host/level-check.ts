/**
 * Looks at the tables of a closed LevelDB before LevelDB does, which would not notice damage, or end the process over it.
 *
 * Only tables that the manifest names are judged: what a power cut left half written is not among them and LevelDB removes it.
 * So a store that another process has open is not found damaged either. Known weak point: opening reads every table once more.
 */
import { readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ByteReader, concat, TruncatedError } from '../base/bytes.ts';
import { systemCode } from './errors.ts';
import { faultOfTable, maskedCrc, mendTable } from './level-table.ts';

const TABLE = /^(\d+)\.(?:ldb|sst)$/;

/** What is wrong with the first damaged table in use, in words for a log; null = nothing. Rejects with what the system says. */
export async function faultInTables(path: string): Promise<string | null> {
  const used = await tablesInUse(path);
  for (const name of await namesIn(path)) {
    if (!used.has(Number(TABLE.exec(name)?.[1]))) continue;
    const octets = await readIfThere(join(path, name));
    const fault = octets === undefined ? null : faultOfTable(octets);
    if (fault !== null) return `${name}: ${fault}`;
  }
  return null;
}

/**
 * Makes the damaged tables of a closed store sound, with what still stands in them; one of which nothing stands is called
 * `<name>.unreadable`. LevelDB's own repair ends the process over what this leaves out. Rejects with what the system says.
 */
export async function mendLevelTables(path: string): Promise<void> {
  for (const name of await namesIn(path)) {
    const file = join(path, name);
    const octets = TABLE.test(name) ? await readIfThere(file) : undefined;
    if (octets === undefined || faultOfTable(octets) === null) continue;
    const mended = mendTable(octets);
    if (mended === null) {
      await rename(file, `${file}.unreadable`);
      continue;
    }
    await writeFile(`${file}.mended`, mended, { mode: 0o600, flush: true });
    await rename(`${file}.mended`, file);
  }
}

async function namesIn(path: string): Promise<string[]> {
  try {
    return (await readdir(path)).sort();
  } catch (error) {
    // No folder yet, or no folder at all: LevelDB makes it, or says so.
    if (['ENOENT', 'ENOTDIR'].includes(systemCode(error))) return [];
    throw error;
  }
}

/** Undefined for what is gone: another process may remove a table, and of a missing one LevelDB complains itself. */
async function readIfThere(file: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(file);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(systemCode(error))) return undefined;
    throw error;
  }
}

/** Numbers of the tables that make up the store; of a damaged manifest LevelDB complains itself, as far as it is read here. */
async function tablesInUse(path: string): Promise<Set<number>> {
  const current = await readIfThere(join(path, 'CURRENT'));
  const name = new TextDecoder().decode(current ?? new Uint8Array(0)).trim();
  const manifest = /^MANIFEST-\d+$/.test(name) ? await readIfThere(join(path, name)) : undefined;
  const used = new Map<string, number>();
  try {
    for (const record of manifest === undefined ? [] : recordsOf(manifest)) applyEdit(record, used);
  } catch (error) {
    if (!(error instanceof TruncatedError || error instanceof RangeError)) throw error;
  }
  return new Set(used.values());
}

const LOG_BLOCK_OCTETS = 32_768;
const RECORD_HEAD_OCTETS = 7;
const RECORD = { full: 1, first: 2, middle: 3, last: 4 };

/**
 * The records of a file in LevelDB's log format, up to its end or the first damage: blocks of 32 KiB with pieces of
 * checksum, length, type and octets. https://github.com/google/leveldb/blob/main/doc/log_format.md
 */
function* recordsOf(file: Uint8Array): Generator<Uint8Array> {
  const reader = new ByteReader(file);
  let pieces: Uint8Array[] = [];
  while (reader.remaining >= RECORD_HEAD_OCTETS) {
    const room = LOG_BLOCK_OCTETS - (reader.offset % LOG_BLOCK_OCTETS);
    if (room < RECORD_HEAD_OCTETS) {
      reader.skip(room);
      continue;
    }
    const [checksum, length] = [reader.u32LE(), reader.u16LE()];
    const covered = reader.slice(length + 1);
    if (maskedCrc(covered) !== checksum) return;
    const type = new ByteReader(covered).u8();
    if (type === RECORD.full || type === RECORD.first) pieces = [];
    pieces.push(covered.subarray(1));
    if (type === RECORD.full || type === RECORD.last) yield concat(pieces);
  }
}

const EDIT = {
  comparator: 1,
  logNumber: 2,
  nextFile: 3,
  lastSequence: 4,
  compactPointer: 5,
  deletedFile: 6,
  newFile: 7,
  previousLog: 9,
};

/** Applies one edit of the manifest to the tables in use, by level and number: a table may only move to another level. */
function applyEdit(record: Uint8Array, used: Map<string, number>): void {
  const reader = new ByteReader(record);
  const added: (readonly [string, number])[] = [];
  while (reader.remaining > 0) {
    const field = reader.varint();
    if (field === EDIT.comparator) reader.skip(reader.varint());
    else if ([EDIT.logNumber, EDIT.nextFile, EDIT.lastSequence, EDIT.previousLog].includes(field)) reader.varint();
    else if (field === EDIT.compactPointer) {
      reader.varint();
      skipKeys(reader, 1);
    } else if (field === EDIT.deletedFile) used.delete(`${reader.varint()}/${reader.varint()}`);
    else if (field === EDIT.newFile) {
      const [level, number] = [reader.varint(), reader.varint()];
      added.push([`${level}/${number}`, number]);
      reader.varint();
      skipKeys(reader, 2);
    } else throw new RangeError(`field ${field} of an edit is not known`);
  }
  for (const [place, number] of added) used.set(place, number);
}

function skipKeys(reader: ByteReader, count: number): void {
  for (let at = 0; at < count; at++) reader.skip(reader.varint());
}
