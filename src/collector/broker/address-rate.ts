/** How often one address may connect. */
import { ADDRESS_CONNECTIONS, ADDRESS_WINDOW_MS, ADDRESSES } from './limits.ts';

/** Counts connections of addresses in windows. */
export class AddressRate {
  readonly #windows = new Map<string, { fromMs: number; count: number }>();
  readonly #most: number;

  constructor(most = ADDRESS_CONNECTIONS) {
    this.#most = most;
  }

  /** Whether the address may connect once more at this monotonic time. */
  take(address: string, nowMs: number): boolean {
    const known = this.#windows.get(address);
    // Written again so that the map's order is that of use, and its first entry the one to forget.
    this.#windows.delete(address);
    const window =
      known !== undefined && nowMs - known.fromMs < ADDRESS_WINDOW_MS ? known : { fromMs: nowMs, count: 0 };
    window.count += 1;
    this.#windows.set(address, window);
    const oldest = this.#windows.keys().next().value;
    if (this.#windows.size > ADDRESSES && oldest !== undefined) this.#windows.delete(oldest);
    return window.count <= this.#most;
  }
}

/** The address of a peer as the host writes it: `10.0.0.5:40112`, `::1:40112`. */
export function addressOf(peer: string): string {
  const end = peer.lastIndexOf(':');
  return end < 0 ? peer : peer.slice(0, end);
}
