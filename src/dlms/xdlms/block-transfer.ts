/** General block transfer: any APDU cut into numbered parts (tag E0). The procedure is the session's. */

/** One part. Empty `blockData` is an acknowledgement only. */
export interface GeneralBlockTransfer {
  readonly apdu: 'general-block-transfer';
  readonly lastBlock: boolean;
  readonly streaming: boolean;
  /** Blocks that the sender of this part can take before it must answer, 0 to 63. */
  readonly window: number;
  /** From 1, wraps at 65535. */
  readonly blockNumber: number;
  /** Highest block of the other side received in order. */
  readonly blockNumberAck: number;
  readonly blockData: Uint8Array;
}
