/**
 * Registers, scalers and texts that were read one by one or pushed, by a meter's profile: readings of interval length 0.
 * Buffers are in `readout.ts`.
 */
import type { Data } from '../dlms/axdr/data.ts';
import { UNIT_NONE, unitSymbol } from '../dlms/cosem/units.ts';
import type { MeterAttribute } from '../model/event.ts';
import type { ExactInteger } from '../model/number.ts';
import type { Quality, Source } from '../model/reading.ts';
import { columnOf, groupOf, type ReadContext, type ReadoutGroup, type ReadoutProblem, type Scaler } from './readout.ts';
import type { AttributeRule, Profile, RegisterRule, ValueClass } from './schema/profile.ts';
import { placeTime } from './time.ts';
import { dateTimeOf, integerOf, textOf } from './value.ts';

const NO_STATUS = new Uint8Array(0);

/** A register as answered. */
export interface RegisterAnswer {
  readonly register: RegisterRule;
  readonly value: Data;
  /** Capture time, attribute 5 of an extended register, when it was read. */
  readonly captureTime?: Data;
}

/**
 * Registers read outside a buffer, interval length 0. Their time is the meter's clock when it was read in the same session
 * (`clock`), otherwise the edge's receive time with quality `no-meter-time`. A register that holds no number is told.
 */
export function readRegisters(
  profile: Profile,
  answers: readonly RegisterAnswer[],
  clock: Data | null,
  context: ReadContext & { readonly nowMs: number },
  source: Source = 'register',
): { readonly groups: readonly ReadoutGroup[]; readonly problems: readonly ReadoutProblem[] } {
  const problems: ReadoutProblem[] = [];
  const rows = new Map<string, { valueClass: ValueClass; time: RegisterTime; columns: ColumnValue[] }>();
  const sessionTime = registerTime(profile, clock, context);
  answers.forEach((answer, index) => {
    const column = columnOf(answer.register, context);
    const value = integerOf(answer.value, column.exponent);
    if (value === null) {
      problems.push({
        index,
        sentence: `${answer.register.name} is a ${answer.value.type}, a whole number was expected.`,
      });
      return;
    }
    const time = answer.captureTime === undefined ? sessionTime : registerTime(profile, answer.captureTime, context);
    const key = `${answer.register.valueClass} ${time.atMs}`;
    const row = rows.get(key) ?? { valueClass: answer.register.valueClass, time, columns: [] };
    row.columns.push({ column, value });
    rows.set(key, row);
  });
  const groups = [...rows.values()].map((row) => ({
    group: groupOf(
      context,
      0,
      source,
      row.columns.map((entry) => entry.column),
    ),
    valueClass: row.valueClass,
    rows: [{ ...row.time, status: NO_STATUS, values: row.columns.map((entry) => entry.value) }],
  }));
  return { groups, problems };
}

interface ColumnValue {
  readonly column: { obis: string; exponent: number; unit: string };
  readonly value: ExactInteger;
}

/** A time of capture with what it is worth. */
export interface RegisterTime {
  readonly atMs: number;
  readonly quality: Quality;
  readonly deviationMin: number | null;
}

/** The time that a meter gives, or the receive time when it gives none that can be used. */
export function registerTime(
  profile: Profile,
  clock: Data | null,
  context: ReadContext & { readonly nowMs: number },
): RegisterTime {
  const time = clock === null ? null : dateTimeOf(clock);
  const hints = { siteZone: context.timeZone, previousAtMs: null, daylight: null };
  const placed = time === null ? null : placeTime(time, profile.clock, hints);
  if (placed === null || placed.invalid) return { atMs: context.nowMs, quality: 'no-meter-time', deviationMin: null };
  return { atMs: placed.atMs, quality: placed.doubtful ? 'clock-invalid' : 'good', deviationMin: placed.deviationMin };
}

/**
 * Exponents and units that the meter itself gives, from the answers to `scalerRequests`, for {@link ReadContext.scalers}. A
 * unit that is not the profile's is told and not believed: the register is then something else than the profile says.
 */
export function readScalers(answers: readonly { readonly register: RegisterRule; readonly value: Data }[]): {
  readonly scalers: ReadonlyMap<string, Scaler>;
  readonly problems: readonly ReadoutProblem[];
} {
  const scalers = new Map<string, Scaler>();
  const problems: ReadoutProblem[] = [];
  answers.forEach(({ register, value }, index) => {
    const [scaler, unit] = value.type === 'structure' ? value.value : [];
    if (scaler?.type !== 'integer' || unit?.type !== 'enum') {
      problems.push({ index, sentence: `${register.name} has no scaler and unit.` });
      return;
    }
    const symbol = unit.value === UNIT_NONE ? '' : unitSymbol(unit.value);
    if (symbol === register.unit) scalers.set(register.obis, { exponent: scaler.value, unit: symbol });
    else problems.push({ index, sentence: `${register.name} counts in ${symbol}, its profile says ${register.unit}.` });
  });
  return { scalers, problems };
}

/** Texts and identifiers as answered; a value without octets is left out. */
export function readAttributes(
  answers: readonly { readonly attribute: AttributeRule; readonly value: Data }[],
  context: ReadContext & { readonly nowMs: number },
): MeterAttribute[] {
  return answers.flatMap(({ attribute, value }) => {
    const text = textOf(value, attribute.form);
    if (text === null) return [];
    return [{ meterId: context.meterId, obis: attribute.obis, name: attribute.name, text, readAtMs: context.nowMs }];
  });
}
