/** A simulated meter with a Modbus register map: its values are those of the present moment, the time is its reader's. */
import { modbusOctets, wordsOf } from '../../profile/modbus-readout.ts';
import type { RegisterRule } from '../../profile/schema/profile.ts';
import type { Device } from '../meter/device.ts';
import type { ModbusDevice } from './segment.machine.ts';

const WORD_OCTETS = 2;

/** See the head of the file. */
export class SimModbusDevice implements ModbusDevice {
  isDead = false;

  constructor(
    private readonly device: Device,
    readonly unit: number,
  ) {}

  get meterId(): string {
    return this.device.meterId;
  }

  read(code: 3 | 4, first: number, count: number): Uint8Array | null {
    const octets = new Uint8Array(count * WORD_OCTETS);
    let held = 0;
    for (const register of this.device.profile.registers) {
      const { modbus: rule } = register;
      if (rule === null || rule.function !== code || rule.register < first) continue;
      if (rule.register + wordsOf(rule) > first + count) continue;
      const value = modbusOctets(rule, register.exponent, this.valueAt(register, this.device.nowMs));
      octets.set(value, (rule.register - first) * WORD_OCTETS);
      held += wordsOf(rule);
    }
    return held === count ? octets : null;
  }

  /** What a register holds at a moment. */
  valueAt(register: RegisterRule, utcMs: number): number | bigint {
    return this.device.registerAt(register, utcMs);
  }
}
