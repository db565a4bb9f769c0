/** General block transfer: any APDU cut into numbered parts (tag E0). The procedure is the session's. */

import { readOctets, writeOctets } from '../axdr/length.ts';
import type { ApduForm } from './form.ts';
import { form, within } from './form.ts';

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

/** The form of general block transfer. */
export const BLOCK_TRANSFER_FORMS: readonly ApduForm[] = [
  form<GeneralBlockTransfer>(
    0xe0,
    null,
    'general-block-transfer',
    (reader) => {
      const control = reader.u8();
      return {
        lastBlock: (control & 0x80) !== 0,
        streaming: (control & 0x40) !== 0,
        window: control & 0x3f,
        blockNumber: reader.u16(),
        blockNumberAck: reader.u16(),
        blockData: readOctets(reader),
      };
    },
    (writer, apdu) => {
      writer.u8((apdu.lastBlock ? 0x80 : 0) | (apdu.streaming ? 0x40 : 0) | within(apdu.window, 0, 0x3f, 'window'));
      writer.u16(within(apdu.blockNumber, 0, 0xff_ff, 'blockNumber'));
      writer.u16(within(apdu.blockNumberAck, 0, 0xff_ff, 'blockNumberAck'));
      writeOctets(writer, apdu.blockData);
    },
  ),
];
