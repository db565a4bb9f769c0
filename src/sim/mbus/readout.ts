/** What a simulated meter on a wired M-Bus tells: the registers of its profile at the present minute, and that minute. */
import { type MbusMoment, momentOctets } from '../../mbus/moment.ts';
import { vifFor } from '../../mbus/quantity.ts';
import type { MbusRecord } from '../../mbus/record.ts';
import type { ExactInteger } from '../../model/number.ts';
import type { RegisterRule } from '../../profile/schema/profile.ts';
import { meterTimeOf } from '../../profile/time.ts';
import { simError } from '../errors.ts';
import type { Device } from '../meter/device.ts';
import type { ToldRow } from '../meter/telegram.ts';

const MINUTE_MS = 60_000;
const PRESENT = { function: 'instantaneous', storage: 0, tariff: 0, subunit: 0, unitText: null, length: null } as const;
const INTEGER_32 = 4;
const DATE_TIME_VIF = 0x6d;

/** The records of now, and which values they tell. */
export function mbusReadoutOf(device: Device): {
  readonly records: readonly MbusRecord[];
  readonly told: Omit<ToldRow, 'device'>;
} {
  const atMs = Math.floor(device.nowMs / MINUTE_MS) * MINUTE_MS;
  const registers = device.profile.registers.filter(({ record }) => record !== null && record.storage === 0);
  const values = registers.map((register) => device.registerAt(register, atMs));
  const records = registers.map((register, at) => recordOf(register, values[at] ?? 0));
  const time = { ...PRESENT, coding: INTEGER_32, vif: [DATE_TIME_VIF], data: momentOctets(momentAt(device, atMs)) };
  return { records: [...records, time], told: { atMs, registers, values } };
}

function recordOf(register: RegisterRule, value: ExactInteger): MbusRecord {
  const { record: rule, unit, exponent } = register;
  const vif = rule === null ? null : vifFor({ name: rule.quantity, unit, exponent });
  if (rule === null || vif === null) throw simError('SIM_PROFILE', `${register.name}: no VIF says it`);
  const data = new Uint8Array(4);
  new DataView(data.buffer).setInt32(0, Number(value), true);
  const octets = vif.map((octet, at) => (at < vif.length - 1 ? octet | 0x80 : octet));
  return {
    ...PRESENT,
    function: rule.function,
    tariff: rule.tariff,
    subunit: rule.subunit,
    coding: INTEGER_32,
    vif: octets,
    data,
  };
}

/** The meter's local time; it says no zone, and whether summer time is in force. */
function momentAt(device: Device, utcMs: number): MbusMoment {
  const { year, month, day, hour, minute, status } = meterTimeOf(utcMs, device.profile.clock, device.timeZone);
  const isSummer = ((status ?? 0) & 0x80) !== 0;
  return { year: year ?? 0, month: month ?? 1, day: day ?? 1, hour, minute, second: null, isSummer };
}
