/** What a whole message says: of a push, its header, body, layout and readings; of anything else, the APDU. */

import { toHex } from '../../base/bytes.ts';
import { DeltawattError, reasonOf } from '../../base/errors.ts';
import { notifiedReadings } from '../cosem/notified.ts';
import { isDlmsError } from '../errors.ts';
import { APDU_NESTING_MAX } from '../limits.ts';
import { isCipheredApdu } from '../security/ciphering.ts';
import type { Opened } from '../security/gcm.ts';
import type { Apdu } from '../xdlms/apdu.ts';
import type { CipheredApdu } from '../xdlms/ciphered.ts';
import { decodeApdu } from '../xdlms/codec.ts';
import { explainApdu } from './apdu-node.ts';
import { shapeOfApdu, shapeOfNotificationHeader } from './apdu-shape.ts';
import { shapeOfData } from './data-shape.ts';
import type { JsonObject } from './json.ts';
import type { ExplainNode } from './node.ts';
import { leaf } from './node.ts';
import { shapeOfReading } from './reading-shape.ts';

/** Opens a ciphered APDU: the APDU inside, or null when the key is not known. Throws when the tag does not fit. */
export type Opener = (apdu: CipheredApdu) => Opened | null;

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
  if (!isCipheredApdu(apdu)) return { apdu: shapeOfApdu(apdu), ...userInformationOf(apdu, open) };
  const { payloadHex: _, ...ciphered } = shapeOfApdu(apdu);
  const opened = tryOpen(apdu, open);
  if ('error' in opened) return { ciphered, ...opened };
  if (opened.plaintext === null || depth >= APDU_NESTING_MAX) return { ciphered };
  return { ciphered, plaintextHex: toHex(opened.plaintext), ...innerOf(opened.plaintext, open, depth + 1) };
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

/** A ciphered initiate inside an association message, when it could be opened. */
function userInformationOf(apdu: Apdu, open: Opener): JsonObject {
  const inside = cipheredIn(apdu);
  if (inside === null) return {};
  const opened = tryOpen(inside, open);
  if ('error' in opened) return { error: opened.error };
  if (opened.plaintext === null) return {};
  const hex = toHex(opened.plaintext);
  const { apdu: initiate, ...rest } = innerOf(opened.plaintext, open, 1);
  return { userInformationPlaintextHex: hex, userInformationPlaintext: initiate ?? rest };
}

type Attempt = { readonly plaintext: Uint8Array | null; readonly verified: boolean } | { readonly error: string };

function tryOpen(apdu: CipheredApdu, open: Opener): Attempt {
  if (apdu.apdu === 'general-signing') return { plaintext: apdu.content, verified: false };
  try {
    return open(apdu) ?? { plaintext: null, verified: false };
  } catch (error) {
    if (error instanceof DeltawattError) return { error: reasonOf(error) };
    throw error;
  }
}

/** The ciphered APDU that a message is or has as user information, or null. */
function cipheredIn(apdu: Apdu): CipheredApdu | null {
  if (isCipheredApdu(apdu)) return apdu;
  if (!('userInformation' in apdu) || apdu.userInformation === null) return null;
  try {
    const inside = decodeApdu(apdu.userInformation);
    return isCipheredApdu(inside) ? inside : null;
  } catch (error) {
    if (isDlmsError(error)) return null;
    throw error;
  }
}

/** The tree of what a message has inside its ciphering, layer by layer; none when it is plain or cannot be opened. */
export function decipheredNodes(apdu: Apdu, open: Opener, depth = 0): ExplainNode[] {
  const inside = cipheredIn(apdu);
  // A signed content is shown in its place already.
  if (inside === null || inside.apdu === 'general-signing' || depth >= APDU_NESTING_MAX) return [];
  const opened = tryOpen(inside, open);
  if ('error' in opened) return [leaf('message deciphered', null, '', opened.error)];
  if (opened.plaintext === null) return [];
  const checked = opened.verified ? 'tag checked' : 'not authenticated';
  try {
    const inner = explainApdu(opened.plaintext, 0);
    const node = { ...inner.node, name: `message deciphered, ${checked}: ${inner.node.name}` };
    return [node, ...decipheredNodes(inner.apdu, open, depth + 1)];
  } catch (error) {
    if (!isDlmsError(error)) throw error;
    return [leaf('message deciphered', 0, toHex(opened.plaintext), reasonOf(error))];
  }
}
