/**
 * COSEM date and time (Blue Book 4.1.6.1). Every field can be "not specified"; each octet has exactly one meaning here, so
 * the 12 octets can always be made again.
 */

/** A date of 5 octets. `null` = not specified (FFFF, FF). */
export interface CosemDate {
  readonly year: number | null;
  /** 1 to 12; 254 = daylight saving begins, 253 = ends. */
  readonly month: number | null;
  /** 1 to 31; 254 = last day of the month, 253 = last day but one. */
  readonly day: number | null;
  /** 1 = Monday to 7 = Sunday. */
  readonly weekday: number | null;
}

/** A time of 4 octets. `null` = not specified (FF). */
export interface CosemTime {
  readonly hour: number | null;
  readonly minute: number | null;
  readonly second: number | null;
  readonly hundredths: number | null;
}

/** A date and time of 12 octets. */
export interface CosemDateTime extends CosemDate, CosemTime {
  /** Minutes from local time to UTC: UTC = local + deviation, so UTC+1 is -60. `null` = not specified (8000). */
  readonly deviation: number | null;
  /** Bits of {@link CLOCK_STATUS}; 255 = not specified. */
  readonly status: number;
}

/** Bits of the clock status octet. 255 means that no bit is specified. */
export const CLOCK_STATUS = {
  invalidValue: 0x01,
  doubtfulValue: 0x02,
  differentClockBase: 0x04,
  invalidClockStatus: 0x08,
  daylightSavingActive: 0x80,
  notSpecified: 0xff,
} as const;
