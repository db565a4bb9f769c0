/**
 * GeneralizedTime (ITU-T X.680 clause 46), the text in which an information-report says its time: `20260131235959.25+0100`,
 * with `Z` for UTC and nothing behind for local time. A COSEM date and time without a second, minute or day has no such text.
 */
import { daysOfCivil } from '../../base/time.ts';
import { dlmsError } from '../errors.ts';
import { CLOCK_STATUS, type CosemDateTime } from './datetime.ts';

const FORM = /^(\d{4})(\d\d)(\d\d)(\d\d)(?:(\d\d)(?:(\d\d)(?:[.,](\d{1,6}))?)?)?(Z|[+-]\d\d(?:\d\d)?)?$/;
const WEEK_DAYS = 7;
/** 1970-01-01 was a Thursday; Monday is 1. */
const EPOCH_WEEKDAY = 4;

/** The text of a moment, or null when a field of it is not specified. */
export function generalizedTimeOf(time: CosemDateTime): string | null {
  const { year, month, day, hour, minute, second, hundredths, deviation } = time;
  const fields = [month, day, hour, minute, second];
  if (year === null || fields.some((field) => field === null || field > 99)) return null;
  const head = [String(year).padStart(4, '0'), ...fields.map((field) => two(field ?? 0))].join('');
  const fraction = hundredths === null || hundredths === 0 ? '' : `.${two(hundredths)}`;
  return `${head}${fraction}${deviation === null ? '' : zoneOf(deviation)}`;
}

/** The moment of a text; throws `DLMS_DATE_TIME` when it is none. Its status is "not specified". */
export function parseGeneralizedTime(text: string): CosemDateTime {
  const found = FORM.exec(text);
  if (found === null) throw dlmsError('DLMS_DATE_TIME', `${text.slice(0, 40)} is no GeneralizedTime`);
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = found
    .slice(1, 7)
    .map((part) => Number(part ?? 0));
  const isDate = month >= 1 && month <= 12 && day >= 1 && day <= 31;
  if (!isDate || hour > 23 || minute > 59 || second > 59)
    throw dlmsError('DLMS_DATE_TIME', `${text} has no such field`);
  const [fraction, zone] = [found[7] ?? '', found[8] ?? ''];
  const weekday = (((daysOfCivil(year, month, day) + EPOCH_WEEKDAY - 1) % WEEK_DAYS) + WEEK_DAYS) % WEEK_DAYS;
  return {
    year,
    month,
    day,
    weekday: weekday + 1,
    hour,
    minute,
    second,
    hundredths: Number(fraction.padEnd(2, '0').slice(0, 2)),
    deviation: deviationOf(zone),
    status: CLOCK_STATUS.notSpecified,
  };
}

/** COSEM counts from local time to UTC, the text from UTC to local time. */
function zoneOf(deviation: number): string {
  if (deviation === 0) return 'Z';
  const aheadMin = Math.abs(deviation);
  return `${deviation < 0 ? '+' : '-'}${two(Math.floor(aheadMin / 60))}${two(aheadMin % 60)}`;
}

function deviationOf(zone: string): number | null {
  if (zone === '') return null;
  if (zone === 'Z') return 0;
  const minutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(3, 5));
  return zone.startsWith('+') ? -minutes : minutes;
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}
