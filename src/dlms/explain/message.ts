/** What a whole message says: of a push, its header, body, layout and readings; of anything else, the APDU. */

import { toHex } from '../../base/bytes.ts';
import { reasonOf } from '../../base/errors.ts';
import { notifiedReadings } from '../cosem/notified.ts';
import { isDlmsError } from '../errors.ts';
import { APDU_NESTING_MAX } from '../limits.ts';
import type { Apdu } from '../xdlms/apdu.ts';
import type { CipheredApdu } from '../xdlms/ciphered.ts';
import { decodeApdu } from '../xdlms/codec.ts';
import { shapeOfApdu, shapeOfNotificationHeader } from './apdu-shape.ts';
import { shapeOfData } from './data-shape.ts';
import type { JsonObject } from './json.ts';
import { shapeOfReading } from './reading-shape.ts';

/** Opens a ciphered APDU: the APDU inside, or null when the key is not known. Throws when the tag does not fit. */
export type Opener = (apdu: CipheredApdu) => Uint8Array | null;

/** The JSON form of one whole message. */
export function shapeOfMessage(octets: Uint8Array, apdu: Apdu, open: Opener): JsonObject {
  return { apduHex: toHex(octets), ...contentOf(apdu, open, 0) };
}

function contentOf(apdu: Apdu, open: Opener, depth: number): JsonObject {
  if (apdu.apdu === 'data-notification') {
    const { layout, readings } = notifiedReadings(apdu.body, apdu.taggedDateTime);
    return {
      notification: { apdu: apdu.apdu, ...shapeOfNotificationHeader(apdu) },
      body: shapeOfData(apdu.body),
      layout,
      readings: readings.map(shapeOfReading),
    };
  }
  if (!isCiphered(apdu)) return { apdu: shapeOfApdu(apdu) };
  const { payloadHex: _, ...ciphered } = shapeOfApdu(apdu);
  const plaintext = apdu.apdu === 'general-signing' ? apdu.content : open(apdu);
  if (plaintext === null || depth >= APDU_NESTING_MAX) return { ciphered };
  return { ciphered, plaintextHex: toHex(plaintext), ...innerOf(plaintext, open, depth + 1) };
}

/** What is inside; a key that is wrong and unchecked gives octets that are no APDU, which is said and not thrown. */
function innerOf(plaintext: Uint8Array, open: Opener, depth: number): JsonObject {
  try {
    const { ciphered, ...content } = contentOf(decodeApdu(plaintext), open, depth);
    return ciphered === undefined ? content : { inner: { ciphered, ...content } };
  } catch (error) {
    if (isDlmsError(error)) return { error: reasonOf(error) };
    throw error;
  }
}

function isCiphered(apdu: Apdu): apdu is CipheredApdu {
  return /^(glo|ded|general)-/.test(apdu.apdu) && apdu.apdu !== 'general-block-transfer';
}
