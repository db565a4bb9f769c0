/**
 * Which reading of the standard a peer follows where implementations disagree. Kept by its owner from one association with
 * a meter to the next; what a message proved is remembered, so that the other reading is tried once and not each time.
 */
import { hasCode } from '../../base/errors.ts';
import type { GeneralCipheringAad } from './ciphering.ts';

/** The switches of one peer. */
export interface DialectSwitches {
  /** What general-ciphering authenticates: with its header (default), or without. */
  readonly generalCipheringAad: GeneralCipheringAad;
  /** Whether general-signing signs the length of its content too; default false. */
  readonly signContentLength: boolean;
}

/** The switches as they stand, and as they were learned. */
export class Dialect {
  #switches: DialectSwitches;
  #learned: keyof DialectSwitches | null = null;

  constructor(given: Partial<DialectSwitches> = {}) {
    this.#switches = { generalCipheringAad: 'header', signContentLength: false, ...given };
  }

  /** The switches as they stand. */
  get switches(): DialectSwitches {
    return this.#switches;
  }

  /** The switch that was learned since the last call, told once; null = none. */
  takeLearned(): keyof DialectSwitches | null {
    const learned = this.#learned;
    this.#learned = null;
    return learned;
  }

  /**
   * Runs `open` with the switches as they stand, and when that fails with `code` once more with the named one turned over;
   * a success is remembered. Throws the first error when both fail.
   */
  trying<Result>(
    name: keyof DialectSwitches,
    code: 'SECURITY_TAG' | 'SECURITY_SIGNATURE',
    open: (switches: DialectSwitches) => Result,
  ): Result {
    try {
      return open(this.#switches);
    } catch (error) {
      if (!hasCode(error, code)) throw error;
      const other = turned(this.#switches, name);
      let result: Result;
      try {
        result = open(other);
      } catch {
        throw error;
      }
      this.#switches = other;
      this.#learned = name;
      return result;
    }
  }
}

function turned(switches: DialectSwitches, name: keyof DialectSwitches): DialectSwitches {
  return name === 'signContentLength'
    ? { ...switches, signContentLength: !switches.signContentLength }
    : { ...switches, generalCipheringAad: switches.generalCipheringAad === 'header' ? 'short' : 'header' };
}
