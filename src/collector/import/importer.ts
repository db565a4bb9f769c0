/**
 * Import of a list of meters: read from a stream, checked line by line, held against what is known, written in one
 * transaction or not at all.
 *
 * Plan: the octets are never held, only the meters of the list are, since a fault in the last line must be able to stop the
 * first. Checking and writing are one transaction under a lock, so two imports, or two collectors, cannot give one serial
 * number to two meters. Given up: a list beyond the bound; it is refused with the advice to split it.
 */
import { CsvReader, type CsvRecord } from '../../base/csv.ts';
import type { Env } from '../../base/env.ts';
import { DeltawattError, hasCode, reasonOf } from '../../base/errors.ts';
import type { Commissioner } from '../commissioning-ports.ts';
import type {
  CommandStore,
  ImportOptions,
  ImportReport,
  ImportStore,
  ListedMeter,
  MeterImporter,
  QueryStore,
} from '../ports.ts';
import { findDoubles, Judge } from './doubles.ts';
import { importError } from './errors.ts';
import { FaultList } from './faults.ts';
import { IMPORT_BATCH_ROWS, IMPORT_MAX_OCTETS, IMPORT_ROWS_MAX } from './limits.ts';
import { type ImportRow, RowReader } from './rows.ts';

/** What an import needs. */
export interface ImporterParts {
  readonly env: Pick<Env, 'clock' | 'log'>;
  readonly store: ImportStore & Pick<QueryStore, 'edges'> & Pick<CommandStore, 'audit'>;
  /** Who looks through the inbox for meters that a list names; absent = nobody does. */
  readonly commissioner?: Pick<Commissioner, 'lookAgain'>;
}

/** The importer; one list at a time. */
export function createImporter(parts: ImporterParts): MeterImporter {
  let isBusy = false;
  return {
    async importMeters(text, options) {
      if (isBusy) throw importError('IMPORT_BUSY');
      isBusy = true;
      try {
        return await importList(parts, text, options);
      } finally {
        isBusy = false;
      }
    },
  };
}

async function importList(
  { env, store, commissioner }: ImporterParts,
  text: AsyncIterable<Uint8Array>,
  options: ImportOptions,
): Promise<ImportReport> {
  const startMs = env.clock.monotonicMs();
  const faults = new FaultList();
  const { rows, lines, isReadable } = await readList(text, faults);
  findDoubles(rows, faults);
  const nothing: Found = { created: 0, changed: 0, unchanged: 0, isApplied: false, faults };
  const found = isReadable ? await holdAgainst(store, rows, faults, options, env.clock.nowMs()) : nothing;
  const { isDryRun, onlyValid, actor } = options;
  const isApplied = found.isApplied && !isDryRun;
  const report: ImportReport = {
    rows: lines,
    created: found.created,
    changed: found.changed,
    unchanged: found.unchanged,
    refused: found.faults.lines,
    isApplied,
    isDryRun,
    faults: found.faults.listed(),
    faultsTotal: found.faults.total,
    tookMs: Math.round(env.clock.monotonicMs() - startMs),
  };
  const { faults: _faults, ...figures } = report;
  env.log.info('import.list-read', { ...figures, actor, onlyValid });
  if (isApplied) {
    await store.audit({
      atMs: env.clock.nowMs(),
      actor,
      action: 'meters.import',
      subject: `${lines} meters`,
      detail: `${found.created} new, ${found.changed} changed, ${found.unchanged} as they were, ${report.refused} refused`,
    });
    // The list is in whatever becomes of the inbox: what is left there is looked at when its meters are told again.
    await commissioner
      ?.lookAgain({ name: actor })
      .catch((error: unknown) => env.log.warn('import.inbox-left', { reason: reasonOf(error) }));
  }
  return report;
}

interface ReadList {
  readonly rows: readonly ImportRow[];
  /** Lines below the first. */
  readonly lines: number;
  /** False = nothing can be made of the list, whatever was asked. */
  readonly isReadable: boolean;
}

async function readList(text: AsyncIterable<Uint8Array>, faults: FaultList): Promise<ReadList> {
  const csv = new CsvReader();
  const reader = new RowReader(faults);
  const rows: ImportRow[] = [];
  let [octets, records, lastLine] = [0, 0, 1];
  const take = (record: CsvRecord) => {
    records += 1;
    lastLine = record.line;
    if (records > IMPORT_ROWS_MAX + 1) throw importError('IMPORT_TOO_LONG', `more than ${IMPORT_ROWS_MAX} meters`);
    const row = reader.take(record);
    if (row !== null) rows.push(row);
  };
  try {
    for await (const chunk of text) {
      octets += chunk.length;
      if (octets > IMPORT_MAX_OCTETS) throw importError('IMPORT_TOO_LONG', `more than ${IMPORT_MAX_OCTETS} octets`);
      for (const record of csv.feed(chunk)) take(record);
    }
    for (const record of csv.end()) take(record);
    if (records === 0) faults.add('IMPORT_COLUMN_MISSING', { line: 1, column: 'meter_id' }, 'The list is empty');
    return { rows, lines: Math.max(0, records - 1), isReadable: reader.isHeadGood };
  } catch (error) {
    if (!(error instanceof DeltawattError)) throw error;
    if (!hasCode(error, 'CSV_MALFORMED') && !hasCode(error, 'IMPORT_TOO_LONG')) throw error;
    const code = error.code === 'CSV_MALFORMED' ? 'IMPORT_CSV' : 'IMPORT_TOO_LONG';
    const line = Number(/^line (\d+)/.exec(error.detail)?.[1] ?? lastLine);
    faults.add(code, { line }, `The list cannot be read: ${error.detail}`);
    return { rows, lines: Math.max(0, records - 1), isReadable: false };
  }
}

interface Found {
  readonly created: number;
  readonly changed: number;
  readonly unchanged: number;
  readonly isApplied: boolean;
  /** Those that were known before, and those that came of what is known. */
  readonly faults: FaultList;
}

/** Everything that asks the store, in one transaction. */
async function holdAgainst(
  store: ImporterParts['store'],
  rows: readonly ImportRow[],
  before: FaultList,
  { isDryRun, onlyValid, tenantId }: ImportOptions,
  atMs: number,
): Promise<Found> {
  const edges = await store.edges();
  const active = new Set(edges.filter(({ state }) => state === 'active').map(({ edgeId }) => edgeId as string));
  const good = rows.filter(({ line }) => !before.has(line));
  return store.withImport(async (view) => {
    // The transaction may be tried again: what it finds is its own.
    const faults = before.copy();
    const judge = new Judge(active, faults);
    for (const batch of batchesOf(good)) {
      const meters = batch.map(({ meter }) => meter);
      judge.judge(batch, await view.known(meters, atMs));
    }
    const { created, changed, unchanged } = judge;
    const counts = { created: created.length, changed: changed.length, unchanged, faults };
    if (isDryRun || (faults.total > 0 && !onlyValid)) return { ...counts, isApplied: false };
    const written: ListedMeter[] = [...created, ...changed].map(({ meter }) => meter);
    for (const batch of batchesOf(written)) await view.write(batch, { tenantId, atMs });
    return { ...counts, isApplied: true };
  });
}

function batchesOf<Item>(items: readonly Item[]): Item[][] {
  const count = Math.ceil(items.length / IMPORT_BATCH_ROWS);
  return Array.from({ length: count }, (_, at) => items.slice(at * IMPORT_BATCH_ROWS, (at + 1) * IMPORT_BATCH_ROWS));
}
