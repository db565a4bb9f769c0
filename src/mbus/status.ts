/** The status octet of an M-Bus telegram (EN 13757-3, status field): what a meter says of itself. */

/** A bit of the status octet that an operator is told of. */
export interface MbusStatusBit {
  /** Mask. */
  readonly mask: number;
  /** Word for programs. */
  readonly name: string;
  /** One sentence for people, while it is set. */
  readonly sentence: string;
}

/** Bits of the status octet; bits 0 and 1 speak of the telegram, 5 to 7 are the maker's. */
export const MBUS_STATUS_BITS: readonly MbusStatusBit[] = [
  { mask: 0x04, name: 'battery-low', sentence: 'The battery of the meter is low.' },
  { mask: 0x08, name: 'permanent-error', sentence: 'The meter tells a permanent error: it must be looked at.' },
  { mask: 0x10, name: 'temporary-error', sentence: 'The meter tells a temporary error.' },
];
