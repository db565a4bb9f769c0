/**
 * From what an ASCII meter says (IEC 62056-21) to readings, by its profile. A register takes the line that has its code; the
 * unit must be the profile's, in any power of ten, and the value comes out at the profile's exponent without rounding: what has
 * more digits, another unit or none is told and left out.
 *
 * The time of a value is that of the meter's clock in the same read-out, else the time of receipt with quality
 * `no-meter-time`. A demand with a time in its second bracket was captured then.
 */
import type { AsciiProfilePart } from '../dlms/ascii/load-profile.ts';
import { asciiMoment, asciiMomentText } from '../dlms/ascii/moment.ts';
import { clockIn, isCodeOf } from '../dlms/ascii/read-out.ts';
import type { Data } from '../dlms/axdr/data.ts';
import { type CosemDateTime, dateTimeToOctets } from '../dlms/cosem/datetime.ts';
import { unitSymbol } from '../dlms/cosem/units.ts';
import type { DataLine } from '../dlms/telegram/data-lines.ts';
import { scaledValueOf } from '../dlms/telegram/decimal.ts';
import type { AskedRange } from './plan.ts';
import { type BufferReadout, type ReadContext, type ReadoutGroup, type ReadoutProblem, readBuffer } from './readout.ts';
import { type RegisterAnswer, readRegisters } from './register-readout.ts';
import type { BufferRule, Profile, RegisterRule } from './schema/profile.ts';
import { meterTimeOf } from './time.ts';

const NULL_DATA: Data = { type: 'null-data' };
const NO_NUMBER = /^[-+.,\s]*$/;

/** The readings of a read-out. */
export function readAsciiLines(
  profile: Profile,
  registers: readonly RegisterRule[],
  lines: readonly DataLine[],
  context: ReadContext & { readonly nowMs: number },
): { readonly groups: readonly ReadoutGroup[]; readonly problems: readonly ReadoutProblem[] } {
  const problems: ReadoutProblem[] = [];
  const answers: RegisterAnswer[] = [];
  registers.forEach((register, index) => {
    const line = lines.find(({ address }) => isLineOf(address, register));
    const [first, second] = line?.fields ?? [];
    const value = first === undefined ? 'is not in the read-out' : fieldValue(register, first.value, first.unit ?? '');
    if (typeof value === 'string') problems.push({ index, sentence: `${register.name} ${value}.` });
    else {
      const capturedAt = second === undefined ? null : asciiMoment(second.value);
      answers.push({ register, value, ...(capturedAt === null ? {} : { captureTime: timeData(capturedAt) }) });
    }
  });
  const clock = clockIn(lines);
  const read = readRegisters(profile, answers, clock === null ? null : timeData(clock), context);
  return { groups: read.groups, problems: [...problems, ...read.problems] };
}

function isLineOf(address: string, { line, obis }: RegisterRule): boolean {
  return line === null ? isCodeOf(address, obis) : address === line;
}

/** The value at the register's exponent, or what is wrong with it. */
function fieldValue(register: RegisterRule, text: string, unit: string): Data | string {
  const wanted = register.unit;
  const scaled = scaledValueOf(text.trim(), unit === '' ? null : unit);
  if (scaled === null) return `is '${text}*${unit}', a decimal number with a known unit was expected`;
  const { value, scalerUnit } = scaled;
  const symbol = unit === '' ? '' : unitSymbol(scalerUnit.unit);
  if (symbol !== wanted) return `counts in ${symbol || 'no unit'}, its profile says ${wanted || 'none'}`;
  const shift = scalerUnit.scaler - register.exponent;
  const integer = value.type === 'long64' ? value.value : 0n;
  if (shift >= 0) return { type: 'long64', value: integer * 10n ** BigInt(shift) };
  const divisor = 10n ** BigInt(-shift);
  return integer % divisor === 0n
    ? { type: 'long64', value: integer / divisor }
    : `has more digits than its profile's exponent ${register.exponent} keeps`;
}

function timeData(time: CosemDateTime): Data {
  return { type: 'octet-string', value: dateTimeToOctets(time) };
}

/** What asks for the rows of a buffer: `P.01(from;to)`, `P.02` for 1-0:99.2.0; without a range for all that there is. */
export function asciiProfileCommand(
  profile: Profile,
  rule: BufferRule,
  asked: AskedRange | null,
  timeZone: string,
): { readonly name: string; readonly text: string } {
  const { command, timeDigits } = profile.ascii ?? { command: 'R5', timeDigits: 11 };
  const textOf = (utcMs: number) => asciiMomentText(meterTimeOf(utcMs, profile.clock, timeZone), timeDigits);
  const range = asked === null ? ';' : `${textOf(asked.fromMs)};${textOf(asked.toMs)}`;
  return { name: command, text: `${asciiProfileName(rule)}(${range})` };
}

/** `P.01` of 1-0:99.1.0. */
export function asciiProfileName({ obis }: BufferRule): string {
  return `P.${(obis.split(/[-:.*]/)[3] ?? '1').padStart(2, '0')}`;
}

/** Between which moments rows are wanted. */
export interface AsciiDelta {
  readonly context: ReadContext;
  /** Interval end of the newest row held, UTC ms; null = none. */
  readonly watermarkMs: number | null;
  /** Null = whatever there is. */
  readonly asked: AskedRange | null;
}

/**
 * Rows of a load profile above the watermark. The header's ids, units and interval must be the profile's columns, else its rows
 * are left out and told; a value that is none is missing, a row of another length ends what can be placed in time.
 */
export function readAsciiProfile(
  profile: Profile,
  rule: BufferRule,
  parts: readonly AsciiProfilePart[],
  { context, watermarkMs, asked }: AsciiDelta,
): BufferReadout {
  const problems: ReadoutProblem[] = [];
  const rows: Data[] = [];
  for (const part of parts) {
    const start = asciiMoment(part.time);
    const places = placesOf(rule, part);
    const wrong =
      start === null
        ? `The header's time is '${part.time}'.`
        : part.intervalMin * 60 !== rule.intervalS
          ? `The meter keeps a row every ${part.intervalMin} minutes, its profile says ${rule.intervalS / 60}.`
          : typeof places === 'string'
            ? places
            : null;
    if (wrong !== null || start === null || typeof places === 'string') {
      problems.push({ index: rows.length, sentence: wrong ?? '' });
      continue;
    }
    const cut = part.rows.findIndex((row) => row.length !== part.channels.length);
    const whole = cut < 0 ? part.rows : part.rows.slice(0, cut);
    if (cut >= 0)
      problems.push({
        index: rows.length + cut,
        sentence: `A row has ${part.rows[cut]?.length} values, its header says ${part.channels.length}.`,
      });
    for (const [at, row] of whole.entries()) {
      const tell = (sentence: string) => problems.push({ index: rows.length, sentence });
      rows.push(rowData(rule, part, { places, row, time: at === 0 ? start : null }, tell));
    }
  }
  // Times after the first are counted, so that no clock change moves them; a value that is missing is not the one above it.
  const read = readBuffer(
    profile,
    { ...rule, nullData: 'missing', order: 'oldest-first' },
    { type: 'array', value: rows },
    context,
    watermarkMs,
    asked,
  );
  return { ...read, problems: [...problems, ...read.problems] };
}

/** Where each register's channel is, by the columns of the profile; or what is wrong. */
function placesOf(rule: BufferRule, { channels }: AsciiProfilePart): ReadonlyMap<RegisterRule, number> | string {
  const places = new Map<RegisterRule, number>();
  for (const column of rule.columns) {
    if (column.kind !== 'register') continue;
    const { register } = column;
    const at = channels.findIndex(({ id }) => isLineOf(id, register));
    const unit = channels[at]?.unit ?? '';
    if (at < 0)
      return `The meter keeps no ${register.name} in this profile: ${channels.map(({ id }) => id).join(', ')}.`;
    const known = fieldValue(register, '0', unit);
    if (typeof known === 'string') return `${register.name} ${known}.`;
    places.set(register, at);
  }
  return places;
}

interface RowParts {
  readonly places: ReadonlyMap<RegisterRule, number>;
  readonly row: readonly string[];
  /** Null = an interval after the row above. */
  readonly time: CosemDateTime | null;
}

function rowData(
  rule: BufferRule,
  { channels, status }: AsciiProfilePart,
  { places, row, time }: RowParts,
  tell: (sentence: string) => void,
): Data {
  const value = rule.columns.map((column): Data => {
    if (column.kind === 'clock') return time === null ? NULL_DATA : timeData(time);
    if (column.kind === 'status') return { type: 'octet-string', value: status };
    if (column.kind === 'ignore') return NULL_DATA;
    const at = places.get(column.register) ?? 0;
    const text = row[at] ?? '';
    const read = NO_NUMBER.test(text) ? NULL_DATA : fieldValue(column.register, text, channels[at]?.unit ?? '');
    if (typeof read !== 'string') return read;
    tell(`${column.register.name} ${read}.`);
    return NULL_DATA;
  });
  return { type: 'structure', value };
}
