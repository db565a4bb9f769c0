/**
 * Exact integers: a JS number while it is within ±(2^53 - 1), otherwise a bigint. The form is canonical, so `===` compares
 * two of them, the common case costs no allocation, and 64-bit values stay exact from the meter to the screen.
 */
export type ExactInteger = number | bigint;

/** The canonical form of a bigint. */
export function exact(value: bigint): ExactInteger {
  return value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value;
}

/** `a - b`, exact. */
export function subtractExact(a: ExactInteger, b: ExactInteger): ExactInteger {
  if (typeof a === 'number' && typeof b === 'number') {
    const difference = a - b;
    if (Number.isSafeInteger(difference)) return difference;
  }
  return exact(BigInt(a) - BigInt(b));
}

/** `a + b`, exact. */
export function addExact(a: ExactInteger, b: ExactInteger): ExactInteger {
  if (typeof a === 'number' && typeof b === 'number') {
    const sum = a + b;
    if (Number.isSafeInteger(sum)) return sum;
  }
  return exact(BigInt(a) + BigInt(b));
}

/** Whether `a` x 10^aExponent equals `b` x 10^bExponent: 500 Wh (500, 0) and 0.5 kWh (5, 2) are the same. */
export function sameScaled(a: ExactInteger, aExponent: number, b: ExactInteger, bExponent: number): boolean {
  if (aExponent === bExponent) return a === b;
  const low = Math.min(aExponent, bExponent);
  return BigInt(a) * 10n ** BigInt(aExponent - low) === BigInt(b) * 10n ** BigInt(bExponent - low);
}

/** Decimal text of `value` x 10^exponent without rounding: (12345, -2) is "123.45", (5, 2) is "500". */
export function decimalText(value: ExactInteger, exponent: number): string {
  const digits = (value < 0 ? -BigInt(value) : BigInt(value)).toString();
  const sign = value < 0 ? '-' : '';
  if (exponent >= 0) return sign + (digits === '0' ? '0' : digits + '0'.repeat(exponent));
  const padded = digits.padStart(1 - exponent, '0');
  return `${sign}${padded.slice(0, exponent)}.${padded.slice(exponent)}`;
}
