/**
 * One coder for every column of a day block: a list of integers, written in whichever of a few ways is shortest.
 *
 * Differences of order 0, 1 or 2 are taken first, so a constant step costs nothing. What is left is written either as Rice
 * codes of one parameter (load values) or as runs (columns that rarely change). Values whose differences would leave the
 * safe range are written at full width as bigint. The reader knows the count.
 */
import type { BitReader, BitWriter } from '../../../base/bits.ts';
import { type ExactInteger, exact } from '../../../model/number.ts';
import { storeError } from '../errors.ts';

/** How a list is written. */
const KIND = { same: 0, rice: 1, runs: 2, wide: 3 } as const;
const KIND_BITS = 2;
const ORDER_BITS = 2;
const RICE_BITS = 5;
const RICE_MAX = 31;
/** Ones of a Rice quotient before the value is written plainly. */
const ESCAPE_ONES = 20;
const LENGTH_BITS = 6;
const WIDE_LENGTH_BITS = 7;
/** Differences beyond this are written wide: their zigzag form must stay safe. */
const RESIDUAL_MAX = 2 ** 51;
const ORDERS = [0, 1, 2] as const;

interface Plan {
  readonly kind: 1 | 2;
  readonly order: number;
  readonly rice: number;
  readonly bits: number;
  readonly seeds: readonly number[];
  /** Zigzag differences behind the seeds. */
  readonly rest: readonly number[];
}

/** A non-negative safe integer: 6 bits of length, then as many bits. */
export function writeNumber(writer: BitWriter, value: number): void {
  const length = bitLength(value);
  writer.bits(length, LENGTH_BITS);
  writer.wideBits(value, length);
}

/** The number that {@link writeNumber} wrote. */
export function readNumber(reader: BitReader): number {
  const length = reader.bits(LENGTH_BITS);
  if (length > 53) throw storeError('STORE_BLOCK_FORMAT', `a number of ${length} bits`);
  return reader.wideBits(length);
}

/** Writes the list; `before` is an equal list that the reader has already, if there is one. */
export function writeIntegers(
  writer: BitWriter,
  values: readonly ExactInteger[],
  before?: readonly ExactInteger[],
): void {
  if (before !== undefined && before.length === values.length && values.every((value, at) => value === before[at])) {
    writer.bits(KIND.same, KIND_BITS);
    return;
  }
  const plan = bestPlan(values);
  if (plan === null) writeWide(writer, values);
  else writePlan(writer, plan);
}

function writePlan(writer: BitWriter, plan: Plan): void {
  writer.bits(plan.kind, KIND_BITS);
  writer.bits(plan.order, ORDER_BITS);
  for (const seed of plan.seeds) writeNumber(writer, zigzag(seed));
  if (plan.kind === KIND.runs) {
    writeRuns(writer, plan.rest);
    return;
  }
  writer.bits(plan.rice, RICE_BITS);
  for (const value of plan.rest) writeRice(writer, value, plan.rice);
}

/** Reads a list of `count` integers; throws STORE_BLOCK_FORMAT or TruncatedError. */
export function readIntegers(
  reader: BitReader,
  count: number,
  before?: readonly ExactInteger[],
): readonly ExactInteger[] {
  return readList(reader, count, before, true);
}

function readList(
  reader: BitReader,
  count: number,
  before: readonly ExactInteger[] | undefined,
  mayBeWide: boolean,
): readonly ExactInteger[] {
  const kind = reader.bits(KIND_BITS);
  if (kind === KIND.same) {
    if (before?.length !== count) throw storeError('STORE_BLOCK_FORMAT', 'a column refers to one that is not there');
    return before;
  }
  if (kind === KIND.wide) {
    const values = readWide(reader, count);
    if (!mayBeWide && values.some((value) => typeof value !== 'number')) {
      throw storeError('STORE_BLOCK_FORMAT', 'a column is too wide');
    }
    return values;
  }
  const order = reader.bits(ORDER_BITS);
  if (order > 2) throw storeError('STORE_BLOCK_FORMAT', `differences of order ${order}`);
  const values: number[] = [];
  while (values.length < Math.min(order, count)) values.push(unzigzag(readNumber(reader)));
  const rest = count - values.length;
  const differences = kind === KIND.runs ? readRuns(reader, rest) : readRices(reader, rest);
  return integrate(values, differences, order);
}

/** The list as numbers; throws STORE_BLOCK_FORMAT when one of them is wider. */
export function readNumbers(reader: BitReader, count: number, before?: readonly number[]): readonly number[] {
  return readList(reader, count, before, false) as readonly number[];
}

function bitLength(value: number): number {
  const high = Math.floor(value / 2 ** 32);
  return high > 0 ? 64 - Math.clz32(high) : 32 - Math.clz32(value >>> 0);
}

function zigzag(value: number): number {
  return value < 0 ? -2 * value - 1 : 2 * value;
}

function unzigzag(value: number): number {
  return value % 2 === 1 ? -(value + 1) / 2 : value / 2;
}

/** The cheapest way; null when the values or their differences are too wide for numbers. */
function bestPlan(values: readonly ExactInteger[]): Plan | null {
  for (const value of values) if (typeof value !== 'number' || Math.abs(value) >= RESIDUAL_MAX) return null;
  let best: Plan | null = null;
  let list = values as readonly number[];
  const seeds: number[] = [];
  for (const order of ORDERS) {
    if (order > 0) {
      if (list.length === 0) break;
      seeds.push(list[0] as number);
      list = differencesOf(list);
      if (list.some((value) => Math.abs(value) >= RESIDUAL_MAX)) break;
    }
    const plan = planOf(order, [...seeds], list.map(zigzag));
    if (best === null || plan.bits < best.bits) best = plan;
    // Nothing is left to gain: most columns are constant, or grow by a constant step.
    if (isConstant(list)) break;
  }
  return best;
}

function isConstant(list: readonly number[]): boolean {
  for (const value of list) if (value !== list[0]) return false;
  return true;
}

function differencesOf(list: readonly number[]): number[] {
  const differences: number[] = [];
  for (let at = 1; at < list.length; at++) differences.push((list[at] as number) - (list[at - 1] as number));
  return differences;
}

/** Runs, or Rice codes with the best of three parameters around the mean. */
function planOf(order: number, seeds: readonly number[], rest: readonly number[]): Plan {
  let seedBits = 0;
  for (const seed of seeds) seedBits += LENGTH_BITS + bitLength(zigzag(seed));
  let best: Plan = { kind: KIND.runs, order, rice: 0, bits: seedBits + runBits(rest), seeds, rest };
  let sum = 0;
  for (const value of rest) sum += value;
  const middle = Math.min(RICE_MAX, Math.max(0, Math.floor(Math.log2(sum / Math.max(1, rest.length) + 1))));
  for (let rice = Math.max(0, middle - 1); rice <= Math.min(RICE_MAX, middle + 1); rice++) {
    const bits = seedBits + RICE_BITS + riceBits(rest, rice, best.bits);
    if (bits < best.bits) best = { kind: KIND.rice, order, rice, bits, seeds, rest };
  }
  return best;
}

/** Bits of the Rice codes; counting ends when it is beyond `most`. */
function riceBits(rest: readonly number[], rice: number, most: number): number {
  const scale = 2 ** rice;
  let bits = rest.length * (1 + rice);
  for (const value of rest) {
    if (value < scale) continue;
    const quotient = Math.floor(value / scale);
    bits += quotient < ESCAPE_ONES ? quotient : ESCAPE_ONES + LENGTH_BITS + bitLength(value) - 1 - rice;
    if (bits > most) return bits;
  }
  return bits;
}

function writeRice(writer: BitWriter, value: number, rice: number): void {
  const quotient = Math.floor(value / 2 ** rice);
  if (quotient >= ESCAPE_ONES) {
    writer.bits(2 ** ESCAPE_ONES - 1, ESCAPE_ONES);
    writeNumber(writer, value);
    return;
  }
  writer.bits((2 ** quotient - 1) * 2, quotient + 1);
  writer.wideBits(value - quotient * 2 ** rice, rice);
}

function readRices(reader: BitReader, count: number): number[] {
  const rice = reader.bits(RICE_BITS);
  const values: number[] = [];
  while (values.length < count) {
    const quotient = reader.ones(ESCAPE_ONES);
    values.push(quotient === ESCAPE_ONES ? readNumber(reader) : quotient * 2 ** rice + reader.wideBits(rice));
  }
  return values;
}

function* runsOf(rest: readonly number[]): Generator<readonly [value: number, length: number]> {
  let from = 0;
  for (let at = 1; at <= rest.length; at++) {
    if (at < rest.length && rest[at] === rest[from]) continue;
    yield [rest[from] as number, at - from];
    from = at;
  }
}

function runBits(rest: readonly number[]): number {
  let bits = 0;
  let from = 0;
  for (let at = 1; at <= rest.length; at++) {
    if (at < rest.length && rest[at] === rest[from]) continue;
    bits += 2 * LENGTH_BITS + bitLength(rest[from] as number) + bitLength(at - from);
    from = at;
  }
  return bits;
}

function writeRuns(writer: BitWriter, rest: readonly number[]): void {
  for (const [value, length] of runsOf(rest)) {
    writeNumber(writer, value);
    writeNumber(writer, length);
  }
}

function readRuns(reader: BitReader, count: number): number[] {
  const values: number[] = [];
  while (values.length < count) {
    const value = readNumber(reader);
    const length = readNumber(reader);
    if (length === 0 || length > count - values.length) throw storeError('STORE_BLOCK_FORMAT', `a run of ${length}`);
    for (let left = length; left > 0; left--) values.push(value);
  }
  return values;
}

function integrate(values: number[], differences: readonly number[], order: number): readonly number[] {
  let last = values.at(-1) ?? 0;
  let step = order === 2 && values.length === 2 ? (values[1] as number) : 0;
  if (order === 2 && values.length === 2) {
    last = (values[0] as number) + step;
    values[1] = last;
  }
  for (const coded of differences) {
    const difference = unzigzag(coded);
    if (order === 0) last = difference;
    else if (order === 1) last += difference;
    else {
      step += difference;
      last += step;
    }
    values.push(last);
  }
  return values;
}

function writeWide(writer: BitWriter, values: readonly ExactInteger[]): void {
  writer.bits(KIND.wide, KIND_BITS);
  let last = 0n;
  for (const value of values) {
    const difference = BigInt(value) - last;
    const coded = difference < 0n ? -2n * difference - 1n : 2n * difference;
    const length = coded === 0n ? 0 : coded.toString(2).length;
    writer.bits(length, WIDE_LENGTH_BITS);
    writer.bigBits(coded, length);
    last = BigInt(value);
  }
}

function readWide(reader: BitReader, count: number): readonly ExactInteger[] {
  const values: ExactInteger[] = [];
  let last = 0n;
  while (values.length < count) {
    const coded = reader.bigBits(reader.bits(WIDE_LENGTH_BITS));
    last += (coded & 1n) === 1n ? -(coded + 1n) / 2n : coded / 2n;
    values.push(exact(last));
  }
  return values;
}
