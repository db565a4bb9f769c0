/**
 * From registers of a Modbus device to readings, by the register map of its profile. A value is an integer at the profile's
 * exponent; a 32-bit real, which is no exact number, is rounded to it. The time is that of receipt, with quality
 * `no-meter-time`: registers have none.
 */
import type { Data } from '../dlms/axdr/data.ts';
import { type ModbusRequest, REGISTERS_MAX } from '../modbus/frame.ts';
import type { ReadContext, ReadoutGroup, ReadoutProblem } from './readout.ts';
import { type RegisterAnswer, readRegisters } from './register-readout.ts';
import type { ModbusRule, Profile, RegisterRule } from './schema/profile.ts';

const WORDS = { u16: 1, i16: 1, u32: 2, i32: 2, float32: 2, u64: 4 } as const;
const WORD_OCTETS = 2;

/** Registers of a value. */
export function wordsOf({ type }: ModbusRule): number {
  return WORDS[type];
}

/** One request for a run of registers of the map, and what it brings. */
export interface ModbusRun {
  readonly request: Omit<ModbusRequest, 'unit'>;
  readonly registers: readonly RegisterRule[];
}

/** The requests for registers: neighbours of one function are asked for together. */
export function modbusRuns(registers: readonly RegisterRule[]): readonly ModbusRun[] {
  const placed = registers.flatMap((register) =>
    register.modbus === null ? [] : [{ register, rule: register.modbus }],
  );
  placed.sort((a, b) => a.rule.function - b.rule.function || a.rule.register - b.rule.register);
  const runs: ModbusRun[] = [];
  for (const { register, rule } of placed) {
    const last = runs.at(-1);
    const count = (last?.request.count ?? 0) + wordsOf(rule);
    const isNext =
      last?.request.function === rule.function &&
      last.request.first + last.request.count === rule.register &&
      count <= REGISTERS_MAX;
    if (last !== undefined && isNext)
      runs.splice(-1, 1, { request: { ...last.request, count }, registers: [...last.registers, register] });
    else
      runs.push({
        request: { function: rule.function, first: rule.register, count: wordsOf(rule) },
        registers: [register],
      });
  }
  return runs;
}

/** The readings of what runs have brought, in their order. */
export function readModbus(
  profile: Profile,
  runs: readonly ModbusRun[],
  blocks: readonly Uint8Array[],
  context: ReadContext & { readonly nowMs: number },
): { readonly groups: readonly ReadoutGroup[]; readonly problems: readonly ReadoutProblem[] } {
  const problems: ReadoutProblem[] = [];
  const answers: RegisterAnswer[] = [];
  for (const [at, { request, registers }] of runs.entries())
    for (const register of registers) {
      const { modbus: rule } = register;
      const block = blocks[at];
      if (rule === null || block === undefined) continue;
      const start = (rule.register - request.first) * WORD_OCTETS;
      const value = valueIn(rule, register.exponent, block.slice(start, start + wordsOf(rule) * WORD_OCTETS));
      if (value === null) problems.push({ index: at, sentence: `${register.name} holds no number.` });
      else answers.push({ register, value });
    }
  const read = readRegisters(profile, answers, null, context);
  return { groups: read.groups, problems: [...problems, ...read.problems] };
}

function valueIn({ type, words }: ModbusRule, exponent: number, octets: Uint8Array): Data | null {
  const ordered = words === 'high-first' ? octets : swapped(octets);
  const view = new DataView(ordered.buffer, ordered.byteOffset, ordered.length);
  const integer = (value: number | bigint): Data => ({ type: 'long64', value: BigInt(value) });
  switch (type) {
    case 'u16':
      return integer(view.getUint16(0));
    case 'i16':
      return integer(view.getInt16(0));
    case 'u32':
      return integer(view.getUint32(0));
    case 'i32':
      return integer(view.getInt32(0));
    case 'u64':
      return { type: 'long64-unsigned', value: view.getBigUint64(0) };
    case 'float32': {
      const scaled = Math.round(view.getFloat32(0) / 10 ** exponent);
      return Number.isSafeInteger(scaled) ? integer(scaled) : null;
    }
  }
}

/** The same words the other way round. */
function swapped(octets: Uint8Array): Uint8Array {
  const result = new Uint8Array(octets.length);
  for (let at = 0; at < octets.length; at += WORD_OCTETS)
    result.set(octets.subarray(octets.length - at - WORD_OCTETS, octets.length - at), at);
  return result;
}

/** Octets of a value as a device holds it; null where it does not fit. */
export function modbusOctets(rule: ModbusRule, exponent: number, value: number | bigint): Uint8Array {
  const octets = new Uint8Array(wordsOf(rule) * WORD_OCTETS);
  const view = new DataView(octets.buffer);
  if (rule.type === 'float32') view.setFloat32(0, Number(value) * 10 ** exponent);
  else if (rule.type === 'u64') view.setBigUint64(0, BigInt(value));
  else if (octets.length === WORD_OCTETS) view.setUint16(0, Number(value) & 0xffff);
  else view.setUint32(0, Number(BigInt.asUintN(32, BigInt(value))));
  return rule.words === 'high-first' ? octets : swapped(octets);
}
