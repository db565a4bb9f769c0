/** Short addresses of the meters of one G3 network: a meter that joins again gets the one that it had, also after a restart. */
import { PLC_NODES_MAX } from './limits.ts';

/** As they are kept: EUI-64 and short address of each meter, the one that joined last at the end. */
export type G3AddressRows = readonly (readonly [eui64: string, shortAddress: number])[];

/** See the head of the file. Addresses are 1 to {@link PLC_NODES_MAX}. */
export class G3Addresses {
  readonly #byEui = new Map<string, number>();
  readonly #byAddress = new Map<number, string>();

  constructor(rows: G3AddressRows = []) {
    for (const [eui64, shortAddress] of rows) this.tell(eui64, shortAddress);
  }

  get rows(): G3AddressRows {
    return [...this.#byEui];
  }

  /** The address of a meter, or null. */
  of(eui64: string): number | null {
    return this.#byEui.get(eui64) ?? null;
  }

  /** The address of a meter; a new one gets the first that is free. When all are taken, that of the meter that has been there longest goes over. */
  give(eui64: string): number {
    const known = this.#byEui.get(eui64);
    if (known !== undefined) return known;
    let shortAddress = 1;
    while (this.#byAddress.has(shortAddress)) shortAddress++;
    if (shortAddress > PLC_NODES_MAX) shortAddress = this.#byEui.values().next().value ?? 1;
    this.tell(eui64, shortAddress);
    return shortAddress;
  }

  /** The modem says who has an address: whoever had it has none any more. */
  tell(eui64: string, shortAddress: number): void {
    const [before, other] = [this.#byEui.get(eui64), this.#byAddress.get(shortAddress)];
    if (before !== undefined) this.#byAddress.delete(before);
    if (other !== undefined) this.#byEui.delete(other);
    this.#byEui.delete(eui64);
    this.#byEui.set(eui64, shortAddress);
    this.#byAddress.set(shortAddress, eui64);
  }
}
