/**
 * From the telegrams of a meter on a wired M-Bus to readings, by its profile: a register takes the one record that has its
 * quantity, function, storage, tariff and subunit, and no modifier. A record in another unit than the profile's is told and left
 * out; so is one that is no whole number.
 *
 * The time of a value is that of the meter, where its telegrams have one: the date and time of the record's storage number
 * (0 = now, others = a due date, at its beginning where it is a date alone). Else it is the time of receipt, for present values
 * only: a historic value without a date has no time at all.
 */
import type { Data } from '../dlms/axdr/data.ts';
import type { MbusMoment } from '../mbus/moment.ts';
import { type MbusRecord, recordQuantity, recordValue } from '../mbus/record.ts';
import type { MbusTelegram } from '../mbus/telegram.ts';
import type { ReadContext, ReadoutGroup, ReadoutProblem, Scaler } from './readout.ts';
import { type RegisterAnswer, readRegisters } from './register-readout.ts';
import type { Profile, RecordRule, RegisterRule } from './schema/profile.ts';

const SUMMER_TIME = 0x80;
const NOT_SPECIFIED = 0xff;

/** The readings of a read-out. */
export function readTelegrams(
  profile: Profile,
  registers: readonly RegisterRule[],
  telegrams: readonly MbusTelegram[],
  context: ReadContext & { readonly nowMs: number },
): { readonly groups: readonly ReadoutGroup[]; readonly problems: readonly ReadoutProblem[] } {
  const records = telegrams.flatMap((telegram) => telegram.records);
  const problems: ReadoutProblem[] = [];
  const scalers = new Map<string, Scaler>();
  const answers: RegisterAnswer[] = [];
  registers.forEach((register, index) => {
    const { record: rule } = register;
    const found = rule === null ? undefined : records.find((record) => isMeant(record, rule));
    const answer =
      found === undefined || rule === null ? 'is in no telegram' : answerOf(register, rule, found, records);
    if (typeof answer === 'string') {
      problems.push({ index, sentence: `${register.name} ${answer}.` });
      return;
    }
    scalers.set(register.obis, answer.scaler);
    answers.push(answer.answer);
  });
  const now = momentOfStorage(records, 0);
  const clock = now === null ? null : dateTimeOfMoment(now);
  const read = readRegisters(profile, answers, clock, { ...context, scalers });
  return { groups: read.groups, problems: [...problems, ...read.problems] };
}

function isMeant(record: MbusRecord, rule: RecordRule): boolean {
  const { name, modifiers } = recordQuantity(record);
  return (
    name === rule.quantity &&
    modifiers.length === 0 &&
    record.function === rule.function &&
    record.storage === rule.storage &&
    record.tariff === rule.tariff &&
    record.subunit === rule.subunit
  );
}

function answerOf(
  register: RegisterRule,
  rule: RecordRule,
  record: MbusRecord,
  records: readonly MbusRecord[],
): { readonly answer: RegisterAnswer; readonly scaler: Scaler } | string {
  const { unit, exponent } = recordQuantity(record);
  if (unit !== register.unit) return `counts in ${unit || 'no unit'}, its profile says ${register.unit || 'none'}`;
  const value = recordValue(record);
  if (value.kind !== 'integer') return 'is no whole number';
  const moment = rule.storage === 0 ? null : momentOfStorage(records, rule.storage);
  if (rule.storage !== 0 && moment === null) return 'is of a day that the meter does not tell';
  const data: Data = { type: 'long64', value: BigInt(value.value) };
  const own = { ...register, scalerUnit: 'meter' } as const;
  const answer = { register: own, value: data, ...(moment === null ? {} : { captureTime: dateTimeOfMoment(moment) }) };
  return { answer, scaler: { exponent, unit } };
}

function momentOfStorage(records: readonly MbusRecord[], storage: number): MbusMoment | null {
  for (const record of records) {
    const { name, modifiers } = recordQuantity(record);
    if (record.storage !== storage || modifiers.length > 0 || (name !== 'date-time' && name !== 'date')) continue;
    const value = recordValue(record);
    // The meter's present date without a time is no time of a value.
    if (value.kind === 'moment' && (storage !== 0 || value.moment.hour !== null)) return value.moment;
  }
  return null;
}

/** Local time of the meter, as the octets of a COSEM date-time without deviation. */
function dateTimeOfMoment({ year, month, day, hour, minute, second, isSummer }: MbusMoment): Data {
  const time = [hour ?? 0, minute ?? 0, second ?? 0, 0];
  const octets = [year >> 8, year & 0xff, month, day, NOT_SPECIFIED, ...time, 0x80, 0x00, isSummer ? SUMMER_TIME : 0];
  return { type: 'octet-string', value: Uint8Array.from(octets) };
}
