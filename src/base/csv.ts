/**
 * Comma-separated values (RFC 4180) from a stream of octets, record by record, in bounded memory.
 *
 * Taken beside the RFC, because spreadsheets write them: a byte order mark, line ends of LF alone, and a semicolon or a tab
 * in the place of the comma, whichever the first line has. Any split of the stream gives the same records. Weak point: a
 * quote that is never closed swallows lines until the bound of a record, so the error names the line where the record began.
 */
import { type ErrorTable, errorsOf } from './errors.ts';

/** Longest record in characters, line ends inside quotes included. */
export const CSV_RECORD_MAX_CHARS = 16_384;
/** Most cells of a record. */
export const CSV_CELLS_MAX = 256;

/** Codes of this reader. */
export const CSV_ERRORS = {
  CSV_MALFORMED: {
    side: 'remote',
    retry: 'never',
    sentence:
      'This is not a file of comma-separated values in UTF-8. The detail names the line and what is wrong there.',
  },
} as const satisfies ErrorTable;

const csvError = errorsOf(CSV_ERRORS);

/** One record. */
export interface CsvRecord {
  /** Line of the text on which it begins, from 1. */
  readonly line: number;
  readonly cells: readonly string[];
}

const SEPARATORS = [',', ';', '\t'] as const;
const BYTE_ORDER_MARK = '\ufeff';

/** Where the reader stands inside a record. */
type Place = 'cell-start' | 'plain' | 'quoted' | 'quote-seen';

/** See the head of the file. Empty lines are skipped. */
export class CsvReader {
  readonly #decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  #separator: string | null = null;
  /** Text of the first line while the separator is not known. */
  #head = '';
  #place: Place = 'cell-start';
  #cell = '';
  #cells: string[] = [];
  #chars = 0;
  #line = 1;
  #recordLine = 1;

  /** Records that end in this chunk; throws CSV_MALFORMED. */
  feed(chunk: Uint8Array): CsvRecord[] {
    return this.#take(this.#decode(chunk, true));
  }

  /** The last record, when no line end followed it; throws CSV_MALFORMED. */
  end(): CsvRecord[] {
    const records = this.#take(this.#decode(new Uint8Array(), false));
    if (this.#separator === null) records.push(...this.#begin(`${this.#head}\n`));
    if (this.#place === 'quoted') throw this.#malformed('a cell that begins with a quote has no closing quote');
    const last = this.#endRecord();
    return last === null ? records : [...records, last];
  }

  #decode(chunk: Uint8Array, stream: boolean): string {
    try {
      return this.#decoder.decode(chunk, { stream });
    } catch (error) {
      throw csvError(
        'CSV_MALFORMED',
        `line ${this.#line} or soon after it is not UTF-8: save the file as UTF-8`,
        error,
      );
    }
  }

  #take(text: string): CsvRecord[] {
    if (this.#separator !== null) return this.#read(text);
    this.#head += text;
    if (this.#head.includes('\n')) return this.#begin(this.#head);
    if (this.#head.length > CSV_RECORD_MAX_CHARS) throw this.#tooLong();
    return [];
  }

  /** The first line tells the separator: the one that it has outside quotes most often. */
  #begin(head: string): CsvRecord[] {
    const text = head.startsWith(BYTE_ORDER_MARK) ? head.slice(1) : head;
    const first = (text.split('\n')[0] ?? '').replace(/"[^"]*"/g, '');
    const counts = SEPARATORS.map((separator) => first.split(separator).length);
    this.#separator = SEPARATORS[counts.indexOf(Math.max(...counts))] ?? ',';
    this.#head = '';
    return this.#read(text);
  }

  #read(text: string): CsvRecord[] {
    const records: CsvRecord[] = [];
    for (const character of text) {
      this.#chars += 1;
      if (this.#chars > CSV_RECORD_MAX_CHARS) throw this.#tooLong();
      const record = this.#step(character);
      if (record !== null) records.push(record);
    }
    return records;
  }

  #step(character: string): CsvRecord | null {
    if (this.#place === 'quoted') {
      if (character === '\n') this.#line += 1;
      if (character === '"') this.#place = 'quote-seen';
      else this.#cell += character;
      return null;
    }
    if (character === this.#separator) {
      this.#endCell();
      return null;
    }
    if (character === '\n') {
      const record = this.#endRecord();
      this.#line += 1;
      this.#recordLine = this.#line;
      return record;
    }
    if (character === '"') this.#quote();
    else if (this.#place !== 'quote-seen') {
      this.#place = 'plain';
      this.#cell += character;
    } else if (character !== '\r') throw this.#malformed('text follows a closing quote: double a quote inside a cell');
    return null;
  }

  /** A quote outside a quoted cell: opens one, or is the second of two inside one. */
  #quote(): void {
    if (this.#place === 'plain') throw this.#malformed('a quote inside a cell: quote the whole cell and double it');
    if (this.#place === 'quote-seen') this.#cell += '"';
    this.#place = 'quoted';
  }

  #endCell(): void {
    if (this.#cells.length === CSV_CELLS_MAX) throw this.#malformed(`more than ${CSV_CELLS_MAX} cells`);
    this.#cells.push(this.#cell);
    this.#cell = '';
    this.#place = 'cell-start';
  }

  #endRecord(): CsvRecord | null {
    // The CR of CRLF is no part of a cell without quotes.
    if (this.#place === 'plain' && this.#cell.endsWith('\r')) this.#cell = this.#cell.slice(0, -1);
    const isEmpty = this.#cells.length === 0 && this.#cell === '' && this.#place !== 'quote-seen';
    this.#endCell();
    const cells = this.#cells;
    this.#cells = [];
    this.#chars = 0;
    return isEmpty ? null : { line: this.#recordLine, cells };
  }

  #tooLong(): Error {
    return this.#malformed(`a record of more than ${CSV_RECORD_MAX_CHARS} characters: is a quote not closed?`);
  }

  #malformed(what: string): Error {
    return csvError('CSV_MALFORMED', `line ${this.#recordLine}: ${what}`);
  }
}
