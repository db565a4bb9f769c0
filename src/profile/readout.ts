/**
 * From COSEM values to readings, by a meter's profile: rows of buffers, and what every kind of readout has in common.
 * Registers, texts and events are beside it, in `register-readout.ts` and `event-readout.ts`.
 *
 * What comes out has the shape of the journal's groups (the edge hands them on as they are). A row that cannot be placed in
 * time or does not have the profile's columns is not guessed at: it is left out and told, because a shifted column would
 * put one register's energy on another's bill.
 */
import type { Data } from '../dlms/axdr/data.ts';
import type { MeterId } from '../model/ids.ts';
import type { ExactInteger } from '../model/number.ts';
import { QUALITIES, type Quality, SOURCES, type Source } from '../model/reading.ts';
import { FUTURE_ROW_MAX_MS } from './limits.ts';
import type { AskedRange } from './plan.ts';
import type { BufferRule, Profile, RegisterRule, StatusRule, ValueClass } from './schema/profile.ts';
import { Strangers } from './strangers.ts';
import { type PlacedTime, placeTime } from './time.ts';
import { dateTimeOf, integerOf, isBitSet, statusOctetsOf } from './value.ts';

/** Where and when a value was read. */
export interface ReadContext {
  readonly meterId: MeterId;
  /** IANA zone of the site. */
  readonly timeZone: string;
  /** The edge's time, UTC ms, or null while its clock is not set. */
  readonly nowMs: number | null;
  /** Exponent and unit that the meter itself gave, by OBIS: for registers whose profile trusts the meter. */
  readonly scalers?: ReadonlyMap<string, Scaler>;
}

/** A scaler_unit. */
export interface Scaler {
  readonly exponent: number;
  /** Symbol of the unit table. */
  readonly unit: string;
}

/** Readings of one kind with one set of columns, in time order: the shape of a journal group. */
export interface ReadoutGroup {
  readonly group: {
    readonly meterId: string;
    readonly intervalS: number;
    /** Index in SOURCES. */
    readonly source: number;
    readonly timeZone: string;
    readonly columns: readonly { readonly obis: string; readonly exponent: number; readonly unit: string }[];
  };
  readonly valueClass: ValueClass;
  readonly rows: readonly ReadoutRow[];
}

/** One row of a group. */
export interface ReadoutRow {
  /** Interval end or capture time, UTC ms. */
  readonly atMs: number;
  /** 0-8 octets, as read. */
  readonly status: Uint8Array;
  readonly quality: Quality;
  /** Minutes, UTC minus local, null when the meter gave none. */
  readonly deviationMin: number | null;
  readonly values: readonly (ExactInteger | null)[];
}

/** Something in an answer that could not be used. */
export interface ReadoutProblem {
  /** Row or element, from 0. */
  readonly index: number;
  /** What is wrong, for a person. */
  readonly sentence: string;
}

/** A buffer, read out. */
export interface BufferReadout {
  readonly groups: readonly ReadoutGroup[];
  /** Time of the newest row, the next watermark; null when no row is above the old one. */
  readonly newestAtMs: number | null;
  /** Rows that were at or below the watermark: answers of a range include its start. */
  readonly known: number;
  readonly problems: readonly ReadoutProblem[];
}

/** A row on its way: what null-data in the next one refers to. */
interface OpenRow {
  readonly time: PlacedTime;
  readonly status: Uint8Array;
  readonly quality: Quality;
  readonly values: readonly (ExactInteger | null)[];
}

/**
 * Rows of a buffer (attribute 2 of a profile generic) above the watermark, one group per value class. `watermarkMs` is the
 * interval end of the newest row held, null = none. Rows that are not of the range that was `asked` for are left out and
 * told: a watermark that followed them would skip what lies between.
 */
export function readBuffer(
  profile: Profile,
  rule: BufferRule,
  buffer: Data,
  context: ReadContext,
  watermarkMs: number | null,
  asked: AskedRange | null = null,
): BufferReadout {
  if (buffer.type !== 'array' && buffer.type !== 'compact-array') {
    const problems = [{ index: 0, sentence: `The buffer is a ${buffer.type}.` }];
    return { groups: [], newestAtMs: null, known: 0, problems };
  }
  const reader = new BufferReader(profile, rule, context, watermarkMs, asked);
  buffer.value.forEach((row, index) => {
    reader.take(row, index);
  });
  return reader.finish();
}

class BufferReader {
  readonly #problems: ReadoutProblem[] = [];
  readonly #rows = new Map<number, OpenRow>();
  readonly #stepMs: number;
  readonly #strangers: Strangers;
  readonly #registers: readonly RegisterRule[];
  #above: OpenRow | null = null;
  #known = 0;

  constructor(
    private readonly profile: Profile,
    private readonly rule: BufferRule,
    private readonly context: ReadContext,
    private readonly watermarkMs: number | null,
    asked: AskedRange | null,
  ) {
    this.#stepMs = (rule.order === 'oldest-first' ? 1 : -1) * rule.intervalS * 1000;
    this.#strangers = new Strangers(asked, rule.intervalS * 1000);
    this.#registers = rule.columns.flatMap((column) => (column.kind === 'register' ? [column.register] : []));
  }

  take(data: Data, index: number): void {
    const open = this.#open(data);
    if (typeof open === 'string') {
      this.#problems.push({ index, sentence: open });
      return;
    }
    this.#above = open;
    const shiftMs = this.rule.stamp === 'start' ? this.rule.intervalS * 1000 : 0;
    const atMs = open.time.atMs + shiftMs;
    if (this.watermarkMs !== null && atMs <= this.watermarkMs) this.#known++;
    else if (this.#strangers.takes(open.time.atMs, index)) return;
    else if (this.context.nowMs !== null && atMs > this.context.nowMs + FUTURE_ROW_MAX_MS) {
      this.#problems.push({ index, sentence: 'The row lies in the future: look at the clock of the meter.' });
    } else this.#rows.set(atMs, open);
  }

  finish(): BufferReadout {
    const times = [...this.#rows.keys()].sort((a, b) => a - b);
    return {
      groups: this.#groups(times),
      newestAtMs: times.at(-1) ?? null,
      known: this.#known,
      problems: [...this.#problems, ...this.#strangers.problems()],
    };
  }

  #groups(times: readonly number[]): ReadoutGroup[] {
    if (times.length === 0) return [];
    const groups: ReadoutGroup[] = [];
    for (const valueClass of ['billing', 'low-value'] as const) {
      const indices = this.#registers.flatMap((register, at) => (register.valueClass === valueClass ? [at] : []));
      if (indices.length === 0) continue;
      const columns = indices.map((at) => columnOf(this.#registers[at] as RegisterRule, this.context));
      const rows = times.map((atMs) => rowOf(atMs, this.#rows.get(atMs) as OpenRow, indices));
      groups.push({ group: groupOf(this.context, this.rule.intervalS, 'profile', columns), valueClass, rows });
    }
    return groups;
  }

  /** The row with what it inherits, or why it cannot be used. */
  #open(data: Data): OpenRow | string {
    if (data.type !== 'structure' && data.type !== 'array') return `A row is a ${data.type}, a structure was expected.`;
    const cells = data.value;
    if (cells.length !== this.rule.columns.length) {
      return `A row has ${cells.length} columns, the profile has ${this.rule.columns.length}.`;
    }
    const status = this.#status(cells);
    if (status === null) return 'The status column holds no status.';
    const time = this.#time(cells, status);
    if (time === null) return 'The row has no usable time.';
    const values = this.#values(cells);
    if (typeof values === 'string') return values;
    const quality = worstOf([
      ...qualitiesOf(this.rule.status, status),
      ...(time.doubtful ? (['clock-invalid'] as const) : []),
    ]);
    return { time, status, quality, values };
  }

  #cell(cells: readonly Data[], kind: 'clock' | 'status'): Data | undefined {
    const at = this.rule.columns.findIndex((column) => column.kind === kind);
    return at === -1 ? undefined : cells[at];
  }

  #status(cells: readonly Data[]): Uint8Array | null {
    const cell = this.#cell(cells, 'status');
    if (cell === undefined) return NO_STATUS;
    if (cell.type === 'null-data') return this.#above?.status ?? NO_STATUS;
    return statusOctetsOf(cell);
  }

  #time(cells: readonly Data[], status: Uint8Array): PlacedTime | null {
    const cell = this.#cell(cells, 'clock');
    if (cell === undefined) return null;
    if (cell.type === 'null-data') return this.#nextTime();
    const time = dateTimeOf(cell);
    if (time === null) return null;
    const bit = this.rule.status?.bits.find((candidate) => candidate.daylight);
    // Before the first row of an answer stands the watermark, but only when rows come oldest first.
    const previousAtMs = this.#above?.time.atMs ?? (this.rule.order === 'oldest-first' ? this.watermarkMs : null);
    return placeTime(time, this.profile.clock, {
      siteZone: this.context.timeZone,
      previousAtMs: this.rule.order === 'oldest-first' ? previousAtMs : null,
      daylight: bit === undefined || status.length === 0 ? null : isBitSet(status, bit.bit),
    });
  }

  #nextTime(): PlacedTime | null {
    const above = this.#above?.time;
    return above === undefined ? null : { ...above, atMs: above.atMs + this.#stepMs };
  }

  #values(cells: readonly Data[]): (ExactInteger | null)[] | string {
    const values: (ExactInteger | null)[] = [];
    for (const [at, column] of this.rule.columns.entries()) {
      if (column.kind !== 'register') continue;
      const cell = cells[at] as Data;
      if (cell.type === 'null-data' || cell.type === 'dont-care') {
        values.push(this.rule.nullData === 'inherit' ? (this.#above?.values[values.length] ?? null) : null);
        continue;
      }
      const value = integerOf(cell, columnOf(column.register, this.context).exponent);
      if (value === null)
        return `${column.register.name} is a ${cell.type} that is no whole number at the profile's exponent.`;
      values.push(value);
    }
    return values;
  }
}

const NO_STATUS = new Uint8Array(0);

function rowOf(atMs: number, row: OpenRow, indices: readonly number[]): ReadoutRow {
  return {
    atMs,
    status: row.status,
    quality: row.quality,
    deviationMin: row.time.deviationMin,
    values: indices.map((at) => row.values[at] ?? null),
  };
}

/** A column with the exponent and unit that hold for this meter. */
export function columnOf(
  register: RegisterRule,
  context: ReadContext,
): { obis: string; exponent: number; unit: string } {
  const scaler = register.scalerUnit === 'meter' ? context.scalers?.get(register.obis) : undefined;
  return {
    obis: register.storedAs,
    exponent: scaler?.exponent ?? register.exponent,
    unit: scaler?.unit ?? register.unit,
  };
}

/** A group's head. */
export function groupOf(
  context: ReadContext,
  intervalS: number,
  source: Source,
  columns: ReadoutGroup['group']['columns'],
): ReadoutGroup['group'] {
  return { meterId: context.meterId, intervalS, source: SOURCES.indexOf(source), timeZone: context.timeZone, columns };
}

/** What the bits of a status say of the values. */
export function qualitiesOf(rule: StatusRule | null, status: Uint8Array): Quality[] {
  if (rule === null || status.length === 0) return [];
  return rule.bits.flatMap((bit) => (bit.quality !== null && isBitSet(status, bit.bit) ? [bit.quality] : []));
}

/** The worst of several qualities; good when there is none. */
export function worstOf(qualities: readonly Quality[]): Quality {
  let worst = 0;
  for (const quality of qualities) worst = Math.max(worst, QUALITIES.indexOf(quality));
  return QUALITIES[worst] ?? 'good';
}
