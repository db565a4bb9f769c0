/** Points of time of M-Bus meters (EN 13757-3, types F, G and I): local time of the meter, nothing about a zone. */
import { ByteReader, ByteWriter } from '../base/bytes.ts';

/** A date, or a date with time, as the meter's clock shows it. */
export interface MbusMoment {
  /** 4 digits; two-digit years up to 80 are of this century. */
  readonly year: number;
  /** 1 to 12. */
  readonly month: number;
  /** 1 to 31. */
  readonly day: number;
  /** Null in a date (type G). */
  readonly hour: number | null;
  readonly minute: number | null;
  /** Only in type I. */
  readonly second: number | null;
  /** The meter says that summer time is in force. */
  readonly isSummer: boolean;
}

const CENTURY_TURN = 80;

/** Octets of types G, F and I. */
export const MOMENT_OCTETS = { G: 2, F: 4, I: 6 } as const;

/** A moment of 2 (G), 4 (F) or 6 (I) octets; null when the meter says that it is not valid, or it is none that a calendar has. */
export function momentOf(octets: Uint8Array): MbusMoment | null {
  const reader = new ByteReader(octets);
  if (octets.length === MOMENT_OCTETS.G) {
    return checked({ ...dateOf(reader, null), hour: null, minute: null, second: null, isSummer: false });
  }
  if (octets.length === MOMENT_OCTETS.F) {
    const [minute, hour] = [reader.u8(), reader.u8()];
    if ((minute & 0x80) !== 0) return null;
    const date = dateOf(reader, (hour >> 5) & 0x03);
    return checked({ ...date, hour: hour & 0x1f, minute: minute & 0x3f, second: null, isSummer: (hour & 0x80) !== 0 });
  }
  if (octets.length !== MOMENT_OCTETS.I) return null;
  const [second, minute, hour] = [reader.u8(), reader.u8(), reader.u8()];
  if ((minute & 0x80) !== 0) return null;
  const date = dateOf(reader, null);
  const isSummer = (second & 0x40) !== 0;
  return checked({ ...date, hour: hour & 0x1f, minute: minute & 0x3f, second: second & 0x3f, isSummer });
}

/** Octets of a moment: type I with seconds, F with minutes, else G. */
export function momentOctets({ year, month, day, hour, minute, second, isSummer }: MbusMoment): Uint8Array {
  const writer = new ByteWriter(6);
  const short = year % 100;
  if (hour !== null && second !== null)
    writer
      .u8(second | (isSummer ? 0x40 : 0))
      .u8(minute ?? 0)
      .u8(hour);
  else if (hour !== null)
    writer.u8(minute ?? 0).u8(hour | (isSummer ? 0x80 : 0) | (Math.max(0, Math.floor(year / 100) - 19) << 5));
  writer.u8(day | ((short & 0x07) << 5)).u8(month | ((short & 0x78) << 1));
  if (hour !== null && second !== null) writer.u8(0);
  return writer.finish();
}

/** `2026-03-01T10:15`, as the meter shows it. */
export function momentText({ year, month, day, hour, minute, second }: MbusMoment): string {
  const two = (value: number) => String(value).padStart(2, '0');
  const date = `${String(year).padStart(4, '0')}-${two(month)}-${two(day)}`;
  if (hour === null) return date;
  return `${date}T${two(hour)}:${two(minute ?? 0)}${second === null ? '' : `:${two(second)}`}`;
}

function dateOf(reader: ByteReader, hundreds: number | null): { year: number; month: number; day: number } {
  const [low, high] = [reader.u8(), reader.u8()];
  const short = (low >> 5) | ((high & 0xf0) >> 1);
  const century = hundreds === null || hundreds === 0 ? (short <= CENTURY_TURN ? 2000 : 1900) : 1900 + 100 * hundreds;
  return { year: century + short, month: high & 0x0f, day: low & 0x1f };
}

function checked(moment: MbusMoment): MbusMoment | null {
  const { year, month, day, hour, minute, second } = moment;
  if (month < 1 || month > 12 || day < 1 || day > daysOf(year, month)) return null;
  return (hour ?? 0) > 23 || (minute ?? 0) > 59 || (second ?? 0) > 59 ? null : moment;
}

function daysOf(year: number, month: number): number {
  if (month !== 2) return [4, 6, 9, 11].includes(month) ? 30 : 31;
  return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28;
}
