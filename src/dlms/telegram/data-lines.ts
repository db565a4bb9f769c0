/**
 * The lines of a data block (IEC 62056-21, 6.5): `address(value*unit)(value*unit)...`, each ended by CR LF. A line that begins
 * with a bracket goes on with the address above it. P1 telegrams and read-outs of optical heads are written so.
 */
import { dlmsError } from '../errors.ts';

/** What stands in one pair of brackets. */
export interface DataField {
  /** Before the `*`; empty when nothing stands there. */
  readonly value: string;
  /** Behind the `*`, null = there is none. */
  readonly unit: string | null;
}

/** An address with its values. */
export interface DataLine {
  readonly address: string;
  readonly fields: readonly DataField[];
}

const LINE_END = '\r\n';
/** Values of one address: a log of 20 power failures has 42. */
const FIELDS_MAX = 256;

/**
 * Reads lines, empty ones between them are passed over; `from` is added to offsets. Throws `DLMS_DATA_LINE` with the offset of
 * the character at which a line is none.
 */
export function parseDataLines(text: string, from = 0): DataLine[] {
  const lines: { address: string; fields: DataField[] }[] = [];
  let offset = from;
  for (const line of text.split(LINE_END)) {
    if (line !== '') {
      const open = line.indexOf('(');
      if (open < 0) throw dlmsError('DLMS_DATA_LINE', `offset ${offset + line.length}: no bracket follows the address`);
      const above = open === 0 ? lines.at(-1) : undefined;
      if (open === 0 && above === undefined)
        throw dlmsError('DLMS_DATA_LINE', `offset ${offset}: a value stands in front of the first address`);
      const here = above ?? { address: line.slice(0, open), fields: [] };
      readFields(line, open, offset, here.fields);
      if (above === undefined) lines.push(here);
    }
    offset += line.length + LINE_END.length;
  }
  return lines;
}

function readFields(line: string, open: number, offset: number, fields: DataField[]): void {
  for (let at = open; at < line.length; ) {
    if (line[at] !== '(') throw dlmsError('DLMS_DATA_LINE', `offset ${offset + at}: an opening bracket was expected`);
    const close = line.indexOf(')', at);
    if (close < 0) throw dlmsError('DLMS_DATA_LINE', `offset ${offset + line.length}: a bracket is not closed`);
    if (line.slice(at + 1, close).includes('('))
      throw dlmsError('DLMS_DATA_LINE', `offset ${offset + at}: a bracket opens in a value`);
    if (fields.length >= FIELDS_MAX)
      throw dlmsError('DLMS_DATA_LINE', `offset ${offset + at}: more than ${FIELDS_MAX} values of one address`);
    const [value = '', ...unit] = line.slice(at + 1, close).split('*');
    fields.push({ value, unit: unit.length === 0 ? null : unit.join('*') });
    at = close + 1;
  }
}

/** A line as it is sent, without its end. */
export function dataLineText({ address, fields }: DataLine): string {
  return `${address}${fields.map(({ value, unit }) => `(${value}${unit === null ? '' : `*${unit}`})`).join('')}`;
}
