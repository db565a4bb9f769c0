/** Lines of a list of meters into meters: the first line names the columns, every other one is a meter or has faults. */
import type { CsvRecord } from '../../base/csv.ts';
import { closest } from '../../base/suggest.ts';
import type { ListedMeter } from '../ports.ts';
import { ID_COLUMN, IMPORT_COLUMNS, type ImportColumn, type ListedCells } from './columns.ts';
import { type FaultList, shown } from './faults.ts';

/** A meter with its line. */
export interface ImportRow {
  readonly line: number;
  readonly meter: ListedMeter;
}

/** Reads lines in order; faults go to the list. */
export class RowReader {
  #columns: readonly ImportColumn[] | null = null;

  constructor(private readonly faults: FaultList) {}

  /** The meter of a line; null for the first line, and for a line with a fault. */
  take(record: CsvRecord): ImportRow | null {
    if (this.#columns === null) {
      this.#columns = this.#head(record);
      return null;
    }
    return this.#row(record, this.#columns);
  }

  /** Whether the columns are known and none of them is wrong. */
  get isHeadGood(): boolean {
    return (this.#columns?.length ?? 0) > 0;
  }

  /** The columns, or none when the first line is wrong: then no line can be read. */
  #head({ line, cells }: CsvRecord): readonly ImportColumn[] {
    const names = IMPORT_COLUMNS.map(({ name }) => name);
    const before = this.faults.total;
    const columns: ImportColumn[] = [];
    for (const cell of cells) {
      const name = cell.trim().toLowerCase();
      const column = IMPORT_COLUMNS.find((each) => each.name === name);
      if (column === undefined) {
        const meant = closest(name, names);
        const words = meant === undefined ? `there is ${names.join(', ')}` : `did you mean ${meant}?`;
        this.faults.add('IMPORT_COLUMN_UNKNOWN', { line, column: name }, `There is no column ${shown(cell)}; ${words}`);
      } else if (columns.includes(column))
        this.faults.add('IMPORT_COLUMN_TWICE', { line, column: name }, `The column ${name} is there twice`);
      else columns.push(column);
    }
    if (!columns.some(({ name }) => name === ID_COLUMN))
      this.faults.add('IMPORT_COLUMN_MISSING', { line, column: ID_COLUMN }, `There is no column ${ID_COLUMN}`);
    return this.faults.total === before ? columns : [];
  }

  #row({ line, cells }: CsvRecord, columns: readonly ImportColumn[]): ImportRow | null {
    if (columns.length === 0) return null;
    if (cells.length !== columns.length) {
      const words = `The line has ${cells.length} cells, the first line has ${columns.length}`;
      this.faults.add('IMPORT_CELLS', { line, meterId: cells[0] }, words);
      return null;
    }
    const meter: ListedCells = {};
    for (const [at, column] of columns.entries()) {
      const text = (cells[at] ?? '').trim();
      if (text !== '' && !column.take(text, meter))
        this.faults.add(
          'IMPORT_CELL_FORM',
          { line, column: column.name, meterId: meter.meterId },
          `${shown(text)} is not ${column.form}`,
        );
    }
    const { meterId } = meter;
    if (meterId !== undefined) return this.faults.has(line) ? null : { line, meter: { ...meter, meterId } };
    if (!this.faults.has(line))
      this.faults.add('IMPORT_CELL_EMPTY', { line, column: ID_COLUMN }, `The line has no ${ID_COLUMN}`);
    return null;
  }
}
