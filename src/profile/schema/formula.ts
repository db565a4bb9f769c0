/**
 * A physical address from a serial number, as a small formula in the profile: `serial % 10000 + 1000`, `serial % 100 + 16`,
 * `17`. Whole numbers, `+ - * / %` with the usual ranks, brackets, and `serial` = the digits of the serial number. Nothing
 * else, so a profile cannot run code.
 */
import { profileError } from '../errors.ts';
import { FORMULA_CHARACTERS_MAX } from '../limits.ts';

/** A parsed formula. */
export interface AddressFormula {
  readonly text: string;
  /** The address of a serial number (its digits count); throws `PROFILE_ADDRESS` when the result is no address. */
  addressOf(serial: string): number;
}

type Evaluate = (serial: bigint) => bigint;

/** Highest address that fits two octets of seven bits. */
const ADDRESS_MAX = 0x3fff;

/** Parses a formula; throws `PROFILE_FORMULA` with the place. */
export function parseFormula(text: string): AddressFormula {
  if (text.length > FORMULA_CHARACTERS_MAX) throw profileError('PROFILE_FORMULA', `${text.length} characters`);
  const tokens = text.match(/\d+|[a-z]+|\S/gi) ?? [];
  const parser = new FormulaParser(tokens, text);
  const evaluate = parser.parse();
  return {
    text,
    addressOf(serial) {
      const digits = serial.replace(/\D/g, '');
      const address = evaluate(BigInt(digits === '' ? '0' : digits));
      if (address < 0n || address > BigInt(ADDRESS_MAX)) {
        throw profileError('PROFILE_ADDRESS', `${text} of serial ${serial} is ${address}`);
      }
      return Number(address);
    },
  };
}

class FormulaParser {
  #at = 0;

  constructor(
    private readonly tokens: readonly string[],
    private readonly text: string,
  ) {}

  parse(): Evaluate {
    const whole = this.#sum(0);
    if (this.#at < this.tokens.length) throw this.#wrong();
    return whole;
  }

  #sum(depth: number): Evaluate {
    let left = this.#product(depth);
    for (let sign = this.#take('+', '-'); sign !== null; sign = this.#take('+', '-')) {
      const [before, right] = [left, this.#product(depth)];
      left = sign === '+' ? (serial) => before(serial) + right(serial) : (serial) => before(serial) - right(serial);
    }
    return left;
  }

  #product(depth: number): Evaluate {
    let left = this.#factor(depth);
    for (let sign = this.#take('*', '/', '%'); sign !== null; sign = this.#take('*', '/', '%')) {
      const [before, right] = [left, this.#factor(depth)];
      left = this.#operation(sign, before, right);
    }
    return left;
  }

  #operation(sign: string, left: Evaluate, right: Evaluate): Evaluate {
    if (sign === '*') return (serial) => left(serial) * right(serial);
    const divisor = (serial: bigint) => {
      const value = right(serial);
      if (value === 0n) throw profileError('PROFILE_ADDRESS', `${this.text} divides by 0`);
      return value;
    };
    return sign === '/' ? (serial) => left(serial) / divisor(serial) : (serial) => left(serial) % divisor(serial);
  }

  #factor(depth: number): Evaluate {
    const token = this.tokens[this.#at++];
    if (token === undefined || depth > FORMULA_CHARACTERS_MAX) throw this.#wrong();
    if (token === 'serial') return (serial) => serial;
    if (/^\d+$/.test(token)) {
      const value = BigInt(token);
      return () => value;
    }
    if (token !== '(') throw this.#wrong();
    const inner = this.#sum(depth + 1);
    if (this.#take(')') === null) throw this.#wrong();
    return inner;
  }

  #take(...wanted: string[]): string | null {
    const token = this.tokens[this.#at];
    if (token === undefined || !wanted.includes(token)) return null;
    this.#at++;
    return token;
  }

  #wrong(): Error {
    return profileError('PROFILE_FORMULA', `'${this.text}' near ${this.tokens[this.#at - 1] ?? 'its end'}`);
  }
}
