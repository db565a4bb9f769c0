/**
 * Blocks of an image to all meters of a line at once (class 18 method 2, unconfirmed, under the broadcast key): each block is one
 * message that nobody answers. What a meter missed it says in its bitmap, and gets alone; see {@link ImageTransfer}.
 *
 * Everyone who has the broadcast key can send blocks. Nothing else is taken under it, and an image of which a block is another
 * one does not verify: what it can do is make a transfer fail.
 */
import type { ObisCode } from '../cosem/obis.ts';
import { type CipherKeys, sealGeneral } from '../security/ciphering.ts';
import type { CounterSender } from '../security/counters.ts';
import type { SuiteId } from '../security/suite.ts';
import { encodeApdu } from '../xdlms/codec.ts';
import { blockData, IMAGE_METHOD, imageMethod } from './image-object.ts';

/** Who sends, and under what. */
export interface BroadcastSecurity {
  readonly suite: SuiteId;
  /** Our system title: every message carries it. */
  readonly clientTitle: Uint8Array;
  /** With the broadcast key. */
  readonly keys: CipherKeys;
  /** Counter of our messages under the broadcast key, one for all meters that have it. */
  readonly counter: CounterSender;
}

/** An image in blocks, for the image transfer object of the meters. */
export interface BlockSource {
  readonly image: Uint8Array;
  readonly obis: ObisCode;
  /** As the meters want them. */
  readonly blockOctets: number;
}

/** The message of one block, numbered from 0. Throws SECURITY_KEY_MISSING and SECURITY_COUNTER_*. */
export function blockBroadcast(
  { image, obis, blockOctets }: BlockSource,
  number: number,
  { suite, clientTitle, keys, counter }: BroadcastSecurity,
): Uint8Array {
  const block = image.subarray(number * blockOctets, (number + 1) * blockOctets);
  const plaintext = encodeApdu({
    apdu: 'action-request-normal',
    invokeId: 0,
    confirmed: false,
    highPriority: false,
    method: imageMethod(obis, IMAGE_METHOD.blockTransfer),
    parameters: blockData(number, block),
  });
  return encodeApdu(
    sealGeneral(plaintext, {
      suite,
      keys,
      title: clientTitle,
      invocationCounter: counter.take(),
      keySet: 'broadcast',
      authenticated: true,
      encrypted: true,
    }),
  );
}
