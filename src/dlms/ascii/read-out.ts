/**
 * What a data message says (IEC 62056-21, 6.5): lines by their codes. Codes are OBIS codes of which meters write what they like:
 * `1-0:1.8.0*255`, `1.8.0`, `1.8.0*03` or `1.8.0&03` for a past period, or words of their own.
 */
import type { CosemDateTime } from '../cosem/datetime.ts';
import { type DataLine, parseDataLines } from '../telegram/data-lines.ts';
import { asciiClock, asciiMoment } from './moment.ts';

/** Lines of a data message up to its `!`; throws DLMS_DATA_LINE with the offset at which a line is none. */
export function parseReadOut(text: string): DataLine[] {
  const end = text.lastIndexOf('!');
  return parseDataLines(end < 0 ? text : text.slice(0, end));
}

const NOT_SPECIFIED = 255;

/** Whether a line's code means an OBIS code: the groups that are written agree, F that is not written is 255. */
export function isCodeOf(address: string, obis: string): boolean {
  const match = /^(?:(\d+)-(\d+):)?(\d+|[A-Z])\.(\d+)(?:\.(\d+))?(?:[*&](\d+))?$/.exec(address);
  if (match === null) return false;
  const [a, b, c, d, e, f] = obis.split(/[-:.*]/).map(Number);
  const group = (at: number, otherwise: number | undefined) =>
    match[at] === undefined ? otherwise : Number(match[at]);
  return (
    group(1, a) === a &&
    group(2, b) === b &&
    group(3, undefined) === c &&
    group(4, undefined) === d &&
    group(5, NOT_SPECIFIED) === (match[5] === undefined && e === 0 ? NOT_SPECIFIED : e) &&
    group(6, NOT_SPECIFIED) === (f ?? NOT_SPECIFIED)
  );
}

/** Codes of the meter's number: as OBIS has them, and as VDEW and older meters write them. */
const IDENTITY_CODES = /^(?:0-0:)?(?:0\.0\.0|0\.0\.1|0\.0|C\.1\.0|C\.1|96\.1\.0)(?:\*255)?$/;
const TIME_CODE = /^(?:[01]-0:)?0\.9\.1(?:\*255)?$/;
const DATE_CODE = /^(?:[01]-0:)?0\.9\.2(?:\*255)?$/;
const DATE_TIME_CODE = /^(?:0-0:1\.0\.0|(?:[01]-0:)?0\.9\.4)(?:\*255)?$/;

/** Numbers that a read-out tells of its meter, without leading zeros. */
export function identitiesIn(lines: readonly DataLine[]): string[] {
  return lines
    .filter(({ address }) => IDENTITY_CODES.test(address))
    .flatMap(({ fields }) => (fields[0] === undefined ? [] : [bareNumber(fields[0].value)]));
}

/** A number without the zeros in front. */
export function bareNumber(text: string): string {
  return text.trim().replace(/^0+(?=.)/, '');
}

/** The meter's clock in a read-out; null when it tells none. */
export function clockIn(lines: readonly DataLine[]): CosemDateTime | null {
  const first = (code: RegExp) => lines.find(({ address }) => code.test(address))?.fields[0]?.value ?? '';
  return asciiMoment(first(DATE_TIME_CODE)) ?? asciiClock(first(DATE_CODE), first(TIME_CODE));
}
