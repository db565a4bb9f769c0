/**
 * The code of one value: an adaptive prediction and an adaptive Rice code that turns into an exponential one.
 *
 * Two predictions compete: order 1 says "as before", order 2 says "as much more as before". Each keeps a running mean of
 * its own misses; the better one is used and its mean chooses the Rice parameter. Writer and reader compute the same means
 * from the same past values, so a block carries no parameters at all. Given up: the last 5-10 % that an arithmetic coder
 * would find; the known weak point is a series that jumps between quiet and wild, which costs a few bits at each jump.
 */
import type { BitReader, BitWriter } from '../base/bits.ts';
import { addExact, type ExactInteger, exact, subtractExact } from '../model/number.ts';
import { wireError } from './errors.ts';
import type { ColumnState } from './lane-state.ts';

/** Quotients below this are plain Rice codes. */
const RICE_ONES = 4;
/** So many ones, without a zero behind them, announce a number with its width in front. */
const ESCAPE_ONES = 14;
/** Bits of a width. */
const WIDTH_BITS = 7;
/** Widest number: the zigzag of a miss of order 2 between values of -2^63 .. 2^64 - 1. */
const WIDTH_MAX = 68;
/** Misses above this count as this in a mean, so that one outlier is forgotten in some 30 values. */
const MISS_CAP = 2 ** 20;
/** Means are kept in sixteenths. */
const MEAN_SHIFT = 4;
/** A mean moves a quarter of the way to each new miss. */
const LEARN_SHIFT = 2;
/** Numbers below this are coded with 32-bit arithmetic. */
const SHORT_MAX = 2 ** 30;
/** The longest parameter: the least k with 2^(k+1) at or above the highest mean. */
const ZIGZAG_SAFE = 2 ** 52;

/** 0, -1, 1, -2, 2 ... as 0, 1, 2, 3, 4 ... */
export function zigzag(value: ExactInteger): ExactInteger {
  if (typeof value === 'number' && value > -ZIGZAG_SAFE && value < ZIGZAG_SAFE)
    return value >= 0 ? 2 * value : -2 * value - 1;
  const wide = BigInt(value);
  return exact(wide >= 0n ? 2n * wide : -2n * wide - 1n);
}

/** The inverse of {@link zigzag}. */
export function unzigzag(value: ExactInteger): ExactInteger {
  if (typeof value === 'number') {
    const half = Math.floor(value / 2);
    return value === 2 * half ? half : -half - 1;
  }
  return exact((value & 1n) === 0n ? value >> 1n : -(value >> 1n) - 1n);
}

function widthOf(value: ExactInteger): number {
  if (typeof value === 'number' && value < SHORT_MAX) return 32 - Math.clz32(value);
  return BigInt(value).toString(2).length;
}

/** A non-negative number with its width (7 bits) in front, its highest one left out. */
export function writeWide(writer: BitWriter, value: ExactInteger): void {
  const width = value === 0 ? 0 : widthOf(value);
  writer.bits(width, WIDTH_BITS);
  if (width <= 1) return;
  if (typeof value === 'number') writer.wideBits(value - 2 ** (width - 1), width - 1);
  else writer.bigBits(value - (1n << BigInt(width - 1)), width - 1);
}

/** The inverse of {@link writeWide}; throws BLOCK_MALFORMED when the width is beyond all that can be meant. */
export function readWide(reader: BitReader): ExactInteger {
  const width = reader.bits(WIDTH_BITS);
  if (width <= 1) return width;
  if (width > WIDTH_MAX) throw wireError('BLOCK_MALFORMED', `a number of ${width} bits`);
  if (width <= 53) return 2 ** (width - 1) + reader.wideBits(width - 1);
  return exact((1n << BigInt(width - 1)) | reader.bigBits(width - 1));
}

/** A small non-negative number (below 2^24) in the exponential Golomb code of order 0. */
export function writeCount(writer: BitWriter, value: number): void {
  const width = 32 - Math.clz32(value + 1);
  writer.bits(0, width - 1);
  writer.bits(value + 1, width);
}

const COUNT_MAX_BITS = 24;

/** The inverse of {@link writeCount}. */
export function readCount(reader: BitReader): number {
  let zeros = 0;
  while (reader.bits(1) === 0) {
    zeros++;
    if (zeros >= COUNT_MAX_BITS) throw wireError('BLOCK_MALFORMED', 'a count is too long');
  }
  return (1 << zeros) + reader.bits(zeros) - 1;
}

/** The least k with 2^(k+1) at or above the mean (in sixteenths). */
function parameterOf(mean: number): number {
  return mean <= 32 ? 0 : 27 - Math.clz32(mean - 1);
}

function writeMiss(writer: BitWriter, miss: ExactInteger, k: number): void {
  if (typeof miss === 'number' && miss < SHORT_MAX) {
    const quotient = miss >>> k;
    if (quotient < RICE_ONES) {
      writer.bits((2 << quotient) - 2, quotient + 1);
      writer.bits(miss & ((1 << k) - 1), k);
      return;
    }
    const shifted = miss - (2 << k);
    const width = 32 - Math.clz32(shifted);
    const ones = RICE_ONES + width - (k + 2);
    if (ones < ESCAPE_ONES) {
      writer.bits((2 << ones) - 2, ones + 1);
      writer.wideBits(shifted - 2 ** (width - 1), width - 1);
      return;
    }
  }
  writer.bits((1 << ESCAPE_ONES) - 1, ESCAPE_ONES);
  writeWide(writer, miss);
}

function readMiss(reader: BitReader, k: number): ExactInteger {
  const ones = reader.ones(ESCAPE_ONES);
  if (ones < RICE_ONES) return (ones << k) | reader.bits(k);
  if (ones === ESCAPE_ONES) return readWide(reader);
  const lowBits = k + 1 + ones - RICE_ONES;
  return 2 ** lowBits + reader.wideBits(lowBits) + (2 << k);
}

/** Parameter while only one value of a column is known. */
const FIRST_PARAMETER = 5;

function usesOrder2(column: ColumnState): boolean {
  return column.delta !== null && column.mean2 < column.mean1;
}

function parameterFor(column: ColumnState): number {
  if (column.delta === null) return FIRST_PARAMETER;
  return parameterOf(Math.min(column.mean1, column.mean2));
}

function predictionOf(column: ColumnState): ExactInteger {
  return usesOrder2(column) && column.delta !== null ? addExact(column.value, column.delta) : column.value;
}

function capped(miss: ExactInteger): number {
  return (typeof miss === 'number' && miss < MISS_CAP ? miss : MISS_CAP) << MEAN_SHIFT;
}

function learn(column: ColumnState, value: ExactInteger): void {
  const difference = subtractExact(value, column.value);
  const miss1 = capped(zigzag(difference));
  if (column.delta === null) {
    column.mean1 = miss1;
    column.mean2 = miss1;
  } else {
    const miss2 = capped(zigzag(subtractExact(difference, column.delta)));
    column.mean1 += (miss1 - column.mean1) >> LEARN_SHIFT;
    column.mean2 += (miss2 - column.mean2) >> LEARN_SHIFT;
  }
  column.delta = difference;
  column.value = value;
}

/** A column with its first value, written in full. */
export function writeFirst(writer: BitWriter, value: ExactInteger): ColumnState {
  writeWide(writer, zigzag(value));
  return { value, delta: null, mean1: 0, mean2: 0 };
}

/** The inverse of {@link writeFirst}. */
export function readFirst(reader: BitReader): ColumnState {
  return { value: unzigzag(readWide(reader)), delta: null, mean1: 0, mean2: 0 };
}

/** Writes the next value of a column and changes the column's state (the caller's own copy). */
export function writeNext(writer: BitWriter, column: ColumnState, value: ExactInteger): void {
  writeMiss(writer, zigzag(subtractExact(value, predictionOf(column))), parameterFor(column));
  learn(column, value);
}

/** The inverse of {@link writeNext}: the value, and the column's state changed in the same way. */
export function readNext(reader: BitReader, column: ColumnState): ExactInteger {
  const miss = unzigzag(readMiss(reader, parameterFor(column)));
  const value = addExact(predictionOf(column), miss);
  learn(column, value);
  return value;
}

/** Whether a run of values of this column may be coded as one "still" bit: it stood still before, and cost next to nothing. */
export function mayBeStill(column: ColumnState | null): column is ColumnState {
  return column !== null && column.delta === 0 && column.mean1 < 1 << MEAN_SHIFT;
}

/** Takes `count` repetitions of the last value into the state. */
export function learnStill(column: ColumnState, count: number): void {
  for (let at = 0; at < count; at++) learn(column, column.value);
}
