/** What can be wrong with a line of a list: a table of codes, each with the way out. */
import type { ImportFault } from '../ports.ts';
import { IMPORT_FAULTS_MAX, IMPORT_SHOWN_CHARS } from './limits.ts';

/** Codes of faults, and what to do about each. */
export const IMPORT_FAULTS = {
  IMPORT_CSV: 'Save the list as comma-separated values in UTF-8 and import it again.',
  IMPORT_TOO_LONG: 'Split the list into several files.',
  IMPORT_COLUMN_UNKNOWN: 'Rename the column in the first line, or take it away.',
  IMPORT_COLUMN_TWICE: 'Take one of the two columns away.',
  IMPORT_COLUMN_MISSING: 'Add the column, and name it in the first line.',
  IMPORT_CELLS: 'Give the line as many cells as the first line has; quote a cell that has a separator in it.',
  IMPORT_CELL_EMPTY: 'Fill the cell in.',
  IMPORT_CELL_FORM: 'Write the cell in the form that its column has.',
  IMPORT_DOUBLE: 'Correct one of the two lines, or take it away.',
  IMPORT_TAKEN: 'Correct the cell, or correct the other meter first.',
  IMPORT_EDGE_UNKNOWN: 'Correct the cell, adopt the concentrator first, or leave the cell empty.',
  IMPORT_PLACED_ELSEWHERE: 'End the placement of the meter there first (POST /api/v1/meters/{id}/placements/end).',
  IMPORT_OTHER_METER:
    'A meter that was exchanged gets an id of its own; a mistake is mended with PUT /api/v1/meters/{id}.',
} as const;

/** One of the codes. */
export type ImportFaultCode = keyof typeof IMPORT_FAULTS;

/** What is known of a fault before it is worded. */
export interface FaultPlace {
  readonly line: number;
  /** Empty = the line as a whole. */
  readonly column?: string;
  readonly meterId?: string | undefined;
}

/** Faults of one import: all are counted, the first are listed. */
export class FaultList {
  readonly #faults: ImportFault[] = [];
  readonly #lines = new Set<number>();
  #total = 0;

  /** A list of its own with the same faults. */
  copy(): FaultList {
    const copy = new FaultList();
    copy.#faults.push(...this.#faults);
    for (const line of this.#lines) copy.#lines.add(line);
    copy.#total = this.#total;
    return copy;
  }

  /** Notes a fault; `problem` is a sentence without its full stop. */
  add(code: ImportFaultCode, place: FaultPlace, problem: string): void {
    this.#total += 1;
    this.#lines.add(place.line);
    if (this.#faults.length === IMPORT_FAULTS_MAX) return;
    const { line, column = '', meterId } = place;
    const words = { problem: `${problem}.`, wayOut: IMPORT_FAULTS[code] };
    this.#faults.push({ line, column, code, ...words, ...(meterId === undefined ? {} : { meterId }) });
  }

  /** Whether a line has a fault. */
  has(line: number): boolean {
    return this.#lines.has(line);
  }

  get total(): number {
    return this.#total;
  }

  /** Lines with a fault. */
  get lines(): number {
    return this.#lines.size;
  }

  /** The first faults in order of line. */
  listed(): readonly ImportFault[] {
    return [...this.#faults].sort((a, b) => a.line - b.line);
  }
}

/** A cell inside a sentence, shortened. */
export function shown(text: string): string {
  return JSON.stringify(text.length > IMPORT_SHOWN_CHARS ? `${text.slice(0, IMPORT_SHOWN_CHARS)}...` : text);
}
